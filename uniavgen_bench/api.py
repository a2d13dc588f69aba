"""What the command line does, for notebooks: `score(clips)` and `run(suite)` in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from uniavgen_bench.core.comparison import AblationResult, RunStats
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.located import Located, validate
from uniavgen_bench.core.run_files import RunDirectory, RunManifest
from uniavgen_bench.runner.ablation import FactorOptions
from uniavgen_bench.runner.executors.executor import RayOptions
from uniavgen_bench.runner.run import Hooks, RunOptions, run_suite
from uniavgen_bench.runner.suite import ReportBlock, ResolvedSuite, Suite, override, read_suite, resolve
from uniavgen_bench.runner.suite_path import find_suite
from uniavgen_bench.stats.summary import Summary, summarise

if TYPE_CHECKING:
    from uniavgen_bench.report.comparison import Comparison

DEFAULT_METRICS = (
    "lipsync.mouth_audio",
    "lipsync.lse",
    "timbre.reference",
    "speech.wer",
    "audio.dnsmos",
    "video.motion",
)
"""What `score` asks when no metric is named."""

DEFAULT_CONTROLS = ("shuffled-audio",)
"""The floor that `score` puts beside every score when nothing else is said."""


@dataclass(frozen=True)
class Run:
    """A run on disk: its scores, their summary, and its report."""

    path: Path

    @property
    def manifest(self) -> RunManifest:
        """Versions, systems, metrics, weights, and command of the run."""
        return RunDirectory(self.path).manifest()

    @property
    def scores(self) -> pd.DataFrame:
        """One row per system, sample, repeat, metric, and field (columns: `core.run_files.SCORE_COLUMNS`)."""
        return RunDirectory(self.path).scores()

    @property
    def stats(self) -> tuple[Summary, ...]:
        """Coverage, mean, and 95 % interval per system, metric, and field."""
        directory = RunDirectory(self.path)
        manifest = directory.manifest()
        return summarise(directory.scores(), manifest.metrics, directory.clips(), systems=manifest.systems)

    @property
    def verdicts(self) -> RunStats:
        """Which differences between its systems are real.

        Raises:
            InputError: the run holds none: it did not finish, or an older version made it.
        """
        found = RunDirectory(self.path).stats()
        if found is None:
            raise InputError(f"{self.path} has no stats.json", way_out="run it again: scores are kept")
        return found

    @property
    def ablation(self) -> AblationResult | None:
        """What each level of each factor changes; None for a run without an ablation."""
        return RunDirectory(self.path).ablation()

    def report(self) -> Path:
        """Write report/index.html and return its path."""
        from uniavgen_bench.report.build import build_report

        return build_report(self.path)


def score_suite(
    clips: Path,
    *,
    manifest: Path | None = None,
    metrics: Sequence[str] = DEFAULT_METRICS,
    controls: Sequence[str] = DEFAULT_CONTROLS,
    settings: Sequence[str] = (),
) -> ResolvedSuite:
    """Build the suite that `score` runs over finished clips.

    Raises:
        InputError: the clips, the manifest, a metric, a control or a setting cannot be used.
    """
    if not clips.exists():
        raise InputError(f"{clips}: no such file or folder")
    dataset: dict[str, Any] = {"name": "folder", "path": str(clips)}
    if manifest is not None:
        dataset = {"name": "manifest", "path": str(manifest), "root": str(clips), "clips": str(clips)}
    data: dict[str, Any] = {
        "schema": 1,
        "name": "score",
        "dataset": dataset,
        "systems": ["precomputed", *(_control(name) for name in controls)],
        "metrics": list(metrics),
        "report": ReportBlock().model_dump(),
    }
    located = override(Located(data, {}, "score"), settings)
    return resolve(validate(Suite, located), located)


def _control(text: str) -> dict[str, Any]:
    """Read `shuffled-audio`, or `shifted-audio:200` with a number of milliseconds."""
    name, colon, value = text.partition(":")
    if not colon:
        return {"use": name}
    try:
        options = {"milliseconds": float(value)}
    except ValueError:
        raise InputError(
            f"control {text!r}: {value!r} is no number", way_out="for example shifted-audio:200"
        ) from None
    return {"id": f"{name}-{value}", "use": name, "options": options}


def score(
    clips: str | Path,
    *,
    manifest: str | Path | None = None,
    metrics: Sequence[str] = DEFAULT_METRICS,
    controls: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int | None = None,
    device: str = "cpu",
    executor: str = "local",
    ray: RayOptions | None = None,
    store: str | None = None,
) -> pd.DataFrame:
    """Score finished clips and return the rows of scores.parquet.

    Scores are kept by content, so that a second call costs seconds. In a script, call it below
    `if __name__ == "__main__":`, because it starts processes. `executor`, `ray` and `store` are those of `run`.

    Raises:
        BenchError: what is wrong with the input, in one line.
    """
    resolved = score_suite(
        Path(clips), manifest=Path(manifest) if manifest else None, metrics=metrics, controls=controls
    )
    options = RunOptions(
        out=Path(out) if out else None, workers=workers, device=device, command="score()",
        executor=executor, ray=ray or RayOptions(), store=store,
    )  # fmt: skip
    return run_suite(resolved, options, Hooks()).directory.scores()


def run(
    suite: str | Path,
    *,
    settings: Sequence[str] = (),
    factors: Sequence[str] = (),
    of: str | None = None,
    design: Literal["one_at_a_time", "full"] | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    device: str = "cpu",
    executor: str = "local",
    ray: RayOptions | None = None,
    store: str | None = None,
) -> Run:
    """Run a suite file, or a bundled suite by its name, and return the finished run.

    `factors` (`NAME=LEVEL,LEVEL`), `of` and `design` vary a system as `--factor`, `--of` and `--design` do.
    `executor` is `local` or `ray`, which takes `ray` of its cluster; `store` is the address of a store that others
    share (docs/executors.md).

    Raises:
        BenchError: what is wrong with the suite or its data, in one line.
    """
    read, located = read_suite(find_suite(str(suite)), settings)
    options = RunOptions(
        out=Path(out) if out else None, workers=workers, device=device, command=f"run({suite!s})",
        executor=executor, ray=ray or RayOptions(), store=store,
    )  # fmt: skip
    varied = FactorOptions(tuple(factors), of, design)
    return Run(run_suite(resolve(read, located, varied), options, Hooks()).directory.root)


def compare(
    runs: Sequence[str | Path | Run],
    *,
    systems: Sequence[str] = (),
    fields: Sequence[str] = (),
    common: bool = False,
    out: str | Path | None = None,
) -> Comparison:
    """Compare runs with the first of them, sample by sample; with `out`, write the page there.

    `systems` names those that belong together as `A=B`, `fields` what is tested as `metric.field`; `common` leaves out
    samples that not all runs have.

    Raises:
        BenchError: what cannot be compared, or written, in one line.
    """
    from uniavgen_bench.report.compare import CompareOptions, compare_runs
    from uniavgen_bench.report.compare_page import check_folder, write_comparison

    folder = Path(out) if out is not None else None
    if folder is not None:
        check_folder(folder)
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    found = compare_runs(paths, CompareOptions(tuple(systems), tuple(fields), common, folder))
    if folder is not None:
        write_comparison(found, folder)
    return found
