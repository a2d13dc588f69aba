"""By what the metrics of a run were computed beside weights: repairs of their code, and parameters, from its lock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.located import parse_yaml, read_text
from uniavgen_bench.core.run_files import MetricComputed, first_problem


def read_computed(root: Path) -> dict[str, MetricComputed]:
    """Return by versioned name what the lock of a run says of its metrics; runs of older versions say nothing.

    Raises:
        InputError: the lock is damaged.
    """
    lock = root / "suite.lock.yaml"
    if not lock.is_file():
        return {}
    try:
        data = parse_yaml(read_text(lock), str(lock)).data
    except InputError as error:
        raise InputError(f"{lock} is damaged: it is not YAML: {error}") from None
    found = data.get("computed") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        return {}
    try:
        return {str(name): MetricComputed.model_validate(value) for name, value in found.items()}
    except ValidationError as error:
        raise InputError(f"{lock} is damaged: {first_problem(error)}") from None


def computed_otherwise(
    name: str, here: Mapping[str, MetricComputed], there: Mapping[str, MetricComputed]
) -> str:
    """Say in what two runs computed a metric differently; empty where they did not, or where one does not say."""
    one, other = here.get(name), there.get(name)
    if one is None or other is None or one == other:
        return ""
    if one.code != other.code:
        return "its code was repaired in between: score the older run again"
    return f"its parameter {_first_difference(one.params, other.params)} differs"


def _first_difference(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    return next(
        (name for name in sorted(here.keys() | there.keys()) if here.get(name) != there.get(name)), ""
    )
