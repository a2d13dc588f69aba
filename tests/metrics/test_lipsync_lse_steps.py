"""Each step of an LSE protocol, changed alone: what it changes is what its name says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sync_world import EyesAndEars, clip_of, levels, sound_of, track_of

from uniavgen_bench.validity import lse_step_changes
from uniavgen_bench.validity.lse_step_media import cut, through_aac, through_xvid

N = 64


@pytest.fixture
def seen(monkeypatch):
    """A clip at 30 fps whose pictures are as bright as its sound is loud, and which can be cut again."""
    times = np.arange(N * 30 // 25) / 30
    level = np.interp(times * 25, np.arange(N), levels(N))
    clip = clip_of([(track_of(np.arange(len(times))), level)], sound_of(levels(N)), whole=level, times=times)

    def pictures(path, wanted):
        for i in sorted(wanted):
            yield i, np.full((480, 640, 3), round(40 + 170 * level[i]), np.uint8)

    monkeypatch.setattr(lse_step_changes, "pictures_at", pictures)
    return lse_step_changes.longest(SimpleNamespace(**vars(clip), path="clip.mp4"), N - 2)


def test_steps_move_what_they_change_and_nothing_else(seen):
    found = dict(lse_step_changes.changes(seen, EyesAndEars(), None))
    base = found["as syncnet-python@1 takes it"]
    assert base.offset == 0 and base.confidence > 1
    assert found["sound one frame later (for comparison)"].offset == -1
    for step in (
        "crop scale 0.30 instead of 0.40",
        "crops through MPEG-4 (XVID)",
        "cut from the picture, not from the stored JPEG",
        "whole picture instead of a face crop",
        "sound not rounded to 16 bits before MFCC",
        "sound through AAC",
        "batches of 7 windows instead of 20",
        "last full window counted (T - 4 instead of T - 5)",
    ):
        assert found[step].offset == 0, step
        assert abs(found[step].confidence - base.confidence) < 0.4, step
    assert found["sound in -1 … 1 before MFCC"].distance > base.distance + 10
    counted = found["no conversion: frames counted as if at 25 fps"]
    assert counted.confidence < base.confidence - 1, "30 fps taken for 25 drifts"
    edges = found["only shifts that meet sound: no zeros beyond the ends"]
    assert edges.offset == 0 and edges.confidence < base.confidence, "zeros are far from everything here"


def test_random_weights_tell_pictures_apart_and_are_the_same_every_time(seen):
    import torch

    torch.set_num_threads(1)
    few = lse_step_changes.Seen(
        seen.clip, seen.track, seen.start, seen.index[:12], seen.squares[:12], seen.sound[: 12 * 640]
    )
    embedded = []
    for _ in range(2):
        lips, sound = lse_step_changes.embed(
            lse_step_changes.random_syncnet(few), few.crops, lse_step_changes.mfcc(few.sound), "cpu"
        )
        embedded.append(lips)
        assert np.ptp(lips, axis=0).mean() > 0.1 and np.ptp(sound, axis=0).mean() > 0.1
    np.testing.assert_array_equal(*embedded)


def test_codecs_keep_length_and_place():
    rng = np.random.default_rng(0)
    sound = np.convolve(rng.normal(0, 0.1, 16_000), np.ones(20) / 20, "same").astype(np.float32)
    assert np.corrcoef(sound[2000:-2000], through_aac(sound)[2000:-2000])[0, 1] > 0.99
    crops = np.stack([np.full((224, 224, 3), 20 * i + 20, np.uint8) for i in range(8)])
    assert np.abs(through_xvid(crops).astype(int) - crops).max() < 12


def test_a_cut_beyond_the_picture_is_grey():
    out = cut(np.zeros((100, 100, 3), np.uint8), np.array([-100.0, 0, 100, 200]))
    assert out.shape == (224, 224, 3)
    assert (out[:100, :100] == 110).all() and (out[10:90, 130:] == 0).all()


@pytest.mark.shared
def test_ultraface_finds_the_face_that_is_meant(shared):
    from uniavgen_bench.media.decode import video_frames
    from uniavgen_bench.validity.lse_step_media import UltraFace

    file = shared / "weights/ultraface_version-RFB-320.onnx"
    if not file.is_file():
        pytest.skip("UltraFace's weights are not here")
    picture = next(iter(video_frames(shared / "clips/grid_lipnet/evaluation_samples_GRID_bbaf2n.mpg"))).image
    detector = UltraFace(file)
    box = detector.box(picture, np.array([110, 60, 240, 230], np.float32))
    assert box is not None and box[0] < 180 < box[2] and box[1] < 150 < box[3]
    assert detector.box(picture, np.array([0, 0, 20, 20], np.float32)) is None
