"""Batches, losses, variants and samples of training, on a model of a few thousand parameters."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_world import ALONE, FRAMES, SIZE, tiny_recipe, trainer

from reference_model.conditions import Exchange, Wanted
from reference_model.guidance import TASKS
from reference_model.media import read_frames
from reference_model.model import UniAVGen
from reference_model.params import nano
from reference_model.rope import line_rotation
from reference_model.training.batches import REFERENCE_STEP, BatchMaker, Share, TrainingBatch
from reference_model.training.encode import token_mask
from reference_model.training.flow_loss import start
from reference_model.training.loop import Loop
from reference_model.training.train_model import TrainsModel

pytestmark = pytest.mark.usefixtures("one_thread")


def maker_of(objective: TrainsModel) -> BatchMaker:
    return objective._maker


def test_processes_share_one_batch(world: Path) -> None:
    recipe, objective = trainer(world)
    stage = recipe.stages[1].model_copy(update={"batch": 4})
    maker = maker_of(objective)
    for task in TASKS:
        whole = maker.make(stage, 1, 3, Share(), task)
        parts = [maker.make(stage, 1, 3, Share(rank, 2), task) for rank in range(2)]
        for name in ("video", "audio", "video_noise", "audio_noise", "time", "mask", "reference_image"):
            torch.testing.assert_close(torch.cat([getattr(p, name) for p in parts]), getattr(whole, name))
        # Texts are padded to the longest of each part.
        for part, rows in zip(parts, (slice(0, 2), slice(2, 4)), strict=True):
            length = part.speech.shape[1]
            assert torch.equal(part.speech, whole.speech[rows, :length])
    with pytest.raises(ValueError, match="a batch of 4 does not divide among 3 processes"):
        maker.make(stage, 1, 0, Share(0, 3))


def test_the_loss_of_a_batch_is_the_mean_of_its_parts(world: Path) -> None:
    recipe, objective = trainer(world)
    with torch.no_grad():
        for parameter in objective.module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    stage = recipe.stages[1].model_copy(update={"batch": 4})
    maker = maker_of(objective)
    lengths = set()
    for task in TASKS:
        for step in range(3):
            whole = maker.make(stage, 1, step, Share(), task)
            parts = [maker.make(stage, 1, step, Share(rank, 4), task) for rank in range(4)]
            with torch.no_grad():
                alone = objective.module(whole)["total"]
                together = torch.stack([objective.module(part)["total"] for part in parts]).mean()
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        rows = maker._rows(stage, 1, 2)
        lengths |= set(maker.clips.reference_tokens[rows].tolist())
    assert len({-(-n // REFERENCE_STEP) for n in lengths}) > 1, "all voices are padded alike anyway"


def test_every_clip_is_seen_once_in_a_round(world: Path) -> None:
    recipe, objective = trainer(world)
    maker, stage = maker_of(objective), recipe.stages[1]
    for first in (0, 3):
        rows = torch.cat([maker._rows(stage, 0, first + step) for step in range(3)])
        assert sorted(rows.tolist()) == list(range(6))


def test_tasks_are_drawn_by_their_shares(world: Path) -> None:
    recipe, objective = trainer(world)
    stage, maker = recipe.stages[1], maker_of(objective)
    drawn = [maker.make(stage, 1, step, Share()).task for step in range(300)]
    counts = {task: drawn.count(task) / 300 for task in TASKS}
    for task, share in {"joint": 0.4, "joint_ref_audio": 0.1, "continuation": 0.1, "dubbing": 0.2}.items():
        assert counts[task] == pytest.approx(share, abs=0.08)


def test_a_task_trains_what_it_makes_and_hears_what_it_is_given(world: Path) -> None:
    recipe, objective = trainer(world)
    stage = recipe.stages[1].model_copy(
        update={"drop": recipe.stages[1].drop.model_copy(update={"interaction": 0})}
    )
    made = {task: maker_of(objective).make(stage, 1, 0, Share(), task) for task in TASKS}
    assert {task: batch.wanted for task, batch in made.items()} == {
        "joint": Wanted.BOTH,
        "joint_ref_audio": Wanted.BOTH,
        "continuation": Wanted.BOTH,
        "dubbing": Wanted.AUDIO,
        "audio_driven": Wanted.VIDEO,
    }
    assert (
        made["dubbing"].exchange is Exchange.TO_AUDIO and made["audio_driven"].exchange is Exchange.TO_VIDEO
    )
    assert made["joint"].given_frames == 1 and made["continuation"].given_frames >= 2
    voice = maker_of(objective).make(recipe.stages[0], 0, 0, Share(), "joint")
    assert voice.exchange is Exchange.NONE and voice.wanted is Wanted.AUDIO


def test_noise_of_what_is_given_does_not_reach_the_loss(world: Path) -> None:
    recipe, objective = trainer(world)
    with torch.no_grad():
        for parameter in objective.module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    batch = maker_of(objective).make(recipe.stages[1], 1, 0, Share(), "continuation")
    k, c = batch.given_frames, batch.given_tokens
    video, audio = batch.video_noise.clone(), batch.audio_noise.clone()
    video[:, :, :k] += 3
    audio[:, :c] -= 3
    loss = objective.module(batch)["total"]
    assert torch.equal(objective.module(replace(batch, video_noise=video, audio_noise=audio))["total"], loss)
    video[:, :, k:] += 3
    assert not torch.equal(objective.module(replace(batch, video_noise=video))["total"], loss)


def test_the_loss_is_zero_for_the_true_velocity(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, objective = trainer(world)
    batch = maker_of(objective).make(recipe.stages[1], 1, 0, Share(), "joint")
    predict = objective.module.model.forward

    def truth(*args: object, **words: object) -> object:
        made = predict(*args, **words)  # type: ignore[arg-type]
        return replace(made, video=batch.video_noise - batch.video, audio=batch.audio_noise - batch.audio)

    monkeypatch.setattr(objective.module.model, "forward", truth)
    assert float(objective.module(batch)["total"]) == 0.0


def test_training_lowers_the_loss_in_bf16_too(world: Path, tmp_path: Path) -> None:
    for precision in ("fp32", "bf16"):
        stage = {
            "name": "a",
            "steps": 16,
            "batch": 6,
            "warmup": 5,
            "learning_rate": 3e-3,
            "tasks": {"joint": 1},
        }
        recipe, objective = trainer(world, out=tmp_path / precision, precision=precision, stages=[stage])
        probe = maker_of(objective).make(recipe.stages[0], 5, 0, Share())
        before = objective.module(probe)["total"].item()
        Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
        assert objective.module(probe)["total"].item() < 0.95 * before


def test_lips_count_as_much_more_as_the_recipe_says(world: Path, tmp_path: Path) -> None:
    recipe, objective = trainer(world, out=tmp_path / "run")
    batch = maker_of(objective).make(recipe.stages[-1], 0, 0, Share(), "joint")
    plain = objective.module(batch)
    weighted = objective.module(replace(batch, lips_weight=12.0))
    lips = batch.lips[:, None, batch.given_frames :]
    assert 0.0 < lips.mean() < 0.5
    assert torch.allclose(weighted["lips"], plain["lips"])
    assert torch.allclose(weighted["video"] - plain["video"], 12.0 * plain["lips"] * lips.mean(), rtol=1e-4)
    stage = recipe.stages[-1].model_copy(update={"lips": 12.0})
    assert maker_of(objective).make(stage, 0, 0, Share()).lips_weight == 12.0


def test_the_log_tells_the_losses_of_every_task_apart(world: Path, tmp_path: Path) -> None:
    stage = tiny_recipe(world).stages[1].model_dump(mode="json") | {"steps": 8}
    recipe, objective = trainer(world, out=tmp_path / "run", stages=[stage], every={"log": 8})
    told: list[tuple[str, dict[str, float]]] = []
    forward = objective.module.forward

    def noted(batch: TrainingBatch, weight: float) -> dict[str, torch.Tensor]:
        losses = forward(batch, weight)
        told.append((batch.task, {name: loss.item() for name, loss in losses.items()}))
        return losses

    objective.module.forward = noted  # type: ignore[method-assign]
    Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
    (line,) = [json.loads(text) for text in (recipe.out / "log.jsonl").read_text().splitlines()]
    tasks = {task for task, _ in told}
    assert len(tasks) > 2
    for task in tasks:
        for name in ("audio", "video", "lips"):
            own = [losses[name] for drawn, losses in told if drawn == task and name in losses]
            assert (f"{task}.{name}" in line) == bool(own)
            assert not own or line[f"{task}.{name}"] == pytest.approx(math.fsum(own) / len(own), rel=1e-5)


def test_a_gradient_that_is_not_finite_leaves_weights_and_checkpoint_as_they_were(
    world: Path, tmp_path: Path
) -> None:
    stage = tiny_recipe(world).stages[1].model_dump(mode="json") | {"steps": 1}
    recipe, objective = trainer(world, out=tmp_path / "run", stages=[stage])
    Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go()
    whole = (recipe.out / "checkpoint.pt").read_bytes()
    before = copy.deepcopy(objective.module.state_dict())
    for parameter in objective.module.parameters():
        parameter.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(
        ValueError, match=r"stage tasks, step 0: the gradient is not finite; .*checkpoint\.pt stays"
    ):
        Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go(restart=True)
    assert (recipe.out / "checkpoint.pt").read_bytes() == whole
    assert all(torch.equal(t, before[name]) for name, t in objective.module.state_dict().items())


def test_masks_are_shares_of_tokens() -> None:
    mask = torch.zeros(1, 5, 32, 64)
    mask[:, 0, :, :32] = 1
    mask[:, 1:3, :16, 32:] = 1
    shares = token_mask(mask, (32, 32)).float() / 255
    torch.testing.assert_close(shares[0, 0, 0], torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(shares[0, 1, 0], torch.tensor([0.0, 0.25]), atol=0.002, rtol=0)


def test_samples_are_clips_of_both_kinds(world: Path, tmp_path: Path) -> None:
    _, objective = trainer(world)
    objective.show(objective.module.state_dict(), tmp_path, 7)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"step-000007-{task}-{i}.mp4" for task in ("audio_driven", "joint") for i in range(3)]
    assert read_frames(tmp_path / names[0]).shape == (FRAMES, SIZE, SIZE, 3)


def test_validation_is_the_same_every_time_and_names_the_tasks(world: Path) -> None:
    recipe = tiny_recipe(world)
    _, objective = trainer(world, validation_shards=recipe.shards, validation_latents=recipe.latents)
    weights = objective.module.state_dict()
    found = objective.validate(weights)
    assert found == objective.validate(weights)
    assert {"joint.video", "joint.audio", "dubbing.audio", "audio_driven.video"} <= set(found)
    assert "dubbing.video" not in found


def test_at_the_start_other_letters_are_other_rows_not_only_other_places() -> None:
    torch.manual_seed(0)
    model = UniAVGen(nano())
    start(model)
    said, other = (torch.tensor([[ord(c) - 32 for c in text]]) for text in ("set red", "bin two"))
    with torch.no_grad():
        a, b = (model.text_embedding(ids) for ids in (said, other))
    assert (a - b).norm() > 0.5 * a.norm()


def test_at_the_start_a_frame_of_sound_looks_first_at_the_letters_beside_it() -> None:
    torch.manual_seed(0)
    model = UniAVGen(nano())
    start(model)
    asked = model.audio_blocks[0].cross_attn
    rotation = line_rotation(torch.arange(200), model.params.audio.head_dim)
    with torch.no_grad():
        query = asked.queries(torch.randn(1, 200, 128), rotation)[0]
        keys = asked.context(torch.randn(1, 200, 128), rotation).key[0]
        scores = torch.einsum("lhd,hkd->hlk", query, keys) / model.params.audio.head_dim**0.5
        looks = scores.softmax(-1).mean(0)
    apart = (torch.arange(200)[:, None] - torch.arange(200)).abs()
    assert looks[apart < 3].mean() > 4 * looks[apart > 25].mean()
