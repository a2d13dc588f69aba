"""How far a run is can be told from its folder, whatever state it is in and whatever happened to its log."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from runner.conftest import Bench

from uniavgen_bench.core.atomic import held
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_events import ENTRIES_FILE, EVENTS_FILE, EventFile, RunEvent, read_entries
from uniavgen_bench.core.terminal import SafeConsole
from uniavgen_bench.runner.event_log import AppendedFile, private
from uniavgen_bench.runner.run_folder import LOCK, locked
from uniavgen_bench.runner.run_status import run_status
from uniavgen_bench.runner.status_show import drawn, show_status, span

MANIFEST = {
    "suite": "s", "status": "running", "command": "", "plan_sha256": "p", "version": "0", "code_sha256": "c",
    "started": "2026-01-01T00:00:00+00:00", "environment": {}, "device": "cpu", "workers": 2, "systems": [],
    "metrics": [],
}  # fmt: skip


def event(what: str, elapsed: float = 0.0, **more: object) -> str:
    return json.dumps({"time": "2026-01-01T00:00:00.000+00:00", "elapsed": elapsed, "what": what, **more})


def clip(sample: int, elapsed: float, what: str = "done", system: str = "A", **more: object) -> str:
    about = {"stage": "score", "system": system, "sample": f"{sample}", "repeat": 0, "seconds": 1.0}
    return event(what, elapsed, **(about | more))


def begin(planned: int = 10, plan: str = "p", system: str = "A", stage: str = "score") -> list[str]:
    return [event("started", plan=plan), event("planned", stage=stage, system=system, count=planned)]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has a manifest and says that it goes on."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return folder


def write(run: Path, lines: list[str], end: str = "\n") -> None:
    (run / EVENTS_FILE).write_text("\n".join(lines) + end)


def shown(run: Path) -> str:
    console = Console(width=160, record=True, file=(run / "shown").open("w"))
    console.print(drawn(run_status(run)))
    return console.export_text()


def test_a_run_that_goes_on_has_a_pace_and_a_time_left(run: Path) -> None:
    write(run, begin() + [clip(i, 20 + 2.0 * i) for i in range(4)])
    with locked(run):
        status = run_status(run)
        assert "12 s left" in shown(run)
    assert (status.state, status.alive) == ("running", True)
    (row,) = status.stages
    assert (row.planned, row.done, row.missing, row.to_do) == (10, 4, 0, 6)
    assert row.pace == pytest.approx(2.0), "the 20 s of the start are no pace"
    assert status.eta == pytest.approx(12.0)


def test_a_system_that_has_not_begun_shows_no_pace_and_is_expected_to_take_as_long_as_the_others(
    run: Path,
) -> None:
    write(run, begin() + begin(5, system="B")[1:] + [clip(i, 20 + 2.0 * i) for i in range(4)])
    with locked(run):
        one, other = run_status(run).stages
    assert (one.pace, other.pace) == (pytest.approx(2.0), None)
    assert other.eta == pytest.approx(10.0)


def test_a_killed_run_is_told_from_one_that_was_stopped_or_failed(run: Path) -> None:
    write(run, [*begin(), clip(0, 1.0)])
    assert run_status(run).state == "killed"
    assert run_status(run).eta is None
    for what in ("stopped", "failed"):
        write(run, [*begin(), clip(0, 1.0), event(what, 2.0, reason="the disk is full")])
        assert run_status(run).state == what
    assert run_status(run).failure == "the disk is full"
    (run / EVENTS_FILE).unlink()
    assert run_status(run).state == "incomplete"


def test_clips_of_an_earlier_session_are_kept_and_cost_nothing_in_the_time_left(run: Path) -> None:
    earlier = begin() + [clip(i, 100.0 * i) for i in range(6)]
    now = begin() + [clip(i, 10.0 + 0.01 * i) for i in range(5)]
    write(run, earlier + now)
    with locked(run):
        status = run_status(run)
    (row,) = status.stages
    assert (status.sessions, row.done, row.to_do, row.kept) == (2, 5, 5, 1)
    assert row.eta is None, "no clip of this session was new: its pace is not known"
    write(run, [*earlier, *now, clip(5, 11.0), clip(6, 14.0), clip(7, 17.0)])
    with locked(run):
        assert run_status(run).eta == pytest.approx(2 * 3.0)


def test_another_plan_in_the_same_folder_begins_anew(run: Path) -> None:
    write(run, begin(plan="old") + [clip(i, 1.0) for i in range(10)] + begin(4))
    (row,) = run_status(run).stages
    assert (row.planned, row.done, row.kept) == (4, 0, 0)


def test_missing_clips_are_counted_with_their_reasons(run: Path) -> None:
    write(run, begin() + [clip(i, 1.0, "missing", reason="no_face") for i in range(3)] + [clip(3, 2.0)])
    (row,) = run_status(run).stages
    assert (row.done, row.missing, row.to_do, row.reasons) == (1, 3, 6, {"no_face": 3})
    assert "3 no_face" in shown(run)


def test_making_in_the_worker_that_scores_is_not_counted_twice_in_the_time_left(run: Path) -> None:
    plans = [
        event("planned", stage=stage, system=s, count=4) for s in "AB" for stage in ("generate", "score")
    ]
    made = [clip(i, 5.0 + 2.0 * i, stage=stage) for i in range(3) for stage in ("score", "generate")]
    write(run, [event("started", plan="p"), *plans, *made])
    with locked(run):
        status = run_status(run)
    assert [(s.system, s.stage, s.done, s.with_score) for s in status.stages] == [
        ("A", "generate", 3, True), ("A", "score", 3, False), ("B", "generate", 0, True), ("B", "score", 0, False),
    ]  # fmt: skip
    assert status.eta == pytest.approx(5 * 2.0)


def test_making_in_a_stage_of_its_own_comes_before_scoring_in_the_time_left(run: Path) -> None:
    plans = [
        event("planned", stage=stage, system=s, count=3) for s in "AB" for stage in ("generate", "score")
    ]
    made = [clip(i, 60.0 * i, stage="generate", seconds=None) for i in range(3)]
    write(run, [event("started", plan="p"), *plans, *made])
    with locked(run):
        status = run_status(run)
    assert [s.eta for s in status.stages] == [0.0, None, pytest.approx(180.0), None]
    assert status.eta is None, "nothing is scored yet"


def test_a_clip_told_twice_counts_once(run: Path) -> None:
    write(run, [*begin(), clip(0, 1.0), clip(0, 2.0)])
    assert run_status(run).stages[0].done == 1


@settings(max_examples=60)
@given(data=st.data())
def test_a_log_cut_anywhere_is_read_up_to_its_last_whole_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / EVENTS_FILE
    lines = begin() + [clip(i, float(i)) for i in range(4)]
    whole = ("\n".join(lines) + "\n").encode()
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:at])
    events = EventFile(path)
    assert len(list(events)) == whole[:at].count(b"\n")
    assert events.damaged == 0
    log = AppendedFile(path, lambda text: None)
    log.append([clip(9, 9.0)])
    log.close()
    assert list(events)[-1].sample == "9", "what is written after a torn line can be read"
    assert events.damaged <= 1


@settings(max_examples=60)
@given(junk=st.lists(st.binary(max_size=80), max_size=8))
def test_damaged_lines_are_counted_and_harm_no_other(
    tmp_path_factory: pytest.TempPathFactory, junk: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    good = [line.encode() for line in [*begin(), clip(0, 1.0)]]
    lines = [good[0], *junk, good[1], *junk, good[2]]
    (folder / EVENTS_FILE).write_bytes(b"\n".join(lines) + b"\n")
    status = run_status(folder)
    assert status.stages[0].done == 1
    if any(part.strip() for line in junk for part in line.split(b"\n")):
        assert any("damaged" in problem for problem in status.problems)


def test_events_of_a_later_version_are_read() -> None:
    read = RunEvent.model_validate_json(event("done", 1.0, colour="blue"))
    assert read.what == "done"


@pytest.mark.parametrize("said", ["not a time", "2026-01-01T00:00:00", "9999-12-31T23:59:59+00:00"])
def test_times_that_cannot_be_are_no_error(run: Path, said: str) -> None:
    write(run, [json.dumps(json.loads(line) | {"time": said}) for line in [*begin(), clip(0, 1.0)]])
    last = run_status(run).last
    assert last is not None and last.age == 0.0
    shown(run)


def test_what_is_no_run_is_one_line(tmp_path: Path, run: Path) -> None:
    for wrong in (tmp_path / "none", tmp_path, run / "manifest.json"):
        with pytest.raises(InputError) as raised:
            run_status(wrong)
        assert "\n" not in str(raised.value)
    (run / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        run_status(run)
    with pytest.raises(InputError, match="does not tell"):
        read_entries(run)
    (run / ENTRIES_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read_entries(run)


def test_finished_run_whose_results_are_damaged_says_so(run: Path) -> None:
    (run / "manifest.json").write_text(json.dumps(MANIFEST | {"status": "complete", "finished": "x"}))
    (run / "clips.jsonl").write_text("")
    (run / "scores.parquet").write_bytes(b"PAR1 no")
    status = run_status(run)
    assert status.state == "complete"
    assert any("scores.parquet cannot be read" in problem for problem in status.problems)


@pytest.mark.parametrize("name", [EVENTS_FILE, LOCK, ENTRIES_FILE])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "circle"])
def test_what_is_no_file_is_not_waited_for(run: Path, name: str, kind: str) -> None:
    """In a process of its own: opening a pipe would hold this one for ever."""
    odd = run / name
    match kind:
        case "pipe":
            os.mkfifo(odd)
        case "device":
            odd.symlink_to("/dev/zero")
        case "folder":
            odd.mkdir()
        case _:
            odd.symlink_to(name)
    command = ["status", run] if name != ENTRIES_FILE else ["store", "gc", run]
    done = subprocess.run(
        [sys.executable, "-m", "uniavgen_bench.cli", *map(str, command)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "UNIAVGEN_BENCH_HOME": str(run / "home")},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if name == LOCK else 2), done.stderr
    if name != LOCK:
        assert done.stderr.count("cannot be read") == 1 and name in done.stderr.replace("\n", "")


def test_a_log_without_line_ends_or_without_end_is_not_read_into_memory(run: Path) -> None:
    good = "\n".join(begin()) + "\n"
    with (run / EVENTS_FILE).open("wb") as log:
        log.write(good.encode())
        log.truncate(300 << 20)
        log.seek(0, os.SEEK_END)
        log.write(f"\n{clip(0, 1.0)}\n".encode())
    tracemalloc.start()
    status = run_status(run)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 << 20
    assert status.stages[0].done == 1 and "1 damaged lines" in status.problems[0]
    (run / ENTRIES_FILE).write_bytes(bytes(1 << 20))
    with pytest.raises(InputError, match="is no key"):
        read_entries(run)
    for name, read in ((EVENTS_FILE, run_status), (ENTRIES_FILE, read_entries)):
        with (run / name).open("r+b") as log:
            log.truncate(3 << 40 if name == EVENTS_FILE else 3 << 30)
        with pytest.raises(InputError, match="is larger than"):
            read(run)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e308", "-5", '"x"'])
@pytest.mark.parametrize("key", ["elapsed", "seconds", "count"])
def test_numbers_that_cannot_be_are_damage(run: Path, key: str, number: str) -> None:
    wrong = clip(1, 2.0, count=1).replace(
        f'"{key}": {json.loads(clip(1, 2.0, count=1))[key]}', f'"{key}": {number}'
    )
    assert number in wrong
    write(run, [*begin(), clip(0, 1.0), wrong])
    status = run_status(run)
    assert status.stages[0].done == 1 and "1 damaged lines" in status.problems[0]
    shown(run)
    manifest = json.dumps(MANIFEST | {"seconds": 1.0}).replace("1.0", number)
    if number not in ('"x"', "-5"):
        (run / EVENTS_FILE).unlink()
        (run / "manifest.json").write_text(manifest)
        shown(run)


HOSTILE = "A\x1b]0;owned\x07\x1b[2J\x9b2J\u202eB"


def test_no_text_of_a_run_steers_the_terminal(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = run.rename(run.with_name(f"run{HOSTILE}"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = [*begin(system=HOSTILE), clip(0, 1.0, "missing", system=HOSTILE, reason=HOSTILE)]
    write(named, [*lines, event("note", 2.0, text=HOSTILE), event("started", plan=HOSTILE)])
    show_status(named, json=False)
    table = capsys.readouterr().out
    show_status(named, json=True)
    told = capsys.readouterr().out
    for text in (re.sub("\x1b\\[[0-9;]*m", "", table), told):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), repr(text)
    assert "owned" in table and json.loads(told)["run"] == str(named)


def test_the_console_of_a_run_lets_no_control_character_through() -> None:
    console = SafeConsole(file=io.StringIO(), force_terminal=True, width=60)
    console.print(Text(HOSTILE), HOSTILE, f"[red]{HOSTILE}[/]", style="bold")
    assert isinstance(console.file, io.StringIO)
    text = re.sub("\x1b\\[[0-9;]*m", "", console.file.getvalue())
    assert text.count("owned") == 3 and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_looking_does_not_keep_a_driver_out(run: Path) -> None:
    """Many look while drivers begin, and one of them is slow."""
    write(run, begin())
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            held(run / LOCK)

    def look_slowly() -> None:
        with (run / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            looking.set()
            over.wait(0.3)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    with locked(run):
        assert run_status(run).alive is True
    for looker in lookers:
        looker.start()
    try:
        for _ in range(50):
            with locked(run):
                assert held(run / LOCK) is True
    finally:
        over.set()
        for looker in lookers:
            looker.join()
    assert run_status(run).alive is False
    over, looking = threading.Event(), threading.Event()
    slow = threading.Thread(target=look_slowly)
    slow.start()
    assert looking.wait(10)
    with locked(run):
        assert run_status(run).alive is True
    slow.join()


def test_a_second_driver_is_refused(run: Path) -> None:
    write(run, begin())
    with locked(run), pytest.raises(InputError, match="another process"), locked(run):
        pass


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("making 3 clips (logs: jobs/ovi)", "making 3 clips (logs: jobs/ovi)"),
        ("/home/someone/private/model.safetensors: no such file", "…/model.safetensors: no such file"),
        ("s3://bucket/folder does not answer", "s3://bucket/folder does not answer"),
        ("file:///home/someone/store cannot be read", "file:…/store cannot be read"),
        ("C:\\Users\\someone\\model.pt is damaged", "…/model.pt is damaged"),
        ("key hf_abcdefghijklmnopqrstuvwx refused", "key [secret] refused"),
        ("A/s0: crashed; log: jobs/mine/0000/log.txt", "A/s0: crashed; log: jobs/mine/0000/log.txt"),
    ],
)
def test_log_has_no_folders_of_the_host_and_no_secrets(text: str, kept: str) -> None:
    assert private(text) == kept


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (65, "1 min 05 s"), (7260, "2 h 01 min"), (180_000, "2 d 2 h"), (None, "-")],
)
def test_spans_of_time(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_json_and_watch_exclude_each_other(run: Path) -> None:
    from uniavgen_bench.runner.status_command import status

    with pytest.raises(InputError, match="leave one out"):
        status(run, json=True, watch=True)


def test_command_tells_of_a_run_and_of_its_end(bench: Bench, clips: Path) -> None:
    run = bench.score(clips, ["toy.loudness", "toy.raise"])
    told = bench("status", run, "--json")
    assert told.returncode == 0, told.stderr
    status = json.loads(told.stdout)
    assert status["state"] == "complete" and status["alive"] is False and status["problems"] == []
    assert [(s["system"], s["stage"], s["planned"], s["done"]) for s in status["stages"]] == [
        ("A", "score", 3, 3),
        ("B", "score", 3, 3),
    ]
    watched = bench("status", run, "--watch")
    assert watched.returncode == 0 and "complete" in watched.stdout
    text = (run / EVENTS_FILE).read_text()
    assert str(bench.folder) not in text, "no path of the host"
    assert json.loads(text.splitlines()[-1])["what"] == "complete"
    wrong = bench("status", bench.folder)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and "is not a run" in wrong.stderr
    (run / EVENTS_FILE).unlink()
    old = json.loads(bench("status", run, "--json").stdout)
    assert [(s["system"], s["done"]) for s in old["stages"]] == [("A", 3), ("B", 3)]
    assert any("no events.jsonl" in problem for problem in old["problems"])
