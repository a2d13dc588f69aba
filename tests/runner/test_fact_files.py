"""A file that a fact names enters a score's address by what it holds, not by where it lies."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.portraits_mouth import METRIC
from uniavgen_bench.runner.score_clip import score_key
from uniavgen_bench.weights.models import Models

FACTS = SimpleNamespace(video_sha256="v", audio_sha256="a")
MODELS = Models(SimpleNamespace(sha256=lambda name: "w"))  # type: ignore[arg-type]


def key(truth: Path | str) -> str:
    sample = Sample(id="a", facts={"truth": str(truth), "emotion": "sad"})
    return score_key(METRIC, SimpleNamespace(facts=FACTS), sample, MODELS)  # type: ignore[arg-type]


def test_a_moved_truth_keeps_its_scores_and_a_changed_one_does_not(tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    here.write_text('{"files": {"truth.safetensors": "1"}}')
    there.write_text(here.read_text())
    before = key(here)
    assert before == key(there)
    here.write_text('{"files": {"truth.safetensors": "2"}}')
    assert key(here) != before


def test_a_fact_that_is_no_file_counts_as_it_stands(tmp_path: Path) -> None:
    assert key("sad") != key("happy") and key(tmp_path / "absent") != key(tmp_path / "gone")
    assert key("a\0b") != key("a")
