"""The pages of the systems are those that the package writes."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.systems.external.docs import pages

FOLDER = Path(__file__).parents[2] / "docs" / "systems"


def test_pages_are_up_to_date() -> None:
    written = dict(pages())
    stale = [name for name, text in written.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, "run python -m uniavgen_bench.systems.external.docs docs/systems"
    assert {p.name for p in FOLDER.glob("*.md")} == set(written)
