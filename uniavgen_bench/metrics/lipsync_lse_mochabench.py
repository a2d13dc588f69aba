"""`lipsync.lse[mochabench@1]`: LSE as MoChaBench takes it, against the speech file that was given to the system."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Speech
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.metrics.lipsync_fields import lse_fields
from uniavgen_bench.metrics.lipsync_lse_spec import SHARED_CROPS, WEIGHTS, lse_spec
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import SHIFT
from uniavgen_bench.metrics.syncnet_tracks import TrackRules, of_best_tracks, score_tracks, syncnet
from uniavgen_bench.weights.models import Models

RULES = TrackRules()

SPEC = lse_spec(
    protocol="mochabench",
    title="Lip sync error (SyncNet v2, MoChaBench's protocol)",
    fields=lse_fields(
        confidence="highest over tracks",
        distance="lowest over tracks",
        offset="of the track with the highest confidence",
    ),
    source="protocol of MoChaBench at 043908d: the mouth against the benchmark's clean speech file",
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.CROPS),
    sample_needs=("condition_audio",),
    floors=(),
    deviations=(
        "Faces and tracks come from the suite's shared pass (BlazeFace), not from S3FD at a quarter of the size: "
        "face boxes differ a little, and so do the crops.",
        SHARED_CROPS.format(losses="XVID and JPEG"),
        "A clip without a usable track has no score; the pipeline returns confidence 0 and distance 0, which its "
        "tables leave out.",
        "Confidence and distance may come from different tracks when there are several faces: so in the pipeline. "
        "The evidence lists every track.",
    ),
    not_for=(
        "the sound of the clip itself: it is not listened to, only the speech that was given to the system",
        "systems that make their own speech: without a given speech file there is no score",
        "clips shorter than 2.04 s, faces below 100 px, singing, faces in profile",
    ),
)


def given_speech(sample: Sample) -> Speech:
    """Return the speech file that the system was given, 16 kHz mono.

    Raises:
        MissingError: `no_reference` when the sample has none or it cannot be used.
    """
    path = sample.condition_audio
    if path is None:
        raise MissingError(Reason.NO_REFERENCE, "the sample names no condition audio")
    try:
        return load_speech(path)
    except MissingError as error:
        raise MissingError(Reason.NO_REFERENCE, f"{path.name}: {error.missing}") from error


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score the mouths of a clip against the given speech: highest confidence and lowest distance over tracks."""
    speech = given_speech(sample)
    net = syncnet(models, WEIGHTS)
    return of_best_tracks(score_tracks(clip, speech, net, models.device, RULES))


METRIC = Metric(
    SPEC,
    measure,
    params=(("vshift", SHIFT), ("min_frames", RULES.min_frames), ("min_face", RULES.min_face)),
)
