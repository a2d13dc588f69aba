"""Where the files that a recipe names come from: which recipe of the package writes them."""

from pathlib import Path

import yaml

from reference_model.checkpoint import WEIGHTS
from reference_model.nano_model import HERE, VIDEO_CODEC, video_codec_key
from reference_model.training.config import RECIPES, TrainModel


def written_by(folder: Path) -> str | None:
    """The recipe of the package that writes a folder, the first by name; None: there is none."""
    for path in sorted(RECIPES.glob("*.yaml")):
        if Path(yaml.safe_load(path.read_text(encoding="utf-8"))["out"]) == folder:
            return path.stem
    return None


def way_to_train(path: Path) -> str:
    """How to make a file that a training writes into its folder."""
    recipe = written_by(path.parent)
    if recipe is None:
        return f"no recipe of the package writes {path.parent}: name a file that is there"
    return f"train it: python -m reference_model train {recipe}"


def codec_key(path: Path) -> str:
    """`video_codec_key`; ValueError with the recipe that makes the codec where it is absent."""
    return video_codec_key(path, way_to_train(path))


def require_codec(path: Path) -> None:
    """Raise a ValueError where the codec that a recipe begins from is absent."""
    if not path.is_file():
        raise ValueError(f"init: no video codec {path}; {way_to_train(path)}")


def require_init(recipe: TrainModel) -> None:
    """Raise a ValueError where the run that a recipe begins from is absent; the package's nano may serve."""
    folder = recipe.init
    if folder is None or (folder / WEIGHTS).is_file():
        return
    raise ValueError(
        f"init: {folder} holds no finished run ({WEIGHTS}); {way_to_train(folder / WEIGHTS)}; or take nano as the "
        f"package has it, before its clips are encoded: mkdir -p {folder} {recipe.video_codec.parent} && "
        f"cp -rn {HERE}/. {folder} && cp -n {HERE / VIDEO_CODEC} {recipe.video_codec}"
    )
