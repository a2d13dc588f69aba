"""`lipsync.mouth_audio@1`: lip sync by canonical correlation of lip shape and sound, without SyncNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64, Track
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.lipsync_fields import offset_ms
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.mouth_audio_model import (
    MAX_LAG,
    MouthAudioMap,
    Peak,
    Streams,
    lag_correlations,
    load_map,
    mouth_stream,
    mouth_variates,
    peak_of,
    sound_variates,
    streams,
)
from uniavgen_bench.metrics.mouth_shape import RATE, MouthShape
from uniavgen_bench.weights.models import Models

MODEL_FILE = Path(__file__).parent / "data" / "mouth_audio_v1.safetensors"
MODEL_SHA256 = "92c94adf0f2a810e7d068d3f2eb8f4bbbc246a342c0696ad005ddd5341f6280f"
"""Of the fitted map; it is part of the cache key, and another file does not load."""

MIN_SECONDS = 2.0
"""The speaker's face must be seen for so long."""
MIN_SPEECH = 0.8
"""Seconds of speech that must be heard while the face is seen."""
MIN_CONFIDENCE = 0.25
"""Below this confidence an offset is not stated: above it one of ten swapped sounds still gets one."""

SPEC = MetricSpec(
    id="lipsync.mouth_audio",
    version=1,
    title="Lip sync by mouth shape and sound",
    summary="Canonical correlation of the speaker's lip shape with the sound's mel energies, against the lag.",
    fields=(
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            high=2.0,
            meaning="correlation at the best lag minus the median over lags of ±600 ms; swapped sound gives 0.1 to 0.2",
        ),
        offset_ms(f"best lag; not measurable where confidence is below {MIN_CONFIDENCE:g}"),
        FieldSpec(
            name="correlation",
            unit="",
            direction=Direction.HIGHER,
            low=-1.0,
            high=1.0,
            meaning="weighted mean of the canonical correlations at the best lag",
        ),
        FieldSpec(
            name="in_place",
            unit="",
            direction=Direction.HIGHER,
            low=-2.0,
            high=2.0,
            meaning="highest correlation within ±40 ms of lag zero minus the median over lags: sync as it is, not as "
            "it could be shifted",
        ),
        FieldSpec(
            name="movement",
            unit="% of the inter-ocular distance",
            direction=Direction.NONE,
            low=0.0,
            meaning="standard deviation of the mouth's opening: a fact beside the score, since larger movement is "
            "easier to measure",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.SPEECH, Artefact.VOICE_ACTIVITY, Artefact.SPEAKER),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0; fitted on clips under Apache-2.0, MIT and CC BY 4.0 (reports/models/mouth_audio.md)",
    source="Canonical correlation analysis (Hotelling 1936; FaceSync, Slaney and Covell, NIPS 2000) on MediaPipe's "
    "face mesh",
    deviations=(
        "Not SyncNet and not LSE: other numbers, other range.",
        "offset_ms says what happened: negative when the sound is ahead. SyncNet's printed offset has the opposite "
        "sign (15 - argmin is positive when the sound is ahead), whatever its discussions say.",
        "Only the track of the chosen speaker is looked at.",
    ),
    not_for=(
        "faces in full profile, faces of a few dozen px, covered mouths",
        "clips shorter than about 3 s: the evidence grows with length",
        "ranking two systems by a handful of clips",
    ),
)


def load_shipped_map() -> MouthAudioMap:
    """Load the map that comes with the package; a file with another hash is refused."""
    try:
        data = MODEL_FILE.read_bytes()
    except OSError as error:
        raise MissingError(Reason.WEIGHTS, f"{MODEL_FILE.name} of the package: {error.strerror}") from error
    if sha256_bytes(data) != MODEL_SHA256:
        raise MissingError(
            Reason.WEIGHTS, f"{MODEL_FILE.name} is not the file that this version was released with"
        )
    return load_map(data)


def seconds_spoken(segments: Float64, start: float, end: float) -> float:
    """Return how many seconds of the speech segments `[K, 2]` lie between two times."""
    return float(np.clip(np.minimum(segments[:, 1], end) - np.maximum(segments[:, 0], start), 0, None).sum())


def speaker_track(clip: ClipArtefacts) -> Track:
    """Return the speaker's track if there is enough of it, seen and heard.

    Raises:
        MissingError: `no_face`, `several_speakers`, `no_audio`, `silent`, `too_short`, `no_speech`.
    """
    track = clip.faces.tracks[clip.speaker.track]
    times = clip.frames.times[track.frames]
    if len(times) < 2 or times[-1] - times[0] < MIN_SECONDS:
        seen = float(times[-1] - times[0]) if len(times) else 0.0
        raise MissingError(
            Reason.TOO_SHORT, f"the speaker's face is seen for {seen:.2f} s, {MIN_SECONDS:g} s needed"
        )
    spoken = seconds_spoken(clip.voice_activity.segments, float(times[0]), float(times[-1]))
    if spoken < MIN_SPEECH:
        raise MissingError(
            Reason.NO_SPEECH, f"{spoken:.2f} s of speech while the face is seen, {MIN_SPEECH:g} s needed"
        )
    return track


def curve_of(model: MouthAudioMap, both: Streams) -> Float64:
    """Return the correlation at lags -600 … 600 ms in steps of 20 ms, `[61]`."""
    return lag_correlations(
        mouth_variates(model, both.shape),
        sound_variates(model, both.sound),
        both.valid,
        model.weights,
        MAX_LAG,
    )


def in_place(curve: Float64) -> float:
    """Return the highest correlation within ±40 ms of lag zero minus the median over lags."""
    return float(curve[MAX_LAG - 2 : MAX_LAG + 3].max() - np.median(curve))


def evidence_of(both: Streams, curve: Float64, peak: Peak) -> Evidence:
    """Lay out opening and loudness over time, and the correlation against the lag."""
    times = tuple((both.start + np.arange(len(both.opening)) / RATE).round(4).tolist())
    lags = tuple((np.arange(-MAX_LAG, MAX_LAG + 1) / RATE).round(4).tolist())
    return Evidence(
        curves=(
            Curve("mouth opening", "inter-ocular distances", times, tuple(both.opening.round(5).tolist())),
            Curve("speech energy", "dB below the loudest", times, tuple(both.loudness.round(2).tolist())),
            Curve("correlation against lag of the sound", "", lags, tuple(curve.round(5).tolist())),
        ),
        texts={
            "best lag": f"{peak.offset_ms:+.0f} ms, correlation {peak.height:.3f}, above median {peak.confidence:.3f}"
        },
    )


def scores_of(mouth: MouthShape, curve: Float64, peak: Peak) -> dict[str, Score | Missing]:
    """Turn a lag curve into the declared fields."""
    weak = f"confidence {peak.confidence:.2f}, {MIN_CONFIDENCE:g} needed"
    sure = peak.confidence >= MIN_CONFIDENCE
    return {
        "confidence": Score(peak.confidence),
        "offset_ms": Score(peak.offset_ms) if sure else Missing(Reason.NOT_MEASURABLE, weak),
        "correlation": Score(peak.height),
        "in_place": Score(in_place(curve)),
        "movement": Score(100.0 * float(mouth.opening.std())),
    }


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Measure how well the speaker's mouth and the sound go together, and at which lag."""
    track = speaker_track(clip)
    model = models.get("mouth-audio-v1", load_shipped_map)
    mouth = mouth_stream(clip.frames.times[track.frames], track.landmarks, model.template)
    if mouth.valid.sum() < MIN_SECONDS * RATE:
        raise MissingError(
            Reason.TOO_SHORT, f"the face is tracked for {mouth.valid.sum() / RATE:.2f} s without gaps"
        )
    both = streams(mouth, clip.speech.samples, clip.speech.start)
    curve = curve_of(model, both)
    peak = peak_of(curve)
    return Measurement(scores=scores_of(mouth, curve, peak), evidence=evidence_of(both, curve, peak))


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
