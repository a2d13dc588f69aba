"""The `published:` block of a suite, checked against what the suite runs and measures."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.core.located import Located
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.runner.comparison_blocks import field_names, measured_by


def check_published(
    block: PublishedBlock, located: Located, systems: Collection[str], specs: Sequence[MetricSpec]
) -> None:
    """Check names in a `published:` block.

    Raises:
        InputError: a system that the suite does not run, or a field that it does not measure.
    """
    for i, table in enumerate(block.tables):
        if table.beside not in field_names(specs):
            where = located.where(("published", "tables", i, "beside"))
            raise unknown_name("field", table.beside, field_names(specs), where=where)
        for name in table.values:
            if name not in systems:
                where = located.where(("published", "tables", i, "values", name))
                raise unknown_name("system", name, systems, where=where)
    for i, step in enumerate(block.steps):
        for name in step:
            if name not in systems:
                where = located.where(("published", "steps", i))
                raise unknown_name("system", name, systems, where=where)


def narrowed_published(block: PublishedBlock, metrics: Sequence[str]) -> PublishedBlock | None:
    """Leave out the tables beside metrics that were not chosen for this run; None when no table is left."""
    kept = tuple(table for table in block.tables if measured_by([table.beside], metrics))
    return block.model_copy(update={"tables": kept}) if kept else None
