"""What a checkpoint and a folder of latents know of their data: clips, starting weights, codec, shards."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from training_world import (
    ALONE,
    encoded,
    inverted,
    relisted,
    rewritten,
    texts_of,
    tiny_recipe,
    trainer,
    write_codec,
)

from reference_model.codecs.nano_video import NanoVideoCodec
from reference_model.nano_model import weights_sha256
from reference_model.training.config import TrainModel
from reference_model.training.loop import Loop
from reference_model.training.train_model import TrainsModel

pytestmark = pytest.mark.usefixtures("one_thread")

ONE_STEP = {"name": "a", "steps": 1, "batch": 2, "warmup": 0, "learning_rate": 1e-2, "tasks": {"joint": 1}}
REFUSED = "is of another recipe, other data or other starting weights; use --restart"


def train(recipe: TrainModel, objective: TrainsModel, restart: bool = False) -> None:
    Loop(recipe, recipe.stages, objective, ALONE, objective.data_key).go(restart)


def base_of(path: Path) -> str:
    with safe_open(path / "variant.safetensors", "pt") as file:
        return str(file.metadata()["base"])


def test_a_variant_is_never_put_over_another_base_than_its_own(world: Path, tmp_path: Path) -> None:
    base, objective = trainer(world, out=tmp_path / "base", stages=[ONE_STEP])
    train(base, objective)
    own = weights_sha256(base.out)
    changes: dict[str, object] = {
        "init": base.out,
        "save": "trained",
        "stages": [ONE_STEP | {"trainable": ["model.a2v_blocks"]}],
    }
    recipe, variant = trainer(world, out=tmp_path / "variant", **changes)
    late, begun = trainer(world, out=tmp_path / "late", **changes)
    train(recipe, variant)
    base, objective = trainer(world, out=tmp_path / "base", stages=[ONE_STEP], seed=7)
    train(base, objective, restart=True)
    assert weights_sha256(base.out) != own
    recipe, variant = trainer(world, out=tmp_path / "variant", **changes)
    with pytest.raises(ValueError, match=REFUSED):
        train(recipe, variant)
    train(late, begun)
    assert base_of(recipe.out) == base_of(late.out) == own


@pytest.mark.parametrize(
    "changed", ["latents", "reference_latent", "mel", "reference_mel", "mask", "lips", "texts"]
)
def test_a_run_goes_on_with_the_data_that_it_began_with_alone(
    world: Path, tmp_path: Path, changed: str
) -> None:
    shutil.copytree(tiny_recipe(world).latents, tmp_path / "latents")
    recipe, objective = trainer(world, latents=tmp_path / "latents", out=tmp_path / "run", stages=[ONE_STEP])
    train(recipe, objective)
    train(*trainer(world, latents=tmp_path / "latents", out=tmp_path / "run", stages=[ONE_STEP]))
    path = next((tmp_path / "latents").glob("*.safetensors"))
    if changed == "texts":
        texts = texts_of(path)
        rewritten(path, texts | {"speech": ["bin red at a one now", *texts["speech"][1:]]})
    else:
        was = load_file(path)[changed]
        rewritten(path, **{changed: -was if changed not in ("mask", "lips") else 255 - was})
    relisted(tmp_path / "latents")
    recipe, objective = trainer(world, latents=tmp_path / "latents", out=tmp_path / "run", stages=[ONE_STEP])
    with pytest.raises(ValueError, match=REFUSED):
        train(recipe, objective)


def test_a_run_knows_its_held_out_clips_and_the_captions_that_it_began_with(
    world: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_recipe(world).latents, tmp_path / "latents")
    base, objective = trainer(world, out=tmp_path / "base", stages=[ONE_STEP])
    train(base, objective)

    def data_key() -> str:
        held_out = {"validation_shards": base.shards, "validation_latents": tmp_path / "latents"}
        return trainer(world, out=tmp_path / "next", init=base.out, **held_out)[1].data_key

    first = data_key()
    assert data_key() == first
    path = next((tmp_path / "latents").glob("*.safetensors"))
    rewritten(path, mel=-load_file(path)["mel"])
    relisted(tmp_path / "latents")
    second = data_key()
    assert second != first
    captions = base.out / "captions.safetensors"
    rewritten(captions, **{name: -tensor for name, tensor in load_file(captions).items()})
    assert data_key() not in (first, second)


def test_latents_are_kept_for_the_same_shards_and_patch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_recipe(tmp_path)
    first = encoded(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(NanoVideoCodec, "encode", None)
        assert encoded(tmp_path).content_key() == first.content_key()
    assert encoded(tmp_path, (4, 2)).mask.shape[-2:] == (1, 2)
    with pytest.raises(ValueError, match="was encoded for tokens of another size; encode again: python"):
        trainer(tmp_path)
    assert encoded(tmp_path).content_key() == first.content_key()
    inverted(tmp_path / "shards")
    assert not torch.allclose(encoded(tmp_path).latents, first.latents, atol=0.1)
    inverted(tmp_path / "shards", listed=False)
    with pytest.raises(ValueError, match=r"is damaged, or another file than index\.json beside it lists"):
        encoded(tmp_path)


def test_latents_of_another_codec_are_refused(world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    write_codec(other, seed=4)
    with pytest.raises(ValueError, match="was encoded by another video codec"):
        trainer(world, video_codec=other)
    tiny_recipe(world)
