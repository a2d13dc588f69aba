"""The dataset card says what the code does."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.datasets.portraits.card import card


def test_the_card_in_the_repository_is_up_to_date() -> None:
    written = Path(__file__).parents[3] / "docs" / "datasets" / "portraits.md"
    assert written.read_text(encoding="utf-8") == card(), "write it again: its first paragraph says how"
