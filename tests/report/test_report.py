"""The report's pages: true numbers, every reason, and what was tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from report.fake_run import HOSTILE, METRICS, SYSTEMS, read
from report.pages import Page
from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.links import without_paths
from uniavgen_bench.stats.summary import summarise


def test_every_clip_has_its_page(run: Path, pages: dict[str, Page], data: dict[str, Any]) -> None:
    records = RunDirectory(run).clips()
    assert len([name for name in pages if name.startswith("clips/")]) == len(records) == 72
    keys = data["run"]["clips"]["key"]
    assert len(set(keys)) == 72
    assert all(f"clips/{key}.html" in pages for key in keys)


def test_means_in_the_table_are_those_of_the_scores(run: Path, pages: dict[str, Page]) -> None:
    scores = RunDirectory(run).scores()
    cells = [a["data-value"] for a in pages["index.html"].all("td") if "data-value" in a]
    expected = []
    for system in ("ground-truth", "UniAVGen", "Ovi", "UniVerse-1", "F5-TTS → OmniAvatar", "shuffled-audio"):
        for spec in METRICS:
            mine = scores[(scores.system == system) & (scores.metric == spec.name)]
            values = mine[mine.field == spec.headline.name]["value"].dropna()
            if len(values):
                expected.append(sum(values) / len(values))
    assert [float(cell) for cell in cells] == pytest.approx(expected)


def test_coverage_is_printed_for_every_cell(run: Path, pages: dict[str, Page]) -> None:
    scores, specs, clips, systems = read(run)
    text = pages["index.html"].text
    for summary in summarise(scores, specs, clips, systems=systems):
        if summary.headline:
            assert f"{summary.scored} of {summary.attempted}" in text


def test_data_files_hold_every_score_and_every_reason(run: Path, data: dict[str, Any]) -> None:
    data = data["run"]
    scores = RunDirectory(run).scores().set_index(["system", "sample", "metric", "field"])
    ids = {system.label or system.id: system.id for system in SYSTEMS}
    for column, values, missing in zip(data["columns"], data["values"], data["missing"], strict=True):
        reasons = dict(zip(missing["clips"], missing["reasons"], strict=True))
        for clip, value in enumerate(values):
            system = ids[data["systems"][data["clips"]["system"][clip]]["label"]]
            row = scores.loc[
                (
                    system,
                    data["samples"]["id"][data["clips"]["sample"][clip]],
                    column["metric"],
                    column["field"],
                )
            ]
            if value is None:
                assert row["reason"].split(":")[0] == data["reasons"][reasons[clip]]["name"]
            else:
                assert value == pytest.approx(row["value"], rel=1e-4)
                assert clip not in reasons


def test_every_missing_value_is_on_its_clips_page_with_reason_and_detail(
    run: Path, pages: dict[str, Page], data: dict[str, Any]
) -> None:
    data = data["run"]
    systems = [system["label"] for system in data["systems"]]
    page_of = {
        (systems[data["clips"]["system"][i]], data["samples"]["id"][sample]): pages[
            f"clips/{data['clips']['key'][i]}.html"
        ]
        for i, sample in enumerate(data["clips"]["sample"])
    }
    absent = RunDirectory(run).scores().query("value != value")
    assert len(absent) > 100
    for row in absent.itertuples():
        text = page_of[(row.system, row.sample)].text
        reason, _, detail = str(row.reason).partition(":")
        assert reason.replace("_", " ") in text
        assert REASON_TEXT[Reason(reason)] in text
        assert " ".join(without_paths(detail).split()) in text


def test_every_reason_is_counted_on_the_first_page(run: Path, pages: dict[str, Page]) -> None:
    scores = RunDirectory(run).scores()
    text = pages["index.html"].text
    gone = scores[scores.reason != ""].assign(reason=lambda t: t.reason.str.split(":").str[0])
    counts = (
        gone.drop_duplicates(["system", "sample", "metric", "reason"]).groupby(["metric", "reason"]).size()
    )
    for (_, reason), count in counts.items():
        assert re.search(rf"\b{count} of 72 {re.escape(reason.replace('_', ' '))}", text)


def test_published_scores_and_transcripts_are_shown(pages: dict[str, Page]) -> None:
    clip = next(page for name, page in pages.items() if name.startswith("clips/uniavgen-portrait_000"))
    assert "Published by others" in clip.text
    assert "lse_c4.0" in clip.text
    assert clip.all("del")
    assert clip.all("ins")


def test_summary_files_lie_beside_the_pages(run: Path) -> None:
    table = pd.read_csv(run / "report" / "summary.csv")
    assert len(table) == len(SYSTEMS) * sum(len(spec.fields) for spec in METRICS)
    assert HOSTILE not in (run / "report" / "summary.md").read_text(encoding="utf-8")
