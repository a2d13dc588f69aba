"""Damage in the store and several runs on one store change no result."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pandas as pd
from faults.kills import METRICS, rows
from runner.conftest import Bench

from uniavgen_bench.core.run_events import read_entries
from uniavgen_bench.core.store import DIGEST, Store
from uniavgen_bench.core.store_verify import verify_store

FOREIGN = (
    b"", b"{}", b"[1]", b'{"scores": 3}', bytes(40),
    b'{"scores": {}, "evidence": {"curves": [], "texts": {}}, "seconds": 0}',
)  # fmt: skip
QUICK = "toy.loudness,toy.brightness"


def damage(path: Path, rng: random.Random) -> None:
    """Cut an entry off, change a byte, empty it, or put a sound entry with foreign content in its place."""
    entry = bytearray(path.read_bytes())
    kind = rng.randrange(4)
    if kind == 0:
        path.write_bytes(entry[: rng.randrange(len(entry))])
    elif kind == 1:
        entry[rng.randrange(len(entry))] ^= 1 << rng.randrange(8)
        path.write_bytes(entry)
    elif kind == 2:
        path.write_bytes(b"")
    else:
        key = path.parent.name + path.name
        Store(path.parent.parent).put(key, rng.choice(FOREIGN))


def test_damaged_entries_are_made_anew_and_change_nothing(bench: Bench, clips: Path) -> None:
    first = rows(bench.score(clips, QUICK.split(",")))
    store, rng = Store(bench.home / "store"), random.Random(4)
    before = {key: path.read_bytes() for key, path in store.entries()}
    for key in before:
        damage(store.path(key), rng)
    told = bench("store", "verify")
    assert told.returncode == 1 and "damaged" in told.stdout and "Traceback" not in told.stderr
    pd.testing.assert_frame_equal(rows(bench.score(clips, QUICK.split(","))), first)
    assert verify_store(store.root).damaged == ()
    assert all(store.path(key).stat().st_size > DIGEST for key in before)


def test_verify_repairs_and_gc_keeps_what_a_run_used(bench: Bench, clips: Path) -> None:
    run = bench.score(clips, ["toy.loudness"])
    store = Store(bench.home / "store")
    keys = [key for key, _ in store.entries()]
    assert set(keys) == read_entries(run)
    store.path(keys[0]).write_bytes(b"")
    repaired = bench("store", "verify", "--repair")
    assert repaired.returncode == 0 and "removed" in repaired.stdout
    assert [key for key, _ in store.entries()] == keys[1:]
    store.put("f" * 64, b"of no run")
    kept = bench("store", "gc", run, "--delete", "--json")
    assert kept.returncode == 0, kept.stderr
    assert {key for key, _ in store.entries()} == {*keys[1:], "f" * 64}, "it is younger than an hour"
    assert bench("store", "gc", bench.folder).returncode == 2


def test_two_runs_on_one_store_at_once_are_both_right(bench: Bench, clips: Path) -> None:
    def start(out: str) -> subprocess.Popen[bytes]:
        command = bench.command(
            "score", clips, "--metrics", METRICS, "--controls", "none", "--workers", 2, "--out", out
        )
        return subprocess.Popen(
            command,
            cwd=bench.folder,
            env=bench.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    both = [start("one"), start("two")]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    pd.testing.assert_frame_equal(rows(bench.folder / "one"), rows(bench.folder / "two"))
    assert verify_store(bench.home / "store").damaged == ()
    assert not [p for p in (bench.home / "store").rglob(".*") if p.is_file()]
