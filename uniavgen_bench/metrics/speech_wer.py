"""`speech.wer@1`: how much of the text that was asked for is heard, by a small recogniser."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Transcript
from uniavgen_bench.core.result import Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.speech_text import language_code, verified_text
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from jiwer import WordOutput
    from whisper_normalizer.english import EnglishTextNormalizer

NORMALISER = "whisper-normalizer"
NORMALISER_VERSION = version(NORMALISER)
ENGLISH_NORMALISER = "whisper-normaliser-english"
"""The key under which a process keeps it."""


def rate_field(name: str, meaning: str, high: float | None = None) -> FieldSpec:
    """Declare a rate of errors."""
    return FieldSpec(name=name, unit="1", direction=Direction.LOWER, low=0.0, high=high, meaning=meaning)


SPEC = MetricSpec(
    id="speech.wer",
    version=1,
    title="Word error rate (Whisper tiny.en)",
    summary="Edits between the words asked for and the words that Whisper tiny.en hears, per word asked for.",
    fields=(
        rate_field(
            "wer",
            "word error rate: (substitutions + deletions + insertions) / words; above 1 when more is said",
        ),
        rate_field("cer", "character error rate of the normalised texts, spaces included"),
        rate_field("substitutions", "share of the words asked for that are heard as another word", 1.0),
        rate_field("deletions", "share of the words asked for that are not heard", 1.0),
        rate_field("insertions", "words heard beside those asked for, per word asked for"),
        FieldSpec(
            name="words",
            unit="words",
            direction=Direction.NONE,
            low=1.0,
            meaning="words asked for, after normalisation: the weight of the clip in a pooled rate",
        ),
    ),
    needs=(Artefact.TRANSCRIPT,),
    sample_needs=("speech",),
    weights=("whisper-tiny.en",),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Whisper: MIT",
    source="Radford et al., arXiv:2212.04356: model tiny.en (CTranslate2, int8, beam 5, temperature 0) and English "
    f"text normaliser, from {NORMALISER} {NORMALISER_VERSION}; alignment by jiwer",
    deviations=(
        "Papers mostly use Whisper large: tiny.en makes more errors of its own, so compare systems with each other and "
        "with the real recordings beside them, not with published rates.",
        "Only the span in which the voice detector finds speech is recognised, in windows of up to 28 s.",
        "Letters are compared as Whisper spells them: no rule turns 'see' into 'c', or 'to' into '2'.",
        "A clip in which voice but no word is heard has all words deleted (rate 1); one without voice is missing.",
    ),
    not_for=(
        "languages other than English: the recogniser knows only English",
        "texts that a recogniser wrote and nobody checked: they are refused",
        "single short clips: one word of six is 0.17",
        "the portrait world: of its synthetic six-word sentences most words are misheard, so its own sound is hardly "
        "told from another (8 clips: rate 0.69 as they are, 0.92 with another clip's sound, AUC 0.63 [0.36, 0.85]; "
        "1.02 against another text, AUC 0.77 [0.62, 0.91]). speech.grid@1 is made for these sentences",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the transcript with `sample.speech`."""
    text = asked_for(sample)
    normaliser = models.get(ENGLISH_NORMALISER, load_english_normaliser)
    return rates(text, lambda: clip.transcript, normaliser)


def rates(text: str, hear: Callable[[], Transcript], normaliser: Callable[[str], str]) -> Measurement:
    """Compare a text with what is heard, both normalised, word by word.

    Raises:
        MissingError: `no_transcript` when normalisation leaves no word, and what `hear` raises.
    """
    reference = normaliser(text)
    if not reference.split():
        raise MissingError(Reason.NO_TRANSCRIPT, "no word is left of the text after normalisation")
    heard = hear()
    hypothesis = normaliser(heard.text)
    words, letters = compare(reference, hypothesis)
    asked = len(reference.split())
    scores: dict[str, Score | Missing] = {
        "wer": Score(words.wer),
        "cer": Score(letters),
        "substitutions": Score(words.substitutions / asked),
        "deletions": Score(words.deletions / asked),
        "insertions": Score(words.insertions / asked),
        "words": Score(float(asked)),
    }
    texts = {
        "asked for": text,
        "heard": heard.text,
        "asked for, normalised": reference,
        "heard, normalised": hypothesis,
        "edits": edits(words),
        "recogniser": heard.model,
    }
    return Measurement(scores, Evidence(texts=texts))


def asked_for(sample: Sample) -> str:
    """Return the text that should be heard.

    Raises:
        MissingError: `no_transcript`, `unverified_transcript`, or `language` when it is not English.
    """
    text = verified_text(sample)
    if language_code(sample) != "en":
        raise MissingError(Reason.LANGUAGE, f"{sample.language!r}; the recogniser knows only English")
    return text


def compare(reference: str, hypothesis: str) -> tuple[WordOutput, float]:
    """Align two normalised texts with the fewest edits; return the words' alignment and the character error rate."""
    import jiwer

    return jiwer.process_words(reference, hypothesis), float(jiwer.cer(reference, hypothesis))


def edits(output: WordOutput) -> str:
    """Write an alignment in one line: `[a -> b]` replaced, `[a -> ]` not heard, `[ -> b]` heard beside the text."""
    reference, hypothesis = output.references[0], output.hypotheses[0]
    parts = []
    for chunk in output.alignments[0]:
        asked = " ".join(reference[chunk.ref_start_idx : chunk.ref_end_idx])
        heard = " ".join(hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx])
        parts.append(asked if chunk.type == "equal" else f"[{asked} -> {heard}]")
    return " ".join(parts)


def load_english_normaliser() -> EnglishTextNormalizer:
    """Load Whisper's normaliser of English."""
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


METRIC = Metric(SPEC, measure, params=(("normaliser", f"{NORMALISER} {NORMALISER_VERSION}"),))
