"""`lipsync.landmark_sync@1`: lip sync by a learned embedding of lip landmarks and sound, without SyncNet."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.landmark_sync_model import (
    MODEL_SHA256,
    SyncStreams,
    lag_curve,
    load_shipped_model,
    sync_streams,
)
from uniavgen_bench.metrics.lipsync_fields import offset_ms
from uniavgen_bench.metrics.lipsync_mouth_audio import MIN_SECONDS, MIN_SPEECH, in_place, speaker_track
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.mouth_audio_model import MAX_LAG, Peak, mouth_stream, peak_of
from uniavgen_bench.metrics.mouth_shape import RATE
from uniavgen_bench.weights.models import Models

MIN_CONFIDENCE = 0.2
"""Below this confidence an offset is not stated."""

SPEC = MetricSpec(
    id="lipsync.landmark_sync",
    version=1,
    title="Lip sync by landmarks, learned",
    summary="Mean cosine of a learned embedding of the speaker's lip and jaw landmarks with one of the sound's mel "
    "energies, against the lag.",
    fields=(
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            high=2.0,
            meaning="mean cosine at the best lag minus the median over lags of ±600 ms; of the form of LSE-C, in other "
            "units",
        ),
        offset_ms(f"best lag; not measurable where confidence is below {MIN_CONFIDENCE:g}"),
        FieldSpec(
            name="in_place",
            unit="",
            direction=Direction.HIGHER,
            low=-2.0,
            high=2.0,
            meaning="highest mean cosine within ±40 ms of lag zero minus the median over lags: sync as it is, not as "
            "it could be shifted",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.SPEECH, Artefact.VOICE_ACTIVITY, Artefact.SPEAKER),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0; trained on procedural heads and on clips under Apache-2.0, MIT and CC BY 4.0 "
    "(reports/models/landmark_sync.md)",
    source="Two-stream embedding after Chung and Zisserman, 'Out of time: automated lip sync in the wild' (2016), on "
    "MediaPipe's face mesh instead of pixels",
    deviations=(
        "Not SyncNet and not LSE: another network, other numbers, another range; it agrees with published LSE-C in "
        "rank only, as far as the model card says.",
        "offset_ms says what happened: negative when the sound is ahead. SyncNet's printed offset has the opposite "
        "sign.",
        "Only the track of the chosen speaker is looked at, and only its landmarks: teeth, tongue and artefacts of "
        "the picture are not seen.",
    ),
    not_for=(
        "faces in full profile, faces of a few dozen px, covered mouths",
        "clips shorter than about 3 s: the evidence grows with length",
        "offsets finer than 40 ms, or compared across sources: recordings have a bias of their own of up to 150 ms",
        "ranking two systems by a handful of clips",
        "putting a number beside SyncNet's of a paper",
    ),
)


def evidence_of(both: SyncStreams, curve: Float64, peak: Peak) -> Evidence:
    """Lay out opening and loudness over time, and the mean cosine against the lag."""
    times = tuple((both.start + np.arange(len(both.opening)) / RATE).round(4).tolist())
    lags = tuple((np.arange(-MAX_LAG, MAX_LAG + 1) / RATE).round(4).tolist())
    loudness = both.mel[MAX_LAG : MAX_LAG + len(both.opening), 6:30].mean(axis=1)
    return Evidence(
        curves=(
            Curve("mouth opening", "inter-ocular distances", times, tuple(both.opening.round(5).tolist())),
            Curve("speech energy", "dB below the loudest", times, tuple(loudness.round(2).tolist())),
            Curve("mean cosine against lag of the sound", "", lags, tuple(curve.round(5).tolist())),
        ),
        texts={
            "best lag": f"{peak.offset_ms:+.0f} ms, mean cosine {peak.height:.3f}, "
            f"above median {peak.confidence:.3f}"
        },
    )


def scores_of(curve: Float64, peak: Peak) -> dict[str, Score | Missing]:
    """Turn a lag curve into the declared fields."""
    weak = f"confidence {peak.confidence:.2f}, {MIN_CONFIDENCE:g} needed"
    sure = peak.confidence >= MIN_CONFIDENCE
    return {
        "confidence": Score(peak.confidence),
        "offset_ms": Score(peak.offset_ms) if sure else Missing(Reason.NOT_MEASURABLE, weak),
        "in_place": Score(in_place(curve)),
    }


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Measure how well the speaker's mouth and the sound go together, and at which lag."""
    track = speaker_track(clip)
    model = models.get("landmark-sync-v1", load_shipped_model)
    mouth = mouth_stream(clip.frames.times[track.frames], track.landmarks, model.template)
    if mouth.valid.sum() < MIN_SECONDS * RATE:
        raise MissingError(
            Reason.TOO_SHORT, f"the face is tracked for {mouth.valid.sum() / RATE:.2f} s without gaps"
        )
    both = sync_streams(mouth, clip.speech.samples, clip.speech.start)
    curve = lag_curve(model, both)
    peak = peak_of(curve)
    return Measurement(scores=scores_of(curve, peak), evidence=evidence_of(both, curve, peak))


METRIC = Metric(
    SPEC,
    measure,
    params=(
        ("model", MODEL_SHA256),
        ("min_seconds", MIN_SECONDS),
        ("min_speech", MIN_SPEECH),
        ("min_confidence", MIN_CONFIDENCE),
    ),
)
