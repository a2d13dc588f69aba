"""`lipsync.lse[whole-frame@1]`: LSE of whole pictures, as SyncNet's demo and Wav2Lip's LRS script take it."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.metrics.lipsync_fields import lse_fields
from uniavgen_bench.metrics.lipsync_lse_spec import WEIGHTS, lse_spec
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import (
    FPS,
    SHIFT,
    frame_grid,
    frames_heard,
    sound_between,
    whole_frames,
)
from uniavgen_bench.metrics.syncnet_tracks import WINDOW, TrackLse, lse_between, measurement, syncnet
from uniavgen_bench.weights.models import Models

MIN_FRAMES = 2 * SHIFT + 1 + WINDOW
"""Below this many frames at 25 fps the longest shifts meet little but the zeros beyond the ends."""

SPEC = lse_spec(
    protocol="whole-frame",
    title="Lip sync error (SyncNet v2 on whole pictures)",
    fields=lse_fields(
        confidence="of the whole clip",
        distance="of the whole clip",
        offset="of the whole clip",
        parts="clips",
    ),
    source="protocol of syncnet_python's demo_syncnet.py at 6efbb1c and Wav2Lip's evaluation/scores_LSE/"
    "calculate_scores_LRS.py: no face is looked for, the whole picture becomes 224 x 224",
    needs=(Artefact.FRAMES, Artefact.WHOLE_FRAMES, Artefact.SPEECH),
    deviations=(
        "Clips that are not at 25 fps are brought there; the scripts take their frames as they are, so that sound "
        "and picture drift apart.",
        f"Clips under {MIN_FRAMES} frames at 25 fps have no score; the scripts go down to 6.",
        "The pictures pass through one JPEG as in the protocol, but after shrinking, not before.",
    ),
    not_for=(
        "clips that were not cropped to a face before: the mouth is then a few px of 224",
        f"clips shorter than {MIN_FRAMES / FPS:g} s, several faces, singing, faces in profile",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score a clip by its whole pictures.

    Raises:
        MissingError: `weights`, `no_video`, `no_audio`, `silent`; `too_short`.
    """
    net = syncnet(models, WEIGHTS)
    grid = frame_grid(clip.frames.times)
    heard = min(len(grid.index), frames_heard(clip.speech, grid.start))
    if heard < MIN_FRAMES:
        raise MissingError(
            Reason.TOO_SHORT,
            f"{max(0, heard)} frames at 25 fps are seen and heard, {MIN_FRAMES} needed",
        )
    pictures = whole_frames(clip.whole_frames, grid.index[:heard])
    sound = sound_between(clip.speech, grid.start, grid.start + heard / FPS)
    part = TrackLse(0, grid.start, heard, 0.0, lse_between(net, pictures, sound, models.device))
    return measurement(
        [part],
        confidence=part.lse.confidence,
        distance=part.lse.distance,
        offset=part.lse.offset,
        part="clip",
    )


METRIC = Metric(SPEC, measure, params=(("vshift", SHIFT), ("min_frames", MIN_FRAMES)))
