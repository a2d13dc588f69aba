"""`lipsync.lse[syncnet-python@1]`: SyncNet v2's LSE-C, LSE-D and offset, from the shared face tracks."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Measurement
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.lipsync_fields import lse_fields
from uniavgen_bench.metrics.lipsync_lse_spec import SHARED_CROPS, WEIGHTS, lse_spec
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import SHIFT
from uniavgen_bench.metrics.syncnet_tracks import TrackRules, of_best_tracks, score_tracks, syncnet
from uniavgen_bench.weights.models import Models

RULES = TrackRules()

SPEC = lse_spec(
    protocol="syncnet-python",
    title="Lip sync error (SyncNet v2)",
    fields=lse_fields(
        confidence="highest over tracks",
        distance="lowest over tracks",
        offset="of the track with the highest confidence",
    ),
    source="protocol of the package syncnet-python 0.2.3 (MoChaBench's pipeline)",
    deviations=(
        "Faces and tracks come from the suite's shared pass (BlazeFace), not from S3FD at a quarter of the size: "
        "face boxes differ a little, and so do the crops.",
        SHARED_CROPS.format(losses="XVID and JPEG"),
        "A clip without a usable track has no score; the package returns confidence 0 and distance 0.",
        "Confidence and distance may come from different tracks when there are several faces: so in the package. "
        "The evidence lists every track.",
    ),
    not_for=("clips shorter than 2.04 s, faces below 100 px, singing, faces in profile",),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score a clip as the package does: highest confidence and lowest distance over its tracks."""
    net = syncnet(models, WEIGHTS)
    return of_best_tracks(score_tracks(clip, clip.speech, net, models.device, RULES))


METRIC = Metric(
    SPEC,
    measure,
    params=(("vshift", SHIFT), ("min_frames", RULES.min_frames), ("min_face", RULES.min_face)),
)
