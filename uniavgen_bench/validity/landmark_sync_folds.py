"""Who is scored by which weights: never by ones that saw a clip of the owner of the scored clip's source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from uniavgen_bench.validity.clip_sets import TalkingFace
from uniavgen_bench.validity.landmark_sync import Ear, studies_of
from uniavgen_bench.validity.landmark_sync_statistics import SyncStudy

FOLDS = 2
NOBODY = -1
"""The fold of faces whose owners may not be trained on: weights that saw all others are fit for them."""


@dataclass(frozen=True)
class Folds:
    """`of` [owner]: the number of the fold that leaves the owner out; owners that are not trained on have none."""

    of: Mapping[str, int]

    def fold(self, face: TalkingFace) -> int:
        """Return the fold of a face that is scored."""
        return self.of.get(face.clip.owner, NOBODY)

    def teachers(self, faces: Sequence[TalkingFace], fold: int) -> list[TalkingFace]:
        """Return the faces that the weights of a fold may be trained on."""
        return [f for f in faces if f.clip.may_be_trained_on and self.of.get(f.clip.owner) != fold]


def folds_of(scored: Sequence[TalkingFace], count: int = FOLDS) -> Folds:
    """Deal owners of scored clips that may be trained on to folds of like size, whole owners only."""
    sizes = Counter(face.clip.owner for face in scored if face.clip.may_be_trained_on)
    loads = [0] * count
    dealt = {}
    for owner, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        least = loads.index(min(loads))
        dealt[owner] = least
        loads[least] += size
    return Folds(dealt)


def studied_by_folds(
    scored: Sequence[TalkingFace],
    faces: Sequence[TalkingFace],
    folds: Folds,
    fit: Callable[[Sequence[TalkingFace], int], Ear],
) -> list[SyncStudy]:
    """Study the scored faces, each by what `fit(teachers, fold)` makes of the others; in the order of `scored`."""
    found: dict[int, SyncStudy] = {}
    for fold in sorted({folds.fold(face) for face in scored}):
        ear = fit(folds.teachers(faces, fold), fold)
        chosen = [at for at, face in enumerate(scored) if folds.fold(face) == fold]
        for at, one in zip(chosen, studies_of(scored, ear, chosen), strict=True):
            found[at] = one
    return [found[at] for at in range(len(scored))]
