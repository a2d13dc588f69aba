"""The `compare:` and `gate:` blocks of a suite: checked against what it holds, completed where they are silent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from uniavgen_bench.core.comparison import CompareBlock, GateBlock
from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.located import Located
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.datasets.dataset import Dataset


def check_compare(
    block: CompareBlock,
    located: Located,
    systems: Collection[str],
    specs: Sequence[MetricSpec],
    dataset: Dataset,
) -> None:
    """Check names in a `compare:` block.

    Raises:
        InputError: `baseline` is no system of the suite, a field is not measured, or no sample has the fact `cluster`.
    """
    if block.baseline is not None and block.baseline not in systems:
        raise unknown_name("system", block.baseline, systems, where=located.where(("compare", "baseline")))
    for i, name in enumerate(block.fields):
        where = located.where(("compare", "fields", i))
        if name in block.fields[:i]:
            raise InputError(f"{name} is named twice", where=where)
        if name not in field_names(specs):
            raise unknown_name("field", name, field_names(specs), where=where)
    if block.cluster is None or "cluster" not in block.model_fields_set:
        return
    facts = {fact for sample in dataset.samples for fact in sample.facts}
    if block.cluster not in facts:
        raise unknown_name(
            "fact of the samples", block.cluster, facts, where=located.where(("compare", "cluster"))
        )


def check_gate(
    block: GateBlock, located: Located, systems: Collection[str], specs: Sequence[MetricSpec]
) -> None:
    """Check names in a `gate:` block.

    Raises:
        InputError: `system` is no system of the suite, or a margin is for a field that is not measured.
    """
    if block.system is not None and block.system not in systems:
        raise unknown_name("system", block.system, systems, where=located.where(("gate", "system")))
    for name in block.margins:
        if name not in field_names(specs) and name not in versioned_field_names(specs):
            where = located.where(("gate", "margins", name))
            raise unknown_name("field", name, field_names(specs), where=where)


def field_names(specs: Sequence[MetricSpec]) -> list[str]:
    """Return the fields of metrics as blocks name them: `metric.field`, without version and protocol."""
    return [f"{spec.id}.{field.name}" for spec in specs for field in spec.fields]


def versioned_field_names(specs: Sequence[MetricSpec]) -> list[str]:
    """Return the fields of metrics with version and protocol: `lipsync.lse[syncnet-python@1].confidence`."""
    return [f"{spec.name}.{field.name}" for spec in specs for field in spec.fields]


def measured_by(names: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """Keep the fields whose metric is among `metrics`, which may carry versions."""
    plain = {metric.split("@")[0].split("[")[0] for metric in metrics}
    return [name for name in names if name.rpartition(".")[0] in plain]


def completed(
    block: CompareBlock, systems: Sequence[SystemInfo], reference: str | None
) -> tuple[CompareBlock, tuple[str, ...]]:
    """Return the block with its baseline for the systems of a run, and notes on what was done.

    A block that does not say `baseline` gets one: the reference of an ablation of a system; else the only system
    that is no control; else none, so that every pair is compared. `baseline: null` stays: every pair. A baseline
    that is not among the systems that were chosen for this run counts as not said.
    """
    there = {info.id for info in systems}
    if block.baseline in there:
        return block, ()
    notes: tuple[str, ...] = ()
    if block.baseline is not None:
        notes = (f"the baseline {block.baseline} is not among the systems of this run",)
    elif "baseline" in block.model_fields_set:
        return block, ()
    proper = [info.id for info in systems if info.role is Role.SYSTEM]
    baseline = reference if reference in proper else proper[0] if len(proper) == 1 else None
    return block.model_copy(update={"baseline": baseline}), notes
