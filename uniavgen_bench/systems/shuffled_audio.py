"""The control `shuffled-audio`: the picture of one clip with the sound of another. The floor of lip sync."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Role
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.media.probe import probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.media.writing import placed
from uniavgen_bench.systems.system import Job, SystemPlugin

RATE = 16_000


class ShuffledAudioOptions(Frozen):
    """`of`: the system whose clips are taken; empty: every system's."""

    of: str = ""


def donor(key: ClipKey, clips: Sequence[ClipKey], seed: int) -> ClipKey | None:
    """Return the clip whose sound `key` gets: the next one in a seeded circle, so that nobody gets their own.

    A clip of another sample is taken where there is one, because systems may share a sample's sound.
    """
    circle = sorted(clips, key=lambda c: sha256_json([seed, c.sample, c.system, c.repeat]))
    if key not in circle:
        return None
    at = circle.index(key)
    return next((c for c in circle[at + 1 :] + circle[:at] if c.sample != key.sample), None)


class ShuffledAudio:
    """Keeps the picture bit by bit and lays the sound of another clip under it, cut or padded to its length."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """Return the clip of the picture and the clip of the sound; the picture alone when there is no other."""
        other = donor(key, clips, seed)
        return (key, other) if other else (key,)

    def generate(self, job: Job) -> None:
        """Write the control clip.

        Raises:
            MissingError: there is no other clip, or one of the two cannot be read.
        """
        if len(job.sources) < 2:
            raise MissingError(Reason.NOT_GENERATED, "there is no other clip to take the sound from")
        picture, sound = job.sources
        try:
            length = probe(picture).video_duration
            if length is None:
                raise MissingError(Reason.NO_VIDEO)
            heard = audio(sound, rate=RATE, mono=True)
        except MediaError as error:
            raise MissingError(error.reason, str(error)) from error
        samples = np.squeeze(placed(heard.samples, RATE, heard.start), 0)[: round(length * RATE)]
        samples = np.pad(samples, (0, round(length * RATE) - len(samples)))
        replace_audio(picture, samples, RATE, 0.0, job.out)


PLUGIN = SystemPlugin(
    name="shuffled-audio",
    summary="the picture of one clip with the sound of another",
    make=lambda options: ShuffledAudio(),
    options=ShuffledAudioOptions,
    role=Role.LOWER_CONTROL,
    derived=True,
)
