"""The negative control of lip sync: the sound of clips from other sources under a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32
from uniavgen_bench.validity.clip_sets import TalkingFace

SWAPS = 6


def swapped_partners(faces: Sequence[TalkingFace], number: int) -> list[TalkingFace]:
    """Return six faces of other sources, drawn by a seed that depends on the place of the clip only."""
    others = [f for f in faces if f.clip.source != faces[number].clip.source]
    chosen = np.random.default_rng(number).permutation(len(others))[:SWAPS]
    return [others[i] for i in chosen]


def sound_instead(face: TalkingFace, other: TalkingFace) -> Float32:
    """Return the other clip's sound, repeated or cut to the length of this clip's own."""
    return np.resize(other.samples, len(face.samples))
