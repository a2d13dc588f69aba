"""A run of many small clips from plan to report: seconds and peak memory by stage, and how many files it makes.

    python tests/benchmarks/bench_scale.py 1000 10000

Each number of samples runs in a process of its own, two systems each, so that one peak says nothing of the other. The
clips are real files, each with a content of its own: 0.5 s of a moving grey ramp and a tone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.core.store import home
from uniavgen_bench.media.mux import write_clip

SYSTEMS = ("A", "B")
METRICS = ("video.motion",)
STAGES = ("plan", "score", "score again", "stats", "report")


def write_clips(folder: Path, samples: int) -> None:
    """Write a folder of finished clips for each system; no two clips have the same pictures or sound."""
    x = np.arange(64, dtype=np.int64)
    for number, system in enumerate(SYSTEMS):
        (folder / system).mkdir(parents=True)
        for i in range(samples):
            draw = np.random.default_rng([number, i])
            row = (x * 3 + int(draw.integers(256))) % 256
            row[:40] = np.repeat(200 * (i >> np.arange(20) & 1), 2)
            moved = [np.roll(row, k * (1 + i % 5)).astype(np.uint8) for k in range(5)]
            frames = [np.repeat(np.repeat(r[None, :, None], 48, 0), 3, 2).copy() for r in moved]
            tone = 0.3 * np.sin(np.arange(8000) * draw.uniform(0.02, 0.4))
            write_clip(folder / system / f"{i:05d}.mp4", frames, 10, tone.astype(np.float32), 16_000)


class WorkerPeaks(threading.Thread):
    """Looks twice a second at the peak memory of this process's workers, in MiB.

    What the system says of all children counts every short-lived one as large as the process that began it.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        while not self._ended.wait(0.5):
            for task in Path("/proc/self/task").iterdir():
                with suppress(OSError):
                    for child in (task / "children").read_text().split():
                        self._look(Path("/proc") / child)

    def _look(self, process: Path) -> None:
        with suppress(OSError, StopIteration):
            if b"spawn_main" in (process / "cmdline").read_bytes():
                self.most = max(self.most, _peak(process))

    def end(self) -> int:
        """Stop, and return the highest peak seen."""
        self._ended.set()
        self.join()
        return self.most


def _peak(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024)


class Stages:
    """Seconds and peak memory of each stage of this process."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what runs inside; the peak is that since the stage began."""
        Path("/proc/self/clear_refs").write_text("5")
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.found[name] = {"seconds": round(seconds, 2), "peak_mib": _peak(Path("/proc/self"))}


def measure(folder: Path, workers: int) -> dict[str, object]:
    """Run the stages over `folder`/clips in this process and its workers."""
    from uniavgen_bench.api import score_suite
    from uniavgen_bench.report.build import build_report
    from uniavgen_bench.runner.plan import make_plan
    from uniavgen_bench.runner.run import RunOptions, run_suite
    from uniavgen_bench.runner.verdicts import write_verdicts

    stages, workers_seen = Stages(), WorkerPeaks()
    workers_seen.start()
    with stages.stage("plan"):
        resolved = score_suite(folder / "clips", metrics=METRICS, controls=())
        plan = make_plan(resolved)
    options = RunOptions(out=folder / "run", workers=workers, command="bench_scale")
    with stages.stage("score"):
        done = run_suite(resolved, options)
    with stages.stage("score again"):
        run_suite(resolved, options)
    run = done.directory
    with stages.stage("stats"):
        write_verdicts(run, run.manifest(), run.scores(), run.clips())
    with stages.stage("report"):
        build_report(run.root)
    places = {"run without report": run.root, "report": run.root / "report", "store": home() / "store"}
    files = {name: sum(p.is_file() for p in place.rglob("*")) for name, place in places.items()}
    files["run without report"] -= files["report"]
    table = run.scores()
    return {
        "clips": len(plan.clips),
        "rows": len(table),
        "numbers": int(table.value.notna().sum()),
        "stages": stages.found,
        "worker_peak_mib": workers_seen.end(),
        "files": files,
    }


def measured(samples: int, workers: int = 2) -> dict[str, object]:
    """Make clips and measure them in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder / "clips", samples)
        environment = {**os.environ, "UNIAVGEN_BENCH_HOME": str(folder / "home")}
        command = [sys.executable, __file__, "--measure", name, str(workers)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return found


def test_every_clip_of_a_run_is_scored(benchmark: BenchmarkFixture) -> None:
    found = benchmark.pedantic(measured, args=(50,), rounds=1)  # type: ignore[no-untyped-call]
    assert found["clips"] == 100 and found["numbers"] == found["rows"] == 300
    assert tuple(found["stages"]) == STAGES
    benchmark.extra_info.update(found)


def main(sizes: list[int]) -> None:
    """Print a table for each number of samples."""
    for samples in sizes:
        found = measured(samples)
        print(
            f"\n{samples:,} samples x {len(SYSTEMS)} systems: {found['rows']:,} rows, files {found['files']}"
        )
        print(f"{'stage':<12} {'seconds':>9} {'peak MiB':>9}")
        stages: dict[str, dict[str, float]] = found["stages"]  # type: ignore[assignment]
        for name, cost in stages.items():
            print(f"{name:<12} {cost['seconds']:9.1f} {cost['peak_mib']:9.0f}")
        print(f"{'a worker':<12} {'':>9} {found['worker_peak_mib']:9}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main([int(size) for size in sys.argv[1:]] or [1000, 10_000])
