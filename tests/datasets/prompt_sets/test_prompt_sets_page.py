"""The documentation page is what the cards say now, and the commands print the same."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import local_copies as made
import pytest
from typer.testing import CliRunner

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.commands import dataset_app
from uniavgen_bench.datasets.prompt_sets.page import PLUGINS, page

REPOSITORY = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    assert (REPOSITORY / "docs/datasets/prompt_sets.md").read_text(encoding="utf-8") == page()


def test_every_set_is_registered_under_its_name() -> None:
    points = {point.name: point.value for point in entry_points(group="uniavgen_bench.datasets")}
    for plugin in PLUGINS:
        assert points[plugin.name].startswith("uniavgen_bench.datasets.prompt_sets.")


def test_list_names_tasks_size_licence_and_citation() -> None:
    shown = CliRunner().invoke(dataset_app, ["list"], terminal_width=200).output
    text = " ".join(shown.split())
    assert "verse-bench joint · 600 items" in text and "javisbench none of the five · 10,140 items" in text
    assert "arXiv:2503.23307" in text and "none found: all rights reserved" in text
    data = json.loads(CliRunner().invoke(dataset_app, ["list", "--json"]).output)
    assert data["datasets"]["mochabench"]["tasks"] == ["audio_driven"] and not data["broken"]
    assert data["datasets"]["folder"]["tasks"] == ["any"]


def test_show_prints_counts_by_category_of_a_local_copy(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path)
    settings = ["show", "verse-bench", "--set", f"path={root}", "--set", "sets=[set1, set3]"]
    shown = CliRunner().invoke(dataset_app, settings).output
    rows = [line.split() for line in shown.splitlines()]
    assert ["category", "samples", "image", "caption", "speech"] in rows
    assert ["set1", "3", "3", "3", "2"] in rows and ["total", "5", "5", "5", "4"] in rows
    assert "set1 3 instead of 205" in " ".join(shown.split())
    data = json.loads(CliRunner().invoke(dataset_app, [*settings, "--json"]).output)["verse-bench"]
    assert data["copy"]["categories"]["set1"] == {"samples": 3, "image": 3, "caption": 3, "speech": 2}


def test_show_without_a_copy_prints_the_card() -> None:
    shown = " ".join(CliRunner().invoke(dataset_app, ["show", "vabench"]).output.split())
    assert "https://github.com/tanABCC/VABench" in shown and "--set path=…" in shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verse-bench", "--set", "paht=x"], "--set: paht: unknown key (did you mean 'path'?)"),
        (["verse-bench", "--set", "path"], "--set: 'path' is not KEY=VALUE"),
        (["verse-bench", "--set", "path=x", "--set", "path.y=z"], "--set: path.y: leads into a plain value"),
        (["verse-bench", "--set", "path=null"], "--set: path: is not set"),
        (["vers-bench"], "unknown dataset 'vers-bench' (did you mean 'verse-bench'?)"),
    ],
)
def test_show_tells_wrong_arguments_in_one_line(arguments: list[str], expected: str) -> None:
    error = CliRunner().invoke(dataset_app, ["show", *arguments]).exception
    assert isinstance(error, InputError) and expected in str(error)
