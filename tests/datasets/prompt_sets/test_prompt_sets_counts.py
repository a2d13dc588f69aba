"""Copies of the documented size are taken without a word; others are told, and refused when `strict` is set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import local_copies as made
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.catalogue import counts_by_category
from uniavgen_bench.datasets.prompt_sets import (
    avgen_bench,
    javisbench,
    mochabench,
    t2av_compass,
    vabench,
    verse_bench,
)


def build_full(name: str, root: Path) -> Path:
    """Make a copy of the size that the facts of the field give."""
    if name == "verse-bench":
        return made.verse_bench(root, {"set1": 205, "set2": 295, "set3": 100})
    if name == "mochabench":
        return made.mochabench(root, made.MOCHA_COUNTS)
    if name == "javisbench":
        return made.javisbench(root, 10_140)
    if name == "t2av-compass":
        return made.t2av_compass(root, [1] * 124 + [2] * 26 + [0] * 350)
    if name == "vabench":
        text = {"easy_human_language": 64, "hard_human_language": 36, "easy_music": 748}
        return made.vabench(root, text, {"3_Animals": 521})
    categories = ("ads", "animals", "asmr", "chemical_reaction", "cooking", "gameplays", "movie_trailer", "news",
                  "physical_experiment", "sports")  # fmt: skip
    return made.avgen_bench(root, {**dict.fromkeys(categories, 20), "musical_instrument_tutorial": 35})


@pytest.mark.parametrize(
    ("module", "total"),
    [
        (verse_bench, 600),
        (mochabench, 220),
        (javisbench, 10_140),
        (t2av_compass, 500),
        (vabench, 848),
        (avgen_bench, 235),
    ],
    ids=lambda value: getattr(value, "NAME", value),
)
def test_documented_counts_are_known(tmp_path: Path, module: Any, total: int) -> None:
    root = build_full(module.NAME, tmp_path)
    dataset = module.load(module.PLUGIN.options(path=root, strict=True))
    assert len(dataset.samples) == total == module.CARD.counts["total"]
    assert not any("differs" in note for note in dataset.notes)
    assert counts_by_category(dataset)["total"]["samples"] == total


def test_a_part_that_was_asked_for_is_compared_with_that_part(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path / "verse", {"set3": 100})
    assert verse_bench.load(verse_bench.VerseBenchOptions(path=root, sets=("set3",), strict=True)).samples
    root = made.vabench(tmp_path / "va", image={"3_Animals": 521})
    assert vabench.load(vabench.VABenchOptions(path=root, part="image", strict=True)).samples
    made.javisbench(tmp_path, 1000, "JavisBench-mini.csv")
    assert javisbench.load(javisbench.JavisBenchOptions(path=tmp_path, split="mini", strict=True)).samples
    file = tmp_path / "JavisBench-mini.csv"
    assert javisbench.load(javisbench.JavisBenchOptions(path=file, strict=True)).samples


def test_a_copy_of_another_size_is_told_and_refused_when_strict(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path)
    dataset = verse_bench.load(verse_bench.VerseBenchOptions(path=root))
    expected = "set1 3 instead of 205, set2 3 instead of 295, set3 2 instead of 100, total 8 instead of 600"
    assert dataset.notes[0] == f"this copy of Verse-Bench differs from the documented set: {expected}"
    with pytest.raises(InputError, match=r"set1 3 instead of 205.*or leave strict out"):
        verse_bench.load(verse_bench.VerseBenchOptions(path=root, strict=True))


def test_one_line_less_is_seen_in_the_counts_of_speech(tmp_path: Path) -> None:
    root = made.t2av_compass(tmp_path, [1] * 123 + [2] * 27 + [0] * 350)
    notes = t2av_compass.load(t2av_compass.T2AVCompassOptions(path=root)).notes
    assert notes == (
        "this copy of T2AV-Compass differs from the documented set: one line 123 instead of 124",
    )
