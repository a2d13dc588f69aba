"""A declared change of a clip or of what is asked of it, and where the changed clips are kept."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import home
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.sound import audio
from uniavgen_bench.media.writing import placed

SEED = 20251116
CANDIDATES = 4


@dataclass(frozen=True)
class StudyClip:
    """A clip of a study.

    `cluster`: the person, or who published it; clips that share it are resampled together. `world`: the portrait world
    made it, so that its person can speak again.
    """

    sample: Sample
    path: Path
    cluster: str
    world: bool = False


class Perturbation(ABC):
    """A change with a name; subclasses are frozen dataclasses whose fields say all about it.

    `code`: bump it when the bytes that it writes change. `needs_other`: it takes something from another clip.
    """

    code: ClassVar[int] = 1
    needs_other: ClassVar[bool] = False
    changes_media: ClassVar[bool] = True

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for tables and expectations, such as `sound+80ms`."""

    @property
    def dose(self) -> float:
        """How strong it is, on a scale of its group; 0 is no change."""
        return 1.0

    def suits(self, clip: StudyClip) -> bool:
        """Tell whether it can be done to a clip."""
        return True

    def may_take(self, clip: StudyClip, other: StudyClip) -> bool:
        """Tell whether it may take what it needs from another clip."""
        return other.cluster != clip.cluster

    def asked(self, clip: StudyClip, other: StudyClip | None) -> Sample:
        """Return the sample that the metric sees beside the changed clip."""
        return clip.sample

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the changed clip; not called where only the sample changes.

        Raises:
            MediaError: the clip cannot be read.
            MediaWriteError: the disk is full, or the folder cannot be written.
            MissingError: the clip has not what is to be changed.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Unchanged(Perturbation):
    """The clip as it is."""

    changes_media: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """`clean`."""
        return "clean"

    @property
    def dose(self) -> float:
        """Nothing."""
        return 0.0


CLEAN = Unchanged()


def partners(
    perturbation: Perturbation, clip: StudyClip, clips: Sequence[StudyClip]
) -> tuple[StudyClip, ...]:
    """Return the clips that a change may take from, best first: by a seed that depends on each pair and nothing else.

    Several are named, so that one without a sound does not cost a good clip its control.
    """
    allowed = [other for other in clips if other is not clip and perturbation.may_take(clip, other)]
    order = sorted(
        allowed,
        key=lambda other: sha256_json([SEED, clip.sample.id, other.sample.id, perturbation.name]),
    )
    return tuple(order[:CANDIDATES])


@dataclass(frozen=True)
class Changed:
    """A clip after a change: its file and what is asked of it."""

    clip: StudyClip
    perturbation: Perturbation
    sample: Sample
    path: Path


def changed(
    perturbation: Perturbation, clip: StudyClip, clips: Sequence[StudyClip], root: Path | None = None
) -> Changed | None:
    """Return the changed clip, written now or before; None where the change cannot be made of this clip."""
    if not perturbation.suits(clip):
        return None
    others = partners(perturbation, clip, clips) if perturbation.needs_other else (None,)
    for other in others:
        try:
            path = _written(perturbation, clip, other, root or home() / "validity" / "media")
            return Changed(clip, perturbation, perturbation.asked(clip, other), path)
        except (MediaError, MissingError):
            continue
    return None


def _written(perturbation: Perturbation, clip: StudyClip, other: StudyClip | None, root: Path) -> Path:
    if not perturbation.changes_media:
        return clip.path
    made_from = [sha256_file(c.path) for c in (clip, other) if c is not None]
    what = [type(perturbation).__name__, perturbation.code, asdict(perturbation)]  # type: ignore[call-overload]
    key = sha256_json([what, made_from, version("av")])
    path = root / key[:2] / f"{key[2:34]}.mp4"
    sidecar = path.with_suffix(".json")
    if not (path.is_file() and sidecar.is_file() and _said(sidecar) == sha256_file(path)):
        perturbation.write(clip, other, path)
        write_json(sidecar, {"perturbation": perturbation.name, "sha256": sha256_file(path)})
    return path


def _said(sidecar: Path) -> str | None:
    try:
        data = json.loads(sidecar.read_bytes())
    except (OSError, ValueError):
        return None
    return data.get("sha256") if isinstance(data, dict) else None


def sound_of(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return a clip's sound `[C, N]` from 0 s of its clock, and its rate in Hz; raises `MediaError`."""
    heard = audio(path, mono=False)
    return placed(heard.samples, heard.rate, heard.start), heard.rate


def as_long_as(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return sound `[C, N]` cut or repeated to a length."""
    times = -(-length // max(samples.shape[-1], 1))
    return np.tile(samples, times)[..., :length]
