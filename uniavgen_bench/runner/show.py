"""What a run shows in the terminal: notes, a progress bar with an estimate, the table, and where things are."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.core.terminal import SafeConsole, printable_json
from uniavgen_bench.report.build import write_report
from uniavgen_bench.report.render import plural
from uniavgen_bench.report.run_data import RunData, read_run
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork
from uniavgen_bench.runner.disk_errors import disk_errors
from uniavgen_bench.runner.plan import Plan
from uniavgen_bench.runner.progress_display import ProgressDisplay
from uniavgen_bench.runner.run import Finished, Hooks, RunOptions, run_suite
from uniavgen_bench.runner.suite import ResolvedSuite
from uniavgen_bench.runner.told_reasons import ToldReasons
from uniavgen_bench.runner.verdicts import Verdicts
from uniavgen_bench.stats.ablation_table import print_ablation
from uniavgen_bench.stats.published_text import print_published
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.table import print_summary
from uniavgen_bench.stats.verdict_terminal import print_verdicts


class _Display:
    """A live bar on a terminal; plain lines in a log."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = ProgressDisplay(console, lambda stage, done, total: f"scored {done} of {total}")
        self.told = ToldReasons()

    def note(self, text: str) -> None:
        self.console.print(f"[yellow]note[/]  {escape(text)}", highlight=False)

    def planned(self, plan: Plan) -> None:
        clips, systems = plural(len(plan.clips), "clip"), plural(len(plan.systems), "system")
        self.console.print(f"{clips} of {systems}", highlight=False)
        self.progress.begin("scoring", len(plan.clips))

    def finished(self, work: ClipWork, outcome: ClipOutcome) -> None:
        problem = outcome.record.problem
        # What could not be made was told of when it was tried.
        if problem and not isinstance(work.made, Missing) and self.told.first(work.key.system, problem):
            self._skip(f"{work.key.system}/{work.key.sample}: {problem}")
        self.progress.step(f"{work.key.system}/{work.key.sample}")

    def _skip(self, text: str) -> None:
        self.console.print(f"[yellow]skip[/]  {escape(text)}", highlight=False)

    def stop(self) -> None:
        self.progress.stop()
        for system, reason, count in self.told.repeated():
            self._skip(f"{system}: {plural(count, 'clip')}: {reason}")


def run_and_show(resolved: ResolvedSuite, options: RunOptions, *, json: bool) -> Finished:
    """Run a suite with a progress display on stderr; print its table, or with `json` its summary, on stdout."""
    console = SafeConsole(stderr=True)
    display = _Display(console)
    hooks = Hooks(planned=display.planned, finished=display.finished, note=display.note)
    try:
        finished = run_suite(resolved, options, hooks)
    finally:
        display.stop()
    root = finished.directory.root
    with console.status("writing the report"), disk_errors():
        data = read_run(root)
        page = write_report(data, root)
    _tell_problem(data, console)
    show_summary(root, data.summaries, page, finished.manifest.systems, finished.verdicts, json=json)
    if finished.problems:
        console.print(
            f"[yellow]note[/]  {plural(len(finished.problems), 'computation')} failed: see problems.log of the run"
        )
    if not json:
        _show_costs(console, finished)
    if finished.without_result:
        said = "; ".join(finished.without_result)
        console.print(
            f"[red]nothing to show[/]  {escape(said)} (exit status 1)", highlight=False, soft_wrap=True
        )
    return finished


def _tell_problem(data: RunData, console: Console) -> None:
    if data.validity_problem:
        console.print(f"[yellow]note[/]  {escape(data.validity_problem)}", highlight=False, soft_wrap=True)


def _show_costs(console: Console, finished: Finished) -> None:
    costs = sorted(finished.timings.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in costs[:6] if seconds >= 1)
    console.print(
        f"[dim]{finished.manifest.seconds or 0:.1f} s in all{'; computing: ' + shown if shown else ''}[/]"
    )


def show_summary(
    root: Path,
    summaries: Sequence[Summary],
    page: Path,
    systems: Sequence[SystemInfo],
    verdicts: Verdicts,
    *,
    json: bool,
) -> None:
    """Print the tables of a finished run, or its summary and verdicts as JSON."""
    if not json:
        console = SafeConsole()
        print_summary(summaries, console)
        console.print()
        print_verdicts(verdicts.stats, systems, console)
        if verdicts.ablation is not None:
            console.print()
            print_ablation(verdicts.ablation, console)
        if verdicts.published is not None:
            console.print()
            print_published(verdicts.published, {s.id: s.label for s in systems if s.label}, console)
        console.print(
            f"\nscores  {RunDirectory(root).scores_path}\nreport  {page}", highlight=False, soft_wrap=True
        )
        return
    rows: list[dict[str, Any]] = [
        {
            "system": s.system, "metric": s.metric, "field": s.field, "unit": s.unit, "direction": s.direction.value,
            "attempted": s.attempted, "scored": s.scored, "mean": s.mean, "median": s.median,
            "low": getattr(s.interval, "low", None), "high": getattr(s.interval, "high", None),
            "missing": {m.reason: m.count for m in s.missing},
        }
        for s in summaries
    ]  # fmt: skip
    result = {
        "run": str(root), "report": str(page), "summary": rows,
        "verdicts": verdicts.stats.model_dump(mode="json"),
        "ablation": verdicts.ablation.model_dump(mode="json") if verdicts.ablation else None,
        "published": verdicts.published.model_dump(mode="json") if verdicts.published else None,
    }  # fmt: skip
    text = jsonlib.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(printable_json(text) + "\n")


def show_report(root: Path, *, json: bool) -> None:
    """Write the report of a run again, and say where it is."""
    with disk_errors():
        data = read_run(root)
        page = write_report(data, root)
    _tell_problem(data, Console(stderr=True))
    if json:
        sys.stdout.write(jsonlib.dumps({"run": str(root), "report": str(page)}) + "\n")
    else:
        SafeConsole().print(f"report  {page}", highlight=False, soft_wrap=True)
