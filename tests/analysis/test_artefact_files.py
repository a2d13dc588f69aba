"""Artefacts survive the way to bytes and back, and damaged bytes are told apart."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uniavgen_bench.analysis.artefact_files import AnyArtefact, DamagedError, decode, encode
from uniavgen_bench.analysis.artefacts import (
    Crops,
    Faces,
    Frames,
    Speaker,
    SpeakerChoice,
    Speech,
    Thumbnails,
    Track,
    Transcript,
    VoiceActivity,
    Word,
)
from uniavgen_bench.core.result import Missing, Reason

rng = np.random.default_rng(0)
count = st.integers(0, 4)
finite = st.floats(allow_nan=False, allow_infinity=False)
blobs = st.lists(st.binary(max_size=40), max_size=4).map(tuple)


def array(shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> np.ndarray:
    return (rng.normal(size=shape) * 100).astype(dtype)


def track(n: int) -> Track:
    return Track(array((n,), np.int64), array((n, 4)), array((n,)), array((n, 468, 3)), array((n,)))


def crops(parts: list[tuple[bytes, ...]]) -> Crops:
    return Crops(256, tuple(parts), tuple(array((len(p), 3)) for p in parts))


words = st.builds(Word, text=st.text(max_size=9), start=finite, end=finite, confidence=st.floats(0, 1))
artefacts: st.SearchStrategy[AnyArtefact | Missing] = st.one_of(
    count.map(lambda n: Frames(array((n,), np.float64), 1280, 736, array((n, 2), np.int64))),
    st.lists(count, max_size=3).map(lambda ns: Faces(tuple(track(n) for n in ns))),
    st.lists(blobs, max_size=3).map(crops),
    blobs.map(lambda b: Thumbnails(array((len(b),), np.int64), array((len(b),), np.float64), b)),
    hnp.arrays(np.float32, count, elements=st.floats(-1, 1, width=32)).map(
        lambda s: Speech(s, 16_000, -0.021, 44_100, 2)
    ),
    count.map(lambda n: VoiceActivity(array((n, 2), np.float64), array((n,)), 0.03, 0.0)),
    st.builds(
        Transcript, text=st.text(), words=st.lists(words).map(tuple), language=st.just("en"), model=st.text()
    ),
    st.builds(
        Speaker,
        track=count,
        choice=st.sampled_from(SpeakerChoice),
        evidence=st.lists(st.floats(0, 1)).map(tuple),
    ),
    st.builds(Missing, reason=st.sampled_from(Reason), detail=st.text()),
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
        )
    return type(a) is type(b) and bool(a == b)


@settings(deadline=None)
@given(artefacts)
def test_an_artefact_comes_back_as_it_was(value: AnyArtefact | Missing) -> None:
    assert same(decode(encode(value)), value)


@settings(deadline=None)
@given(artefacts)
def test_equal_artefacts_have_equal_bytes(value: AnyArtefact | Missing) -> None:
    assert encode(value) == encode(decode(encode(value)))


def test_arrays_that_are_views_come_back_as_they_were() -> None:
    frames = Frames(np.arange(10.0)[::-2], 4, 3, np.arange(8, dtype=np.int64).reshape(2, 4).T)
    assert same(decode(encode(frames)), frames)


@settings(deadline=None)
@given(st.data())
def test_bytes_that_are_cut_off_are_damaged(data: st.DataObject) -> None:
    whole = encode(crops([(b"abc", b"de"), (b"fgh",)]))
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DamagedError):
        decode(whole[:end])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_damaged(data: bytes) -> None:
    with pytest.raises(DamagedError):
        decode(data)


def test_offsets_that_do_not_fit_are_damaged() -> None:
    value = encode(Thumbnails(np.zeros(2, np.int64), np.zeros(2), (b"abcd", b"efgh")))
    wrong = value.replace(
        (4).to_bytes(8, "little") + (8).to_bytes(8, "little"), b"\xff" * 8 + b"\x08" + b"\0" * 7
    )
    assert wrong != value
    with pytest.raises(DamagedError):
        decode(wrong)


def test_numbers_that_json_does_not_know_are_refused_when_writing() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(Speaker(0, SpeakerChoice.LARGEST, (float("nan"),)))
