"""Executors without a cluster: equal results, lost workers, places on GPUs, and refusals."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner.conftest import Bench

from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.result import Missing, Reason, Score
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.executors.attempts import TRIES, Attempts
from uniavgen_bench.runner.executors.executor import ExecutorOptions, RayOptions, check_executor
from uniavgen_bench.runner.executors.local import cuda_devices
from uniavgen_bench.runner.executors.ray_worker import Surroundings, difference, mark_store, surroundings
from uniavgen_bench.runner.executors.start import GPUS, GpuPlaces
from uniavgen_bench.runner.score_clip import Scored
from uniavgen_bench.runner.worker import failed_outcome
from uniavgen_bench.weights.locate import WeightLocator

METRICS = ("video.motion", "audio.dnsmos", "speech.wer")
CONFIG = WorkerConfig(Path("run"), Path("store"), METRICS, (), "cpu", 1, "none")
LOST = Missing(Reason.CRASHED, "its worker died")
LATE = Missing(Reason.TIMEOUT, "too long")


def work(name: str, only: tuple[str, ...] | None = None) -> ClipWork:
    return ClipWork(ClipKey(system="A", sample=name), Sample(id=name), Path(f"{name}.mp4"), only_metrics=only)


def scored(given: ClipWork) -> ClipOutcome:
    """An outcome in which every metric that was asked has the score 1."""
    outcome = failed_outcome(CONFIG, given, LOST)
    scores = tuple(Scored(s.metric, dict.fromkeys(s.scores, Score(1.0))) for s in outcome.scored)
    return ClipOutcome(outcome.record, scores)


@given(st.lists(st.sampled_from(["done", "lost", "late"]), max_size=60), st.integers(1, 4))
def test_every_clip_comes_back_once_with_every_metric_whatever_is_lost(fates: list[str], clips: int) -> None:
    attempts = Attempts(CONFIG, [work(str(number)) for number in range(clips)])
    came: dict[str, ClipOutcome] = {}
    fate = iter(fates)
    for _ in range(clips * TRIES * (1 + len(METRICS)) + 1):
        attempt = attempts.next()
        if attempt is None:
            break
        what = next(fate, "done")
        outcome = (
            attempts.finished(attempt, scored(attempt.work))
            if what == "done"
            else attempts.lost(attempt, LOST if what == "lost" else LATE)
        )
        if outcome is not None:
            assert attempt.whole.key.sample not in came
            came[attempt.whole.key.sample] = outcome
    assert not attempts.open and attempts.next() is None
    assert sorted(came) == [str(number) for number in range(clips)]
    for outcome in came.values():
        assert sorted(s.metric.partition("@")[0] for s in outcome.scored) == sorted(METRICS)


def test_a_metric_that_ends_its_worker_every_time_is_given_up_alone() -> None:
    attempts = Attempts(CONFIG, [work("a")])
    handed, outcome = 0, None
    while attempts.open:
        attempt = attempts.next()
        assert attempt is not None
        handed += 1
        fatal = attempt.work.only_metrics in (None, ("audio.dnsmos",))
        outcome = attempts.lost(attempt, LOST) if fatal else attempts.finished(attempt, scored(attempt.work))
    assert handed == 2 * TRIES + len(METRICS) - 1
    assert outcome is not None
    lost = [s.metric for s in outcome.scored if any(isinstance(v, Missing) for v in s.scores.values())]
    assert len(lost) == 1 and lost[0].startswith("audio.dnsmos@")


def test_a_clip_that_takes_too_long_is_not_tried_again_as_a_whole() -> None:
    attempts = Attempts(CONFIG, [work("a", ("video.motion",)), work("b")])
    first, second = attempts.next(), attempts.next()
    assert first is not None and second is not None
    outcome = attempts.lost(first, LATE)
    assert outcome is not None and [s.metric for s in outcome.scored] == ["video.motion@1"]
    assert attempts.lost(second, LATE) is None
    parts = [attempts.next() for _ in METRICS]
    assert [p.work.only_metrics for p in parts if p is not None] == [(name,) for name in METRICS]


TAKE = """
import sys, time
from pathlib import Path
from uniavgen_bench.runner.executors.start import GPUS, GpuPlaces, start_worker
import os
start_worker(3, os.getppid(), GpuPlaces(Path(sys.argv[1]), ("5", "7"), 4))
print(os.environ[GPUS], os.environ["OMP_NUM_THREADS"], "numpy" in sys.modules, flush=True)
time.sleep(60)
"""


def test_processes_share_the_gpus_evenly_and_a_killed_one_leaves_its_place(tmp_path: Path) -> None:
    started: list[subprocess.Popen[str]] = []

    def start() -> str:
        command = [sys.executable, "-c", TAKE, str(tmp_path)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        gpu, threads, numpy_loaded = started[-1].stdout.readline().split()
        assert (threads, numpy_loaded) == ("3", "False"), "threads are set before a library reads them"
        return gpu

    try:
        assert sorted(start() for _ in range(4)) == ["5", "5", "7", "7"]
        assert not GpuPlaces(tmp_path, ("5", "7"), 4).folder.joinpath("4.lock").exists()
        os.kill(started[1].pid, signal.SIGKILL)
        started[1].wait()
        assert start() == "7"
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_gpus_are_those_that_the_environment_leaves() -> None:
    assert cuda_devices({GPUS: "2, 3"}) == ("2", "3")
    assert cuda_devices({GPUS: ""}) == ()


SUITE = """
schema: 1
name: equal
dataset: {name: folder, path: clips}
systems: [precomputed, {id: later, use: shifted-audio, options: {of: A, milliseconds: 40}}]
metrics: [toy.loudness, toy.brightness, video.motion]
compare: {baseline: A, fields: [toy.loudness.dbfs, video.motion.motion]}
"""


def write_suite(folder: Path, clips: int = 7) -> Path:
    """Write a suite over two systems, whose clips differ in movement and loudness, and a control derived from one."""
    random = np.random.default_rng(5)
    for number, system in itertools.product(range(clips), "AB"):
        path = folder / "clips" / system / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = random.integers(0, 255, (12, 16, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        step = 1 + number % 3 + 2 * (system == "B")
        frames = [np.roll(picture, step * i, axis=1) for i in range(10)]
        sound = random.uniform(0.05, 0.5) * random.standard_normal(16000).clip(-2, 2) / 2
        write_clip(path, frames, 10, sound.astype(np.float32), 16000)
    (folder / "equal.yaml").write_text(SUITE)
    return folder / "equal.yaml"


def results(run: Path) -> tuple[pd.DataFrame, object]:
    """The values of a run and its verdicts, without what they cost."""
    stats = RunDirectory(run).stats()
    assert stats is not None and stats.paired
    return RunDirectory(run).scores().drop(columns="seconds"), stats


def test_one_and_two_local_workers_give_equal_values_and_verdicts(bench: Bench) -> None:
    suite = write_suite(bench.folder)
    found = []
    for workers in (1, 2):
        alone = Bench(bench.plugins, bench.folder / f"home{workers}", bench.folder)
        out = f"run{workers}"
        done = alone("run", suite, "--workers", workers, "--executor", "local", "--out", out, timeout=300)
        assert done.returncode == 0, done.stderr
        found.append(results(bench.folder / f"run{workers}"))
    (one, verdict), (two, other) = found
    assert one.value.notna().all() and one.value.nunique() > len(one) / 3
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert verdict == other


@pytest.mark.shared
@pytest.mark.weights
def test_networks_give_equal_values_with_one_and_two_workers(
    bench: Bench, shared: Path, weights_home: WeightLocator
) -> None:
    """Two clips of real people; a network with two threads would give other last digits than with one."""
    (bench.folder / "clips" / "A").mkdir(parents=True)
    for number in (1, 2):
        shutil.copy(
            shared / "clips" / "uniavgen_page" / f"task3_t3_{number}_.mp4", bench.folder / "clips" / "A"
        )
    found = []
    for workers in (1, 2):
        alone = Bench(bench.plugins, bench.folder / f"home{workers}", bench.folder)
        alone.home.mkdir()
        (alone.home / "weights").symlink_to(weights_home.home)
        run = alone.score(
            Path("clips"),
            ["audio.dnsmos", "timbre.stability"],
            "--workers",
            workers,
            "--offline",
            out=f"run{workers}",
        )
        found.append(RunDirectory(run).scores().drop(columns="seconds"))
    assert found[0].value.notna().all()
    pd.testing.assert_frame_equal(*found, check_exact=True)


HIDDEN = """
import sys
sys.modules["ray"] = None
from uniavgen_bench.cli import main
sys.argv = ["uniavgen-bench", *sys.argv[1:]]
main()
"""


def test_without_ray_the_error_names_the_extra_and_nothing_is_written(bench: Bench, clips: Path) -> None:
    arguments = ["score", str(clips), "--metrics", "toy.loudness", "--executor", "ray", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN, *arguments],
        cwd=bench.folder, env=bench.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "error: --executor ray: Ray is not installed (pip install 'uniavgen-bench[ray]')"
    )
    assert not (bench.folder / "out").exists()


def test_without_ray_check_executor_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # no variables are set for a cluster of its own
    with pytest.raises(NotInstalledError, match=r"uniavgen-bench\[ray\]"):
        check_executor(ExecutorOptions("ray"))
    check_executor(ExecutorOptions("local"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ExecutorOptions("rai"), "did you mean 'ray'"),
        (ExecutorOptions(ray=RayOptions(address="auto")), "add --executor ray"),
        (ExecutorOptions("ray", ray=RayOptions(address="ray://x:10001")), "on a node of the cluster"),
        (ExecutorOptions("ray", ray=RayOptions(cpus=0)), "needs processors"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: ExecutorOptions, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_executor(options)


HERE = Surroundings(
    "n", "/run", "c0de", {"python": "3.11", "torch": "2.6"}, "aa", "bb", ("UNIAVGEN_BENCH_JUDGE_KEY",)
)


def test_two_folders_in_front_of_one_address_are_one_store(tmp_path: Path) -> None:
    one = replace(CONFIG, store=tmp_path / "one", remote=f"memory://{tmp_path.name}")
    two = replace(one, store=tmp_path / "two")
    assert surroundings(one).store == surroundings(two).store == "absent"
    mark_store(one)
    assert surroundings(one).store == surroundings(two).store != "absent"
    assert not one.store.exists(), "a mark in the local store would be taken for that of the address"
    assert surroundings(replace(one, remote=None)).store == "absent"
    assert "memory" not in repr(one), "an address may hold a password"


def test_a_mark_that_is_no_text_is_a_mark_and_no_error(tmp_path: Path) -> None:
    config = replace(CONFIG, store=tmp_path / "store", remote=None)
    Store(config.store).put(sha256_json(["store mark"]), b"\xff\xfe\x00")
    mark_store(config)
    seen = surroundings(config).store
    assert seen not in ("absent", "") and surroundings(config).store == seen


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"folder": "/"}, "/run"),
        ({"manifest": "absent"}, "run directory"),
        ({"store": "cc"}, "store"),
        ({"code": "beef"}, "another version"),
        ({"packages": {"python": "3.11", "torch": "2.7"}}, "torch 2.7, here it is 2.6"),
        ({"packages": {"python": "3.11"}}, "torch absent"),
        ({"asked": ()}, "UNIAVGEN_BENCH_JUDGE_KEY"),
    ],
)
def test_a_node_that_could_give_other_numbers_is_told_of(changed: dict[str, object], said: str) -> None:
    assert difference(HERE, replace(HERE, node="other")) is None
    wrong = difference(HERE, replace(HERE, **changed))  # type: ignore[arg-type]
    assert wrong is not None and said in wrong[0] and wrong[1]
