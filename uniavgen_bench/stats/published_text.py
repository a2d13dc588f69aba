"""What was published beside what a run measured, in sentences and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from rich.console import Console
from rich.text import Text

from uniavgen_bench.core.published import PublishedBlock, PublishedOrder, PublishedResult, PublishedStep
from uniavgen_bench.stats.missing_text import against_its_pairs, lacking_text
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.table import printable
from uniavgen_bench.stats.verdict_table import digits_of, estimate_text, p_text

VERDICTS = {
    "holds": "The order holds here",
    "reversed": "The order does not hold here",
    "open": "The order is not seen here",
    "absent": "The order could not be tested here",
}
FOUND = {
    "agrees": "as published",
    "opposes": "against what was published",
    "open": "no difference seen",
    "absent": "too few pairs",
}


def verdict_text(order: PublishedOrder) -> str:
    """Return the verdict in words, no wider than what was tested."""
    found = {step.found for step in order.steps}
    if order.verdict == "holds" and order.left_out:
        return "The order holds here as far as it is tested"
    if order.verdict == "open" and "open" not in found:
        return "The order could not be judged whole here"
    return VERDICTS[order.verdict]


def published_chain(order: PublishedOrder, labels: Mapping[str, str]) -> str:
    """Return the published numbers from worst to best: `a 3.46 < b 3.73 < c 4.09`; `≈` where they count as equal."""
    table = order.table
    sign = 1 if table.better == "higher" else -1
    names = sorted(table.values, key=lambda name: sign * float(table.values[name]))
    text = f"{labels.get(names[0], names[0])} {table.values[names[0]]}"
    for before, name in pairwise(names):
        between = "<" if sign > 0 else ">"
        if table.equal(before, name):
            between = "=" if table.values[before] == table.values[name] else "≈"
        text += f" {between} {labels.get(name, name)} {table.values[name]}"
    return text


def own_chain(order: PublishedOrder, labels: Mapping[str, str]) -> str:
    """Return our means in the same places."""
    digits = digits_of([step.result for step in order.steps])
    sign = 1 if order.table.better == "higher" else -1
    names = sorted(order.table.values, key=lambda name: sign * float(order.table.values[name]))
    shown = [f"{labels.get(n, n)} {number(order.means[n], digits)}" for n in names if n in order.means]
    return ", ".join(shown)


def step_text(step: PublishedStep, labels: Mapping[str, str]) -> str:
    """Return one step: difference, interval, p, effect size, and what it says of the published order."""
    result = step.result
    who = f"{labels.get(step.above, step.above)} − {labels.get(step.below, step.below)}"
    if result.difference is None or step.found == "absent":
        return f"{who}: {FOUND['absent'] if result.attempted else result.why}"
    size = f", paired d {number(result.d.value, 2)}" if result.d is not None else ""
    unseen = ""
    digits = digits_of([result])
    if step.found == "open" and result.detectable:
        unseen = f"; {number(result.detectable, digits)} would have been seen"
    told = f"{who}: {estimate_text(result.difference, digits)}{size}, {p_text(result.p_adjusted)}"
    if against_its_pairs(result):
        told = f"{who}: {p_text(result.p_adjusted)}"
    lacking = lacking_text(result, "samples", labels)
    return f"{told}{f' ({lacking})' if lacking else ''}, {FOUND[step.found]}{unseen}"


def sentence(order: PublishedOrder, labels: Mapping[str, str]) -> str:
    """Return what became of a published order, in one sentence with all its steps."""
    steps = [step_text(step, labels) for step in order.steps]
    unjudged = [text for _, text in unjudged_texts(order, labels)]
    return f"{verdict_text(order)}: {'; '.join([*steps, *unjudged])}."


def unjudged_texts(order: PublishedOrder, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (why, text) for each pair that is no step: equal in the paper, or not among the steps of the suite."""
    why = {
        "equal": (order.equal, "equal in the paper, not judged"),
        "left_out": (order.left_out, "not among the steps of the suite, not judged"),
    }
    return [
        (key, f"{labels.get(above, above)} and {labels.get(below, below)}: {said}")
        for key, (pairs, said) in why.items()
        for below, above in pairs
    ]


def trainings_text(block: PublishedBlock) -> str:
    """Return the sentence on how many trainings stand behind each variant; empty where the block does not say."""
    if block.trainings is None:
        return ""
    if block.trainings == 1:
        return "One training per variant was compared: the variance of training is not in the p-values."
    return f"{block.trainings} trainings per variant were compared."


def print_published(
    result: PublishedResult, labels: Mapping[str, str], console: Console | None = None
) -> None:
    """Print the published numbers and ours, table by table."""
    out = console or Console()
    out.print(Text(f"Published: {printable(result.block.source)}", style="bold"))
    for order in result.orders:
        unit = f" ({unit_text(order.unit)})" if unit_text(order.unit) else ""
        out.print(Text(f"  {printable(order.table.measure)}: {printable(published_chain(order, labels))}"))
        out.print(Text(f"  here {order.table.beside}{unit}: {printable(own_chain(order, labels))}"))
        told = f"{sentence(order, labels)} {trainings_text(result.block)}".strip()
        out.print(Text(f"  {printable(told)}\n"))
    if result.orders:
        out.print(
            Text(f"  Other measures on other clips; {result.family} steps are one family.", style="dim")
        )
    for note in (result.block.note, *result.notes):
        if note:
            out.print(Text(f"  {printable(note)}", style="dim"))
