"""Speech of a voice with an emotion, at 24 kHz, with phone times: the synthesiser's sound turned into a person's.

Everything after the synthesiser is arithmetic in double precision that is rounded to 16 bits at the end, so the last
bits in which libraries differ between machines do not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from .espeak import FASTEST, RATE, SLOWEST, speak
from .exact_math import mix64
from .phones import Phone, phones_of
from .prosody import Prosody, prosody_of
from .voices import Resonance, Voice, voice_file

SPEECH_RATE = 24_000
"""Samples per second of all sound in the dataset."""
LEVEL = -24.0
"""Loudness of neutral speech: dB of the root mean square where somebody speaks, against full scale."""
PEAK = 0.89
"""No sample exceeds this share of full scale."""
TAIL = 0.06
"""Seconds after the last phone, for the room to fade."""

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Speech:
    """Samples Int16 [N] at 24 kHz, and phones that cover them from 0 s to the end without gaps."""

    samples: NDArray[np.int16]
    phones: tuple[Phone, ...]

    @property
    def seconds(self) -> float:
        """Length in s."""
        return len(self.samples) / SPEECH_RATE


def say(text: str, voice: Voice, emotion: str, intensity: float, *, hurry: float = 1.0) -> Speech:
    """Speak a text with a voice and an emotion; `hurry` is a factor on the rate, so that a sentence fits a clip.

    The first phone begins at 0 s: silence in front is cut. Deterministic.

    Raises:
        InputError: an unknown emotion, or a text that cannot be spoken.
        NotInstalledError: the extra `portraits` is not installed.
    """
    prosody = prosody_of(emotion, intensity)
    rate = voice.rate * prosody.rate * hurry / voice.tract
    utterance = speak(
        text,
        voice_file(voice, voice.pitch * prosody.pitch / voice.tract, voice.range * prosody.range),
        words_per_minute=round(min(max(rate, SLOWEST), FASTEST)),
        word_gap=round(prosody.pause * 100),
    )
    phones = phones_of(utterance, 1.0 / (RATE * voice.tract))
    raw = _resampled(utterance.samples, voice.tract)
    begin = phones[0].end if phones[0].name == "SIL" else 0.0
    last = next(p for p in reversed(phones) if p.name != "SIL").end
    first, stop = round(begin * SPEECH_RATE), min(len(raw), round(last * SPEECH_RATE))
    body = np.pad(raw[first:stop], (0, round(TAIL * SPEECH_RATE)))
    shaped = _person(body, voice, prosody)
    end = len(shaped) / SPEECH_RATE
    spoken = [
        Phone(p.name, p.start - begin, min(p.end, last) - begin, p.stress)
        for p in phones
        if begin <= p.start < last
    ]
    return Speech(shaped, (*spoken, Phone("SIL", spoken[-1].end, end)))


def _resampled(samples: NDArray[np.int16], tract: float) -> Float64:
    """Play `tract` times as fast, at 24 kHz: a shorter vocal tract moves every frequency up."""
    import soxr

    made = soxr.resample(samples.astype(np.float64), RATE * tract, SPEECH_RATE, quality="VHQ")
    return np.asarray(made, np.float64) / 32768.0


def _person(body: Float64, voice: Voice, prosody: Prosody) -> NDArray[np.int16]:
    seed = mix64(voice.seed)
    sound = _trembling(body, voice, prosody, seed)
    envelope = _envelope(sound)
    share = 10 ** ((voice.breath + prosody.breath) / 20)
    sound = sound + _highpassed(noise(len(sound), seed ^ 1)) * envelope * share * 4.0
    for resonance in voice.resonances:
        sound = _peaking(sound, resonance)
    sound = _shelf(sound, voice.brightness + prosody.brightness)
    sound = _in_room(sound, voice.room, seed)
    heard = envelope > 0.1 * envelope.max()
    level = np.sqrt(np.mean(np.square(sound[heard])))
    sound = sound * (10 ** ((LEVEL + prosody.loudness) / 20) / level)
    peak = np.abs(sound).max()
    if peak > PEAK:
        sound = sound * (PEAK / peak)
    samples: NDArray[np.int16] = np.rint(sound * 32767.0).astype(np.int16)
    return samples


def noise(count: int, seed: int) -> Float64:
    """Return uniform noise [count] in -1 … 1 from an integer hash: the same numbers everywhere."""
    cells = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(mix64(seed))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        cells = (cells ^ (cells >> np.uint64(shift))) * np.uint64(factor)
    cells ^= cells >> np.uint64(31)
    return (cells >> np.uint64(11)).astype(np.float64) / float(1 << 52) - 1.0


def _trembling(sound: Float64, voice: Voice, prosody: Prosody, seed: int) -> Float64:
    """Move pitch a little by stretching time locally: jitter, the tremor of age, the trembling of fear.

    Times shift by less than 2 ms, since the stretching swings around zero.
    """
    at = np.arange(len(sound)) / SPEECH_RATE
    shift = np.zeros(len(sound))
    for depth, rate in ((voice.tremor, voice.tremor_rate), (prosody.tremor, prosody.tremor_rate)):
        if depth:
            shift += depth / (2 * pi * rate) * np.sin(2 * pi * rate * at)
    knots = noise(len(sound) * 20 // SPEECH_RATE + 3, seed ^ 2)
    shift += np.interp(at * 20, np.arange(len(knots)), knots) * voice.jitter / 40
    amplitude = 1.0 - 6.0 * prosody.tremor * (0.5 - 0.5 * np.cos(2 * pi * prosody.tremor_rate * at))
    return np.interp(at + shift, at, sound) * np.clip(amplitude, 0.2, 1.0)


def _envelope(sound: Float64) -> Float64:
    """Return how loud the voice is, smoothed over about 10 ms."""
    from scipy.signal import lfilter

    keep = 1.0 - 1.0 / (0.005 * SPEECH_RATE)
    once = lfilter([1 - keep], [1, -keep], np.abs(sound))
    return np.asarray(lfilter([1 - keep], [1, -keep], once[::-1])[::-1], np.float64)


def _highpassed(sound: Float64) -> Float64:
    return np.diff(sound, prepend=0.0) * 0.5


def _peaking(sound: Float64, at: Resonance) -> Float64:
    """Apply a peaking filter (Bristow-Johnson, "Cookbook formulae for audio EQ biquad filters")."""
    w = 2 * pi * min(at.centre, 0.45 * SPEECH_RATE) / SPEECH_RATE
    gain = 10 ** (at.height / 40)
    alpha = np.sin(w) * np.sinh(np.log(2) / 2 * at.width * w / np.sin(w))
    return _biquad(
        sound,
        (1 + alpha * gain, -2 * np.cos(w), 1 - alpha * gain),
        (1 + alpha / gain, -2 * np.cos(w), 1 - alpha / gain),
    )


def _shelf(sound: Float64, height: float) -> Float64:
    """Raise or lower what lies above 2 kHz by `height` dB (same source)."""
    w, gain = 2 * pi * 2000.0 / SPEECH_RATE, 10 ** (height / 40)
    c, root = np.cos(w), 2 * np.sqrt(gain) * np.sin(w) / 2 * np.sqrt(2)
    return _biquad(
        sound,
        (gain * ((gain + 1) + (gain - 1) * c + root), -2 * gain * ((gain - 1) + (gain + 1) * c),
         gain * ((gain + 1) + (gain - 1) * c - root)),
        ((gain + 1) - (gain - 1) * c + root, 2 * ((gain - 1) - (gain + 1) * c), (gain + 1) - (gain - 1) * c - root),
    )  # fmt: skip


def _biquad(sound: Float64, b: tuple[float, ...], a: tuple[float, ...]) -> Float64:
    from scipy.signal import lfilter

    return np.asarray(lfilter(np.array(b) / a[0], np.array(a) / a[0], sound), np.float64)


def _in_room(sound: Float64, room: float, seed: int) -> Float64:
    """Add a few early reflections, the same for every sentence of an identity."""
    heard = sound.copy()
    places = noise(5, seed ^ 3)
    for k, place in enumerate(places, start=1):
        delay = round((0.0035 * k + 0.0012 * place) * SPEECH_RATE)
        heard[delay:] += sound[:-delay] * (room * 0.55**k * (1.0 if place > 0 else -1.0))
    return heard
