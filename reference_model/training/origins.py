"""Where the files that a recipe names come from: which recipe of the package writes them."""

from pathlib import Path

import yaml

from reference_model.checkpoint import WEIGHTS
from reference_model.nano_model import HERE, VIDEO_CODEC, video_codec_key
from reference_model.training.config import RECIPES, TrainModel


def written_by(folder: Path) -> list[str]:
    """The recipes of the package that write a folder, by name."""
    found = sorted(RECIPES.glob("*.yaml"))
    return [p.stem for p in found if Path(yaml.safe_load(p.read_text(encoding="utf-8"))["out"]) == folder]


def way_to_train(path: Path) -> str:
    """How to make a file that a training writes into its folder."""
    recipes = written_by(path.parent)
    if not recipes:
        return f"no recipe of the package writes {path.parent}: name a file that is there"
    others = f" (or {', '.join(recipes[1:])})" if recipes[1:] else ""
    return f"train it: python -m reference_model train {recipes[0]}{others}"


def codec_key(path: Path) -> str:
    """`video_codec_key`; ValueError with the recipe that makes the codec where it is absent."""
    return video_codec_key(path, way_to_train(path))


def require_codec(path: Path) -> None:
    """Raise a ValueError where the codec that a recipe begins from is absent."""
    if not path.is_file():
        raise ValueError(f"init: no video codec {path}; {way_to_train(path)}")


def require_init(recipe: TrainModel) -> None:
    """Raise a ValueError where the run that a recipe begins from is absent, or knows the latents of another codec.

    The package's nano may serve, with its own codec: that way is told where no other codec is in its place.
    """
    folder = recipe.init
    if folder is None:
        return
    if (folder / WEIGHTS).is_file():
        own = folder / VIDEO_CODEC
        if own.is_file() and video_codec_key(own) != codec_key(recipe.video_codec):
            raise ValueError(
                f"init: {folder} was trained on latents of its own {VIDEO_CODEC}, not of {recipe.video_codec}; "
                f"set video_codec: {own} and encode the clips with it"
            )
        return
    missing = f"init: {folder} holds no finished run ({WEIGHTS}); {way_to_train(folder / WEIGHTS)}"
    if recipe.video_codec.exists():
        raise ValueError(missing)
    raise ValueError(
        f"{missing}; or take nano as the package has it, before its clips are encoded: "
        f"mkdir -p {folder} {recipe.video_codec.parent} && "
        f"cp -rn {HERE}/. {folder} && cp -n {HERE / VIDEO_CODEC} {recipe.video_codec}"
    )
