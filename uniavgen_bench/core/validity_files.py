"""validity.json: what the suite's tests of its own metrics found, as far as a reader beside a score needs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import MetricComputed

PACKAGED = Path(__file__).parents[1] / "metrics" / "data" / "validity.json"
"""What `uniavgen-bench validate` found of the metrics of this version; it comes with the package."""


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
    """All tests of one metric, by its versioned name; `verdict` is one sentence, empty where the checks say it all.

    `standing`: the verdict in a word or two. `computed` and `weights` (SHA-256 by name) say by what the tested numbers
    were made; None where the file does not say. `about`: on which clips, by which version and command.
    """

    metric: str = Field(min_length=1)
    standing: str = ""
    verdict: str = ""
    checks: tuple[ValidityCheck, ...] = ()
    computed: MetricComputed | None = None
    weights: dict[str, str] | None = None
    about: str = ""

    @property
    def open(self) -> int:
        """How many checks expected something that the clips could not decide."""
        return sum(check.passed is None and bool(check.expected) for check in self.checks)

    @property
    def judged(self) -> int:
        """How many checks had something to hold."""
        return sum(check.passed is not None for check in self.checks)

    @property
    def held(self) -> int:
        """How many of the judged checks held."""
        return sum(check.passed is True for check in self.checks)


class RunValidity(Tolerant):
    """validity.json: the tests of the metrics of a run, and by which version, command and clips they were made."""

    schema_version: Literal[1] = 1
    version: str = ""
    command: str = ""
    made: str = ""
    clips: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[MetricValidity, ...] = ()

    def of(self, metric: str) -> MetricValidity | None:
        """Return what is known of a metric, or None."""
        return next((found for found in self.metrics if found.metric == metric), None)


def packaged_validity() -> RunValidity | None:
    """Return the results that come with this version, or None.

    Raises:
        InputError: the file of the package is damaged.
    """
    return read_validity(PACKAGED)


def outdated(found: MetricValidity, computed: MetricComputed | None, weights: Mapping[str, str]) -> str:
    """Say why results of a metric of the same version are not about numbers made as these; empty where they are.

    `computed` and `weights` say by what the numbers beside which the results would stand were made. What one side does
    not say is not held against it.
    """
    if found.computed is not None and computed is not None and found.computed != computed:
        return "another revision of its code or other parameters"
    both = (found.weights or {}).keys() & weights.keys()
    if found.weights is not None and any(found.weights[name] != weights[name] for name in both):
        return "other weights"
    return ""


def read_validity(path: Path) -> RunValidity | None:
    """Read validity.json; None when there is none.

    Raises:
        InputError: it does not fit the schema, or cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return RunValidity.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise InputError(f"{path} is damaged: {f'{key}: ' if key else ''}{problem['msg']}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
