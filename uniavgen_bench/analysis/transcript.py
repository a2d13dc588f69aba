"""What was said, with word times: Whisper, decoded the same way every time. The artefact is Whisper tiny.en's.

The sound is cut into windows of at most 28 s that begin and end in pauses, and each is decoded once, by itself:
beam 5, temperature 0 without fallback, nothing carried over from the window before, int8 arithmetic (half the time of
float32 and the same word error rate on the clips that it was chosen with). Word times come from the network's
cross-attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import Speech, Transcript, VoiceActivity, Word
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from faster_whisper import BatchedInferencePipeline

WEIGHT = "whisper-tiny.en"
LANGUAGE = "en"
BEAM = 5
LONGEST = 28.0
"""Seconds of one window; the network hears 30."""
PAD = 0.2
"""Seconds of sound kept on both sides of speech, where no other speech is."""
NO_SPEECH = 0.6
UNSURE = -1.0
"""Whisper's own bounds: a window whose probability of no speech is higher, and whose mean log probability of the
text is lower, holds no speech, whatever text came out."""


@dataclass(frozen=True)
class Recogniser:
    """A Whisper network by the name of its weight.

    `doubts`: windows that the network itself takes for no speech are left out. Whisper's multilingual networks write
    fluent text for music and noise that the voice detector let pass.
    """

    weight: str
    doubts: bool = True


TINY_EN = Recogniser(WEIGHT, doubts=False)


def transcribe(
    speech: Speech,
    voice: VoiceActivity,
    models: Models,
    recogniser: Recogniser = TINY_EN,
    language: str = LANGUAGE,
) -> Transcript:
    """Recognise speech; the text may be empty when the recogniser hears no words in the voice.

    `language` is Whisper's code of the language that is spoken; the network does not choose it itself.

    Raises:
        MissingError: `no_speech` when the voice detector found none or the recogniser doubts all of it, or `weights`.
    """
    if len(voice.segments) == 0:
        seconds = len(speech.samples) / speech.rate
        raise MissingError(Reason.NO_SPEECH, f"the voice detector found none in {seconds:.1f} s")
    network = models.get(recogniser.weight, lambda: load_recogniser(models, recogniser.weight))
    text: list[str] = []
    words: list[Word] = []
    doubted: list[float] = []
    looked = 0
    for start, end in windows(voice, speech):
        first, last = (round((t - speech.start) * speech.rate) for t in (start, end))
        segments, _ = network.transcribe(
            speech.samples[first:last],
            language=language,
            beam_size=BEAM,
            temperature=[0.0],
            word_timestamps=True,
            without_timestamps=True,
            vad_filter=False,
            clip_timestamps=[{"start": 0.0, "end": (last - first) / speech.rate}],
            batch_size=1,
        )
        for segment in segments:
            looked += 1
            if recogniser.doubts and segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < UNSURE:
                doubted.append(segment.no_speech_prob)
                continue
            text.append(segment.text.strip())
            words += [
                _word(w.word, start + w.start, start + w.end, w.probability, end) for w in segment.words or ()
            ]
    if doubted and len(doubted) == looked:
        raise MissingError(
            Reason.NO_SPEECH, f"the recogniser gives no speech a probability of {min(doubted):.2f} or more"
        )
    heard = " ".join(part for part in text if part)
    made_by = f"{recogniser.weight} (CTranslate2 {_arithmetic(models)}, beam {BEAM})"
    return Transcript(heard, tuple(words), language, made_by)


def _word(text: str, start: float, end: float, probability: float, limit: float) -> Word:
    """Keep a word within its window: the network's time steps of 20 ms may reach beyond the last sample."""
    return Word(text.strip(), min(float(start), limit), min(float(end), limit), float(probability))


def windows(voice: VoiceActivity, speech: Speech) -> list[tuple[float, float]]:
    """Return start and end in s of the windows to decode: neighbouring segments of speech together, up to 28 s.

    A segment longer than that is cut where its second half is least like speech. A window is widened by up to
    0.2 s, at most to the middle of the pause.
    """
    pieces = [piece for start, end in voice.segments for piece in _cut(float(start), float(end), voice)]
    joined: list[tuple[float, float]] = []
    for start, end in pieces:
        if joined and end - joined[-1][0] <= LONGEST:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    first, last = speech.start, speech.start + len(speech.samples) / speech.rate
    begins = [s for s, _ in joined[1:]] + [2 * last - joined[-1][1]]
    ends = [2 * first - joined[0][0]] + [e for _, e in joined[:-1]]
    return [
        (start - min(PAD, (start - before) / 2), end + min(PAD, (after - end) / 2))
        for (start, end), before, after in zip(joined, ends, begins, strict=True)
    ]


def _cut(start: float, end: float, voice: VoiceActivity) -> list[tuple[float, float]]:
    pieces = []
    while end - start > LONGEST:
        low = round((start + LONGEST / 2 - voice.start) / voice.hop)
        high = round((start + LONGEST - voice.start) / voice.hop)
        at = voice.start + (low + int(np.argmin(voice.probability[low:high])) + 0.5) * voice.hop
        pieces.append((start, at))
        start = at
    return [*pieces, (start, end)]


def _arithmetic(models: Models) -> str:
    return "int8_float16" if models.device == "cuda" else "int8"


def load_recogniser(models: Models, weight: str = WEIGHT) -> BatchedInferencePipeline:
    """Load a recogniser; raises `MissingError(weights)`."""
    import threading

    from faster_whisper import BatchedInferencePipeline, WhisperModel
    from tqdm import tqdm

    # The lock that it makes for its bars by itself is one between processes: a worker that is ended leaves it behind.
    tqdm.set_lock(threading.RLock())
    model = WhisperModel(
        str(models.weight(weight)),
        device=models.device,
        compute_type=_arithmetic(models),
        cpu_threads=models.threads,
        local_files_only=True,
    )
    return BatchedInferencePipeline(model)
