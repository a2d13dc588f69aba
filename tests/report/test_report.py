"""The report's pages: true numbers, every reason, inert names, nothing from outside, any run however odd."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from report.fake_run import HOSTILE, HOSTILE_NAMES, METRICS, SYSTEMS, FakeRun, read, write_run
from report.pages import Page, parse
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.links import without_paths
from uniavgen_bench.stats.summary import summarise

OURS = {"theme.js", "data.js", "table.js", "distribution.js", "gallery.js", "evidence.js"}


TAGS = """
html head meta title link script body template a header p h1 h2 h3 nav main section ul li ol div
label select table thead tbody tr th td span svg line rect article noscript button dl dt dd bdi code
form input option footer video figure blockquote figcaption details summary colgroup col pre strong
del ins em img
"""
ALLOWED_TAGS = frozenset(TAGS.split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_run(tmp_path_factory.mktemp("runs") / "a run with spaces, ünicode & 'quotes'")
    build_report(root)
    return root


@pytest.fixture(scope="module")
def pages(run: Path) -> dict[str, Page]:
    folder = run / "report"
    return {str(path.relative_to(folder)): parse(path) for path in sorted(folder.rglob("*.html"))}


def test_every_clip_has_its_page(run: Path, pages: dict[str, Page]) -> None:
    records = RunDirectory(run).clips()
    assert len([name for name in pages if name.startswith("clips/")]) == len(records) == 72
    names = pages["index.html"].data["run-data"]["clips"]["page"]
    assert len(set(names)) == 72
    assert all(f"clips/{name}" in pages for name in names)


def test_means_in_the_table_are_those_of_the_scores(run: Path, pages: dict[str, Page]) -> None:
    scores = RunDirectory(run).scores()
    cells = [a["data-value"] for a in pages["index.html"].all("td") if "data-value" in a]
    expected = []
    for system in ("ground-truth", "UniAVGen", "Ovi", "UniVerse-1", "F5-TTS → OmniAvatar", "shuffled-audio"):
        for spec in METRICS:
            mine = scores[(scores.system == system) & (scores.metric == spec.name)]
            values = mine[mine.field == spec.headline.name]["value"].dropna()
            if len(values):
                expected.append(sum(values) / len(values))
    assert [float(cell) for cell in cells] == pytest.approx(expected)


def test_coverage_is_printed_for_every_cell(run: Path, pages: dict[str, Page]) -> None:
    scores, specs, clips, systems = read(run)
    text = pages["index.html"].text
    for summary in summarise(scores, specs, clips, systems=systems):
        if summary.headline:
            assert f"{summary.scored} of {summary.attempted}" in text


def test_gallery_data_hold_every_score_and_every_reason(run: Path, pages: dict[str, Page]) -> None:
    data = pages["index.html"].data["run-data"]
    scores = RunDirectory(run).scores().set_index(["system", "sample", "metric", "field"])
    ids = {system.label or system.id: system.id for system in SYSTEMS}
    for column, values, missing in zip(data["columns"], data["values"], data["missing"], strict=True):
        reasons = dict(zip(missing["clips"], missing["reasons"], strict=True))
        for clip, value in enumerate(values):
            system = ids[data["systems"][data["clips"]["system"][clip]]["label"]]
            row = scores.loc[(system, data["clips"]["sample"][clip], column["metric"], column["field"])]
            if value is None:
                assert row["reason"].split(":")[0] == data["reasons"][reasons[clip]]["name"]
            else:
                assert value == pytest.approx(row["value"], rel=1e-4)
                assert clip not in reasons


def test_every_missing_value_is_on_its_clips_page_with_reason_and_detail(
    run: Path, pages: dict[str, Page]
) -> None:
    data = pages["index.html"].data["run-data"]
    systems = [system["label"] for system in data["systems"]]
    page_of = {
        (systems[data["clips"]["system"][i]], sample): pages[f"clips/{data['clips']['page'][i]}"]
        for i, sample in enumerate(data["clips"]["sample"])
    }
    absent = RunDirectory(run).scores().query("value != value")
    assert len(absent) > 100
    for row in absent.itertuples():
        text = page_of[(row.system, row.sample)].text
        reason, _, detail = str(row.reason).partition(":")
        assert reason.replace("_", " ") in text
        assert REASON_TEXT[Reason(reason)] in text
        assert " ".join(without_paths(detail).split()) in text


def test_every_reason_is_counted_on_the_first_page(run: Path, pages: dict[str, Page]) -> None:
    scores = RunDirectory(run).scores()
    text = pages["index.html"].text
    gone = scores[scores.reason != ""].assign(reason=lambda t: t.reason.str.split(":").str[0])
    counts = (
        gone.drop_duplicates(["system", "sample", "metric", "reason"]).groupby(["metric", "reason"]).size()
    )
    for (_, reason), count in counts.items():
        assert re.search(rf"\b{count} of 72 {re.escape(reason.replace('_', ' '))}", text)


def test_hostile_names_are_text_and_nothing_else(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        tags = {tag for tag, _ in page.elements}
        assert tags <= ALLOWED_TAGS, f"{name}: {tags - ALLOWED_TAGS}"
        for tag, attributes in page.elements:
            assert not [a for a in attributes if a.startswith("on")], f"{name}: {tag} {attributes}"
            assert "style" not in attributes
        for script in page.all("script"):
            assert script.get("type") == "application/json" or Path(script["src"]).name in OURS
        assert all(image["src"].endswith(".jpg") for image in page.all("img"))
    shown = " ".join(page.text for page in pages.values())
    for hostile in HOSTILE_NAMES[:3]:
        assert " ".join(hostile.split()) in shown
    assert "49{% raw %}" not in shown


def test_names_come_back_from_the_data_unchanged(pages: dict[str, Page]) -> None:
    samples = set(pages["index.html"].data["run-data"]["clips"]["sample"])
    assert set(HOSTILE_NAMES) <= samples


def test_nothing_comes_from_outside(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        policies = [
            m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policies[0]
        assert "http" not in policies[0]
        for tag, attributes in page.elements:
            for key in ("src", "href", "poster", "action", "data", "srcset"):
                address = attributes.get(key, "")
                if attributes.get("class") == "source" and key == "href":
                    assert tag == "a"
                    assert address.startswith("https://example.org/")
                    assert "noreferrer" in attributes["rel"]
                elif address != "data:,":
                    assert not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|/|\\", address), f"{name}: {tag} {address}"


def test_links_and_media_lead_to_files(run: Path, pages: dict[str, Page]) -> None:
    from urllib.parse import unquote

    seen = 0
    for name, page in pages.items():
        for tag, attributes in page.elements:
            for key in ("src", "href", "poster"):
                address = attributes.get(key, "").split("#")[0]
                if (
                    address
                    and address != "data:,"
                    and attributes.get("class") != "source"
                    and "plotly" not in address
                ):
                    target = run / "report" / Path(name).parent / unquote(address)
                    assert target.is_file(), f"{name}: {tag} {address}"
                    seen += 1
    assert seen > 500
    posters = [p for p in pages["index.html"].data["run-data"]["clips"]["poster"] if p]
    assert len(posters) == 70
    assert all((run / "report" / unquote(p)).is_file() for p in posters)


def test_in_page_links_have_targets(pages: dict[str, Page]) -> None:
    ids = {name: {a["id"] for _, a in page.elements if "id" in a} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.all("a"):
            address, _, target = link.get("href", "").partition("#")
            if target and link.get("class") != "source":
                file = (Path(name).parent / address).as_posix() if address else name
                file = "index.html" if file.endswith("index.html") else file.split("../")[-1]
                file = "method.html" if file.endswith("method.html") else file
                assert target in ids[file], f"{name}: {link['href']}"


def test_no_page_tells_of_the_machine(run: Path, tmp_path: Path) -> None:
    for path in (run / "report").rglob("*"):
        if path.suffix in {".html", ".md", ".csv"}:
            text = path.read_text(encoding="utf-8")
            assert "/home/" not in text, path.name
            assert str(run.parent) not in text, path.name


def test_accessibility_basics(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert page.all("html")[0]["lang"] == "en"
        assert len(page.all("h1")) == 1
        assert len(page.all("main")) == 1
        assert all("alt" in image for image in page.all("img"))
        assert any(a.get("class") == "skip" for a in page.all("a"))
        labels = {label["for"] for label in page.all("label")}
        assert {s["id"] for s in page.all("select")} | {i["id"] for i in page.all("input")} == labels, name
        ids = [a["id"] for _, a in page.elements if "id" in a]
        assert len(ids) == len(set(ids)), f"{name}: an id twice"
        for _, attributes in page.elements:
            if "aria-labelledby" in attributes:
                assert attributes["aria-labelledby"] in ids


def test_order_of_rows_changes_no_byte(run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other")
    scores = RunDirectory(other).scores()
    scores.sample(frac=1, random_state=3).to_parquet(other / "scores.parquet", index=False)
    lines = (other / "clips.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    (other / "clips.jsonl").write_text("".join(f"{line}\n" for line in reversed(lines)), encoding="utf-8")
    build_report(other)
    for path in (run / "report").rglob("*.*"):
        twin = other / "report" / path.relative_to(run / "report")
        assert twin.read_bytes() == path.read_bytes(), path.name


def test_a_second_report_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    root = write_run(tmp_path / "run", FakeRun(samples=3, media=False))
    build_report(root)
    (root / "report" / "clips" / "stale.html").write_text("old")
    before = sorted(p.name for p in root.iterdir())
    assert build_report(root) == root / "report" / "index.html"
    assert not (root / "report" / "clips" / "stale.html").exists()
    assert sorted(p.name for p in root.iterdir()) == before


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (FakeRun(samples=0), "holds no clips"),
        (FakeRun(samples=1, systems=SYSTEMS[:1], hostile=False), "1 clip of 1 system, on 1 sample"),
        (FakeRun(samples=4, missing=1.0, media=False, metrics=METRICS[1:3]), "has no score for any clip"),
        (FakeRun(samples=2, metrics=(), media=False), "measured with 0 metrics"),
        (FakeRun(samples=2, systems=SYSTEMS[-1:], media=False), "0 systems and 1 control"),
        (FakeRun(samples=2, status="running", media=False), "has not finished"),
    ],
    ids=["no clips", "one clip", "all missing", "no metrics", "only a control", "running"],
)
def test_odd_runs_have_a_report_that_says_what_is_odd(tmp_path: Path, plan: FakeRun, words: str) -> None:
    page = parse(build_report(write_run(tmp_path, plan)))
    assert words in page.text
    if plan.samples == 0:
        assert not [cell for cell in page.all("td") if "data-value" in cell]


def test_systems_on_different_samples_are_not_ranked(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=8, media=False, evidence=False, hostile=False))
    assert "Best mean" in parse(build_report(root)).text
    scores = RunDirectory(root).scores()
    gone = (scores.system == "Ovi") & (scores["sample"] == "portrait_004")
    scores[~gone].to_parquet(root / "scores.parquet", index=False)
    lines = (root / "clips.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not ('"system":"Ovi"' in line and "portrait_004" in line)]
    (root / "clips.jsonl").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    text = parse(build_report(root)).text
    assert "not scored on the same samples" in text
    assert "Best mean" not in text


def test_a_clip_only_in_the_scores_still_has_a_page(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=2, systems=SYSTEMS[:1], media=False, evidence=False))
    (root / "clips.jsonl").write_text("")
    build_report(root)
    assert len(list((root / "report" / "clips").iterdir())) == 2


@pytest.mark.parametrize("damage", ["{", "[{}]", '[{"metric": "m", "curves": [{"name": "x"}]}]', "\xff", "7"])
def test_damaged_evidence_is_named_on_the_clips_page(tmp_path: Path, damage: str) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, systems=SYSTEMS[:1], media=False))
    (evidence,) = (root / "evidence").rglob("*.json")
    evidence.write_bytes(damage.encode("latin-1"))
    build_report(root)
    (page,) = (root / "report" / "clips").iterdir()
    assert "the evidence file is damaged" in parse(page).text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("manifest.json", None, "not a run"),
        ("manifest.json", b'{"suite": 1}', "damaged"),
        ("scores.parquet", None, "no scores.parquet"),
        ("scores.parquet", b"PAR1 no", "cannot be read"),
        ("clips.jsonl", b'{"system": "x"}\n', "clips.jsonl:1"),
        ("clips.jsonl", b"\xff\n", "not UTF-8"),
        ("clips.jsonl", None, "no clips.jsonl"),
    ],
)
def test_a_damaged_run_is_one_clear_line(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, media=False, evidence=False))
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        build_report(root)
    assert "\n" not in str(caught.value)
    assert not (root / "report").exists()


def test_a_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, media=False, evidence=False))
    (root / "report").write_text("mine")
    with pytest.raises(BenchError, match="in the way"):
        build_report(root)
    assert (root / "report").read_text() == "mine"


def test_an_absolute_media_path_is_no_link(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, systems=SYSTEMS[:1], media=False, evidence=False))
    line = json.loads((root / "clips.jsonl").read_text(encoding="utf-8"))
    line["media"] = "/etc/clip.mp4"
    line["poster"] = "javascript:alert(1)"
    (root / "clips.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    build_report(root)
    (path,) = (root / "report" / "clips").iterdir()
    page = parse(path)
    assert not page.all("video")
    assert [image["src"] for image in page.all("img")] == ["../../javascript%3Aalert%281%29"]


def test_published_scores_and_transcripts_are_shown(pages: dict[str, Page]) -> None:
    clip = next(page for name, page in pages.items() if name.startswith("clips/uniavgen-portrait_000"))
    assert "Published by others" in clip.text
    assert "lse_c4.0" in clip.text
    assert clip.all("del")
    assert clip.all("ins")


def test_source_links_are_only_where_sources_are(pages: dict[str, Page]) -> None:
    links = [a["href"] for a in pages["method.html"].all("a") if a.get("class") == "source"]
    assert sorted(links) == ["https://example.org/lipsync-paper", "https://example.org/whisper/tiny.en?x="]
    assert "javascript:alert(1)" in pages["method.html"].text


def test_summary_files_lie_beside_the_pages(run: Path) -> None:
    table = pd.read_csv(run / "report" / "summary.csv")
    assert len(table) == len(SYSTEMS) * sum(len(spec.fields) for spec in METRICS)
    assert HOSTILE not in (run / "report" / "summary.md").read_text(encoding="utf-8")
