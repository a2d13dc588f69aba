"""Pictures of talking heads: equal bytes however they are made, and a truth that the pixels bear out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.face_state import REST, FaceState, resting, states_of
from uniavgen_bench.datasets.portraits.head_params import DOMAINS, Domain, sample_head
from uniavgen_bench.datasets.portraits.idle_motion import frame_times, talking
from uniavgen_bench.datasets.portraits.render import HeadRenderer, Rendered, render
from uniavgen_bench.datasets.portraits.truth import LANDMARKS
from uniavgen_bench.datasets.portraits.visemes import Sound

SIZE = 64
GOLDEN = {
    "plain": "bba7ca6a6801bcd11c7f2e5bc8c58ef2ccdd03dba515fe6daafe678ccd004264",
    "stylised": "90bb12adf8bc3eaff0d857ec75ab220276e4bf61cb93fae0bcc4f5edd3e40c02",
}
FRESH = """
import hashlib
from tests.datasets.portraits.test_render import SIZE, speech
from uniavgen_bench.datasets.portraits.head_params import sample_head
from uniavgen_bench.datasets.portraits.render import render
for domain in ("plain", "stylised"):
    print(hashlib.sha256(render(sample_head(5), speech(), SIZE, domain).pictures.tobytes()).hexdigest())
"""


def speech() -> FaceState:
    said = [Sound("aa", 0.0, 0.2), Sound("PP", 0.2, 0.3), Sound("ou", 0.3, 0.5)]
    return talking(3, said, frame_times(5, 10.0), emotion="happy", intensity=0.5)


def opened(amounts: list[float]) -> FaceState:
    return states_of(replace(REST, mouth_open=amount, jaw=amount) for amount in amounts)


@pytest.fixture(scope="module", params=DOMAINS)
def renderer(request: pytest.FixtureRequest) -> HeadRenderer:
    domain: Domain = request.param
    return HeadRenderer.build(sample_head(4), 128, domain)


@pytest.fixture(scope="module")
def opening(renderer: HeadRenderer) -> Rendered:
    return renderer.draw(opened([0.0, 0.15, 0.3, 0.5, 0.75, 1.0]))


def landmark(rendered: Rendered, name: str) -> np.ndarray:
    return rendered.truth.landmarks[:, LANDMARKS.index(name)]


@pytest.mark.parametrize("domain", DOMAINS)
def test_frames_have_equal_bytes_alone_in_parts_and_together(domain: Domain) -> None:
    states = speech()
    whole = render(sample_head(5), states, SIZE, domain)
    renderer = HeadRenderer.build(sample_head(5), SIZE, domain)
    parts = [renderer.draw(states.part(0, 2)), renderer.draw(states.part(2, 5))]
    alone = [renderer.draw(states.part(index, index + 1)) for index in reversed(range(5))][::-1]
    for pieces in (parts, alone):
        assert np.array_equal(np.concatenate([piece.pictures for piece in pieces]), whole.pictures)
        assert np.array_equal(np.concatenate([piece.truth.mask for piece in pieces]), whole.truth.mask)
        assert np.array_equal(
            np.concatenate([piece.truth.landmarks for piece in pieces]), whole.truth.landmarks
        )


def test_bytes_are_those_of_the_machine_that_drew_them_first() -> None:
    # A change of the drawing on purpose renews these; a change by machine, numpy or compiler must not.
    drawn = {
        domain: hashlib.sha256(render(sample_head(5), speech(), SIZE, domain).pictures.tobytes()).hexdigest()
        for domain in DOMAINS
    }
    assert drawn == GOLDEN


def test_fresh_processes_give_the_bytes_of_this_one() -> None:
    expected = [
        hashlib.sha256(render(sample_head(5), speech(), SIZE, domain).pictures.tobytes()).hexdigest()
        for domain in DOMAINS
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", FRESH],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"OMP_NUM_THREADS": threads, "NPY_DISABLE_CPU_FEATURES": features, "PYTHONPATH": "."},
        )
        # With and without the widest vector instructions, which is as far as one machine can stand for two.
        for threads, features in (("1", ""), ("2", "AVX512F AVX512_SKX"))
    ]
    for process in running:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert out.split() == expected


def test_pictures_are_rgb_bytes_of_the_size_asked_for(opening: Rendered) -> None:
    assert opening.pictures.shape == (6, 128, 128, 3)
    assert opening.pictures.dtype == np.uint8
    assert opening.pictures.std() > 20


def test_mask_is_one_face_inside_the_picture(opening: Rendered) -> None:
    mask = opening.truth.mask
    share = mask.mean(axis=(1, 2))
    assert ((share > 0.05) & (share < 0.5)).all()
    assert not mask[:, 0].any()
    assert not mask[:, -1].any()
    assert not mask[:, :, 0].any()
    assert not mask[:, :, -1].any()


def test_mask_covers_eyes_and_mouth(opening: Rendered) -> None:
    for name in ("eye_left", "eye_right", "nose_tip", "inner_low", "inner_top"):
        for frame, (column, line) in enumerate(landmark(opening, name)):
            assert opening.truth.mask[frame, int(line), int(column)]


def test_mouth_opens_monotonically_in_truth_and_in_pixels(opening: Rendered) -> None:
    truth = opening.truth.opening
    assert truth[0] == 0
    assert (np.diff(truth) > 0).all()
    gap = landmark(opening, "inner_low")[:, 1] - landmark(opening, "inner_top")[:, 1]
    assert (np.diff(gap) > 0).all()
    column = int(landmark(opening, "inner_top")[0, 0])
    top = int(landmark(opening, "lip_top")[:, 1].min()) - 2
    strips = opening.pictures[:, top : top + 50, column - 2 : column + 3].astype(np.int64)
    changed = (np.abs(strips - strips[0]).sum(axis=3) > 60).sum(axis=(1, 2))
    assert (np.diff(changed) > 0).all()


def test_opening_in_pixels_is_the_true_opening_times_the_distance_of_the_eyes(opening: Rendered) -> None:
    gap = landmark(opening, "inner_low")[:, 1] - landmark(opening, "inner_top")[:, 1]
    eyes = landmark(opening, "eye_right")[:, 0] - landmark(opening, "eye_left")[:, 0]
    assert gap / eyes == pytest.approx(opening.truth.opening, abs=0.03)


def test_shut_mouth_differs_from_rest_nowhere(renderer: HeadRenderer) -> None:
    silent = talking(1, [], frame_times(1, 25.0))
    assert silent.mouth_open[0] == 0
    assert renderer.draw(silent).truth.opening[0] == 0


def test_blink_hides_the_white_of_the_eye(renderer: HeadRenderer) -> None:
    rendered = renderer.draw(states_of([REST, replace(REST, blink=1.0)]))
    column, line = (int(value) for value in landmark(rendered, "eye_left")[0])
    eye = rendered.pictures[:, line - 6 : line + 7, column - 9 : column + 10].astype(np.int64)
    # The white of an eye has as much blue as red; skin has not.
    white = ((eye[..., 2] > 110) & (eye[..., 0] - eye[..., 2] < 25)).sum(axis=(1, 2))
    assert white[0] > 25
    assert white[1] < 0.2 * white[0]


def test_turning_moves_nose_and_eyes_to_the_side_that_the_head_turns_to(renderer: HeadRenderer) -> None:
    rendered = renderer.draw(states_of([replace(REST, yaw=yaw) for yaw in (-0.3, 0.0, 0.3)]))
    assert (np.diff(landmark(rendered, "nose_tip")[:, 0]) > 5).all()
    assert rendered.truth.pose[:, 0] == pytest.approx([-0.3, 0.0, 0.3])


def test_nodding_moves_the_nose_down_and_rolling_tilts_the_eyes(renderer: HeadRenderer) -> None:
    rendered = renderer.draw(states_of([REST, replace(REST, pitch=0.2), replace(REST, roll=0.2)]))
    nose = landmark(rendered, "nose_tip")[:, 1]
    assert nose[1] > nose[0] + 2
    left, right = landmark(rendered, "eye_left"), landmark(rendered, "eye_right")
    assert right[2, 1] > left[2, 1] + 2


def test_gaze_moves_the_iris(renderer: HeadRenderer) -> None:
    rendered = renderer.draw(states_of([replace(REST, gaze_x=-0.7), replace(REST, gaze_x=0.7)]))
    column, line = (int(value) for value in landmark(rendered, "eye_left")[0])
    eye = (
        rendered.pictures[:, line - 2 : line + 3, column - 8 : column + 9].astype(np.float64).sum(axis=(1, 3))
    )
    dark = eye.max(axis=1, keepdims=True) - eye
    centre = (dark * np.arange(17)).sum(axis=1) / dark.sum(axis=1)
    assert centre[1] > centre[0] + 0.7


@pytest.mark.parametrize("size", [0, 32, 130, 512])
def test_impossible_sizes_are_refused_in_one_line(size: int) -> None:
    with pytest.raises(InputError, match=f"{size} pixels"):
        HeadRenderer.build(sample_head(1), size, "plain")


def test_no_frames_give_no_pictures() -> None:
    rendered = HeadRenderer.build(sample_head(1), SIZE, "plain").draw(resting(0))
    assert rendered.pictures.shape == (0, SIZE, SIZE, 3)
    assert rendered.truth.mask.shape == (0, SIZE, SIZE)


def test_curves_of_unequal_length_or_not_finite_are_refused() -> None:
    state = resting(3)
    with pytest.raises(InputError, match="'yaw' has shape"):
        replace(state, yaw=np.zeros(2, np.float32))
    with pytest.raises(InputError, match="not finite"):
        replace(state, yaw=np.array([0, np.nan, 0], np.float32))


@pytest.mark.parametrize("domain", DOMAINS)
def test_earrings_hang_at_the_ears_and_under_long_hair(domain: Domain) -> None:
    bare = replace(sample_head(4), hair_style="bald", earrings=False, glasses="none")
    changed = {}
    for style in ("bald", "headscarf"):
        without, with_them = (
            render(replace(bare, hair_style=style, earrings=worn), resting(1), SIZE, domain).pictures[0]
            for worn in (False, True)
        )
        changed[style] = (without != with_them).any(axis=2)
    lines, columns = np.nonzero(changed["bald"])
    assert 6 <= lines.size < 0.03 * SIZE * SIZE
    assert lines.min() > SIZE // 2
    assert (np.abs(columns - SIZE / 2) > SIZE / 8).all()
    assert {bool(side) for side in columns > SIZE // 2} == {True, False}
    assert not changed["headscarf"].any()
