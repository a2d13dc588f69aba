"""A disk that is full or read-only ends a run with one line, and what was scored before is kept."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from faults.kills import rows
from runner.conftest import Bench, make_clip

from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.store import Store
from uniavgen_bench.runner.event_log import AppendedFile

Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Makes a small disk of a size such as `64k`; skips where that is not allowed."""
    mounted: list[Path] = []

    def make(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        try:
            allowed = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            allowed = False
        if not allowed:
            pytest.skip("mounting a small file system is not allowed here")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", folder], check=False)


def one_line(stderr: str) -> str:
    """Return the error; fails when there is a traceback or more than one."""
    assert "Traceback" not in stderr
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, stderr
    return errors[0]


def test_run_folder_on_a_full_disk_is_one_line_and_the_run_goes_on_elsewhere(
    bench: Bench, clips: Path, disk: Disk
) -> None:
    small = disk("96k")
    arguments = ["score", clips, "--metrics", "toy.loudness", "--controls", "none"]
    full = bench(*arguments, "--out", small / "out")
    assert full.returncode == 2
    assert "No space left" in one_line(full.stderr)
    told = bench("status", small / "out")
    assert told.returncode == 0, told.stderr
    elsewhere = bench(*arguments, "--out", "out")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert len(rows(bench.folder / "out")) == 6


def test_disk_that_fills_up_in_the_middle_keeps_what_was_scored(
    bench: Bench, clips: Path, disk: Disk
) -> None:
    for i in range(8):
        make_clip(clips / "D" / f"{i}.mp4", hertz=100 + i, seconds=2)
    home = disk("128k")
    small = Bench(bench.plugins, home, bench.folder)
    arguments = [
        "score",
        clips,
        "--metrics",
        "toy.brightness",
        "--controls",
        "none",
        "--out",
        "out",
        "--workers",
        1,
    ]
    full = small(*arguments)
    assert full.returncode == 2
    assert "No space left" in one_line(full.stderr)
    kept = sum(1 for _ in Store(home / "store").entries())
    assert kept > 0 and small("store", "verify").returncode == 0
    subprocess.run(["mount", "-o", "remount,size=64m", home], check=True)
    done = small(*arguments)
    assert done.returncode == 0, done.stderr
    other = Bench(bench.plugins, bench.folder / "other-home", bench.folder)
    plain = other(*arguments[:-3], "plain")
    assert plain.returncode == 0, plain.stderr
    pd.testing.assert_frame_equal(rows(bench.folder / "out"), rows(bench.folder / "plain"))


def test_read_only_folders_are_one_line(bench: Bench, clips: Path, disk: Disk) -> None:
    home, out = disk("8m"), disk("8m")
    arguments = ["score", clips, "--metrics", "toy.loudness", "--controls", "none", "--out"]
    small = Bench(bench.plugins, home, bench.folder)
    assert small(*arguments, out / "run").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", out], check=True)
    refused = small(*arguments, out / "run")
    assert refused.returncode == 2 and "cannot be written" in one_line(refused.stderr)
    assert small("status", out / "run").returncode == 0, "what is only read needs no writing"
    subprocess.run(["mount", "-o", "remount,ro", home], check=True)
    refused = small(*arguments, "run2")
    assert refused.returncode == 2 and "UNIAVGEN_BENCH_HOME" in one_line(refused.stderr)
    assert small("store", "verify").returncode == 0
    assert small("store", "gc", "--older-than", "0").returncode == 0


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_store_of_another_user_says_that_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refused(self: Path, mode: str = "r", *more: object) -> object:
        raise OSError(code, os.strerror(code), str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(OSError, match="no permission") as raised:
        Store(tmp_path).put(sha256_json("x"), b"x")
    assert raised.value.errno == errno.EROFS


def test_damaged_entry_on_a_read_only_disk_is_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key = Store(tmp_path), sha256_json("x")
    store.put(key, b"x")
    store.path(key).write_bytes(b"damaged")

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    assert store.get(key) is None


def test_log_that_cannot_be_written_is_told_once_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    log = AppendedFile(tmp_path / "events.jsonl", told.append)
    log.append(["first"])

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.append(["second"])
    log.append(["third"])
    assert len(told) == 1 and "No space left" in told[0]
    assert (tmp_path / "events.jsonl").read_text() == "first\n"
