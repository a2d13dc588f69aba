"""The speech artefact: 16 kHz mono on the clip's clock, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clip_factory import (
    clicks_heard,
    flash_and_beep,
    nan_wav,
    noise_named_mp4,
    picture_only,
    text_named_mp4,
    wav,
    zero_bytes,
)

from uniavgen_bench.analysis.speech import SILENT_DBFS, load_speech
from uniavgen_bench.core.result import MissingError, Reason

RATE = 16_000


def tone(peak: float, seconds: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return (peak * np.sin(2 * np.pi * 220 * t)).astype(np.float32)


def infinite_wav(folder: Path) -> Path:
    samples = tone(0.5)
    samples[100] = np.inf
    return wav(folder, samples)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (picture_only, Reason.NO_AUDIO),
        (nan_wav, Reason.BAD_AUDIO),
        (infinite_wav, Reason.BAD_AUDIO),
        (zero_bytes, Reason.UNREADABLE),
        (text_named_mp4, Reason.UNREADABLE),
        (noise_named_mp4, Reason.UNREADABLE),
        (lambda folder: folder / "absent.mp4", Reason.UNREADABLE),
        (lambda folder: wav(folder, np.zeros(RATE, np.float32)), Reason.SILENT),
    ],
)
def test_what_cannot_be_heard_has_its_reason(
    make: Callable[[Path], Path], reason: Reason, tmp_path: Path
) -> None:
    with pytest.raises(MissingError) as caught:
        load_speech(make(tmp_path))
    assert caught.value.missing.reason == reason


def test_the_threshold_of_silence_is_the_stated_one(tmp_path: Path) -> None:
    edge = 10 ** (SILENT_DBFS / 20)
    with pytest.raises(MissingError, match=r"silent: .*-61 dBFS, below -60 dBFS"):
        load_speech(wav(tmp_path, tone(edge * 10 ** (-1 / 20)), name="below.wav"))
    heard = load_speech(wav(tmp_path, tone(edge * 10 ** (1 / 20)), name="above.wav"))
    assert np.abs(heard.samples).max() == pytest.approx(edge * 10 ** (1 / 20), rel=1e-3)


def test_sound_is_16_khz_mono_and_its_source_is_told(tmp_path: Path) -> None:
    t = np.arange(44_100) / 44_100
    left = 0.4 * np.sin(2 * np.pi * 440 * t)
    speech = load_speech(wav(tmp_path, np.stack([left, np.zeros_like(left)]).astype(np.float32), rate=44_100))
    assert (speech.rate, speech.source_rate, speech.source_channels) == (RATE, 44_100, 2)
    assert speech.samples.dtype == np.float32
    assert speech.samples.shape == (RATE,)
    assert np.abs(speech.samples[1000:-1000]).max() == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("kind", ["mp4-aac", "webm-opus", "mkv-flac"])
def test_what_is_heard_lies_on_the_clock_of_the_clip(kind: str, tmp_path: Path) -> None:
    clip = flash_and_beep(tmp_path, kind)
    speech = load_speech(clip.path)
    assert clicks_heard(speech.samples, speech.rate, speech.start) == pytest.approx(
        list(clip.beeps), abs=0.002
    )
