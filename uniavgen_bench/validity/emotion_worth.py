"""What the emotion metrics are worth: known answers and swapped voices, on drawn heads and on real clips.

    python -m uniavgen_bench.validity.emotion_worth CLIPS/clips.csv [--portraits 96] [--out validity.json]

`read_worth` reads the clips for the checks of `emotion_checks`. The functions that end in `_study` are further studies
for `uniavgen-bench validate` (`own` in the expectations of a metric).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.core.validity_files import MetricValidity, RunValidity
from uniavgen_bench.metrics.emotion_agreement import SPEC as AGREEMENT
from uniavgen_bench.metrics.emotion_agreement_portraits import SPEC as OF_PORTRAITS
from uniavgen_bench.metrics.emotion_face import SPEC as FACE
from uniavgen_bench.metrics.emotion_voice import SPEC as VOICE
from uniavgen_bench.validity.clip_sets import read_clips
from uniavgen_bench.validity.emotion_checks import emotion_worth
from uniavgen_bench.validity.emotion_clips import read_listed, read_portraits, read_studied
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models


def read_worth(
    manifest: Path | None, portraits: int, models: Models, limit: int | None = None
) -> tuple[MetricValidity, ...]:
    """Read drawn and real clips and test the metrics on them; either side may be left out.

    Raises:
        InputError: the manifest cannot be used.
        NotInstalledError: the extra `portraits` is not installed.
    """
    store = Store(home() / "store")
    real = read_clips(manifest.parent, manifest)[:limit] if manifest is not None else []
    drawn = read_portraits(portraits, store, models) if portraits else []
    return emotion_worth(drawn, read_listed(real, store, models))


def _studied(metric: str, clips: ClipSet, options: StudyOptions) -> MetricValidity:
    store = Store(options.store or home() / "store")
    read = read_studied(clips, store, Models(WeightLocator(), device=options.device))
    return next(found for found in emotion_worth(*read) if found.metric == metric)


def face_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `emotion.face`: the emotion asked for against the others that are asked for."""
    return _studied(FACE.name, clips, options)


def voice_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `emotion.voice`: voices made aroused against voices made calm."""
    return _studied(VOICE.name, clips, options)


def agreement_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `emotion.agreement`: own voices against swapped ones, over the clip and over time."""
    return _studied(AGREEMENT.name, clips, options)


def portraits_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `emotion.agreement[portraits@1]`: own voices of drawn heads against voices of another emotion."""
    return _studied(OF_PORTRAITS.name, clips, options)


def table(found: Sequence[MetricValidity]) -> str:
    """Return what was found, as lines."""
    lines = []
    for metric in found:
        lines.append(f"{metric.metric}: {metric.verdict}")
        for check in metric.checks:
            interval = f" [{check.low:.3f}, {check.high:.3f}]" if check.low is not None else ""
            held = {True: "holds", False: "DOES NOT HOLD", None: "reported"}[check.passed]
            value = f"{check.value:.3f}" if check.value is not None else "none"
            lines.append(
                f"  {check.name}: {check.unit} {value}{interval}, {check.clips} clips, {held} {check.detail}"
            )
    return "\n".join(lines)


def main(
    manifest: Annotated[Path | None, typer.Argument(help="Manifest of real clips.", exists=True)] = None,
    portraits: Annotated[int, typer.Option(help="Clips of the portrait world.", min=0)] = 96,
    limit: Annotated[int | None, typer.Option(help="Only the first real clips.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Where validity.json goes.")] = None,
) -> None:
    """Print what the emotion metrics are worth."""
    try:
        found = read_worth(manifest, portraits, Models(WeightLocator()), limit)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    if out is not None:
        write_atomic(out, RunValidity(metrics=found).model_dump_json(indent=2).encode())
    typer.echo(table(found))


if __name__ == "__main__":
    typer.run(main)
