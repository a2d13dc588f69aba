"""Several processes of one system at once, each with its own devices: the clips do not depend on how many there are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from external.test_cascades import cascade
from external.test_processes import alive, soon
from external.test_runs import bench, command, environment
from external.world import FAKES, PYTHON, jobs, make, sample, system
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.external.plugin import ExternalSystem

PROGRAM = """
import json, os, pathlib, sys, time

def there(pattern, count, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len(list(place.glob(pattern))) >= count:
            return True
        time.sleep(0.05)
    return False

def make(word, out):
    told = f"{word}|{os.path.basename(out)}".encode()  # a box that players skip: each clip has bytes of its own
    box = (8 + len(told)).to_bytes(4, "big") + b"free" + told
    pathlib.Path(out).write_bytes((place / "ready.mp4").read_bytes() + box)

place = pathlib.Path(sys.argv[1])
devices = os.environ.get("CUDA_VISIBLE_DEVICES", "")
if sys.argv[2].endswith(".jsonl"):
    rows = [json.loads(line) for line in open(sys.argv[2])]
    asked = [(row["speech"], row["out"]) for row in rows]
else:
    asked = [(sys.argv[2], sys.argv[3])]
for word, out in asked:
    note = place / f"{word}.note"
    note.write_text(json.dumps([devices, os.getpid()]))
    note.replace(place / f"{word}.begun")  # whole, or not there
    BODY
    make(word, out)
    (place / f"{word}.ended").touch()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder in which the programs leave notes, with a clip for them to hand out."""
    folder = tmp_path / "place"
    folder.mkdir()
    tone = (0.2 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)).astype(np.float32)
    write_clip(folder / "ready.mp4", [np.full((32, 32, 3), 90, np.uint8)] * 16, 16, tone, 16_000)
    return folder


def words(place: Path, body: str, *, many: bool = False) -> list[str]:
    """The command of a program that does `body` before it makes a clip."""
    program = PROGRAM.replace("BODY", body.replace("\n", "\n    "))
    given = ["{jobs}"] if many else ["{speech}", "{out}"]
    return ["python", "-c", program.replace("{", "{{").replace("}", "}}"), str(place), *given]


def program(place: Path, body: str = "pass", *, many: bool = False, **options: Any) -> ExternalSystem:
    return system("command", command=words(place, body, many=many), **options)


def spoken(folder: Path, said: Sequence[str]) -> list[Sample]:
    return [sample(folder / "given", word, speech=word) for word in said]


def used(place: Path) -> dict[str, str]:
    """By word, the devices that the process saw which made its clip."""
    return {path.stem: json.loads(path.read_text())[0] for path in place.glob("*.begun")}


def pids(place: Path) -> list[int]:
    return [json.loads(path.read_text())[1] for path in place.glob("*.begun")]


@pytest.mark.parametrize(("at_once", "seconds", "meet"), [(2, 60, True), (1, 2, False)])
def test_two_processes_run_at_the_same_time_each_on_its_own_devices(
    tmp_path: Path, place: Path, at_once: int, seconds: int, meet: bool
) -> None:
    body = f"if not there('*.begun', 2, {seconds}): sys.exit(f'{{word}} is alone')"
    made_by = program(place, body, devices=[4, 5, 6, 7], at_once=at_once)
    made = make(made_by, spoken(tmp_path, ["one", "two"]), tmp_path)
    if not meet:  # what comes first is alone, so that meeting proves something
        assert "one is alone" in str(made.missing[0]) and used(place)["one"] == "4,5,6,7"
        return
    assert sorted(made.facts) == [0, 1]
    assert sorted(used(place).values()) == ["4,5", "6,7"]
    told = [json.loads((made.folder / number / "command.json").read_text()) for number in ("0000", "0001")]
    assert sorted(t["set"]["CUDA_VISIBLE_DEVICES"] for t in told) == ["4,5", "6,7"]
    assert [len(t["items"]) for t in told] == [1, 1]
    assert all((made.folder / number / "log.txt").is_file() for number in ("0000", "0001"))


def test_a_slow_slot_holds_no_other_back(tmp_path: Path, place: Path) -> None:
    body = "if word == 'slow' and not there('*.ended', 3): sys.exit('the others wait for it')"
    made_by = program(place, body, devices=[0, 1], at_once="auto")
    made = make(made_by, spoken(tmp_path, ["slow", "a", "b", "c"]), tmp_path)
    assert sorted(made.facts) == [0, 1, 2, 3]
    by_device = Counter(used(place).values())
    assert by_device[used(place)["slow"]] == 1 and sorted(by_device.values()) == [1, 3]


def test_clips_are_the_same_in_whatever_order_they_come(tmp_path: Path, place: Path) -> None:
    body = "if word == 'a': there('b.ended', 1); time.sleep(1)"
    seen = []
    for at_once, waits in ((1, "pass"), (3, body)):
        made_by = program(place, waits, at_once=at_once)
        made = make(made_by, spoken(tmp_path, ["a", "b", "c"]), tmp_path / str(at_once))
        seen.append([out.read_bytes() for out in made.outs])
        if at_once == 3:
            assert next(iter(made.facts)) != 0, "a waited for b"
    assert seen[0] == seen[1] and len(set(seen[0])) == 3


def test_a_broken_gpu_ends_its_slot_and_takes_few_clips_along(tmp_path: Path, place: Path) -> None:
    body = (
        "if devices == '1':\n    (place / f'{word}.failed').touch(); sys.exit('CUDA error')\n"
        "there('*.failed', 2)"
    )
    made_by = program(place, body, devices=[0, 1], at_once=2, give_up=2)
    made = make(made_by, spoken(tmp_path, ["a", "b", "c", "d", "e"]), tmp_path)
    assert len(made.facts) == 3 and len(made.missing) == 2
    said = [str(missing) for missing in made.missing.values()]
    assert all("it ended with status 1: CUDA error" in text for text in said)
    ended = "the slot of devices 1 is given up after 2 processes in a row without a clip"
    assert [ended in text for text in said] == [False, True]


def test_when_every_slot_is_given_up_the_rest_is_not_tried(tmp_path: Path, place: Path) -> None:
    made_by = program(place, "sys.exit('no')", at_once=2, give_up=2)
    made = make(made_by, spoken(tmp_path, list("abcdef")), tmp_path)
    assert len(made.missing) == 6 and made.processes() == 4
    untried = [str(m) for m in made.missing.values() if "not tried" in str(m)]
    assert len(untried) == 2
    assert all(
        "not tried: 2 processes in a row in each of 2 slots made no clip; the last: " in u for u in untried
    )


def test_a_crash_in_a_batch_costs_one_clip(tmp_path: Path, place: Path) -> None:
    made_by = program(place, "if word == 'bad': sys.exit(1)", many=True, batch=2, devices=[0, 1], at_once=2)
    made = make(made_by, spoken(tmp_path, ["a", "b", "bad", "d"]), tmp_path)
    assert sorted(made.missing) == [2]
    numbers = sorted(path.name for path in made.folder.iterdir())
    assert numbers == ["0000", "0001", "0002", "0003"]
    items = [json.loads((made.folder / n / "command.json").read_text())["items"] for n in numbers]
    assert sorted(len(i) for i in items) == [1, 1, 2, 2]


def test_halves_of_a_batch_are_tried_at_once_though_nothing_waited_before(
    tmp_path: Path, place: Path
) -> None:
    body = (
        "if not (place / 'crashed').exists():\n    (place / 'crashed').touch(); sys.exit(1)\n"
        "(place / f'{word}.again').touch()\nif not there('*.again', 2): sys.exit('alone')"
    )
    made_by = program(place, body, many=True, batch=2, devices=[0, 1], at_once=2)
    made = make(made_by, spoken(tmp_path, ["a", "b"]), tmp_path)
    assert sorted(made.facts) == [0, 1] and made.processes() == 3
    assert sorted(used(place).values()) == ["0", "1"]


def test_an_error_of_the_driver_ends_all_processes_and_is_its_error(tmp_path: Path, place: Path) -> None:
    body = "if word != 'a': time.sleep(300)\nthere('*.begun', 3)"

    def full(index: int, missing: object, facts: object) -> None:
        raise OSError(28, "No space left on device")

    made_by = program(place, body, at_once=3, timeout=600)
    began = time.monotonic()
    with pytest.raises(OSError, match="No space left"):
        made_by.generate_many(jobs(spoken(tmp_path, ["a", "b", "c", "d"]), tmp_path), tmp_path / "jobs", full)
    assert time.monotonic() - began < 100, "it waited for the others"
    assert len(pids(place)) == 3 and not any(alive(pid) for pid in pids(place))


def test_ctrl_c_ends_all_processes(tmp_path: Path, place: Path) -> None:
    told: list[int] = []

    def interrupt() -> None:
        if soon(lambda: len(pids(place)) == 2, 60):
            os.kill(os.getpid(), signal.SIGINT)

    def done(index: int, missing: object, facts: object) -> None:
        told.append(index)

    made_by = program(place, "time.sleep(600)", at_once=2, timeout=90)
    pressing = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            made_by.generate_many(jobs(spoken(tmp_path, ["a", "b", "c"]), tmp_path), tmp_path / "jobs", done)
    finally:
        pressing.join()
        signal.signal(signal.SIGINT, before)
    assert len(pids(place)) == 2 and not any(alive(pid) for pid in pids(place)) and not told


def suite_of(tmp_path: Path, place: Path, body: str, **options: Any) -> Path:
    """A suite of five samples and one system."""
    rows = [{"sample": w, "task": "joint", "image": "anna.png", "caption": w, "speech": w}
            for w in ("a", "b", "c", "d", "e")]  # fmt: skip
    shutil.copyfile(FAKES / "samples" / "anna.png", tmp_path / "anna.png")
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = {"root": str(place), "python": str(PYTHON), "command": words(place, body), **options}
    suite = {
        "schema": 1, "name": "side", "task": "joint", "dataset": {"name": "manifest", "path": "samples.jsonl"},
        "systems": [{"id": "mine", "use": "command", "options": given}], "metrics": ["video.motion"],
    }  # fmt: skip
    (tmp_path / "side.yaml").write_text(yaml.safe_dump(suite))
    return tmp_path / "side.yaml"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="living processes are looked up in /proc")
def test_killed_it_leaves_no_process_and_goes_on_with_any_number_at_once(tmp_path: Path, place: Path) -> None:
    body = "if word in 'cde' and not (place / 'go').exists(): time.sleep(600)"
    suite = suite_of(tmp_path, place, body, at_once=2)
    arguments = ["run", suite, "--out", "run", "--workers", 1]
    driver = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(tmp_path), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=(tmp_path / "said").open("w"),
    )  # fmt: skip
    clips = tmp_path / "run" / "clips" / "mine"
    halfway = soon(lambda: len(list(clips.rglob("0.json"))) == 2 and len(pids(place)) == 4, 100)
    assert halfway, (tmp_path / "said").read_text()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert soon(lambda: not any(alive(pid) for pid in pids(place)), 30), "a process outlives its driver"
    kept = {p: p.stat().st_mtime_ns for p in clips.rglob("0.mp4")}
    assert {p.parent.name for p in kept} == {"a", "b"}
    (place / "go").touch()
    done = bench(tmp_path, *arguments, "--set", "systems.0.options.at_once=3")
    assert done.returncode == 0, done.stderr
    assert "2 clips of an earlier run are kept" in done.stderr and "anew" not in done.stderr
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert RunDirectory(tmp_path / "run").scores().reason.eq("").all()
    numbers = sorted(p.name for p in (tmp_path / "run" / "jobs" / "mine").glob("[0-9]*"))
    assert numbers == [f"{n:04d}" for n in range(7)]  # two made, two killed, three anew


def test_both_stages_of_a_cascade_run_side_by_side(tmp_path: Path) -> None:
    made_by = cascade("musetalk", speech={"at_once": 2}, video={"at_once": 2, "devices": [0, 1]})
    samples = [sample(tmp_path / "given", name) for name in ("a", "b")]
    made = make(made_by, samples, tmp_path)
    assert sorted(made.facts) == [0, 1]
    for stage in ("speech", "video"):
        assert len(list((made.folder / stage).glob("[0-9][0-9][0-9][0-9]"))) == 2
