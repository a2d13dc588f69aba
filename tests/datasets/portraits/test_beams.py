"""Rays by kind march through the same head that points are taken to one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.datasets.portraits.anatomy import anatomy_of
from uniavgen_bench.datasets.portraits.beams import Kind, Rays, beams_of
from uniavgen_bench.datasets.portraits.bust_volume import BustVolume, build_volume
from uniavgen_bench.datasets.portraits.head_params import sample_head
from uniavgen_bench.datasets.portraits.pose import CAMERA_Z, CENTRE_Y, HALF_VIEW, Camera, pose_of

HEAD = replace(sample_head(4), garment="crew")
AT = anatomy_of(HEAD, "plain")


@pytest.fixture(scope="module")
def volume() -> BustVolume:
    return build_volume(HEAD, AT)


def rays_of(yaw: float, pitch: float, roll: float, jaw: float, sway: float) -> Rays:
    places = np.arange(2, 64, 3, dtype=np.float32)
    line, column = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    pose = pose_of(AT, yaw, pitch, roll, (sway, -sway), jaw)
    return Rays(pose, *Camera(64, HALF_VIEW).rays(column, line))


angle = st.floats(-0.3, 0.3)


@settings(max_examples=25, deadline=None)
@given(angle, angle, angle, st.floats(0, 1), st.floats(-0.03, 0.03), st.floats(6.5, 8.0))
def test_gaps_of_every_kind_are_those_of_points_taken_to_the_head(
    volume: BustVolume, yaw: float, pitch: float, roll: float, jaw: float, sway: float, far: float
) -> None:
    rays = rays_of(yaw, pitch, roll, jaw, sway)
    way = np.full_like(rays.dx, far)
    x, y, z = rays.pose.to_head(
        rays.dx * way, np.float32(CENTRE_Y) + rays.dy * way, np.float32(CAMERA_Z) + rays.dz * way
    )
    expected = volume.distance(x, rays.pose.close_jaw(x, y, z), z)
    found = np.full_like(way, np.nan)
    for index, beams in beams_of([rays]):
        found[index] = beams.gap(volume, way[index])
    assert found == pytest.approx(expected, abs=2e-4)


def test_rays_of_several_frames_keep_their_bits_and_their_order(volume: BustVolume) -> None:
    frames = [rays_of(0.1, 0.0, 0.0, 0.5, 0.0), rays_of(-0.2, 0.1, 0.05, 0.0, 0.02)]
    together = beams_of(frames)
    assert [beams.kind for _, beams in together] == list(Kind)
    way = np.linspace(6.4, 7.9, 2 * frames[0].dx.size).astype(np.float32)
    found = np.empty_like(way)
    for index, beams in together:
        found[index] = beams.gap(volume, way[index])
    alone = []
    for rays, part in zip(frames, np.split(way, 2), strict=True):
        one = np.empty_like(part)
        for index, beams in beams_of([rays]):
            one[index] = beams.gap(volume, part[index])
        alone.append(one)
    assert np.array_equal(found, np.concatenate(alone))
