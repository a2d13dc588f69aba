"""The control `shifted-audio`: a clip's own sound, late or early by a known time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import ClipKey, Role
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.media.sound import audio
from uniavgen_bench.systems.system import Job, SystemPlugin

RATE = 16_000


class ShiftedAudioOptions(Frozen):
    """`milliseconds`: by how much the sound comes later (negative: earlier). `of`: as for `shuffled-audio`."""

    milliseconds: float = Field(default=200.0, ge=-5000, le=5000)
    of: str = ""


class ShiftedAudio:
    """Keeps the picture bit by bit and moves the sound, padding with silence; the length stays."""

    def __init__(self, options: ShiftedAudioOptions) -> None:
        self.shift = options.milliseconds / 1000

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A shifted clip is derived from the clip itself."""
        return (key,)

    def generate(self, job: Job) -> None:
        """Write the control clip; raises `MissingError` when the source cannot be read."""
        (source,) = job.sources
        try:
            heard = audio(source, rate=RATE, mono=True)
        except MediaError as error:
            raise MissingError(error.reason, str(error)) from error
        by = round(self.shift * RATE)
        silence = np.zeros(min(abs(by), len(heard.samples)), np.float32)
        kept = heard.samples[: len(heard.samples) - len(silence)] if by > 0 else heard.samples[len(silence) :]
        moved = np.concatenate([silence, kept] if by > 0 else [kept, silence])
        replace_audio(source, moved, RATE, heard.start, job.out)


PLUGIN = SystemPlugin(
    name="shifted-audio",
    summary="a clip's own sound, moved by a known number of milliseconds",
    make=ShiftedAudio,
    options=ShiftedAudioOptions,
    role=Role.LOWER_CONTROL,
    derived=True,
)
