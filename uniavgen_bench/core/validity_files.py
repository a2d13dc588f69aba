"""validity.json: what the suite's tests of its own metrics found, as far as a reader beside a score needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uniavgen_bench.core.errors import InputError


class Tolerant(BaseModel):
    """Immutable; unknown keys are left aside, so that a richer file of a later version can still be shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ValidityCheck(Tolerant):
    """One test of one metric: what was measured (`low` … `high` its interval), what was expected, and whether it held.

    `passed` is None where a number is only reported. `expected` and `detail` are texts for a reader.
    """

    name: str = Field(min_length=1)
    passed: bool | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    clips: int | None = None
    expected: str = ""
    detail: str = ""


class MetricValidity(Tolerant):
    """All tests of one metric, by its versioned name; `verdict` is one sentence, empty where the checks say it all."""

    metric: str = Field(min_length=1)
    verdict: str = ""
    checks: tuple[ValidityCheck, ...] = ()

    @property
    def judged(self) -> int:
        """How many checks had something to hold."""
        return sum(check.passed is not None for check in self.checks)

    @property
    def held(self) -> int:
        """How many of the judged checks held."""
        return sum(check.passed is True for check in self.checks)


class RunValidity(Tolerant):
    """validity.json: the tests of the metrics of a run."""

    schema_version: Literal[1] = 1
    metrics: tuple[MetricValidity, ...] = ()

    def of(self, metric: str) -> MetricValidity | None:
        """Return what is known of a metric, or None."""
        return next((found for found in self.metrics if found.metric == metric), None)


def read_validity(path: Path) -> RunValidity | None:
    """Read validity.json; None when there is none.

    Raises:
        InputError: it does not fit the schema.
    """
    if not path.is_file():
        return None
    try:
        return RunValidity.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"{path} is damaged: {f'{key}: ' if key else ''}{problem['msg']}") from error
