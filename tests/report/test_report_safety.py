"""The report's pages: inert names, nothing from outside, links that lead somewhere, names for every control."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from report.fake_run import HOSTILE_NAMES, SYSTEMS, FakeRun, write_run
from report.pages import Page, parse
from uniavgen_bench.report import build
from uniavgen_bench.report.build import build_report

OURS = {path.name for path in Path(build.__file__).with_name("assets").glob("*.js")} | {"run.js"}


TAGS = """
html head meta title link script body template a header p h1 h2 h3 h4 nav main section ul li ol div
label select table thead tbody tr th td span svg line rect article noscript button dl dt dd bdi code
form input option footer video figure blockquote figcaption details summary colgroup col pre strong
del ins em img wbr circle tfoot path fieldset legend kbd blockquote text
"""
ALLOWED_TAGS = frozenset(TAGS.split())


SCRIPTED = re.compile(r"(\.\./)?(compare\.html#sample=|index\.html#clips\?)")
"""Addresses whose `#` part a script reads; the tests in a browser follow them."""


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


def test_names_come_back_from_the_data_unchanged(data: dict[str, Any]) -> None:
    samples = set(data["run"]["samples"]["id"])
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


def test_links_and_media_lead_to_files(run: Path, pages: dict[str, Page], data: dict[str, Any]) -> None:
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
    posters = [p for p in data["run"]["clips"]["poster"] if p]
    assert len(posters) == 70
    assert all((run / "report" / unquote(p)).is_file() for p in posters)


def test_in_page_links_have_targets(pages: dict[str, Page]) -> None:
    ids = {name: {a["id"] for _, a in page.elements if "id" in a} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.all("a"):
            address, _, target = link.get("href", "").partition("#")
            if target and link.get("class") != "source" and not SCRIPTED.match(link["href"]):
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


def test_source_links_are_only_where_sources_are(pages: dict[str, Page]) -> None:
    links = [a["href"] for a in pages["method.html"].all("a") if a.get("class") == "source"]
    assert sorted(links) == ["https://example.org/lipsync-paper", "https://example.org/whisper/tiny.en?x="]
    assert "javascript:alert(1)" in pages["method.html"].text
