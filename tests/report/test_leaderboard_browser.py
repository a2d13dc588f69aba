"""The leaderboard in headless Chromium, opened from disk: filters, sorting, widths, no error and no request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from report.board_world import DECLARED, HOSTILE, METRICS, MOTION, BoardRun, World
from report.browser import Browser, chromium
from uniavgen_bench.core.entry_files import EntryLink
from uniavgen_bench.core.sample import Task
from uniavgen_bench.report.leaderboard.add import Submitter
from uniavgen_bench.report.leaderboard.site import build_site
from uniavgen_bench.report.leaderboard.verify import verify_board

VISIBLE = "[...document.querySelectorAll('.board-table')].filter(t => t.offsetParent !== null)"
COUNT = "document.getElementById('count').textContent"
NAMES = "[...document.querySelectorAll('table.ranks')[0].querySelectorAll('.ranked .name')].map(e => e.textContent)"
STATES = "[...document.querySelectorAll('table.ranks')[0].tHead.rows[0].cells].map(h => h.getAttribute('aria-sort'))"
MEANS = "[...document.querySelectorAll('table.ranks')[0].querySelectorAll('.ranked span.mean')].map(e => e.textContent)"
PRESS = "document.querySelectorAll('table.ranks')[0].querySelectorAll('thead button')[{0}].click()"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World.make(tmp_path_factory.mktemp("a board, ü & #1?"))
    strength = {"Beta": 1.5, "Alpha": -1.0, "F5-TTS → OmniAvatar": 0.5}
    systems = ("Alpha", "Beta", "F5-TTS → OmniAvatar", HOSTILE)
    submitter = Submitter(HOSTILE, (EntryLink(title="paper", url="https://example.org/paper"),))
    world.add(
        BoardRun(systems, strength=strength, metrics=(*METRICS, MOTION), samples=16), submitter=submitter
    )
    world.add(BoardRun(("Beta",), strength=strength, samples=16, seed=8, date="2026-11-25"))
    world.add(BoardRun(("Alpha",), task=Task.DUBBING, world="manifest-x"))
    verdicts = verify_board(world.board, (), DECLARED)
    return build_site(
        world.board, [v.stored for v in verdicts if v.stored is not None], world.root / "site"
    ).parent


def settled(browser: Browser) -> None:
    """Fail if the page complained, opened a dialog, or asked for anything that is not on this disk."""
    assert browser.problems == []
    assert browser.requests
    assert [r for r in browser.requests if not r.startswith(("file:///", "data:"))] == []


def choose(browser: Browser, name: str, value: str) -> None:
    browser.run(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
        f"(document.getElementById('filter-{name}'))"
    )


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_every_page_opens_without_an_error_and_fits_its_window(
    browser: Browser, site: Path, width: int, dark: bool
) -> None:
    for page in (site / "index.html", *sorted((site / "entries").iterdir())):
        browser.open(page, width=width, dark=dark)
        settled(browser)
        assert browser.run("document.documentElement.scrollWidth") <= width, page.name
        assert browser.run("document.querySelectorAll('img').length") == 0


def test_the_index_scrolls_sideways_at_no_width(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    for width in (320, 390, 600, 720, 900, 1100, 1440):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", **size)
        browser.wait(f"innerWidth === {width}")
        browser.wait(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth", seconds=5
        )


def test_filters_choose_tables_and_hide_empty_sections(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    assert browser.run(f"{VISIBLE}.length") == 5 and browser.run(COUNT) == "5 tables"
    choose(browser, "task", "dubbing")
    assert browser.run(COUNT) == "2 of 5 tables"
    assert browser.run("[...document.querySelectorAll('section.track')].map(s => s.hidden)") == [True, False]
    choose(browser, "protocol", "video.motion@1")
    assert browser.run(COUNT) == "0 of 5 tables"
    assert not browser.run("document.getElementById('nothing').hidden")
    browser.run("document.getElementById('filters').reset()")
    browser.wait(f"{COUNT} === '5 tables'")
    choose(browser, "tier", "paper")
    assert browser.run(f"{VISIBLE}.map(t => t.dataset.protocol)") == ["video.motion@1"]
    choose(browser, "tier", "")
    dataset = browser.run("document.querySelectorAll('.board-table')[0].dataset.dataset")
    choose(browser, "dataset", dataset)
    assert browser.run(COUNT) == "3 of 5 tables"
    settled(browser)


def test_the_address_keeps_the_filters_and_ignores_unknown_ones(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    choose(browser, "task", "dubbing")
    assert browser.run("location.hash") == "#?task=dubbing"
    for address, expected in (("#?task=dubbing", "2 of 5 tables"), ("#?task=<img>&tier=no", "5 tables")):
        browser.call("Page.navigate", url="about:blank")
        browser.call("Page.navigate", url=(site / "index.html").resolve().as_uri() + address)
        browser.wait("document.readyState === 'complete' && document.getElementById('count')")
        browser.wait(f"{COUNT} === {expected!r}")
    settled(browser)


def test_a_table_sorts_by_every_column_and_leaves_controls_below(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    controls = "[...document.querySelectorAll('table.ranks')[0].tBodies[1].rows].map(r => r.innerText)"
    ranked, below = browser.run(NAMES), browser.run(controls)
    assert ranked[0] == "Beta" and browser.run(STATES)[0] == "ascending"
    browser.run(PRESS.format(2))
    means = [float(text) for text in browser.run(MEANS)]
    assert means == sorted(means, reverse=True) and browser.run(STATES)[2] == "descending"
    browser.run(PRESS.format(2))
    assert browser.run(STATES)[2] == "ascending" and browser.run(NAMES)[-1] == "Beta"
    browser.run(PRESS.format(1))
    assert browser.run(STATES)[:3] == ["none", "ascending", "none"]
    assert browser.run(NAMES)[-1] == "F5-TTS → OmniAvatar"
    browser.run(PRESS.format(4))
    assert browser.run(NAMES)[0] == "Beta"  # the newest
    browser.run(PRESS.format(0))
    assert browser.run(NAMES)[0] == ranked[0]
    assert browser.run(controls) == below
    settled(browser)


def test_keys_reach_what_the_mouse_reaches(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    browser.run("document.querySelectorAll('table.ranks thead button')[1].focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", text="\r", windowsVirtualKeyCode=13)
    browser.wait(f"{STATES}[1] === 'ascending'")
    named = "e => e.textContent.trim() || e.labels?.length"
    assert browser.run(f"[...document.querySelectorAll('select, button, a')].every({named})")


def test_a_system_leads_to_its_entry_and_back(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html")
    for link, title in (("table.ranks .ranked a.name", "Beta"), (".kicker a", "Leaderboard")):
        address = browser.run(f"document.querySelector({link!r}).href")
        browser.call("Page.navigate", url=address)
        browser.wait("document.readyState === 'complete'")
        assert browser.run("document.querySelector('h1').textContent").startswith(title)
    settled(browser)


def test_without_javascript_every_table_is_there(browser: Browser, site: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=(site / "index.html").resolve().as_uri())
        time.sleep(1)
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.getElementById('filters').hidden") is True
    assert browser.run(f"{VISIBLE}.length") == 5


def test_text_meets_the_contrast_of_aa_in_light_and_dark(browser: Browser, site: Path) -> None:
    script = """
    (() => {
      const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
      const bad = [];
      for (const e of document.querySelectorAll('main *, header *, footer *')) {
        if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.offsetParent) continue;
        const a = lum(getComputedStyle(e).color), b = lum(ground(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.push([e.tagName, e.className, ratio]);
      }
      return bad;
    })()"""
    entry = next(iter(sorted((site / "entries").iterdir())))
    for page in (site / "index.html", entry):
        for dark in (False, True):
            browser.open(page, dark=dark)
            assert browser.run(script) == []
            browser.run("document.querySelector('h1').style.color = 'rgb(118, 118, 118)'")
            assert [bad[0] for bad in browser.run(script)] == ["H1"]  # the measure itself can fail
