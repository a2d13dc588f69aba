"""Verdict tables: readable at any width, true to the results, deaf to hostile names."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from report.fake_run import FakeRun, read, write_run
from rich.console import Console

from stats.made_up import run_of
from uniavgen_bench.core.comparison import CompareBlock, RunStats
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.stats.comparison import compare_run
from uniavgen_bench.stats.grid import score_grid
from uniavgen_bench.stats.verdict_table import MARKS, p_text, signed, to_csv, to_markdown
from uniavgen_bench.stats.verdict_terminal import print_verdicts

Made = tuple[RunStats, list[SystemInfo]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scores, specs, clips, systems = read(
        write_run(tmp_path_factory.mktemp("run"), FakeRun(samples=24, media=False, evidence=False))
    )
    grid = score_grid(scores, specs, clips)
    return compare_run(grid, clips, systems, CompareBlock(baseline="UniAVGen"), seed=1), systems


def printed(stats: RunStats, systems: list[SystemInfo], width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    print_verdicts(stats, systems, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_verdict_is_printed_within_the_width(made: Made, width: int) -> None:
    stats, systems = made
    text = printed(stats, systems, width)
    assert max(len(line) for line in text.splitlines()) <= width
    words = " ".join(text.split())
    proper = {info.id for info in systems if info.role is Role.SYSTEM}
    claims = [r for r in stats.paired if {r.system, r.baseline} <= proper]
    assert claims
    for result in claims:
        assert f"{result.pairs}/{result.attempted}" in words or result.pairs == 0 or width < 80
        assert MARKS[result.verdict].split()[0] in words
    assert f"Holm over {stats.family} tests" in words


def test_controls_stand_in_a_table_of_their_own_and_ranks_hold_systems_alone(made: Made) -> None:
    stats, systems = made
    text = printed(stats, systems, 140)
    claims, rest = text.split("Controls: ")
    controls, ranks = rest.split("Ranks [")
    assert "shuffled-audio" not in claims + ranks
    assert "ground-truth" not in claims + ranks
    assert "shuffled-audio" in controls and "ground-truth" in controls
    assert "lse_c: ? not comparable: neither has a number" in claims


def test_a_control_has_as_many_marks_as_systems_stand_apart_from_it() -> None:
    high, low = [float(i) + 50 for i in range(12)], [float(i) for i in range(12)]
    grid, clips = run_of({"a": high, "b": [v + 1 for v in high], "floor": low, "same": high})
    roles = {"floor": Role.LOWER_CONTROL, "same": Role.LOWER_CONTROL}
    systems = [SystemInfo(id=n, use="x", role=roles.get(n, Role.SYSTEM)) for n in ("a", "b", "floor", "same")]
    stats = compare_run(grid, clips, systems, CompareBlock(), seed=1)
    line = next(
        line for line in printed(stats, systems, 120).split("Controls: ")[1].splitlines() if "/2" in line
    )
    assert line.split()[-2:] == ["▼2/2", "▼1/2"]


def test_the_only_system_is_read_beside_its_controls() -> None:
    grid, clips = run_of({"a": [float(i) + 9 for i in range(12)], "floor": [float(i) for i in range(12)]})
    systems = [SystemInfo(id="a", use="x"), SystemInfo(id="floor", use="x", role=Role.LOWER_CONTROL)]
    text = printed(compare_run(grid, clips, systems, CompareBlock(), seed=1), systems, 100)
    assert "Paired tests: floor beside a" in text and "▼ worse" in text
    assert "Controls:" not in text


def test_very_many_comparisons_keep_those_in_which_something_was_seen() -> None:
    values = {f"s{k:02d}": [float(i % 5) for i in range(12)] for k in range(12)}
    grid, clips = run_of({**values, "best": [float(i) + 99 for i in range(12)]})
    stats = compare_run(grid, clips, [], CompareBlock(), seed=1)
    text = printed(stats, [], 120)
    assert text.count("· not seen") == 0
    assert text.count("▲ better") + text.count("▼ worse") == 12
    assert f"{len(stats.paired) - 12} comparisons in which nothing was seen" in text


def test_names_cannot_steer_the_terminal_or_its_markup() -> None:
    name = "[red]x[/red]\x1b[2J\u202e\nend"
    grid, clips = run_of({name: [float(i) for i in range(8)], "b": [0.0] * 8})
    systems = [SystemInfo(id="b", use="x"), SystemInfo(id=name, use="x")]
    for baseline in ("b", name, None):
        stats = compare_run(grid, clips, systems, CompareBlock(baseline=baseline), seed=1)
        text = printed(stats, systems, 100)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]x[/red]" in text


def test_markdown_has_a_row_per_comparison_and_no_live_markup(made: Made) -> None:
    stats, systems = made
    text = to_markdown(stats, systems)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| system")]
    assert len(rows) == len([r for r in stats.paired if r.pairs])
    assert {line.count(" | ") for line in rows} == {5}
    assert "<script" not in text
    assert "<img" not in text


def test_csv_holds_every_result_at_full_precision(made: Made) -> None:
    stats, _ = made
    rows = list(csv.DictReader(io.StringIO(to_csv(stats))))
    assert len(rows) == len(stats.paired)
    for row, result in zip(rows, stats.paired, strict=True):
        assert (row["system"], row["metric"], row["verdict"]) == (
            result.system,
            result.metric,
            result.verdict,
        )
        assert row["p"] == ("" if result.p is None else repr(result.p))
        assert row["difference"] == ("" if result.difference is None else repr(result.difference.value))
        assert row["direction"] == result.direction.value


def test_a_run_of_one_system_says_so(tmp_path: Path) -> None:
    grid, clips = run_of({"a": [1.0] * 8})
    stats = compare_run(grid, clips, [], CompareBlock(), seed=1)
    assert stats.paired == []
    assert "No two systems" in printed(stats, [], 80)
    assert "No two systems" in to_markdown(stats, [])


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "–"), (0.0004, "<.001"), (0.031, ".031"), (0.5, ".500"), (0.9996, "1"), (1.0, "1")],
)
def test_p_values_are_short(p: float | None, text: str) -> None:
    assert p_text(p) == text


@pytest.mark.parametrize(("value", "text"), [(0.031, "+0.03"), (-0.031, "−0.03"), (0.0001, "0.00")])
def test_differences_have_a_sign(value: float, text: str) -> None:
    assert signed(value, 2) == text


def test_what_holds_for_every_row_is_said_once() -> None:
    values = {name: [float(i * k) for i in range(6)] for k, name in enumerate("abcd")}
    grid, clips = run_of(values)
    stats = compare_run(grid, clips, [], CompareBlock(), seed=1)
    text = printed(stats, [], 100)
    assert text.count("6 samples and 6 tests allow no corrected p below 0.19") == 1
    assert to_markdown(stats, []).count("6 samples and 6 tests") == 1


def test_ranks_that_the_tests_leave_wholly_open_are_one_line() -> None:
    grid, clips = run_of({name: [float((i * k) % 5) for i in range(6)] for k, name in enumerate("bcd", 1)})
    text = printed(compare_run(grid, clips, [], CompareBlock(), seed=1), [], 100)
    assert text.count("none of 3 told apart") == 1
    assert "[1, 3]" not in text


def test_the_cell_of_an_ablation_breaks_before_its_bracket() -> None:
    name = "uniavgen-nano[face_modulation=even]"
    values = {"a": [float(i) for i in range(12)], name: [float(i) + 9 for i in range(12)]}
    grid, clips = run_of({**values, "c": values["a"]})
    text = printed(compare_run(grid, clips, [], CompareBlock(baseline="a"), seed=1), [], 80)
    lines = [line.split()[0] for line in text.splitlines() if line.split()]
    assert "uniavgen-nano" in lines and "[face_modulation=even]" in lines
