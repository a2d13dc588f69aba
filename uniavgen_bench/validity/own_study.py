"""The hook by which a family adds a study of its own: a function that gets the clips and gives checks.

A metric's expectations name it: `own = "package.module:function"`. The function is called as `function(clips, options)`
with a `ClipSet` and the `StudyOptions`, and returns a `MetricValidity` (its checks are taken over) or checks. On
clips of fewer than `LEAST_CLUSTERS` clusters its checks are told and not judged, as all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.validity.expect import MetricExpectations
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.verdict_checks import StudyCheck, too_few

OwnStudy = Callable[[ClipSet, StudyOptions], MetricValidity | Iterable[ValidityCheck]]


def own_checks(expected: MetricExpectations, clips: ClipSet, options: StudyOptions) -> list[StudyCheck]:
    """Return the checks of a metric's own study on a set of clips; nothing where it declares none.

    Raises:
        InputError: what `own` names is not there.
    """
    if not expected.own:
        return []
    study = own_study(expected.own)
    try:
        found = study(clips, options)
    except MissingError as error:
        # What the study lacks (a network, say) costs this study, not the hours of all others.
        found = (ValidityCheck(name="the metric's own study", detail=f"not made: {error.missing}"),)
    checks = found.checks if isinstance(found, MetricValidity) else tuple(found)
    few = too_few([clip.cluster for clip in clips.clips])
    return [_named(_open(check, few) if few else check, clips.name) for check in checks]


def _open(check: ValidityCheck, few: str) -> ValidityCheck:
    if check.passed is None:
        return check
    detail = "; ".join(part for part in (check.detail, few) if part)
    return check.model_copy(update={"passed": None, "detail": detail})


def _named(check: ValidityCheck, on: str) -> StudyCheck:
    kind = getattr(check, "kind", "") or "own"
    return StudyCheck.model_validate(
        check.model_dump() | {"kind": kind, "on": on, "name": f"{on}: {check.name}"}
    )


def own_study(place: str) -> OwnStudy:
    """Return the study at `module:function`; raises `InputError` where there is none."""
    study: OwnStudy = named_function(place)
    return study


def named_function(place: str) -> Any:
    """Return the function at `module:function`.

    Raises:
        InputError: there is no such module or function.
    """
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"what an expectation names, {place!r}, cannot be loaded: {error}") from None
