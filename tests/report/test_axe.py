"""Accessibility by axe-core, where a copy of it is given; the report itself needs none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from report.browser import Browser

GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core; skips where the environment does not name one."""
    path = Path(os.environ.get("UNIAVGEN_BENCH_AXE", ""))
    if not path.is_file():
        pytest.skip(
            "no axe-core here (npm install axe-core; UNIAVGEN_BENCH_AXE=node_modules/axe-core/axe.min.js)"
        )
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
@pytest.mark.parametrize("page", ["index.html", "compare.html", "method.html", "failures.html", "clip"])
def test_no_page_has_a_serious_fault(
    browser: Browser, judged: Path, axe: str, page: str, width: int, dark: bool
) -> None:
    path = judged / page if page != "clip" else sorted((judged / "clips").iterdir())[0]
    browser.open(path, width=width, dark=dark)
    time.sleep(1.5)
    browser.run(f"{axe};1")
    found = browser.run(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map("
        "v => [v.impact, v.id, v.nodes.map(n => n.target.join(' ')).slice(0, 3).join('; ')]))"
    )
    assert [fault for fault in found if fault[0] in GRAVE] == []
