"""`timbre.reference@1`: does the clip's voice sound like the reference voice, by Resemblyzer's speaker encoder."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Float32, Speech, VoiceActivity
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.resemblyzer_signal import levelled, partial_mels, without_silence
from uniavgen_bench.weights.models import Models

WEIGHT = "resemblyzer"
MIN_SECONDS = 1.2
"""Seconds of voiced speech: three quarters of one partial utterance, the method's own bound for its last partial."""


def _seconds(name: str, of: str) -> FieldSpec:
    meaning = f"voiced speech of the {of} that was compared"
    return FieldSpec(name=name, unit="s", direction=Direction.NONE, low=MIN_SECONDS, meaning=meaning)


SPEC = MetricSpec(
    id="timbre.reference",
    version=1,
    title="Voice likeness to the reference (Resemblyzer)",
    summary="Cosine between the speaker embeddings of the clip's sound and of the sample's reference audio.",
    fields=(
        FieldSpec(
            name="similarity",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="1 = the same sound; embeddings have no negative numbers, so different voices lie well above 0",
        ),
        _seconds("seconds_clip", "clip"),
        _seconds("seconds_reference", "reference"),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("reference_audio", "condition_audio"),
    weights=(WEIGHT,),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="network: Apache-2.0 (Resemblyzer)",
    source="Wan et al., arXiv:1710.10467 (GE2E); network and protocol of Resemblyzer 0.1.4: partial utterances of "
    "1.6 s, 1.3 a second, the last one covered by 0.75",
    deviations=(
        "Sound is decoded and resampled to 16 kHz (soxr) by the suite, the mean of the channels; the package resamples "
        "by librosa. On 16 kHz samples both give the same embedding.",
        f"A sound with less than {MIN_SECONDS} s of voiced speech has no score; the package pads anything to 1.6 s.",
        "A sound in which Silero VAD finds no speech has no score: the package's own detector takes noise for voice.",
        "All voices in a sound go into one embedding: nothing tells the speaker from others.",
    ),
    not_for=(
        "audio-driven clips whose sound is the given audio: it measures only the copy",
        "continuation clips that begin with the reference itself: the copied part raises the number",
        "comparison with other encoders: a cosine has no common scale",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the clip's voice with the reference's."""
    given = clip.reference_speech
    reference = voiced_part(given, detect_voice(given, models), "the reference audio")
    heard = voiced_part(clip.speech, clip.voice_activity, "the clip")
    similarity = cosine(embedding(heard, models), embedding(reference, models))
    return Measurement(
        {
            "similarity": Score(similarity),
            "seconds_clip": Score(len(heard) / SPEECH_RATE),
            "seconds_reference": Score(len(reference) / SPEECH_RATE),
        },
        Evidence(),
    )


def voiced_part(speech: Speech, voice: VoiceActivity, of: str) -> Float32:
    """Return the voiced samples [M] of a sound, levelled; `of` names it in the reason.

    Raises:
        MissingError: `no_speech` when the voice detector found none, or `too_short` under 1.2 s of voiced speech.
    """
    if len(voice.segments) == 0:
        raise MissingError(Reason.NO_SPEECH, f"{of} has no speech")
    voiced = without_silence(levelled(speech.samples))
    seconds = len(voiced) / SPEECH_RATE
    if seconds < MIN_SECONDS:
        raise MissingError(
            Reason.TOO_SHORT, f"{of} has {seconds:.2f} s of voiced speech, {MIN_SECONDS} needed"
        )
    return voiced


def embedding(voiced: Float32, models: Models) -> Float32:
    """Return the speaker embedding [256] of voiced samples [M] at 16 kHz."""
    from uniavgen_bench.metrics.resemblyzer_encoder import embed, load_encoder

    encoder = models.get(WEIGHT, lambda: load_encoder(models.weight(WEIGHT), models.device))
    return embed(encoder, partial_mels(voiced))


def cosine(one: Float32, other: Float32) -> float:
    """Return the cosine of two embeddings of length 1, at most 1 in spite of rounding."""
    return min(1.0, max(0.0, float(one @ other)))


METRIC = Metric(SPEC, measure, params=(("min_seconds", MIN_SECONDS),))
