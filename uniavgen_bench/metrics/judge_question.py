"""What a judge is shown of a clip: a few pictures of the speaker's face, and the sound."""

from __future__ import annotations

import io
import wave

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Speech
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.judges.judge import Picture, Question
from uniavgen_bench.judges.rubric import Rubric
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.metrics.timbre_face_voice_faces import spread

PICTURES = 8
MOST_SECONDS = 30.0
"""Of sound and pictures: of a longer clip the rest is not sent."""
FROM_THE_FACE = "from where the speaker's face is first seen"


def cut(facts: ClipFacts) -> str | None:
    """Return which part of a clip is shown; None: all of it, because it is short enough."""
    seconds = max(facts.video_duration or 0.0, facts.audio_duration or 0.0)
    return FROM_THE_FACE if seconds > MOST_SECONDS else None


def question(clip: ClipArtefacts, rubric: Rubric) -> Question:
    """Return the rubric, up to eight crops of the speaker's face (256 px), evenly spaced, and the sound (16 kHz).

    Of a clip that lasts more than 30 s both are of the 30 s from where the speaker's face is first seen.

    Raises:
        MissingError: `no_face`, `several_speakers`, `no_speech`, or what the sound lacks.
    """
    segments = clip.voice_activity.segments
    if len(segments) == 0:
        raise MissingError(Reason.NO_SPEECH)
    number = clip.speaker.track
    times = clip.frames.times[clip.faces.tracks[number].frames]
    begin, end = -np.inf, np.inf
    if cut(clip.facts) is not None:
        begin, end = float(times[0]), float(times[0]) + MOST_SECONDS
        if not ((segments[:, 0] < end) & (segments[:, 1] > begin)).any():
            raise MissingError(
                Reason.NO_SPEECH, f"nobody speaks at {begin:.1f} … {end:.1f} s, which is shown"
            )
    jpegs = clip.crops.jpegs[number]
    pictures = tuple(Picture(float(times[i]), jpegs[i]) for i in spread(int((times < end).sum()), PICTURES))
    return Question(rubric.text, pictures, wav(clip.speech, begin, end))


def wav(speech: Speech, begin: float, end: float) -> bytes:
    """Return the sound between two moments in s of the clip's clock as a WAV file of 16-bit samples, without tags."""
    first, last = (
        round(float(np.clip((time - speech.start) * speech.rate, 0, len(speech.samples))))
        for time in (begin, end)
    )
    samples = speech.samples[first:last]
    pcm = np.clip(np.round(samples * 32767.0), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(speech.rate)
        out.writeframes(pcm.tobytes())
    return file.getvalue()
