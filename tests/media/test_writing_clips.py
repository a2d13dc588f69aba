"""Clips are written whole, with exact times and lossless sound, or not at all."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clip_factory import clicks, clicks_heard, flash_and_beep, sound_only, text_named_mp4

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.decode import audio, frame_times, video_frames
from uniavgen_bench.media.errors import MediaError, MediaWriteError
from uniavgen_bench.media.mux import replace_audio, write_clip, write_timed_clip, write_wav
from uniavgen_bench.media.probe import probe


def pictures(count: int = 24, height: int = 64, width: int = 96) -> list[np.ndarray]:
    """Smooth pictures of changing colour."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    return [np.stack([x, y, np.full_like(x, 8 * i)], axis=-1).astype(np.uint8) for i in range(count)]


@pytest.mark.parametrize("fps", [16, 25, 29.97, Fraction(24000, 1001), Fraction(30000, 1001), Fraction(7, 2)])
def test_frames_are_at_exactly_i_over_fps(tmp_path: Path, fps: Fraction | float) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(), fps)
    assert frame_times(path) == pytest.approx(np.arange(24) / float(fps), abs=1e-9)
    assert probe(path).fps == pytest.approx(float(fps)) and probe(path).problems == ()


def test_frames_with_times_of_their_own_keep_them(tmp_path: Path) -> None:
    path, times = tmp_path / "clip.mp4", np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, 24)) - 0.01
    write_timed_clip(path, zip(times.tolist(), pictures(), strict=True))
    assert frame_times(path) == pytest.approx(times, abs=1 / 360_000)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_is_lossless_to_24_bit(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "clip.mp4"
    sound = np.random.default_rng(0).uniform(-1, 1, (channels, rate + 77)).astype(np.float32)
    write_clip(path, pictures(), 24, sound if channels > 1 else sound[0], rate)
    back = audio(path, mono=False)
    assert (back.rate, back.start, back.samples.shape) == (rate, 0.0, sound.shape)
    assert np.abs(back.samples - sound).max() <= 2**-23
    assert probe(path).audio_codec == "flac"


def test_sound_of_16_bit_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    sound = np.random.default_rng(0).integers(-32768, 32768, 16_000).astype(np.float32) / 32768
    write_clip(path, pictures(), 24, sound, 16_000)
    assert np.array_equal(audio(path).samples, sound)


def test_sound_beyond_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(), 24, np.array([1.5, -1.5] * 8000, np.float32), 16_000)
    assert np.allclose(audio(path).samples, [1.0, -1.0] * 8000, atol=1e-6)


def test_colours_come_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(), 24)
    for frame, given in zip(video_frames(path), pictures(), strict=True):
        assert np.abs(frame.image.astype(int) - given).mean() < 4


def test_an_odd_side_gets_one_more_row_or_column(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(3, 63, 95), 24)
    assert next(iter(video_frames(path))).image.shape == (64, 96, 3)


def test_the_file_is_one_that_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, pictures(), 24, clicks((0.5,), 1.0, 16_000), 16_000)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as clip:
        assert clip.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert clip.streams.audio[0].codec_context.codec_tag == "fLaC"
        assert [p.pts == p.dts for p in clip.demux(video=0) if p.dts is not None] == [True] * 24


def test_sound_starts_where_it_is_put(tmp_path: Path) -> None:
    source = flash_and_beep(tmp_path, "mp4-aac")
    for start, expected in ((0.25, [1.25, 2.25]), (0.0, [1.0, 2.0]), (-0.5, [0.5, 1.5])):
        replace_audio(source.path, clicks((1.0, 2.0), 3.0, 16_000), 16_000, start, tmp_path / "out.mp4")
        sound = audio(tmp_path / "out.mp4")
        assert clicks_heard(sound.samples, sound.rate, sound.start) == pytest.approx(expected, abs=1e-4)


def test_a_wav_keeps_every_float(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).normal(size=(2, 999)).astype(np.float32)
    write_wav(tmp_path / "new" / "a.wav", sound, 22_050)
    back = audio(tmp_path / "new" / "a.wav", mono=False)
    assert back.rate == 22_050 and np.array_equal(back.samples, sound)


def stumbling() -> Iterator[np.ndarray]:
    yield from pictures(5)
    raise RuntimeError("the generator of frames failed")


def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"the old one")
    with pytest.raises(RuntimeError, match="the generator of frames failed"):
        write_clip(path, stumbling(), 25)
    with pytest.raises(ValueError, match="at least one frame"):
        write_clip(path, [], 25)
    with pytest.raises(ValueError, match="another size"):
        write_clip(path, [*pictures(2), *pictures(1, 32, 32)], 25)
    with pytest.raises(ValueError, match="not after"):
        write_timed_clip(path, zip([0.0, 0.1, 0.1], pictures(3), strict=True))
    with pytest.raises(ValueError, match="NaN"):
        write_clip(path, pictures(), 24, np.full(10, np.nan, np.float32), 16_000)
    assert path.read_bytes() == b"the old one" and [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_sources_that_have_no_picture_are_named(tmp_path: Path) -> None:
    sound, out = np.zeros(100, np.float32), tmp_path / "out.mp4"
    with pytest.raises(MediaError) as caught:
        replace_audio(sound_only(tmp_path).path, sound, 16_000, 0.0, out)
    assert caught.value.reason is Reason.NO_VIDEO
    with pytest.raises(MediaError) as caught:
        replace_audio(text_named_mp4(tmp_path), sound, 16_000, 0.0, out)
    assert caught.value.reason is Reason.UNREADABLE
    assert not out.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaWriteError, match="cannot be written") as caught:
        write_clip(tmp_path / "file" / "clip.mp4", pictures(), 24)
    assert "\n" not in str(caught.value)


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from uniavgen_bench.media.errors import MediaWriteError
from uniavgen_bench.media.mux import replace_audio, write_clip, write_wav
folder = Path(sys.argv[1])
noise = np.random.default_rng(0)
source = folder / "source.mp4"
write_clip(source, [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(10)], 25)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
sound = noise.uniform(-1, 1, 48_000).astype(np.float32)
frames = [noise.integers(0, 255, (96, 128, 3), np.uint8) for _ in range(50)]
for attempt in (
    lambda: write_clip(folder / "a.mp4", frames, 25, sound, 16_000),
    lambda: replace_audio(source, sound, 16_000, 0.0, folder / "b.mp4"),
    lambda: write_wav(folder / "c.wav", sound, 16_000),
):
    try:
        attempt()
        print("WRITTEN")
    except MediaWriteError as error:
        print("refused:", error)
print(sorted(p.name for p in folder.iterdir()))
"""


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["refused"] * 3, done.stdout + done.stderr
    assert lines[3] == "['source.mp4']"
