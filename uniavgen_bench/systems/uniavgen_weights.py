"""The weights of `uniavgen-nano`: those of the package, a folder, and what ablations trained over them."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.errors import nearest
from uniavgen_bench.core.result import MissingError, Reason

PARAMS, WEIGHTS, CAPTIONS, VIDEO_CODEC = (
    "params.json",
    "model.safetensors",
    "captions.safetensors",
    "video_codec.safetensors",
)
ABLATIONS = "ablations"
VARIANTS = (
    "interaction_sgi_sgi",
    "interaction_sti_sti",
    "interaction_ati_ati",
    "interaction_ati_sti",
    "interaction_sti_ati",
    "interaction_none",
    "face_none",
    "face_unsupervised",
    "face_fixed",
    "face_decaying",
    "again",
)
"""Variants by their short names: each is trained by the recipe `ablation_NAME`."""


@dataclass(frozen=True)
class NanoFiles:
    """The files of one model: `folder` holds params, weights and captions; `variant` goes over them."""

    folder: Path
    video_codec: Path
    variant: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file, in a fixed order."""
        own = tuple(self.folder / name for name in (PARAMS, WEIGHTS, CAPTIONS))
        return (*own, self.video_codec, *((self.variant,) if self.variant is not None else ()))


def package_folder() -> Path:
    """Return where the weights lie that come with the package."""
    from reference_model.nano_model import HERE

    return HERE


def is_path(variant: str) -> bool:
    """Whether a variant is named by a path: it has a folder or an ending, which no short name has."""
    return "/" in variant or "\\" in variant or variant.endswith(".safetensors")


def check_variant(variant: str) -> str:
    """Return a variant's name or path.

    Raises:
        ValueError: a short name that is none; the message names the nearest.
    """
    if is_path(variant) or variant in VARIANTS:
        return variant
    close = nearest(variant, VARIANTS)
    help_ = (
        f"did you mean {close!r}?" if close else f"there are: {', '.join(VARIANTS)}; or the path of a file"
    )
    raise ValueError(f"unknown variant {variant!r} ({help_})")


def nano_files(weights: Path | None, variant: str | None) -> NanoFiles:
    """Find the files of a model: a folder (None: the package's), and a variant by short name or path.

    A variant goes over the weights of the folder; a short name is the folder's `ablations/NAME.safetensors`.

    Raises:
        MissingError: `weights`: a file is not here; the message says which commands put it there.
    """
    folder = weights or package_folder()
    codec = folder / VIDEO_CODEC
    if variant is None:
        return _present(NanoFiles(folder, codec), None)
    if is_path(variant):
        return _present(NanoFiles(folder, codec, Path(variant)), variant)
    return _present(NanoFiles(folder, codec, folder / ABLATIONS / f"{variant}.safetensors"), variant)


def _present(files: NanoFiles, variant: str | None) -> NanoFiles:
    if absent := [path for path in files.paths if not path.is_file()]:
        raise MissingError(Reason.WEIGHTS, f"uniavgen-nano lacks {absent[0]}; {_way_out(absent[0], variant)}")
    return files


def _way_out(absent: Path, variant: str | None) -> str:
    recipe = "nano_cpu"
    if absent.name == VIDEO_CODEC:
        recipe = "nano_codec"
    elif variant is not None and not is_path(variant) and absent.stem == variant:
        return _way_to(variant, absent)
    elif variant is not None and absent == Path(variant):
        return "name the file that a recipe with `save: trained` wrote"
    return f"train it: python -m reference_model train {recipe}"


def _way_to(variant: str, place: Path) -> str:
    """What puts a variant in its place: its recipe trains over `runs/nano`, which holds the folder's weights."""
    folder = place.parent
    made = "" if folder.is_dir() else f"{shlex.join(['mkdir', '-p', str(folder)])} && "
    copied = shlex.join(["cp", f"runs/ablation_{variant}/variant.safetensors", str(place)])
    return (
        f"train it over the same {WEIGHTS} in runs/nano, and copy it: "
        f"python -m reference_model train ablation_{variant} && {made}{copied}"
    )


def files_sha256(files: NanoFiles) -> str:
    """Return one SHA-256 over the contents of all files, in their order."""
    digest = hashlib.sha256()
    for path in files.paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
