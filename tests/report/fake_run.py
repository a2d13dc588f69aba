"""Run directories as the runner writes them, from a seed: some with hostile names, some large, some damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

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
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier

HOSTILE = "</script><img src=x onerror=\"alert('x')\">"
HOSTILE_NAMES = (
    HOSTILE,
    "{{ 7*7 }}{% raw %}<!--<script>",
    'quote" onmouseover="alert(1)" x=\'y',
    "Zoë & Søren’s clip #3?a=b%20c 🎬 ‮evil",
)

LIPSYNC = MetricSpec(
    id="lipsync.mouth_audio",
    version=1,
    title="Lip sync from mouth shape and sound",
    summary="How well the shape of the lips follows the sound, and by how much the one runs ahead of the other.",
    fields=(
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0,
            high=1,
            meaning="peak of the correlation by lag minus its median",
        ),
        FieldSpec(
            name="offset",
            unit="ms",
            direction=Direction.ZERO,
            low=-600,
            high=600,
            meaning="lag of the best correlation",
            sign="negative: the audio runs ahead of the picture",
        ),
    ),
    needs=(Artefact.FACES, Artefact.SPEECH),
    weights=("lipsync-cca-1",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="canonical correlation of lip shape and mel energy; https://example.org/lipsync-paper",
    deviations=("not SyncNet: never compare it with LSE",),
    not_for=("profile views", "singing"),
)
LSE = MetricSpec(
    id="lipsync.lse",
    version=1,
    protocol="syncnet-python",
    title="LSE-C and LSE-D by SyncNet",
    summary="Confidence and distance of SyncNet v2 with the crop pipeline of syncnet_python.",
    fields=(
        FieldSpec(
            name="lse_c", unit="", direction=Direction.HIGHER, low=0, meaning="median minus minimum distance"
        ),
        FieldSpec(name="lse_d", unit="", direction=Direction.LOWER, low=0, meaning="minimum mean distance"),
    ),
    weights=("syncnet_v2", "sfd_face"),
    tier=Tier.PAPER,
    licence="research only",
    source="Chung and Zisserman, Out of time, ACCV-W 2016",
)
TIMBRE = MetricSpec(
    id="timbre.reference",
    version=1,
    title="Voice likeness to the reference",
    summary="Cosine of Resemblyzer's speaker embeddings of the clip and of the reference audio.",
    fields=(
        FieldSpec(
            name="similarity",
            unit="",
            direction=Direction.HIGHER,
            low=-1,
            high=1,
            meaning="cosine similarity",
        ),
    ),
    sample_needs=("reference_audio",),
    weights=("resemblyzer",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="Wan et al., Generalized end-to-end loss, ICASSP 2018",
)
WER = MetricSpec(
    id="speech.wer",
    version=1,
    title="Word error rate",
    summary="Whisper tiny.en against the text that should be heard, both normalised for English.",
    fields=(
        FieldSpec(name="wer", unit="", direction=Direction.LOWER, low=0, meaning="errors per reference word"),
        FieldSpec(
            name="words", unit="words", direction=Direction.NONE, low=0, meaning="words in the reference"
        ),
    ),
    weights=("whisper-tiny-en",),
    tier=Tier.EMBEDDED,
    licence="MIT",
    source="Radford et al., Robust speech recognition, 2022",
    deviations=("tiny.en instead of large-v3: absolute values are higher",),
)
DNSMOS = MetricSpec(
    id="audio.dnsmos",
    version=1,
    title="Speech quality, DNSMOS P.835",
    summary="Predicted opinion of the sound: overall, speech and background.",
    fields=(
        FieldSpec(
            name="overall", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="overall quality"
        ),
        FieldSpec(
            name="speech", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="speech quality"
        ),
    ),
    weights=("dnsmos-p835",),
    tier=Tier.EMBEDDED,
    licence="MIT",
    source="Reddy et al., DNSMOS P.835, ICASSP 2022",
)
MOTION = MetricSpec(
    id="video.motion",
    version=1,
    title="Motion by optical flow",
    summary="How much the picture moves, and whether the clip stands still.",
    fields=(
        FieldSpec(name="flow", unit="% of height/s", direction=Direction.NONE, low=0, meaning="mean flow"),
        FieldSpec(name="static", unit="", direction=Direction.LOWER, low=0, high=1, meaning="1 when still"),
    ),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="Farnebäck, Two-frame motion estimation, 2003",
)
METRICS = (LIPSYNC, LSE, TIMBRE, WER, DNSMOS, MOTION)
LEVELS = {
    ("lipsync.mouth_audio", "confidence"): (0.42, 0.11, 0.07),
    ("lipsync.mouth_audio", "offset"): (-20.0, 55.0, 10.0),
    ("lipsync.lse", "lse_c"): (5.2, 1.3, 0.8),
    ("lipsync.lse", "lse_d"): (8.9, 1.1, -0.6),
    ("timbre.reference", "similarity"): (0.74, 0.09, 0.05),
    ("speech.wer", "wer"): (0.16, 0.09, -0.05),
    ("speech.wer", "words"): (14.0, 4.0, 0.0),
    ("audio.dnsmos", "overall"): (3.0, 0.3, 0.2),
    ("audio.dnsmos", "speech"): (3.4, 0.25, 0.2),
    ("video.motion", "flow"): (4.0, 1.6, 1.0),
    ("video.motion", "static"): (0.2, 0.0, 0.0),
}
SYSTEMS = (
    SystemInfo(id="UniAVGen", use="precomputed"),
    SystemInfo(id="Ovi", use="precomputed"),
    SystemInfo(id="UniVerse-1", use="precomputed"),
    SystemInfo(id="F5-TTS → OmniAvatar", use="precomputed", label="F5-TTS → OmniAvatar"),
    SystemInfo(id="ground-truth", use="ground-truth", role=Role.UPPER_CONTROL),
    SystemInfo(id="shuffled-audio", use="shuffled-audio", role=Role.LOWER_CONTROL),
)
SENTENCES = (
    "She sells sea shells by the sea shore while the tide rolls quietly back towards the harbour wall.",
    "Nothing in life is to be feared, it is only to be understood.",
    "The quick brown fox jumps over the lazy dog, and nobody in the village seems to mind at all.",
    "We choose to go to the moon in this decade and do the other things.",
)


@dataclass(frozen=True)
class FakeRun:
    """What to make. `missing` is the share of scores that have a reason instead of a number."""

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
        movie, picture = tiny_clip(i % 6)
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
        duration=2.0,
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
    t = np.arange(0, 2, 0.02)
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
                    name="flow", unit="px/s", t=t[::6].tolist(), y=np.abs(rng.normal(4, 1, 17)).tolist()
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


@cache
def tiny_clip(look: int) -> tuple[bytes, bytes]:
    """Return a real mp4 (2 s, 25 fps, H.264 with AAC) of a talking disc, and a JPEG of it."""
    import av
    import cv2

    width, height, fps, rate = 192, 144, 25, 16_000
    grid_y, grid_x = np.mgrid[0:height, 0:width]
    colour = np.array(
        [(198, 134, 96), (236, 188, 150), (120, 84, 60), (224, 172, 120), (168, 110, 80), (90, 60, 45)]
    )
    back = np.array(
        [(70, 96, 120), (150, 160, 140), (200, 190, 180), (60, 60, 80), (110, 130, 110), (180, 150, 150)]
    )
    stream = BytesIO()
    poster = b""
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "30", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=rate, layout="mono")
        for n in range(2 * fps):
            opening = max(0.0, float(np.sin(2 * np.pi * 2.3 * n / fps + look)))
            picture = np.empty((height, width, 3), dtype=np.uint8)
            picture[:] = back[look]
            picture[((grid_x - 96) / 42) ** 2 + ((grid_y - 72) / 56) ** 2 < 1] = colour[look]
            for eye in (80, 112):
                picture[(grid_x - eye) ** 2 + (grid_y - 58) ** 2 < 20] = (30, 30, 40)
            picture[((grid_x - 96) / 16) ** 2 + ((grid_y - 98) / (2 + 9 * opening)) ** 2 < 1] = (120, 30, 40)
            if n == 5:
                poster = cv2.imencode(".jpg", picture[:, :, ::-1])[1].tobytes()
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        t = np.arange(2 * rate) / rate
        loud = np.clip(np.sin(2 * np.pi * 2.3 * t + look), 0, None)
        tone = (0.3 * loud * np.sin(2 * np.pi * 180 * t)).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        sound.sample_rate, sound.time_base = rate, Fraction(1, rate)
        container.mux(audio.encode(sound))
        container.mux(audio.encode())
    return stream.getvalue(), poster


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


def read(root: Path) -> tuple[pd.DataFrame, tuple[MetricSpec, ...], list[ClipRecord], list[SystemInfo]]:
    """Return what `summarise` takes, read back from a run directory."""
    run = RunDirectory(root)
    manifest = run.manifest()
    return run.scores(), tuple(manifest.metrics), run.clips(), manifest.systems
