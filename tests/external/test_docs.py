"""The pages of the systems are those that the package writes."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.systems.external.command import CommandOptions
from uniavgen_bench.systems.external.docs import pages
from uniavgen_bench.systems.external.docs_how import OPTIONS_OF_COMMAND, example_options, own_options

FOLDER = Path(__file__).parents[2] / "docs" / "systems"


def test_pages_are_up_to_date() -> None:
    written = dict(pages())
    stale = [name for name, text in written.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not stale, "run python -m uniavgen_bench.systems.external.docs docs/systems"
    assert {p.name for p in FOLDER.glob("*.md")} == set(written)


def test_overview_has_every_option_of_command_with_an_example_that_is_taken() -> None:
    assert set(OPTIONS_OF_COMMAND) == own_options()
    options = CommandOptions.model_validate(example_options())
    assert options.files and options.clip == "out/*.mp4"
    text = dict(pages())["README.md"]
    assert all(f"| `{name}` |" in text for name in own_options())
