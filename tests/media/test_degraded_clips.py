"""Known changes to clips change what they name, and nothing else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clip_factory import FlashBeep, clicks_heard, flash_and_beep, flashes_seen, picture_only, variable_rate
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.decode import audio, frame_times, video_frames
from uniavgen_bench.media.degrade import change_fps, reencode, shift_audio, shift_clip
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import probe

SOUNDS = arrays(
    np.float32, st.tuples(st.integers(1, 2), st.integers(1, 400)), elements=st.floats(-1, 1, width=32)
)
SHIFTS = st.integers(-300, 300)


@given(sound=SOUNDS, shift=SHIFTS)
def test_shifting_there_and_back_restores_all_but_what_left(sound: np.ndarray, shift: int) -> None:
    there = shift_audio(sound, 1000, shift)
    back = shift_audio(there, 1000, -shift)
    n = sound.shape[-1]
    kept = slice(max(0, -shift), max(0, n - max(0, shift)))
    assert there.shape == back.shape == sound.shape
    assert np.array_equal(back[:, kept], sound[:, kept])
    outside = np.ones(n, bool)
    outside[kept] = False
    assert not back[:, outside].any()


@given(sound=SOUNDS, shift=SHIFTS)
def test_what_enters_is_silence_and_what_stays_is_moved(sound: np.ndarray, shift: int) -> None:
    shifted = shift_audio(sound, 1000, shift)
    for i in range(sound.shape[-1]):
        source = i - shift
        expected = sound[:, source] if 0 <= source < sound.shape[-1] else 0
        assert np.array_equal(shifted[:, i], np.broadcast_to(expected, shifted.shape[:1]))


@given(sound=SOUNDS, a=st.integers(0, 150), b=st.integers(0, 150))
def test_shifts_the_same_way_add_up(sound: np.ndarray, a: int, b: int) -> None:
    twice = shift_audio(shift_audio(sound, 1000, a), 1000, b)
    assert np.array_equal(twice, shift_audio(sound, 1000, a + b))


def seen_and_heard(path: Path) -> tuple[list[float], list[float]]:
    frames = [(frame.time, float(frame.image.mean())) for frame in video_frames(path)]
    times, brightness = (np.array(column) for column in zip(*frames, strict=True))
    sound = audio(path)
    return flashes_seen(times, brightness), clicks_heard(sound.samples, sound.rate, sound.start)


@pytest.mark.parametrize("kind", ["mp4-aac", "mpg-mp2", "mov-pcm"])
@pytest.mark.parametrize("milliseconds", [-400, -40, 40, 400])
def test_a_shifted_clip_is_late_by_just_that(tmp_path: Path, kind: str, milliseconds: int) -> None:
    clip = flash_and_beep(tmp_path, kind)
    out = tmp_path / "out.mp4"
    shift_clip(clip.path, milliseconds, out)
    seen, heard = seen_and_heard(out)
    assert np.subtract(heard, seen) == pytest.approx([milliseconds / 1000] * 2, abs=0.001)
    assert probe(out).video_sha256 == probe(clip.path).video_sha256
    assert audio(out).duration == pytest.approx(audio(clip.path).duration, abs=0.001)


@pytest.mark.parametrize("make", [flash_and_beep, variable_rate])
def test_another_encoding_moves_neither_picture_nor_sound(tmp_path: Path, make: object) -> None:
    clip: FlashBeep = make(tmp_path)  # type: ignore[operator]
    out = tmp_path / "out.mp4"
    reencode(clip.path, out, crf=32, bit_rate=48_000)
    assert frame_times(out) == pytest.approx(clip.times, abs=1e-5)
    seen, heard = seen_and_heard(out)
    assert seen == pytest.approx(clip.flashes, abs=1e-5) and heard == pytest.approx(clip.beeps, abs=0.005)
    assert probe(out).audio_codec == "aac"


@pytest.mark.parametrize("fps", [16, 25, 30, 50, Fraction(30000, 1001)])
def test_another_frame_rate_shows_what_was_seen_then(tmp_path: Path, fps: Fraction | int) -> None:
    clip = variable_rate(tmp_path)
    out = tmp_path / "out.mp4"
    change_fps(clip.path, out, fps)
    before = [(f.time, float(f.image.mean())) for f in video_frames(clip.path)]
    starts = np.array([t for t, _ in before])
    after = [(f.time, float(f.image.mean())) for f in video_frames(out)]
    for time, level in after:
        middle = time + 0.5 / float(fps)
        expected = before[max(0, int(np.searchsorted(starts, middle, side="right")) - 1)][1]
        assert level == pytest.approx(expected, abs=3)
    assert probe(out).fps == pytest.approx(float(fps))
    assert after[-1][0] == pytest.approx(before[-1][0], abs=0.1)
    sound = audio(out)
    assert clicks_heard(sound.samples, sound.rate, sound.start) == pytest.approx(clip.beeps, abs=0.001)


def test_the_same_frame_rate_changes_no_picture(tmp_path: Path) -> None:
    clip = flash_and_beep(tmp_path)
    change_fps(clip.path, tmp_path / "out.mp4", 25)
    seen, heard = seen_and_heard(tmp_path / "out.mp4")
    assert seen == pytest.approx(clip.flashes) and heard == pytest.approx(clip.beeps, abs=0.001)
    assert len(frame_times(tmp_path / "out.mp4")) == 75


def test_clips_without_sound_stay_without(tmp_path: Path) -> None:
    clip, out = picture_only(tmp_path), tmp_path / "out.mp4"
    reencode(clip, out)
    assert probe(out).audio_codec is None
    change_fps(clip, out, 16)
    assert probe(out).audio_codec is None and len(frame_times(out)) == 16
    with pytest.raises(MediaError) as caught:
        shift_clip(clip, 40, out)
    assert caught.value.reason is Reason.NO_AUDIO
