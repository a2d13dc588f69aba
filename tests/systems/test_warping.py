"""Laying curves onto each other, stretching speech, and finding what of a text has been said."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.systems.cascade_video_first import MovingMouth, onto
from uniavgen_bench.systems.continuing import joined, said_until, voiced_span
from uniavgen_bench.systems.jaw_from_sound import jaw_from_sound
from uniavgen_bench.systems.warping import squared_distances, stretched, time_map, warping_path

RATE = 24_000


def bumps(times: np.ndarray) -> np.ndarray:
    """A curve with peaks of different width and height that never repeats itself."""
    return np.abs(np.sin(2 * np.pi * (1.1 * times + 0.5 * times**2))) * (1 + 0.3 * np.cos(3 * times))


def syllables(starts: list[float], seconds: float) -> np.ndarray:
    """A buzz that sounds for 0.1 s from each start."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) for k in range(1, 12)) * 0.05
    on = np.zeros(len(t))
    for start in starts:
        on[(t >= start) & (t < start + 0.1)] = 1.0
    return (buzz * on).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.2, 0.2), st.integers(60, 110))
def test_a_bent_clock_is_found(bend: float, length: int) -> None:
    clock = np.linspace(0, 1.5, length)
    bent = clock + bend * np.sin(np.pi * clock / 1.5) * 0.5
    found = time_map(bumps(clock), bumps(bent)) * (clock[1] - clock[0])
    assert np.abs(found - bent).mean() < 0.03


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 99))
def test_paths_keep_their_ends_and_their_slopes(rows: int, columns: int, seed: int) -> None:
    path = warping_path(np.random.default_rng(seed).uniform(size=(rows, columns)))
    possible = (rows - 1) <= 2 * (columns - 1) and (columns - 1) <= 2 * (rows - 1)
    assert bool(path) == possible
    if path:
        assert path[0] == (0, 0) and path[-1] == (rows - 1, columns - 1)
        steps = {(c - a, d - b) for (a, b), (c, d) in itertools.pairwise(path)}
        assert steps <= {(1, 1), (1, 2), (2, 1)}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(5, 60), st.integers(5, 60))
def test_time_map_never_runs_backwards_or_out_of_the_sound(seed: int, heard: int, seen: int) -> None:
    draw = np.random.default_rng(seed)
    found = time_map(draw.uniform(size=heard), draw.uniform(size=seen))
    assert len(found) == seen and (np.diff(found) >= 0).all() and found[0] >= 0 and found[-1] <= heard - 1


def test_open_end_stops_where_the_shorter_one_ends() -> None:
    clock = np.arange(150) / 100
    whole = bumps(clock)[:, None]
    path = warping_path(squared_distances(whole[:60], whole), open_end=True)
    assert path[-1][1] == pytest.approx(59, abs=2)


@pytest.mark.parametrize("pace", [0.7, 1.0, 1.5])
def test_stretching_keeps_pitch_and_level(pace: float) -> None:
    t = np.arange(RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 220 * t)).astype(np.float32)
    out = stretched(tone, RATE, np.arange(0, 1.0 / pace, 0.01) * pace, 0.01)
    assert len(out) == pytest.approx(RATE / pace, abs=RATE * 0.011)
    middle = out[RATE // 10 : -RATE // 10]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * RATE / len(middle) == pytest.approx(220, abs=4)
    assert middle.std() == pytest.approx(tone.std(), rel=0.1)


def test_speech_is_moved_under_the_open_mouth() -> None:
    spoken = syllables([0.05, 0.30, 0.55, 0.80], 1.0)
    times = np.arange(33) / 16
    shown = jaw_from_sound(syllables([0.42, 0.80, 0.98, 1.30], 33 / 16), RATE, 16.0, 33)
    mouth = MovingMouth(times, shown, 0.38, 1.45)
    got = jaw_from_sound(np.pad(onto(spoken, mouth), (round(0.38 * RATE), RATE)), RATE, 16.0, 33)
    even = jaw_from_sound(np.pad(spoken, (round(0.38 * RATE), RATE)), RATE, 16.0, 33)
    assert np.corrcoef(got, shown)[0, 1] > 0.8 > 0.5 > np.corrcoef(even, shown)[0, 1]


def test_what_was_said_is_found_in_another_voice_at_another_pace() -> None:
    pytest.importorskip("espeakng_loader")
    from uniavgen_bench.core.synthesiser import VoiceWish
    from uniavgen_bench.datasets.portrait_voices import say_as_stranger

    text = "lay green by g zero again"
    own = say_as_stranger(text, VoiceWish(1, "female")).samples
    other = say_as_stranger(text, VoiceWish(5, "male", seconds=len(own) / RATE * 0.85)).samples
    for share in (0.35, 0.5):
        given = np.pad(other[: round(share * len(other))], (RATE // 4, 0))
        assert said_until(given, own, RATE) == pytest.approx(share * len(own) / RATE, abs=0.12)


def test_silence_has_said_nothing() -> None:
    assert said_until(np.zeros(RATE, np.float32), syllables([0.1], 1.0), RATE) == 0.0
    assert voiced_span(np.zeros(0, np.float32), RATE) == (0.0, 0.0)


def test_rest_is_as_loud_as_the_beginning_and_begins_softly() -> None:
    given, rest = syllables([0.1, 0.3], 0.5), syllables([0.0, 0.2], 0.5) * 0.2
    both = joined(given, rest, RATE)
    assert np.array_equal(both[: len(given)], given)
    assert np.abs(both[len(given) :]).max() == pytest.approx(np.abs(given).max(), rel=0.05)
    assert abs(both[len(given)]) < 1e-6
