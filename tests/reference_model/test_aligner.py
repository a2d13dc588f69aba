"""Laws of the alignments that hold for every length."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_model.aligner import a2v_windows, decoded_frames, frame_clock, own_frame, v2a_weights
from reference_model.layout import group_contexts

FRAMES = st.integers(2, 24)
TOKENS = st.integers(1, 600)
CONVENTIONS = st.sampled_from(("released", "paper"))
lengths = given(frames=FRAMES, tokens=TOKENS, convention=CONVENTIONS)
quick = settings(max_examples=60, deadline=None)


@quick
@lengths
def test_interpolation_weights(frames: int, tokens: int, convention: str) -> None:
    weights = v2a_weights(frames, tokens, "ati", convention)
    assert weights.shape == (tokens, frames) and bool((weights >= 0).all())
    assert int((weights > 0).sum(1).max()) <= 2
    total = weights.sum(1)
    if convention == "paper":
        assert torch.allclose(total, torch.ones_like(total))
    else:
        # The tokens of the last decoded frame weigh it twice.
        last = torch.arange(tokens) * decoded_frames(frames) >= (decoded_frames(frames) - 1) * tokens
        assert torch.allclose(total[~last], torch.ones_like(total[~last]))
        assert torch.allclose(total[last], torch.full_like(total[last], 2))


@quick
@lengths
def test_time_never_runs_backwards(frames: int, tokens: int, convention: str) -> None:
    weights = v2a_weights(frames, tokens, "ati", convention)
    centre = (weights * torch.arange(frames)).sum(1) / weights.sum(1)
    assert bool((centre.diff() >= -1e-9).all())
    assert bool((own_frame(frames, tokens, convention).diff() >= 0).all())
    assert bool((frame_clock(frames, tokens, convention).diff() > 0).all())


@quick
@given(frames=FRAMES, tokens=TOKENS, convention=CONVENTIONS, window=st.integers(0, 9))
def test_windows_stay_inside_and_hold_their_own_sound(
    frames: int, tokens: int, convention: str, window: int
) -> None:
    windows = a2v_windows(frames, tokens, "ati", convention, window)
    assert windows.index.shape == windows.valid.shape and len(windows.index) == frames
    assert int(windows.index.min()) >= 0 and int(windows.index.max()) < tokens
    assert bool(windows.valid.any(1).all())
    own = own_frame(frames, tokens, convention)
    for frame in range(1, frames):
        heard = set(windows.index[frame][windows.valid[frame]].tolist())
        assert set(torch.nonzero(own == frame).flatten().tolist()) <= heard


@quick
@given(frames=FRAMES, tokens=st.integers(24, 600), convention=CONVENTIONS)
def test_own_segments_partition_the_sound(frames: int, tokens: int, convention: str) -> None:
    windows = a2v_windows(frames, tokens, "sti", convention, 5)
    own = own_frame(frames, tokens, convention)
    for frame in range(frames):
        segment = torch.nonzero(own == frame).flatten()
        if len(segment):
            assert windows.index[frame][windows.valid[frame]].tolist() == segment.tolist()


@quick
@given(frames=FRAMES, tokens=st.integers(30, 600), wide=st.integers(1, 5))
def test_wider_paper_window_hears_more(frames: int, tokens: int, wide: int) -> None:
    narrow_count = a2v_windows(frames, tokens, "ati", "paper", wide - 1).valid.sum(1)
    wide_count = a2v_windows(frames, tokens, "ati", "paper", wide).valid.sum(1)
    assert bool((wide_count >= narrow_count).all())
    everything = a2v_windows(frames, tokens, "ati", "paper", frames)
    assert bool((everything.valid.sum(1) == tokens).all())


@quick
@given(
    frames=FRAMES, tokens=st.integers(1, 300), convention=CONVENTIONS, kind=st.sampled_from(("ati", "sti"))
)
def test_grouping_is_a_permutation(frames: int, tokens: int, convention: str, kind: str) -> None:
    weights = v2a_weights(frames, tokens, kind, convention)
    groups, answer = group_contexts(weights)
    asked = torch.cat([group.query.flatten() for group in groups])
    seen = torch.cat([group.weights.repeat_interleave(group.query.shape[1], 0) for group in groups])
    assert asked[answer].tolist() == list(range(tokens))
    assert torch.allclose(seen[answer], weights.float(), atol=1e-6)


def test_paper_interpolation_by_hand() -> None:
    weights = v2a_weights(3, 12, "ati", "paper")
    assert weights[5].tolist() == [0, 0.75, 0.25]
    assert weights[11].tolist() == [0, 0, 1]


def test_released_windows_of_the_released_length() -> None:
    windows = a2v_windows(21, 506, "ati", "released", 5)
    assert windows.index.shape == (21, 51)
    assert int((windows.index[0] == 0).sum()) == 38 and int(windows.index[0].max()) == 13
    assert int(windows.index[1].min()) == 0 and int(windows.index[1].max()) == 44


def test_impossible_lengths_are_errors() -> None:
    with pytest.raises(ValueError, match="at least 2 latent frames"):
        a2v_windows(1, 10, "ati", "released", 5)
    with pytest.raises(ValueError, match="no windows"):
        a2v_windows(4, 10, "sgi", "released", 5)
    with pytest.raises(ValueError, match="at least one"):
        v2a_weights(0, 10, "ati", "paper")
