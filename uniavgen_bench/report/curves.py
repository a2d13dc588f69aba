"""Evidence curves made small enough for a page."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from uniavgen_bench.core.run_files import CurveData, EvidenceData
from uniavgen_bench.stats.numbers import unit_text

MOST_POINTS = 1_500


def is_over_lag(curve: CurveData) -> bool:
    """Whether a curve runs over the lag between sound and picture instead of over the clip's time: its name says so."""
    return re.search(r"\b(lag|delay)\b", curve.name.lower().replace("_", " ")) is not None


def drawable(evidence: list[EvidenceData]) -> list[dict[str, Any]]:
    """Return the curves of all metrics as plain data, those over time and those over lag apart."""
    found = []
    for item in evidence:
        time = [_plain(curve) for curve in item.curves if not is_over_lag(curve)]
        lag = [_plain(curve) for curve in item.curves if is_over_lag(curve)]
        if time or lag:
            found.append({"metric": item.metric, "time": time, "lag": lag})
    return found


def _plain(curve: CurveData) -> dict[str, Any]:
    t, y = thin(np.asarray(curve.t, dtype=float), np.asarray(curve.y, dtype=float))
    return {
        "name": curve.name,
        "unit": unit_text(curve.unit),
        "t": [round(float(v), 4) for v in t],
        "y": [float(f"{v:.4g}") for v in y],
        "best": "lowest" if "distance" in curve.name.lower() else "highest",
    }


def thin(
    t: np.ndarray[Any, Any], y: np.ndarray[Any, Any], most: int = MOST_POINTS
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return at most `most` points [m] of a curve [n]: lowest and highest of each stretch, so peaks stay."""
    size = min(len(t), len(y))
    t, y = t[:size], y[:size]
    if size <= most:
        return t, y
    edges = np.linspace(0, size, most // 2 + 1).astype(int)
    keep = []
    for start, end in itertools.pairwise(edges):
        part = np.nan_to_num(y[start:end], nan=0.0)
        keep += sorted({start + int(part.argmin()), start + int(part.argmax())})
    return t[keep], y[keep]
