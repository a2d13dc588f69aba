"""By how much each step of an LSE protocol moves LSE-C, LSE-D and the offset of one clip: one step changed at a time.

Run `python -m uniavgen_bench.validity.lse_steps CLIP`. Without `syncnet_v2.model`, `--random-weights` shows which steps
change anything: random weights have the true shapes, but their numbers have no size that means something, so that only
comparison with the row "sound one frame later" says much.
"""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.metrics.lipsync_lse_spec import FACE_NEEDS, WEIGHTS
from uniavgen_bench.validity.lse_step_changes import changes, longest, of_tracks, random_syncnet
from uniavgen_bench.validity.lse_step_media import UltraFace
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.syncnet_network import SyncNet

DETECTOR = "ultraface"


@dataclass(frozen=True)
class Changed:
    """One step changed: what LSE becomes, and by how much it moves."""

    step: str
    confidence: float
    distance: float
    offset: float
    by_confidence: float
    by_distance: float
    by_offset: float


def lse_steps(path: Path, models: Models, store: Store, *, limit: int, random_weights: bool) -> list[Changed]:
    """Change one step of the protocol at a time on one clip.

    Raises:
        InputError: the clip cannot be scored, or the weights are not here.
    """
    clip = AnalysedClip(path, Sample(id="clip"), store, models)
    try:
        clip.ensure(FACE_NEEDS)
        seen = longest(clip, limit)
        net = random_syncnet(seen) if random_weights else _released(models)
        detector = _other_detector(models)
        found = [
            (step, lse.confidence, lse.distance, float(lse.offset))
            for step, lse in changes(seen, net, detector)
        ]
        found += list(of_tracks(clip, net))
    except MissingError as error:
        raise InputError(f"{path}: {error.missing}") from error
    _, confidence, distance, offset = found[0]
    return [
        Changed(step, c, d, o, abs(c - confidence), abs(d - distance), abs(o - offset))
        for step, c, d, o in found
    ]


def _released(models: Models) -> SyncNet:
    from uniavgen_bench.metrics.syncnet_network import load_syncnet

    try:
        return load_syncnet(models.weight(WEIGHTS), "cpu")
    except MissingError as error:
        raise InputError(
            error.missing.detail, way_out="--random-weights shows which steps matter at all"
        ) from error


def _other_detector(models: Models) -> UltraFace | None:
    try:
        return UltraFace(models.weight(DETECTOR))
    except MissingError:
        return None


def main(
    clip: Annotated[Path, typer.Argument(help="A clip with a talking face.")],
    frames: Annotated[int, typer.Option(help="Look at so many frames at 25 fps of the longest track.")] = 126,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Do without syncnet_v2.model.")
    ] = False,
    store: Annotated[Path | None, typer.Option(help="Where artefacts are kept.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Print by how much each step of an LSE protocol moves the numbers of a clip."""
    try:
        rows = lse_steps(
            clip,
            Models(WeightLocator()),
            Store(store or home() / "store"),
            limit=frames,
            random_weights=random_weights,
        )
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    if json:
        typer.echo(jsonlib.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False))
        return
    weights = "random weights" if random_weights else WEIGHTS
    first = rows[0]
    typer.echo(
        f"{clip.name}, {weights}: LSE-C {first.confidence:.4f}, LSE-D {first.distance:.4f}, offset {first.offset:+g} "
        "frames as syncnet-python@1 takes it (longest track); moved by:"
    )
    table = Table("step changed", box=None, pad_edge=False)
    for title in ("LSE-C", "LSE-D", "frames"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows[1:]:
        table.add_row(row.step, _size(row.by_confidence), _size(row.by_distance), f"{row.by_offset:g}")
    Console().print(table)


def _size(value: float) -> str:
    return f"{value:.1e}" if 0 < value < 1e-3 else f"{value:.3f}"


if __name__ == "__main__":
    typer.run(main)
