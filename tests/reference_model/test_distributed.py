"""Shares of the model in two processes: the same clips, bit by bit, and one line for what cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from in_processes import QUICK, requests
from safetensors.torch import load_file
from small_models import small_model, small_params
from training_world import SAID, SIZE, write_nano

from reference_model.__main__ import main
from reference_model.checkpoint import save
from reference_model.distributed import check_processes
from reference_model.guidance import TASKS
from reference_model.params import ti2v_5b
from reference_model.pipeline import sample

HERE = Path(__file__).parent
STARTED = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def test_two_processes_make_the_clips_of_one(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = small_model()
    save(model, tmp_path / "weights")
    command = [*STARTED, str(HERE / "in_processes.py"), str(tmp_path / "weights"), str(tmp_path)]
    subprocess.run(command, env=ONE_THREAD, check=True, timeout=500)
    whole = sum(weight.nbytes for weight in model.parameters())
    for number in range(2):
        made = load_file(tmp_path / f"{number}.safetensors")
        for way, tasks in (("load", TASKS), ("shard", TASKS[:1])):
            # A half, and a row that no other process has where rows are odd.
            assert whole * 0.4 < int(made[f"{way}/kept"]) < whole * 0.6
            for task in tasks:
                for item, clip in enumerate(sample(model, requests(number, task), QUICK)):
                    assert torch.equal(made[f"{way}/{task}/{item}/video"], clip.video)
                    assert torch.equal(made[f"{way}/{task}/{item}/audio"], clip.audio)


def test_torchrun_makes_one_clip_per_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    weights = write_nano(tmp_path)
    cv2.imwrite(str(tmp_path / "face.png"), np.full((SIZE, SIZE, 3), 120, np.uint8))
    given = [
        "--image", str(tmp_path / "face.png"), "--speech", SAID[0], "--frames", "9", "--steps", "2",
        "--seed", "7", "--deterministic",
    ]  # fmt: skip
    together = ["-m", "reference_model", "generate", str(weights), str(tmp_path / "out.mp4"), *given]
    subprocess.run([*STARTED, *together, "--shard"], env=ONE_THREAD, check=True, timeout=500)
    for number, name in enumerate(("out.mp4", "out-1.mp4")):
        alone = tmp_path / "alone.mp4"
        words = ["generate", str(weights), str(alone), *given, "--seed", str(7 + number)]
        monkeypatch.setattr(sys, "argv", ["reference_model", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code, capsys.readouterr().err
        assert alone.read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize(
    ("environment", "words", "message"),
    [
        ({}, ["--shard"], "there are no processes to share a model; start them by torchrun"),
        ({"RANK": "0", "WORLD_SIZE": "17"}, ["--shard"], "17 processes cannot share a model whose narrower branch"),
        ({"RANK": "0", "WORLD_SIZE": "two"}, ["--shard"], "RANK, WORLD_SIZE and LOCAL_RANK have to be numbers"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, ["--shard", "--compile"], "--shard and --compile do not go together"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, [], "several processes were started and would write the same clip"),
        (
            {"RANK": "9", "WORLD_SIZE": "10", "LOCAL_RANK": "9"},
            ["--shard", "--device", "cuda"],
            "process 9 of this machine has no GPU",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    environment: dict[str, str],
    words: list[str],
    message: str,
) -> None:
    save(small_model(), tmp_path)
    (tmp_path / "captions.safetensors").touch()
    (tmp_path / "face.png").touch()
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    given = ["generate", str(tmp_path), str(tmp_path / "out.mp4"), "--image", str(tmp_path / "face.png")]
    given += ["--speech", "hi"]
    monkeypatch.setattr(sys, "argv", ["reference_model", *given, *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.count("\n") == 1 and message in error


def test_a_model_has_as_many_shares_as_its_narrower_branch_has_rows() -> None:
    check_processes(small_params(), 16)
    with pytest.raises(ValueError, match="17 processes"):
        check_processes(small_params(), 17)
    # More than any machine has.
    check_processes(ti2v_5b(), 1536)
