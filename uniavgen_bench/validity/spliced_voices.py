"""The known answer of `timbre.stability`: half of one voice before half of another lies below both.

    python -m uniavgen_bench.validity.spliced_voices CLIPS/clips.csv

Every distinct recording with enough voiced speech is spliced with three others, drawn by a seed, to equal halves.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.metrics.timbre_reference import embedding, voiced_part
from uniavgen_bench.metrics.timbre_stability import MIN_VOICED, likeness_of_halves, lowest, window_embeddings
from uniavgen_bench.validity.clip_sets import read_clips
from uniavgen_bench.validity.face_voice_clips import SAME_VOICE
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

PARTNERS = 3
SEED = 20251116
LONGEST = 8.0
"""Seconds of voiced speech that are taken of a recording."""
FIELDS = ("halves", "lowest_window")


@dataclass(frozen=True)
class Splices:
    """`whole` [n, 2]: the fields of `timbre.stability` for each recording; `spliced` [m, 2] for splices.

    `below` [m]: whether a splice's halves are less alike than those of both its voices, cut to the same length.
    """

    whole: Float64
    spliced: Float64
    below: np.ndarray

    def auc(self, field: int) -> float:
        """Return the probability that a recording is above a splice."""
        higher = self.whole[:, None, field] > self.spliced[None, :, field]
        same = self.whole[:, None, field] == self.spliced[None, :, field]
        return float((higher + 0.5 * same).mean())


def splice_all(voices: Sequence[Float32], models: Models, partners: int = PARTNERS) -> Splices:
    """Score voiced sounds [M] of single speakers, and splices of each with a few others."""
    draw = np.random.default_rng(SEED)
    whole, spliced, below = [], [], []
    for i, one in enumerate(voices):
        whole.append(stability(one, models))
        others = draw.permutation([j for j in range(len(voices)) if j != i])[:partners]
        for other in (voices[j] for j in others):
            half = min(len(one), len(other)) // 2
            made = stability(np.concatenate([one[:half], other[:half]]), models)
            spliced.append(made)
            apart = [likeness_of_halves(voice[: 2 * half], models) for voice in (one, other)]
            below.append(made[0] < min(apart))
    return Splices(np.array(whole), np.array(spliced), np.array(below))


def stability(voiced: Float32, models: Models) -> tuple[float, float]:
    """Return both fields of `timbre.stability` for voiced samples [M]."""
    return likeness_of_halves(voiced, models), lowest(window_embeddings(voiced, models))


def distinct_recordings(paths: Sequence[Path], models: Models) -> list[Float32]:
    """Return the voiced speech of clips that have enough of it, the first clip of every recording."""
    kept: list[Float32] = []
    known: list[Float32] = []
    for path in paths:
        try:
            speech = load_speech(path)
            voiced = voiced_part(speech, detect_voice(speech, models), "the clip")
            heard = embedding(voiced, models)
        except (MissingError, MediaError):
            continue
        if len(voiced) >= MIN_VOICED * SPEECH_RATE and all(
            float(heard @ other) <= SAME_VOICE for other in known
        ):
            known.append(heard)
            kept.append(voiced[: round(LONGEST * SPEECH_RATE)])
    return kept


def table(found: Splices) -> str:
    """Return what was found, as lines."""
    lines = [f"{len(found.whole)} recordings, {len(found.spliced)} splices of two of them"]
    for field, name in enumerate(FIELDS):
        ranges = [np.quantile(values[:, field], [0.05, 0.5, 0.95]) for values in (found.whole, found.spliced)]
        one, two = ("  ".join(f"{q:.3f}" for q in quantiles) for quantiles in ranges)
        lines.append(f"{name:14} AUC {found.auc(field):.3f}   5/50/95 %: recordings {one}   splices {two}")
    lines.append(f"a splice lies below both of its voices: {found.below.mean():.1%}")
    return "\n".join(lines)


def main(
    manifest: Annotated[Path, typer.Argument(help="Manifest of clips.", exists=True)],
    limit: Annotated[int | None, typer.Option(help="Only the first clips.", min=4)] = None,
) -> None:
    """Print how well timbre.stability tells one voice from two."""
    try:
        models = Models(WeightLocator())
        paths = [clip.path for clip in read_clips(manifest.parent, manifest)][:limit]
        typer.echo(table(splice_all(distinct_recordings(paths, models), models)))
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    typer.run(main)
