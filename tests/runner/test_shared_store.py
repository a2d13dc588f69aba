"""Runs with stores of their own share results through an address; what happens there ends no run."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from runner.conftest import Bench, make_clip
from webhdfs_server import PASSWORD, USER, FileServer

from uniavgen_bench.core.remote_address import VARIABLE, read_address
from uniavgen_bench.core.remote_care import verify_remote
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.store import Store

METRICS = "toy.loudness,toy.brightness"
SECRETS = (PASSWORD, PASSWORD.replace("/", "%2F").replace("+", "%2B"), f"{USER}:")


@pytest.fixture
def server() -> Iterator[FileServer]:
    pytest.importorskip("requests", reason="fsspec's webhdfs needs requests")
    made = FileServer()
    yield made
    made.stop()


def another(bench: Bench, name: str) -> Bench:
    """The command line with another home, in the same folder."""
    return Bench(bench.plugins, bench.folder / name, bench.folder)


def rows(run: Path) -> pd.DataFrame:
    return RunDirectory(run).scores().drop(columns="seconds")


def keys(home: Path) -> set[str]:
    return {key for key, _ in Store(home / "store").entries()}


def shown(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def score(
    bench: Bench, clips: Path, out: str, *more: object, metrics: str = METRICS
) -> subprocess.CompletedProcess[str]:
    return bench("score", clips, "--metrics", metrics, "--controls", "none", "--out", out, *more)


def test_runs_of_two_homes_share_and_the_second_computes_nothing(
    bench: Bench, clips: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = score(bench, clips, "one", "--workers", 2, "--store", server.url)
    assert first.returncode == 0, first.stderr
    written = server.writes
    assert len(server.files) == written == len(keys(bench.home)) > 12
    monkeypatch.setenv(VARIABLE, server.url)
    second = another(bench, "other-home")
    done = score(second, clips, "two")
    assert done.returncode == 0, done.stderr
    assert server.writes == written and keys(second.home) < keys(bench.home), "scores alone were asked for"
    pd.testing.assert_frame_equal(rows(bench.folder / "one"), rows(bench.folder / "two"))
    texts = [p.read_bytes() for run in ("one", "two") for p in (bench.folder / run).rglob("*") if p.is_file()]
    said = shown(first) + shown(done)
    assert texts and "note" not in said
    for secret in SECRETS:
        assert secret not in said and not any(secret.encode() in text for text in texts)
    manifest = RunDirectory(bench.folder / "one").manifest()
    assert "--store webhdfs://[secret]@127.0.0.1" in manifest.command
    assert (manifest.executor, manifest.workers) == ("local", 2)


def test_entries_that_are_damaged_there_are_made_anew_and_change_nothing(
    bench: Bench, clips: Path, tmp_path: Path
) -> None:
    """By a folder that is named as an address."""
    shared = f"file://{tmp_path}/shared store"
    assert score(bench, clips, "one", "--store", shared).returncode == 0
    there, rng = Store(tmp_path / "shared store"), random.Random(3)
    before = {key: path.read_bytes() for key, path in there.entries()}
    for key, entry in before.items():
        there.path(key).write_bytes(entry[: rng.randrange(len(entry))])
    assert len(verify_remote(read_address(shared)).damaged) == len(before)
    done = score(another(bench, "other"), clips, "two", "--store", shared)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(rows(tmp_path / "one"), rows(tmp_path / "two"))
    assert verify_remote(read_address(shared)).damaged == ()
    assert {key for key, _ in there.entries()} == set(before)


def test_a_server_that_goes_away_in_the_middle_is_told_once_and_costs_no_row(
    bench: Bench, clips: Path, server: FileServer
) -> None:
    for i in range(6):
        make_clip(clips / "C" / f"{i}.mp4", hertz=700 + i)
    command = bench.command(
        "score", clips, "--metrics", f"toy.slow,{METRICS}", "--controls", "none", "--out", "out", "--workers", 2,
        "--store", server.url,
    )  # fmt: skip
    running = subprocess.Popen(
        command, cwd=bench.folder, env=bench.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while len(server.files) < 10 and running.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    server.stop()
    assert running.poll() is None, "the run was over before the server went away"
    _, said = running.communicate(timeout=200)
    assert running.returncode == 0, said
    assert " ".join(said.split()).count("cannot be written") == 1 and not any(s in said for s in SECRETS)
    assert "[secret]@127.0.0.1" in "".join(said.split())
    log = (bench.folder / "out" / "events.jsonl").read_text()
    assert "cannot be written" in log and not any(secret in log for secret in SECRETS)
    alone = another(bench, "alone")
    assert score(alone, clips, "plain", metrics=f"toy.slow,{METRICS}").returncode == 0
    pd.testing.assert_frame_equal(rows(bench.folder / "out"), rows(bench.folder / "plain"))
    assert keys(bench.home) == keys(alone.home)


def test_a_server_that_never_answers_costs_no_score(bench: Bench, clips: Path) -> None:
    pytest.importorskip("requests", reason="fsspec's webhdfs needs requests")
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        address = f"webhdfs://me:letmein@127.0.0.1:{silent.getsockname()[1]}/x"
        done = score(bench, clips, "out", "--store", address, "--timeout", 30, "--workers", 2)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert said.count("does not answer") == 1 and "letmein" not in said
    assert "does not answer" in (bench.folder / "out" / "events.jsonl").read_text()
    assert score(another(bench, "alone"), clips, "plain").returncode == 0
    pd.testing.assert_frame_equal(rows(bench.folder / "out"), rows(bench.folder / "plain"))
    assert rows(bench.folder / "out")["value"].notna().all()


@pytest.mark.parametrize(
    ("command", "address", "said"),
    [
        ("score clips", "memry://x", "unknown protocol 'memry' (did you mean 'memory'?)"),
        ("score clips", __file__, "cannot be a folder: there is a file"),
        ("score clips", "", "--store is empty"),
        ("validate --dataset none", "gdrive://me:letmein@x", "gdrive://[secret]@x: a package is missing"),
    ],
)
def test_an_address_that_cannot_be_used_ends_the_command_before_anything_is_written(
    bench: Bench, clips: Path, command: str, address: str, said: str
) -> None:
    done = bench(*command.split(), "--metrics", "toy.loudness", "--out", "out", "--store", address)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert said in " ".join(done.stderr.split()) and "letmein" not in shown(done)
    assert not (bench.folder / "out").exists()


def test_verify_and_gc_over_a_server_print_no_password_and_leave_it_alone_unless_named(
    bench: Bench, clips: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert score(bench, clips, "one", "--store", server.url).returncode == 0
    for path in server.files:
        server.files[path] = (server.files[path][0], time.time() - 86_400)
    monkeypatch.setenv(VARIABLE, server.url)
    unnamed = bench("store", "gc", "--older-than", 0.5, "--delete")
    assert unnamed.returncode == 0 and f"the store of {VARIABLE} is left alone" in unnamed.stderr
    before = len(server.files)
    torn = next(iter(server.files))
    server.files[torn] = (b"torn", time.time())
    found = bench("store", "verify", "--store", server.url, "--json")
    (verified,) = json.loads(found.stdout)
    assert found.returncode == 1 and (verified["entries"], len(verified["damaged"])) == (before, 1)
    gone = bench("store", "gc", "--store", server.url, "--older-than", 0.5, "--delete")
    assert gone.returncode == 0 and list(server.files) == [torn], gone.stderr
    said = "".join(shown(done) for done in (unnamed, found, gone))
    assert "[secret]@127.0.0.1" in said and not any(secret in said for secret in SECRETS)
