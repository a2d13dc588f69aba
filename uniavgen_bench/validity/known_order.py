"""Does a run put its controls in the order that is known beforehand: paired tests, field by field.

    python -m uniavgen_bench.validity.known_order RUN [--out FILE]

What is known of lip sync in a run of `suites/joint.yaml`: the true clip is best; a mouth made for its sound, or a sound
made for its mouth, is better than the true clip with its sound 200 ms late; another clip's sound is worst. A field that
does not see a step says something about the metric, and the table shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import typer

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.spec import Direction

ORDER = (
    ("ground-truth", "cascade-audio-first"),
    ("ground-truth", "cascade-video-first"),
    ("cascade-audio-first", "shifted-audio"),
    ("cascade-video-first", "shifted-audio"),
    ("shifted-audio", "shuffled-audio"),
    ("ground-truth", "shifted-audio"),
    ("ground-truth", "shuffled-audio"),
    ("cascade-audio-first", "shuffled-audio"),
    ("cascade-video-first", "shuffled-audio"),
)
"""Pairs of systems, the better one first."""
FIELDS = (
    ("lipsync.mouth_audio", "in_place"),
    ("lipsync.mouth_audio", "confidence"),
    ("lipsync.mouth_audio", "offset_ms"),
    ("portraits.mouth", "correlation"),
    ("portraits.mouth", "offset_ms"),
    ("portraits.phones", "vowel_auc"),
)
LEAST_PAIRS = 6
"""Below this many samples even a difference of one sign in all of them is not significant at 5 %."""
RESAMPLES = 9_999
ALPHA = 0.05
SEED = 2025

Verdict = Literal["holds", "not shown", "reversed", "no difference", "too few"]


@dataclass(frozen=True)
class Step:
    """One pair on one field. `gain`: mean of how much better the better one is, in the field's unit; `n` pairs.

    `p`: two-sided paired permutation test; `p_wilcoxon`: signed ranks; `adjusted`: p after Holm over the field's steps.
    """

    metric: str
    field: str
    better: str
    worse: str
    n: int
    gain: float
    p: float
    p_wilcoxon: float
    adjusted: float = float("nan")

    @property
    def verdict(self) -> Verdict:
        """What the test says of the known order."""
        if self.n < LEAST_PAIRS:
            return "too few"
        if np.isnan(self.p):
            return "no difference"
        if self.adjusted > ALPHA:
            return "not shown"
        return "holds" if self.gain > 0 else "reversed"


def steps_of(run: RunDirectory) -> tuple[Step, ...]:
    """Test every known pair on every field that the run has.

    Raises:
        InputError: the run is damaged, or has none of the pairs or fields.
    """
    directions = {(m.name, f.name): f.direction for m in run.manifest().metrics for f in m.fields}
    names = {m.id: m.name for m in run.manifest().metrics}
    scores = run.scores()
    systems = set(scores["system"])
    found = []
    for metric, field in FIELDS:
        rows = scores[(scores["metric"] == names.get(metric)) & (scores["field"] == field)]
        if rows.empty:
            continue
        table = rows.pivot_table(
            index=["sample", "repeat"], columns="system", values="value", dropna=False, observed=False
        )
        for better, worse in ORDER:
            if {better, worse} <= systems:
                gains = gains_of(table, better, worse, directions[names[metric], field])
                found.append(compared(names[metric], field, better, worse, gains))
    if not found:
        raise InputError(
            f"{run.root} has none of the pairs or fields whose order is known",
            way_out="run suites/joint.yaml",
        )
    return corrected(found)


def gains_of(
    table: pd.DataFrame, better: str, worse: str, direction: Direction
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return by how much one system is better than another, sample by sample, where both have a number."""
    if not {better, worse} <= set(table.columns):
        return np.zeros(0)
    both = table[[better, worse]].dropna().to_numpy(np.float64)
    if direction is Direction.ZERO:
        both = -np.abs(both)
    gains: np.ndarray[tuple[int], np.dtype[np.float64]] = both[:, 0] - both[:, 1]
    return -gains if direction is Direction.LOWER else gains


def compared(
    metric: str, field: str, better: str, worse: str, gains: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Step:
    """Test whether gains [n] are zero on average: by flipping their signs, and by their ranks."""
    from scipy.stats import permutation_test, wilcoxon

    mean = float(gains.mean()) if len(gains) else float("nan")
    plain = Step(metric, field, better, worse, len(gains), mean, float("nan"), float("nan"))
    if len(gains) < LEAST_PAIRS or not np.any(np.abs(gains) > 1e-12):
        return plain
    permuted = permutation_test(
        (gains,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return replace(plain, p=float(permuted.pvalue), p_wilcoxon=float(wilcoxon(gains).pvalue))


def corrected(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Adjust the p-values of each field's steps by Holm's method: each field answers a question of its own."""
    from statsmodels.stats.multitest import multipletests

    done = list(steps)
    for field in dict.fromkeys((step.metric, step.field) for step in steps):
        at = [i for i, s in enumerate(steps) if (s.metric, s.field) == field and not np.isnan(s.p)]
        if not at:
            continue
        adjusted = multipletests([steps[i].p for i in at], method="holm")[1]
        for i, value in zip(at, adjusted, strict=True):
            done[i] = replace(done[i], adjusted=float(value))
    return tuple(done)


def markdown(steps: Sequence[Step]) -> str:
    """Lay out the table."""
    lines = [
        "| field | better | worse | n | mean gain | p (permutation) | p (Wilcoxon) | p (Holm) | known order |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for s in steps:
        numbers = [f"{x:.4f}" if not np.isnan(x) else "" for x in (s.p, s.p_wilcoxon, s.adjusted)]
        gain = f"{s.gain:+.3g}" if not np.isnan(s.gain) else ""
        cells = [f"{s.metric} {s.field}", s.better, s.worse, str(s.n), gain, *numbers, s.verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(
    run: Annotated[Path, typer.Argument(help="A finished run of suites/joint.yaml.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the table goes; without it, to the terminal.")
    ] = None,
) -> None:
    """Print which steps of the known order each field of the lip-sync metrics sees."""
    try:
        text = markdown(steps_of(RunDirectory(run)))
        if out is None:
            typer.echo(text, nl=False)
        else:
            write_atomic(out, text.encode())
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    typer.run(main)
