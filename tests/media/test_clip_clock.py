"""Picture and sound share one clock, whatever the container and the codecs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_factory import (
    FORMATS,
    FlashBeep,
    clicks_heard,
    edit_list,
    film_rate,
    flash_and_beep,
    flashes_seen,
    picture_times,
    sound_only,
    variable_rate,
)

from uniavgen_bench.media.decode import VideoReader, audio, frame_times, video_frames
from uniavgen_bench.media.probe import probe

SOUND_TOLERANCE = 0.005
FREE_CLOCKS = {"mpg-mp2", "mpg1-mp2", "ts-aac"}


def seen_and_heard(clip: FlashBeep) -> tuple[list[float], list[float]]:
    with VideoReader(clip.path) as reader:
        frames = [(frame.time, float(frame.image.mean())) for frame in reader]
        assert reader.problems == ()
    times, brightness = (np.array(column) for column in zip(*frames, strict=True))
    assert len(times) == len(clip.times)
    sound = audio(clip.path)
    assert sound.problems == ()
    return flashes_seen(times, brightness), clicks_heard(sound.samples, sound.rate, sound.start)


@pytest.mark.parametrize("kind", FORMATS)
def test_flash_and_click_coincide_in_every_container(tmp_path: Path, kind: str) -> None:
    clip = flash_and_beep(tmp_path, kind)
    seen, heard = seen_and_heard(clip)
    assert len(seen) == len(clip.flashes)
    assert heard == pytest.approx(seen, abs=SOUND_TOLERANCE)
    if kind not in FREE_CLOCKS:
        assert seen == pytest.approx(clip.flashes, abs=0.0005)
        assert heard == pytest.approx(clip.beeps, abs=SOUND_TOLERANCE)


@pytest.mark.parametrize("kind", ["mp4-aac", "mp4-flac", "webm-opus", "mkv-aac"])
def test_an_offset_in_the_clip_is_measured_not_repaired(tmp_path: Path, kind: str) -> None:
    seen, heard = seen_and_heard(flash_and_beep(tmp_path, kind, beep_after=0.120))
    assert np.subtract(heard, seen) == pytest.approx([0.120, 0.120], abs=SOUND_TOLERANCE)


@pytest.mark.parametrize("kind", ["mp4-aac", "webm-opus", "mov-pcm"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_resampling_moves_nothing(tmp_path: Path, kind: str, rate: int) -> None:
    clip = flash_and_beep(tmp_path, kind)
    sound = audio(clip.path, rate=rate)
    assert (sound.rate, sound.source_rate, sound.source_channels) == (rate, 48_000, 2)
    assert clicks_heard(sound.samples, rate, sound.start) == pytest.approx(clip.beeps, abs=SOUND_TOLERANCE)


def test_every_frame_of_a_variable_rate_keeps_its_own_time(tmp_path: Path) -> None:
    clip = variable_rate(tmp_path)
    assert frame_times(clip.path) == pytest.approx(clip.times, abs=1e-6)
    seen, heard = seen_and_heard(clip)
    assert seen == pytest.approx(clip.flashes, abs=1e-6)
    assert heard == pytest.approx(clip.beeps, abs=SOUND_TOLERANCE)


@pytest.mark.parametrize(("kind", "exact"), [("mp4-aac", 1e-9), ("mkv-aac", 0.0006)])
def test_film_rate_does_not_drift(tmp_path: Path, kind: str, exact: float) -> None:
    clip = film_rate(tmp_path, kind)
    assert frame_times(clip.path) == pytest.approx(np.arange(72) * 1001 / 24000, abs=exact)
    assert probe(clip.path).fps == pytest.approx(24000 / 1001, rel=2e-4)


@pytest.mark.parametrize("kind", ["mp4-aac", "mkv-aac", "mpg-mp2", "ts-aac", "avi-h264", "avi-pcm"])
def test_pictures_in_another_order_than_coded_come_out_in_time(tmp_path: Path, kind: str) -> None:
    clip = flash_and_beep(tmp_path, kind, max_b_frames=2, grain=4)
    seen, heard = seen_and_heard(clip)
    assert heard == pytest.approx(seen, abs=SOUND_TOLERANCE)
    if kind not in FREE_CLOCKS:
        assert seen == pytest.approx(clip.flashes, abs=0.001)


def test_what_an_edit_list_hides_is_not_seen(tmp_path: Path) -> None:
    clip = edit_list(tmp_path, hidden=10)
    seen, heard = seen_and_heard(clip)
    assert seen == pytest.approx(clip.flashes) and heard == pytest.approx(clip.beeps, abs=SOUND_TOLERANCE)
    assert probe(clip.path).video_start == 0


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a", ".ogg"])
def test_sound_files_begin_at_zero_without_encoder_delay(tmp_path: Path, suffix: str) -> None:
    clip = sound_only(tmp_path, suffix=suffix)
    sound = audio(clip.path)
    assert sound.start == pytest.approx(0, abs=0.001)
    assert clicks_heard(sound.samples, sound.rate, sound.start) == pytest.approx(
        clip.beeps, abs=SOUND_TOLERANCE
    )


def test_encoder_filling_at_the_end_is_cut_where_the_container_says(tmp_path: Path) -> None:
    assert audio(flash_and_beep(tmp_path, "mp4-aac").path).duration == pytest.approx(3.0, abs=1e-4)


def test_pictures_that_are_not_later_are_left_out_and_stated(tmp_path: Path) -> None:
    path = picture_times(tmp_path, [0, 40, 40, 80, 120])
    with VideoReader(path) as reader:
        assert [frame.time for frame in reader] == pytest.approx([0, 0.04, 0.08, 0.12])
        assert reader.problems == ("pictures not later than the one before them, left out",)


@pytest.mark.parametrize("kind", ["mp4-aac", "webm-opus", "mpg-mp2", "avi-mp3"])
def test_probe_agrees_with_what_decodes(tmp_path: Path, kind: str) -> None:
    path = flash_and_beep(tmp_path, kind).path
    facts, times, sound = probe(path), frame_times(path), audio(path)
    assert facts.problems == ()
    assert facts.fps == pytest.approx(25) and facts.audio_rate == 48_000
    assert (facts.width, facts.height) == (128, 96)
    assert facts.video_start == pytest.approx(times[0], abs=1e-6)
    assert facts.video_duration == pytest.approx(times[-1] - times[0] + 0.04, abs=0.002)
    assert facts.audio_start == pytest.approx(sound.start, abs=0.01)
    assert facts.audio_duration == pytest.approx(sound.duration, abs=0.01)


def test_threads_do_not_change_what_is_decoded(tmp_path: Path) -> None:
    path = flash_and_beep(tmp_path, "mp4-aac", max_b_frames=2, grain=20).path
    one = [(f.time, f.image) for f in video_frames(path, threads=1)]
    four = [(f.time, f.image) for f in video_frames(path, threads=4)]
    assert [t for t, _ in one] == [t for t, _ in four]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, four, strict=True))
