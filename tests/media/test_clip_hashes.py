"""A stream's hash addresses its packets and times, not the file that they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_factory import FORMATS, clicks, copied, edit_list, film_rate, flash_and_beep, picture_only, turned

from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.media.decode import frame_times
from uniavgen_bench.media.errors import MediaWriteError
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.media.probe import probe

MP4_CHANGES = ["ts-aac", "avi-h264"]
MP4_TAKES = sorted(set(FORMATS) - set(MP4_CHANGES))


@pytest.mark.parametrize("kind", MP4_TAKES)
def test_another_sound_leaves_the_video_hash(tmp_path: Path, kind: str) -> None:
    source = flash_and_beep(tmp_path, kind, grain=10).path
    out = tmp_path / "out" / "exchanged.mp4"
    replace_audio(source, clicks((0.7,), 3.0, 16_000), 16_000, 0.0, out)
    before, after = probe(source), probe(out)
    assert after.video_sha256 == before.video_sha256
    assert after.audio_sha256 != before.audio_sha256
    assert after.file_sha256 == sha256_file(out) != before.file_sha256
    assert after.video_start == pytest.approx(before.video_start, abs=1e-9)


def test_an_edit_list_survives_the_exchange_of_sound(tmp_path: Path) -> None:
    source, out = edit_list(tmp_path).path, tmp_path / "out.mp4"
    replace_audio(source, clicks((0.7,), 3.0, 16_000), 16_000, 0.0, out)
    assert probe(out).video_sha256 == probe(source).video_sha256


def test_a_turned_picture_stays_turned_when_the_sound_is_exchanged(tmp_path: Path) -> None:
    source, out = turned(tmp_path, 90), tmp_path / "out.mp4"
    replace_audio(source, clicks((0.1,), 0.4, 16_000), 16_000, 0.0, out)
    assert probe(out).video_sha256 == probe(source).video_sha256
    assert (probe(out).width, probe(out).height) == (96, 128)


def test_a_container_that_would_change_times_is_refused(tmp_path: Path) -> None:
    source = film_rate(tmp_path).path
    with pytest.raises(MediaWriteError, match="cannot hold its picture unchanged"):
        replace_audio(source, clicks((0.1,), 0.4, 16_000), 16_000, 0.0, tmp_path / "out.mkv")
    assert [p.name for p in tmp_path.iterdir()] == [source.name]


@pytest.mark.parametrize("kind", MP4_CHANGES)
def test_a_container_that_would_change_packets_is_refused(tmp_path: Path, kind: str) -> None:
    source = flash_and_beep(tmp_path, kind).path
    with pytest.raises(MediaWriteError, match="cannot be written") as caught:
        replace_audio(source, clicks((0.1,), 0.4, 16_000), 16_000, 0.0, tmp_path / "out.mp4")
    assert "\n" not in str(caught.value) and [p.name for p in tmp_path.iterdir()] == [source.name]


def test_pictures_out_of_order_without_times_are_refused(tmp_path: Path) -> None:
    source = flash_and_beep(tmp_path, "avi-pcm", max_b_frames=2).path
    with pytest.raises(
        MediaWriteError, match="does not say when its pictures, coded out of order, are shown"
    ):
        replace_audio(source, clicks((0.1,), 0.4, 16_000), 16_000, 0.0, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    "kind", ["mp4-aac", "mp4-flac", "mov-pcm", "mkv-aac", "webm-opus", "mpg-mp2", "avi-pcm"]
)
def test_other_sound_moves_no_picture(tmp_path: Path, kind: str) -> None:
    source, out = flash_and_beep(tmp_path, kind).path, tmp_path / "out.mp4"
    replace_audio(source, clicks((0.1,), 0.4, 16_000), 16_000, 0.0, out)
    assert frame_times(out) == pytest.approx(frame_times(source), abs=1e-9)


@pytest.mark.parametrize("kind", ["mp4-aac", "mp4-flac", "mov-pcm", "mkv-aac", "webm-opus"])
def test_the_audio_hash_depends_neither_on_the_video_nor_on_the_container_around(
    tmp_path: Path, kind: str
) -> None:
    source = flash_and_beep(tmp_path, kind).path
    facts = probe(source)
    alone = probe(copied(source, f"alone{source.suffix}", keep=("audio",)))
    titled = probe(copied(source, f"titled{source.suffix}", title="another title"))
    assert alone.audio_sha256 == titled.audio_sha256 == facts.audio_sha256
    assert titled.video_sha256 == facts.video_sha256
    assert alone.video_sha256 is None and titled.file_sha256 != facts.file_sha256


def test_the_same_sound_later_has_another_hash(tmp_path: Path) -> None:
    picture, sound = picture_only(tmp_path), clicks((0.5,), 1.0, 16_000)
    for name, start in (("a", 0.0), ("b", 0.25), ("c", 0.0)):
        replace_audio(picture, sound, 16_000, start, tmp_path / f"{name}.mp4")
    a, b, c = (probe(tmp_path / f"{name}.mp4").audio_sha256 for name in "abc")
    assert a == c != b


def test_other_pictures_or_other_times_have_another_video_hash(tmp_path: Path) -> None:
    hashes = {
        probe(flash_and_beep(tmp_path, "mp4-flac", name="a.mp4").path).video_sha256,
        probe(flash_and_beep(tmp_path, "mp4-flac", name="b.mp4", at=(1.0, 2.04)).path).video_sha256,
        probe(flash_and_beep(tmp_path, "mp4-flac", name="c.mp4", fps=24).path).video_sha256,
        probe(turned(tmp_path, 0)).video_sha256,
        probe(turned(tmp_path, 90)).video_sha256,
    }
    assert len(hashes) == 5 and None not in hashes


def test_making_a_clip_twice_gives_the_same_hashes(tmp_path: Path) -> None:
    first, second = (probe(flash_and_beep(tmp_path, "mp4-aac", name=f"{n}.mp4").path) for n in "ab")
    assert (first.video_sha256, first.audio_sha256) == (second.video_sha256, second.audio_sha256)
    assert np.isfinite(first.audio_duration or np.nan)
