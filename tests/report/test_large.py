"""Reports of large runs: one page for any clip, data in files, open within two seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

import uniavgen_bench.report.run_data as run_data
from report.browser import Browser, settled
from report.fake_large import write_large
from report.fake_run import HOSTILE, FakeRun, write_run
from report.pages import parse
from uniavgen_bench.report.build import build_report

TEXT = "document.querySelector('main').innerText"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same run as a small and as a large report."""
    plan = FakeRun(samples=6)
    small = build_report(write_run(tmp_path_factory.mktemp("small") / "run", plan)).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_data, "LARGE", 10)
        large = build_report(write_run(tmp_path_factory.mktemp("large") / "run", plan)).parent
    return small, large


def open_clip(browser: Browser, report: Path, key: str) -> None:
    """Open the page of any clip at a clip."""
    browser.open(report / "method.html")
    browser.problems.clear()
    browser.call("Page.navigate", url=f"{(report / 'clip.html').resolve().as_uri()}#{key}")
    browser.wait("location.pathname.includes('clip') && document.readyState === 'complete'")


def test_a_large_run_has_no_page_for_each_clip(both: tuple[Path, Path]) -> None:
    small, large = both
    assert (small / "clips").is_dir()
    assert not (large / "clips").exists()
    links = [a["href"] for a in parse(large / "index.html").all("a")]
    assert [link for link in links if link.startswith("clip.html#")]
    assert not [link for link in links if link.startswith("clips/")]


def test_the_page_of_any_clip_says_what_its_own_page_says(browser: Browser, both: tuple[Path, Path]) -> None:
    small, large = both
    keys = sorted(path.stem for path in (small / "clips").iterdir())
    assert len(keys) == 36
    cells = (
        "[...document.querySelectorAll('.clip-table tr')].map(r => r.innerText.replace(/\\s+/g, ' ').trim())"
    )
    for key in keys[::6]:
        browser.open(small / "clips" / f"{key}.html")
        rows = [row for row in browser.run(cells) if row != "Field Score Place among the clips"]
        heard = browser.run("[...document.querySelectorAll('p:not(.note).diff del')].map(d => d.textContent)")
        facts = browser.run("[...document.querySelectorAll('.clip-bottom dd')].map(d => d.textContent)")
        name = browser.run("document.querySelector('h1').textContent")
        open_clip(browser, large, key)
        browser.wait("document.querySelectorAll('.clip-table tr').length > 1")
        shown = [row.replace("_", " ") for row in browser.run(cells)]
        assert shown == [row.replace("_", " ") for row in rows], key
        assert (
            browser.run("[...document.querySelectorAll('p:not(.note).diff del')].map(d => d.textContent)")
            == heard
        )
        assert (
            browser.run("[...document.querySelectorAll('.clip-bottom dd')].map(d => d.textContent)") == facts
        )
        assert browser.run("document.querySelector('h1').textContent") == name
    settled(browser)


def test_the_next_clip_follows_and_its_line_follows_the_player(
    browser: Browser, both: tuple[Path, Path]
) -> None:
    _, large = both
    key = next(k for k in run_keys(large) if k.startswith("uniavgen-portrait_000"))
    open_clip(browser, large, key)
    browser.wait("document.querySelector('.cursor')")
    browser.run("document.getElementById('player').muted = true; document.getElementById('player').play()")
    browser.wait("document.getElementById('player').currentTime > 0.4")
    name = browser.run("document.querySelector('h1').textContent")
    browser.run("document.querySelector('#neighbours a[rel=next]').click()")
    browser.wait(
        f"document.querySelector('h1').textContent !== {name!r} && document.querySelector('.clip-table')"
    )
    settled(browser)


def run_keys(report: Path) -> list[str]:
    """The names of all clips."""
    from report.pages import shards

    return list(shards(report)["run"]["clips"]["key"])


def test_the_common_address_leads_to_a_clip_in_a_small_report_too(
    browser: Browser, both: tuple[Path, Path]
) -> None:
    small, _ = both
    key = run_keys(small)[0]
    open_clip(browser, small, key)
    browser.wait(f"location.pathname.endsWith('/clips/{key}.html')")


def test_an_unknown_clip_is_said_and_stays_text(browser: Browser, both: tuple[Path, Path]) -> None:
    _, large = both
    open_clip(browser, large, "no-such-clip")
    browser.wait(f"{TEXT}.includes('no clip named no-such-clip')")
    hostile = next(k for k in run_keys(large) if "script" in k)
    open_clip(browser, large, hostile)
    browser.wait("document.querySelector('.clip-table')")
    assert HOSTILE in browser.run(TEXT)
    assert browser.run("document.querySelectorAll('main img').length") == 0
    settled(browser)


def test_twelve_thousand_clips_open_and_filter(browser: Browser, tmp_path: Path) -> None:
    page = build_report(write_large(tmp_path / "run", 2_000))
    browser.open(page)
    browser.wait("document.querySelectorAll('.tile').length === 24")
    browser.run("document.querySelectorAll('#score-table thead button')[1].click()")
    browser.run(
        "(s => { s.value = 'number 77'; s.dispatchEvent(new Event('input', {bubbles: true})); })"
        "(document.getElementById('filter-text'))"
    )
    browser.wait("document.getElementById('gallery-count').textContent.includes(' of ')")
