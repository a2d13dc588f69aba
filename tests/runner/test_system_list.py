"""`systems list`: whole names, few lines, licences, types as they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner

from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.runner.system_commands import systems_app
from uniavgen_bench.runner.system_list import type_text
from uniavgen_bench.systems.system import SystemPlugin


def test_every_name_is_whole_on_few_lines_at_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = Registry(SYSTEMS, "system", SystemPlugin).names()
    lines = CliRunner().invoke(systems_app, ["list"]).stdout.splitlines()
    assert set(names) <= {line.split()[0] for line in lines if line.strip()}
    assert len(lines) <= 3 * len(names) + 2
    ovi = next(i for i, line in enumerate(lines) if line.startswith("ovi "))
    assert "Apache-2.0" in lines[ovi + 2]


def test_options_have_types_as_they_are_written() -> None:
    rows = json.loads(CliRunner().invoke(systems_app, ["list", "--json"]).stdout)["systems"]
    texts = [text for row in rows for text in row["options"].values()]
    assert texts and not any("<class" in text or "typing." in text for text in texts)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (float, "float"), (Path | None, "path | null"), (tuple[int, ...], "list[int]"),
        (dict[str, str], "dict[str, str]"), (Literal["a", 2], '"a" | 2'), (Annotated[int, Field(ge=0)], "int"),
    ],
)  # fmt: skip
def test_types(annotation: object, expected: str) -> None:
    assert type_text(annotation) == expected
