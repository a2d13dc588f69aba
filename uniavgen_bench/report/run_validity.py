"""Which tests of its metrics stand beside a run: its own, else those of this version, and never outdated ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import MetricComputed, RunManifest
from uniavgen_bench.core.validity_files import (
    MetricValidity,
    RunValidity,
    outdated,
    packaged_validity,
    read_validity,
)
from uniavgen_bench.report.computed import read_computed

VALIDITY_FILE = "validity.json"


def validity_of_run(root: Path, manifest: RunManifest) -> tuple[RunValidity | None, str]:
    """Return what is known of a run's metrics: from its own validity.json, else from that of this version.

    The second is one line about a validity.json that cannot be read; it costs no report, which goes on without it.

    Results that are about another revision, other parameters or other weights than those of the run are not shown:
    in their place stands that there are none. Those of this version stand only beside a run that says by what its
    numbers were computed.

    Raises:
        InputError: the lock of the run is damaged.
    """
    problem = ""
    try:
        own = read_validity(root / VALIDITY_FILE)
    except InputError as error:
        own = None
        problem = (
            f"{error}; the report goes on without it (uniavgen-bench validate --out {root} makes it anew)"
        )
    packaged = packaged_validity()
    computed = read_computed(root) if own or packaged else {}
    weights = {used.name: used.sha256 for used in manifest.weights}
    metrics = []
    for spec in manifest.metrics:
        sources = [own, packaged if spec.name in computed else None]
        found = _best(spec.name, [source for source in sources if source], computed, weights)
        metrics += [found] if found is not None else []
    return (RunValidity(metrics=tuple(metrics)) if metrics else None), problem


def _best(
    metric: str,
    sources: list[RunValidity],
    computed: Mapping[str, MetricComputed],
    weights: Mapping[str, str],
) -> MetricValidity | None:
    stale = None
    for source in sources:
        found = source.of(metric)
        if found is None:
            continue
        why = outdated(found, computed.get(metric), weights)
        if not why:
            return found if found.about else found.model_copy(update={"about": _about(source)})
        text = f"Tested only with {why}: run uniavgen-bench validate --out RUN."
        stale = stale or MetricValidity(metric=metric, standing="outdated", verdict=text)
    return stale


def _about(source: RunValidity) -> str:
    if not source.version:
        return ""
    clips = ", ".join(source.clips.values())
    return f"Tested on {clips} with uniavgen-bench {source.version} on {source.made[:10]}: {source.command}"
