"""`portraits.phones@1`: is the sound loud where the truth has vowels, and when."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64, Speech
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_truth import (
    SILENCE,
    VOWELS,
    PortraitTruth,
    lag_curve,
    read_portrait_truth,
)
from uniavgen_bench.weights.models import Models

RATE = 100
WINDOW = 0.025
LOW, HIGH = 300.0, 3000.0
FLOOR_DB = 50.0
MAX_LAG_MS = 400
MIN_SECONDS = 1.0
MIN_BEST = 0.5

SPEC = MetricSpec(
    id="portraits.phones",
    version=1,
    title="Sound against the true phones",
    summary="Loudness of the sound from 300 to 3000 Hz against the times of the vowels of the true speech.",
    fields=(
        FieldSpec(
            name="vowel_auc",
            unit="probability",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="a moment of a true vowel is louder than another moment of the true speech; 0.5 = chance",
        ),
        FieldSpec(
            name="activity",
            unit="share",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="moments at which the voice detector and the true phones agree whether somebody speaks",
        ),
        FieldSpec(
            name="offset_ms",
            unit="ms",
            direction=Direction.ZERO,
            low=-MAX_LAG_MS,
            high=MAX_LAG_MS,
            meaning=f"lag of loudness behind the true vowels; not measurable below a correlation of {MIN_BEST:g}",
            sign="positive = the clip's sound is later than the true one",
        ),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("facts",),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="This project: the truth of the portrait world",
    deviations=(
        "No phones are recognised: right vowels and wrong ones count alike. What is said is speech.wer's matter.",
        "A sound that ends before the true one counts as silent from there.",
    ),
    not_for=(
        "clips without a known truth",
        "ranking systems in tasks that leave them free when to speak: there it says how alike the timing happens to be",
    ),
)


def loudness(speech: Speech, clock: Float64) -> Float64:
    """Return the energy of a band in dB at times [M] in s, at most `FLOOR_DB` below the loudest."""
    from scipy.signal import butter, sosfiltfilt

    filters = butter(3, (LOW, HIGH), btype="bandpass", fs=speech.rate, output="sos")
    band = sosfiltfilt(filters, speech.samples.astype(np.float64))
    total = np.concatenate([[0.0], np.cumsum(band * band)])
    at = clock - speech.start
    first = np.clip(np.round((at - WINDOW / 2) * speech.rate), 0, len(band)).astype(np.int64)
    last = np.clip(np.round((at + WINDOW / 2) * speech.rate), 0, len(band)).astype(np.int64)
    power = (total[last] - total[first]) / np.maximum(last - first, 1)
    level: Float64 = 10 * np.log10(np.maximum(power, 1e-14))
    floored: Float64 = np.maximum(level, level.max() - FLOOR_DB)
    return floored


def spoken_at(truth: PortraitTruth, clock: Float64, *, vowels: bool) -> Float64:
    """Return 1 at times [M] of true vowels, or of any true phone but silence, else 0."""
    found = np.zeros(len(clock))
    for phone in truth.phones:
        if phone.name in VOWELS or (not vowels and phone.name != SILENCE):
            found[(clock >= phone.start) & (clock < phone.end)] = 1.0
    return found


def auc(values: Float64, positive: Float64) -> float:
    """Return the probability that a positive has the greater value, ties counted half."""
    from scipy.stats import rankdata

    ranks, count = rankdata(values), int(positive.sum())
    rest = len(values) - count
    return float((ranks[positive > 0].sum() - count * (count + 1) / 2) / (count * rest))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the loudness of the sound with the true phones."""
    truth = read_portrait_truth(sample)
    speech = clip.speech
    end = truth.phones[-1].end
    heard_for = min(end, speech.start + len(speech.samples) / speech.rate)
    if heard_for < MIN_SECONDS:
        raise MissingError(Reason.TOO_SHORT, f"{heard_for:.2f} s of sound, {MIN_SECONDS:g} s needed")
    clock = (np.arange(int(end * RATE)) + 0.5) / RATE
    level, vowels = loudness(speech, clock), spoken_at(truth, clock, vowels=True)
    spoken = spoken_at(truth, clock, vowels=False)
    # The silence around the speech would flatter any sound that is louder in its middle.
    within = (np.cumsum(spoken) > 0) & (np.cumsum(spoken[::-1])[::-1] > 0)
    if not 0 < vowels.sum() < spoken.sum():
        raise MissingError(Reason.NOT_MEASURABLE, "the truth has no vowels, or nothing else")
    vowel_auc: Score | Missing = Score(auc(level[within], vowels[within]))
    if np.ptp(level[within]) == 0.0:
        vowel_auc = Missing(Reason.NOT_MEASURABLE, "the sound is equally loud all through the true speech")
    heard = np.zeros(len(clock))
    for first, last in clip.voice_activity.segments:
        heard[(clock >= first) & (clock < last)] = 1.0
    lags = lag_curve(level, vowels, MAX_LAG_MS * RATE // 1000)
    best = int(lags.argmax())
    offset: Score | Missing = Score((best - len(lags) // 2) * 1000.0 / RATE)
    if lags[best] < MIN_BEST:
        offset = Missing(
            Reason.NOT_MEASURABLE, f"correlation {lags[best]:.2f} at the best lag, {MIN_BEST:g} needed"
        )
    times = tuple(clock.round(4).tolist())
    curves = (
        Curve("loudness", "dB", times, tuple(level.round(2).tolist())),
        Curve("true vowels", "", times, tuple(vowels.tolist())),
    )
    scores: dict[str, Score | Missing] = {
        "vowel_auc": vowel_auc,
        "activity": Score(float((heard == spoken).mean())),
        "offset_ms": offset,
    }
    return Measurement(scores, Evidence(curves))


METRIC = Metric(
    SPEC,
    measure,
    params=(("band", (LOW, HIGH)), ("window", WINDOW), ("floor", FLOOR_DB), ("min_best", MIN_BEST)),
    code=2,
)
