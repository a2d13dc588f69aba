"""Runs as they are started: cut off and gone on with, on two processes, and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_world import tiny_recipe

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reference_model", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, env=ENVIRONMENT, check=False)


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    tiny_recipe(folder)
    done = run("encode", str(folder / "run.yaml"))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def undisturbed(world: Path) -> Path:
    done = run("train", str(world / "run.yaml"))
    assert done.returncode == 0, done.stderr
    return world / "run"


def test_a_killed_run_gives_the_weights_of_an_undisturbed_one(world: Path, undisturbed: Path) -> None:
    out = tiny_recipe(world, out=world / "killed").out
    # Read as it goes: the third line or later, wherever the signal happens to hit.
    process = subprocess.Popen(
        command("train", str(world / "killed.yaml")), env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )
    log, limit = out / "log.jsonl", time.monotonic() + 60
    while process.poll() is None and (not log.is_file() or log.read_text().count("\n") < 3):
        assert time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "model.safetensors").exists(), "it was done before it could be killed"
    done = run("train", str(world / "killed.yaml"))
    assert done.returncode == 0, done.stderr
    for name in ("model.safetensors", "captions.safetensors"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    assert [line["total"] for line in log_of(out)] == [line["total"] for line in log_of(undisturbed)]


def test_a_finished_run_started_again_changes_nothing(world: Path, undisturbed: Path) -> None:
    before = (undisturbed / "model.safetensors").read_bytes()
    assert run("train", str(world / "run.yaml")).returncode == 0
    assert (undisturbed / "model.safetensors").read_bytes() == before
    assert len(log_of(undisturbed)) == 8


def test_two_processes_train_as_one_does(world: Path, undisturbed: Path) -> None:
    out = tiny_recipe(world, out=world / "two").out
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = subprocess.run(
        [*words, "reference_model", "train", str(world / "two.yaml")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    alone, together = load_file(undisturbed / "model.safetensors"), load_file(out / "model.safetensors")
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, atol=2e-3, rtol=2e-2)
    for one, two in zip(log_of(undisturbed), log_of(out), strict=True):
        assert one["what"] == two["what"] and one["total"] == pytest.approx(two["total"], rel=1e-3)


def test_a_checkpoint_of_another_recipe_is_refused(world: Path, undisturbed: Path) -> None:
    tiny_recipe(world, out=undisturbed, seed=7)
    done = run("train", str(world / "run.yaml"))
    assert done.returncode == 2
    assert "is of another recipe or other data; use --restart" in done.stderr
    assert "Traceback" not in done.stderr
    tiny_recipe(world)
