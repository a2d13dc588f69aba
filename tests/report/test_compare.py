"""Runs beside each other: what is compared is the same thing, and everything else is refused in one clear line."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from report.browser import Browser, settled
from report.fake_run import HOSTILE, LIPSYNC, METRICS, SYSTEMS, WER, FakeRun, write_run
from report.pages import parse
from uniavgen_bench.api import Run
from uniavgen_bench.api import compare as compare_in_python
from uniavgen_bench.cli import app
from uniavgen_bench.core.comparison import Verdict
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.compare import CompareOptions, compare_runs
from uniavgen_bench.report.comparison import Comparison

TWO = (SystemInfo(id="old", use="precomputed"), SystemInfo(id="new", use="precomputed"))
PLAIN = FakeRun(
    samples=16, systems=TWO + SYSTEMS[4:], missing=0.0, hostile=False, media=False, evidence=False
)
LEVEL = "lipsync.mouth_audio.confidence"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "before", PLAIN)


@pytest.fixture(scope="module")
def two_reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs with hostile names and their reports; one system of the second is worse in lip sync."""
    folder = tmp_path_factory.mktemp("two runs")
    one = write_run(folder / "one & <b>", FakeRun(samples=18, systems=TWO, missing=0.0, evidence=False))
    two = changed(one, folder / "two #?", "new", lowered(0.2), LIPSYNC.name)
    build_report(one)
    build_report(two)
    return one, two


def changed(
    run: Path, to: Path, system: str, change: Callable[[pd.DataFrame], pd.DataFrame], metric: str = ""
) -> Path:
    """Copy a run in which a system's clips are other ones, with the scores that `change` makes of the old."""
    shutil.copytree(run, to)
    table = pd.read_parquet(to / "scores.parquet")
    rows = (table["system"] == system) & (table["metric"].str.startswith(metric))
    table.loc[rows] = change(table.loc[rows].copy())
    write_table(to, table)
    edit_clips(
        to, lambda c: {**c, "sha256": sha256_bytes(c["sha256"].encode())} if c["system"] == system else c
    )
    return to


def write_table(run: Path, table: pd.DataFrame) -> None:
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    (run / "scores.parquet").write_bytes(buffer.getvalue())


def edit_clips(run: Path, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    clips = [edit(json.loads(line)) for line in (run / "clips.jsonl").read_text().splitlines()]
    (run / "clips.jsonl").write_text("".join(json.dumps(clip) + "\n" for clip in clips if clip))


def edit_manifest(run: Path, **changes: Any) -> Path:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    return run


def lowered(by: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        wiggle = 0.01 * np.random.default_rng(3).standard_normal(len(rows))
        here = rows["field"] == "confidence"
        rows.loc[here, "value"] = (rows["value"] - by + wiggle)[here]
        return rows

    return change


def only(run: Path, to: Path, keep: Callable[[str], bool]) -> Path:
    """Copy a run with the samples that are to be kept."""
    shutil.copytree(run, to)
    table = pd.read_parquet(to / "scores.parquet")
    write_table(to, table[table["sample"].map(keep)])
    edit_clips(to, lambda clip: clip if keep(clip["sample"]["id"]) else None)
    return to


def result_of(found: Comparison, system: str, field: str) -> Any:
    (one,) = (
        c.result
        for c in found.compared
        if (c.system, f"{c.result.metric}.{c.result.field}") == (system, field)
    )
    return one


def test_planted_regression_is_seen_and_its_samples_are_named(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path / "after", "new", lowered(0.2), LIPSYNC.name)
    found = compare_runs([before, after])
    worse = result_of(found, "new", f"{LIPSYNC.name}.confidence")
    assert worse.verdict is Verdict.WORSE and worse.pairs == 16
    assert worse.difference.value == pytest.approx(-0.2, abs=0.02) and worse.p_adjusted < 0.05
    falling = [m for m in found.movers if m.field == "confidence"]
    assert len(falling) == 5 and all(m.gain < 0 and m.after < m.before for m in falling)
    assert [m.gain for m in falling] == sorted(m.gain for m in falling)
    assert all(c.system == "new" for c in found.compared)
    assert {u.system for u in found.unchanged} == {"old", "ground-truth", "shuffled-audio"}


def test_runs_that_are_the_same_have_nothing_to_test(before: Path, tmp_path: Path) -> None:
    again = shutil.copytree(before, tmp_path / "again")
    found = compare_runs([before, again])
    assert not found.compared and not found.movers and not found.left_out and found.family == 0
    assert len(found.unchanged) == len(PLAIN.systems)


def test_swapping_the_runs_turns_every_sign(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path / "after", "new", lowered(0.05), LIPSYNC.name)
    there, back = compare_runs([before, after]), compare_runs([after, before])
    for one, other in zip(there.compared, back.compared, strict=True):
        ahead, behind = one.result.difference, other.result.difference
        assert (ahead is None) == (behind is None)
        assert ahead is None or behind is None or ahead.value == pytest.approx(-behind.value)
        assert one.result.p == pytest.approx(other.result.p, abs=1e-9)


def test_same_clips_with_other_scores_mean_that_the_measuring_changed(before: Path, tmp_path: Path) -> None:
    after = shutil.copytree(before, tmp_path / "after")
    table = pd.read_parquet(after / "scores.parquet")
    rows = (table["system"] == "ground-truth") & (table["field"] == "wer")
    table.loc[rows, "value"] += 0.05
    write_table(after, table)
    found = compare_runs([before, after])
    count = int(table.loc[rows, "value"].notna().sum())
    expected = (
        f"caution: {count} clips of ground-truth are the same in both runs and have another speech.wer@1 wer"
    )
    assert any(note.startswith(expected) for note in found.notes)
    assert "ground-truth" not in {u.system for u in found.unchanged}


def test_a_score_that_is_lost_is_named_with_its_reason_and_never_helps(before: Path, tmp_path: Path) -> None:
    def lose_the_worst(rows: pd.DataFrame) -> pd.DataFrame:
        worst = rows.loc[rows["field"] == "wer", "value"].nlargest(3).index
        rows.loc[worst, "value"], rows.loc[worst, "reason"] = np.nan, "no_speech: silent"
        return rows

    after = changed(before, tmp_path / "after", "new", lose_the_worst, WER.name)
    found = compare_runs([before, after])
    lost = [entry for entry in found.lost if entry.lost]
    assert {entry.reason for entry in lost} == {"no_speech: silent"} and len(lost) == 3
    wer = result_of(found, "new", f"{WER.name}.wer")
    assert wer.only_baseline == 3 and wer.verdict is not Verdict.BETTER


def test_controls_are_a_family_of_their_own(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path / "a", "new", lowered(0.05), LIPSYNC.name)
    both = changed(after, tmp_path / "b", "shuffled-audio", lowered(0.0), LIPSYNC.name)
    alone, beside = compare_runs([before, after]), compare_runs([before, both])
    key = ("new", f"{LIPSYNC.name}.confidence")
    assert alone.family == beside.family == len(METRICS)
    assert result_of(alone, *key).p_adjusted == result_of(beside, *key).p_adjusted


def test_several_runs_are_compared_with_the_first_and_corrected_together(
    before: Path, tmp_path: Path
) -> None:
    one = changed(before, tmp_path / "one", "new", lowered(0.2), LIPSYNC.name)
    two = changed(before, tmp_path / "two", "new", lowered(-0.2), LIPSYNC.name)
    found = compare_runs([before, one, two], CompareOptions(fields=(LEVEL,)))
    assert [(c.run, c.result.verdict) for c in found.compared] == [
        ("one", Verdict.WORSE),
        ("two", Verdict.BETTER),
    ]
    assert found.family == 2


def test_systems_of_other_names_are_compared_when_the_user_says_so(before: Path, tmp_path: Path) -> None:
    found = compare_runs(
        [before, shutil.copytree(before, tmp_path / "b")], CompareOptions(systems=("old=new",))
    )
    assert {(c.baseline, c.system) for c in found.compared} == {("old", "new")}
    for bad, expected in (("old=ne", "system of b 'ne'.*'new'"), ("ol=new", "system of before 'ol'")):
        with pytest.raises(InputError, match=expected):
            compare_runs([before, tmp_path / "b"], CompareOptions(systems=(bad,)))
    with pytest.raises(InputError, match="names 'new' twice"):
        compare_runs([before, tmp_path / "b"], CompareOptions(systems=("new=new", "old=new")))


def test_other_samples_are_refused_with_counts_and_common_ones_compared_on_request(
    before: Path, tmp_path: Path
) -> None:
    fewer = only(before, tmp_path / "fewer", lambda name: name < "portrait_012")
    with pytest.raises(InputError, match=r"16 in before, 12 in fewer, 12 of them in both \(--common"):
        compare_runs([before, fewer])
    after = changed(fewer, tmp_path / "after", "new", lowered(0.2), LIPSYNC.name)
    found = compare_runs([before, after], CompareOptions(common=True))
    assert result_of(found, "new", f"{LIPSYNC.name}.confidence").attempted == 12
    assert any(entry.what == "samples of new" for entry in found.left_out)
    none = only(before, tmp_path / "none", lambda name: name >= "portrait_012")
    with pytest.raises(InputError, match="none is in both"):
        compare_runs([fewer, none], CompareOptions(common=True))


def test_samples_of_one_name_with_other_content_are_refused_or_left_out(before: Path, tmp_path: Path) -> None:
    after = shutil.copytree(before, tmp_path / "after")

    def other_text(clip: dict[str, Any]) -> dict[str, Any]:
        if clip["sample"]["id"] == "portrait_003":
            clip["sample"]["speech"] = "something else"
        return clip

    edit_clips(after, other_text)
    with pytest.raises(
        InputError, match="the sample 'portrait_003' is not the same in both runs: speech differs"
    ):
        compare_runs([before, after])
    found = compare_runs([before, after], CompareOptions(common=True))
    assert {entry.what for entry in found.left_out} == {f"samples of {s.id}" for s in PLAIN.systems}


def other_version(manifest: dict[str, Any]) -> None:
    manifest["metrics"][0]["version"] = 2


def other_protocol(manifest: dict[str, Any]) -> None:
    manifest["metrics"][1]["protocol"] = "latentsync"


def other_unit(manifest: dict[str, Any]) -> None:
    manifest["metrics"][3]["fields"][0]["unit"] = "%"


def other_weights(manifest: dict[str, Any]) -> None:
    manifest["weights"][0]["sha256"] = "0" * 64


def no_metric(manifest: dict[str, Any]) -> None:
    del manifest["metrics"][4]


@pytest.mark.parametrize(
    ("edit", "metric", "why"),
    [
        (other_version, "lipsync.mouth_audio@1", "lipsync.mouth_audio@2.*never compared"),
        (other_protocol, "lipsync.lse[syncnet-python@1]", "never compared"),
        (other_unit, "speech.wer@1", "field wer is declared otherwise"),
        (
            other_weights,
            "timbre.reference@1",
            "weights resemblyzer differ: sha256 .* in before, 000000000000",
        ),
        (no_metric, "audio.dnsmos@1", "only before has it"),
    ],
)
def test_metric_that_is_not_the_same_is_left_out_with_the_reason(
    before: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], metric: str, why: str
) -> None:
    after = changed(before, tmp_path / "after", "new", lowered(0.1), LIPSYNC.name)
    manifest = json.loads((after / "manifest.json").read_text())
    edit(manifest)
    (after / "manifest.json").write_text(json.dumps(manifest))
    found = compare_runs([before, after])
    (entry,) = found.left_out
    assert entry.what == metric and re.search(why, entry.why)
    assert metric not in {c.result.metric for c in found.compared} and len(found.compared) == len(METRICS) - 1


@pytest.mark.parametrize(
    ("params", "code", "expected"), [({"hop": 20}, 1, "parameter hop"), ({"hop": 10}, 2, "code was repaired")]
)
def test_parameters_and_repairs_of_a_metric_come_from_the_lock(
    before: Path, tmp_path: Path, params: dict[str, int], code: int, expected: str
) -> None:
    one, two = shutil.copytree(before, tmp_path / "one"), shutil.copytree(before, tmp_path / "two")
    lock = "computed: {speech.wer@1: {code: %d, params: {hop: %d}}}\n"
    (one / "suite.lock.yaml").write_text(lock % (1, 10))
    (two / "suite.lock.yaml").write_text(lock % (code, params["hop"]))
    (entry,) = compare_runs([one, two]).left_out
    assert entry.what == "speech.wer@1" and expected in entry.why


def test_nothing_left_to_compare_is_a_refusal(before: Path, tmp_path: Path) -> None:
    after = shutil.copytree(before, tmp_path / "after")
    metrics = json.loads((after / "manifest.json").read_text())["metrics"]
    edit_manifest(after, metrics=[{**m, "version": 7} for m in metrics])
    with pytest.raises(InputError, match=r"no metric that could be compared: .*@7"):
        compare_runs([before, after])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"suite": "joint"}, "is a run of the suite 'published', .* of 'joint'"),
        ({"status": "running"}, "has not finished"),
        ({"dataset": {"name": "portraits", "world": "3"}}, "the datasets differ|of the dataset"),
        ({"metrics": []}, "is empty: it has no metrics"),
    ],
)
def test_runs_that_cannot_be_compared_are_one_line(
    before: Path, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    after = edit_manifest(shutil.copytree(before, tmp_path / "after"), **changes)
    with pytest.raises(InputError, match=expected):
        compare_runs([before, after])


def test_another_recipe_of_the_dataset_is_refused(before: Path, tmp_path: Path) -> None:
    recipe = {"name": "portraits", "split": "test", "samples": "16", "world": "3"}
    one = edit_manifest(shutil.copytree(before, tmp_path / "one"), dataset=recipe)
    two = edit_manifest(
        shutil.copytree(before, tmp_path / "two"), dataset={**recipe, "world": "4", "samples": "12"}
    )
    with pytest.raises(InputError, match="the datasets differ: world is 3 in one, 4 in two"):
        compare_runs([one, two])


def invoke(*arguments: object) -> tuple[int, str, str]:
    from uniavgen_bench.core.errors import BenchError

    done = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    if isinstance(done.exception, BenchError):
        return done.exception.exit_code, done.stdout, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_bad_input_is_one_line_status_2_and_leaves_nothing(before: Path, tmp_path: Path) -> None:
    out = tmp_path / "compare"
    empty = shutil.copytree(before, tmp_path / "empty")
    (empty / "clips.jsonl").write_text("")
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("keep me")
    damaged = shutil.copytree(before, tmp_path / "damaged")
    (damaged / "scores.parquet").write_bytes(b"no")
    other = shutil.copytree(before, tmp_path / "other")
    cases = [
        ([before], "compared with nothing"),
        ([before, before], "is given twice"),
        ([before, tmp_path / "nowhere"], "is not a run"),
        ([before, empty], "is empty: it has no clips"),
        ([before, damaged], "cannot be read"),
        ([before, other, "--fields", "speech.wer.we"], "did you mean 'speech.wer.wer'"),
        ([before, other, "--system", "ol=old"], "unknown system of before"),
    ]
    for arguments, expected in cases:
        status, _, error = invoke(*arguments, "--out", out)
        assert status == 2 and expected in error and "\n" not in error, (arguments, error)
        assert not out.exists()
    status, _, error = invoke(before, other, "--out", full)
    assert status == 2 and "something else" in error and (full / "thesis.txt").read_text() == "keep me"


def test_page_is_static_escaped_and_links_to_the_clips_of_both_runs(
    two_reports: tuple[Path, Path], tmp_path: Path
) -> None:
    status, shown, error = invoke(*two_reports, "--out", tmp_path / "compare")
    assert status == 0, error
    page = parse(tmp_path / "compare" / "index.html")
    (policy,) = (m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and not page.all("script")
    assert HOSTILE in page.text and not [a for a in page.all("img") if "onerror" in a]
    links = [a["href"] for a in page.all("a") if ".html" in a["href"]]
    assert links and len(links) % 2 == 0
    for link in links:
        path, _, _ = link.partition("#")
        assert (tmp_path / "compare" / unquote(path)).resolve().is_file(), link
    assert not any(a.get("href", "").startswith(("http", "//")) for a in page.all("link"))
    assert all(
        (tmp_path / "compare" / a["href"]).is_file() for a in page.all("link") if a["rel"] == "stylesheet"
    )
    assert "worse" in page.text and "worse" in shown
    again, _, _ = invoke(*two_reports, "--out", tmp_path / "compare")
    assert again == 0 and [p.name for p in tmp_path.iterdir()] == ["compare"]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_page_opens_in_a_browser_without_an_error_and_fits_its_window(
    browser: Browser, two_reports: tuple[Path, Path], tmp_path: Path, width: int, dark: bool
) -> None:
    compare_in_python(two_reports, out=tmp_path / "compare")
    browser.open(tmp_path / "compare" / "index.html", width=width, dark=dark)
    settled(browser)
    assert browser.run("document.documentElement.scrollWidth") <= width
    levels = browser.run("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    browser.run("document.querySelector('#samples a').click()")
    browser.wait("document.querySelector('video') && location.href.includes('/report/')")


def test_markdown_and_json_say_the_same_as_the_page(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path / "after", "new", lowered(0.2), LIPSYNC.name)
    status, shown, error = invoke(before, after, "--out", tmp_path / "compare", "--json")
    assert status == 0, error
    data = json.loads(shown)
    assert data.pop("page").endswith("index.html")
    stored = Comparison.model_validate_json((tmp_path / "compare" / "compare.json").read_bytes())
    assert stored == Comparison.model_validate(data)
    text = (tmp_path / "compare" / "compare.md").read_text()
    assert "**worse**" in text and "lost most" in text


def test_python_interface_compares_and_writes_only_when_asked(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path / "after", "new", lowered(0.2), LIPSYNC.name)
    found = compare_in_python([Run(before), after], fields=[LEVEL])
    assert [c.result.verdict for c in found.compared] == [Verdict.WORSE]
    assert not list(tmp_path.glob("compare*"))
    compare_in_python([before, after], out=tmp_path / "page")
    assert (tmp_path / "page" / "index.html").is_file()
