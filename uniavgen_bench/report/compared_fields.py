"""Which fields a comparison of runs tests."""

from __future__ import annotations

from collections.abc import Sequence

from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.core.spec import MetricSpec


def tested_columns(specs: Sequence[MetricSpec], block: CompareBlock, *, named: bool) -> list[tuple[str, str]]:
    """Return the fields to test as (versioned metric, field); without `fields` in the block: the headlines.

    A name without version and protocol stands for the field in every protocol of the metric. Fields of the suite that
    are not comparable are left out; those that the user `named` are refused.

    Raises:
        InputError: a named field is not in both runs; says the nearest.
    """
    known: dict[str, list[tuple[str, str]]] = {}
    for spec in specs:
        for field in spec.fields:
            for metric in dict.fromkeys((spec.id, spec.name)):
                known.setdefault(f"{metric}.{field.name}", []).append((spec.name, field.name))
    headlines = [(spec.name, spec.headline.name) for spec in specs]
    if not block.fields:
        return headlines
    for name in block.fields:
        if named and name not in known:
            raise unknown_name("field that both runs have", name, known)
    found = [column for name in block.fields for column in known.get(name, ())]
    return list(dict.fromkeys(found)) or headlines
