"""Whether a run and a baseline measure the same thing; what does not is refused before any statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.gate_files import Baseline
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.report.compared_checks import differing_fact
from uniavgen_bench.report.computed import computed_otherwise
from uniavgen_bench.report.gate_baseline import GateRun, content_of, dataset_of

WAY_OUT = "when the change is meant: gate update RUN --to FILE"


def check_comparable(
    baseline: Baseline, place: str, run: GateRun, system: str, gated: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Refuse what cannot be compared, and return notes on what differs and does not matter to the numbers.

    `gated`: (metric, field) with a margin; `place` names the baseline.

    Raises:
        InputError: other suite, dataset, metric version, protocol, field, weights, parameters, or samples.
    """
    manifest = run.manifest
    if manifest.suite != baseline.suite:
        raise InputError(
            f"{place} is a baseline of the suite {baseline.suite!r}, {run.place} a run of {manifest.suite!r}",
            way_out="give the baseline of this suite",
        )
    _same_dataset(baseline, run)
    fields = tuple(gated)
    metrics = {metric for metric, _ in fields}
    for metric, field in fields:
        _same_field(baseline, run, metric, field)
    _same_weights(baseline, run, metrics)
    _same_parameters(baseline, run, metrics)
    _same_samples(baseline, run, system)
    return tuple(_notes(baseline, run, system, metrics))


def _same_dataset(baseline: Baseline, run: GateRun) -> None:
    there, here = dataset_of(baseline.dataset), dataset_of(run.manifest.dataset)
    found = differing_fact(there, here)
    if found is not None:
        key, old, new = found
        raise InputError(
            f"{run.place} is of another dataset than the baseline: {key} is {new:.20}, there {old:.20}",
            way_out=WAY_OUT,
        )


def _same_field(baseline: Baseline, run: GateRun, metric: str, field: str) -> None:
    spec = next(spec for spec in baseline.metrics if spec.name == metric)
    here = next((s for s in run.manifest.metrics if s.name == metric), None)
    if here is None:
        others = [s.name for s in run.manifest.metrics if s.id == spec.id]
        if others:
            raise InputError(
                f"{run.place} was scored with {others[0]}, the baseline with {metric}: they are never compared",
                way_out=WAY_OUT,
            )
        raise InputError(
            f"{run.place} lacks the metric {metric}, which the gate asks for", way_out="run the whole suite"
        )
    if _meaning(spec, field) != _meaning(here, field):
        raise InputError(
            f"{metric} {field} is declared otherwise in {run.place} than in the baseline", way_out=WAY_OUT
        )


def _meaning(spec: MetricSpec, field: str) -> tuple[object, ...] | None:
    found = next((f for f in spec.fields if f.name == field), None)
    return (found.unit, found.direction, found.low, found.high) if found else None


def _same_weights(baseline: Baseline, run: GateRun, gated: set[str]) -> None:
    used = {w.name: w.sha256 for w in run.manifest.weights}
    known = {w.name for w in baseline.weights}
    for spec in baseline.metrics:
        unknown = sorted(used.keys() & set(spec.weights) - known) if spec.name in gated else []
        if unknown:
            raise InputError(
                f"{run.place} used the weights {unknown[0]} for {spec.name}, which the baseline does not name",
                way_out=WAY_OUT,
            )
    of_others = {w for spec in baseline.metrics if spec.name not in gated for w in spec.weights}
    of_gated = {w for spec in baseline.metrics if spec.name in gated for w in spec.weights}
    for weight in baseline.weights:
        # Weights that no metric names are those of the analysis, which all metrics share.
        if weight.name in of_others - of_gated:
            continue
        if weight.name not in used:
            raise InputError(
                f"{run.place} was made without the weights {weight.name}, which the baseline used",
                way_out=f"uniavgen-bench weights pull {weight.name}",
            )
        if used[weight.name] != weight.sha256:
            raise InputError(
                f"the weights {weight.name} are not those of the baseline "
                f"({used[weight.name][:12]} here, {weight.sha256[:12]} there)",
                way_out=WAY_OUT,
            )


def _same_parameters(baseline: Baseline, run: GateRun, gated: set[str]) -> None:
    for name in sorted(gated):
        why = computed_otherwise(name, baseline.computed, run.computed)
        if not why and name in baseline.computed and name not in run.computed:
            why = "the run does not say which parameters it had"
        if why:
            raise InputError(
                f"{name} of {run.place} is not comparable with the baseline: {why}", way_out=WAY_OUT
            )


def _same_samples(baseline: Baseline, run: GateRun, system: str) -> None:
    rows = run.grid.rows_of(system)
    here: dict[str, str] = {}
    for row in rows:
        record = run.grid.record[row]
        sample = run.clips[record].sample if record >= 0 else Sample(id=str(run.grid.sample[row]))
        here[str(run.grid.sample[row])] = content_of(sample)
    there = {clip.sample: clip.content for clip in baseline.clips}
    lacking, added = sorted(there.keys() - here.keys()), sorted(here.keys() - there.keys())
    if lacking:
        raise InputError(
            f"{run.place} lacks {_some(lacking)} of the baseline's {len(there)} samples",
            way_out="run all samples, without --limit",
        )
    if added:
        raise InputError(f"{run.place} has {_some(added)} that the baseline lacks", way_out=WAY_OUT)
    changed = sorted(name for name, content in there.items() if here[name] != content)
    if changed:
        raise InputError(
            f"{_some(changed)} asks for something else than in the baseline (text or task)", way_out=WAY_OUT
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the sample {names[0]!r}{more}"


def _notes(baseline: Baseline, run: GateRun, system: str, gated: set[str]) -> Iterable[str]:
    manifest = run.manifest
    if manifest.code_sha256 != baseline.code_sha256:
        yield (
            f"the suite's code is not the baseline's (version {manifest.version}, there {baseline.version}); "
            "the metrics' versions are the same"
        )
    if manifest.device != baseline.device:
        yield f"scored on {manifest.device}, the baseline on {baseline.device}"
    silent = sorted((gated & run.computed.keys()) - baseline.computed.keys())
    if silent:
        yield f"the baseline does not say which parameters {', '.join(silent)} had: write it again with gate update"
    if system != baseline.system:
        yield f"the system is {system!r}, in the baseline {baseline.system!r}"
    repeats = set(Counter(c.sample for c in baseline.clips).values())
    here = set(Counter(str(s) for s in run.grid.sample[run.grid.rows_of(system)]).values())
    if repeats != here:
        yield f"repeats per sample: {_span(here)}, in the baseline {_span(repeats)} (their means are compared)"
    known = {(c.sample, c.repeat): c.sha256 for c in baseline.clips}
    rows = run.grid.rows_of(system)
    hashes = [run.clips[r].sha256 if r >= 0 else None for r in run.grid.record[rows]]
    keys = zip(run.grid.sample[rows], run.grid.repeat[rows], hashes, strict=True)
    same = [h is not None and known.get((str(s), int(n))) == h for s, n, h in keys]
    if np.all(same):
        yield "every clip is byte for byte the baseline's"


def _span(counts: set[int]) -> str:
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
