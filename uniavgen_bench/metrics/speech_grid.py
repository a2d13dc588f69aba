"""`speech.grid@1`: are the six words of a GRID sentence heard, by a recogniser that knows the grammar."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.analysis.transcript import WEIGHT, windows
from uniavgen_bench.core.result import Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.grid_recogniser import (
    BEAM,
    LETTER,
    SLOTS,
    is_grid,
    load_grid_recogniser,
)
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.speech_wer import asked_for
from uniavgen_bench.weights.models import Models

CHANCE = 1.0 - sum(1.0 / len(slot) for slot in SLOTS) / len(SLOTS)


def _rate(name: str, meaning: str) -> FieldSpec:
    return FieldSpec(name=name, unit="share", direction=Direction.LOWER, low=0.0, high=1.0, meaning=meaning)


SPEC = MetricSpec(
    id="speech.grid",
    version=1,
    title="Words of a GRID sentence not heard (Whisper tiny.en over the grammar)",
    summary="Share of the six words that are not the likeliest of their slot, by Whisper's token probabilities over "
    "the 51 words of the GRID grammar.",
    fields=(
        _rate("wer", f"words of six that are heard as another word of their slot; {CHANCE:.2f} = guessing"),
        _rate("letter", "1 where the letter is heard as another of 25"),
        _rate("others", "errors among the five words that are no letter"),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("speech",),
    weights=(WEIGHT,),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Whisper: MIT",
    source="Radford et al., arXiv:2212.04356 (tiny.en, CTranslate2, int8); grammar: Cooke et al. 2006, GRID. "
    f"Decoding of this project: beam {BEAM} over the grammar",
    deviations=(
        "No word can be left out or added: every sound is heard as a sentence of the grammar, and guessing scores "
        f"{CHANCE:.2f}, not 1. Not a word error rate of open recognition: never compare it with speech.wer.",
        "Letters sound alike (b, d, e, g, p, t, v, z): of true clips of the portrait world one letter in three is "
        "misheard, and one other word in sixty.",
    ),
    not_for=(
        "sentences outside the GRID grammar",
        "telling slurred speech from other speech: it says which word is likeliest, not how clear it is",
        "telling noisy sound from clean: the grammar holds against noise (8 clips of the portrait world, 48 words: 3 "
        "errors without noise, 2, 3 and 6 with white noise 20, 10 and 0 dB below the speech)",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the likeliest sentence of the grammar with the one asked for."""
    asked = "".join(c if c.isalnum() else " " for c in asked_for(sample).lower()).split()
    if not is_grid(asked):
        raise MissingError(Reason.NO_TRANSCRIPT, "the text is no sentence of the GRID grammar")
    speech, voice = clip.speech, clip.voice_activity
    if len(voice.segments) == 0:
        raise MissingError(Reason.NO_SPEECH)
    spans = windows(voice, speech)
    first, last = (round((t - speech.start) * speech.rate) for t in (spans[0][0], spans[0][1]))
    heard = load_grid_recogniser(models).recognise(speech.samples[first:last])
    wrong = [a != b for a, b in zip(asked, heard.words, strict=True)]
    shares = (f"{word} {share:.2f}" for word, share in zip(heard.words, heard.shares, strict=True))
    texts = {
        "asked for": " ".join(asked),
        "likeliest": " ".join(heard.words),
        "share of each word in its slot": ", ".join(shares),
    }
    return Measurement(
        {
            "wer": Score(sum(wrong) / len(wrong)),
            "letter": Score(float(wrong[LETTER])),
            "others": Score((sum(wrong) - wrong[LETTER]) / (len(wrong) - 1)),
        },
        Evidence(texts=texts),
    )


METRIC = Metric(SPEC, measure, params=(("beam", BEAM),))
