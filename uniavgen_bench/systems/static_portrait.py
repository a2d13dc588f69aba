"""The control `static-portrait`: the still reference image with the true speech. The floor of all that moves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Role
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.media.probe import probe
from uniavgen_bench.systems.given import reference_picture, sound_of
from uniavgen_bench.systems.ground_truth import true_clip
from uniavgen_bench.systems.system import Job, SystemPlugin

RATE = 24_000


class StaticPortrait:
    """Shows the reference image as long as the true clip lasts; sees nothing of its picture."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """The control is derived from no clip of the run."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the control clip; raises `MissingError` without a reference image or a true clip."""
        source = true_clip(job.sample)
        picture = reference_picture(job.sample)
        try:
            facts = probe(source)
        except MediaError as error:
            raise MissingError(error.reason, str(error)) from error
        if facts.fps is None or facts.video_duration is None:
            raise MissingError(Reason.NO_VIDEO)
        frames = max(1, round(facts.fps * facts.video_duration))
        write_clip(job.out, repeat(picture, frames), facts.fps, sound_of(source, RATE), RATE)


PLUGIN = SystemPlugin(
    name="static-portrait",
    summary="the still reference image with the true speech",
    make=lambda options: StaticPortrait(),
    role=Role.LOWER_CONTROL,
    sees_truth=True,
)
