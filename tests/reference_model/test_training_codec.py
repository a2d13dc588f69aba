"""Training of the video codec of nano."""

import json
import math
import random
from pathlib import Path

import pytest
import torch
from training_world import ALONE, CPU, inverted, write_codec, write_world

from reference_model.codecs.nano_video import NanoVideoCodec, NanoVideoParams, load_nano_video
from reference_model.nano_model import video_codec_key
from reference_model.training.batches import Share
from reference_model.training.config import Schedule, TrainVideoCodec
from reference_model.training.loop import Loop
from reference_model.training.train_video_codec import CodecLoss, TrainsVideoCodec, cropped

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_video_codec_learns_and_is_causal(tmp_path: Path) -> None:
    shards = write_world(tmp_path / "shards")
    stage = Schedule(name="a", steps=12, batch=4, learning_rate=2e-3, warmup=5)
    recipe = TrainVideoCodec(
        kind="video_codec", out=tmp_path / "codec", shards=shards, groups=1, crop=16,
        latent=8, fine=8, coarse=8, group=8, stages=(stage,), threads=1,
    )  # fmt: skip
    objective = TrainsVideoCodec(recipe, CPU)
    inputs, _ = objective.inputs(0, 0, 0.0, Share())
    before = objective.module(*inputs)["total"].item()
    Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
    assert objective.module(*inputs)["total"].item() < before
    codec = load_nano_video(recipe.out / "video_codec.safetensors")
    log = [json.loads(line) for line in (recipe.out / "log.jsonl").read_text().splitlines()]
    assert all({"total", "psnr_db", "psnr_lips_db"} <= set(line) and "video" not in line for line in log)
    video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    latents = codec.encode(video)
    assert latents.shape == (1, 8, 3, 4, 4)
    assert codec.decode(latents).shape == video.shape
    torch.testing.assert_close(codec.encode(video[:, :, :5]), latents[:, :, :2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(codec.encode(video[:, :, :8]), latents[:, :, :2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        codec.decode(latents)[:, :, :5], codec.decode(latents[:, :, :2]), atol=1e-4, rtol=1e-4
    )


def test_latents_stay_good_when_only_the_decoder_of_their_codec_is_trained(tmp_path: Path) -> None:
    shards, codec = write_world(tmp_path / "shards"), write_codec(tmp_path / "codec.safetensors")
    decoder = ("codec.look.", "codec.look_closer.", "codec.spread_out.", "codec.draw.", "codec.shown_share")
    keys, decoded = [video_codec_key(codec)], [load_nano_video(codec).decode(torch.zeros(1, 8, 2, 4, 4))]
    for name, trainable in (("decoder", decoder), ("all", ())):
        stage = Schedule(name="a", steps=3, batch=2, learning_rate=2e-3, warmup=0, trainable=trainable)
        recipe = TrainVideoCodec(
            kind="video_codec", out=tmp_path / name, shards=shards, groups=1, crop=16, init=codec,
            stages=(stage,), threads=1,
        )  # fmt: skip
        objective = TrainsVideoCodec(recipe, CPU)
        Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
        made = recipe.out / "video_codec.safetensors"
        keys.append(video_codec_key(made))
        decoded.append(load_nano_video(made).decode(torch.zeros(1, 8, 2, 4, 4)))
        # A codec that was trained further is another beginning.
        other = recipe.model_copy(update={"init": made})
        assert TrainsVideoCodec(recipe, CPU).data_key == objective.data_key
        assert TrainsVideoCodec(other, CPU).data_key != objective.data_key
    assert keys[0] == keys[1] != keys[2]
    inverted(shards)
    assert TrainsVideoCodec(recipe, CPU).data_key != objective.data_key
    assert not torch.equal(decoded[0], decoded[1])


def test_a_codec_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    shards = write_world(tmp_path / "shards")
    stage = Schedule(name="a", steps=1, batch=2, learning_rate=1e30, warmup=0)
    recipe = TrainVideoCodec(
        kind="video_codec", out=tmp_path / "codec", shards=shards, groups=1, crop=16,
        latent=8, fine=8, coarse=8, group=8, stages=(stage,), threads=1,
    )  # fmt: skip
    objective = TrainsVideoCodec(recipe, CPU)
    with pytest.raises(ValueError, match=r"tensors are not finite as they would be written, as .*--restart"):
        Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
    assert not (recipe.out / "video_codec.safetensors").exists()
    with pytest.raises(ValueError, match=r"crop: windows of 48 pixels do not fit .*, of 32 pixels"):
        TrainsVideoCodec(recipe.model_copy(update={"crop": 48}), CPU)


def test_what_a_codec_keeps_is_told_in_decibels_of_the_full_range() -> None:
    loss = CodecLoss(NanoVideoCodec(NanoVideoParams(latent=8, fine=8, coarse=8, group=8)), 1.0)
    video, mouth = torch.rand(1, 3, 5, 32, 32) * 2 - 1, torch.zeros(1, 5, 32, 32)
    mouth[..., 8:16, 8:16] = 1
    wrong = torch.full_like(video, 0.02)
    wrong[..., 8:16, 8:16] = 0.2
    loss.codec.render = lambda _: video + wrong  # type: ignore[method-assign, assignment]
    told = loss(video, mouth, torch.zeros(1, 8, 2, 4, 4))
    # Pictures reach from -1 to 1: 20 log10(2 / 0.2).
    assert told["psnr_lips_db"].item() == pytest.approx(20.0, abs=1e-3)
    whole = (64 * 0.2**2 + (32 * 32 - 64) * 0.02**2) / (32 * 32)
    assert told["psnr_db"].item() == pytest.approx(10 * math.log10(4 / whole), abs=1e-3)


def test_windows_move_the_lips_with_the_picture() -> None:
    boxes = torch.tensor([[40.0, 60.0, 60.0, 70.0]]).expand(3, 4)
    frames = torch.arange(128 * 128).reshape(1, 128, 128, 1).expand(3, -1, -1, 3)
    for seed in range(20):
        window, moved = cropped(frames, boxes, 64, 0.75, random.Random(seed))
        assert window.shape == (3, 64, 64, 3)
        top, left = divmod(int(window[0, 0, 0, 0]), 128)
        torch.testing.assert_close(moved + torch.tensor([left, top, left, top]), boxes)
