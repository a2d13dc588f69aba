"""Sound follows its timestamps: gaps are silence, overlaps are trimmed, jitter is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_factory import flash_and_beep, sound_blocks, wav
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.media.decode import audio, audio_chunks
from uniavgen_bench.media.sound import LONGEST_GAP, TOLERANCE

RATE = 16_000


def block(level: float, seconds: float = 0.1) -> np.ndarray:
    return np.full(round(seconds * RATE), level, np.float32)


def test_a_gap_is_silence_of_its_length(tmp_path: Path) -> None:
    sound = audio(sound_blocks(tmp_path, [(0.0, block(0.5)), (0.1, block(0.5)), (0.5, block(0.25))]))
    assert sound.problems == ("gaps in the sound, filled with silence",)
    assert sound.duration == pytest.approx(0.6)
    level = sound.samples.reshape(-1, RATE // 10).mean(axis=1)
    assert level == pytest.approx([0.5, 0.5, 0, 0, 0, 0.25], abs=1e-3)


def test_an_overlap_is_trimmed(tmp_path: Path) -> None:
    sound = audio(sound_blocks(tmp_path, [(0.0, block(0.5)), (0.05, block(0.25)), (0.15, block(0.75))]))
    assert sound.problems == ("overlaps in the sound, trimmed",)
    assert sound.duration == pytest.approx(0.25)
    assert sound.samples[round(0.12 * RATE)] == pytest.approx(0.25, abs=1e-3)


def test_jitter_below_the_tolerance_is_left_alone(tmp_path: Path) -> None:
    jitter = np.random.default_rng(0).uniform(-0.8, 0.8, 20) * TOLERANCE
    jitter[0] = 0
    blocks = [(max(0.0, 0.1 * i + float(j)), block(0.1)) for i, j in enumerate(jitter)]
    sound = audio(sound_blocks(tmp_path, blocks))
    assert sound.problems == () and sound.duration == pytest.approx(2.0)
    assert np.ptp(sound.samples) == 0


def test_sound_that_starts_later_says_so(tmp_path: Path) -> None:
    sound = audio(sound_blocks(tmp_path, [(0.75, block(0.5))]), rate=8_000)
    assert sound.start == pytest.approx(0.75) and sound.duration == pytest.approx(0.1)


def test_a_jump_that_no_silence_can_stand_for_ends_the_sound(tmp_path: Path) -> None:
    sound = audio(sound_blocks(tmp_path, [(0.0, block(0.5)), (LONGEST_GAP + 100, block(0.5))]))
    assert sound.duration == pytest.approx(0.1)
    assert any("jumps by" in p for p in sound.problems)


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    left, right = np.linspace(-1, 1, 1600, dtype=np.float32), np.full(1600, 0.5, np.float32)
    path = wav(tmp_path, np.stack([left, right]))
    assert np.allclose(audio(path).samples, (left + right) / 2)
    both = audio(path, mono=False)
    assert both.samples.shape == (2, 1600) and np.array_equal(both.samples, np.stack([left, right]))


@pytest.mark.parametrize("kind", ["mp4-aac", "mp4-flac", "webm-opus"])
@pytest.mark.parametrize("mono", [True, False])
def test_chunks_are_the_whole_without_seams(tmp_path: Path, kind: str, mono: bool) -> None:
    path = flash_and_beep(tmp_path, kind, beep_after=0.01).path
    whole = audio(path, rate=RATE, mono=mono)
    chunks = list(audio_chunks(path, rate=RATE, mono=mono, seconds=0.25))
    assert len(chunks) > 8
    joined = np.concatenate([c.samples for c in chunks], axis=-1)
    assert np.abs(joined - whole.samples).max() < 1e-6
    ends = [c.start + c.duration for c in chunks]
    assert [c.start for c in chunks[1:]] == pytest.approx(ends[:-1])


@settings(max_examples=25, deadline=None)
@given(
    source=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    target=st.sampled_from([8_000, 16_000, 24_000, 44_100]),
    hertz=st.floats(100, 3_000),
)
def test_resampling_keeps_a_tone(
    tmp_path_factory: pytest.TempPathFactory, source: int, target: int, hertz: float
) -> None:
    seconds = np.arange(source) / source
    path = wav(
        tmp_path_factory.mktemp("tone"), np.sin(2 * np.pi * hertz * seconds).astype(np.float32), source
    )
    sound = audio(path, rate=target)
    assert sound.samples.dtype == np.float32 and abs(len(sound.samples) - target) <= 1
    times = np.arange(len(sound.samples)) / target
    middle = slice(target // 10, -target // 10)
    assert np.abs(sound.samples - np.sin(2 * np.pi * hertz * times))[middle].max() < 1e-3


def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="positive"):
        audio(wav(tmp_path, block(0.1)), rate=0)
