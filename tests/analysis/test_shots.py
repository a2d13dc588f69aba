"""Cuts: found where they are, and not where a flash, a light or a fast move is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.analysis.shots import CutFinder, layout_change, shots_of, signature
from uniavgen_bench.media.decode import video_frames


def scene(seed: int, shift: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """A picture of coloured blobs, moved sideways by `shift` px."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:120, 0:160]
    picture = np.zeros((120, 160, 3)) + rng.uniform(20, 90, 3)
    for _ in range(12):
        cx, cy, r = rng.uniform(-40, 200), rng.uniform(0, 120), rng.uniform(8, 30)
        inside = (x - cx - shift) ** 2 + (y - cy) ** 2 < r**2
        picture[inside] = rng.uniform(0, 230, 3)
    return np.clip(picture * gain, 0, 255).astype(np.uint8)


def starts(pictures: list[np.ndarray]) -> list[int]:
    finder = CutFinder()
    answers = [answer for picture in pictures for answer in finder.push(signature(picture))]
    answers += list(finder.finish())
    assert len(answers) == len(pictures)
    return np.flatnonzero(answers).tolist()


def test_a_cut_is_found_at_its_frame() -> None:
    assert starts([scene(1)] * 7 + [scene(2)] * 9 + [scene(3)] * 4) == [0, 7, 16]


def test_a_cut_between_moving_scenes_is_found_at_its_frame() -> None:
    assert starts([scene(4, 2.0 * i) for i in range(10)] + [scene(5, -2.0 * i) for i in range(10)]) == [0, 10]


@pytest.mark.parametrize("length", [1, 2])
def test_a_white_flash_is_no_cut(length: int) -> None:
    white = np.full((120, 160, 3), 255, np.uint8)
    assert starts([scene(1)] * 6 + [white] * length + [scene(1)] * 6) == [0]


@pytest.mark.parametrize("length", [1, 2])
def test_a_glimpse_of_another_picture_is_no_cut(length: int) -> None:
    assert starts([scene(1)] * 6 + [scene(2)] * length + [scene(1)] * 6) == [0]


def test_switching_the_light_is_no_cut() -> None:
    assert starts([scene(1)] * 6 + [scene(1, gain=0.45)] * 6) == [0]


def test_a_fast_camera_move_is_no_cut() -> None:
    assert starts([scene(1, s) for s in (0, 0, 0, 12, 30, 52, 76, 98, 115, 124, 126, 126, 126)]) == [0]


def test_noise_on_an_even_picture_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    assert starts([(128 + rng.normal(0, 3, (120, 160, 3))).astype(np.uint8) for _ in range(12)]) == [0]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_clips_of_a_few_frames_are_one_shot(count: int) -> None:
    assert starts([scene(1)] * count) == [0]
    assert shots_of([True] + [False] * (count - 1)).tolist() == [[0, count - 1]]


def test_shots_cover_all_frames_once() -> None:
    assert shots_of([True, False, True, True, False]).tolist() == [[0, 1], [2, 2], [3, 4]]
    assert shots_of([]).shape == (0, 2)


def test_a_change_of_brightness_is_no_change_of_layout() -> None:
    assert layout_change(signature(scene(1)), signature(scene(1, gain=0.5))) < 0.05
    assert layout_change(signature(scene(1)), signature(scene(2))) > 0.5


@pytest.mark.shared
@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ("mochabench/2p_2clip_2talk_10_woman_man_beach_conversation.mp4", [0, 69]),
        ("mochabench/2p_2clip_2talk_1_woman_man_in_room.mp4", [0, 48]),
        ("mochabench/2p_2clip_2talk_9_man_woman_space.mp4", [0, 44]),
        ("mochabench/2p_1clip_1talk_7_woman_office_pointing.mp4", [0]),
        ("wav2lip_forks/checkpoints_test.mov", [0, 318, 438]),
    ],
)
def test_the_cuts_of_real_clips_are_found(shared: Path, clip: str, expected: list[int]) -> None:
    frames = video_frames(shared / "clips" / clip)
    assert starts([frame.scaled(128, 128) for frame in frames]) == expected
