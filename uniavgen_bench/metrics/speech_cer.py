"""`speech.cer@1`: how much of the Chinese text that was asked for is heard, character by character, by Whisper base."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Transcript
from uniavgen_bench.analysis.transcript import Recogniser, transcribe
from uniavgen_bench.core.result import Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.speech_text import language_code, verified_text
from uniavgen_bench.metrics.speech_wer import rate_field
from uniavgen_bench.weights.models import Models

BASE = Recogniser("whisper-base")
EXTRA = "chinese"

FIELDS = (
    rate_field(
        "cer",
        "character error rate: (substitutions + deletions + insertions) / characters; above 1 when more is said",
    ),
    rate_field("substitutions", "share of the characters asked for that are heard as another one", 1.0),
    rate_field("deletions", "share of the characters asked for that are not heard", 1.0),
    rate_field("insertions", "characters heard beside those asked for, per character asked for"),
    FieldSpec(
        name="characters",
        unit="characters",
        direction=Direction.NONE,
        low=1.0,
        meaning="characters asked for, after normalisation: the weight of the clip in a pooled rate",
    ),
)
NORMALISATION = (
    "Unicode NFKC, lower case, letters and digits only (no punctuation, symbols or spaces), simplified characters by "
    "OpenCC tw2s"
)
DEVIATIONS = (
    "Only the span in which the voice detector finds speech is recognised, in windows of up to 28 s.",
    "A window that the network takes for no speech (probability above 0.6 and mean log probability under -1, "
    "Whisper's own bounds) is left out; a clip of nothing else has no score.",
    "Numbers are compared as they are written: '2' for the character of the same number is an error. Write numbers in "
    "the text as they are spoken.",
    "A clip in which voice but no character is heard has all of them deleted (rate 1); one without voice is missing.",
)
NOT_FOR = (
    "languages other than Mandarin; Cantonese is another language to the recogniser",
    "texts that a recogniser wrote and nobody checked: they are refused",
    "tones and names: one wrong tone is one wrong character, a homophone of a name is an error that nobody hears",
    "comparison with rates of Paraformer, which the test sets of speech synthesis use for Chinese",
)

SPEC = MetricSpec(
    id="speech.cer",
    version=1,
    title="Character error rate of Chinese (Whisper base)",
    summary="Edits between the Chinese characters asked for and those that Whisper base hears, per character "
    "asked for.",
    fields=FIELDS,
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("speech",),
    weights=(BASE.weight,),
    extra=EXTRA,
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Whisper: MIT; OpenCC: Apache-2.0",
    source="Radford et al., arXiv:2212.04356: multilingual model base (CTranslate2, int8, beam 5, temperature 0), told "
    f"that the language is Chinese; {NORMALISATION}; alignment by jiwer. Talker-T2AV (arXiv:2604.23586) reports CER on "
    "its Chinese clips",
    deviations=(
        "Whisper base makes many more errors of its own in Chinese than the recognisers of papers: compare systems "
        "with each other and with the real recordings beside them.",
        *DEVIATIONS,
    ),
    not_for=NOT_FOR,
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Recognise the clip's speech and compare it with `sample.speech`."""
    return measure_with(BASE, clip, sample, models)


def measure_with(recogniser: Recogniser, clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Recognise Chinese speech by one of Whisper's networks and compare it with `sample.speech`.

    Raises:
        MissingError: `language`, `no_transcript`, `unverified_transcript`, `no_speech`, `not_installed` or `weights`.
    """
    text = verified_text(sample)
    if language_code(sample) != "zh":
        raise MissingError(Reason.LANGUAGE, f"{sample.language!r}; only Mandarin Chinese is compared")
    simplified = models.get("opencc-tw2s", load_simplified)
    reference = normalised(text, simplified)
    if not reference:
        raise MissingError(Reason.NO_TRANSCRIPT, "no character is left of the text after normalisation")
    heard = transcribe(clip.speech, clip.voice_activity, models, recogniser, "zh")
    return rates(text, reference, heard, normalised(heard.text, simplified))


def rates(text: str, reference: str, heard: Transcript, hypothesis: str) -> Measurement:
    """Align two normalised texts with the fewest edits."""
    import jiwer

    output = jiwer.process_characters(reference, hypothesis)
    asked = len(reference)
    scores: dict[str, Score | Missing] = {
        "cer": Score(output.cer),
        "substitutions": Score(output.substitutions / asked),
        "deletions": Score(output.deletions / asked),
        "insertions": Score(output.insertions / asked),
        "characters": Score(float(asked)),
    }
    parts = []
    for chunk in output.alignments[0]:
        said = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        got = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        parts.append(said if chunk.type == "equal" else f"[{said} -> {got}]")
    texts = {
        "asked for": text,
        "heard": heard.text,
        "asked for, normalised": reference,
        "heard, normalised": hypothesis,
        "edits": "".join(parts),
        "recogniser": heard.model,
    }
    return Measurement(scores, Evidence(texts=texts))


def normalised(text: str, simplified: Callable[[str], str]) -> str:
    """Return the letters and digits of a text, in lower case and simplified characters."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return simplified("".join(c for c in folded if unicodedata.category(c)[0] in "LN"))


def load_simplified() -> Callable[[str], str]:
    """Return OpenCC's conversion of traditional characters; raises `MissingError(not_installed)`."""
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingError(
            Reason.NOT_INSTALLED, f"pip install 'uniavgen-bench[{EXTRA}]' for simplified characters (OpenCC)"
        ) from error
    convert: Callable[[str], str] = OpenCC("tw2s").convert
    return convert


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of the packages that the rates depend on."""
    return tuple((package, _version(package)) for package in ("faster-whisper", "ctranslate2", "opencc"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


METRIC = Metric(SPEC, measure, params=(("normalisation", NORMALISATION),), settings=versions)
