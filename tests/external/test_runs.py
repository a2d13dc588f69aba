"""Whole runs of fake checkouts by the command line: scored, compared, reported; killed in a batch and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from external.world import COPY_OF_FAKES, FAKES, PYTHON, checkout, path_with_tests_python
from uniavgen_bench.core.run_files import RunDirectory

EXAMPLE = [
    "--set", f"dataset.path={FAKES / 'samples' / 'samples.csv'}",
    "--set", f"systems.3.options.speech.voice={FAKES / 'samples' / 'voice.wav'}",
    "--set", f"systems.5.options.clips={FAKES / 'finished'}",
]  # fmt: skip


def environment(home: Path) -> dict[str, str]:
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ, "PATH": path_with_tests_python(), "UNIAVGEN_BENCH_HOME": str(home / "home"), "COLUMNS": "160",
        "UNIAVGEN_BENCH_CHECKOUTS": os.environ[COPY_OF_FAKES], "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1",
        "MADE_UP_TOKEN": "do-not-tell",
    }  # fmt: skip


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "uniavgen_bench.cli", *map(str, arguments)]


def bench(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The run of the bundled suite `external_example`."""
    home = tmp_path_factory.mktemp("example")
    done = bench(home, "run", "external_example", *EXAMPLE, "--out", "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    yield home / "run"


def test_every_system_of_the_example_has_its_clips_and_says_what_they_are_like(example: Path) -> None:
    run = RunDirectory(example)
    table = run.scores()
    assert table.reason.eq("").all(), table[table.reason.ne("")]
    assert table.groupby("system")["sample"].nunique().eq(3).all()
    media = run.manifest().media
    assert media["ovi"].startswith("3 clips: 24 fps, 64x64, sound 16000 Hz")
    assert media["uniavgen"].startswith("3 clips: 16 fps") and media["by-template"].startswith(
        "3 clips: 20 fps"
    )
    assert list(media) == ["uniavgen", "ovi", "javisdit", "f5-tts-wav2lip", "by-template", "finished"]
    delivered = {r.system: r.delivered for r in run.clips()}
    assert "nothing resampled, cut or padded" in delivered["ovi"] and delivered["finished"] == ""
    assert "the speech: delivered pcm_s16le 24000 Hz" in delivered["f5-tts-wav2lip"]


def test_example_is_compared_and_reported(example: Path) -> None:
    stats = RunDirectory(example).stats()
    assert stats is not None and stats.block.baseline == "uniavgen" and stats.family == 5
    page = (example / "report" / "index.html").read_text()
    assert all(
        name in page for name in ("uniavgen", "ovi", "javisdit", "f5-tts-wav2lip", "by-template", "finished")
    )


def test_logs_commands_and_inputs_are_kept_and_secrets_are_not(example: Path) -> None:
    job = example / "jobs" / "ovi" / "0000"
    assert {p.name for p in job.iterdir()} == {
        "command.json", "log.txt", "prompts.csv", "result.json", "run.yaml"
    }  # fmt: skip
    told = json.loads((job / "command.json").read_text())
    assert told["arguments"][1:3] == ["inference.py", "--config-file"] and "PATH" in told["passed"]
    assert json.loads((job / "result.json").read_text())["status"] == 0
    texts = [
        p.read_text(errors="replace")
        for p in example.rglob("*")
        if p.suffix in {".json", ".txt", ".yaml", ".html"}
    ]
    assert not any("do-not-tell" in text for text in texts)
    assert not [p for p in (example.parent / "tmp").glob("uniavgen-bench-*") if p.is_dir()]


def test_the_same_command_again_makes_nothing_anew(example: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (example / "clips").rglob("*.mp4")}
    done = bench(example.parent, "run", "external_example", *EXAMPLE, "--out", "run", "--workers", 1)
    assert done.returncode == 0 and "3 clips of an earlier run are kept" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in (example / "clips").rglob("*.mp4")} == before


def slow_suite(folder: Path) -> Path:
    shared = {"task": "joint", "image": "anna.png", "speech": "Words."}
    rows = [{"sample": f"s{i}", "caption": f"Take {i}.", **shared} for i in range(4)]
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "anna.png").write_bytes((FAKES / "samples" / "anna.png").read_bytes())
    suite = {
        "schema": 1, "name": "slow", "task": "joint", "dataset": {"name": "manifest", "path": "samples.jsonl"},
        "systems": [{"use": "ovi", "options": {
            "root": str(checkout("ovi")), "python": str(PYTHON), "model_name": "720x720_5s",
            "env": {"FAKE_SECONDS": "3"},
        }}],
        "metrics": ["video.motion"],
    }  # fmt: skip
    (folder / "slow.yaml").write_text(yaml.safe_dump(suite))
    return folder / "slow.yaml"


def running(mark: str) -> list[str]:
    """Command lines of living processes that hold a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


def wait_for(what: object, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="living processes are looked up in /proc")
def test_killed_in_the_middle_of_a_batch_it_goes_on_with_what_is_left(tmp_path: Path) -> None:
    suite = slow_suite(tmp_path)
    arguments = ["run", suite, "--out", "run", "--workers", 1]
    driver = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(tmp_path), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    clips = tmp_path / "run" / "clips"
    assert wait_for(lambda: list(clips.rglob("0.json")), 120), "no clip was taken while the batch ran"
    kept = {p: p.stat().st_mtime_ns for p in clips.rglob("0.mp4") if p.with_suffix(".json").exists()}
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    assert 1 <= len(kept) < 4
    assert wait_for(lambda: not running("inference.py --config-file " + str(tmp_path)), 20), (
        "it outlives its driver"
    )
    done = bench(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(kept)} clips of an earlier run are kept" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert RunDirectory(tmp_path / "run").scores().reason.eq("").all()
    assert len(list((tmp_path / "run" / "jobs" / "ovi").glob("[0-9]*"))) == 2
