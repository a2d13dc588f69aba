"""Every problem in a user's text names its file, its line, and its key or column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.located import parse_yaml, read_text, validate
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.core.tables import read_rows


class Inner(Frozen):
    milliseconds: float = 0.0


class Outer(Frozen):
    name: str
    inner: Inner = Inner()
    many: list[Inner] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a\nnmae: b\n", 2, ["nmae", "'name'"]),
        ("name: a\ninner:\n  milisecond: 3\n", 3, ["inner.milisecond", "'milliseconds'"]),
        (
            "name: a\nmany:\n  - milliseconds: 1\n  - milliseconds: loud\n",
            4,
            ["many.1.milliseconds", "'loud'"],
        ),
        ("inner: {}\n", 1, ["name", "is required"]),
        ("name: a\nname: b\n", 2, ["given twice"]),
        ("name: [1\n", 2, ["file.yaml"]),
        ("name: !!python/object:os.system x\n", 1, ["file.yaml"]),
        ("- a\n- b\n", 1, ["keys and values"]),
        ("", None, ["keys and values"]),
        ("? [a, b]\n: c\n", 1, ["plain word"]),
        ("a: &x\n  b: *x\n", None, ["alias"]),
        ("name: 2020-13-01\n", 1, ["is not a value"]),
    ],
)
def test_yaml_problem_names_line_and_key(text: str, line: int | None, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        validate(Outer, parse_yaml(text, "file.yaml"))
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    if line is not None:
        assert f"file.yaml:{line}" in message


def test_place_inside_a_block_names_the_whole_path() -> None:
    located = parse_yaml("name: a\ninner:\n  extra: 1\n", "f.yaml").inside("inner")
    with pytest.raises(InputError, match=r"f\.yaml:3: inner\.extra: unknown key"):
        validate(Inner, located)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"clip,clip\n", "a.csv:1: clip: the column stands twice"),
        ("a.csv", b"clip,system\nx.mp4\n", "a.csv:2: the row has 1 cells, the header 2"),
        ("a.csv", b"clip\n\n\nx\xff.mp4\n", "a.csv:4: is not UTF-8"),
        ("a.csv", b'clip\n"x\n', "is not a table"),
        ("a.jsonl", b'{"clip": "a"}\n{bad\n', "a.jsonl:2: is not JSON"),
        ("a.jsonl", b'{"clip": "a"}\n[1]\n', "a.jsonl:2: must be an object"),
        ("a.xlsx", b"PK", "unknown ending"),
    ],
)
def test_table_problem_names_line(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_rows(path)
    assert expected in str(caught.value)


def test_missing_file_names_the_most_similar_one(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("clip\n")
    with pytest.raises(InputError, match=r"did you mean 'clips\.csv'"):
        read_text(tmp_path / "clip.csv")


def test_line_of_a_row_counts_line_breaks_in_quoted_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('clip,prompt\na.mp4,"two\nlines"\nb.mp4,one\n')
    assert [row.line for row in read_rows(path)[1]] == [2, 4]


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text(min_size=1), min_size=1), min_size=1, max_size=5)
)
def test_jsonl_round_trip_keeps_every_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [dict(row.cells) for row in read_rows(path)[1]] == rows


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused_in_one_line(text: str) -> None:
    try:
        validate(Outer, parse_yaml(text, "f.yaml"))
    except InputError as error:
        assert "\n" not in str(error)


def test_a_number_for_a_text_and_a_text_for_a_list_are_told_with_an_example() -> None:
    class Shape(Frozen):
        env: dict[str, str] = Field(default_factory=dict)
        words: tuple[str, ...] = ()

    with pytest.raises(InputError, match=r"env\.X: must be a text, got 1 \(put it in quotes: '\"1\"'\)"):
        validate(Shape, parse_yaml("env: {X: 1}", "s.yaml"))
    with pytest.raises(InputError, match=r"words: must be a list, got 'a' \(for example \[a\]\)"):
        validate(Shape, parse_yaml("words: a", "s.yaml"))
