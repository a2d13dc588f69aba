"""Runs as they are started: cut off and gone on with, on two processes, and refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from training_world import tiny_recipe

from reference_model.__main__ import main
from reference_model.training.state import read_state

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "reference_model", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, env=ENVIRONMENT, check=False)


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def steps_told(done: subprocess.CompletedProcess[str]) -> list[int]:
    """The steps, counted over all stages, that a process took: every one is told in a line."""
    return [int(number) for number in re.findall(r"total_steps (\d+)", done.stdout)]


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
    kept = torch.load(out / "checkpoint.pt", weights_only=True)["progress"]["total"]
    assert kept > 0
    done = run("train", str(world / "killed.yaml"))
    assert done.returncode == 0, done.stderr
    assert steps_told(done) == list(range(kept + 1, 9)), "it did not go on where the checkpoint was"
    for name in ("model.safetensors", "captions.safetensors"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()
    assert [line["total"] for line in log_of(out)] == [line["total"] for line in log_of(undisturbed)]


def test_a_finished_run_started_again_changes_nothing(world: Path, undisturbed: Path) -> None:
    before = (undisturbed / "model.safetensors").read_bytes()
    again = run("train", str(world / "run.yaml"))
    assert again.returncode == 0 and "done" in again.stdout
    assert steps_told(again) == []
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
        assert one["what"] == two["what"] and one["total"] == pytest.approx(two["total"], rel=1e-5)
    assert "joint_ref_audio" in {line["what"] for line in log_of(out)}, "no voices were padded"


def test_a_checkpoint_of_another_recipe_is_refused(world: Path, undisturbed: Path) -> None:
    tiny_recipe(world, out=undisturbed, seed=7)
    done = run("train", str(world / "run.yaml"))
    assert done.returncode == 2
    assert "is of another recipe, other data or other starting weights; use --restart" in done.stderr
    assert "Traceback" not in done.stderr
    tiny_recipe(world)


SOARING = {"name": "a", "steps": 1, "batch": 2, "warmup": 0, "learning_rate": 1e30, "tasks": {"joint": 1}}
"""A stage after whose first step nothing is finite in fp16."""


class Unlucky:
    """What a pickle holds that is none of tensors."""


@pytest.mark.parametrize("content", ["list", "class", "bytes", "cut", "parts"])
def test_a_damaged_checkpoint_is_one_line_with_a_way_out(
    undisturbed: Path, tmp_path: Path, content: str
) -> None:
    path, whole = tmp_path / "checkpoint.pt", undisturbed / "checkpoint.pt"
    fingerprint = torch.load(whole, weights_only=True)["fingerprint"]
    if content == "list":
        torch.save([1, 2], path)
    elif content == "class":
        torch.save(Unlucky(), path)
    elif content == "bytes":
        path.write_bytes(b"no checkpoint")
    elif content == "cut":
        path.write_bytes(whole.read_bytes()[:5000])
    else:
        torch.save({"fingerprint": fingerprint}, path)
    with pytest.raises(
        ValueError, match="is damaged, or no checkpoint of a training; use --restart"
    ) as error:
        read_state(tmp_path, fingerprint)
    assert str(path) in str(error.value) and "weights_only" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "environment", "message"),
    [
        ({}, {"WORLD_SIZE": "abc"}, "has WORLD_SIZE='abc'; torchrun sets them"),
        ({}, {"WORLD_SIZE": "2"}, "has WORLD_SIZE=2 and no RANK; torchrun sets them"),
        ({}, {"WORLD_SIZE": "2", "RANK": "2"}, "has RANK=2 of WORLD_SIZE=2; torchrun sets them"),
        ({"seed": 10**20}, {}, "strange.yaml: seed: Input should be less than 18446744073709551616"),
        ({"init": "cut"}, {}, "model.safetensors is damaged"),
        ({"stages": [SOARING]}, {}, "tensors are not finite as they would be written, as "),
        ({"stages": [SOARING | {"steps": 9}]}, {}, "is not finite; there is no checkpoint yet; lower the"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    world: Path,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    environment: dict[str, str],
    message: str,
) -> None:
    if "init" in changes:
        cut = tmp_path / "cut"
        shutil.copytree(undisturbed, cut)
        (cut / "model.safetensors").write_bytes((cut / "model.safetensors").read_bytes()[:-100])
        changes = {"init": cut}
    path = world / "strange.yaml"
    raw = yaml.safe_load((world / "run.yaml").read_text()) | {"out": str(tmp_path / "strange")}
    path.write_text(
        yaml.safe_dump(raw | {name: str(v) if name == "init" else v for name, v in changes.items()})
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["reference_model", "train", str(path)])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert message in told and told.count("\n") == 1
    assert (
        not list((tmp_path / "strange").glob("*.safetensors"))
        and not (tmp_path / "strange" / "params.json").exists()
    )
