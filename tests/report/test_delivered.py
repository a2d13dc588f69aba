"""What systems delivered: a row for each, rows and logs for each clip, and nothing of it but text."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import uniavgen_bench.report.run_data as run_data
from report.browser import Browser, settled
from report.fake_large import write_large
from report.fake_run import HOSTILE, FakeRun, write_run
from report.pages import Page, parse
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.delivered import DeliveredRow, delivered_rows, kinds, summed
from uniavgen_bench.report.run_data import read_run

FACTS = {
    "width": 64, "height": 48, "fps": 24.0, "video_codec": "hevc", "video_seconds": 5.0,
    "audio_codec": "aac", "audio_rate": 16_000, "audio_seconds": 5.01, "level_db": -17.04,
}  # fmt: skip


def beside(root: Path, record: ClipRecord, **more: Any) -> None:
    """Write what a run keeps beside a made clip."""
    content = {
        "key": "0",
        "sha256": record.sha256,
        "delivered": FACTS,
        "departures": [],
        "inputs": [],
        **more,
    }
    write_json(
        root / "clips" / slug(record.system) / slug(record.sample.id) / f"{record.repeat}.json", content
    )


def job(root: Path, folder: str, *records: ClipRecord, system: str) -> str:
    """Write the files of a job and return its log, relative to the run."""
    path = f"jobs/{slug(system)}/{folder}"
    items = {f"c{i}": {"sample": r.sample.id, "repeat": r.repeat, "seed": 1} for i, r in enumerate(records)}
    write_json(root / path / "command.json", {"arguments": [], "items": items})
    write_atomic(root / path / "log.txt", b"a log\n")
    return f"{path}/log.txt"


def records_of(root: Path, system: str) -> list[ClipRecord]:
    return [r for r in RunDirectory(root).clips() if r.system == system]


def row_of(root: Path, system: str) -> DeliveredRow:
    return next(row for row in delivered_rows(read_run(root)) if row.system == system)


def page_of(report: Path, record: ClipRecord) -> Page:
    return parse(report / "clips" / f"{slug(f'{record.system}/{record.sample.id}/{record.repeat}')}.html")


def set_problem(root: Path, wanted: ClipRecord, problem: str) -> None:
    lines = [
        r.model_copy(update={"problem": problem, "sha256": None, "media": None, "poster": None})
        if (r.system, r.sample.id) == (wanted.system, wanted.sample.id)
        else r
        for r in RunDirectory(root).clips()
    ]
    write_atomic(root / "clips.jsonl", "".join(f"{r.model_dump_json()}\n" for r in lines).encode())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", FakeRun(samples=4, media=False, evidence=False))


def test_a_row_counts_what_departed_and_says_that_nothing_was_changed(root: Path) -> None:
    clips = records_of(root, "UniAVGen")
    seconds = ["0.040", "0.200"]
    for i, record in enumerate(clips):
        odd = [f"its sound is {seconds[i]} s longer than the given one"] if i < 2 else []
        level = None if i == 3 else -17.0 - i
        beside(
            root,
            record,
            departures=odd,
            delivered={**FACTS, "level_db": level},
            inputs=["the image was written as PNG"],
        )
    row = row_of(root, "UniAVGen")
    assert (row.there, row.attempted, row.departed, row.compared) == (4, 4, 2, 4)
    assert row.departures == ("its sound is 0.040 to 0.200 s longer than the given one (2)",)
    assert row.handling == (
        "nothing was resampled, cut or padded: scored as delivered", "input: the image was written as PNG (4)",
    )  # fmt: skip
    assert (row.video_codec, row.audio_codec, row.level) == ("hevc", "aac", "-19.0 to -17.0 dB, 1 silent")
    assert (row.fps, row.size, row.audio_rate, row.length) == ("25", "192 × 144", "16 kHz", "2.00 s")


def test_a_clip_that_is_not_the_delivered_file_is_never_called_untouched(root: Path) -> None:
    first, *others = records_of(root, "UniAVGen")
    beside(root, first, sha256="0" * 64)
    for record in others[:-1]:
        beside(root, record)
    row = row_of(root, "UniAVGen")
    assert row.handling == (
        "2 of 3 clips: nothing was resampled, cut or padded", "1 scored clips are not the file that was delivered",
        "of 1 clips it is not recorded",
    )  # fmt: skip
    report = build_report(root).parent
    assert "the scored file is not the one that was delivered" in page_of(report, first).text
    assert "nothing was resampled, cut or padded" not in page_of(report, first).text


def test_what_was_not_recorded_is_said_to_be_so(root: Path) -> None:
    row = row_of(root, "UniAVGen")
    assert (row.departed, row.departures, row.handling) == (None, (), ())
    assert (row.video_codec, row.audio_codec, row.level) == (
        "codec not recorded",
        "codec not recorded",
        "level not recorded",
    )
    manifest = json.loads((root / "manifest.json").read_text())
    manifest["media"] = {"UniAVGen": "4 clips: 25 fps; scored as they are, metrics resample in memory"}
    write_json(root / "manifest.json", manifest)
    assert row_of(root, "UniAVGen").handling == ("scored as they are, metrics resample in memory",)


def test_controls_have_no_row_and_other_systems_have_one_each(root: Path) -> None:
    run = read_run(root)
    shown = [row.system for row in delivered_rows(run)]
    assert shown == [s.label or s.id for s in run.systems if s.role.value == "system"]
    text = parse(build_report(root).parent / "method.html").text
    assert text.count("level not recorded") == len(shown)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"delivered": 3}', b"\xff", b'{"delivered": {"width": "wide"}}']
)
def test_a_damaged_file_beside_a_clip_is_left_aside(root: Path, content: bytes) -> None:
    record = records_of(root, "UniAVGen")[0]
    write_atomic(root / "clips" / slug(record.system) / slug(record.sample.id) / "0.json", content)
    write_atomic(root / "jobs" / slug(record.system) / "0000" / "command.json", content)
    write_atomic(root / "jobs" / slug(record.system) / "0000" / "log.txt", b"")
    assert row_of(root, "UniAVGen").departed is None
    assert "What was delivered" not in page_of(build_report(root).parent, record).text


def test_a_clips_page_says_what_it_is_and_links_the_log_of_its_last_job(root: Path) -> None:
    record, other = records_of(root, "UniAVGen")[0], records_of(root, "UniAVGen")[2]
    beside(
        root,
        record,
        departures=["64x48, not the 512x512 asked for"],
        speech={"inputs": ["the voice was resampled"]},
    )
    job(root, "0009", record, other, system="UniAVGen")
    log = job(root, "0010", record, system="UniAVGen")
    report = build_report(root).parent
    page = page_of(report, record)
    for text in (
        "64 × 48, hevc, 24 fps, 5.000 s", "aac 16000 Hz, 5.010 s", "-17.0 dB of full scale (RMS)",
        "64x48, not the 512x512 asked for", "nothing was resampled, cut or padded", "speech: the voice was resampled",
        log,
    ):  # fmt: skip
        assert text in page.text
    links = [a["href"] for a in page.all("a") if a["href"].endswith("log.txt")]
    assert links == [f"../../{log}"] and (report / "clips" / unquote(links[0])).resolve().is_file()
    assert "0009" in page_of(report, other).text


def test_both_stages_of_a_cascade_have_their_log(root: Path) -> None:
    record = records_of(root, "F5-TTS → OmniAvatar")[0]
    logs = [job(root, f"{stage}/0000", record, system=record.system) for stage in ("speech", "video")]
    page = page_of(build_report(root).parent, record)
    assert [a["href"] for a in page.all("a") if a["href"].endswith("log.txt")] == [
        f"../../{log}" for log in logs
    ]


def test_a_missing_clip_has_its_log_on_the_page_of_failures_and_on_its_own(root: Path) -> None:
    record = records_of(root, "UniAVGen")[0]
    log = job(root, "0003", record, system="UniAVGen")
    job(root, "0004", record, system="UniAVGen")
    set_problem(root, record, f"crashed: it ended with status 1: no memory; log: {log}")
    report = build_report(root).parent
    failures = parse(report / "failures.html")
    assert f"../{log}" in [a["href"] for a in failures.all("a")]
    assert failures.text.count(log) == 1 and "no memory" in failures.text
    page = page_of(report, record)
    assert f"../../{log}" in [a["href"] for a in page.all("a")] and "The job" in page.text


@pytest.mark.parametrize(
    "named", ["jobs/../../secret/log.txt", "jobs/absent/0000/log.txt", f"jobs/{HOSTILE}/log.txt"]
)
def test_a_reason_cannot_make_a_link_that_leads_elsewhere(root: Path, named: str) -> None:
    write_atomic(root.parent / "secret" / "log.txt", b"secret")
    record = records_of(root, "UniAVGen")[0]
    set_problem(root, record, f"crashed: log: {named}")
    report = build_report(root).parent
    for page in (parse(report / "failures.html"), page_of(report, record)):
        assert not [a for a in page.all("a") if "log.txt" in a["href"]]
        assert not page.all("img")


def test_hostile_values_stay_text(root: Path) -> None:
    record = records_of(root, "UniAVGen")[0]
    facts = {**FACTS, "video_codec": HOSTILE, "audio_codec": "javascript:alert(1)"}
    beside(root, record, delivered=facts, departures=[f"{HOSTILE} /home/somebody/x.mp4"], inputs=[HOSTILE])
    report = build_report(root).parent
    for page in (parse(report / "method.html"), page_of(report, record)):
        assert HOSTILE in page.text and "/home/" not in page.text
        assert not page.all("img") and not [a for a in page.all("a") if a["href"].startswith("javascript")]
        assert all(
            s.get("type") == "application/json" or s["src"].endswith(".js") for s in page.all("script")
        )


def test_many_kinds_and_many_sentences_are_counted_not_listed() -> None:
    assert kinds(["a", "b", "b", None, "c", "d", "e"]) == "b / a / c and 2 more"
    assert kinds([]) == "none"
    found = summed([*["same"] * 3, *(f"kind {i}" for i in range(9))])
    assert found[0] == "same (3)" and found[-1] == "and 6 other kinds" and len(found) == 5


def test_a_large_run_shows_the_same_in_its_one_page(browser: Browser, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_data, "LARGE", 3)
        root = write_run(tmp_path / "run", FakeRun(samples=2, media=False, evidence=False, hostile=False))
        record = records_of(root, "UniAVGen")[0]
        beside(root, record, departures=[HOSTILE])
        log = job(root, "0000", record, system="UniAVGen")
        report = build_report(root).parent
    address = f"{(report / 'clip.html').resolve().as_uri()}#{slug(f'UniAVGen/{record.sample.id}/0')}"
    browser.open(report / "method.html")
    browser.problems.clear()
    browser.call("Page.navigate", url=address)
    browser.wait("document.querySelector('.job-log a')")
    assert browser.run("document.querySelector('.job-log a').getAttribute('href')") == f"../{log}"
    text = browser.run("document.getElementById('about').innerText")
    assert "64 × 48, hevc, 24 fps" in text and HOSTILE in text
    assert browser.run("document.querySelectorAll('main img').length") == 0
    settled(browser)


def test_twenty_eight_systems_and_ten_thousand_clips_are_rows_of_sums(tmp_path: Path) -> None:
    root = write_large(tmp_path / "run", 360, systems=28, metrics=1)
    lines = (root / "clips.jsonl").read_text().replace('"sha256":null', '"sha256":"0"')
    write_atomic(root / "clips.jsonl", lines.encode())
    for i, record in enumerate(records_of(root, "sys3")):
        beside(root, record, departures=[f"its sound is {i / 1000:.3f} s longer than the given one"])
    run = read_run(root)
    assert len(run.grid.system) > 10_000 and run.large
    started = time.monotonic()
    rows = delivered_rows(run)
    assert time.monotonic() - started < 10
    assert len(rows) == 28 and sum(row.there for row in rows) == 28 * 360
    assert rows[3].departures == ("its sound is 0.000 to 0.359 s longer than the given one (360)",)


def test_first_page_hints_at_what_was_delivered_when_rows_differ_in_rate_or_length(root: Path) -> None:
    hint = "method.html#delivered"
    build_report(root)
    assert hint not in (root / "report" / "index.html").read_text()
    lines = [
        r.model_copy(update={"fps": 16.0, "duration": 5.0}) if r.system == "UniAVGen" else r
        for r in RunDirectory(root).clips()
    ]
    write_atomic(root / "clips.jsonl", "".join(f"{r.model_dump_json()}\n" for r in lines).encode())
    build_report(root)
    text = (root / "report" / "index.html").read_text()
    assert hint in text and "frame rate (16, 25 fps) and length (medians of 2.0 to 5.0 s)" in text
