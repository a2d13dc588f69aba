"""`systems doctor` and `systems list` tell of missing, old, changed and good checkouts, and of what would run."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from external.world import FAKES, PYTHON
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.runner.system_commands import systems_app
from uniavgen_bench.systems.catalogue import state
from uniavgen_bench.systems.external import ovi
from uniavgen_bench.systems.external.checkout import commit_of, process_environment
from uniavgen_bench.systems.external.doctor import Check, commit_check, examine
from uniavgen_bench.systems.external.external import External, ExternalOptions
from uniavgen_bench.systems.external.gpu_memory import GpuWatch
from uniavgen_bench.systems.external.hunyuanvideo_avatar import EXTERNAL as HUNYUAN
from uniavgen_bench.systems.external.mova import EXTERNAL as MOVA
from uniavgen_bench.systems.external.omniavatar import EXTERNAL as OMNIAVATAR
from uniavgen_bench.systems.external.ovi import EXTERNAL as OVI
from uniavgen_bench.systems.external.ovi import OviOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.wan22_s2v import EXTERNAL as WAN
from uniavgen_bench.systems.system import SystemPlugin

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [*GIT, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout of the fake Ovi with two commits."""
    root = tmp_path / "ovi"
    shutil.copytree(FAKES / "ovi", root)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    (root / "new.txt").write_text("new")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "second")
    return root


def states(root: Path | None, **options: object) -> dict[str, Check]:
    given = OviOptions.model_validate({"root": root, "python": str(PYTHON), **options})
    return {check.name: check for check in examine(OVI, given)}


def test_missing_checkout_and_wrong_folder_say_where_to_get_it(tmp_path: Path) -> None:
    for root, said in (
        (tmp_path / "none", "there is no folder"),
        (tmp_path, "is no checkout of character-ai/Ovi"),
    ):
        checks = states(root)
        assert checks["checkout"].state == "bad" and said in checks["checkout"].text and len(checks) == 1
    assert "clone github.com/character-ai/Ovi" in states(None)["checkout"].text


def test_commit_is_known_newer_older_changed_or_strange(checkout: Path) -> None:
    first, second = git(checkout, "rev-parse", "HEAD~1"), git(checkout, "rev-parse", "HEAD")
    assert commit_check(replace(OVI, commit=second[:7]), checkout) == Check(
        "commit", "ok", f"{second[:7]}, as known"
    )
    assert "newer than the known commit" in commit_check(replace(OVI, commit=first[:7]), checkout).text
    assert "not the known commit" in commit_check(OVI, checkout).text
    (checkout / "inference.py").write_text("changed")
    changed = commit_check(replace(OVI, commit=second[:7]), checkout)
    assert changed.state == "note" and "files were changed" in changed.text
    git(checkout, "checkout", "-q", "-f", first)
    assert "older than the known commit" in commit_check(replace(OVI, commit=second[:7]), checkout).text
    assert str(commit_of(FAKES / "ovi")) == "not a git checkout"


def made_up_modules(folder: Path) -> str:
    """A folder that has all modules that Ovi needs, by name."""
    for name in OVI.modules:
        (folder / "modules" / name).mkdir(parents=True, exist_ok=True)
        (folder / "modules" / name / "__init__.py").touch()
    return str(folder / "modules")


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("missing", 1, "there is no folder"),
        ("wrong", 1, "is no checkout of character-ai/Ovi"),
        ("old", 0, "is older than the known commit"),
        ("changed", 0, "as known; files were changed"),
        ("good", 0, "as known"),
        ("no weights", 1, "not there: ./ckpts"),
    ],
)
def test_doctor_ends_with_a_status(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: int, said: str
) -> None:
    monkeypatch.setattr(
        ovi, "PLUGIN", external_plugin(replace(OVI, commit=git(checkout, "rev-parse", "HEAD")[:7]))
    )
    monkeypatch.setattr("uniavgen_bench.systems.external.doctor.gpu_rows", lambda *_: [])
    root = {"missing": checkout / "none", "wrong": checkout.parent}.get(kind, checkout)
    if kind == "old":
        git(checkout, "checkout", "-q", "HEAD~1")
    if kind == "changed":
        (checkout / "sitecustomize.py").write_text("x = 1")
    if kind == "no weights":
        shutil.rmtree(checkout / "ckpts")
    arguments = ["doctor", "ovi", "--json", "--set", f"root={root}", "--set", f"python={PYTHON}",
                 "--set", f"env.PYTHONPATH={made_up_modules(checkout.parent)}"]  # fmt: skip
    done = CliRunner().invoke(systems_app, arguments)
    told = json.loads(done.output)
    assert said in " ".join(c["text"] for c in told["checks"])
    assert done.exit_code == code, told
    assert bool(told["commands"]) is (kind not in ("missing", "wrong"))


def test_doctor_of_a_program_that_is_no_python(tmp_path: Path) -> None:
    program = tmp_path / "make"
    program.write_text("#!/bin/sh\n")

    def doctor(word: str) -> tuple[int, str]:
        arguments = [
            "doctor",
            "command",
            "--set",
            f"root={tmp_path}",
            "--set",
            f'command=[{word}, "{{out}}"]',
        ]
        done = CliRunner().invoke(systems_app, arguments)
        return done.exit_code, done.output

    assert doctor("./make")[0] == 1 and "there is no program ./make" in doctor("./make")[1]
    program.chmod(0o755)
    assert doctor("./make")[0] == 0 and doctor("ls")[0] == 0
    assert doctor("no-such-program")[0] == 1


def test_settings_that_exclude_each_other_are_one_line() -> None:
    arguments = ["doctor", "ovi", "--set", "root=2", "--set", "root.x=1"]
    done = CliRunner().invoke(systems_app, arguments)
    assert isinstance(done.exception, InputError)
    assert "root was set to 2, so root.x cannot be set" in str(done.exception)


def test_environment_and_weights(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = states(checkout, python="/no/python")["environment"]
    assert bad.state == "bad" and "there is no interpreter /no/python" in bad.text
    assert (
        "lacks" in states(checkout)["environment"].text
        and "omegaconf" in states(checkout)["environment"].text
    )
    good = states(checkout, env={"PYTHONPATH": made_up_modules(checkout.parent)})["environment"]
    assert good.state == "ok" and "with torch, transformers, omegaconf, moviepy" in good.text
    shutil.rmtree(checkout / "ckpts")
    assert states(checkout)["weights"].text.startswith("not there: ./ckpts")


def nvidia_smi(folder: Path, total: int) -> Path:
    program = folder / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\ncase "$1" in *name*) echo \'Made Up GPU, ' + str(total) + ", 1000';; *) echo 812;; esac\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_gpu_memory_is_compared_with_what_is_stated(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert states(checkout)["gpu"].state == "note"
    nvidia_smi(tmp_path / "bin", 24_000)
    assert states(checkout)["gpu"].state == "bad" and "80 GB" in states(checkout)["gpu"].text
    assert states(checkout, cpu_offload=True)["gpu"].state == "bad"
    assert states(checkout, qint8=True)["gpu"].state == "ok"
    assert states(checkout, fp8=True, model_name="720x720_5s")["gpu"].state == "ok"
    nvidia_smi(tmp_path / "bin", 33_000)
    assert states(checkout)["gpu"].state == "bad" and states(checkout, cpu_offload=True)["gpu"].state == "ok"
    nvidia_smi(tmp_path / "bin", 81_000)
    assert states(checkout)["gpu"].state == "ok"
    assert GpuWatch(()).facts() == {"peak_gpu_mib": 812, "gpu_mib_before": 812}


def test_doctor_prints_the_exact_command_and_its_inputs(checkout: Path) -> None:
    arguments = ["doctor", "ovi", "--set", f"root={checkout}", "--set", f"python={PYTHON}"]
    done = CliRunner().invoke(systems_app, arguments)
    assert done.exit_code == 1 and "lacks" in done.output
    assert (
        f"{PYTHON} inference.py --config-file " in done.output and "#   text_prompt,image_path" in done.output
    )
    told = json.loads(CliRunner().invoke(systems_app, [*arguments, "--json"]).output)
    assert told["commands"]["joint"][0]["cwd"] == str(checkout)


def test_doctor_of_a_cascade_looks_at_both_checkouts() -> None:
    arguments = [
        "doctor", "f5-tts-wav2lip", "--json", "--set", f"speech.root={FAKES / 'f5-tts'}",
        "--set", f"speech.python={PYTHON}", "--set", f"video.root={FAKES / 'wav2lip'}",
        "--set", f"video.python={PYTHON}",
        "--set", f"speech.voice={FAKES / 'samples' / 'voice.wav'}", "--set", "speech.voice_text=Good evening.",
    ]  # fmt: skip
    told = json.loads(CliRunner().invoke(systems_app, arguments).output)
    assert [c["text"] for c in told["checks"] if c["name"] == "checkout"] == [
        str(FAKES / "f5-tts"), str(FAKES / "wav2lip")
    ]  # fmt: skip
    assert len(told["commands"]["joint"]) == 2


def test_dry_run_prints_every_process_of_a_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIAVGEN_BENCH_CHECKOUTS", str(FAKES))
    settings = [
        f"dataset.path={FAKES / 'samples' / 'samples.csv'}", f"systems.5.options.clips={FAKES / 'finished'}",
        f"systems.3.options.speech.voice={FAKES / 'samples' / 'voice.wav'}",
    ]  # fmt: skip
    arguments = [word for setting in settings for word in ("--set", setting)]
    told = json.loads(
        CliRunner()
        .invoke(systems_app, ["doctor", "--dry-run", "external_example", "--json", *arguments])
        .output
    )
    assert {name: len(found) for name, found in told.items()} == {
        "uniavgen": 1, "ovi": 1, "javisdit": 3, "f5-tts-wav2lip": 4, "by-template": 3
    }  # fmt: skip


def test_list_tells_which_checkouts_are_here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIAVGEN_BENCH_CHECKOUTS", str(checkout.parent))
    rows = json.loads(CliRunner().invoke(systems_app, ["list", "--json"]).output)["systems"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["ovi"]["state"].startswith("checkout ") and "known is 5b69b25" in by_name["ovi"]["state"]
    assert by_name["latentsync"]["state"] == "no checkout here" and by_name["latentsync"]["fps"] == "25"
    assert by_name["ground-truth"]["state"] == "built in"
    assert by_name["f5-tts-wav2lip"]["state"] == "no checkout here"
    assert "CC BY-NC" in by_name["ovi"]["licence"] and by_name["uniavgen"]["tasks"] == [
        "joint", "joint_ref_audio", "audio_driven", "dubbing"
    ]  # fmt: skip


def test_list_tells_of_both_checkouts_of_a_cascade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIAVGEN_BENCH_CHECKOUTS", str(tmp_path))
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load("f5-tts-wav2lip")
    shutil.copytree(FAKES / "wav2lip", tmp_path / "wav2lip")
    assert state(plugin).startswith(
        "f5-tts: no checkout here; wav2lip: checkout not a git checkout, known is "
    )
    shutil.copytree(FAKES / "f5-tts", tmp_path / "f5-tts")
    assert state(plugin).startswith(
        "f5-tts: checkout not a git checkout, known is 2ae2c9b; wav2lip: checkout "
    )


@pytest.mark.parametrize(
    ("external", "options", "gib"),
    [
        (MOVA, {}, 48), (MOVA, {"offload": "group"}, 12), (MOVA, {"offload": "none"}, None),
        (WAN, {}, 80), (WAN, {"devices": [0, 1]}, None), (HUNYUAN, {}, 24), (HUNYUAN, {"image_size": 256}, None),
        (OMNIAVATAR, {}, 36), (OMNIAVATAR, {"hp": {"num_persistent_param_in_dit": "0"}}, None),
        (OMNIAVATAR, {"size": "1.3B"}, None),
    ],
)  # fmt: skip
def test_memory_is_stated_for_the_options(
    external: External, options: dict[str, object], gib: float | None
) -> None:
    assert external.gpu_gib(external.options.model_validate(options)) == gib


def test_only_named_variables_reach_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "SOME_OTHER"):
        monkeypatch.setenv(name, "do-not-tell")
    plain = process_environment(ExternalOptions(), {}, tmp_path)
    assert "do-not-tell" not in plain.values() and "PATH" in plain
    chosen = ExternalOptions(pass_env=("HF_TOKEN",), env={"A": "b"}, devices=(3, 1))
    told = process_environment(chosen, {"A": "own", "C": "d"}, tmp_path)
    assert told["HF_TOKEN"] == "do-not-tell" and told["A"] == "b" and told["C"] == "d"
    assert told["CUDA_VISIBLE_DEVICES"] == "3,1" and "AWS_SECRET_ACCESS_KEY" not in told


def test_a_run_without_its_checkout_is_refused_before_anything_is_computed() -> None:
    from external.world import system

    with pytest.raises(
        InputError, match=r"ovi: there is no folder /no/ovi \(clone github.com/character-ai/Ovi"
    ):
        system("ovi", root="/no/ovi").ready([])
    with pytest.raises(InputError, match="ovi: the Python of its environment is not named"):
        system("ovi", python=None).ready([])
