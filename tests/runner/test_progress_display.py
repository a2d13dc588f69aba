"""Progress fits the terminal, and a log hears of a long step before it is done."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from uniavgen_bench.runner import progress_display
from uniavgen_bench.runner.progress_display import NARROW, ProgressDisplay


def display(*, terminal: bool, width: int = 80) -> tuple[ProgressDisplay, io.StringIO]:
    """Return a display and what it writes."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=width, legacy_windows=False)
    return ProgressDisplay(console, lambda stage, done, total: f"{stage}: {done} of {total}"), written


@pytest.mark.parametrize("stage", ["scoring", "changing clips", "again, 2 processes"])
@pytest.mark.parametrize("width", [80, 100, 160])
def test_bar_count_and_times_are_whole_whatever_the_clip_is_called(stage: str, width: int) -> None:
    shown, _ = display(terminal=True, width=width)
    shown.begin(stage, 1200)
    shown.step("a-system-with-a-long-name/and/a/sample[with=brackets] " * 4)
    assert shown.bar is not None
    text = Console(file=io.StringIO(), width=width, legacy_windows=False, record=True)
    text.print(shown.bar.get_renderable())
    [line] = text.export_text().splitlines()
    shown.stop()
    assert line.startswith(f"{stage} ") and "1/1200" in line and len(line) <= width
    assert line.index("1/1200") >= len(stage) + 1 + NARROW, (
        "the bar has its place, though colourless it is not seen"
    )
    assert "0:00:00 left -:--:--" in line and "a-system" in line


def test_a_log_hears_of_a_long_step_and_of_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_display, "LINE_SECONDS", 0.02)
    shown, written = display(terminal=False)
    shown.begin("scoring", 2)
    shown.step("one")
    until = time.monotonic() + 5
    while "1 of 2 after" not in written.getvalue() and time.monotonic() < until:
        time.sleep(0.01)
    shown.step("two")
    shown.stop()
    lines = written.getvalue().splitlines()
    assert any(line.startswith("scoring: 1 of 2 after 0.") for line in lines)
    assert lines[-1] == "scoring: 2 of 2"
    time.sleep(0.1)
    assert written.getvalue().splitlines() == lines, "nothing is told after the end"


def test_a_quick_stage_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, written = display(terminal=False)
    shown.begin("scoring", 300)
    for n in range(300):
        shown.step(str(n))
    shown.stop()
    assert written.getvalue() == "scoring: 300 of 300\n"
