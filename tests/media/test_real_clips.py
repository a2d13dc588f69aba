"""The real clips: every one is probed, the odd ones are decoded whole."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.media.decode import VideoReader, audio
from uniavgen_bench.media.degrade import shift_clip
from uniavgen_bench.media.probe import probe

pytestmark = pytest.mark.shared

ODD = (
    "grid_lipnet/evaluation_samples_GRID_bbaf2n.mpg",
    "wav2lip_forks/checkpoints_test.mov",
    "video_retalking/examples_face_1.mp4",
    "mochabench/1p_generalize_chinese_3_man_man_agents.mp4",
    "talker_t2av/samples_output.mp4",
    "uniavgen_page/task1_10.mp4",
)
"""A program stream, two edit lists that end early, a first frame at 33 ms, MPEG-4 part 2, 16 Hz with 24 kHz."""


def listed(shared: Path) -> list[dict[str, str]]:
    with (shared / "clips" / "clips.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_listed_clip_is_probed_without_a_problem(shared: Path) -> None:
    rows = listed(shared)
    assert len(rows) == 153
    for row in rows:
        facts = probe(shared / "clips" / row["clip"])
        assert facts.problems == (), row["clip"]
        assert facts.file_sha256 == row["sha256"]
        assert (facts.width, facts.height) == (int(row["width"]), int(row["height"])), row["clip"]
        assert facts.fps == pytest.approx(float(row["fps"]), rel=0.03), row["clip"]
        longest = max(facts.video_duration or 0, facts.audio_duration or 0)
        assert longest == pytest.approx(float(row["duration"]), abs=0.15), row["clip"]
        assert (facts.audio_rate or 0) == int(float(row["audio_sr"] or 0)), row["clip"]


@pytest.mark.parametrize("name", ODD)
def test_odd_clips_decode_whole(shared: Path, name: str) -> None:
    path = shared / "clips" / name
    facts = probe(path)
    with VideoReader(path) as reader:
        times = np.array([frame.time for frame in reader])
        assert reader.problems == ()
    assert facts.video_start == pytest.approx(times[0], abs=1e-6)
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(facts.fps)
    sound = audio(path, rate=16_000)
    assert sound.problems == ()
    assert sound.duration == pytest.approx(facts.audio_duration, abs=0.03)


@pytest.mark.parametrize("name", ODD)
def test_odd_clips_take_another_sound_and_keep_their_picture(shared: Path, tmp_path: Path, name: str) -> None:
    path, out = shared / "clips" / name, tmp_path / "shifted.mp4"
    shift_clip(path, 120, out)
    before, after = probe(path), probe(out)
    assert after.video_sha256 == before.video_sha256 and after.audio_sha256 != before.audio_sha256
    whole, shifted = audio(path), audio(out)
    late = round(0.120 * whole.rate)
    inside = np.abs(whole.samples) < 0.99
    assert np.abs(shifted.samples[late:] - whole.samples[:-late])[inside[:-late]].max() < 1e-5
