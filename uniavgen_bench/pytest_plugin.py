"""A pytest plugin: `pytest --uniavgen-gate RUN --uniavgen-baseline FILE` makes each gated field a test item.

pytest loads it wherever the package is installed, so nothing is imported here before the option is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from uniavgen_bench.core.gate_files import GateField


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the gate."""
    group = parser.getgroup("uniavgen-bench", "gate of uniavgen-bench")
    group.addoption(
        "--uniavgen-gate",
        metavar="RUN",
        type=Path,
        help="Hold this run against --uniavgen-baseline, field by field.",
    )
    group.addoption("--uniavgen-baseline", metavar="FILE", type=Path, help="A baseline file, or another run.")
    group.addoption(
        "--uniavgen-system", metavar="NAME", help="The system of the run; default: the baseline's."
    )
    group.addoption(
        "--uniavgen-margin",
        metavar="FIELD=MARGIN",
        action="append",
        default=[],
        help="The largest loss allowed, such as lipsync.mouth_audio.in_place=15%%; repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse half a gate.

    Raises:
        pytest.UsageError: one of the two options stands without the other.
    """
    run, baseline = config.getoption("--uniavgen-gate"), config.getoption("--uniavgen-baseline")
    if (run is None) != (baseline is None):
        raise pytest.UsageError("--uniavgen-gate RUN and --uniavgen-baseline FILE belong together")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the gated fields before the other tests; first in line, so that `-k` and `-m` see them."""
    run = config.getoption("--uniavgen-gate")
    if run is not None:
        gate: GateCollector = GateCollector.from_parent(session, name=f"gate of {run}", nodeid="gate")
        items[:0] = list(gate.collect())


class GateFailedError(Exception):
    """A field that did not pass, or a run that cannot be compared; the text is all that a reader needs."""


class GateCollector(pytest.Collector):
    """The gated fields of a run."""

    def collect(self) -> Iterable[pytest.Item]:
        """Judge the run and return one item per field; when it cannot be compared, one item that says so."""
        from uniavgen_bench.core.errors import BenchError
        from uniavgen_bench.report.gate_judge import GateRequest, judge

        option = self.config.getoption
        try:
            request = GateRequest(
                run=option("--uniavgen-gate"),
                baseline=option("--uniavgen-baseline"),
                system=option("--uniavgen-system"),
                margins=tuple(option("--uniavgen-margin")),
            )
            result = judge(request)
        except BenchError as error:
            refused: GateItem = GateItem.from_parent(self, name="comparable", problem=str(error))
            return [refused]
        return [GateItem.from_parent(self, name=f.key, problem=_problem(f)) for f in result.fields]


def _problem(field: GateField) -> str:
    return "" if field.outcome.value == "passed" else f"{field.outcome.value}: {field.why}"


class GateItem(pytest.Item):
    """One gated field; `problem` is empty when it passed."""

    def __init__(self, *, problem: str, **more: Any) -> None:
        super().__init__(**more)
        self.problem = problem

    def runtest(self) -> None:
        """Fail with the reason.

        Raises:
            GateFailedError: the field did not pass.
        """
        if self.problem:
            raise GateFailedError(self.problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the reason without a traceback, which would point into this file."""
        if isinstance(excinfo.value, GateFailedError):
            return f"{self.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the field where a test would name its file and line."""
        return self.path, None, f"gate: {self.name}"
