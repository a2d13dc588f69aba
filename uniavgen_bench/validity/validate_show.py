"""What `uniavgen-bench validate` does and prints: progress with an estimate, a verdict table, and all checks."""

from __future__ import annotations

import json as jsonlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from uniavgen_bench.analysis.needs import needed_weights
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.remote_address import chosen_remote
from uniavgen_bench.core.remote_store import told_once
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.store import home
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.render import plural
from uniavgen_bench.report.validity_view import validity_rows
from uniavgen_bench.runner.disk_errors import disk_errors
from uniavgen_bench.runner.progress_display import ProgressDisplay
from uniavgen_bench.runner.run import check_device
from uniavgen_bench.runner.run_folder import writable
from uniavgen_bench.stats.numbers import duration
from uniavgen_bench.validity.study import Progress, StudyOptions, processors
from uniavgen_bench.validity.study_clips import ClipSet, dataset_clips, folder_clips
from uniavgen_bench.validity.validate import (
    Validated,
    metrics_of_run,
    studied_metrics,
    validate_metrics,
    write_study,
)
from uniavgen_bench.validity.verdict import Standing, StudiedValidity
from uniavgen_bench.weights.locate import WeightLocator

COLOURS = {
    Standing.VALID: "green",
    Standing.LIMITED: "yellow",
    Standing.UNDECIDED: "yellow",
    Standing.NOT_VALID: "magenta",
    Standing.CONTRADICTED: "bold red",
    Standing.NO_NUMBERS: "dim",
    Standing.UNTESTED: "bold red",
}
NOT_TESTED = (Standing.NO_NUMBERS, Standing.UNTESTED)


@dataclass(frozen=True)
class Asked:
    """The command line of a study."""

    metrics: tuple[str, ...]
    dataset: str
    settings: tuple[str, ...]
    clips: Path | None
    limit: int | None
    out: Path
    workers: int | None
    device: str
    timeout: float
    repeats: bool
    offline: bool
    command: str
    store: str | None = field(default=None, repr=False)
    clips_limit: int | None = None


class _Display(ProgressDisplay):
    """Progress through the stages of a study; a log tells when one begins."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, lambda stage, done, total: f"{stage}: {done} of {total}")

    def begin(self, stage: str, total: int) -> None:
        if not self.console.is_terminal:
            self.console.print(f"{stage}: {plural(total, 'clip')}", highlight=False)
        super().begin(stage, total)


def validate_and_show(asked: Asked, *, json: bool) -> bool:
    """Run a study with its progress on stderr; write it into `out`, and print the verdicts on stdout.

    Returns whether any metric could be tested.

    Raises:
        InputError: a metric, a dataset, an option or a folder that cannot be used.
    """
    console = Console(stderr=True)

    def note(text: str) -> None:
        console.print(f"[yellow]note[/]  {escape(text)}", highlight=False, soft_wrap=True)

    started = time.perf_counter()
    remote = chosen_remote(asked.store)
    check_device(asked.device)
    if asked.out.is_file():
        raise InputError(f"{asked.out} is a file", way_out="name a folder or a run")
    metrics = studied_metrics(asked.metrics or metrics_of_run(asked.out), note=note)
    sets = clip_sets(asked)
    needed = needed_weights([m.metric.spec for m in metrics if m.expected is not None])
    for reason in WeightLocator().require(needed, offline=asked.offline).unavailable.values():
        note(f"{reason}: its metrics cannot be tested here")
    with _taken_back(asked.out):
        writable(asked.out, "choose another --out")
        writable(home() / "store", "name another folder with UNIAVGEN_BENCH_HOME")
        display = _Display(console)
        options = StudyOptions(
            workers=asked.workers or processors(),
            device=asked.device,
            timeout=asked.timeout,
            remote=remote.given if remote else None,
        )
        try:
            validated = validate_metrics(
                metrics,
                sets,
                options,
                command=asked.command,
                repeats=asked.repeats,
                progress=Progress(display.begin, display.step, told_once(note)),
            )
        finally:
            display.stop()
    path = write_study(validated, asked.out)
    page = _report_again(asked.out, note)
    if json:
        result = validated.result.model_dump(mode="json", exclude_none=True)
        sys.stdout.write(jsonlib.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        show(validated, Console())
        again = f"\nreport    {page}, written again with these verdicts" if page else ""
        Console().print(
            f"\nverdicts  {path}{again}\n[dim]{duration(time.perf_counter() - started)}[/]",
            highlight=False,
            soft_wrap=True,
        )
    tested = any(metric.standing not in NOT_TESTED for metric in validated.result.metrics)
    if not tested:
        console.print(
            f"[red]nothing tested[/]  {escape(_why_untested(validated.result.metrics))} (exit status 1)",
            highlight=False,
            soft_wrap=True,
        )
    return tested


def _report_again(out: Path, note: Callable[[str], None]) -> Path | None:
    """Write the report of a complete run again, so that it shows the new verdicts; None where there is none."""
    run = RunDirectory(out)
    if not run.manifest_path.is_file() or run.manifest().status != "complete":
        return None
    try:
        with disk_errors():
            return build_report(out)
    except BenchError as error:
        note(f"the report is still that of before: {error}; then: uniavgen-bench report {out}")
        return None


@contextmanager
def _taken_back(folder: Path) -> Iterator[None]:
    """Take away the empty folders that were made for a study which then came to no end."""
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


def _why_untested(found: Sequence[StudiedValidity]) -> str:
    """Say in a line why no metric was tested: the commonest reason first."""
    said = Counter(metric.verdict for metric in found)
    (first, count), others = said.most_common(1)[0], len(said) - 1
    about = "" if len(found) == 1 else f"{count} of {len(found)} metrics: "
    more = f" (and {plural(others, 'other reason')} above)" if others else ""
    return f"no metric gave a number on any clip; {about}{first}{more}"


def clip_sets(asked: Asked) -> list[ClipSet]:
    """Return the clips that a command line asks for.

    Raises:
        InputError: there are none, or an option has nothing to act on.
    """
    sets = []
    if asked.dataset != "none":
        sets.append(dataset_clips(asked.dataset, asked.settings, asked.limit))
    elif asked.settings:
        raise InputError("--set has no dataset to set", way_out="leave --dataset none out")
    if asked.clips is not None:
        sets.append(folder_clips(asked.clips, asked.clips_limit or asked.limit))
    elif asked.clips_limit is not None:
        raise InputError("--clips-limit has no clips to limit", way_out="add --clips, or use --limit")
    if not sets:
        raise InputError("there are no clips to test on", way_out="add --clips, or leave --dataset none out")
    return sets


def show(validated: Validated, console: Console) -> None:
    """Print every metric's checks, then the verdicts; metrics that nothing is declared for come last and loud."""
    found = validated.result.metrics
    for metric in found:
        if metric.checks:
            console.print(_checks(metric))
            console.print()
    table = Table(
        Column("metric", no_wrap=True, overflow="fold"),
        "verdict",
        "",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    order = list(Standing)
    for metric in sorted(found, key=lambda one: order.index(one.standing)):
        colour = COLOURS[metric.standing]
        table.add_row(escape(metric.metric), f"[{colour}]{metric.standing.value}[/]", escape(metric.verdict))
    console.print(table)
    _count(found, console)


def _checks(metric: StudiedValidity) -> Table:
    title = f"[bold]{escape(metric.metric)}[/]"
    table = Table(
        "check", "", "measured", "expected", "detail", title=title, title_justify="left", box=None,
        pad_edge=False, header_style="dim",
    )  # fmt: skip
    marks = {
        "held": "[green]held[/]",
        "failed": "[red]failed[/]",
        "open": "[yellow]open[/]",
        "reported": "[dim]–[/]",
    }
    for row in validity_rows(metric):
        table.add_row(
            escape(row.name),
            marks[row.outcome],
            escape(row.measured),
            escape(row.expected),
            escape(row.detail),
        )
    return table


def _count(found: Sequence[StudiedValidity], console: Console) -> None:
    parts = [
        f"{number} {standing.value}"
        for standing in Standing
        if (number := sum(metric.standing is standing for metric in found))
    ]
    console.print(f"\n{plural(len(found), 'metric')}: {', '.join(parts)}", highlight=False)
