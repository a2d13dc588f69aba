"""One prompt from caption and spoken words, in the form that a system expects."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.systems.external.batch import Item
from uniavgen_bench.systems.external.template import checked_template, filled, placeholders

WORDS = ("caption", "speech")


def _checked(text: str) -> str:
    return checked_template(text, WORDS)


PromptTemplate = Annotated[str, AfterValidator(_checked)]
"""A prompt with the placeholders `{caption}` and `{speech}`."""


def prompt(item: Item, template: str) -> str:
    """Return the prompt of an item on one line.

    Raises:
        MissingError: the template speaks, and the sample has no text to speak.
    """
    sample = item.sample
    if "speech" in placeholders(template) and not sample.speech:
        raise MissingError(Reason.NO_TRANSCRIPT, "the sample has no text to speak")
    words = {"caption": sample.caption or "", "speech": sample.speech or ""}
    return " ".join(filled(template, words.__getitem__).split())


def caption(item: Item) -> str:
    """Return the caption of an item on one line; empty when it has none."""
    return " ".join((item.sample.caption or "").split())
