"""A finished run says which differences are real: beside its scores, the same for any number of workers, and again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from report.fake_run import FakeRun, write_run
from runner.conftest import Bench

from uniavgen_bench.api import Run
from uniavgen_bench.core.comparison import AblationBlock, CompareBlock
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.runner.verdicts import write_verdicts

SUITE = """schema: 1
name: beeps
dataset: {name: manifest, path: clips.csv}
systems: [precomputed, {id: tone, use: beep, options: {hertz: 300}}]
metrics: [toy.loudness, toy.brightness]
ablation:
  of: tone
  factors: {hertz: [300, 900]}
"""


def suite(bench: Bench, text: str = SUITE) -> Path:
    (bench.folder / "clips.csv").write_text(
        "clip,system\n" + "".join(f"clips/A/{i}.mp4,A\n" for i in range(3))
    )
    path = bench.folder / "beeps.yaml"
    path.write_text(text)
    return path


def test_run_writes_its_verdicts_tells_them_as_json_and_may_be_compared_otherwise_later(
    bench: Bench, clips: Path
) -> None:
    done = bench("run", suite(bench), "--out", "one", "--json")
    assert done.returncode == 0, done.stderr
    found = RunDirectory(bench.folder / "one")
    manifest, stats, ablation = found.manifest(), found.stats(), found.ablation()
    assert stats is not None and ablation is not None and manifest.compare == stats.block
    assert manifest.compare.baseline == "tone" and manifest.seed == stats.seed == 2025
    assert {(r.system, r.baseline) for r in stats.paired} == {("A", "tone"), ("tone[hertz=900]", "tone")}
    assert manifest.ablation == AblationBlock(of="tone", factors={"hertz": (300, 900)})
    assert {s.id: s.factors for s in manifest.systems} == {
        "A": {}, "tone": {"hertz": "300"}, "tone[hertz=900]": {"hertz": "900"},
    }  # fmt: skip
    assert {(e.factor, e.level, e.reference) for e in ablation.effects} == {("hertz", "900", "300")}
    assert all(e.result.pairs == 3 for e in ablation.effects)
    told = json.loads(done.stdout)
    assert told["verdicts"] == stats.model_dump(mode="json")
    assert told["ablation"] == ablation.model_dump(mode="json")
    made = [json.loads(path.read_text()) for path in (bench.folder / "one" / "clips").glob("tone*/*/0.json")]
    assert len(made) == 6 and len({(clip["sample"], clip["seed"]) for clip in made}) == 3

    scores, clips_of = found.scores(), found.clips()
    stored = found.stats_path.read_bytes(), found.ablation_path.read_bytes()
    write_verdicts(found, manifest, scores.sample(frac=1, random_state=3), clips_of[::-1])
    assert stored == (found.stats_path.read_bytes(), found.ablation_path.read_bytes())

    alone = [info for info in manifest.systems if info.factors != {"hertz": "300"}]
    fewer = manifest.model_copy(update={"systems": alone, "compare": CompareBlock()})
    assert write_verdicts(found, fewer, scores[scores.system != "tone"], clips_of[:3]).ablation is None
    assert found.ablation() is None, "effects of another choice of systems stay"

    stricter = suite(bench, SUITE + "compare: {alpha: 0.01, correction: bh, fields: [toy.loudness.dbfs]}\n")
    done = bench("run", stricter, "--out", "one")
    assert done.returncode == 0, done.stderr
    stats = found.stats()
    assert stats is not None and stats.block.alpha == 0.01 and stats.block.baseline == "tone"
    assert {r.field for r in stats.paired} == {"dbfs"} and found.ablation() is not None
    pd.testing.assert_frame_equal(found.scores().drop(columns="seconds"), scores.drop(columns="seconds"))
    assert "tone[hertz=900]" in done.stdout and "hertz" in done.stdout


def test_score_compares_one_system_with_its_floor(bench: Bench, clips: Path) -> None:
    arguments = ["--metrics", "toy.loudness", "--controls", "shuffled-audio", "--out", "out"]
    done = bench("score", clips / "A", *arguments)
    assert done.returncode == 0, done.stderr
    stats = RunDirectory(bench.folder / "out").stats()
    assert stats is not None
    assert [(r.system, r.baseline, r.attempted) for r in stats.paired] == [("shuffled-audio", "A", 3)]
    assert Run(bench.folder / "out").verdicts == stats and Run(bench.folder / "out").ablation is None


def test_run_of_an_older_version_says_how_to_get_verdicts(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", FakeRun(samples=4, media=False, evidence=False))
    with pytest.raises(InputError, match=r"has no stats.json \(run it again"):
        _ = Run(run).verdicts


def test_one_system_alone_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    plan = FakeRun(samples=4, media=False, evidence=False, systems=FakeRun().systems[:1])
    run = RunDirectory(write_run(tmp_path / "run", plan))
    found = write_verdicts(run, run.manifest(), run.scores(), run.clips())
    assert found.stats.paired == [] and found.stats.family == 0 and found.ablation is None
    assert run.stats() == found.stats
