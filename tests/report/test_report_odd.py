"""Any run however odd has a report, or one clear line; a report replaces another as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.fake_run import METRICS, SYSTEMS, FakeRun, write_run
from report.pages import parse
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.build import build_report


def test_order_of_rows_changes_no_byte(run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other")
    scores = RunDirectory(other).scores()
    scores.sample(frac=1, random_state=3).to_parquet(other / "scores.parquet", index=False)
    lines = (other / "clips.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    (other / "clips.jsonl").write_text("".join(f"{line}\n" for line in reversed(lines)), encoding="utf-8")
    build_report(other)
    for path in (run / "report").rglob("*.*"):
        twin = other / "report" / path.relative_to(run / "report")
        assert twin.read_bytes() == path.read_bytes(), path.name


def test_a_second_report_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    root = write_run(tmp_path / "run", FakeRun(samples=3, media=False))
    build_report(root)
    (root / "report" / "clips" / "stale.html").write_text("old")
    before = sorted(p.name for p in root.iterdir())
    assert build_report(root) == root / "report" / "index.html"
    assert not (root / "report" / "clips" / "stale.html").exists()
    assert sorted(p.name for p in root.iterdir()) == before


@pytest.mark.parametrize(("samples", "warned"), [(2, False), (6, True)])
def test_intervals_are_called_narrow_only_where_there_are_some(
    tmp_path: Path, samples: int, warned: bool
) -> None:
    root = write_run(tmp_path / "run", FakeRun(samples=samples, media=False))
    html = build_report(root).read_text(encoding="utf-8")
    assert ("tend to be too narrow" in html) is warned


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (FakeRun(samples=0), "holds no clips"),
        (FakeRun(samples=1, systems=SYSTEMS[:1], hostile=False), "1 clip of 1 system, on 1 sample"),
        (FakeRun(samples=4, missing=1.0, media=False, metrics=METRICS[1:3]), "has no score for any clip"),
        (FakeRun(samples=2, metrics=(), media=False), "measured with 0 metrics"),
        (FakeRun(samples=2, systems=SYSTEMS[-1:], media=False), "0 systems and 1 control"),
        (FakeRun(samples=2, status="running", media=False), "has not finished"),
    ],
    ids=["no clips", "one clip", "all missing", "no metrics", "only a control", "running"],
)
def test_odd_runs_have_a_report_that_says_what_is_odd(tmp_path: Path, plan: FakeRun, words: str) -> None:
    page = parse(build_report(write_run(tmp_path, plan)))
    assert words in page.text
    if plan.samples == 0:
        assert not [cell for cell in page.all("td") if "data-value" in cell]


def test_systems_on_different_samples_are_not_ranked(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=8, media=False, evidence=False, hostile=False))
    assert "Best mean" in parse(build_report(root)).text
    scores = RunDirectory(root).scores()
    gone = (scores.system == "Ovi") & (scores["sample"] == "portrait_004")
    scores[~gone].to_parquet(root / "scores.parquet", index=False)
    lines = (root / "clips.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not ('"system":"Ovi"' in line and "portrait_004" in line)]
    (root / "clips.jsonl").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    text = parse(build_report(root)).text
    assert "not scored on the same samples" in text
    assert "Best mean" not in text


def test_a_clip_only_in_the_scores_still_has_a_page(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=2, systems=SYSTEMS[:1], media=False, evidence=False))
    (root / "clips.jsonl").write_text("")
    build_report(root)
    assert len(list((root / "report" / "clips").iterdir())) == 2


@pytest.mark.parametrize("damage", ["{", "[{}]", '[{"metric": "m", "curves": [{"name": "x"}]}]', "\xff", "7"])
def test_damaged_evidence_is_named_on_the_clips_page(tmp_path: Path, damage: str) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, systems=SYSTEMS[:1], media=False))
    (evidence,) = (root / "evidence").rglob("*.json")
    evidence.write_bytes(damage.encode("latin-1"))
    build_report(root)
    (page,) = (root / "report" / "clips").iterdir()
    assert "the evidence file is damaged" in parse(page).text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("manifest.json", None, "not a run"),
        ("manifest.json", b'{"suite": 1}', "damaged"),
        ("scores.parquet", None, "no scores.parquet"),
        ("scores.parquet", b"PAR1 no", "cannot be read"),
        ("clips.jsonl", b'{"system": "x"}\n', "clips.jsonl:1"),
        ("clips.jsonl", b"\xff\n", "not UTF-8"),
        ("clips.jsonl", None, "no clips.jsonl"),
    ],
)
def test_a_damaged_run_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, media=False, evidence=False))
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        build_report(root)
    assert "\n" not in str(caught.value)
    assert not (root / "report").exists()


def test_a_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, media=False, evidence=False))
    (root / "report").write_text("mine")
    with pytest.raises(BenchError, match="in the way"):
        build_report(root)
    assert (root / "report").read_text() == "mine"
