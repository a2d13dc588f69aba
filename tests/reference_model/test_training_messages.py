"""What a training says: at its start, when it goes on, when it is interrupted, and of what it lacks."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from training_world import tiny_recipe, write_codec

from reference_model.__main__ import main
from reference_model.nano_model import HERE
from reference_model.training.loop import Loop
from reference_model.training.shards import read_shards
from reference_model.training.train_model import TrainsModel

pytestmark = pytest.mark.usefixtures("one_thread")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["reference_model", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_a_run_says_where_it_begins_stops_and_goes_on(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tiny_recipe(world, out=str(tmp_path / "run")).model_dump(mode="json")
    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump(raw))
    begins = f"small: 6 clips, 8 steps, on cpu, into {tmp_path / 'run'}\n"
    step, left = Loop._step, [1]

    def interrupted(*given: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return step(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Loop, "_step", interrupted)
    code, out, err = run(monkeypatch, capsys, "train", str(recipe))
    assert code == 130 and out.startswith(begins)
    assert err == "stopped at step 1; the same command begins anew: there is no checkpoint yet\n"
    left[0] = 3
    code, _, err = run(monkeypatch, capsys, "train", str(recipe), "--restart")
    assert code == 130
    assert err == "stopped at step 3; the same command without --restart goes on from step 3\n"
    left[0] = 2
    code, out, err = run(monkeypatch, capsys, "train", str(recipe))
    assert code == 130 and out.startswith(f"{begins}goes on at step 3 of 8\n")
    assert err == "stopped at step 5; the same command goes on from step 5\n"
    monkeypatch.setattr(Loop, "_step", step)
    code, out, err = run(monkeypatch, capsys, "train", str(recipe))
    assert code == 0 and "goes on at step 5 of 8\n" in out and out.endswith("done\n") and err == ""
    code, out, _ = run(monkeypatch, capsys, "train", str(recipe))
    assert code == 0 and "goes on" not in out and out.endswith("done\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("encode", "nano_cpu"), "no video codec runs/nano_codec_robust/video_codec.safetensors; train it: "
                                 "python -m reference_model train nano_codec_robust\n"),
        (("train", "nano_gpu", "--device", "cpu"), "python -m reference_model train nano_codec (or nano_codec_gpu)\n"),
        (("train", "nano_codec_robust"), "init: no video codec runs/nano_codec/video_codec.safetensors; train it: "
                                         "python -m reference_model train nano_codec (or nano_codec_gpu)\n"),
        (("train", "nano_codec"), "runs/data/portraits holds no clips that can be used (there is no index.json); exp"),
        (("train", "ablation_again"), "init: runs/nano holds no finished run (model.safetensors); train it: "
                                      "python -m reference_model train nano_cpu (or nano_gpu); or take nano as"),
    ],
)  # fmt: skip
def test_what_is_absent_is_named_with_the_recipe_that_makes_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(monkeypatch, capsys, *words)
    assert code == 2 and out == "" and err.count("\n") == 1 and message in err
    assert not list(tmp_path.iterdir())


def test_the_command_that_takes_the_weights_of_the_package_is_whole(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = tiny_recipe(world, init="runs/nano", video_codec="runs/codec/video_codec.safetensors")
    with pytest.raises(ValueError, match="no finished run") as told:
        TrainsModel(recipe, torch.device("cpu"))
    subprocess.run(["sh", "-c", str(told.value).split("encoded: ")[1]], check=True)
    for name in ("model", "captions", "video_codec"):
        copy = tmp_path / "runs" / "nano" / f"{name}.safetensors"
        assert copy.read_bytes() == (HERE / f"{name}.safetensors").read_bytes()
    assert (tmp_path / "runs/codec/video_codec.safetensors").is_file()


def test_a_run_is_not_begun_from_weights_that_know_another_codec(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = tiny_recipe(world, init="runs/nano", video_codec="runs/codec/video_codec.safetensors")
    recipe.video_codec.parent.mkdir(parents=True)
    write_codec(recipe.video_codec)
    with pytest.raises(ValueError, match="no finished run") as told:
        TrainsModel(recipe, torch.device("cpu"))
    assert "as the package has it" not in str(told.value), "its codec is another"
    shutil.copytree(HERE, "runs/nano")
    with pytest.raises(ValueError, match=r"its own video_codec\.safetensors, not of runs/codec"):
        TrainsModel(recipe, torch.device("cpu"))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{}", "index.json lacks 'shards'"),
        ("[", "index.json: Expecting value"),
        (None, "there is no index.json"),
    ],
)
def test_shards_that_cannot_be_used_are_explained_in_words(
    tmp_path: Path, index: str | None, message: str
) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)
    with pytest.raises(ValueError, match="holds no clips") as told:
        read_shards(tmp_path)
    assert message in str(told.value) and "Error" not in str(told.value)
