"""One prompt from caption and spoken words, in the form that a system expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.systems.external.batch import Item
from uniavgen_bench.systems.external.template import checked_template, filled, placeholders

WORDS = ("caption", "speech")
QUOTED = '"{speech}"'
NO_VALUE = frozenset(
    {"#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-NaN", "-nan",
     "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN"}
)  # fmt: skip
"""Texts that pandas reads as a missing value (`read_csv`, `na_values`)."""


def _checked(text: str) -> str:
    return checked_template(text, WORDS)


PromptTemplate = Annotated[str, AfterValidator(_checked)]
"""A prompt with the placeholders `{caption}` and `{speech}`."""


def silent(item: Item, text: str) -> None:
    """Say nothing."""


def prompt(item: Item, template: str, note: Callable[[Item, str], None] = silent) -> str:
    """Return the prompt of an item on one line.

    Where the template puts the words to speak in double quotes, such quotes inside them become single ones, as they
    would end the speech; `note` is told so.

    Raises:
        MissingError: the template speaks, and the sample has no text to speak; or nothing is left but spaces.
    """
    sample = item.sample
    if "speech" in placeholders(template) and not sample.speech:
        raise MissingError(Reason.NO_TRANSCRIPT, "the sample has no text to speak")
    words = {"caption": sample.caption or "", "speech": sample.speech or ""}
    if QUOTED in template and '"' in words["speech"]:
        words["speech"] = words["speech"].replace('"', "'")
        note(
            item,
            "double quotes inside the words to speak were written as single ones, as the prompt quotes them",
        )
    text = " ".join(filled(template, words.__getitem__).split())
    if not text:
        raise MissingError(
            Reason.NO_REFERENCE, "the sample has no caption and so no prompt; options.prompt can give a text"
        )
    return text


def caption(item: Item) -> str:
    """Return the caption of an item on one line; empty when it has none."""
    return " ".join((item.sample.caption or "").split())


def cell(text: str, what: str) -> str:
    """Return a text that a table reader of pandas gives back as it is; quotes would not help.

    Raises:
        MissingError: it would be read as a missing value or as a number.
    """
    if text in NO_VALUE or _is_number(text):
        raise MissingError(
            Reason.NOT_GENERATED, f"the {what} is {text!r}, which its table reader takes for no text"
        )
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.casefold() in ("true", "false")
    return True
