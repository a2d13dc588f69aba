"""Broken files give one clear line or the part that is whole; never a traceback, never an endless loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clip_factory import (
    FORMATS,
    flash_and_beep,
    index_in_front,
    nan_wav,
    noise_named_mp4,
    one_frame,
    picture_only,
    sound_only,
    text_named_mp4,
    truncated,
    unknown_codec,
    zero_bytes,
)

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.media.decode import VideoReader, audio, frame_times, video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.media.probe import probe


def absent(folder: Path) -> Path:
    return folder / "absent.mp4"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


def play_list(folder: Path) -> Path:
    secret = folder / "secret.txt"
    secret.write_text("secret")
    path = folder / "list.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    return path


def a_folder(folder: Path) -> Path:
    return folder


def without_index(folder: Path) -> Path:
    return truncated(flash_and_beep(folder, "mp4-aac").path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (zero_bytes, "the file is empty"),
        (text_named_mp4, "no media file of a known kind"),
        (noise_named_mp4, "no media file of a known kind"),
        (play_list, "no media file of a known kind"),
        (absent, "there is no such file"),
        (pipe, "not a regular file"),
        (a_folder, "not a regular file"),
        (without_index, "index is missing"),
    ],
)
@pytest.mark.parametrize("read", [probe, audio, frame_times])
def test_what_is_no_clip_is_unreadable_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], says: str, read: Callable[[Path], object]
) -> None:
    path = make(tmp_path)
    with pytest.raises(MediaError) as caught:
        read(path)
    assert caught.value.reason is Reason.UNREADABLE
    assert caught.value.missing == Missing(Reason.UNREADABLE, caught.value.detail)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and says in line and "\n" not in line


@pytest.mark.parametrize("kind", sorted(set(FORMATS) - {"mov-pcm"}))
@pytest.mark.parametrize("share", [0.35, 0.8])
def test_a_cut_clip_gives_what_is_there(tmp_path: Path, kind: str, share: float) -> None:
    whole = flash_and_beep(tmp_path, kind, grain=15).path
    if kind.startswith("mp4"):
        whole = index_in_front(whole)
    path = truncated(whole, share)
    with VideoReader(path) as reader:
        times = [frame.time for frame in reader]
        problems = reader.problems
    sound = audio(path, rate=16_000)
    assert 0 < len(times) < 75 and np.all(np.diff(times) > 0)
    assert 0 < sound.duration < 3.0
    if FORMATS[kind].muxer is None:  # program and transport streams do not declare their length
        assert problems or sound.problems or probe(path).problems


def test_a_clip_cut_off_in_its_middle_says_where(tmp_path: Path) -> None:
    path = truncated(index_in_front(flash_and_beep(tmp_path, "mp4-aac", grain=15).path), 0.6)
    with VideoReader(path) as reader:
        count = sum(1 for _ in reader)
        said = " ".join(reader.problems)
    assert 20 < count < 70
    assert f"the picture ends at {count / 25:.2f} s of 3.00 s that the file declares" in said
    assert any("that the file declares" in p for p in probe(path).problems)


@pytest.mark.parametrize("kind", ["mp4-aac", "mpg-mp2", "webm-opus", "avi-mp3", "ts-aac"])
@pytest.mark.parametrize("seed", range(4))
def test_flipped_bytes_never_escape_as_another_error(tmp_path: Path, kind: str, seed: int) -> None:
    path = flash_and_beep(tmp_path, kind, grain=15, seconds=2.2).path
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    rng = np.random.default_rng(seed)
    data[rng.integers(seed * 500, len(data), 5 * 10**seed % 400 + 20)] ^= 255
    path.write_bytes(data.tobytes())
    for read in (probe, audio, frame_times):
        try:
            read(path)
        except MediaError as error:
            assert "\n" not in str(error)


def test_a_number_that_is_none_is_bad_audio(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"not numbers: NaN or infinite samples at 0\.5\d s") as caught:
        audio(nan_wav(tmp_path), rate=8_000)
    assert caught.value.reason is Reason.BAD_AUDIO


def test_a_clip_without_sound_and_a_sound_without_pictures(tmp_path: Path) -> None:
    silent, unseen = picture_only(tmp_path), sound_only(tmp_path).path
    with pytest.raises(MediaError) as caught:
        audio(silent)
    assert caught.value.reason is Reason.NO_AUDIO
    with pytest.raises(MediaError) as caught:
        next(iter(video_frames(unseen)))
    assert caught.value.reason is Reason.NO_VIDEO
    assert probe(silent).audio_sha256 is None and probe(silent).audio_duration is None
    assert probe(unseen).video_sha256 is None and probe(unseen).width is None


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    path = unknown_codec(tmp_path)
    with pytest.raises(MediaError, match="no decoder for its picture") as caught:
        frame_times(path)
    assert caught.value.reason is Reason.UNREADABLE
    with pytest.raises(MediaError, match="no decoder for its picture"):
        replace_audio(path, np.zeros(10, np.float32), 16_000, 0.0, tmp_path / "out.mp4")
    assert audio(path).duration == pytest.approx(3.0)
    facts = probe(path)
    assert facts.video_codec is None and facts.width is None and facts.audio_codec == "aac"
    assert facts.problems == ("no decoder for its picture is known",)


def test_a_clip_of_one_picture(tmp_path: Path) -> None:
    path = one_frame(tmp_path)
    assert frame_times(path).tolist() == [0.0]
    facts = probe(path)
    assert facts.fps == 25 and facts.video_duration == pytest.approx(0.04)


@pytest.mark.parametrize(
    "name", ["a b.mp4", 'it\'s "so".mp4', "x:y.mp4", "ünï-你好.mp4", "100%d.mp4", "-v.mp4"]
)
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    path = flash_and_beep(tmp_path, "mp4-aac", name="plain.mp4").path.rename(tmp_path / name)
    assert len(frame_times(path)) == 75
    assert probe(path).audio_rate == 48_000


def test_bad_text_in_the_tags_of_a_file_is_no_obstacle(tmp_path: Path) -> None:
    from clip_factory import copied

    path = copied(flash_and_beep(tmp_path, "mp4-aac").path, "titled.mp4", title="QQQQQQQQ")
    data = path.read_bytes()
    assert b"QQQQQQQQ" in data
    path.write_bytes(data.replace(b"QQQQQQQQ", b"\xff\xfe\xff\xc3\x28\xa0\xa1\xff"))
    assert len(frame_times(path)) == 75
