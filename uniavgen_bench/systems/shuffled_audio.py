"""The control `shuffled-audio`: the picture of one clip with the sound of another. The floor of lip sync."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Role
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.media.probe import probe
from uniavgen_bench.media.sound import Sound, audio
from uniavgen_bench.media.writing import placed
from uniavgen_bench.systems.system import Job, SystemPlugin

RATE = 16_000
CANDIDATES = 4


class ShuffledAudioOptions(Frozen):
    """`of`: the system whose clips are taken; empty: every system's."""

    of: str = ""


def donors(key: ClipKey, clips: Sequence[ClipKey], seed: int) -> list[ClipKey]:
    """Return the clips whose sound `key` may get, best first: those that follow it in a seeded circle.

    Clips of the same sample are left out, because systems may share a sample's sound. Several are named, so that a
    clip that cannot be read does not cost a good one its floor.
    """
    circle = sorted(clips, key=lambda c: sha256_json([seed, c.sample, c.system, c.repeat]))
    if key not in circle:
        return []
    at = circle.index(key)
    return [c for c in circle[at + 1 :] + circle[:at] if c.sample != key.sample][:CANDIDATES]


class ShuffledAudio:
    """Keeps the picture bit by bit and lays the sound of another clip under it, cut or padded to its length."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """Return the clip of the picture, then the clips that the sound may come from."""
        return (key, *donors(key, clips, seed))

    def generate(self, job: Job) -> None:
        """Write the control clip with the first sound that can be read and is not the clip's own.

        Raises:
            MissingError: there is no such sound, or the picture cannot be read.
        """
        picture = job.sources[0]
        try:
            facts = probe(picture)
        except MediaError as error:
            raise MissingError(error.reason, error.detail) from error
        if facts.video_duration is None:
            raise MissingError(Reason.NO_VIDEO)
        heard = next((s for s in map(_sound, job.sources[1:]) if s and s[0] != facts.audio_sha256), None)
        if heard is None:
            raise MissingError(Reason.NOT_GENERATED, "there is no other clip to take a sound from")
        length = round(facts.video_duration * RATE)
        samples = np.squeeze(placed(heard[1].samples, RATE, heard[1].start), 0)[:length]
        replace_audio(picture, np.pad(samples, (0, length - len(samples))), RATE, 0.0, job.out)


def _sound(path: Path) -> tuple[str | None, Sound] | None:
    """Return the hash of a clip's sound and the sound, or None when there is none."""
    try:
        return probe(path).audio_sha256, audio(path, rate=RATE, mono=True)
    except MediaError:
        return None


PLUGIN = SystemPlugin(
    name="shuffled-audio",
    summary="the picture of one clip with the sound of another",
    make=lambda options: ShuffledAudio(),
    options=ShuffledAudioOptions,
    role=Role.LOWER_CONTROL,
    code=2,
    derived=True,
)
