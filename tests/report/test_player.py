"""The player in headless Chromium: clips in step, one clock, one voice, keys, filters, addresses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from report.browser import Browser, settled
from report.fake_run import FakeRun, write_run
from uniavgen_bench.report.build import build_report

FRAME = 1 / 25
SEEK = 1e-3  # s; browsers round where they land by some microseconds
TIMES = "[...document.querySelectorAll('#panels video')].map(v => v.currentTime)"
READY = (
    "document.querySelectorAll('#panels video').length > 1 && "
    "[...document.querySelectorAll('#panels video')].every(v => v.readyState >= 2 && !v.seeking)"
)
STATUS = "document.getElementById('player-status').textContent"
SAMPLE = "document.getElementById('sample-name').textContent"


def open_player(browser: Browser, report: Path, *, width: int = 1280, **asked: Any) -> None:
    """Open the player with an address, and wait until its clips can be shown."""
    browser.open(report / "method.html", width=width)
    address = (report / "compare.html").resolve().as_uri() + (
        f"#{urlencode(asked, doseq=True)}" if asked else ""
    )
    browser.problems.clear()
    browser.requests.clear()
    browser.call("Page.navigate", url=address)
    browser.wait("location.pathname.endsWith('compare.html') && document.readyState === 'complete'")
    browser.wait(READY)


def press(browser: Browser, key: str, *, shift: bool = False) -> None:
    """Press a key of the keyboard."""
    event = json.dumps({"key": key, "shiftKey": shift, "bubbles": True, "cancelable": True})
    browser.run(f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {event})) || true")


def apart(browser: Browser, when: str = "true") -> float:
    """How far the clips are from each other, in seconds, in the first frame in which `when` holds for their `times`."""
    times = browser.run(
        f"new Promise((done, failed) => {{ const end = performance.now() + 20000; const look = () => {{"
        f" const times = {TIMES};"
        f" if ({when}) done(times); else if (performance.now() > end) failed(new Error('never: ' + times));"
        f" else requestAnimationFrame(look); }}; look(); }})"
    )
    assert len(times) > 1
    return float(max(times) - min(times))


def usually_apart(browser: Browser, when: str) -> float:
    """How far playing clips are apart once `when` holds: the median of 30 frames, for a busy machine drops some."""
    spreads = [apart(browser, when)]
    spreads += [
        browser.run(f"new Promise(done => requestAnimationFrame(() => {{ const times = {TIMES};"
                    " done(Math.max(...times) - Math.min(...times)); }))")
        for _ in range(29)
    ]  # fmt: skip
    return float(sorted(spreads)[len(spreads) // 2])


PAIR = {"sample": "portrait_000", "system": ["UniAVGen", "Ovi"]}
FOUR = {"sample": "portrait_000", "system": ["UniAVGen", "Ovi", "UniVerse-1", "ground-truth"]}


@pytest.mark.parametrize("asked", [PAIR, FOUR], ids=["two", "four"])
def test_clips_are_in_step_after_three_seconds_and_after_seeking(
    browser: Browser, judged: Path, asked: dict[str, Any]
) -> None:
    open_player(browser, judged, **asked)
    browser.run("document.getElementById('play').click()")
    assert usually_apart(browser, "Math.min(...times) > 3") <= FRAME
    browser.run("document.getElementById('seek').value = 1.5")
    browser.run("document.getElementById('seek').dispatchEvent(new Event('input', {bubbles: true}))")
    assert usually_apart(browser, "Math.max(...times) < 2.8 && Math.min(...times) > 2") <= FRAME
    browser.run("document.getElementById('play').click()")
    browser.wait(f"{STATUS}.includes('frame')")
    browser.wait(READY)
    assert apart(browser) < SEEK
    press(browser, "Home")
    browser.wait(f"{READY} && Math.max(...{TIMES}) < 0.04")
    assert apart(browser) < SEEK
    settled(browser)


def test_a_clip_that_lags_catches_up_without_bending_the_one_that_is_heard(
    browser: Browser, judged: Path
) -> None:
    open_player(browser, judged, **PAIR)
    browser.run("document.getElementById('play').click()")
    browser.wait(f"Math.min(...{TIMES}) > 0.5")
    browser.run("(v => { v.currentTime += 0.2; })(document.querySelectorAll('#panels video')[1])")
    browser.wait("document.querySelectorAll('#panels video')[1].playbackRate < 0.99", seconds=2)
    assert browser.run("document.querySelectorAll('#panels video')[0].playbackRate") == 1
    assert usually_apart(browser, "Math.min(...times) > 3.2") <= FRAME


def test_keys_step_frames_play_and_choose_who_is_heard(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    frame = "document.getElementById('frame').textContent"
    for key in (".", ".", "ArrowRight", ",", "ArrowLeft", "."):
        press(browser, key)
        time.sleep(0.2)
    browser.wait(f"{frame} === 'frame 2'")
    browser.wait(READY)
    assert browser.run(TIMES) == pytest.approx([2.5 * FRAME, 2.5 * FRAME], abs=1e-4)
    press(browser, "ArrowRight", shift=True)
    browser.wait(f"{frame} === 'frame 27'")
    muted = "[...document.querySelectorAll('#panels video')].map(v => v.muted)"
    assert browser.run(muted) == [False, True]
    press(browser, "2")
    assert browser.run(muted) == [True, False]
    assert browser.run(STATUS) == "Ovi is heard"
    heard = "[...document.querySelectorAll('.hear')].map(b => b.getAttribute('aria-pressed'))"
    assert browser.run(heard) == ["false", "true"]
    press(browser, "0")
    assert browser.run(muted) == [True, True]
    browser.run("document.querySelectorAll('.hear')[0].click()")
    assert browser.run(muted) == [False, True]
    press(browser, "[")
    assert browser.run("document.getElementById('rate').value") == "0.75"
    press(browser, " ")
    browser.wait("document.getElementById('play').getAttribute('aria-label') === 'Pause'")
    rates = browser.run("[...document.querySelectorAll('#panels video')].map(v => v.playbackRate)")
    assert rates == pytest.approx([0.75, 0.75], rel=0.31)
    press(browser, "k")
    browser.wait("document.getElementById('play').getAttribute('aria-label') === 'Play'")
    settled(browser)


def test_keys_rest_while_the_reader_writes(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    browser.run("document.getElementById('words').focus()")
    press(browser, "2")
    press(browser, " ")
    assert browser.run("document.querySelectorAll('#panels video')[0].muted") is False
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "Play"


def test_clips_play_again_when_asked_and_stop_at_the_end_when_not(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR, t=4.2)
    browser.run("document.getElementById('play').click()")
    browser.wait("document.getElementById('play').dataset.state === 'playing'")
    browser.wait("document.getElementById('play').dataset.state === 'paused'", seconds=20)
    assert min(browser.run(TIMES)) > 4.7
    browser.run("document.getElementById('loop').click(); document.getElementById('play').click()")
    assert usually_apart(browser, "times.every(t => t > 0.5 && t < 2)") <= FRAME
    press(browser, "End")
    assert usually_apart(browser, "times.every(t => t > 0.5 && t < 2)") <= FRAME
    press(browser, "k")


def test_a_press_in_the_curves_seeks_and_the_cursor_follows(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    assert browser.run("document.querySelectorAll('.track svg path.mouth').length") == 2
    assert browser.run("document.querySelectorAll('.track svg path.sound').length") == 2
    x, y = browser.run(
        "(s => { s.scrollIntoView({block: 'center', behavior: 'instant'}); const b = s.getBoundingClientRect();"
        " return [b.left + b.width / 2, b.top + b.height / 2]; })(document.querySelector('.track svg'))"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    browser.wait(f"{TIMES}.every(t => Math.abs(t - 2.5) < 0.06)")
    cursors = "[...document.querySelectorAll('.track .now')].map(l => Number(l.getAttribute('x1')))"
    browser.wait(f"{cursors}.every(x => Math.abs(x - 500) < 8)")  # drawn in the frame after the seek


def test_samples_turn_and_filters_and_differences_choose_them(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    count = "document.getElementById('list-count').textContent"
    assert browser.run(count) == "12 of 12 samples"
    assert browser.run("document.getElementById('sample-back').disabled")
    press(browser, "n")
    browser.wait(f"{SAMPLE} === 'portrait_001' && {READY}")
    press(browser, "p")
    browser.wait(f"{SAMPLE} === 'portrait_000'")
    labels = browser.run("[...document.querySelectorAll('#facts label')].map(l => l.textContent)")
    assert labels == ["domain", "emotion", "identity"]
    choose = (
        "(s => {{ s.value = [...s.options].find(o => o.text === {1!r}).value;"
        " s.dispatchEvent(new Event('change')); }})(document.querySelectorAll('#facts select')[{0}])"
    )
    browser.run(choose.format(1, "happy"))
    assert browser.run(count) == "4 of 12 samples"
    browser.wait(f"{SAMPLE} === 'portrait_001'")
    browser.run(choose.format(0, "anime"))
    assert browser.run(count) == "2 of 12 samples"
    browser.run("document.getElementById('choices').reset()")
    browser.wait(f"{count} === '12 of 12 samples'")
    browser.run(
        "(s => { s.value = [...s.options].find(o => o.text.startsWith('confidence')).value;"
        " s.dispatchEvent(new Event('change')); })(document.getElementById('order'))"
    )
    gaps = browser.run("[...document.querySelectorAll('#sample-list .gap')].map(g => Number(g.textContent))")
    assert len(gaps) > 5
    assert gaps == sorted(gaps, reverse=True)
    first = "document.querySelector('#sample-list bdi').textContent"
    browser.wait(f"{SAMPLE} === {first}")
    settled(browser)


def test_an_address_brings_back_the_view(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    press(browser, "n")
    browser.wait(f"{SAMPLE} === 'portrait_001' && {READY}")
    press(browser, "2")
    for _ in range(5):
        press(browser, ".")
        time.sleep(0.15)
    browser.wait(f"{READY} && document.getElementById('frame').textContent === 'frame 5'")
    browser.run(
        "(s => { s.value = '0.5'; s.dispatchEvent(new Event('change')); })(document.getElementById('rate'))"
    )
    address = browser.run("location.href")
    browser.call("Page.navigate", url="about:blank")
    browser.call("Page.navigate", url=address)
    browser.wait("location.pathname.endsWith('compare.html') && document.readyState === 'complete'")
    browser.wait(f"{READY} && document.getElementById('frame').textContent === 'frame 5'")
    assert browser.run(SAMPLE) == "portrait_001"
    assert browser.run("[...document.querySelectorAll('#panels video')].map(v => v.muted)") == [True, False]
    assert browser.run("document.getElementById('rate').value") == "0.5"


def test_two_to_four_systems_are_chosen_and_a_lost_clip_says_why(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, **PAIR)
    boxes = "[...document.querySelectorAll('#systems input')]"
    for number in range(6):
        browser.run(f"(b => {{ if (!b.checked && !b.disabled) b.click(); }})({boxes}[{number}])")
    browser.wait("document.querySelectorAll('#panels .panel').length === 4")
    assert browser.run(f"{boxes}.filter(b => b.checked).length") == 4
    assert browser.run(f"{boxes}.filter(b => b.disabled).length") == 2
    open_player(browser, judged, sample="portrait_001", system=["UniVerse-1", "Ovi", "UniAVGen"])
    assert (
        browser.run("document.querySelector('.panel .broken').textContent") == "not_generated: no file for it"
    )
    assert browser.run("document.querySelector('.panel .hear').disabled")
    assert browser.run("document.querySelectorAll('#panels video')[0].muted") is False
    settled(browser)


def test_the_player_fits_a_phone(browser: Browser, judged: Path) -> None:
    open_player(browser, judged, width=390, **FOUR)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    small = browser.run(
        "[...document.querySelectorAll('.transport button, .hear, .sample-turn button')]"
        ".filter(b => b.getBoundingClientRect().height < 36).map(b => b.id || b.textContent)"
    )
    assert small == []


def test_hostile_names_play_side_by_side(browser: Browser, report: Path) -> None:
    browser.open(report / "compare.html")
    browser.wait(READY)
    names = browser.run("[...document.querySelectorAll('#sample-list bdi')].map(b => b.textContent)")
    hostile = next(i for i, name in enumerate(names) if name.startswith("</script>"))
    browser.run(f"document.querySelectorAll('#sample-list button')[{hostile}].click()")
    browser.wait(f"{SAMPLE} === {json.dumps(names[hostile])} && {READY}")
    assert browser.run("document.querySelectorAll('img').length") == 0
    settled(browser)


@pytest.mark.parametrize("plan", [FakeRun(samples=0), FakeRun(samples=2, metrics=(), hostile=False)])
def test_odd_runs_open_in_the_player(browser: Browser, tmp_path: Path, plan: FakeRun) -> None:
    browser.open(build_report(write_run(tmp_path / "run", plan)).with_name("compare.html"))
    time.sleep(0.6)
    settled(browser)
