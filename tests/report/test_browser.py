"""The report in headless Chromium, opened from disk: no error, no request, and every control does what it says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from report.browser import Browser, settled
from report.fake_run import FakeRun, write_run
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.build import build_report

NEAR = "document.getElementById('distributions').scrollIntoView({behavior: 'instant'})"
SYSTEMS = "[...document.querySelectorAll('#score-table tbody th .name')].map(e => e.textContent)"


def clip_page(report: Path, start: str) -> Path:
    return next(path for path in sorted((report / "clips").iterdir()) if path.name.startswith(start))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
@pytest.mark.parametrize("page", ["index.html", "method.html", "clip", "hostile clip"])
def test_every_page_opens_without_an_error_and_fits_its_window(
    browser: Browser, report: Path, page: str, width: int, dark: bool
) -> None:
    starts = {"clip": "uniavgen-portrait", "hostile clip": "uniavgen-script"}
    browser.open(
        report / page if page.endswith(".html") else clip_page(report, starts[page]), width=width, dark=dark
    )
    plots = "document.querySelectorAll('.plot').length"
    if browser.run(plots):
        browser.run("document.querySelector('.plot').scrollIntoView({behavior: 'instant'})")
        browser.wait("document.querySelector('.plot .main-svg')")
    time.sleep(0.3)
    settled(browser)
    assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("page", ["index.html", "method.html", "clip"])
def test_no_page_scrolls_sideways_at_any_width(browser: Browser, report: Path, page: str) -> None:
    browser.open(report / page if page.endswith(".html") else clip_page(report, "uniavgen-script"))
    for width in (320, 390, 600, 720, 900, 1100, 1440):
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        browser.wait(f"innerWidth === {width}")
        browser.wait(f"{wider} <= 0", seconds=5)  # plots follow the window a moment later


@pytest.mark.parametrize("page", ["index.html", "compare.html", "failures.html", "method.html"])
def test_no_page_with_verdicts_scrolls_sideways(browser: Browser, judged: Path, page: str) -> None:
    browser.open(judged / page)
    for width in (320, 390, 720, 1100, 1440):
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        browser.wait(f"innerWidth === {width}")
        browser.wait(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth <= 0", seconds=5
        )
    settled(browser)


def test_a_failure_leads_to_its_clips(browser: Browser, judged: Path) -> None:
    browser.open(judged / "index.html")
    links = browser.run(
        "[...document.querySelectorAll('.failing a[href*=\"#clips?\"]')].map(a => [a.href,"
        " a.closest('tr').querySelector('.num').textContent.split(' ')[0]])"
    )
    assert links
    for href, count in links:
        browser.run(f"location.href = {href!r}")
        browser.wait(f"document.getElementById('gallery-count').textContent === '{count} of 72 clips'")
    settled(browser)


def test_the_first_page_is_whole_on_paper(browser: Browser, judged: Path) -> None:
    browser.open(judged / "index.html")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        hidden = "document.querySelector({!r}).getClientRects().length === 0"
        for gone in (".contents", "#clips", ".sort-by"):
            assert browser.run(hidden.format(gone)), gone
        for kept in (".findings", ".forest-table", "#score-table", ".effects", ".failing"):
            assert not browser.run(hidden.format(kept)), kept
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_plots_show_every_scored_clip(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html", height=6000)
    browser.run(NEAR)
    browser.wait("[...document.querySelectorAll('.plot[data-column]')].every(p => p.dataset.ready)")
    scored = browser.run(
        "[...document.querySelectorAll('.plot[data-column]')].map(p => [p.data[0].x.length,"
        " Shards.get('run').values[p.dataset.column].filter(v => v !== null).length])"
    )
    assert len(scored) == 5
    assert all(drawn == known > 0 for drawn, known in scored)
    settled(browser)


def test_a_click_on_a_dot_opens_its_clip(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html")
    browser.run(NEAR)
    browser.wait("document.querySelector('.plot[data-column]').dataset.ready")
    browser.run("document.querySelector('.plot').emit('plotly_click', {points: [{customdata: 7}]})")
    browser.wait("document.getElementById('player') || document.querySelector('.clip')")
    assert "/clips/" in browser.run("location.pathname")


def test_another_field_is_drawn_when_asked_for(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html")
    browser.run(NEAR)
    browser.wait("document.querySelector('.plot[data-column]').dataset.ready")
    browser.run("document.querySelectorAll('.choices button')[1].click()")
    browser.wait("document.querySelector('.plot').layout.xaxis.title.text === 'offset (ms)'")
    assert (
        browser.run("document.querySelectorAll('.choices button')[1].getAttribute('aria-pressed')") == "true"
    )


def test_the_table_sorts_by_key_and_keeps_controls_apart(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html")
    given = browser.run(SYSTEMS)
    press = "(b => { b.focus(); b.click(); })(document.querySelectorAll('#score-table thead button')[%d])"
    sort = "document.querySelectorAll('#score-table thead th')[%d].getAttribute('aria-sort')"
    value = "[...document.querySelectorAll('.role-system tr')].map(r => Number(r.cells[%d].dataset.value))"
    browser.run(press % 1)
    assert browser.run(sort % 1) == "descending"
    assert browser.run(value % 1) == sorted(browser.run(value % 1), reverse=True)
    browser.run(press % 1)
    assert browser.run(sort % 1) == "ascending"
    assert browser.run(value % 1) == sorted(browser.run(value % 1))
    browser.run(press % 4)
    assert browser.run(sort % 4) == "ascending"  # an error rate: the better end is the lower one
    assert browser.run(sort % 1) == "none"
    found = browser.run(SYSTEMS)
    assert found[0] == given[0] == "ground-truth"
    assert found[-1] == given[-1] == "shuffled-audio"
    assert sorted(found) == sorted(given)
    settled(browser)


def test_the_gallery_filters_searches_orders_and_turns_pages(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html")
    count = "document.getElementById('gallery-count').textContent"
    names = "[...document.querySelectorAll('.tile a')].map(a => a.textContent)"
    choose = (
        "(s => {{ s.value = {1!r}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
        "(document.getElementById('filter-{0}'))"
    )
    assert browser.run(count) == "72 clips"
    assert len(browser.run(names)) == 24
    pages = "[...document.querySelectorAll('.tile a')].map(a => a.href)"
    first = browser.run(pages)
    browser.run("document.getElementById('page-on').click()")
    assert browser.run("document.getElementById('page-number').textContent") == "2 of 3"
    assert not set(browser.run(pages)) & set(first)
    browser.run(choose.format("text", "SEA SHELLS"))
    browser.wait(f"{count} === '18 of 72 clips'")
    browser.run(choose.format("system", "1"))
    browser.wait(f"{count} === '3 of 72 clips'")
    browser.run("document.getElementById('filters').reset()")
    browser.wait(f"{count} === '72 clips'")
    browser.run(choose.format("order", "0,1"))
    browser.wait("document.querySelector('.tile dd').textContent !== ''")
    shown = browser.run(
        "[...document.querySelectorAll('.tile dl div:first-child dd')].map(d => Number(d.textContent))"
    )
    assert shown == sorted(shown)
    settled(browser)


def test_a_missing_reason_leads_to_its_clips(browser: Browser, report: Path) -> None:
    scores = RunDirectory(report.parent).scores()
    browser.open(report / "index.html")
    links = browser.run(
        "[...document.querySelectorAll('.show-missing')].map(a => [a.dataset.metric, a.dataset.reason])"
    )
    assert len(links) > 5
    for i, (metric, reason) in enumerate(links):
        gone = scores[scores.reason.str.split(":").str[0] == reason]
        gone = gone if metric == "*" else gone[gone.metric == metric]
        expected = len(gone.drop_duplicates(["system", "sample"]))
        browser.run(f"document.querySelectorAll('.show-missing')[{i}].click()")
        browser.wait(f"document.getElementById('gallery-count').textContent === '{expected} of 72 clips'")


def test_the_clip_plays_and_the_line_follows_it(browser: Browser, report: Path) -> None:
    browser.open(clip_page(report, "uniavgen-portrait_000"))
    browser.wait("document.getElementById('player').readyState >= 2")
    assert browser.run("document.getElementById('player').videoWidth") == 192
    browser.wait("document.querySelectorAll('.cursor').length === 2")
    where = "new DOMMatrix(getComputedStyle(document.querySelector('.cursor')).transform).m41"
    start = browser.run(where)
    browser.run("document.getElementById('player').muted = true; document.getElementById('player').play()")
    browser.wait("document.getElementById('player').currentTime > 0.5")
    browser.run("document.getElementById('player').pause()")
    browser.wait(f"{where} > {start} + 20")
    settled(browser)


def test_a_click_in_a_plot_over_time_moves_the_player(browser: Browser, report: Path) -> None:
    browser.open(clip_page(report, "uniavgen-portrait_000"))
    browser.wait("document.getElementById('player').readyState >= 1 && document.querySelector('.cursor')")
    x, y, end = browser.run(
        "(p => { const b = p.getBoundingClientRect(), a = p._fullLayout.xaxis;"
        " return [b.left + a._offset + a.l2p(1.2), b.top + 100, document.getElementById('player').duration]; })"
        "(document.querySelector('.over-time .plot'))"
    )
    assert end == pytest.approx(2.0, abs=0.1)
    scroll = "document.querySelector('.over-time').scrollIntoView({block: 'center', behavior: 'instant'})"
    before = browser.run("scrollY")
    browser.run(scroll)
    y -= browser.run("scrollY") - before
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    browser.wait("Math.abs(document.getElementById('player').currentTime - 1.2) < 0.06")


def test_the_lag_plot_marks_the_best_lag(browser: Browser, report: Path) -> None:
    browser.open(clip_page(report, "uniavgen-portrait_000"))
    browser.wait("document.querySelector('.over-lag .main-svg')")
    assert "highest at −40 ms" in browser.run("document.querySelector('.over-lag').textContent")


def test_a_switch_to_dark_draws_the_plots_anew(browser: Browser, report: Path) -> None:
    browser.open(report / "index.html")
    browser.run(NEAR)
    browser.wait("document.querySelector('.plot[data-column]').dataset.ready")
    colour = "document.querySelector('.plot').layout.font.color"
    light = browser.run(colour)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.wait(f"{colour} !== {light!r}")
    settled(browser)


def test_without_javascript_the_numbers_and_reasons_are_there(browser: Browser, report: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=(report / "index.html").resolve().as_uri())
        time.sleep(1)
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
        text = browser.run("document.body.innerText")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "the weights of the metric are not here" in text
    assert "The gallery needs JavaScript" in text


@pytest.mark.parametrize(
    "plan", [FakeRun(samples=0), FakeRun(samples=1, missing=1.0), FakeRun(samples=2, metrics=())]
)
def test_odd_runs_open_without_an_error(browser: Browser, tmp_path: Path, plan: FakeRun) -> None:
    browser.open(build_report(write_run(tmp_path / "run", plan)))
    time.sleep(0.5)
    settled(browser)
