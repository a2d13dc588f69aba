"""What `timbre.face_voice` is fitted and tested on: faces and voices of clips, and voices of the portrait world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64
from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh, roi_from_mesh, roi_from_points
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.metrics.resemblyzer_signal import levelled, without_silence
from uniavgen_bench.metrics.timbre_face_voice_faces import FaceAttributes, attributes_of
from uniavgen_bench.metrics.timbre_reference import MIN_SECONDS, embedding, voiced_part
from uniavgen_bench.weights.models import Models

LOOKS = 6
FIRST_SECONDS = 7.0
MIN_PRESENCE = 0.5
SAME_VOICE = 0.97
"""Cosine of two clips' embeddings from which their sound is one recording."""
LOWEST, HIGHEST = 60.0, 500.0
MANS_PITCH, WOMANS_PITCH = 165.0, 170.0
"""Hz: below the first a voice beside a man's face is taken for a man's, above the second beside a woman's for hers."""
SURE = 0.9


@dataclass(frozen=True)
class TalkingPerson:
    """One clip: the largest face of a few frames, the voice's embedding [256], and its median pitch in Hz."""

    name: str
    face: FaceAttributes
    voice: Float32
    pitch: float

    @property
    def sure_gender(self) -> bool | None:
        """Male or not, where face and pitch say the same without doubt; else None."""
        if self.face.male > SURE and self.pitch < MANS_PITCH:
            return True
        child = float(self.face.bands[0])
        if self.face.male < 1 - SURE and self.pitch > WOMANS_PITCH and child < 0.5:
            return False
        return None


@dataclass(frozen=True)
class MadeVoice:
    """A voice of the portrait world: who speaks, and the embedding [256] of one sentence."""

    identity: int
    gender: str
    age: str
    voice: Float32


def look_and_listen(path: Path, models: Models) -> TalkingPerson | str:
    """Look at a clip in a few frames and listen to it, or say why it cannot be used."""
    try:
        speech = load_speech(path)
        voiced = voiced_part(speech, detect_voice(speech, models), "the clip")
        pictures, points = faces_of(path, models)
        if not pictures:
            return "no_face"
        face = attributes_of(pictures, points, models)
        return TalkingPerson(path.name, face, embedding(voiced, models), median_pitch(voiced))
    except MissingError as error:
        return str(error.missing)
    except MediaError as error:
        return str(error.missing)


def faces_of(path: Path, models: Models) -> tuple[list[np.ndarray], list[Float32]]:
    """Return up to six frames [H, W, 3] of the first 7 s, and the landmarks [468, 2] of the largest face in each."""
    detector, mesh = load_face_detector(models), load_face_mesh(models)
    wanted = [(k + 0.5) * FIRST_SECONDS / LOOKS for k in range(LOOKS)]
    pictures, points = [], []
    for frame in video_frames(path, threads=models.threads):
        if not wanted:
            break
        if frame.time < wanted[0]:
            continue
        wanted.pop(0)
        picture = frame.image
        found = detector.detect(picture)
        if not found:
            continue
        largest = max(found, key=lambda face: float(face.box[3] - face.box[1]))
        first = mesh.find(picture, roi_from_points(largest.box, largest.points[0], largest.points[1]))
        second = mesh.find(picture, roi_from_mesh(first.points))
        best = max(first, second, key=lambda seen: seen.presence)
        if best.presence >= MIN_PRESENCE:
            pictures.append(picture)
            points.append(best.points[:, :2])
    return pictures, points


def median_pitch(voiced: Float32) -> float:
    """Return the median pitch in Hz of voiced samples [M], within about 4 %; nan where nothing is periodic."""
    size, hop = SPEECH_RATE // 25, SPEECH_RATE // 100
    frames = np.lib.stride_tricks.sliding_window_view(voiced.astype(np.float64), size)[::hop]
    energy = np.square(frames).mean(axis=1)
    window, length = np.hanning(size), 4 * 512
    likeness = np.fft.irfft(np.abs(np.fft.rfft(frames * window, length)) ** 2)[:, :size]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, length)) ** 2)[:size]
    likeness = likeness / np.maximum(likeness[:, :1], 1e-12) / np.maximum(own / own[0], 0.05)
    first = int(SPEECH_RATE / HIGHEST)
    inside = likeness[:, first : int(SPEECH_RATE / LOWEST)]
    periodic = (inside.max(axis=1) > 0.6) & (energy > energy.max() * 1e-3)
    if periodic.sum() < 10:
        return float("nan")
    near = inside[periodic] >= 0.9 * inside[periodic].max(axis=1, keepdims=True)
    return float(np.median(SPEECH_RATE / (first + near.argmax(axis=1))))


def distinct_voices(people: Sequence[TalkingPerson]) -> list[TalkingPerson]:
    """Return the first clip of every recording: demo folders use one sound for many pictures."""
    kept: list[TalkingPerson] = []
    for person in people:
        if not any(float(person.voice @ other.voice) > SAME_VOICE for other in kept):
            kept.append(person)
    return kept


def made_voices(identities: Sequence[int], split: str, models: Models) -> Iterator[MadeVoice]:
    """Speak two sentences as each person of the portrait world; what is too short to be heard is left out."""
    import soxr

    from uniavgen_bench.datasets.portraits.exact_math import Draws
    from uniavgen_bench.datasets.portraits.face_state import EMOTIONS
    from uniavgen_bench.datasets.portraits.recipe import head_of
    from uniavgen_bench.datasets.portraits.sentences import GRAMMARS, SPLITS, draw_sentence
    from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE as MADE_RATE
    from uniavgen_bench.datasets.portraits.speech import say
    from uniavgen_bench.datasets.portraits.voices import voice_of

    within = next(s for s in SPLITS if s == split)
    for identity in identities:
        head = head_of(identity)
        for number, grammar in enumerate(GRAMMARS):
            emotion = EMOTIONS[(identity + 3 * number) % len(EMOTIONS)]
            text = draw_sentence(Draws(identity, f"face-voice {number}"), grammar, within)
            spoken = say(text, voice_of(head), emotion, 0.0 if emotion == "neutral" else 0.8)
            sound = soxr.resample(spoken.samples.astype(np.float32) / 32768, MADE_RATE, SPEECH_RATE)
            voiced = without_silence(levelled(np.asarray(sound, np.float32)))
            if len(voiced) >= MIN_SECONDS * SPEECH_RATE:
                yield MadeVoice(identity, head.gender, head.age, embedding(voiced, models))


def fit_logistic(x: Float64, positive: np.ndarray, weights: Float64, ridge: float) -> Float64:
    """Fit a logistic model [D + 1] (bias last) to features [n, D]: weighted mean log loss plus `ridge` * |w|^2."""
    from scipy.optimize import minimize

    inputs = np.column_stack([x, np.ones(len(x))])
    sign = np.where(positive, 1.0, -1.0)
    share = weights / weights.sum()

    def loss(w: Float64) -> tuple[float, Float64]:
        margin = sign * (inputs @ w)
        pull = -sign * share / (1.0 + np.exp(np.clip(margin, -500, 500)))
        slope = inputs.T @ pull + 2 * ridge * np.append(w[:-1], 0.0)
        return float(share @ np.logaddexp(0.0, -margin) + ridge * np.square(w[:-1]).sum()), slope

    fitted: Float64 = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x
    return fitted


def balanced(positive: np.ndarray) -> Float64:
    """Return weights [n] that give both classes half of the whole."""
    share = float(positive.mean())
    return np.where(positive, 0.5 / share, 0.5 / (1 - share)) / len(positive)
