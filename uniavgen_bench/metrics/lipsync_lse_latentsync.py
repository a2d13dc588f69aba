"""`lipsync.lse[latentsync@1]`: LSE as LatentSync's `eval/` takes it, the mean over face tracks."""

from __future__ import annotations

from statistics import fmean

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Measurement
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.lipsync_fields import lse_fields
from uniavgen_bench.metrics.lipsync_lse_spec import SHARED_CROPS, WEIGHTS, lse_spec
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import SHIFT
from uniavgen_bench.metrics.syncnet_tracks import TrackRules, measurement, score_tracks, syncnet
from uniavgen_bench.weights.models import Models

RULES = TrackRules()

SPEC = lse_spec(
    protocol="latentsync",
    title="Lip sync error (SyncNet v2, LatentSync's protocol)",
    fields=lse_fields(
        confidence="mean over tracks",
        distance="mean over tracks",
        offset="mean over tracks, its fraction cut off",
    ),
    source="protocol of LatentSync's eval/ at a229c39",
    deviations=(
        "Faces and tracks come from the suite's shared pass (BlazeFace), not from S3FD at a quarter of the size: "
        "face boxes differ a little, and so do the crops.",
        SHARED_CROPS.format(losses="MPEG-4 and JPEG"),
        "The protocol encodes the sound of every track as AAC once more; here it is not.",
        "The protocol gives confidence and offset only; its mean of LSE-D over tracks is added here.",
        "A clip without a usable track has no score; the script drops it from its mean without a word.",
    ),
    not_for=(
        "clips shorter than 2.04 s, faces below 100 px, singing, faces in profile",
        "clips with several faces: the mean counts silent listeners",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score a clip as LatentSync does: means over its tracks."""
    net = syncnet(models, WEIGHTS)
    tracks = score_tracks(clip, clip.speech, net, models.device, RULES)
    return measurement(
        tracks,
        confidence=fmean(t.lse.confidence for t in tracks),
        distance=fmean(t.lse.distance for t in tracks),
        offset=int(fmean(t.lse.offset for t in tracks)),
    )


METRIC = Metric(
    SPEC,
    measure,
    params=(("vshift", SHIFT), ("min_frames", RULES.min_frames), ("min_face", RULES.min_face)),
)
