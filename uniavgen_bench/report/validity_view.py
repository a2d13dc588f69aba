"""What is known of a metric's worth, in a few words beside its scores, and in full on the page of methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.report.render import plural
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.numbers import decimals, number, unit_text

UNDECIDED = ("undecided", "no numbers here")
"""Verdicts that leave open what a metric is worth, however many other checks held."""

Outcome = Literal["held", "failed", "open", "reported"]


@dataclass(frozen=True)
class ValidityBadge:
    """A few words, and what they say: checks that held, one that failed, or nothing that is decided."""

    text: str
    kind: Literal["held", "failed", "open"]

    @property
    def failed(self) -> bool:
        """Whether a check failed, or there is none that counts."""
        return self.kind == "failed"


@dataclass(frozen=True)
class ValidityRow:
    """One check of a metric."""

    name: str
    outcome: Outcome
    failed: bool
    measured: str
    expected: str
    detail: str


def badge(run: RunData, metric: str) -> ValidityBadge | None:
    """Return what stands beside a metric; None where the run says nothing of it."""
    found = run.validity.of(metric) if run.validity else None
    if found is None:
        return None
    if not found.judged:
        text = found.standing or found.verdict or f"{plural(len(found.checks), 'check')}, none judged"
        return ValidityBadge(text, "failed" if found.standing in ("outdated", "untested") else "open")
    failed = found.judged - found.held
    if found.open:
        parts = (f"{found.held} held", f"{failed} failed" if failed else "", f"{found.open} open")
        text = ", ".join(part for part in parts if part)
    else:
        text = f"{found.held} of {plural(found.judged, 'check')} held"
    kind: Literal["held", "failed", "open"] = (
        "failed" if failed else "open" if found.standing in UNDECIDED else "held"
    )
    return ValidityBadge(f"{found.standing}: {text}" if found.standing else text, kind)


def validity_rows(found: MetricValidity | None) -> tuple[ValidityRow, ...]:
    """Return all checks of a metric."""
    return tuple(_row(check) for check in found.checks) if found else ()


def _row(check: ValidityCheck) -> ValidityRow:
    outcome: Outcome = "held" if check.passed else "failed"
    if check.passed is None:
        outcome = "open" if check.expected else "reported"
    half = (check.high - check.low) / 2 if check.low is not None and check.high is not None else None
    digits = decimals([half], otherwise=abs(check.value) if check.value is not None else None)
    if check.unit == "clips" and check.value is not None and check.value.is_integer():
        return ValidityRow(
            check.name, outcome, check.passed is False, plural(int(check.value), "clip"), check.expected,
            check.detail,
        )  # fmt: skip
    measured = number(check.value, digits) if check.value is not None else ""
    if check.low is not None and check.high is not None:
        measured += f" [{number(check.low, digits)}, {number(check.high, digits)}]"
    unit = unit_text(check.unit)
    measured += f" {unit}" if unit and measured else ""
    if check.clips is not None:
        measured += f"{', ' if measured else ''}{plural(check.clips, 'clip')}"
    return ValidityRow(check.name, outcome, check.passed is False, measured, check.expected, check.detail)
