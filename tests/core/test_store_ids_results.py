"""The store never gives damaged bytes; names stay distinct; scores are finite; hashes are canonical."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_json, sha256_json_list
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.result import REASON_TEXT, Reason, Score
from uniavgen_bench.core.store import Store

KEY = "ab" * 32


def test_store_gives_back_what_was_put(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(KEY) is None
    store.put(KEY, b"bytes")
    assert store.get(KEY) == b"bytes"


@pytest.mark.parametrize("damage", [b"", b"short", bytes(40)])
def test_damaged_entry_is_dropped(tmp_path: Path, damage: bytes) -> None:
    store = Store(tmp_path)
    store.put(KEY, b"bytes")
    store.path(KEY).write_bytes(damage)
    assert store.get(KEY) is None
    assert not store.path(KEY).exists()


def test_store_leaves_no_part_files(tmp_path: Path) -> None:
    Store(tmp_path).put(KEY, b"x" * 1000)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [Store(tmp_path).path(KEY)]


@given(st.lists(st.text(min_size=1, max_size=100), min_size=2, max_size=20, unique=True))
def test_slugs_stay_distinct_and_portable(names: list[str]) -> None:
    slugs = [slug(name) for name in names]
    assert len({s.lower() for s in slugs}) == len(names)
    for text in slugs:
        assert text and len(text) <= 80 and "/" not in text and not text.startswith(".")
        assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789._-" for c in text)


@given(st.text(min_size=1, max_size=70))
def test_a_text_never_takes_the_name_of_another(text: str) -> None:
    chain = [text, slug(text), slug(slug(text)), text.upper(), slug(text).upper(), slug(text.upper())]
    texts = set(chain)
    assert len({slug(t) for t in texts}) == len(texts)


@pytest.mark.parametrize("text", ["0001", "a_b.c", "seed-2024", "clip-deadbee", "x-deadbeef9", "a" * 60])
def test_the_name_of_an_ordinary_id_is_the_id(text: str) -> None:
    assert slug(text) == text


def test_names_that_runs_are_resumed_by_stay() -> None:
    assert slug("é") == "e-4a99557e" and slug("e-4a99557e") == "e-4a99557e-d8d41eb6"
    assert slug("A/0") == "a-0-463e73df" and slug("\udcff").startswith("x-")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_score_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Score(value)


def test_every_reason_has_its_sentence() -> None:
    assert set(REASON_TEXT) == set(Reason)


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6))
def test_hash_does_not_depend_on_the_order_of_keys(data: dict[str, int]) -> None:
    assert sha256_json(data) == sha256_json(dict(reversed(list(data.items()))))


def test_written_files_are_open_to_whom_the_user_opens_files(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    write_atomic(tmp_path / "atomic", b"x")
    assert (tmp_path / "atomic").stat().st_mode == plain.stat().st_mode


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4), lambda x: st.lists(x, max_size=4), max_leaves=12
    )
)
def test_a_list_hashed_part_by_part_has_the_hash_of_the_whole(value: object) -> None:
    parts = value if isinstance(value, list) else [value]
    assert sha256_json_list(parts) == sha256_json(parts)
    assert sha256_json_list([1, iter(parts), "x"]) == sha256_json([1, parts, "x"])
