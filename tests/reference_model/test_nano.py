"""nano from files to files, with weights that know nothing: every task, every refusal, every ablation."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from training_world import FRAMES, SAID, SIZE, write_nano

import reference_model as rm
from reference_model.codecs.words import WordCaptions, vocabulary_of, words_of
from reference_model.guidance import TASKS, Task
from reference_model.media import read_frames, read_waveform, write_clip
from reference_model.nano_model import (
    is_nano,
    load,
    nano_note,
    nano_sampling,
    read_variant_params,
    weights_sha256,
)
from reference_model.params import nano
from reference_model.training.config import RECIPES, TrainModel, read_recipe
from reference_model.training.flow_loss import start

PREFIX = 5


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_nano(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    frames = torch.randint(0, 255, (FRAMES, SIZE, SIZE, 3), dtype=torch.uint8)
    sound = (np.sin(np.arange(FRAMES * 1500) / 20) * 9000).astype(np.int16)
    samples = torch.from_numpy(sound)
    write_clip(folder / "clip.mp4", frames, samples, 16)
    write_clip(folder / "prefix.mp4", frames[:PREFIX], samples[: PREFIX * 1500], 16)
    write_clip(folder / "image.mp4", frames[:1], samples[:2048], 16)
    return {"image": folder / "image.mp4", "clip": folder / "clip.mp4", "prefix": folder / "prefix.mp4"}


def given(task: Task, media: dict[str, Path]) -> dict[str, object]:
    parts: dict[Task, dict[str, object]] = {
        "joint": {"image": media["image"]},
        "joint_ref_audio": {
            "image": media["image"], "reference_audio": media["prefix"], "reference_speech": SAID[1]
        },
        "continuation": {"video": media["prefix"], "audio": media["prefix"]},
        "dubbing": {"video": media["clip"]},
        # The decoder of AAC gives a frame more than was written.
        "audio_driven": {"image": media["image"], "audio": media["prefix"]},
    }  # fmt: skip
    return {
        "speech": SAID[0],
        "caption": "A portrait of a red square.",
        "task": task,
        "frames": FRAMES,
        **parts[task],
    }


@pytest.mark.parametrize("task", TASKS)
def test_every_task_makes_a_clip(weights: Path, media: dict[str, Path], task: Task) -> None:
    model = load("nano", weights)
    clip = model.generate(**given(task, media), sampling=nano_sampling(2))  # type: ignore[arg-type]
    assert clip.frames.shape == (FRAMES, 128, 128, 3) and clip.frames.dtype == torch.uint8
    assert len(clip.samples) == model.model.params.audio_tokens(3) * 240


def test_the_same_seed_makes_the_same_clip_and_switches_change_it(
    weights: Path, media: dict[str, Path]
) -> None:
    asked = given("joint", media)
    once, again = (load("nano", weights).generate(**asked, sampling=nano_sampling(2)) for _ in range(2))  # type: ignore[arg-type]
    assert torch.equal(once.frames, again.frames) and torch.equal(once.samples, again.samples)
    silent = rm.with_ablation(load("nano", weights).model.params, a2v="none", v2a="none")
    apart = load("nano", weights, params=silent).generate(**asked, sampling=nano_sampling(2))  # type: ignore[arg-type]
    assert not torch.equal(once.frames, apart.frames) and not torch.equal(once.samples, apart.samples)


def write_variant(weights: Path, path: Path, tensors: dict[str, torch.Tensor], **header: str) -> Path:
    """A variant as training writes it, but for what `header` says otherwise; an empty word is left out."""
    usual = {"params": (weights / "params.json").read_text(), "base": weights_sha256(weights)}
    save_file(tensors, path, metadata={key: word for key, word in (usual | header).items() if word})
    return path


def test_a_variant_is_put_over_the_weights(weights: Path, tmp_path: Path) -> None:
    tensors = load_file(weights / "model.safetensors")
    chosen = {name: t + 1 for name, t in tensors.items() if name.startswith("a2v_blocks")}
    text = (weights / "params.json").read_text().replace('"a2v": "ati"', '"a2v": "sti"')
    path = write_variant(weights, tmp_path / "variant.safetensors", chosen, params=text)
    model = load("nano", weights, variant=path).model
    assert model.params.interaction.a2v == "sti"
    state = model.state_dict()
    for name, tensor in tensors.items():
        torch.testing.assert_close(state[name], chosen.get(name, tensor).float())


def test_a_single_block_is_a_variant(weights: Path, tmp_path: Path) -> None:
    tensors = load_file(weights / "model.safetensors")
    one = {name: t + 1 for name, t in tensors.items() if name.startswith(("blocks.1", "head"))}
    state = load("nano", weights, variant=write_variant(weights, tmp_path / "v", one)).model.state_dict()
    assert one and all(torch.equal(state[name], tensor.float()) for name, tensor in one.items())


@pytest.mark.parametrize(
    ("change", "header", "said"),
    [
        (lambda ts: {}, {}, "holds no tensor"),
        (lambda ts: dict([*ts.items()][:1]), {}, "is not whole: of a2v_blocks.0 it lacks a2v_blocks.0."),
        (lambda ts: dict([*ts.items()][:-1]), {}, "is not whole: of a2v_blocks.1 it lacks a2v_blocks.1."),
        (lambda ts: ts | {"strange": torch.zeros(1)}, {}, "tensors that the model has not: strange"),
        (lambda ts: ts | {name: ts[name] * torch.nan for name in [*ts][3:4]}, {}, "not finite"),
        (lambda ts: ts | {name: ts[name] / 0 for name in [*ts][3:4]}, {}, "not finite"),
        (lambda ts: ts | {name: ts[name][None] for name in [*ts][3:4]}, {}, "does not fit: a2v_blocks.0."),
        (
            lambda ts: ts | {name: ts[name].to(torch.int8) for name in [*ts][3:4]},
            {},
            "is torch.int8, weights are",
        ),
        (lambda ts: ts, {"captions": "0" * 64}, "was trained with other captions than"),
        (lambda ts: ts, {"trained": "a2v_blocks"}, "`trained` in its header is no list of names"),
        (lambda ts: ts, {"trained": '["a2v_blocks", "head."]'}, "says was trained, as head."),
        (lambda ts: ts, {"trained": '["a2v_blocks.0"]'}, "says was trained, as a2v_blocks.1."),
        (lambda ts: ts, {"base": ""}, "does not say over which weights"),
        (lambda ts: ts, {"base": "0" * 64}, "was trained over other weights than"),
        (lambda ts: ts, {"params": ""}, "holds no variant of a model"),
        (lambda ts: ts, {"params": "{"}, "is not JSON"),
    ],
)
def test_a_variant_that_is_damaged_is_one_clear_line(
    weights: Path,
    tmp_path: Path,
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    header: dict[str, str],
    said: str,
) -> None:
    tensors = load_file(weights / "model.safetensors")
    own = dict(sorted((name, t) for name, t in tensors.items() if name.startswith("a2v_blocks")))
    path = write_variant(weights, tmp_path / "variant.safetensors", change(own), **header)
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        load("nano", weights, variant=path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"ffn": 48', '"ffn": 40', "they differ in video"),
        ('"eps": 1e-06', '"eps": 1e-3', "they differ in eps"),
        ('"layers": [', '"layers": [1,', "interaction layers must ascend"),
        ('"frequency": 16', '"frequency": null', "frequency: input should be a valid integer, got None"),
    ],
)
def test_a_variant_of_another_model_is_refused(
    weights: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (weights / "params.json").read_text()
    assert old in text
    path = write_variant(weights, tmp_path / "v", {}, params=text.replace(old, new))
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        load("nano", weights, variant=path)
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_cut_off_is_no_variant(weights: Path, tmp_path: Path) -> None:
    path = write_variant(weights, tmp_path / "variant.safetensors", {"audio_padding": torch.zeros(24)})
    path.write_bytes(path.read_bytes()[:-3])
    params = load("nano", weights).model.params
    with pytest.raises(ValueError, match="holds no variant"):
        load("nano", weights, variant=path, params=params)
    with pytest.raises(ValueError, match="holds no variant of a model"):
        read_variant_params(weights / "model.safetensors")


def test_what_is_missing_is_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model 'mini'; there is: nano"):
        load("mini")
    with pytest.raises(FileNotFoundError, match=r"nano needs .*params\.json.*; train it"):
        load("nano", tmp_path)
    assert is_nano(weights) and not is_nano(tmp_path)


def test_the_command_line_makes_a_clip(weights: Path, media: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    words = ["generate", str(weights), str(out), "--image", str(media["image"]), "--speech", SAID[0]]
    done = subprocess.run(
        [sys.executable, "-m", "reference_model", *words, "--frames", str(FRAMES), "--steps", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout.endswith(" s\n") and done.stdout.count("\n") == 1
    assert read_frames(out).shape == (FRAMES, 128, 128, 3)
    assert len(read_waveform(out)) > 12_000


def test_a_picture_of_another_size_than_nano_knows_is_a_note() -> None:
    assert nano_note(torch.zeros(1, 128, 128, 3)) is None
    assert nano_note(torch.zeros(1, 128, 192, 3)) == (
        "note: nano knows 128x128 pictures; this one is made at 192x128"
    )


def test_a_wide_picture_is_made_with_a_note(weights: Path, tmp_path: Path) -> None:
    write_clip(
        tmp_path / "wide.mp4", torch.zeros(1, 64, 96, 3, dtype=torch.uint8), torch.zeros(2048).short(), 16
    )
    words = ["generate", str(weights), str(tmp_path / "out.mp4"), "--image", str(tmp_path / "wide.mp4")]
    done = subprocess.run(
        [sys.executable, "-m", "reference_model", *words, "--speech", "hi", "--frames", "5", "--steps", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == "note: nano knows 128x128 pictures; this one is made at 192x128\n"


def test_captions_become_a_row_per_word() -> None:
    torch.manual_seed(0)
    captions = ["A head-and-shoulders shot, in front of a wall.", "A wall."]
    encoder = WordCaptions(vocabulary_of(captions, 1), 8, 6)
    assert words_of(captions[0])[:2] == ["a", "head-and-shoulders"]
    long, short, none = encoder.encode([captions[0], "a unicorn", ""])
    assert long.shape == (6, 8) and short.shape == (2, 8) and none.shape == (1, 8)
    padded = encoder(torch.tensor([[*encoder.ids("a unicorn"), -1, -1]]))[0]
    torch.testing.assert_close(padded[:2], short)
    assert not padded[2:].any()


def test_training_starts_without_a_word_between_the_branches() -> None:
    model = rm.UniAVGen(nano())
    start(model)
    assert all(not block.o.weight.any() for block in (*model.a2v_blocks, *model.v2a_blocks))
    assert sum(p.numel() for p in model.parameters()) * 2 < 16e6, "fp16 bytes, of 25 MB for everything"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("ablation_*.yaml")), ids=lambda path: path.stem)
def test_ablations_differ_from_a_common_base_by_little(path: Path) -> None:
    recipe = read_recipe(path.stem)
    assert isinstance(recipe, TrainModel)
    assert recipe.init == Path("runs/nano") and recipe.save == "trained"
    assert recipe.fresh == ("model.a2v_blocks", "model.v2a_blocks"), (
        "no variant knows the interaction of nano"
    )
    (stage,) = recipe.stages
    assert (stage.steps, stage.batch, stage.minutes) == (200, 16, None), "an equal budget"
    model = rm.UniAVGen(recipe.model.params())
    beginnings = tuple(name.removeprefix("model.") for name in stage.trainable)
    kept = sum(p.numel() for name, p in model.named_parameters() if name.startswith(beginnings))
    assert kept * 2 <= 4e6
