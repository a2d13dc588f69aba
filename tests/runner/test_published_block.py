"""The `published:` block of a suite is checked when the suite is read, and the ablation suites hold together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.runner.suite import read_suite, resolve
from uniavgen_bench.runner.suite_path import bundled_suites
from uniavgen_bench.stats.published_order import left_out, steps_of
from uniavgen_bench.systems.uniavgen_weights import VARIANTS

SUITE = """schema: 1
name: demo
dataset: {name: manifest, path: clips.csv}
systems: [precomputed]
metrics: [video.motion]
published:
  source: a paper
  tables:
    - measure: DD
      beside: video.motion.motion
      values: {A: 0.4, B: 0.5}
"""


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "clips.csv").write_text("clip,system\na.mp4,A\nb.mp4,B\n")
    path = tmp_path / "demo.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("B: 0.5", "BB: 0.5", r"demo.yaml:\d+: published.tables.0.values.BB: unknown system 'BB'"),
        ("video.motion.motion", "video.motion.moton", r"published.tables.0.beside: unknown field .*motion.motion"),
        ("B: 0.5", "B: much", r"demo.yaml:\d+: published.tables.0.values.B"),
        ("source: a paper", "sauce: a paper", r"published.sauce: unknown key .*'source'"),
        ("  tables:", "  steps: [[A, C]]\n  tables:", r"published.steps.0.*unknown system 'C'"),
    ],
)  # fmt: skip
def test_problems_name_file_line_and_key(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        resolve(*read_suite(write(tmp_path, SUITE.replace(old, new))))


def test_tables_beside_metrics_that_were_not_chosen_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, SUITE)
    assert resolve(*read_suite(path)).suite.published is not None
    assert resolve(*read_suite(path, metrics=["audio.dnsmos"])).suite.published is None


@pytest.mark.parametrize("name", ["ablation_interaction", "ablation_face_modulation", "ablation_macfg"])
def test_ablation_suites_name_variants_that_are_trained_and_orders_of_the_paper(name: str) -> None:
    suite = yaml.safe_load(bundled_suites()[name].read_text())
    blocks = [s for s in suite["systems"] if isinstance(s, dict)]
    variants = {s["options"]["variant"] for s in blocks if "variant" in s.get("options", {})}
    wanted = {"ablation_interaction": "interaction_", "ablation_face_modulation": "face_"}.get(name)
    assert variants == {v for v in VARIANTS if wanted and v.startswith((wanted, "again"))}
    assert suite["ablation"]["of"] == "uniavgen-nano"
    if "published" not in suite:
        return
    block = PublishedBlock.model_validate(suite["published"])
    for table in block.tables:
        assert table.beside in suite["compare"]["fields"]
        assert steps_of(block, table) and not left_out(block, table)
