"""A process of an external system: its log, its end with all children, what is kept of a batch, and when to give up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from external.world import make, sample, system
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Reason
from uniavgen_bench.systems.external.batch import item_name
from uniavgen_bench.systems.external.external import ExternalOptions
from uniavgen_bench.systems.external.plugin import scratch_folder
from uniavgen_bench.systems.external.process import run_process

CHILDREN = """
import os, subprocess, sys, time
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf])
open(sys.argv[1], "w").write(str(child.pid))
print("started", flush=True)
time.sleep(600)
"""


def never(gpu: object) -> bool:
    return False


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def soon(what: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="living processes are looked up in /proc")
def test_a_stalled_process_ends_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = [sys.executable, "-c", CHILDREN, str(pid)]
    ended = run_process(command, tmp_path, dict(os.environ), tmp_path / "log", never, 8.0)
    assert ended.stalled and ended.status is None and ended.seconds < 60
    assert pid.is_file() and soon(lambda: not alive(int(pid.read_text())))
    assert (tmp_path / "log").read_text() == "started\n"


WORKER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
APART = f"""
import os, pathlib, signal, subprocess, sys, time
place = pathlib.Path(sys.argv[1])
subprocess.Popen([sys.executable, "-c", {WORKER!r}, str(place)], start_new_session=True)
while not (place.is_file() and place.read_text()):
    time.sleep(0.05)
match sys.argv[2]:
    case "hangs":
        time.sleep(600)
    case "kills its supervisor":
        place.with_name("job").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="living processes are looked up in /proc")
@pytest.mark.parametrize("how", ["hangs", "ends", "kills its supervisor"])
def test_a_deaf_worker_in_a_session_of_its_own_ends_with_its_job(tmp_path: Path, how: str) -> None:
    pid = tmp_path / "pid"
    command = [sys.executable, "-c", APART, str(pid), how]
    patience = 5.0 if how == "hangs" else 60.0
    ended = run_process(command, tmp_path, dict(os.environ), tmp_path / "log", never, patience)
    assert ended.stalled == (how == "hangs") and ended.status == (0 if how == "ends" else None)
    assert not alive(int(pid.read_text()))
    if how == "kills its supervisor":
        assert ended.seconds < 40 and soon(lambda: not alive(int((tmp_path / "job").read_text())))


def test_arguments_that_no_program_can_be_given_are_told_in_the_log(tmp_path: Path) -> None:
    ended = run_process([sys.executable, "-c", "a\0b"], tmp_path, {}, tmp_path / "log", never, 30.0)
    assert ended.status == 127 and "cannot be started: embedded null byte" in (tmp_path / "log").read_text()


def test_progress_keeps_a_slow_process_alive(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(5); raise SystemExit(7)"]
    ended = run_process(command, tmp_path, {}, tmp_path / "log", lambda gpu: True, 2.0)
    assert ended.status == 7 and not ended.stalled


def test_output_without_newlines_and_of_any_bytes_is_kept(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff\\r50%\\r100%')"]
    assert run_process(command, tmp_path, {}, tmp_path / "log", never, 30.0).status == 0
    assert (tmp_path / "log").read_bytes() == b"\xff\r50%\r100%"


def test_a_crash_in_the_middle_keeps_what_was_finished_and_finds_the_one_at_fault(tmp_path: Path) -> None:
    names = ["a", "b", "CRASH", "d", "e", "f"]
    made = make(system("ovi", model_name="720x720_5s"), [sample(tmp_path / "g", n) for n in names], tmp_path)
    assert sorted(made.missing) == [2]
    assert "out of memory" in str(made.missing[2]) and made.processes() <= 5


def test_a_hang_costs_only_the_sample_that_hangs(tmp_path: Path) -> None:
    made_by = system("ovi", model_name="720x720_5s", timeout=12)
    made = make(made_by, [sample(tmp_path / "g", n) for n in ("a", "HANG")], tmp_path)
    assert made.missing[1].reason is Reason.TIMEOUT and 0 in made.facts


def test_errors_that_are_caught_and_printed_are_reasons(tmp_path: Path) -> None:
    from uniavgen_bench.core.sample import Task

    samples = [sample(tmp_path / "g", n, Task.AUDIO_DRIVEN) for n in ("a", "noface", "c")]
    made = make(system("musetalk"), samples, tmp_path)
    assert sorted(made.facts) == [0, 2] and made.missing[1].reason is Reason.NOT_GENERATED
    assert "no face in the image" in made.log(0)


def test_a_system_that_never_makes_a_clip_is_given_up(tmp_path: Path) -> None:
    made_by = system("ovi", model_name="720x720_5s", env={"FAKE_FAIL": "CRASH"}, give_up=2)
    made = make(made_by, [sample(tmp_path / "g", str(i)) for i in range(8)], tmp_path)
    assert len(made.missing) == 8 and made.processes() == 2
    assert any("not tried: 2 processes in a row made no clip" in str(m) for m in made.missing.values())


def test_two_samples_never_share_a_file(tmp_path: Path) -> None:
    program = (
        "import json, sys; sys.path.insert(0, '..'); import fake_media\n"
        "for line in open(sys.argv[1]):\n"
        "    job = json.loads(line); fake_media.clip(job['out_folder'] + '/same.mp4', job['caption'])"
    )
    made_by = system("command", command=["python", "-c", program, "{jobs}"], clip="out/same.mp4")
    made = make(made_by, [sample(tmp_path / "g", n) for n in ("a", "b")], tmp_path)
    assert sorted(made.facts) == [0, 1] and made.processes() == 3
    assert made.outs[0].read_bytes() != made.outs[1].read_bytes()


def test_names_of_items_are_safe_and_no_numbers() -> None:
    names = [item_name(7, text, 1) for text in ("001", "a b/c.d", "'; rm -rf ~ \"", "日本", "x" * 300)]
    assert names[:2] == ["c0007_001_r1", "c0007_a_b_c_d_r1"] and names[3] == "c0007_clip_r1"
    assert all(name.replace("_", "").isalnum() and name.isascii() and len(name) < 50 for name in names)


def test_a_scratch_folder_with_odd_characters_is_refused(tmp_path: Path) -> None:
    odd = tmp_path / "a b.c"
    odd.mkdir()
    with (
        pytest.raises(InputError, match=r"some systems cannot read .*set options\.scratch"),
        scratch_folder(ExternalOptions(scratch=odd), tmp_path),
    ):
        pass
