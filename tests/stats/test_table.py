"""The table at the end of a run: readable at any width, true to the summaries, deaf to hostile names."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from report.fake_run import FakeRun, read, write_run
from rich.console import Console

from stats.test_summary import table
from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.summary import Summary, summarise
from uniavgen_bench.stats.table import places, print_summary, to_csv, to_markdown


@pytest.fixture(scope="module")
def summaries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, ...]:
    scores, specs, clips, systems = read(
        write_run(tmp_path_factory.mktemp("run"), FakeRun(media=False, evidence=False))
    )
    return summarise(scores, specs, clips, systems=systems)


def printed(summaries: tuple[Summary, ...], width: int, *, colour: bool = False) -> str:
    console = Console(
        width=width, file=io.StringIO(), force_terminal=colour, color_system="standard" if colour else None
    )
    print_summary(summaries, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_every_number_and_reason_is_printed_within_the_width(
    summaries: tuple[Summary, ...], width: int
) -> None:
    text = printed(summaries, width)
    assert max(len(line) for line in text.splitlines()) <= width
    digits = places(summaries)
    for summary in summaries:
        if summary.headline and summary.mean is not None:
            assert number(summary.mean, digits[(summary.metric, summary.field)]) in text
            assert f"{summary.scored}/{summary.attempted}" in text
    words = " ".join(text.split())
    for reason in {m.reason for s in summaries for m in s.missing}:
        assert reason in text
        assert REASON_TEXT[Reason(reason)].split()[0] in words


def test_a_partial_coverage_is_red_and_a_full_one_is_not(summaries: tuple[Summary, ...]) -> None:
    text = printed(summaries, 140, colour=True)
    assert "\x1b[31m  9/12" in text
    assert "\x1b[31m  12/12" not in text


def test_controls_are_marked(summaries: tuple[Summary, ...]) -> None:
    text = printed(summaries, 140)
    assert "(ceiling)" in text
    assert "(control)" in text


def test_intervals_stand_beside_their_means(summaries: tuple[Summary, ...]) -> None:
    text = printed(summaries, 140)
    digits = places(summaries)
    for summary in summaries:
        if summary.headline and isinstance(summary.interval, Interval):
            d = digits[(summary.metric, summary.field)]
            assert f"[{number(summary.interval.low, d)}, {number(summary.interval.high, d)}]" in text


def test_names_cannot_steer_the_terminal_or_its_markup() -> None:
    name = "[red]x[/red]\x1b[2J\u202e\nend"
    frame, specs, clips = table({name: [1.0, 2.0, 4.0]})
    found = summarise(frame, specs, clips, systems=[SystemInfo(id=name, use="x", role=Role.SYSTEM)])
    text = printed(found, 80)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]x[/red]" in text


def test_the_cell_of_an_ablation_breaks_before_its_bracket() -> None:
    name = "uniavgen-nano[face_modulation=even]"
    frame, specs, clips = table({name: [1.0, 2.0, 4.0]})
    found = summarise(frame, specs, clips, systems=[SystemInfo(id=name, use="x", role=Role.SYSTEM)])
    lines = [line.split()[0] for line in printed(found, 80).splitlines() if line.split()]
    assert "uniavgen-nano" in lines and "[face_modulation=even]" in lines


def test_markdown_has_a_row_per_system_and_no_live_markup(summaries: tuple[Summary, ...]) -> None:
    text = to_markdown(summaries)
    table = text.split("\n\n")[0].splitlines()
    assert len(table) == 2 + len({s.system for s in summaries})
    assert len({line.count(" | ") for line in table[2:]}) == 1
    assert "<script" not in text
    assert "<img" not in text


def test_csv_holds_every_field_at_full_precision(summaries: tuple[Summary, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(summaries))))
    assert len(rows) == len(summaries)
    for row, summary in zip(rows, summaries, strict=True):
        assert (row["system"], row["metric"], row["field"]) == (summary.system, summary.metric, summary.field)
        assert row["mean"] == ("" if summary.mean is None else repr(summary.mean))
        assert int(row["scored"]) == summary.scored
        assert row["interval_low"] == (
            repr(summary.interval.low) if isinstance(summary.interval, Interval) else ""
        )


def test_a_run_without_clips_says_so(tmp_path: Path) -> None:
    scores, specs, clips, _ = read(write_run(tmp_path, FakeRun(samples=0)))
    found = summarise(scores, specs, clips)
    assert found == ()
    assert "No clips" in printed(found, 80)
    assert "No clips" in to_markdown(found)
