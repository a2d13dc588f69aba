"""Score tables of any size without files, and run directories of tens of thousands of clips, for tests of speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from report.fake_stats import make_stats
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord, CurveData, EvidenceData, RunManifest
from uniavgen_bench.core.sample import Sample, SystemInfo
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier


def fake_scores(
    samples: int, *, systems: int = 6, metrics: int = 12, seed: int = 3, missing: float = 0.03
) -> tuple[pd.DataFrame, tuple[MetricSpec, ...], list[ClipRecord]]:
    """Return a score table of `systems` x `metrics` x `samples` without any files, for tests of speed."""
    rng = np.random.default_rng(seed)
    specs = tuple(
        MetricSpec(
            id=f"made.m{k}",
            version=1,
            title=f"Made up {k}",
            summary="Noise.",
            fields=(FieldSpec(name="x", unit="", direction=Direction.HIGHER, meaning="noise"),),
            tier=Tier.EMBEDDED,
            licence="Apache-2.0",
            source="none",
        )
        for k in range(metrics)
    )
    names = [f"s{i:05d}" for i in range(samples)]
    items = [Sample(id=name, facts={"identity": f"p{i // 2}"}) for i, name in enumerate(names)]
    clips = [ClipRecord(system=f"sys{s}", sample=item, source="") for s in range(systems) for item in items]
    index = pd.MultiIndex.from_product(
        [[f"sys{s}" for s in range(systems)], [spec.name for spec in specs], names],
        names=["system", "metric", "sample"],
    )
    table = index.to_frame(index=False)
    value = rng.normal(size=len(table))
    gone = rng.random(len(table)) < missing
    table = table.assign(
        repeat=0,
        field="x",
        value=np.where(gone, np.nan, value),
        reason=np.where(gone, "no_face", ""),
        clip_sha256="",
        seconds=0.1,
    )
    return table[list(SCORE_COLUMNS)], specs, clips


def write_large(
    root: Path, samples: int, *, systems: int = 6, metrics: int = 12, evidence: bool = False
) -> Path:
    """Write a run of `samples` x `systems` clips without media; with `evidence`, two curves of 8 s for each clip."""
    table, specs, clips = fake_scores(samples, systems=systems, metrics=metrics)
    rng = np.random.default_rng(5)
    lines = []
    for n, clip in enumerate(clips):
        i = n % samples
        sample = clip.sample.model_copy(
            update={
                "speech": f"Sentence number {i} is said by somebody who talks to the camera in a quiet room.",
                "caption": "A person in front of a plain wall, lit from the left, looks into the lens.",
                "facts": {
                    "identity": f"p{i // 2}",
                    "emotion": ("neutral", "happy", "sad", "angry")[i % 4],
                    "domain": ("real", "anime")[i % 2],
                },
            }
        )
        path = f"evidence/{clip.system}/{sample.id}-0.json" if evidence else None
        if path:
            write_json(root / path, [_curves(rng).model_dump()])
        record = clip.model_copy(
            update={
                "sample": sample,
                "source": f"clips/{clip.system}/{sample.id}.mp4",
                "media": f"clips/{clip.system}/{sample.id}/0.mp4",
                "poster": f"clips/{clip.system}/{sample.id}/0.jpg",
                "evidence": path,
                "duration": 8.0,
                "fps": 25.0,
                "width": 512,
                "height": 512,
                "audio_rate": 16_000,
            }
        )
        lines.append(record.model_dump_json())
    write_atomic(root / "clips.jsonl", "".join(f"{line}\n" for line in lines).encode())
    table.to_parquet(root / "scores.parquet", index=False)
    infos = [SystemInfo(id=f"sys{s}", use="precomputed") for s in range(systems)]
    stats = make_stats(table, specs, infos, baseline="sys0")
    write_json(root / "stats.json", stats.model_dump(mode="json"))
    manifest = RunManifest(
        suite="large",
        status="complete",
        command="uniavgen-bench run large",
        plan_sha256="0" * 64,
        version="0.1.0",
        code_sha256="0" * 64,
        started="2026-11-22T13:00:00+00:00",
        finished="2026-11-22T14:00:00+00:00",
        seconds=3600.0,
        environment={},
        device="cpu",
        workers=1,
        systems=infos,
        metrics=list(specs),
    )
    write_json(root / "manifest.json", manifest.model_dump(mode="json"))
    return root


def _curves(rng: np.random.Generator) -> EvidenceData:
    t = (np.arange(200) / 25).tolist()
    return EvidenceData(
        metric="made.m0@1",
        curves=[
            CurveData(name="mouth opening", unit="", t=t, y=rng.random(200).round(4).tolist()),
            CurveData(name="speech energy", unit="dB", t=t, y=(-60 * rng.random(200)).round(2).tolist()),
        ],
    )
