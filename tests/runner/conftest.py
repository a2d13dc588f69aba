"""The command line as a user runs it, with a stranger's plugin package installed beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.media.mux import write_clip

PACKAGE = Path(__file__).parent.parent / "plugin_package"


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the package `toy-plugins`."""
    pytest.importorskip("hatchling", reason="building the plugin package needs hatchling (extra test)")
    target = tmp_path_factory.mktemp("plugins")
    source = tmp_path_factory.mktemp("source") / "toy"
    shutil.copytree(PACKAGE, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*command, "--target", target, source], check=True, capture_output=True)
    return target


@dataclass(frozen=True)
class Bench:
    """Runs `uniavgen-bench` in a process of its own, with a home of its own."""

    plugins: Path
    home: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.plugins), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, "PYTHONPATH": path, "UNIAVGEN_BENCH_HOME": str(self.home), "COLUMNS": "120"}

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "uniavgen_bench.cli", *map(str, arguments)]

    def __call__(self, *arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def score(self, clips: Path, metrics: Sequence[str], *more: object, out: str = "out") -> Path:
        """Score clips and return the run directory; fails the test when the command fails."""
        done = self("score", clips, "--metrics", ",".join(metrics), "--controls", "none", "--out", out, *more)
        assert done.returncode == 0, done.stderr
        return self.folder / out


@pytest.fixture
def bench(plugins: Path, tmp_path: Path) -> Bench:
    """The command line with a fresh home and a fresh working folder."""
    return Bench(plugins, tmp_path / "home", tmp_path)


def make_clip(path: Path, *, seconds: float = 1.0, hertz: float = 300.0, shade: int = 90) -> Path:
    """Write a small clip: a grey ramp and a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((48, 64, 3), (shade + 3 * i) % 256, np.uint8) for i in range(round(10 * seconds))]
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(16000 * seconds)) / 16000)
    write_clip(path, frames, 10, tone.astype(np.float32), 16000)
    return path


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two systems of three clips each."""
    for i in range(3):
        make_clip(tmp_path / "clips" / "A" / f"{i}.mp4", hertz=200 + 50 * i, shade=20 * i)
        make_clip(tmp_path / "clips" / "B" / f"{i}.mp4", hertz=500 + 50 * i, shade=100 + 20 * i)
    return tmp_path / "clips"
