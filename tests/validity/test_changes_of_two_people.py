"""Changes that show a second person: the picture keeps its shape, moves, and is decoded in step."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.mux import write_timed_clip
from uniavgen_bench.media.probe import probe
from uniavgen_bench.validity.perturb import StudyClip, changed
from uniavgen_bench.validity.perturb_list import known


def plain_clip(
    path: Path, seconds: float, shape: tuple[int, int] = (48, 64), *, heard: float | None = None, fps: int = 8
) -> StudyClip:
    """Write a clip with a white disc of half the height on black, brighter from picture to picture."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < min(shape) / 4
    count = round(seconds * fps)
    frames = [
        np.repeat((disc * (120 + 120 * i / count))[..., None], 3, 2).astype(np.uint8) for i in range(count)
    ]
    tone = np.full(round(16_000 * (seconds if heard is None else heard)), 0.2, np.float32)
    write_timed_clip(path, ((i / fps, frame) for i, frame in enumerate(frames)), tone, 16_000)
    return StudyClip(Sample(id=path.stem), path, path.stem)


@pytest.mark.parametrize("shape", [(36, 128), (128, 36), (96, 96)])
@pytest.mark.parametrize("name", ["two-faces", "other-person-halfway"])
def test_the_other_persons_picture_keeps_its_shape_on_grey(
    name: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    own, other = plain_clip(tmp_path / "own.mp4", 2), plain_clip(tmp_path / "other.mp4", 2, shape)
    known()[name].write(own, other, tmp_path / "out.mp4")
    last = list(video_frames(tmp_path / "out.mp4"))[-1].image[:, -64:]
    assert last.shape == (48, 64, 3)
    bright = last.mean(axis=2) > 175
    wide, high = bright.any(axis=0).sum(), bright.any(axis=1).sum()
    assert wide == pytest.approx(high, abs=2) and wide >= 6
    border = last[0, 32] if shape[1] > 2 * shape[0] else last[24, 0]
    assert np.abs(border.astype(int) - 110).max() <= 6


def test_the_other_of_two_faces_moves_and_begins_again(tmp_path: Path) -> None:
    own, other = plain_clip(tmp_path / "own.mp4", 2), plain_clip(tmp_path / "other.mp4", 1)
    known()["two-faces"].write(own, other, tmp_path / "out.mp4")
    seen = np.array([frame.image[24, 96].mean() for frame in video_frames(tmp_path / "out.mp4")])
    assert seen[:8].max() - seen[:8].min() > 80 and np.all(np.diff(seen[:8]) > 0)
    np.testing.assert_allclose(seen[8:], seen[:8], atol=4)


def test_the_other_person_is_seen_at_the_time_that_is_heard(tmp_path: Path) -> None:
    own, other = plain_clip(tmp_path / "own.mp4", 2), plain_clip(tmp_path / "other.mp4", 4, fps=12)
    known()["other-person-halfway"].write(own, other, tmp_path / "out.mp4")
    seen = [(f.time, f.image[24, 32].mean()) for f in video_frames(tmp_path / "out.mp4") if f.time >= 1]
    for time, level in seen:
        assert level == pytest.approx(120 + 120 * time / 4, abs=5)
    assert len({round(level) for _, level in seen}) == len(seen) == 8


def test_pictures_of_the_other_clip_are_not_all_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = plain_clip(tmp_path / "own.mp4", 2), plain_clip(tmp_path / "other.mp4", 4)
    alive: list[int] = []

    @dataclass(eq=False)
    class Watched:
        time: float
        image: np.ndarray

    def counted(path: Path) -> Iterator[Watched]:
        held: weakref.WeakSet[Watched] = weakref.WeakSet()
        for frame in video_frames(path):
            watched = Watched(frame.time, frame.image)
            held.add(watched)
            alive.append(len(held))
            yield watched

    monkeypatch.setattr("uniavgen_bench.validity.perturb_picture.video_frames", counted)
    for name in ("two-faces", "other-person-halfway"):
        known()[name].write(own, other, tmp_path / "out.mp4")
    assert 0 < max(alive) <= 4


@pytest.mark.parametrize("short", ["own sound", "other sound", "own picture", "other picture"])
def test_nobody_takes_over_where_half_a_second_of_sound_or_picture_is_not_left(
    short: str, tmp_path: Path
) -> None:
    whose, what = short.split()
    seconds, heard = (5.0, 2.0) if what == "sound" else (0.4, 5.0)
    if whose == "other" and what == "sound":
        heard = 0.4
    damaged = plain_clip(tmp_path / "damaged.mp4", seconds, heard=heard, fps=10)
    whole, third = plain_clip(tmp_path / "whole.mp4", 5), plain_clip(tmp_path / "third.mp4", 5)
    pair = (damaged, whole) if whose == "own" else (whole, damaged)
    change = known()["other-person-halfway"]
    if short == "own picture":
        pair = (plain_clip(tmp_path / "own.mp4", 0.8, heard=5.0, fps=10), whole)
    with pytest.raises(MissingError) as raised:
        change.write(*pair, tmp_path / "out.mp4")
    assert raised.value.missing.reason is Reason.TOO_SHORT and not (tmp_path / "out.mp4").exists()
    assert changed(change, pair[0], pair, tmp_path / "kept") is None
    if whose == "other":
        made = changed(change, whole, (whole, damaged, third), tmp_path / "kept")
        assert made is not None and probe(made.path).video_duration == pytest.approx(5, abs=0.2)
