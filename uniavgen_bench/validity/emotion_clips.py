"""What the emotion metrics read in clips, gathered once, so that faces and voices can be compared and swapped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.metrics.emotion_agreement_portraits import read_both
from uniavgen_bench.metrics.emotion_face import read_face
from uniavgen_bench.metrics.emotion_face_reading import FaceReading
from uniavgen_bench.metrics.emotion_names import emotion_asked
from uniavgen_bench.metrics.emotion_voice import VoiceReading, load_shipped_norm, read_voice
from uniavgen_bench.metrics.voice_arousal import arousal_features
from uniavgen_bench.metrics.voice_pitch import voice_frames
from uniavgen_bench.validity.clip_sets import ListedClip
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.weights.models import Models

ASKED_IN_WORDS = {
    "sad": r"\bsad expression|heavy with sorrow",
    "happy": r"\bjoyful expression|\bhappy expression",
    "angry": r"\bangry expression|\bin anger\b",
}
"""Phrases of prompts that ask for an emotion of the face in so many words."""
NOTED = re.compile(r"\bemotion=(\w+)")
SAME_SOUND = (0.01, 0.1)
"""Two clips have one sound when their pitch (octaves) and tilt (dB) differ by less."""


@dataclass(frozen=True)
class EmotionClip:
    """What was read in a clip. `asked`: the emotion it was made to show, if one is known.

    `start` s: of the sound on the clip's clock. `above_reference`: `emotion.voice` of that name. `portrait`: what
    portraits.emotion reads from face and voice, [6] each. `voiced_as_asked`: the voice was made with the face.
    """

    name: str
    asked: str | None
    face: FaceReading
    voice: VoiceReading
    start: float
    above_reference: float | None = None
    portrait: tuple[Float64, Float64] | None = None
    voiced_as_asked: bool = True

    @property
    def face_arousal(self) -> float:
        """Mean probability that the face is neither neutral nor sad."""
        return float(self.face.aroused.mean())

    def sounds_like(self, other: EmotionClip) -> bool:
        """Tell whether two clips use one recording, as demo folders often do."""
        apart = np.abs(self.voice.features - other.voice.features)
        return bool(apart[0] < SAME_SOUND[0] and apart[3] < SAME_SOUND[1])


def asked_of(sample: Sample) -> str | None:
    """Return the emotion that a clip was made to show: a fact, a note `emotion=…`, or plain words of the prompt."""
    noted = NOTED.search(sample.facts.get("note", ""))
    facts = sample.facts if noted is None else {**sample.facts, "emotion": noted[1]}
    try:
        return emotion_asked(sample.model_copy(update={"facts": facts}))
    except MissingError:
        found = [name for name, words in ASKED_IN_WORDS.items() if re.search(words, sample.caption or "")]
        return found[0] if len(found) == 1 else None


def read_clip(clip: AnalysedClip, sample: Sample, models: Models, *, drawn: bool) -> EmotionClip | None:
    """Read one clip; None where no face is seen or no voice heard. `drawn`: it is a clip of the portrait world."""
    try:
        face, voice, start = read_face(clip, models), read_voice(clip, models), clip.speech.start
        if not drawn:
            # Audio-driven clips are given another's voice: their prompt asks for a face only.
            noted = NOTED.search(sample.facts.get("note", ""))
            return EmotionClip(
                sample.id, asked_of(sample), face, voice, start, voiced_as_asked=noted is not None
            )
        neutral = arousal_features(voice_frames(clip.reference_speech.samples, models))
        above = load_shipped_norm().above(voice.features, neutral)
        return EmotionClip(
            sample.id, asked_of(sample), face, voice, start, above, read_both(clip, sample, models)
        )
    except MissingError:
        return None


def read_listed(clips: Iterable[ListedClip], store: Store, models: Models) -> list[EmotionClip]:
    """Read the clips of a manifest in which one face is seen and a voice is heard."""
    read = (
        read_clip(AnalysedClip(c.path, c.sample, store, models), c.sample, models, drawn=False)
        for c in clips
        if c.single_face
    )
    return [clip for clip in read if clip is not None]


def read_portraits(count: int, store: Store, models: Models) -> list[EmotionClip]:
    """Make and read true clips of people of the portrait world's split `test`."""
    samples = load_portraits(PortraitsOptions(split="test", samples=count)).samples
    read = (read_clip(AnalysedClip(clip_of(s), s, store, models), s, models, drawn=True) for s in samples)
    return [clip for clip in read if clip is not None]


def read_studied(clips: ClipSet, store: Store, models: Models) -> tuple[list[EmotionClip], list[EmotionClip]]:
    """Read the clips of a study: those of the portrait world, and the others."""
    drawn: list[EmotionClip] = []
    others: list[EmotionClip] = []
    for one in clips.clips:
        clip = AnalysedClip(one.path, one.sample, store, models)
        read = read_clip(clip, one.sample, models, drawn=one.world)
        if read is not None:
            (drawn if one.world else others).append(read)
    return drawn, others


def swappable(clips: Sequence[EmotionClip]) -> np.typing.NDArray[np.bool_]:
    """Return which voices [n, n] may be put under which faces as a negative: any but the same recording."""
    return np.array([[not (a is b or a.sounds_like(b)) for b in clips] for a in clips], np.bool_)
