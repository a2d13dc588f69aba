"""A speech synthesiser as a plugin: systems that need a voice name one, and know nothing of who made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SYNTHESISERS = "uniavgen_bench.synthesisers"


@dataclass(frozen=True)
class VoiceWish:
    """Whose voice to speak with, as far as it is known: what is None is drawn from `seed`.

    `pitch`: mean in Hz of a voice to come near to. `seconds`: length of the speech to come near to; None: the voice's
    own pace.
    """

    seed: int
    gender: Literal["male", "female"] | None = None
    pitch: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class SpokenText:
    """Float32 samples [N] in -1 … 1 at `rate` Hz, from the first sound to the last."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True)
class Synthesiser:
    """What an entry point of the group `uniavgen_bench.synthesisers` names.

    Raises (say):
        InputError: a text that cannot be spoken.
        NotInstalledError: an optional package is absent.
    """

    name: str
    summary: str
    say: Callable[[str, VoiceWish], SpokenText]
