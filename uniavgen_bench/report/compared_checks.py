"""What of two runs may be compared: the same metrics, weights, recipe and samples; the rest is refused with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.report.compared_runs import ComparedRun
from uniavgen_bench.report.computed import computed_otherwise
from uniavgen_bench.report.links import is_path

COUNTS = frozenset({"samples", "identities", "rows", "clips", "files"})
"""Facts of a dataset that count its samples: those are compared one by one."""

LIST = frozenset({"folder", "manifest", "manifest_sha256", "path", "root"})
"""Facts that name the list of a dataset's clips: another list may hold the same samples."""


@dataclass(frozen=True)
class Refused:
    """What is left out of a comparison, and why."""

    what: str
    why: str


def check_datasets(one: ComparedRun, other: ComparedRun) -> None:
    """Make sure that the samples come from the same recipe.

    Raises:
        InputError: the datasets are different ones, or were made by different recipes.
    """
    found = differing_fact(one.manifest.dataset, other.manifest.dataset)
    if found is None:
        return
    key, a, b = found
    if key == "name":
        raise InputError(
            f"{one.name} is of the dataset {a!r}, {other.name} of {b!r}: their samples are not the same"
        )
    raise InputError(f"the datasets differ: {key} is {a:.20} in {one.name}, {b:.20} in {other.name}")


def differing_fact(here: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return the first fact by which two datasets are not of one recipe, with both values; None: they are.

    Counts of samples and lists of files are no such fact: samples are compared one by one.
    """
    listed = LIST & here.keys() & there.keys()
    names = [] if listed else ["name"]
    for key in (*names, *sorted((here.keys() | there.keys()) - COUNTS - LIST - {"name"})):
        a, b = here.get(key, "not said"), there.get(key, "not said")
        if a != b and not (is_path(a) or is_path(b)):
            return key, a, b
    return None


def comparable_metrics(one: ComparedRun, other: ComparedRun) -> tuple[list[MetricSpec], list[Refused]]:
    """Return the metrics that measure the same thing in both runs, and the others with the reason."""
    theirs = {spec.name: spec for spec in other.manifest.metrics}
    kept: list[MetricSpec] = []
    refused: list[Refused] = []
    named: set[str] = set()
    for spec in one.manifest.metrics:
        match = theirs.get(spec.name)
        if match is None:
            rivals = [s.name for s in other.manifest.metrics if s.id == spec.id]
            named.update(rivals)
            why = (
                f"{other.name} has {rivals[0]}: scores of different versions or protocols are never compared"
                if rivals
                else f"only {one.name} has it"
            )
            refused.append(Refused(spec.name, why))
            continue
        named.add(spec.name)
        why = (
            _declared(spec, match)
            or _weights(one, other, spec)
            or computed_otherwise(spec.name, one.computed, other.computed)
        )
        if why:
            refused.append(Refused(spec.name, why))
        else:
            kept.append(spec)
    refused += [Refused(name, f"only {other.name} has it") for name in theirs if name not in named]
    return kept, refused


def _declared(spec: MetricSpec, match: MetricSpec) -> str:
    def fields(of: MetricSpec) -> dict[str, tuple[object, ...]]:
        return {f.name: (f.unit, f.direction.value, f.low, f.high) for f in of.fields}

    here, there = fields(spec), fields(match)
    if here == there:
        return ""
    name = next(iter(sorted(here.keys() ^ there.keys())), "") or next(n for n in here if here[n] != there[n])
    return f"the field {name} is declared otherwise (unit, direction or range)"


def _weights(one: ComparedRun, other: ComparedRun, spec: MetricSpec) -> str:
    here = {w.name: w.sha256 for w in one.manifest.weights}
    there = {w.name: w.sha256 for w in other.manifest.weights}
    # Weights that no metric names are those of the analysis, which every metric that reads artefacts shares.
    own = {w for run in (one, other) for s in run.manifest.metrics for w in s.weights}
    shared = sorted((here.keys() | there.keys()) - own) if spec.needs else []
    for name in (*spec.weights, *shared):
        a, b = here.get(name), there.get(name)
        if a is None and b is None:
            continue
        if a is None or b is None:
            return f"{(one if a is None else other).name} had no weights {name}"
        if a != b:
            return f"the weights {name} differ: sha256 {a[:12]} in {one.name}, {b[:12]} in {other.name}"
    return ""


def matched_systems(
    one: ComparedRun, other: ComparedRun, mapping: Sequence[str]
) -> tuple[list[tuple[str, str]], list[Refused]]:
    """Return the systems that belong together: those of one name, or what `A=B` and `A` of the user say.

    Raises:
        InputError: a name that a run does not have, a system named twice, or no system in common.
    """
    here, there = list(one.systems), list(other.systems)
    if mapping:
        pairs = [_mapped(text, one, other) for text in mapping]
        for side in (0, 1):
            names = [pair[side] for pair in pairs]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise InputError(f"--system names {twice!r} twice")
        return pairs, []
    both = [name for name in here if name in there]
    if not both:
        raise InputError(
            f"no system is in both runs: {_some(here)} in {one.name}, {_some(there)} in {other.name}",
            way_out="--system A=B says which belong together",
        )
    alone = [Refused(f"system {name}", f"only {one.name} has it") for name in here if name not in there]
    alone += [Refused(f"system {name}", f"only {other.name} has it") for name in there if name not in here]
    return [(name, name) for name in both], alone


def _mapped(text: str, one: ComparedRun, other: ComparedRun) -> tuple[str, str]:
    """Read `A=B`; a cell of an ablation has equals signs in its own name, so every one of them is tried."""
    if text in one.systems and text in other.systems:
        return text, text
    ways = [(text[:i].strip(), text[i + 1 :].strip()) for i, c in enumerate(text) if c == "="]
    found = next(((a, b) for a, b in ways if a in one.systems and b in other.systems), None)
    if found is not None:
        return found
    first, _, second = text.partition("=")
    if first.strip() not in one.systems:
        raise unknown_name(f"system of {one.name}", first.strip(), one.systems)
    raise unknown_name(f"system of {other.name}", (second or first).strip(), other.systems)


def common_samples(
    one: ComparedRun, other: ComparedRun, pair: tuple[str, str], *, common: bool
) -> tuple[frozenset[str], list[Refused]]:
    """Return the samples that both systems were given, and what is left out.

    Raises:
        InputError: the systems were given different samples, or different content by one name, and `common` does not
            say that only the common ones are wanted; or there is no common one.
    """
    here, there = one.samples(pair[0]), other.samples(pair[1])
    both = here.keys() & there.keys()
    name = pair[0] if pair[0] == pair[1] else f"{pair[0]} and {pair[1]}"
    if not both:
        raise InputError(
            f"{name}: {one.name} has {len(here)} samples, {other.name} {len(there)}, and none is in both"
        )
    if not common and (len(both) < len(here) or len(both) < len(there)):
        raise InputError(
            f"the runs are of different samples: {name} has {len(here)} in {one.name}, {len(there)} in {other.name}, "
            f"{len(both)} of them in both",
            way_out="--common compares those",
        )
    changed = {s: d for s in sorted(both) if (d := _difference(here[s].sample, there[s].sample))}
    if changed and not common:
        first, part = next(iter(changed.items()))
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise InputError(
            f"the sample {first!r}{more} is not the same in both runs: {part} differs",
            way_out="--common leaves such samples out",
        )
    kept = frozenset(both - changed.keys())
    if not kept:
        raise InputError(
            f"{name}: no sample is the same in both runs: {next(iter(changed.values()))} differs"
        )
    left = len(here.keys() | there.keys()) - len(kept)
    why = f"{len(here)} in {one.name}, {len(there)} in {other.name}, {len(kept)} the same in both"
    return kept, [Refused(f"samples of {name}", why)] if left else []


def _difference(a: Sample, b: Sample) -> str:
    """Return the part in which two samples of one name differ; files are known by name only, so they are not asked."""
    for part in ("task", "caption", "speech", "language", "reference_text"):
        if getattr(a, part) != getattr(b, part):
            return part.replace("_", " ")
    facts = a.facts.keys() & b.facts.keys()
    return next((f for f in sorted(facts) if a.facts[f] != b.facts[f] and not is_path(a.facts[f])), "")


def _some(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
