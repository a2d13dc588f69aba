"""What the judged grades of a run are worth and what they cost, printed.

    python -m uniavgen_bench.judges.worth RUN [--price-in 1.25 --price-out 10]

Prices are in your currency for a million tokens, also from `UNIAVGEN_BENCH_JUDGE_PRICE_IN` and `…_PRICE_OUT`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.judges.settings import PREFIX

JUDGED = "judge."
MILLION = 1_000_000


@dataclass(frozen=True)
class Worth:
    """One judged metric of a run: `clips` with a grade of `asked`, tokens of all answers (None where not told).

    `spread`: standard deviation of the grades over clips. `retest`: standard deviation of repeated answers to one
    question, pooled over clips. `repeats`: answers to each.
    """

    metric: str
    asked: int
    grades: NDArray[np.float64]
    retest: float
    repeats: int
    tokens_in: float | None
    tokens_out: float | None

    @property
    def spread(self) -> float:
        """Standard deviation of the grades over clips; nan for fewer than two."""
        return float(self.grades.std(ddof=1)) if len(self.grades) > 1 else float("nan")

    @property
    def noise(self) -> float:
        """Standard error that the judge's own noise leaves in one clip's grade."""
        return self.retest / float(np.sqrt(self.repeats))

    @property
    def reliability(self) -> float:
        """Share of the grades' variance that is not the judge's noise, 0 … 1: ICC(1, k); nan where all are equal."""
        variance = self.spread**2
        return max(0.0, 1.0 - self.noise**2 / variance) if variance > 0 else float("nan")

    def cost(self, price_in: float, price_out: float) -> float | None:
        """Return the price of all answers, for prices of a million tokens; None where tokens are not told."""
        if self.tokens_in is None or self.tokens_out is None:
            return None
        return (self.tokens_in * price_in + self.tokens_out * price_out) / MILLION


def worth_of(scores: pd.DataFrame, repeats: int) -> list[Worth]:
    """Return the worth of every judged metric in a table of scores, by name."""
    found = []
    for metric, rows in scores[scores["metric"].str.startswith(JUDGED)].groupby("metric", sort=True):
        values = {field: part["value"] for field, part in rows.groupby("field")}
        grades = values["score"].dropna().to_numpy(np.float64)
        sds = values["retest_sd"].dropna().to_numpy(np.float64)
        tokens = [_sum(values[name], len(grades)) for name in ("tokens_in", "tokens_out")]
        retest = float(np.sqrt(np.square(sds).mean())) if len(sds) else float("nan")
        found.append(Worth(str(metric), len(values["score"]), grades, retest, repeats, tokens[0], tokens[1]))
    return found


def _sum(counts: pd.Series[float], graded: int) -> float | None:
    known = counts.dropna()
    return float(known.sum()) if len(known) == graded else None


def line(worth: Worth, price_in: float | None, price_out: float | None) -> str:
    """Return what is printed of one metric."""
    text = f"{worth.metric}: {len(worth.grades)} of {worth.asked} clips"
    if not len(worth.grades):
        return text
    text += (
        f"\n  grade {worth.grades.mean():.3f}, spread over clips {worth.spread:.3f}"
        f"\n  the judge's own noise: sd {worth.retest:.3f} between answers, {worth.noise:.3f} in the mean of "
        f"{worth.repeats}; reliability {worth.reliability:.2f}"
    )
    if worth.tokens_in is None or worth.tokens_out is None:
        return f"{text}\n  cost: the endpoint does not count tokens"
    text += f"\n  cost: {worth.tokens_in:.0f} tokens read, {worth.tokens_out:.0f} written"
    if price_in is None or price_out is None:
        return f"{text} (prices: {PREFIX}PRICE_IN, {PREFIX}PRICE_OUT)"
    price = worth.cost(price_in, price_out) or 0.0
    return f"{text}: {price:.4f}, {price / len(worth.grades):.4f} a clip"


def main(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    price_in: Annotated[
        float | None, typer.Option(envvar=f"{PREFIX}PRICE_IN", help="Of a million tokens read.", min=0.0)
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(envvar=f"{PREFIX}PRICE_OUT", help="Of a million tokens written.", min=0.0)
    ] = None,
    repeats: Annotated[int, typer.Option(help="Answers to each question.", min=2)] = 3,
) -> None:
    """Print test-retest noise, reliability and cost of the judged metrics of a run."""
    try:
        found = worth_of(RunDirectory(run).scores(), repeats)
        if not found:
            raise InputError(
                f"{run} has no judged metric", way_out="put judge.timbre or judge.emotion into the suite"
            )
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    for worth in found:
        typer.echo(line(worth, price_in, price_out))


if __name__ == "__main__":
    typer.run(main)
