"""Runs and boards of the leaderboard's tests: small finished runs with clips, inputs and a suite lock, from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord, RunDirectory, RunManifest, WeightUsed
from uniavgen_bench.core.sample import Role, Sample, SystemInfo, Task
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.report.leaderboard.add import Submitter, add_run
from uniavgen_bench.report.leaderboard.board import Board, Stored
from uniavgen_bench.report.leaderboard.keys import SigningKey, new_key, read_key
from uniavgen_bench.report.leaderboard.verify import Declared

WEIGHTS = {name: sha256_bytes(name.encode()) for name in ("lipsync-cca-1", "dnsmos-p835")}
"""What the tests' installation declares."""

HOSTILE = "</script><img src=x onerror=\"alert('x')\">{{ 7*7 }}"
CONTROLS = (
    SystemInfo(id="ground-truth", use="ground-truth", role=Role.UPPER_CONTROL),
    SystemInfo(
        id="shuffled-audio", use="shuffled-audio", role=Role.LOWER_CONTROL, options={"of": "ground-truth"}
    ),
)
LEVELS = {"confidence": (0.4, 0.1), "offset": (20.0, 30.0), "overall": (3.0, 0.3), "speech": (3.2, 0.3)}
LIPSYNC = MetricSpec(
    id="lipsync.mouth_audio",
    version=1,
    title="Lip sync from mouth shape and sound",
    summary="How well the lips follow the sound.",
    fields=(
        FieldSpec(name="confidence", unit="1", direction=Direction.HIGHER, low=0, high=1, meaning="peak"),
        FieldSpec(name="offset", unit="ms", direction=Direction.ZERO, low=-600, high=600, meaning="lag"),
    ),
    weights=("lipsync-cca-1",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="https://example.org/lipsync-paper",
    floors=("shuffled-audio",),
)
DNSMOS = MetricSpec(
    id="audio.dnsmos",
    version=1,
    title="Speech quality, DNSMOS P.835",
    summary="Predicted opinion of the sound.",
    fields=(
        FieldSpec(name="overall", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="overall"),
        FieldSpec(name="speech", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="speech"),
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
    summary="How much the picture moves.",
    fields=(
        FieldSpec(name="flow", unit="% of height/s", direction=Direction.NONE, low=0, meaning="mean flow"),
    ),
    tier=Tier.PAPER,
    licence="Apache-2.0",
    source="Farneback, Two-frame motion estimation, 2003",
)
METRICS: tuple[MetricSpec, ...] = (LIPSYNC, DNSMOS)
DECLARED = Declared(WEIGHTS, {spec.name: spec for spec in (*METRICS, MOTION)})


@dataclass(frozen=True)
class BoardRun:
    """What to make. `strength` moves the means of systems by name; `missing` is the share of scores without number."""

    systems: tuple[str, ...] = ("Alpha", "Beta")
    controls: tuple[SystemInfo, ...] = CONTROLS
    strength: dict[str, float] = field(default_factory=dict)
    samples: int = 8
    repeats: int = 1
    metrics: tuple[MetricSpec, ...] = METRICS
    missing: float = 0.1
    seed: int = 7
    world: str = "portraits"
    task: Task = Task.JOINT
    date: str = "2026-11-22"
    names: tuple[str, ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=lambda: dict(WEIGHTS))
    parameters: dict[str, object] = field(default_factory=lambda: {"reader": "one", "band": [80, 8000.0]})


def write_run(root: Path, plan: BoardRun | None = None) -> Path:
    """Write a finished run whose clips are a few bytes each; the inputs of its samples lie in `root/inputs`."""
    plan = plan or BoardRun()
    rng = np.random.default_rng(plan.seed)
    systems = [SystemInfo(id=name, use="toy", options=plan.options) for name in plan.systems]
    samples = [_sample(root, plan, i) for i in range(plan.samples)]
    clips, rows = [], []
    for system in (*systems, *plan.controls):
        for sample in samples:
            for repeat in range(plan.repeats):
                media = f"clips/{slug(system.id)}/{slug(sample.id)}/{repeat}.mp4"
                data = f"{system.id} {sample.id} {repeat} {plan.seed} {plan.date}".encode()
                write_atomic(root / media, data)
                record = ClipRecord(
                    system=system.id,
                    sample=sample,
                    repeat=repeat,
                    source=system.id,
                    sha256=sha256_bytes(data),
                    media=media,
                )
                clips.append(record)
                rows += _rows(plan, system, record, rng)
    write_atomic(root / "clips.jsonl", "".join(f"{c.model_dump_json()}\n" for c in clips).encode())
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"repeat": "int64", "value": "float64"})
    write_atomic(root / "scores.parquet", table.to_parquet(index=False))
    lock = {
        "schema": 1, "name": "toy", "task": plan.task.value, "repeats": plan.repeats, "seed": 2025,
        "dataset": {"name": plan.world, "samples": plan.samples, "path": "/home/somebody/data/clips.csv"},
        "computed": {spec.name: {"code": 1, "params": plan.parameters} for spec in plan.metrics},
    }  # fmt: skip
    write_atomic(root / "suite.lock.yaml", yaml.safe_dump(lock).encode())
    write_json(root / "manifest.json", _manifest(plan, [*systems, *plan.controls]).model_dump(mode="json"))
    return root


def _sample(root: Path, plan: BoardRun, i: int) -> Sample:
    reference = root / "inputs" / f"{i}.wav"
    write_atomic(reference, f"voice {i} of {plan.world}".encode())
    return Sample(
        id=plan.names[i] if i < len(plan.names) else f"sample-{i:03d}",
        task=plan.task,
        caption=f"Somebody speaks. {HOSTILE}",
        speech="Nothing in life is to be feared.",
        reference_audio=reference,
        facts={"identity": f"person-{i // 2}", **plan.facts},
    )


def _rows(
    plan: BoardRun, system: SystemInfo, record: ClipRecord, rng: np.random.Generator
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    lift = {Role.UPPER_CONTROL: 1.5, Role.LOWER_CONTROL: -3.0}.get(
        system.role, plan.strength.get(system.id, 0.0)
    )
    for spec in plan.metrics:
        gone = rng.random() < plan.missing
        for spec_field in spec.fields:
            level, spread = LEVELS.get(spec_field.name, (1.0, 0.3))
            value = level + spread * (lift + 0.6 * float(rng.standard_normal()))
            low, high = spec_field.low, spec_field.high
            value = min(max(value, low if low is not None else value), high if high is not None else value)
            reason = "no_face: nobody in /home/somebody/clip.mp4" if gone else ""
            rows.append(
                (record.system, record.sample.id, record.repeat, spec.name, spec_field.name,
                 float("nan") if gone else value, reason, record.sha256, 0.1)
            )  # fmt: skip
    return rows


def _manifest(plan: BoardRun, systems: list[SystemInfo]) -> RunManifest:
    return RunManifest(
        suite="toy",
        status="complete",
        command="uniavgen-bench run /home/somebody/toy.yaml",
        plan_sha256=sha256_bytes(b"plan"),
        version="0.1.0",
        code_sha256=sha256_bytes(b"code"),
        started=f"{plan.date}T10:00:00+00:00",
        finished=f"{plan.date}T10:10:00+00:00",
        seconds=600.0,
        environment={
            "python": "3.11.7",
            "platform": "Linux-6.1-build-of-somebody-x86_64-with-glibc2.36",
            "numpy": "2.4.6",
        },
        device="cpu",
        workers=1,
        systems=systems,
        metrics=list(plan.metrics),
        weights=[
            WeightUsed(name=n, sha256=h, bytes=1, licence="MIT", source="pypi:x==1:y")
            for n, h in plan.weights.items()
        ],
        dataset={"name": plan.world, "samples": str(plan.samples), "folder": "/home/somebody/data"},
    )


@dataclass(frozen=True)
class World:
    """A board, the keys that it knows, and runs to be added."""

    root: Path
    board: Board
    key: SigningKey

    @classmethod
    def make(cls, root: Path, name: str = "lab") -> World:
        """Make an empty board that knows one key."""
        board = root / "board"
        (board / "keys").mkdir(parents=True)
        world = cls(root, Board(board), make_key(root, name))
        world.know(name)
        return world

    def know(self, name: str) -> None:
        """Put a public key that `make_key` made onto the board."""
        write_atomic(self.board.root / "keys" / f"{name}.pub", (self.root / f"{name}.pub").read_bytes())
        self.board.__dict__.pop("keys", None)

    def add(self, plan: BoardRun | None = None, *, key: SigningKey | None = None, submitter: Submitter | None = None,
            systems: tuple[str, ...] = ()) -> list[Stored]:  # fmt: skip
        """Write a run and add it."""
        number = len(list(self.root.glob("run*")))
        run = write_run(self.root / f"run{number}", plan)
        return add_run(run, self.board, key or self.key, submitter or Submitter("A Lab"), systems)


def make_key(root: Path, name: str) -> SigningKey:
    """Make a key pair in `root`."""
    new_key(root / name)
    return read_key(root / name, {})


def read_scores(root: Path) -> pd.DataFrame:
    """Return the scores of a run."""
    return RunDirectory(root).scores()
