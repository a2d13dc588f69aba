"""Speech for systems that need a synthesiser: the plugin that an option names, told what the sample gives."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.core.registry import Registry
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.core.synthesiser import SYNTHESISERS, SpokenText, Synthesiser, VoiceWish
from uniavgen_bench.systems.given import sound_of, spoken_text

GENDER_WORDS: dict[str, Literal["male", "female"]] = {
    "woman": "female", "girl": "female", "lady": "female", "female": "female",
    "man": "male", "boy": "male", "gentleman": "male", "male": "male",
}  # fmt: skip
PITCH_RATE = 8_000
LOWEST, HIGHEST = 60.0, 400.0
"""Hz: the pitch of people's voices."""


def gender_in(caption: str | None) -> Literal["male", "female"] | None:
    """Return the gender that a caption names first, or None."""
    words = re.findall(r"[a-z]+", (caption or "").lower())
    return next((GENDER_WORDS[word] for word in words if word in GENDER_WORDS), None)


def pitch_of(samples: NDArray[np.float32], rate: int) -> float | None:
    """Return the median pitch in Hz of a voice [N] by autocorrelation of frames of 40 ms; None without a voice."""
    size, hop = round(0.04 * rate), round(0.02 * rate)
    if len(samples) < size:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop]
    energy = np.square(frames).mean(axis=1)
    frames = frames[energy > 0.1 * energy.max()] if energy.max() > 0 else frames[:0]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(size), 2 * size, axis=1)) ** 2
    lags = np.fft.irfft(spectrum, axis=1)[:, :size]
    # A window shortens long lags; dividing by its own autocorrelation takes that out.
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    likeness = lags / np.maximum(lags[:, :1], 1e-12) / np.maximum(window / window[0], 0.05)
    first, last = int(rate / HIGHEST), int(rate / LOWEST)
    inside = likeness[:, first:last]
    voiced = inside.max(axis=1) > 0.5 if len(inside) else np.zeros(0, np.bool_)
    if voiced.sum() < 3:
        return None
    # The first lag that is nearly as good as the best: its multiples are as good.
    near = inside[voiced] >= 0.9 * inside[voiced].max(axis=1, keepdims=True)
    return float(np.median(rate / (first + near.argmax(axis=1))))


def speech_for(sample: Sample, seed: int, synthesiser: str, seconds: float | None = None) -> SpokenText:
    """Let a synthesiser say the sample's text.

    It takes the pitch of the voice that the task gives: the reference audio, or the beginning that is to be continued;
    where there is none it goes by the gender that the caption names and the seed.

    Raises:
        MissingError: `not_installed`, `no_transcript`, or `failed` for a text that it cannot say.
        InputError: there is no such synthesiser.
    """
    text = spoken_text(sample)
    plugin = Registry(SYNTHESISERS, "synthesiser", Synthesiser).load(synthesiser)
    given = {Task.JOINT_REF_AUDIO: sample.reference_audio, Task.CONTINUATION: sample.condition_audio}
    voice = given.get(sample.task) if sample.task is not None else None
    pitch = pitch_of(sound_of(voice, PITCH_RATE), PITCH_RATE) if voice is not None else None
    wish = VoiceWish(seed, None if pitch else gender_in(sample.caption), pitch, seconds)
    try:
        return plugin.say(text, wish)
    except NotInstalledError as error:
        raise MissingError(Reason.NOT_INSTALLED, str(error)) from error
    except InputError as error:
        raise MissingError(Reason.FAILED, str(error)) from error
