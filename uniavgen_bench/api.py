"""What the command line does, for notebooks: `score(clips)` and `run(suite)` in a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.located import Located, validate
from uniavgen_bench.core.run_files import RunDirectory, RunManifest
from uniavgen_bench.runner.run import Hooks, RunOptions, run_suite
from uniavgen_bench.runner.suite import ReportBlock, ResolvedSuite, Suite, override, read_suite, resolve
from uniavgen_bench.runner.suite_path import find_suite
from uniavgen_bench.stats.summary import Summary, summarise

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
) -> pd.DataFrame:
    """Score finished clips and return the rows of scores.parquet.

    Scores are kept by content, so that a second call costs seconds. In a script, call it below
    `if __name__ == "__main__":`, because it starts processes.

    Raises:
        BenchError: what is wrong with the input, in one line.
    """
    resolved = score_suite(
        Path(clips), manifest=Path(manifest) if manifest else None, metrics=metrics, controls=controls
    )
    options = RunOptions(out=Path(out) if out else None, workers=workers, device=device, command="score()")
    return run_suite(resolved, options, Hooks()).directory.scores()


def run(
    suite: str | Path,
    *,
    settings: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int | None = None,
    device: str = "cpu",
) -> Run:
    """Run a suite file, or a bundled suite by its name, and return the finished run.

    Raises:
        BenchError: what is wrong with the suite or its data, in one line.
    """
    read, located = read_suite(find_suite(str(suite)), settings)
    options = RunOptions(
        out=Path(out) if out else None, workers=workers, device=device, command=f"run({suite!s})"
    )
    return Run(run_suite(resolve(read, located), options, Hooks()).directory.root)
