"""The bundled suite `smoke` on the portrait world, from an empty dataset to a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.runner.suite import read_suite, resolve
from uniavgen_bench.runner.suite_path import bundled_suites, find_suite
from uniavgen_bench.weights.locate import WeightLocator

OF_PORTRAITS = ("joint", "joint_ref_audio", "continuation", "dubbing", "audio_driven", "smoke")
METRICS = "metrics=[lipsync.mouth_audio, portraits.mouth, portraits.phones]"


def command(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UNIAVGEN_BENCH_HOME": str(home), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "uniavgen_bench.cli", *map(str, arguments)],
        cwd=home, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, weights_home: WeightLocator) -> Path:
    """A home with the pulled weights and nothing else."""
    pytest.importorskip("espeakng_loader", reason="the portrait world speaks with the extra `portraits`")
    folder = tmp_path_factory.mktemp("home")
    (folder / "weights").symlink_to(weights_home.home, target_is_directory=True)
    return folder


@pytest.mark.parametrize("name", OF_PORTRAITS)
def test_suite_asks_its_own_task_of_dataset_and_systems(name: str) -> None:
    suite = yaml.safe_load(bundled_suites()[name].read_text())
    assert suite["dataset"]["name"] == "portraits" and suite["dataset"]["task"] == suite["task"]
    assert suite["task"] == name or name == "smoke"
    ids = [s if isinstance(s, str) else s["id"] for s in suite["systems"]]
    assert {"ground-truth", "static-portrait", "shuffled-audio", "shifted-audio"} <= set(ids)


@pytest.mark.parametrize(
    ("suite", "system", "options"),
    [
        ("continuation", "nano-interaction-off", {"a2v": "none", "v2a": "none"}),
        ("dubbing", "nano-blind", {"v2a": "none"}),
        ("audio_driven", "nano-deaf", {"a2v": "none"}),
    ],
)
def test_what_nano_is_given_its_own_lower_control_is_given_too(
    suite: str, system: str, options: dict[str, str]
) -> None:
    blocks = yaml.safe_load(bundled_suites()[suite].read_text())["systems"]
    (found,) = [b for b in blocks if isinstance(b, dict) and b["id"] == system]
    assert found == {"id": system, "use": "uniavgen-nano", "role": "lower-control", "options": options}


@pytest.mark.parametrize(
    ("suite", "system"), [("dubbing", "cascade-audio-first"), ("audio_driven", "cascade-video-first")]
)
def test_task_that_a_system_cannot_do_is_refused_when_the_suite_is_read(suite: str, system: str) -> None:
    with pytest.raises(InputError, match=f"{system} cannot do {suite}"):
        resolve(*read_suite(find_suite(suite), [f"systems=[{system}]"]))


def test_smoke_generates_scores_and_orders_what_is_known(home: Path) -> None:
    done = command(
        home, "run", "smoke", "--out", "out", "--workers", 1, "--offline",
        "--set", "dataset.samples=2", "--set", METRICS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = pd.read_parquet(home / "out" / "scores.parquet")
    assert len(scores.groupby(["system", "sample"])) == 10
    assert (home / "out" / "report" / "index.html").is_file()
    assert not scores["reason"].isin(["failed", "crashed", "not_installed", "weights"]).any()

    def mean(metric: str, field: str, system: str) -> float:
        rows = scores[(scores.metric == metric) & (scores.field == field) & (scores.system == system)]
        return float(rows["value"].mean())

    sound = [mean("portraits.phones@1", "vowel_auc", s) for s in ("ground-truth", "shifted-audio")]
    assert sound[0] > 0.75 > 0.65 > sound[1]
    # A control of the sound keeps the picture, and a still picture has no mouth to correlate.
    mouth = [
        mean("portraits.mouth@1", "error", s) for s in ("ground-truth", "shuffled-audio", "static-portrait")
    ]
    assert mouth[0] == mouth[1] < mouth[2]
    sidecar = json.loads(next((home / "out" / "clips" / "cascade-audio-first").rglob("0.json")).read_text())
    assert sidecar["use"] == "cascade-audio-first" and len(sidecar["sha256"]) == 64


def test_export_writes_an_index_and_names_what_is_wrong(home: Path) -> None:
    done = command(home, "dataset", "export", "portraits", home / "shards", "--set", "samples=1", "--set", "size=64",
                   "--workers", 1)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 clip of 1 person in 1 shard: " in done.stdout and (home / "shards" / "index.json").is_file()
    for wrong, expected in (
        ("split=tset", "did you mean 'test'"),
        ("sizes=64", "did you mean 'size'"),
        ("size", "is not KEY=VALUE"),
    ):
        refused = command(home, "dataset", "export", "portraits", home / "none", "--set", wrong)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and expected in refused.stderr
        assert not (home / "none").exists()
    unknown = command(home, "dataset", "export", "portrait", home / "none")
    assert unknown.returncode == 2 and "did you mean 'portraits'" in unknown.stderr
