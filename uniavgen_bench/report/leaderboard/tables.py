"""The tables of the leaderboard: one metric in one version on one set of samples each, ranked by paired tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from uniavgen_bench.core.comparison import CompareBlock, RankResult
from uniavgen_bench.core.entry_files import EntryBody, EntrySystem, Policy
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.sample import Role, Task
from uniavgen_bench.core.spec import Direction, MetricSpec
from uniavgen_bench.report.leaderboard.board import PORTRAITS, Stored, Track, last_of
from uniavgen_bench.report.leaderboard.cells import Cell, Scale, cell_of
from uniavgen_bench.report.leaderboard.rows import info_of, scores_of
from uniavgen_bench.report.render import plural
from uniavgen_bench.stats.grid import score_grid
from uniavgen_bench.stats.numbers import NONE, unit_text
from uniavgen_bench.stats.ranks import rank_systems
from uniavgen_bench.stats.summary import SEED, summarise
from uniavgen_bench.stats.table import ARROWS, DIRECTION_TEXT, ROLE_TEXT, places

TASK_TEXT = {
    "": "No single task",
    Task.JOINT.value: "Picture and sound together",
    Task.JOINT_REF_AUDIO.value: "Picture and sound together, with a reference voice",
    Task.CONTINUATION.value: "Continuation of a clip",
    Task.DUBBING.value: "Dubbing: sound for a silent picture",
    Task.AUDIO_DRIVEN.value: "Audio-driven: picture for a given sound",
}


APART = "Another table has this metric with other weights or parameters: numbers of the two are not compared."

Parts = dict[str, tuple[EntryBody, EntrySystem]]
"""Systems of several entries under the names that they have in one table."""


@dataclass(frozen=True)
class Row:
    """One system, or one control, in a table."""

    label: str
    cell: Cell
    submitter: str = ""
    page: str = ""
    date: str = ""
    rank_text: str = NONE
    rank_sort: float | None = None
    role_text: str = ""


@dataclass(frozen=True)
class MetricTable:
    """The headline of one metric over the systems of a track."""

    spec: MetricSpec
    anchor: str
    rows: tuple[Row, ...]
    controls: tuple[Row, ...]
    notes: tuple[str, ...]
    ranked: bool

    @property
    def name(self) -> str:
        """The metric's versioned name."""
        return self.spec.name

    @property
    def title(self) -> str:
        """The metric's title."""
        return self.spec.title

    @property
    def tier(self) -> str:
        """The metric's tier."""
        return self.spec.tier.value

    @property
    def headline(self) -> str:
        """The name of the headline field."""
        return self.spec.headline.name.replace("_", " ")

    @property
    def unit(self) -> str:
        """Its unit, empty for a plain ratio."""
        return unit_text(self.spec.headline.unit)

    @property
    def direction(self) -> str:
        """Which way is better, as a sentence."""
        return DIRECTION_TEXT[self.spec.headline.direction]

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign."""
        return ARROWS[self.spec.headline.direction]

    @property
    def near_zero(self) -> bool:
        """Whether the headline sorts by its distance from zero."""
        return self.spec.headline.direction is Direction.ZERO

    @property
    def lower_first(self) -> bool:
        """Whether the better end of the headline is the lower one."""
        return self.spec.headline.direction in (Direction.LOWER, Direction.ZERO)


@dataclass(frozen=True)
class Section:
    """A track with its tables."""

    anchor: str
    task: str
    task_text: str
    world_text: str
    dataset: str
    samples: int
    samples_hash: str
    repeats: int
    clusters: int
    cluster_one: str
    cluster_many: str
    tables: tuple[MetricTable, ...] = field(default=())


def sections_of(
    stored: Sequence[Stored], policy: Policy, labels: Mapping[str, str], pages: Mapping[str, str]
) -> list[Section]:
    """Return the ranked part of a board: the newest entry of every history, by track, metric by metric.

    `labels` and `pages` are by head. Expired metrics and archived entries are left out.
    """
    newest = [s for s in last_of(stored).values() if not s.archived]
    tracks: dict[Track, list[Stored]] = {}
    for each in sorted(newest, key=lambda s: (s.entry.body.system.id, s.entry.signature.key)):
        tracks.setdefault(each.track, []).append(each)
    expired = {e.metric for e in policy.expired}
    order = [task.value for task in Task] + [""]
    found = []
    for track in sorted(tracks, key=lambda t: (order.index(t.task), t.plugin != PORTRAITS, t.samples)):
        members = tracks[track]
        metrics = _metrics(members, track)
        names = Counter(spec.name for spec, _, _ in metrics)
        tables = [
            _table(spec, entries, labels, pages, anchor)
            for spec, entries, anchor in metrics
            if spec.name not in expired
        ]
        tables = [replace(t, notes=(*t.notes, *([APART] if names[t.name] > 1 else []))) for t in tables]
        if tables:
            found.append(_section(track, members, tables))
    return found


def _section(track: Track, members: Sequence[Stored], tables: Sequence[MetricTable]) -> Section:
    body = members[0].entry.body
    clusters = {sample.cluster for sample in body.samples} - {""}
    one, many = ("identity", "identities") if track.cluster == "identity" else ("cluster", "clusters")
    return Section(
        anchor=f"track-{slug(track.task or 'none')}-{track.samples[:8]}",
        task=track.task,
        task_text=TASK_TEXT.get(track.task, track.task),
        world_text="portrait world (procedural)" if track.plugin == PORTRAITS else "real clips",
        dataset=body.dataset.name,
        samples=len(body.samples),
        samples_hash=track.samples[:12],
        repeats=track.repeats,
        clusters=len(clusters),
        cluster_one=one,
        cluster_many=many,
        tables=tuple(tables),
    )


def _metrics(members: Sequence[Stored], track: Track) -> list[tuple[MetricSpec, list[Stored], str]]:
    """Return each metric with its entries: the same name, fields, weights and parameters, or another table."""
    found: dict[str, tuple[MetricSpec, list[Stored]]] = {}
    for stored in members:
        body = stored.entry.body
        hashes = {weight.name: weight.sha256 for weight in body.weights}
        for spec in body.metrics:
            fields = [[f.name, f.unit, f.direction.value] for f in spec.fields]
            weights = [[name, hashes.get(name)] for name in spec.weights]
            computed = body.computed.get(spec.name)
            key = sha256_json(
                [spec.name, fields, weights, computed.model_dump(mode="json") if computed else None]
            )
            found.setdefault(key, (spec, []))[1].append(stored)
    return [(spec, entries, f"table-{track.samples[:8]}-{key[:8]}") for key, (spec, entries) in found.items()]


def _table(
    spec: MetricSpec,
    entries: Sequence[Stored],
    labels: Mapping[str, str],
    pages: Mapping[str, str],
    anchor: str,
) -> MetricTable:
    by_name = {f"{s.entry.body.system.id} / {s.entry.signature.key}": s for s in entries}
    controls = _controls(entries, spec)
    systems: Parts = {name: (s.entry.body, s.entry.body.system) for name, s in by_name.items()}
    parts = systems | {name: (s.entry.body, system) for name, (s, system, _) in controls.items()}
    infos = [info_of(system, name) for name, (_, system) in parts.items()]
    scores, records = scores_of(parts, [spec])
    cluster = entries[0].entry.body.cluster
    summaries = {
        s.system: s for s in summarise(scores, [spec], records, systems=infos, cluster=cluster) if s.headline
    }
    digits = places(list(summaries.values()))[(spec.name, spec.headline.name)]
    floors = [i.id for i in infos if i.role is Role.LOWER_CONTROL and i.use in spec.floors]
    scale = Scale.of(list(summaries.values()), floors)
    ranks, note = _ranks(spec, systems, cluster)
    rows = [
        Row(
            label=labels[stored.head],
            cell=cell_of(summaries[name], digits, scale),
            submitter=stored.entry.body.submitter,
            page=pages[stored.head],
            date=stored.entry.body.date,
            rank_text=_rank_text(ranks.get(name)),
            rank_sort=ranks[name].rank if name in ranks else None,
        )
        for name, stored in by_name.items()
    ]
    control_rows = [
        Row(
            label=system.label or system.id,
            cell=cell_of(summaries[name], digits, scale),
            submitter=stored.entry.body.submitter if several else "",
            role_text="floor" if name in floors else ROLE_TEXT[system.role],
        )
        for name, (stored, system, several) in controls.items()
    ]
    rows.sort(key=lambda row: (row.rank_sort is None, row.rank_sort or 0.0, row.label))
    return MetricTable(spec, anchor, tuple(rows), tuple(control_rows), (note,), bool(ranks))


def _ranks(spec: MetricSpec, systems: Parts, cluster: str | None) -> tuple[dict[str, RankResult], str]:
    """Rank systems by paired tests of the headline over their common samples; the note says how sure that is."""
    if spec.headline.direction is Direction.NONE:
        return {}, "A fact, not a quality: nothing is ranked."
    if len(systems) < 2:
        return {}, "One system: there is nobody to compare it with."
    scores, records = scores_of(systems, [spec])
    grid = score_grid(scores, [spec], records)
    headline = next(column for column in grid.columns if column.headline)
    block = CompareBlock(cluster=cluster)
    ranks = rank_systems(grid, records, list(systems), [headline], block, seed=SEED)
    pairs = len(ranks) * (len(ranks) - 1) // 2
    told = sum(rank.low - 1 for rank in ranks)
    note = f"{told} of {plural(pairs, 'pair')} told apart at {block.alpha:g} after Holm’s correction."
    return {rank.system: rank for rank in ranks}, note


def _rank_text(rank: RankResult | None) -> str:
    if rank is None:
        return NONE
    return f"{rank.low}" if rank.low == rank.high else f"{rank.low}–{rank.high}"


def _controls(entries: Sequence[Stored], spec: MetricSpec) -> dict[str, tuple[Stored, EntrySystem, bool]]:
    """Return the controls of a table: equal ones once; the bool says that another one has the same name."""
    distinct: dict[tuple[str, str], tuple[Stored, EntrySystem]] = {}
    for stored in entries:
        body = stored.entry.body
        columns = [m.name for m in body.metrics for _ in m.fields]
        for control in body.controls:
            content = [
                [
                    c.sample,
                    c.repeat,
                    c.sha256,
                    [v for v, m in zip(c.scores, columns, strict=True) if m == spec.name],
                ]
                for c in control.clips
            ]
            distinct.setdefault((control.id, sha256_json([control.role.value, content])), (stored, control))
    counts: dict[str, int] = {}
    for name, _ in distinct:
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(distinct.items(), key=lambda item: (item[1][1].role is not Role.UPPER_CONTROL, item[0]))
    return {
        f"control {name} {key}": (stored, control, counts[name] > 1)
        for (name, key), (stored, control) in ordered
    }
