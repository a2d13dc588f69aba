"""The data of single clips in files of a few samples each, for the player and for the page of any clip."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.run_files import CurveData
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.report.clip_details import container_facts, evidence_of, notes, sample_facts, transcripts
from uniavgen_bench.report.curves import is_over_lag, thin
from uniavgen_bench.report.delivered import clip_logs, delivered_facts
from uniavgen_bench.report.links import file_name, relative_url, without_paths
from uniavgen_bench.report.page_data import samples_a_shard, samples_of
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.shards import shard
from uniavgen_bench.stats.numbers import unit_text

MOST_POINTS = 400


def clip_shards(run: RunData) -> Iterator[tuple[str, bytes]]:
    """Yield file name and content of each file of clips: `samples-0.js`, `samples-1.js` ..."""
    samples, step = samples_of(run), samples_a_shard(run)
    members: list[list[int]] = [[] for _ in samples]
    for clip, at in enumerate(run.sample_number):
        members[at].append(clip)
    for number, start in enumerate(range(0, len(samples), step)):
        chosen = range(start, min(start + step, len(samples)))
        name = f"samples-{number}"
        yield (
            f"{name}.js",
            shard(
                name,
                {
                    "samples": {str(i): _sample(run, samples[i], members[i]) for i in chosen},
                    "clips": {str(clip): _clip(run, clip) for i in chosen for clip in members[i]},
                },
            ),
        )


def _sample(run: RunData, sample: Sample | None, clips: list[int]) -> dict[str, Any]:
    if sample is None:
        return {"speech": "", "verified": True, "caption": "", "facts": [], "published": []}
    return {
        "speech": sample.speech or "",
        "verified": sample.speech_verified,
        "caption": sample.caption or "",
        "facts": sample_facts(run.record(clips[0])),
        "published": list(sample.published.items()),
    }


def _clip(run: RunData, clip: int) -> dict[str, Any]:
    record = run.record(clip)
    evidence, problem = evidence_of(run.directory, record)
    missing = np.flatnonzero(np.isnan(run.grid.values[clip]))
    details = {str(i): without_paths(run.reason(clip, int(i))[1]) for i in missing}
    data: dict[str, Any] = {
        "missing": {i: detail for i, detail in details.items() if detail},
        "curves": [
            {"metric": item.metric, **_curve(curve)}
            for item in evidence
            for curve in item.curves
            if len(curve.t) > 1
        ],
        "transcripts": [
            [t.metric, [[p.kind, p.meant, p.said] for p in t.pieces]] for t in transcripts(evidence)
        ],
        "texts": [[metric, name, without_paths(text)] for metric, name, text in notes(evidence)],
        "damage": problem,
    }
    if record:
        data |= {
            "media": relative_url(record.media, up=1),
            "poster": relative_url(record.poster, up=1),
            "duration": record.duration,
            "fps": record.fps,
            "shape": [record.width, record.height] if record.width and record.height else None,
            "source": file_name(record.source),
            "problem": without_paths(record.problem),
            "file": container_facts(record),
            "delivered": delivered_facts(run, clip),
            "logs": [[log.path, log.link] for log in clip_logs(run, clip, up=1)],
        }
    return data


def _curve(curve: CurveData) -> dict[str, Any]:
    """Return a curve as data; evenly spaced times are said by the first one and the step."""
    t, y = thin(np.asarray(curve.t, dtype=float), np.asarray(curve.y, dtype=float), MOST_POINTS)
    data: dict[str, Any] = {
        "name": curve.name,
        "unit": unit_text(curve.unit),
        "lag": is_over_lag(curve),
        "y": rounded(y),
    }
    steps = np.diff(t)
    step = float(t[-1] - t[0]) / len(steps) if len(steps) else 0.0
    if len(steps) and float(np.abs(steps - step).max()) < 1e-3:
        return data | {"t0": round(float(t[0]), 4), "dt": round(step, 6)}
    return data | {"t": np.round(t, 3).tolist()}


def rounded(y: NDArray[np.float64]) -> list[float]:
    """Return numbers [n] with a ten-thousandth of their range as the last digit: finer than any drawing."""
    span = float(np.ptp(y)) if len(y) else 0.0
    digits = 4 - math.floor(math.log10(span)) if span > 0 and math.isfinite(span) else 4
    numbers: list[float] = np.round(y, min(max(digits, 0), 12)).tolist()
    return numbers
