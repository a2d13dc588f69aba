"""Fixtures of the report's tests: one made-up run, its pages, and one browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.browser import Browser, chromium
from report.fake_run import FakeRun, write_run
from report.pages import Page, parse, shards
from uniavgen_bench.report.build import build_report


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with hostile names, and its report."""
    root = write_run(tmp_path_factory.mktemp("runs") / "a run with spaces, ünicode & 'quotes' #1?")
    build_report(root)
    return root


@pytest.fixture(scope="session")
def report(run: Path) -> Path:
    """The report's folder of `run`."""
    return run / "report"


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's folder of a run with verdicts, an ablation and validity, with clips of 5 s."""
    plan = FakeRun(
        samples=12, hostile=False, seconds=5, stats=True, baseline="UniAVGen", ablation=True, validity=True
    )
    return build_report(write_run(tmp_path_factory.mktemp("judged") / "run", plan)).parent


@pytest.fixture(scope="session")
def pages(run: Path) -> dict[str, Page]:
    """All pages of `run`, parsed."""
    folder = run / "report"
    return {str(path.relative_to(folder)): parse(path) for path in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="session")
def data(run: Path) -> dict[str, Any]:
    """All data files of `run`, read."""
    return shards(run / "report")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; skips where none is installed."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()
