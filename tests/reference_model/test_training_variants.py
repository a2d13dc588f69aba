"""Runs that begin from another: what of it they keep, and variants that go over it."""

import copy
import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from training_world import ALONE, rewritten, trainer

from reference_model.nano_model import VARIANT, VIDEO_CODEC, load, weights_sha256
from reference_model.params import read_params
from reference_model.training.loop import Loop

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_variant_keeps_only_what_it_trained(world: Path, tmp_path: Path) -> None:
    base, objective = trainer(world, out=tmp_path / "base")
    Loop(base, base.stages, objective, ALONE, objective.data_key).go()
    stage = {
        "name": "a", "steps": 3, "batch": 2, "warmup": 0, "learning_rate": 1e-2, "tasks": {"joint": 1},
        "trainable": ["model.a2v_blocks", "model.v2a_blocks"],
    }  # fmt: skip
    recipe, variant = trainer(
        world,
        out=tmp_path / "sti",
        init=base.out,
        save="trained",
        model={"preset": "tiny", "a2v": "sti"},
        stages=[stage],
    )
    before = copy.deepcopy(variant.module.state_dict())
    Loop(recipe, recipe.stages, variant, ALONE, variant.data_key).go()
    kept = load_file(recipe.out / "variant.safetensors")
    assert kept and all(name.startswith(("a2v_blocks", "v2a_blocks")) for name in kept)
    for name, tensor in variant.module.state_dict().items():
        trained = name.removeprefix("model.").startswith(("a2v_blocks", "v2a_blocks"))
        assert trained or torch.equal(tensor, before[name])
    assert read_params(base.out / "params.json").interaction.a2v == "ati"
    with safe_open(recipe.out / "variant.safetensors", "pt") as file:
        header = file.metadata()
    assert header["base"] == weights_sha256(base.out)
    assert header["captions"] == hashlib.sha256((base.out / "captions.safetensors").read_bytes()).hexdigest()
    assert json.loads(header["trained"]) == ["a2v_blocks", "v2a_blocks"]
    (base.out / VIDEO_CODEC).write_bytes(base.video_codec.read_bytes())
    state = load("nano", base.out, variant=recipe.out / VARIANT).model.state_dict()
    assert all(torch.equal(state[name], tensor.float()) for name, tensor in kept.items())
    words = base.out / "captions.safetensors"
    rewritten(words, **{name: -tensor for name, tensor in load_file(words).items()})
    with pytest.raises(ValueError, match="was trained with other captions than"):
        load("nano", base.out, variant=recipe.out / VARIANT)


def test_a_run_goes_on_from_another_but_for_what_begins_anew(world: Path, tmp_path: Path) -> None:
    stage = {"name": "a", "steps": 3, "batch": 2, "warmup": 0, "learning_rate": 1e-2, "tasks": {"joint": 1}}
    base, objective = trainer(world, out=tmp_path / "base", stages=[stage])
    still = {name for name, t in objective.module.model.state_dict().items() if not t.any()}
    Loop(base, base.stages, objective, ALONE, objective.data_key).go()
    trained = load_file(base.out / "model.safetensors")
    _, anew = trainer(world, out=tmp_path / "b", init=base.out, fresh=["model.a2v_blocks"], stages=[stage])
    begun = {name: t for name, t in anew.module.model.state_dict().items() if name.startswith("a2v_blocks")}
    assert {name for name, t in begun.items() if not t.any()} == {
        n for n in still if n.startswith("a2v_blocks")
    }
    assert any(trained[name].any() for name in still & set(begun))
    for name, tensor in anew.module.model.state_dict().items():
        assert name in begun or torch.equal(tensor, trained[name].float())
    with pytest.raises(ValueError, match="no tensor of the model begins with 'nothing'"):
        trainer(world, out=tmp_path / "c", init=base.out, fresh=["nothing"], stages=[stage])
    with pytest.raises(ValueError, match="without `init` all begins anew"):
        trainer(world, out=tmp_path / "d", fresh=["model.head"], stages=[stage])
