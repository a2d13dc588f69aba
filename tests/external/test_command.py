"""The system `command`: any program by a template; a new rival is one block of YAML or one file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from external.world import FAKES, PYTHON, checkout, make, sample, shown, system
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.runner.suite import read_suite, resolve
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.system import SystemPlugin

MAKE = [
    "python",
    "make.py",
    "--image",
    "{image}",
    "--words",
    "{speech}",
    "--seed",
    "{seed}",
    "--out",
    "{out}",
]


def test_template_is_filled_and_the_clip_collected(tmp_path: Path) -> None:
    made_by = system("command", command=MAKE)
    given = sample(tmp_path / "given", speech='Say "no" & go; $HOME')
    ((command, _),) = shown(made_by, [given], tmp_path)
    assert command == (
        "ENV/python make.py --image JOB/media/c0000_a_r0_image.png --words 'Say \"no\" & go; $HOME' --seed 1000 "
        "--out JOB/out/c0000_a_r0.mp4"
    )
    made = make(made_by, [given], tmp_path)
    assert "20 fps" in made.facts[0]["media"]


def test_input_files_by_template_and_a_clip_of_another_name(tmp_path: Path) -> None:
    program = (
        "import json, sys; sys.path.insert(0, '..'); import fake_media; a = json.load(open(sys.argv[1])); "
        "fake_media.clip(a['folder'] + '/random-4711.mp4', a['text'])"
    )
    made_by = system(
        "command", command=["python", "-c", program, "{file.in.json}"], clip="out/*.mp4",
        files={"in.json": '{{"text": {speech:json}, "folder": {out_folder:json}}}'},
    )  # fmt: skip
    made = make(made_by, [sample(tmp_path / "given", speech='a "b" ü')], tmp_path)
    assert made.facts[0]["file"] == "random-4711.mp4"
    assert json.loads((made.folder / "0000" / "in.json").read_text())["text"] == 'a "b" ü'


def test_all_samples_in_one_process_by_a_list_of_jobs(tmp_path: Path) -> None:
    program = (
        "import json, sys; sys.path.insert(0, '..'); import fake_media\n"
        "for line in open(sys.argv[1]):\n"
        "    job = json.loads(line); fake_media.clip(job['out'], job['caption'], job['seed'])"
    )
    made_by = system("command", command=["python", "-c", program, "{jobs}"])
    samples = [sample(tmp_path / "given", name) for name in ("a", "CRASH", "c")]
    made = make(made_by, samples, tmp_path)
    assert sorted(made.facts) == [0, 2] and made.missing[1].reason is Reason.CRASHED
    assert made.processes() == 3


TOUCHES = "import sys; sys.path.insert(0, '..'); import fake_media; fake_media.clip(sys.argv[1], sys.argv[2])"


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/../../b", "a\\b", "a//b", "."])
@pytest.mark.parametrize("word", ["{id}", "{jobs}"])
def test_an_id_that_leads_out_of_the_job_folder_is_refused(tmp_path: Path, name: str, word: str) -> None:
    out = "{out_folder}/{id}.mp4" if word == "{id}" else "{jobs}"
    made_by = system("command", command=["python", "-c", TOUCHES, out, "x"], clip="out/{id}.mp4")
    made = make(made_by, [sample(tmp_path / "given", name)], tmp_path / "run")
    assert "cannot be part of a path: use {name}" in made.missing[0].detail and made.processes() == 0


@pytest.mark.parametrize("name", ["take [1]", "what?*", "verse/0001", "日本"])
def test_an_id_with_characters_of_patterns_finds_its_clip(tmp_path: Path, name: str) -> None:
    command = ["python", "-c", TOUCHES, "{out_folder}/{id}.mp4", "x"]
    made = make(
        system("command", command=command, clip="out/{id}.mp4"), [sample(tmp_path / "g", name)], tmp_path
    )
    assert made.facts[0]["file"] == f"{name.rpartition('/')[2]}.mp4"


def test_a_program_that_writes_into_its_checkout_runs_alone_and_takes_nothing_old(tmp_path: Path) -> None:
    def by(fail: str) -> ExternalSystem:
        command = ["python", "-c", TOUCHES, "results/{name}.mp4", fail]
        return system("command", command=command, clip="{root}/results/*.mp4")

    assert by("").external.alone and not system("command", command=MAKE).external.alone
    given = sample(tmp_path / "given")
    assert 0 in make(by("x"), [given], tmp_path / "first").facts
    assert make(by("NOFILE"), [given], tmp_path / "second").missing[0].reason is Reason.NOT_GENERATED


def test_a_word_of_the_process_alone_keeps_files_of_processes_apart(tmp_path: Path) -> None:
    command = ["python", "-c", TOUCHES, "tokens/{token}.mp4", "x"]
    made_by = system("command", command=command, clip="{root}/tokens/{token}.mp4")
    names = {
        make(made_by, [sample(tmp_path / "g")], tmp_path / run).facts[0]["file"] for run in ("one", "two")
    }
    assert len(names) == 2


@pytest.mark.parametrize(("text", "said"), [("a\0b", "a NUL character"), ("a\ud800b", "half a character")])
def test_texts_that_no_program_can_be_given_are_reasons(tmp_path: Path, text: str, said: str) -> None:
    samples = [
        sample(tmp_path / "given", name, caption=caption) for name, caption in (("a", text), ("b", "Fine."))
    ]
    command = ["python", "-c", TOUCHES, "{out}", "{caption}"]
    made = make(system("command", command=command), samples, tmp_path)
    assert made.missing[0].reason is Reason.NOT_GENERATED and said in made.missing[0].detail
    assert list(made.facts) == [1] and made.processes() == 1
    listed = make(system("ovi", model_name="720x720_5s"), samples, tmp_path / "list")
    assert list(listed.facts) == [1] and said in listed.missing[0].detail


def test_what_a_sample_lacks_is_its_reason(tmp_path: Path) -> None:
    made = make(system("command", command=MAKE), [sample(tmp_path / "given", speech=None)], tmp_path)
    assert made.missing[0].reason is Reason.NO_TRANSCRIPT and made.processes() == 0


def test_a_program_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    made_by = system("command", command=["no-such-program", "{out}"], python=None, root=str(tmp_path))
    made = make(made_by, [sample(tmp_path / "given")], tmp_path)
    assert made.missing[0].reason is Reason.CRASHED and "cannot be started" in made.log()


SUITE: dict[str, Any] = {
    "schema": 1, "name": "mine", "task": "joint", "metrics": ["video.motion"],
    "dataset": {"name": "manifest", "path": str(FAKES / "samples" / "samples.csv")},
}  # fmt: skip


def suite(folder: Path, options: dict[str, Any], use: str = "command", **more: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**SUITE, **more, "systems": [{"use": use, "options": options}]}))
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": ["a", "{speach}"]}, r"unknown placeholder \{speach\}: did you mean \{speech\}\?"),
        ({"command": ["a", "{qqq}"]}, r"unknown placeholder \{qqq\}: known: audio, caption"),
        ({"command": ["a", "{out"]}, "expected '}'"),
        ({"command": ["a", "{out:xml}"]}, r"write \{name\}, \{name:json\}"),
        ({"command": ["a", "{jobs}", "{image}"]}, r"beside \{jobs\} a command has only"),
        ({"command": ["a"], "files": {"x/y": ""}}, "'x/y' is no name of a file"),
        ({"command": ["a"], "files": {"": ""}}, "'' is no name of a file"),
        ({"command": ["a"], "files": {"..": ""}}, "'..' is no name of a file"),
        ({"command": ["a"], "files": {"out": ""}}, "'out' is a name that a job folder has already"),
        ({"command": ["a"], "files": {"log.txt": ""}}, "'log.txt' is a name that a job folder has already"),
        ({"command": ["a"], "files": {"Command.json": ""}}, "'Command.json' is a name that a job folder has"),
        ({"command": []}, "at least 1 item"),
        ({"command": ["a"], "tasks": ["dubbing"]}, "command cannot do joint; it does dubbing"),
        ({"command": ["a"], "env": {"HF_TOKEN": "x"}}, "HF_TOKEN looks like a secret.*pass_env"),
    ],
)  # fmt: skip
def test_a_bad_template_is_one_line_when_the_suite_is_read(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as error:
        resolve(*read_suite(suite(tmp_path, options)))
    assert "mine.yaml:" in str(error.value) and "\n" not in str(error.value)


def test_a_task_that_a_rival_cannot_do_is_refused_when_the_suite_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="latentsync cannot do joint; it does audio_driven"):
        resolve(*read_suite(suite(tmp_path, {}, use="latentsync")))
    without = {k: v for k, v in SUITE.items() if k != "task"}
    path = tmp_path / "open.yaml"
    path.write_text(yaml.safe_dump({**without, "systems": ["latentsync"]}))
    with pytest.raises(InputError, match="latentsync cannot do joint; it does audio_driven"):
        resolve(*read_suite(path))
    with pytest.raises(InputError, match="set text_only: true"):
        resolve(*read_suite(suite(tmp_path, {}, use="javisdit")))


RIVAL = """
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin


def prepare(batch):
    item = batch.only
    words = ("--words", batch.speech(item), "--seed", str(item.seed), "--out", str(batch.out / "clip.mp4"))
    return Launch(("python", "make.py", "--image", str(batch.image(item)), *words), {item.name: "out/clip.mp4"})


PLUGIN = external_plugin(External(
    name="rival", title="a rival of tomorrow", home="some/rival", commit="0000000", dated="2027-01-01",
    licence="MIT", weights_licence="MIT", tasks=(Task.JOINT,), delivers=Delivered(20.0, "1.5 s", "AAC"),
    seed="--seed", memory="none", environment="any", entry="make.py", options=ExternalOptions, prepare=prepare,
))
"""


def test_a_new_rival_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site" / "rival-1.dist-info").mkdir(parents=True)
    (tmp_path / "site" / "rival.py").write_text(RIVAL)
    (tmp_path / "site" / "rival-1.dist-info" / "METADATA").write_text("Name: rival\nVersion: 1\n")
    (tmp_path / "site" / "rival-1.dist-info" / "entry_points.txt").write_text(
        f"[{SYSTEMS}]\nrival = rival:PLUGIN\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load("rival")
    made_by = plugin.make(plugin.options.model_validate({"root": checkout("command"), "python": str(PYTHON)}))
    assert isinstance(made_by, ExternalSystem)
    assert 0 in make(made_by, [sample(tmp_path / "given", task=Task.JOINT)], tmp_path).facts
