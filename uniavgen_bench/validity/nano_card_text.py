"""The sections of the model card of nano on finished runs: tables, what tests say, and what the model cannot do."""

from __future__ import annotations

from collections.abc import Mapping

from uniavgen_bench.core.comparison import CompareBlock, PairedResult, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.stats.comparison import compare_pairs
from uniavgen_bench.stats.missing_text import against_its_pairs
from uniavgen_bench.stats.non_inferiority import non_inferiority
from uniavgen_bench.stats.published_text import own_chain, published_chain, sentence, trainings_text
from uniavgen_bench.stats.verdict_table import digits_of, estimate_text
from uniavgen_bench.validity.nano_card_run import (
    JOINT,
    SYSTEM,
    VOWELS,
    TaskRun,
    is_field,
    p_of,
    p_shown,
    shown,
)

INTERACTION = "ablation_interaction"
OFF, EXCHANGED = "nano-interaction-off", "shuffled-audio"
MARGIN = 0.1
"""Agreements of lips and sound (correlations) that differ by less than this count as equal."""


def task_section(run: TaskRun) -> list[str]:
    """Lay out a suite's tested fields: a line for each system, and what its controls say of nano."""
    fields = list(run.stats.block.fields) if run.stats else []
    systems = list(dict.fromkeys((s.system, s.role) for s in run.summaries))
    counts = {s.system: s.attempted for s in run.summaries}
    clips = counts.get(SYSTEM, next(iter(counts.values()), 0))
    title = f"### {run.name}" + (f" ({clips} clips)" if clips else "")
    lines = [
        title,
        "",
        f"`{run.command}`",
        "",
        f"| system | {' | '.join(fields)} |",
        "|---" * (len(fields) + 1) + "|",
    ]
    for system, role in systems:
        name = system if role is Role.SYSTEM else f"{system} ({role.value})"
        lines.append(f"| {name} | {' | '.join(shown(run.mean(system, field)) for field in fields)} |")
    return [*lines, "", *_beside(run), *_interaction_off(run), *_published(run)]


def _beside(run: TaskRun) -> list[str]:
    """Say what the paired tests of the first tested field found beside the baseline."""
    if run.stats is None or run.stats.block.baseline is None or not run.stats.block.fields:
        return []
    field, baseline = run.stats.block.fields[0], run.stats.block.baseline
    tested = [r for r in run.stats.paired if is_field(r, field) and r.baseline == baseline]
    if not any(r.pairs for r in tested):
        return []
    digits = digits_of(tested)

    def told(r: PairedResult) -> str:
        if r.difference is None or not r.pairs:
            return f"{r.system}: no clip has a number from both"
        if against_its_pairs(r):
            return f"{r.system} {r.verdict.value}, {p_of(r)}"
        # What the baseline lacks is said once, below.
        return f"{r.system} {estimate_text(r.difference, digits)}, {p_of(r.model_copy(update={'only_system': 0}))}"

    lines = [f"`{field}` beside {baseline}: {'; '.join(map(told, tested))}."]
    if most := max(r.only_system for r in tested):
        clips = max(r.attempted for r in tested)
        lines[0] += (
            f" {baseline} lacks up to {most} of {clips} clips that another has; in p they count as its worst."
        )
    return [*lines, ""]


def _published(run: TaskRun) -> list[str]:
    """Lay out what a paper gave for the same, and whether its order is found again."""
    if run.published is None:
        return []
    block = run.published.block
    lines = [f"Published: {block.source}. {block.note}".strip(), ""]
    for order in run.published.orders:
        told = f"{sentence(order, {})} {trainings_text(block)}".strip()
        lines.append(
            f"- {order.table.measure}, {published_chain(order, {})}; here `{order.table.beside}`: "
            f"{own_chain(order, {})}. {told}"
        )
    return [*lines, *(f"- {note}." for note in run.published.notes), ""]


def _interaction_off(run: TaskRun) -> list[str]:
    """Say what the interaction changes, and test whether without it lips and sound agree as with exchanged sound.

    Equality is tested by two one-sided tests at `MARGIN`, each at 0.025 (Schuirmann, J. Pharmacokinet. Biopharm. 15,
    1987), beside the 95 % interval of the difference.
    """
    if run.name != INTERACTION:
        return []
    on, floor = run.pairs(SYSTEM, OFF, JOINT), run.pairs(OFF, EXCHANGED, JOINT)
    if on is None or floor is None or not (on.both.any() and floor.both.any()):
        return []
    block = run.stats.block if run.stats else CompareBlock()
    seed = run.stats.seed if run.stats else 0
    results = compare_pairs([on, floor], block.model_copy(update={"alpha": 0.05}), seed=seed)
    digits = digits_of(results)
    first, second = (
        f"{r.system} − {r.baseline} {estimate_text(r.difference, digits)}, {p_of(r)}, "
        f"{r.pairs} of {r.attempted} clips"
        for r in results
    )
    back = run.pairs(EXCHANGED, OFF, JOINT)
    assert back is not None
    sides = [non_inferiority(each, MARGIN, alpha=0.025, seed=seed) for each in (floor, back)]
    p = None if any(s.p is None for s in sides) else max(s.p for s in sides if s.p is not None)
    wide = results[1].difference
    bounds = [] if wide is None else [b for b in (wide.low, wide.high) if b is not None]
    inside = len(bounds) == 2 and all(abs(bound) < MARGIN for bound in bounds)
    tests = f"two one-sided tests at ±{MARGIN}, each at 0.025: {p_shown(p)}"
    if inside and all(s.passed for s in sides):
        told = f"lies within ±{MARGIN} ({tests}): equal to exchanged sound, to within that margin"
    else:
        where = "lies" if inside else "does not lie"
        told = f"{where} within ±{MARGIN} ({tests}): that the two are equal is not shown"
    return [
        f"`{JOINT}`, the interaction on and off: {first}. Off, beside exchanged sound: {second}; the whole 95 % "
        f"interval {told}.",
        "",
    ]


ALWAYS = (
    "It knows the portrait world alone: its drawn heads, its eSpeak voices, its sentences. Of real people it makes "
    "nothing that means anything.",
    "Numbers of this card hold for drawn people of the split `test`, with metrics that were checked on that world; "
    "none of them stands beside a number for real clips.",
    "Sound passes through a mel and Griffin-Lim; what these lose is in the table of codecs.",
    "Lengths other than 2 s were not trained.",
)


def limits_section(runs: Mapping[str, TaskRun]) -> list[str]:
    """List what the model cannot do: what holds by its making, and what these runs show."""
    found = [*ALWAYS, *_deaf_to_video(runs.get("dubbing"))]
    return ["## Limits", "", *(f"- {text}" for text in found), ""]


def _deaf_to_video(dubbing: TaskRun | None) -> list[str]:
    """Say that no use of V2A is seen, where no difference was seen once the video is hidden."""
    blind = "nano-blind"
    result = dubbing.beside_nano(VOWELS).get(blind) if dubbing is not None else None
    if dubbing is None or result is None or result.verdict is not Verdict.NOT_SEEN:
        return []
    fields = dubbing.stats.block.fields if dubbing.stats else ()
    results = [(field, r) for field in fields if (r := dubbing.beside_nano(field).get(blind)) is not None]
    each = [
        f"`{field}` {estimate_text(r.difference, max(2, digits_of([r])))}, {p_of(r)}" for field, r in results
    ]
    own, other = (shown(dubbing.mean(name, VOWELS), 3) for name in (SYSTEM, blind))
    return [
        f"That dubbing uses the video is not seen: with the way from video to audio closed (V2A, {blind}) "
        f"`{VOWELS}` is {other}, with it open {own}. {blind} − {SYSTEM}: {'; '.join(each)}."
    ]
