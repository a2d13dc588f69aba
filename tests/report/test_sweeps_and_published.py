"""Curves over a factor of numbers, and a paper's numbers beside ours: from stored results, escaped, in any browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from report.browser import Browser, settled
from report.fake_metrics import LIPSYNC, MOTION
from report.fake_run import HOSTILE, FakeRun, write_run
from report.pages import parse, shards
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.comparison import AblationBlock, AblationResult, CompareBlock
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.published_view import published_view
from uniavgen_bench.report.run_data import read_run
from uniavgen_bench.report.sweep_view import numeric, sweeps
from uniavgen_bench.stats.ablation_effects import ablation_effects
from uniavgen_bench.stats.grid import score_grid
from uniavgen_bench.stats.published_order import published_orders

SCALES = ("1", "1.5", "2", "4")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over four scales, one of them with a hostile label, and a published order of three of them."""
    systems = tuple(
        SystemInfo(
            id=f"nano-{scale}", use="nano", label=HOSTILE if scale == "4" else "",
            factors={"scale": scale, HOSTILE: "on"},
        )
        for scale in SCALES
    )  # fmt: skip
    plan = FakeRun(
        samples=12, systems=systems, metrics=(LIPSYNC, MOTION), media=False, evidence=False, missing=0
    )
    root = write_run(tmp_path_factory.mktemp("swept") / "run", plan)
    directory = RunDirectory(root)
    records, manifest = directory.clips(), directory.manifest()
    grid = score_grid(directory.scores(), manifest.metrics, records)
    block = AblationBlock(of="nano-2", factors={"scale": (2, 1, 1.5, 4), HOSTILE: (True, False)})
    effects = ablation_effects(grid, records, systems, block, CompareBlock(), seed=1)
    write_json(directory.ablation_path, effects.model_dump(mode="json"))
    tables = [
        {"measure": f"LS {HOSTILE}", "beside": "lipsync.mouth_audio.confidence",
         "values": {"nano-1": 3.46, "nano-1.5": 3.47, "nano-2": 3.73, "nano-4": 4.09}, "least": 0.02},
        {"measure": "nowhere", "beside": "gone.metric.x", "values": {"nano-1": 1, "nano-2": 2}},
    ]  # fmt: skip
    published = PublishedBlock.model_validate(
        {"source": f"A paper {HOSTILE}", "note": "From a digest.", "tables": tables, "trainings": 1}
    )
    found = published_orders(grid, records, published, CompareBlock(), seed=1)
    write_json(directory.published_path, found.model_dump(mode="json"))
    return build_report(root)


def test_a_curve_has_the_means_and_intervals_of_its_levels_in_ascending_order(swept: Path) -> None:
    run = read_run(swept.parent.parent)
    (sweep,) = sweeps(run)
    assert (sweep.factor, sweep.reference) == ("scale", "2")
    data = shards(swept.parent)["run"]["sweeps"]
    assert [curve["level"] for curve in data] == [[1.0, 1.5, 2.0, 4.0]] * 2
    assert {curve["field"] for curve in data} == {"confidence", MOTION.headline.name}
    for curve, plain in zip(sweep.curves, data, strict=True):
        for point, scale in zip(curve.points, SCALES, strict=True):
            (summary,) = [
                s
                for s in run.summaries
                if s.system == f"nano-{scale}" and s.field == curve.field and s.headline
            ]
            assert point.mean == summary.mean
            assert (point.low, point.high) == (summary.interval.low, summary.interval.high)  # type: ignore[union-attr]
        assert plain["mean"] == [point.mean for point in curve.points]
        assert all(point.text in parse(swept).text for point in curve.points)


def test_levels_are_a_curve_only_when_all_are_numbers() -> None:
    assert numeric(["2", "1", "1.5"]) == [("1", 1.0), ("1.5", 1.5), ("2", 2.0)]
    for levels in (["on", "off"], ["1", "two"], ["1", "nan"], ["1", "inf"]):
        assert numeric(levels) == []


def test_a_level_that_was_not_run_leaves_a_gap_and_no_number(swept: Path, tmp_path: Path) -> None:
    root = swept.parent.parent
    found = RunDirectory(root).ablation()
    assert found is not None
    kept = {name: levels for name, levels in found.systems.items() if name != "nano-4"}
    run = read_run(root)
    changed = found.model_copy(update={"systems": kept})
    assert isinstance(changed, AblationResult)
    run.__dict__["ablation"] = changed
    (sweep,) = sweeps(run)
    assert all(
        curve.points[-1].mean is None and curve.points[-1].text == "no score" for curve in sweep.curves
    )


def test_published_numbers_stand_beside_ours_with_their_order(swept: Path) -> None:
    page = parse(swept)
    found = RunDirectory(swept.parent.parent).published()
    assert found is not None and len(found.orders) == 1
    (order,) = found.orders
    section = page.text[page.text.index("Beside the published numbers") :]
    for number in ("3.46", "3.73", "4.09"):
        assert number in section
    words = {"holds": "holds here", "reversed": "does not hold here", "open": "is not seen here"}
    assert words[order.verdict] in section
    assert "From a digest." in section and "nowhere: the run has no gone.metric.x" in section
    # 1 and 1.5 count as equal, so that either stands below 2 in a step of its own.
    assert section.count("paired d") == len(order.steps) == 3
    assert "nano-1.5 and nano-1: equal in the paper" in section
    assert "One training per variant was compared" in section


def test_a_system_that_was_not_run_is_named_and_not_taken_for_one_without_a_score(swept: Path) -> None:
    run = read_run(swept.parent.parent)
    assert run.published is not None
    table = run.published.block.tables[0]
    table = table.model_copy(update={"values": {**table.values, "gone": 5.0}})
    block = run.published.block.model_copy(update={"tables": (table,)})
    directory = RunDirectory(swept.parent.parent)
    records = directory.clips()
    grid = score_grid(directory.scores(), directory.manifest().metrics, records)
    run.__dict__["published"] = published_orders(grid, records, block, CompareBlock(), seed=1)
    view = published_view(run)
    assert view is not None
    (card,) = view.cards
    assert card.rows[-1].own == "not in this run" and card.verdict != "holds"
    assert ("absent", f"gone − {HOSTILE}: gone is not in this run") in card.steps


def test_hostile_names_stay_text(swept: Path) -> None:
    html = swept.read_text(encoding="utf-8")
    assert "<img src=x" not in html and "&lt;img src=x" in html
    assert "<img src=x" not in (swept.parent / "data" / "run.js").read_text(encoding="utf-8")


def test_a_run_without_either_has_no_such_sections(report: Path) -> None:
    html = (report / "index.html").read_text(encoding="utf-8")
    assert 'id="sweeps"' not in html and 'id="published"' not in html
    assert shards(report)["run"]["sweeps"] == []


def test_damaged_published_json_is_one_clear_line(swept: Path, tmp_path: Path) -> None:
    from uniavgen_bench.core.errors import InputError

    (tmp_path / "published.json").write_text(json.dumps({"orders": 7}))
    with pytest.raises(InputError, match=r"published\.json is damaged"):
        RunDirectory(tmp_path).published()


def test_curves_are_drawn_and_fit_their_window(browser: Browser, swept: Path) -> None:
    browser.open(swept, width=390)
    browser.run("document.getElementById('sweeps').scrollIntoView({behavior: 'instant'})")
    browser.wait("document.querySelector('.plot[data-sweep] .main-svg')")
    browser.wait("document.querySelectorAll('.plot[data-sweep] .points path').length >= 4")
    settled(browser)
    assert browser.run("document.documentElement.scrollWidth") <= 390
