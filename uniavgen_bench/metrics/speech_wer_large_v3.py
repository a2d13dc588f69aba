"""`speech.wer[large-v3@1]`: how much of the text that was asked for is heard, by Whisper large-v3."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.analysis.transcript import Recogniser, transcribe
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, MetricSpec, Tier
from uniavgen_bench.metrics import speech_wer
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.speech_text import (
    WHISPER_LARGE_V3,
    WITHOUT_SPACES,
    language_code,
    verified_text,
)
from uniavgen_bench.weights.models import Models

LARGE_V3 = Recogniser("whisper-large-v3")

SPEC = MetricSpec(
    id="speech.wer",
    version=1,
    protocol="large-v3",
    title="Word error rate (Whisper large-v3)",
    summary="Edits between the words asked for and the words that Whisper large-v3 hears, per word asked for.",
    fields=speech_wer.SPEC.fields,
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("speech",),
    weights=(LARGE_V3.weight,),
    floors=("shuffled-audio",),
    tier=Tier.PAPER,
    licence="Whisper: MIT",
    source="Radford et al., arXiv:2212.04356: model large-v3 (CTranslate2, beam 5, temperature 0, int8 on the CPU and "
    "int8 with float16 on a GPU), language from the sample; Whisper's English text normaliser, its basic one for "
    f"other languages, from {speech_wer.NORMALISER} {speech_wer.NORMALISER_VERSION}; alignment by jiwer",
    deviations=(
        "UniAVGen names Whisper and neither its size nor its text normaliser: a rate of this metric is near its table "
        "in kind, not in every step.",
        "Only the span in which the voice detector finds speech is recognised, in windows of up to 28 s, without "
        "Whisper's retries at higher temperatures: the same sound gives the same text every time.",
        "A window that the network takes for no speech (probability above 0.6 and mean log probability under -1, "
        "Whisper's own bounds) is left out; a clip of nothing else has no score.",
        "The language is the sample's: speech in another language is forced into it, and mostly counts as errors.",
    ),
    not_for=(
        "languages written without spaces between words (speech.cer for Chinese)",
        "texts that a recogniser wrote and nobody checked: they are refused",
        "speech that is hard to follow: the network guesses likely words, so a low rate is no proof of clear sound",
        "single short clips: one word of six is 0.17",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Recognise the clip's speech and compare it with `sample.speech`."""
    text = verified_text(sample)
    language = language_code(sample)
    if language not in WHISPER_LARGE_V3:
        raise MissingError(Reason.LANGUAGE, f"{sample.language!r} is none of Whisper's languages")
    if language in WITHOUT_SPACES:
        raise MissingError(Reason.LANGUAGE, f"{sample.language!r} is written without spaces between words")
    return speech_wer.rates(
        text,
        lambda: transcribe(clip.speech, clip.voice_activity, models, LARGE_V3, language),
        normaliser_of(language, models),
    )


def normaliser_of(language: str, models: Models) -> Callable[[str], str]:
    """Return Whisper's text normaliser of a language."""
    english: Callable[[str], str]
    if language == "en":
        english = models.get(speech_wer.ENGLISH_NORMALISER, speech_wer.load_english_normaliser)
        return english
    return models.get("whisper-normaliser-basic", _load_basic)


def _load_basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    normaliser: Callable[[str], str] = BasicTextNormalizer()
    return normaliser


METRIC = Metric(
    SPEC,
    measure,
    params=(
        *speech_wer.METRIC.params,
        *((package, version(package)) for package in ("faster-whisper", "ctranslate2")),
    ),
)
