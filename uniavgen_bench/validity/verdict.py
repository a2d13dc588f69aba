"""The verdict on a metric: what its checks say together, and whether its own specification admits what failed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.core.validity_files import MetricValidity
from uniavgen_bench.validity.expect import Agrees, MetricExpectations, on_clips
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.verdict_checks import (
    BROKEN,
    StudyCheck,
    agrees,
    answers,
    unbroken,
    unmoved,
)
from uniavgen_bench.validity.verdict_claims import falls, follows, separates
from uniavgen_bench.validity.verdict_table import MetricTable

CLAIMS = ("separates", "follows", "falls")
"""Kinds of checks that say whether a metric measures what it claims; the others say how it behaves."""
SAME = 0.01
"""Standard deviations between clips by which other threads may move a number: sums in another order."""
VOTES = "human_"
MENDABLE = frozenset({*BROKEN, Reason.WEIGHTS.value, Reason.NOT_INSTALLED.value, Reason.NO_JUDGE.value})
"""Reasons that say something of this machine or of the code, not of the clips."""


class Standing(StrEnum):
    """What a metric is worth, from best to worst; `NO_NUMBERS` and `UNTESTED` say that nothing is known."""

    VALID = "valid"
    LIMITED = "valid with limits"
    UNDECIDED = "undecided"
    NOT_VALID = "not valid"
    CONTRADICTED = "contradicts its specification"
    NO_NUMBERS = "no numbers here"
    UNTESTED = "untested"


class StudiedValidity(MetricValidity):
    """What a study found of a metric: the checks with their kinds, and how they stand together."""

    standing: Standing = Standing.UNTESTED
    claims: str = ""
    checks: tuple[StudyCheck, ...] = ()


def checks_of(
    expected: MetricExpectations, table: MetricTable, clips: Sequence[StudyClip], on: str
) -> tuple[StudyCheck, ...]:
    """Hold all expectations of a metric against its scores on one set of clips; `on` names the set."""
    expected = on_clips(expected, on)
    made: list[StudyCheck | None] = [separates(table, asked) for asked in expected.separates]
    made += [follows(table, asked) for asked in expected.follows]
    made += [falls(table, asked) for asked in expected.falls]
    made += [check for asked in expected.unmoved for check in unmoved(table, asked)]
    made += [answers(table, asked) for asked in expected.answers]
    made += [agrees(table, asked, clips) for asked in expected.agrees]
    votes = sorted({name for clip in clips for name in clip.sample.published if name.startswith(VOTES)})
    head = table.spec.headline.name
    made += [agrees(table, Agrees(field=head, published=name), clips) for name in votes]
    made.append(unbroken(table))
    return tuple(
        check.model_copy(update={"on": on, "name": f"{on}: {check.name}"})
        for check in made
        if check is not None
    )


def repeat_checks(
    spec: MetricSpec, first: pd.DataFrame, same: pd.DataFrame, other: pd.DataFrame, on: str
) -> tuple[StudyCheck, ...]:
    """Compare scores with those of the same bytes from nothing: as before, and with other processes and threads."""
    exact = _differences(spec, first, same)
    turned = _differences(spec, first, other)
    made = []
    if exact is not None:
        worst, clips, texts = exact
        made.append(
            StudyCheck(
                kind="repeats", on=on, name=f"{on}: the same clip again, nothing kept", passed=worst == 0.0,
                value=worst, unit="sd between clips", clips=clips, expected="equal", detail=texts,
            )
        )  # fmt: skip
    if turned is not None:
        worst, clips, texts = turned
        made.append(
            StudyCheck(
                kind="repeats", on=on, name=f"{on}: other processes and threads, clips in reverse",
                passed=worst <= SAME, value=worst, unit="sd between clips", clips=clips,
                expected=f"at most {SAME:g} sd between clips", detail=texts,
            )
        )  # fmt: skip
    return tuple(made)


def _differences(spec: MetricSpec, first: pd.DataFrame, again: pd.DataFrame) -> tuple[float, int, str] | None:
    """Return the largest difference in standard deviations between clips, over all fields, and where it is."""
    clean = first[(first["change"] == "clean") & (first["metric"] == spec.name)]
    theirs = again[again["metric"] == spec.name]
    both = clean.merge(theirs, on=["sample", "field"], suffixes=("", "_again"))
    if both.empty:
        return None
    worst, where = 0.0, ""
    for field, part in both.groupby("field"):
        values = clean.loc[clean["field"] == field, "value"].dropna()
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        kinds = part["reason"].str.split(":").str[0] != part["reason_again"].str.split(":").str[0]
        if kinds.any():
            return (
                float("inf"),
                int(both["sample"].nunique()),
                f"{field}: a number became missing, or another reason",
            )
        moved = (part["value"] - part["value_again"]).abs().max()
        size = 0.0 if np.isnan(moved) else float(moved) / spread if spread > 0 else float(moved)
        if size > worst:
            worst, where = size, f"most in {field}"
    return worst, int(both["sample"].nunique()), where


def verdict_on(
    spec: MetricSpec, expected: MetricExpectations | None, checks: Sequence[StudyCheck], missing: str = ""
) -> StudiedValidity:
    """Draw the verdict; `missing` says why the metric has no number on any unchanged clip, or is empty."""
    plain = StudiedValidity(metric=spec.name, checks=tuple(checks))
    if expected is None:
        text = "UNTESTED: nothing is declared of what it should and should not do."
        return plain.model_copy(update={"standing": Standing.UNTESTED, "verdict": text})
    standing, text = _stands(spec, expected, checks, missing)
    return plain.model_copy(update={"standing": standing, "verdict": text, "claims": expected.claims})


def _stands(
    spec: MetricSpec, expected: MetricExpectations, checks: Sequence[StudyCheck], missing: str
) -> tuple[Standing, str]:
    if missing:
        return Standing.NO_NUMBERS, f"Not tested here: no number on any clip ({missing})."
    claims = [check for check in checks if check.kind in CLAIMS]
    failed = [check for check in claims if check.passed is False]
    held = sum(check.passed is True for check in claims)
    others = [check for check in checks if check.kind not in CLAIMS and check.passed is not None]
    bad = [check for check in others if not check.passed]
    rest = f"{len(others) - len(bad)} of {len(others)} other checks hold"
    if failed:
        lines = {check.name: admitted(spec, check) for check in failed}
        silent = [name for name, line in lines.items() if not line]
        names = "; ".join(lines)
        if silent:
            return Standing.CONTRADICTED, (
                f"Does not measure {expected.claims} as it says: {'; '.join(silent)} failed, and its specification "
                f"does not say so. {held} of {len(claims)} claims hold, {rest}."
            )
        said = "; ".join(dict.fromkeys(lines.values()))
        return Standing.NOT_VALID, (
            f"Not valid for {said} (failed: {names}). {held} of {len(claims)} claims hold, {rest}."
        )
    if not held:
        return (
            Standing.UNDECIDED,
            f"Undecided: too few clips to test that it measures {expected.claims}; {rest}.",
        )
    open_ = sum(check.passed is None for check in claims)
    text = f"Measures {expected.claims}: {held} of {len(claims)} claims hold" + (
        f", {open_} open" if open_ else ""
    )
    if bad:
        return Standing.LIMITED, f"{text}, {rest}; not: {'; '.join(check.name for check in bad)}."
    return Standing.VALID, f"{text}, {rest}."


def admitted(spec: MetricSpec, check: StudyCheck) -> str:
    """Return the line of the specification's `not_for` that admits a failed check, or nothing."""
    if not check.admits:
        return ""
    return next((line for line in spec.not_for if check.admits.casefold() in line.casefold()), "")


def why_missing(table: MetricTable) -> str:
    """Say why a metric has no number on any unchanged clip; nothing where it has one.

    What can be mended (a network that is not here, a computation that broke) is told as the first clip tells it.
    """
    head = table.spec.headline.name
    if np.isfinite(table.values(head)).any():
        return ""
    told: dict[str, str] = {}
    for text in table.why(head):
        word, _, detail = text.partition(": ")
        if word:
            told.setdefault(word, detail if word in MENDABLE else "")
    lines = [
        f"{_in_words(word)}: {detail}" if detail else _in_words(word) for word, detail in sorted(told.items())
    ]
    return "; ".join(lines) or "there are no clips"


def _in_words(reason: str) -> str:
    return REASON_TEXT[Reason(reason)] if reason in Reason._value2member_map_ else reason
