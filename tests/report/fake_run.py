"""Run directories as the runner writes them, from a seed: some with hostile names, some large, some damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from report.fake_large import fake_scores
from report.fake_media import tiny_clip
from report.fake_metrics import LEVELS, LIPSYNC, METRICS, MOTION, SYSTEMS, WER
from report.fake_stats import make_ablation, make_stats, make_validity
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.run_files import (
    SCORE_COLUMNS,
    ClipRecord,
    CurveData,
    EvidenceData,
    RunDirectory,
    RunManifest,
    WeightUsed,
)
from uniavgen_bench.core.sample import Role, Sample, SystemInfo, Task
from uniavgen_bench.core.spec import MetricSpec

HOSTILE = "</script><img src=x onerror=\"alert('x')\">"
HOSTILE_NAMES = (
    HOSTILE,
    "{{ 7*7 }}{% raw %}<!--<script>",
    'quote" onmouseover="alert(1)" x=\'y',
    "Zoë & Søren’s clip #3?a=b%20c 🎬 ‮evil",
)

SENTENCES = (
    "She sells sea shells by the sea shore while the tide rolls quietly back towards the harbour wall.",
    "Nothing in life is to be feared, it is only to be understood.",
    "The quick brown fox jumps over the lazy dog, and nobody in the village seems to mind at all.",
    "We choose to go to the moon in this decade and do the other things.",
)


@dataclass(frozen=True)
class FakeRun:
    """What to make. `missing` is the share of scores that have a reason instead of a number.

    `stats`: verdicts beside `baseline`, or of every pair without one.
    """

    samples: int = 12
    systems: tuple[SystemInfo, ...] = SYSTEMS
    metrics: tuple[MetricSpec, ...] = METRICS
    missing: float = 0.06
    hostile: bool = True
    media: bool = True
    evidence: bool = True
    seed: int = 7
    status: str = "complete"
    facts: dict[str, str] = field(default_factory=dict)
    seconds: int = 2
    baseline: str | None = None
    stats: bool = False
    ablation: bool = False
    validity: bool = False


def write_run(root: Path, plan: FakeRun | None = None) -> Path:
    """Write a run directory and return it."""
    plan = plan or FakeRun()
    rng = np.random.default_rng(plan.seed)
    clips: list[ClipRecord] = []
    rows: list[tuple[object, ...]] = []
    samples = [_sample(i, plan) for i in range(plan.samples)]
    for strength, system in enumerate(plan.systems):
        for i, sample in enumerate(samples):
            record = _record(root, plan, system, sample, i, rng)
            clips.append(record)
            rows += _rows(plan, system, strength, sample, record, rng)
    write_atomic(root / "clips.jsonl", "".join(f"{c.model_dump_json()}\n" for c in clips).encode())
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype(
        {"repeat": "int64", "value": "float64", "seconds": "float64"}
    )
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomic(root / "scores.parquet", buffer.getvalue())
    write_json(root / "manifest.json", json.loads(_manifest(plan).model_dump_json()))
    if plan.stats:
        stats = make_stats(table, plan.metrics, plan.systems, baseline=plan.baseline)
        write_json(root / "stats.json", stats.model_dump(mode="json"))
    if plan.ablation:
        ablation = make_ablation(table, plan.metrics, plan.systems)
        write_json(root / "ablation.json", ablation.model_dump(mode="json"))
    if plan.validity:
        write_json(root / "validity.json", make_validity(plan.metrics))
    return root


def _sample(i: int, plan: FakeRun) -> Sample:
    name = f"portrait_{i:03d}"
    odd = plan.hostile and i % 3 == 1
    if odd:
        name = HOSTILE_NAMES[i // 3 % len(HOSTILE_NAMES)] + ("" if i < 3 * len(HOSTILE_NAMES) else str(i))
    spoken = SENTENCES[i % len(SENTENCES)]
    return Sample(
        id=name,
        task=Task.JOINT,
        caption=f"A person speaks to the camera in a quiet room. {HOSTILE if odd else ''}",
        speech=f"{spoken} {HOSTILE}" if odd else spoken,
        speech_verified=i % 4 != 1,
        image=Path(f"/home/somebody/data/portraits/{i:03d}.png"),
        facts={
            "identity": f"person-{i // 2:02d}",
            "emotion": ("neutral", "happy", "sad")[i % 3],
            "domain": "real" if i % 2 else "anime",
            **plan.facts,
        },
        published={"lse_c": 4.0 + i / 10} if i % 3 == 0 else {},
    )


def _record(
    root: Path, plan: FakeRun, system: SystemInfo, sample: Sample, i: int, rng: np.random.Generator
) -> ClipRecord:
    base = f"clips/{slug(system.id)}/{slug(sample.id)}/0"
    source = f"/home/somebody/data/clips/{system.id}/{sample.id}.mp4"
    if system.id == "UniVerse-1" and i == 1:
        return ClipRecord(
            system=system.id, sample=sample, source=source, problem="not_generated: no file for it"
        )
    broken = system.id == "Ovi" and i == 2
    media = poster = None
    if plan.media and not broken:
        movie, picture = tiny_clip(i % 6, plan.seconds)
        write_atomic(root / f"{base}.mp4", movie)
        write_atomic(root / f"{base}.jpg", picture)
        media, poster = f"{base}.mp4", f"{base}.jpg"
    evidence = None
    if plan.evidence and not broken:
        evidence = f"evidence/{slug(system.id)}/{slug(sample.id)}-0.json"
        data = [item.model_dump() for item in _evidence(plan, system, sample, i, rng)]
        write_json(root / evidence, data)
    return ClipRecord(
        system=system.id,
        sample=sample,
        source=source,
        sha256=sha256_bytes(f"{system.id}/{sample.id}".encode()),
        media=media,
        poster=poster,
        evidence=evidence,
        duration=float(plan.seconds),
        fps=25.0,
        width=192,
        height=144,
        audio_rate=16_000,
        problem="unreadable: moov atom not found" if broken else "",
    )


def _rows(
    plan: FakeRun,
    system: SystemInfo,
    strength: int,
    sample: Sample,
    record: ClipRecord,
    rng: np.random.Generator,
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for spec in plan.metrics:
        gone = rng.random() < plan.missing
        for spec_field in spec.fields:
            level, spread, step = LEVELS[(spec.id, spec_field.name)]
            reason, value = "", float("nan")
            if record.problem:
                reason = record.problem
            elif spec.id == "lipsync.lse":
                reason = "weights: syncnet_v2 is not here (uniavgen-bench weights pull syncnet_v2)"
            elif spec.id == "speech.wer" and not sample.speech_verified:
                reason = "unverified_transcript"
            elif gone and spec.id == "speech.wer":
                reason = "no_speech: 0.0 s of speech in /home/somebody/data/clips/x.mp4"
            elif gone and spec.id.startswith("lipsync"):
                reason = "not_measurable: confidence 0.12 is below 0.2"
            elif gone:
                reason = f"failed: {HOSTILE}" if plan.hostile else "failed: ValueError"
            elif spec_field.name == "static":
                value = float(rng.random() < level)
            else:
                lower = {Role.LOWER_CONTROL: -3.0, Role.UPPER_CONTROL: 1.6}.get(
                    system.role, 1.5 - 0.7 * strength
                )
                value = level + step * lower + spread * float(rng.standard_normal())
                value = max(value, spec_field.low) if spec_field.low is not None else value
                value = min(value, spec_field.high) if spec_field.high is not None else value
                value = float(round(value)) if spec_field.name == "words" else value
            rows.append(
                (system.id, sample.id, 0, spec.name, spec_field.name, value, reason, record.sha256 or "", 0.4)
            )
    return rows


def _evidence(
    plan: FakeRun, system: SystemInfo, sample: Sample, i: int, rng: np.random.Generator
) -> list[EvidenceData]:
    t = np.arange(0, plan.seconds, 0.02)
    talk = np.clip(np.sin(2 * np.pi * 2.3 * t + i) + 0.4 * np.sin(2 * np.pi * 5.1 * t), 0, None)
    energy = (
        np.roll(talk, 3) if system.role is not Role.LOWER_CONTROL else np.abs(rng.standard_normal(len(t)))
    )
    lag = np.arange(-0.4, 0.401, 0.02)
    peak = 0.55 * np.exp(-(((lag + 0.04) / 0.07) ** 2)) + 0.05 * np.sin(lag * 25)
    heard = (sample.speech or "").replace("sea", "see").replace("lazy ", "").replace("moon", "moon now")
    return [
        EvidenceData(
            metric=LIPSYNC.name,
            curves=[
                CurveData(name="mouth opening", unit="% of face height", t=t.tolist(), y=(8 * talk).tolist()),
                CurveData(
                    name="speech energy",
                    unit="dB",
                    t=t.tolist(),
                    y=(-50 + 30 * energy + rng.standard_normal(len(t))).tolist(),
                ),
                CurveData(name="correlation by lag", unit="r", t=lag.tolist(), y=peak.tolist()),
            ],
        ),
        EvidenceData(metric=WER.name, texts={"reference": sample.speech or "", "hypothesis": heard}),
        EvidenceData(
            metric=MOTION.name,
            curves=[
                CurveData(
                    name="flow",
                    unit="px/s",
                    t=t[::6].tolist(),
                    y=np.abs(rng.normal(4, 1, len(t[::6]))).tolist(),
                )
            ],
            texts={"note": HOSTILE if plan.hostile else "steady camera"},
        ),
    ]


def _manifest(plan: FakeRun) -> RunManifest:
    return RunManifest(
        suite=f"fake {HOSTILE}" if plan.hostile else "published",
        status=plan.status,  # type: ignore[arg-type]
        command="uniavgen-bench score '/home/somebody/data/clips' --manifest clips.csv --out runs/real",
        plan_sha256=sha256_bytes(b"plan"),
        version="0.1.0",
        code_sha256=sha256_bytes(b"code"),
        started="2026-11-22T13:00:00+00:00",
        finished="2026-11-22T13:17:42+00:00" if plan.status == "complete" else None,
        seconds=1062.0 if plan.status == "complete" else None,
        environment={"python": "3.11.2", "torch": "2.13.0+cpu", "platform": "Linux x86_64", "av": "18.1.0"},
        device="cpu",
        workers=2,
        systems=list(plan.systems),
        metrics=list(plan.metrics),
        weights=[
            WeightUsed(
                name=name, sha256=sha256_bytes(name.encode()), bytes=size, licence=licence, source=source
            )
            for name, size, licence, source in (
                (
                    "resemblyzer",
                    17_090_379,
                    "Apache-2.0",
                    "pypi:Resemblyzer==0.1.4:resemblyzer/pretrained.pt",
                ),
                ("whisper-tiny-en", 75_500_000, "MIT", "https://example.org/whisper/tiny.en?x=<1>&y=2"),
                ("odd", 12, "unknown", "javascript:alert(1)"),
            )
        ],
        dataset={
            "name": "manifest",
            "path": "/home/somebody/data/clips/clips.csv",
            "rows": str(plan.samples),
        },
    )


def read(root: Path) -> tuple[pd.DataFrame, tuple[MetricSpec, ...], list[ClipRecord], list[SystemInfo]]:
    """Return what `summarise` takes, read back from a run directory."""
    run = RunDirectory(root)
    manifest = run.manifest()
    return run.scores(), tuple(manifest.metrics), run.clips(), manifest.systems


__all__ = ["HOSTILE", "HOSTILE_NAMES", "METRICS", "SYSTEMS", "FakeRun", "fake_scores", "read", "write_run"]
