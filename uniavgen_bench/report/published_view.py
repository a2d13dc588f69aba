"""What a paper gave beside what the run measured, and whether its order is found again."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.core.published import PublishedOrder
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.published_text import (
    published_chain,
    step_text,
    trainings_text,
    unjudged_texts,
    verdict_text,
)
from uniavgen_bench.stats.verdict_table import digits_of


@dataclass(frozen=True)
class PublishedRow:
    """A system of the run that stands for one of the paper's: the paper's number and ours."""

    label: str
    published: str
    own: str


@dataclass(frozen=True)
class PublishedCard:
    """One table: rows from worst to best as published; `steps` are (how it was found, sentence).

    `trainings`: how many trainings stand behind a variant, in a sentence or empty.
    """

    measure: str
    beside: str
    metric: str
    chain: str
    verdict: str
    word: str
    trainings: str
    rows: tuple[PublishedRow, ...]
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PublishedView:
    """The whole section."""

    source: str
    cards: tuple[PublishedCard, ...]
    family: int
    notes: tuple[str, ...]


def published_view(run: RunData) -> PublishedView | None:
    """Return the section, or None for a run whose suite names nothing published."""
    found = run.published
    if found is None:
        return None
    labels = {system.id: system.label or system.id for system in run.systems}
    notes = tuple(note for note in (found.block.note, *found.notes) if note)
    cards = tuple(_card(order, labels, trainings_text(found.block)) for order in found.orders)
    return PublishedView(found.block.source, cards, found.family, notes)


def _card(order: PublishedOrder, labels: dict[str, str], trainings: str) -> PublishedCard:
    sign = 1 if order.table.better == "higher" else -1
    names = sorted(order.table.values, key=lambda name: sign * float(order.table.values[name]))
    digits = digits_of([step.result for step in order.steps])
    return PublishedCard(
        measure=order.table.measure,
        beside=order.table.beside,
        metric=order.metric,
        chain=published_chain(order, labels),
        verdict=order.verdict,
        word=verdict_text(order),
        trainings=trainings,
        rows=tuple(
            PublishedRow(
                labels.get(name, name),
                f"{order.table.values[name]}",
                _own(order, name, digits),
            )
            for name in names
        ),
        steps=(
            *((str(step.found), step_text(step, labels)) for step in order.steps),
            *unjudged_texts(order, labels),
        ),
    )


def _own(order: PublishedOrder, name: str, digits: int) -> str:
    if name not in order.means:
        return "not in this run"
    mean = order.means[name]
    return "no score" if mean is None else number(mean, digits)
