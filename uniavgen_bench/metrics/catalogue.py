"""The metrics that are installed, as `metrics list` and `metrics show` print them."""

from __future__ import annotations

import json as jsonlib
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.registry import METRICS, PluginError, Registry
from uniavgen_bench.core.spec import FieldSpec, MetricSpec
from uniavgen_bench.metrics.metric import Metric


def registry() -> Registry[Metric]:
    """Return the registry of metrics."""
    return Registry(METRICS, "metric", Metric)


def plain_name(name: str, metrics: Registry[Metric]) -> str:
    """Return the name under which a metric is registered; a versioned name as tables print it is understood too.

    A metric is registered as `<id>`, or as `<id>.<protocol>` beside another protocol of the same id:
    `lipsync.lse[latentsync@1]` is `lipsync.lse.latentsync`.
    """
    base, _, rest = name.partition("[")
    protocol = rest.partition("@")[0]
    known = metrics.points()
    if name in known:
        return name
    for candidate in (f"{base}.{protocol}", base.partition("@")[0]):
        if candidate in known and metrics.load(candidate).spec.name == name:
            return candidate
    return name


def unknown_metric(name: str, metrics: Registry[Metric], where: Where | None = None) -> InputError:
    """Build the error for a name that no metric has; of a metric that is there it lists the protocols."""
    base, bracket, protocol = name.partition("[")
    known = [
        spec.name
        for candidate in metrics.names()
        if bracket and (candidate == base or candidate.startswith(f"{base}."))
        and (spec := metrics.load(candidate).spec).id == base
    ]  # fmt: skip
    if not known:
        return unknown_name("metric", name, metrics.names(), where=where)
    asked = protocol.removesuffix("]")
    return InputError(
        f"unknown protocol {asked!r} of {base!r}", where=where, way_out=f"known: {', '.join(sorted(known))}"
    )


def show_list(*, json: bool) -> None:
    """Print every metric with its headline field; a plugin that cannot be loaded is shown with its error."""
    found = registry()
    specs: dict[str, MetricSpec] = {}
    broken: dict[str, str] = {}
    for name in found.names():
        try:
            specs[name] = found.load(name).spec
        except PluginError as error:
            broken[name] = str(error)
    if json:
        data = {name: spec.model_dump(mode="json") for name, spec in specs.items()}
        sys.stdout.write(
            jsonlib.dumps({"metrics": data, "broken": broken}, indent=2, ensure_ascii=False) + "\n"
        )
        return
    # A name is for copying: whole, whatever the width; what stands beside it gives way.
    table = Table(
        Column("metric", no_wrap=True), "measures", Column("headline", overflow="fold"), "better", "tier",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    for spec in specs.values():
        head = spec.headline
        unit = f" ({head.unit})" if _has_unit(head) else ""
        table.add_row(
            escape(spec.name),
            escape(spec.title),
            escape(f"{head.name}{unit}"),
            head.direction.value,
            spec.tier.value,
        )
    Console().print(table)
    for name, problem in broken.items():
        Console(stderr=True).print(f"[red]broken[/]  {escape(name)}: {escape(problem)}")


def show_metric(name: str, *, json: bool) -> None:
    """Print all facts of one metric.

    Raises:
        InputError: no such metric; the message gives the nearest name.
    """
    metrics = registry()
    plain = plain_name(name, metrics)
    if plain not in metrics.points():
        raise unknown_metric(name, metrics)
    metric = metrics.load(plain)
    spec = metric.spec
    if json:
        sys.stdout.write(spec.model_dump_json(indent=2) + "\n")
        return
    console = Console()
    console.print(f"[bold]{escape(spec.name)}[/]  {escape(spec.title)}", highlight=False)
    console.print(escape(spec.summary), highlight=False)
    table = Table(
        "field", "unit", "range", "better", "meaning", box=None, pad_edge=False, header_style="bold"
    )
    for field in spec.fields:
        table.add_row(
            field.name, escape(field.unit) if _has_unit(field) else "–", value_range(field), field.direction.value,
            escape(_sentences(field.meaning, f"Sign: {field.sign}" if field.sign else "")),
        )  # fmt: skip
    console.print(table)
    facts = {
        "needs": ", ".join(spec.needs) or "nothing",
        "of the sample": ", ".join(spec.sample_needs) or "nothing",
        "weights": ", ".join(spec.weights) or "none",
        "floors": ", ".join(spec.floors) or "none",
        "tier": spec.tier.value,
        "licence": spec.licence,
        "source": spec.source,
        "extra": spec.extra or "none",
    }
    below = Table.grid(
        Column(justify="right", style="dim", no_wrap=True, min_width=14), Column(), padding=(0, 2, 0, 0)
    )
    for key, value in facts.items():
        below.add_row(key, escape(value))
    for key, lines in (("deviation", spec.deviations), ("not for", spec.not_for)):
        for line in lines:
            below.add_row(key, escape(line))
    console.print(below, highlight=False)


def _has_unit(field: FieldSpec) -> bool:
    return field.unit not in ("", "1")


def _sentences(first: str, second: str) -> str:
    """Join two texts; the first gets its full stop."""
    if not second:
        return first
    return f"{first} {second}" if first.endswith((".", "!", "?")) else f"{first}. {second}"


def value_range(field: FieldSpec) -> str:
    """Return a field's range as text: `0 … 1`, with ∞ where there is no bound."""
    low = f"{field.low:g}" if field.low is not None else "-∞"
    high = f"{field.high:g}" if field.high is not None else "∞"
    return f"{low} … {high}"
