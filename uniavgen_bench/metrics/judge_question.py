"""What a judge is shown of a clip: a few pictures of the speaker's face, and the sound."""

from __future__ import annotations

import io
import wave

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Speech
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.judges.judge import Picture, Question
from uniavgen_bench.judges.rubric import Rubric
from uniavgen_bench.metrics.timbre_face_voice_faces import spread

PICTURES = 8
MOST_SECONDS = 30.0
"""Of sound and pictures: what comes later is not sent."""


def question(clip: ClipArtefacts, rubric: Rubric) -> Question:
    """Return the rubric, up to eight crops of the speaker's face (256 px), evenly spaced, and the sound (16 kHz).

    Raises:
        MissingError: `no_face`, `several_speakers`, `no_speech`, or what the sound lacks.
    """
    if len(clip.voice_activity.segments) == 0:
        raise MissingError(Reason.NO_SPEECH)
    number = clip.speaker.track
    times = clip.frames.times[clip.faces.tracks[number].frames]
    jpegs = clip.crops.jpegs[number]
    early = int((times - times[0] <= MOST_SECONDS).sum())
    pictures = tuple(Picture(float(times[i]), jpegs[i]) for i in spread(early, PICTURES))
    return Question(rubric.text, pictures, wav(clip.speech))


def wav(speech: Speech) -> bytes:
    """Return the first 30 s of a sound as a WAV file of 16-bit samples, without any tag."""
    samples = speech.samples[: round(MOST_SECONDS * SPEECH_RATE)]
    pcm = np.clip(np.round(samples * 32767.0), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(speech.rate)
        out.writeframes(pcm.tobytes())
    return file.getvalue()
