"""The aims that nano is held to, and whether finished runs reach them. A clip without a number never helps an aim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from uniavgen_bench.core.comparison import PairedResult, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.paired_share import paired_share
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.validity.nano_card_measures import VoiceRank
from uniavgen_bench.validity.nano_card_run import JOINT, MOUTH, SYSTEM, VOWELS, WER, TaskRun, p_of, shown


class Outcome(StrEnum):
    """What became of an aim. A mean over fewer than all clips reaches none: who knows what the others would be."""

    REACHED = "reached"
    NOT_REACHED = "not reached"
    PARTLY = "not measured on all clips"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Aim:
    """One aim: what it asks, what was measured, and what became of it."""

    name: str
    asked: str
    measured: str
    outcome: Outcome


@dataclass(frozen=True)
class ControlAim:
    """nano is to be above each control of `beside`; `others` says why the other lower controls are not asked."""

    task: str
    field: str
    beside: tuple[str, ...]
    others: str


CONTROL_AIMS = (
    ControlAim(
        "dubbing",
        VOWELS,
        ("nano-blind", "shuffled-audio", "shifted-audio"),
        "holds the answer, the true sound",
    ),
    ControlAim(
        "continuation", JOINT, ("nano-interaction-off",), "lacks the true beginning that nano is given"
    ),
)


def aims(runs: dict[str, TaskRun], voices: VoiceRank | None) -> list[Aim]:
    """Hold the model to the aims that were set before it was trained."""
    found = []
    driven = runs.get("audio_driven")
    if driven is not None:
        mouth, control = driven.mean(SYSTEM, MOUTH), driven.mean("nano-deaf", MOUTH)
        measured = f"{shown(mouth)}; without hearing {shown(control)}"
        outcome = of_mean(mouth, least=0.85)
        found.append(Aim("audio-driven mouth against the truth, correlation", "0.85", measured, outcome))
    joint = runs.get("joint")
    if joint is not None:
        found += [_share_of_truth(joint), _words(joint)]
    if voices is not None:
        found.append(_voice(voices))
    for asked in CONTROL_AIMS:
        run = runs.get(asked.task)
        if run is not None:
            name = f"{asked.task}: {asked.field} above {', '.join(asked.beside)}"
            found.append(Aim(name, "above", *_above(run, asked)))
    return found


def of_mean(summary: Summary | None, *, least: float | None = None, most: float | None = None) -> Outcome:
    """Hold a mean to a bound."""
    if summary is None or summary.mean is None:
        return Outcome.UNMEASURED
    missed = (least is not None and summary.mean < least) or (most is not None and summary.mean > most)
    return _unless_partly(not missed, summary.complete)


def _unless_partly(reached: bool, complete: bool) -> Outcome:
    if not reached:
        return Outcome.NOT_REACHED
    return Outcome.REACHED if complete else Outcome.PARTLY


def _share_of_truth(run: TaskRun) -> Aim:
    name = "joint: agreement of lips and sound, as a share of the truth's"
    pairs = run.pairs(SYSTEM, "ground-truth", JOINT)
    told = f"{shown(run.mean(SYSTEM, JOINT))} against {shown(run.mean('ground-truth', JOINT))}; "
    told += f"exchanged sound {shown(run.mean('shuffled-audio', JOINT))}"
    found = paired_share(pairs) if pairs is not None else None
    if found is None or found.share is None:
        return Aim(name, "90 %", f"–: {told}", Outcome.UNMEASURED)
    text = f"{100 * found.share:.0f} %"
    if isinstance(found.interval, Interval):
        text += f" [{100 * found.interval.low:.0f}, {100 * found.interval.high:.0f}]"
    text += f" over {found.pairs} of {found.planned} clips that both have: {told}"
    return Aim(name, "90 %", text, _unless_partly(found.share >= 0.9, found.complete))


def _words(run: TaskRun) -> Aim:
    wer = run.mean(SYSTEM, WER)
    told = f"{shown(wer)}; truth {shown(run.mean('ground-truth', WER))}"
    return Aim("joint: WER of GRID sentences", "at most 0.2", told, of_mean(wer, most=0.2))


def _voice(voices: VoiceRank) -> Aim:
    text, outcome = "–", Outcome.UNMEASURED
    if voices.share is not None:
        text = f"{voices.nearest} of {voices.clips} ({100 * voices.share:.0f} %)"
        outcome = Outcome.REACHED if voices.share >= 0.9 else Outcome.NOT_REACHED
    text += f" among {voices.others} other people"
    if voices.left_out:
        text += f"; of the clips {voices.left_out} without a voice to compare, counted as not nearest"
    return Aim("voice nearer to its reference than to everybody else's", "90 %", text, outcome)


def _above(run: TaskRun, aim: ControlAim) -> tuple[str, Outcome]:
    """Say by paired tests whether nano is above the controls that an aim names."""
    tested = run.beside_nano(aim.field)
    own = f"{shown(run.mean(SYSTEM, aim.field))}; truth {shown(run.mean('ground-truth', aim.field))}"

    def each(name: str) -> str:
        text = f"{name} {shown(run.mean(name, aim.field))}"
        return f"{text} ({p_of(tested[name])})" if name in tested else text

    parts = [own, ", ".join(each(name) for name in aim.beside)]
    lower = dict.fromkeys(s.system for s in run.summaries if s.role is Role.LOWER_CONTROL)
    if others := [name for name in lower if name not in aim.beside]:
        parts.append(f"not asked, as each {aim.others}: {', '.join(each(name) for name in others)}")
    return "; ".join(parts), _of_tests([tested.get(name) for name in aim.beside])


def _of_tests(results: Sequence[PairedResult | None]) -> Outcome:
    """Hold nano to be above every control; a result is a control beside nano."""
    known = [r for r in results if r is not None]
    if any(r.verdict is not Verdict.WORSE for r in known):
        return Outcome.NOT_REACHED
    if len(known) < len(results) or not known:
        return Outcome.UNMEASURED
    return _unless_partly(True, all(r.pairs == r.attempted for r in known))


def aims_section(found: Sequence[Aim]) -> list[str]:
    """Lay out the aims."""
    rows = [f"| {a.name} | {a.asked} | {a.measured} | {a.outcome.value} |" for a in found]
    head = ["| aim, on people that it was not trained on | asked | measured | |", "|---|---|---|---|"]
    return [*head, *rows, ""]
