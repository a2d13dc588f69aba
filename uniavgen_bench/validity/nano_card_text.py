"""The text of the model card of nano: tables of finished runs, and the aims that the model is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import PairedResult, RunStats
from uniavgen_bench.core.published import PublishedResult
from uniavgen_bench.core.sample import Role
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.published_text import own_chain, published_chain, sentence
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.verdict_table import digits_of, estimate_text
from uniavgen_bench.validity.nano_card_figures import TrainingLog
from uniavgen_bench.validity.nano_card_measures import VoiceRank

SYSTEM = "uniavgen-nano"
MOUTH, JOINT, WER = "portraits.mouth.correlation", "lipsync.mouth_audio.in_place", "speech.grid.wer"


@dataclass(frozen=True)
class TaskRun:
    """A finished suite: its name, the command that repeats it, its summaries and verdicts."""

    name: str
    command: str
    summaries: tuple[Summary, ...]
    stats: RunStats | None
    published: PublishedResult | None = None

    def mean(self, system: str, field: str) -> Summary | None:
        """Return the summary of a system's field, `metric.field` without version; None where it was not measured."""
        for s in self.summaries:
            if s.system == system and f"{plain(s.metric)}.{s.field}" == field:
                return s
        return None


def plain(metric: str) -> str:
    """Return a metric's name without protocol and version."""
    return metric.split("@")[0].split("[")[0]


def shown(summary: Summary | None, digits: int = 2) -> str:
    """Render `0.62 [0.55, 0.70]`, with coverage where clips are missing; a dash without a number."""
    if summary is None or summary.mean is None:
        return "–"
    text = number(summary.mean, digits)
    if isinstance(summary.interval, Interval):
        text += f" [{number(summary.interval.low, digits)}, {number(summary.interval.high, digits)}]"
    return text if summary.scored == summary.attempted else f"{text}, {summary.scored} of {summary.attempted}"


def task_section(run: TaskRun) -> list[str]:
    """Lay out a suite's tested fields: a line for each system, and what its controls say of nano."""
    fields = list(run.stats.block.fields) if run.stats else []
    systems = list(dict.fromkeys((s.system, s.role) for s in run.summaries))
    clips = next((s.attempted for s in run.summaries if s.system == SYSTEM), None)
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
    return [*lines, "", *_beside(run), *_published(run)]


def _beside(run: TaskRun) -> list[str]:
    """Say what the paired tests of the first tested field found beside the baseline."""
    if run.stats is None or run.stats.block.baseline is None or not run.stats.block.fields:
        return []
    field, baseline = run.stats.block.fields[0], run.stats.block.baseline
    tested = [
        r for r in run.stats.paired if _is(r, field) and r.baseline == baseline and r.difference and r.pairs
    ]
    if not tested:
        return []
    digits = digits_of(tested)
    each = [f"{r.system} {estimate_text(r.difference, digits)}, {_p(r)}" for r in tested if r.difference]
    return [f"`{field}` beside {baseline}: {'; '.join(each)}.", ""]


def _published(run: TaskRun) -> list[str]:
    """Lay out what a paper gave for the same, and whether its order is found again."""
    if run.published is None:
        return []
    lines = [f"Published: {run.published.block.source}. {run.published.block.note}".strip(), ""]
    for order in run.published.orders:
        lines.append(
            f"- {order.table.measure}, {published_chain(order, {})}; here `{order.table.beside}`: "
            f"{own_chain(order, {})}. {sentence(order, {})}"
        )
    return [*lines, ""]


@dataclass(frozen=True)
class Aim:
    """One aim: what it asks, what was measured, and whether it is reached; None where nothing was measured."""

    name: str
    asked: str
    measured: str
    reached: bool | None


def aims(runs: dict[str, TaskRun], voices: VoiceRank | None) -> list[Aim]:
    """Hold the model to the aims that were set before it was trained."""
    found = []
    driven = runs.get("audio_driven")
    if driven is not None:
        mouth, control = driven.mean(SYSTEM, MOUTH), driven.mean("nano-deaf", MOUTH)
        measured = f"{shown(mouth)}; without hearing {shown(control)}"
        reached = None if mouth is None or mouth.mean is None else mouth.mean >= 0.85
        found.append(Aim("audio-driven mouth against the truth, correlation", "0.85", measured, reached))
    joint = runs.get("joint")
    if joint is not None:
        found += _joint(joint)
    if voices is not None:
        text = (
            "–"
            if voices.share is None
            else f"{voices.nearest} of {voices.clips} ({100 * voices.share:.0f} %)"
        )
        text += f" among {voices.others} other people"
        reached = None if voices.share is None else voices.share >= 0.9
        found.append(Aim("voice nearer to its reference than to everybody else's", "90 %", text, reached))
    for task, field in (("dubbing", "portraits.phones.vowel_auc"), ("continuation", JOINT)):
        run = runs.get(task)
        if run is not None:
            found.append(Aim(f"{task}: {field} above its controls", "above", *_above(run, field)))
    return found


def _joint(run: TaskRun) -> list[Aim]:
    own, true, floor = (run.mean(name, JOINT) for name in (SYSTEM, "ground-truth", "shuffled-audio"))
    share = None
    if own is not None and true is not None and own.mean is not None and true.mean:
        share = own.mean / true.mean
    text = "–" if share is None else f"{100 * share:.0f} %"
    text += f": {shown(own)} against {shown(true)}; exchanged sound {shown(floor)}"
    aim = Aim("joint: agreement of lips and sound, as a share of the truth's", "90 %", text, None)
    wer = run.mean(SYSTEM, WER)
    said = Aim(
        "joint: WER of GRID sentences",
        "at most 0.2",
        f"{shown(wer)}; truth {shown(run.mean('ground-truth', WER))}",
        None if wer is None or wer.mean is None else wer.mean <= 0.2,
    )
    reached = None if share is None else share >= 0.9
    return [Aim(aim.name, aim.asked, aim.measured, reached), said]


def _above(run: TaskRun, field: str) -> tuple[str, bool | None]:
    """Say by paired tests whether nano is above every lower control; `result` is the control beside nano."""
    controls = {s.system for s in run.summaries if s.role is Role.LOWER_CONTROL}
    tested = [r for r in (run.stats.paired if run.stats else []) if _is(r, field) and r.system in controls]
    tested = [r for r in tested if r.baseline == SYSTEM and r.difference is not None and r.pairs]
    own = f"{shown(run.mean(SYSTEM, field))}; truth {shown(run.mean('ground-truth', field))}"
    if not tested:
        return own, None
    each = [f"{r.system} {shown(run.mean(r.system, field))} ({_p(r)})" for r in tested]
    return f"{own}; {', '.join(each)}", all(r.verdict.value == "worse" for r in tested)


def _is(result: PairedResult, field: str) -> bool:
    return f"{plain(result.metric)}.{result.field}" == field


def _p(result: PairedResult) -> str:
    p = result.p_adjusted
    return "p –" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def aims_section(found: Sequence[Aim]) -> list[str]:
    """Lay out the aims."""
    words = {True: "reached", False: "not reached", None: "not measured"}
    rows = [f"| {a.name} | {a.asked} | {a.measured} | {words[a.reached]} |" for a in found]
    head = ["| aim, on people that it was not trained on | asked | measured | |", "|---|---|---|---|"]
    return [*head, *rows, ""]


def training_section(logs: Sequence[tuple[TrainingLog, str | None]]) -> list[str]:
    """Lay out stages, steps, hours and losses of trainings; each with the file of its curves."""
    lines: list[str] = []
    for log, figure in logs:
        lines += [f"### {log.folder.name}", ""]
        lines += ["| stage | steps | minutes | first losses | last losses |", "|---|---|---|---|---|"]
        for stage in log.stages:
            own = [line for line in log.lines if line["stage"] == stage]
            seconds, before = 0.0, 0
            for line in own:
                seconds += float(line.get("s/step", 0)) * (int(line["step"]) - before)
                before = int(line["step"])
            cells = (stage, before, f"{seconds / 60:.0f}", _losses(own[:5]), _losses(own[-5:]))
            lines.append(f"| {' | '.join(map(str, cells))} |")
        lines += ["", f"![losses of {log.folder.name}]({figure})" if figure else "", ""]
    return lines


def _losses(lines: Sequence[dict[str, object]]) -> str:
    names = [n for n in ("audio", "video", "mask", "picture", "total") if any(n in line for line in lines)]
    parts = []
    for name in names if names == ["total"] else [n for n in names if n != "total"]:
        values = [float(str(line[name])) for line in lines if name in line]
        parts.append(f"{name} {sum(values) / len(values):.3f}")
    return ", ".join(parts)
