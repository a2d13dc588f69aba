"""The executor `ray` on clusters of this machine: equal results, lost actors and nodes, and the script for SLURM.

One file, because `ray symmetric-run` stops all that a user runs of Ray on a machine: it comes first.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from runner.conftest import Bench, make_clip
from runner.test_executors import results, write_suite

from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.store import Store

pytest.importorskip("ray", reason="--executor ray is an extra: pip install 'uniavgen-bench[ray]'")
SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "slurm_ray.sh"
NODE = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 * 2**20, "include_log_monitor": False}
LIMIT = 240.0
BUSY = "timed out during startup"
"""What Ray says when a node has not started within 30 s."""


def of_ray() -> list[str]:
    """The commands of Ray that run on this machine."""
    listed = subprocess.run(
        ["pgrep", "-af", "gcs_server|raylet/raylet"], capture_output=True, text=True, check=False
    )
    return listed.stdout.splitlines()


def pids(pattern: str) -> list[int]:
    listed = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def test_slurm_script_is_shell_and_runs_a_suite_by_rays_own_launcher(bench: Bench) -> None:
    """`srun` and `scontrol` are stand-ins that carry the command out once, on this machine."""
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    if of_ray():
        pytest.skip("Ray runs on this machine, and the launcher would stop it")
    ray = Path(sys.executable).parent / "ray"
    if not ray.exists():
        pytest.skip("the command `ray` is not beside this Python")
    suite = write_suite(bench.folder, clips=2)
    commands = bench.folder / "commands"
    commands.mkdir()
    stand_ins = {
        "scontrol": '[ "$1 $2" = "show hostnames" ] && echo 127.0.0.1',
        "srun": 'while [[ "$1" == --* ]]; do shift; done\nexec "$@"',
        "uniavgen-bench": f'exec "{sys.executable}" -m uniavgen_bench.cli "$@"',
    }
    for name, text in stand_ins.items():
        (commands / name).write_text(f"#!/bin/bash\n{text}\n")
        (commands / name).chmod(0o755)
    environment = bench.environment | {
        "PATH": os.pathsep.join([str(commands), str(ray.parent), os.environ["PATH"]]),
        "SLURM_JOB_ID": "123", "SLURM_JOB_NODELIST": "here", "SLURM_JOB_NUM_NODES": "1",
        "SLURM_CPUS_PER_TASK": "1", "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1",
    }  # fmt: skip

    def job(*more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", SCRIPT, *map(str, more)],
            cwd=bench.folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip

    for _ in range(3):
        done = job(suite, "--metrics", "toy.loudness", "--out", "run")
        if BUSY not in done.stderr:
            break
        assert done.returncode == 1 and "the run was not begun" in done.stderr
    else:
        pytest.skip("this machine is too busy for Ray to start; the script said so each time")
    assert done.returncode == 0, done.stdout + done.stderr
    assert RunDirectory(bench.folder / "run").scores().value.notna().all()
    assert not of_ray() and not list(bench.home.glob(".slurm*"))
    refused = job(suite, "--metrics", "toy.nothing")
    assert refused.returncode in (1, 2), "the status is that of the command, or tells that it was not begun"
    nothing = subprocess.run(["bash", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert nothing.returncode == 2 and "usage: sbatch" in nothing.stderr


def test_a_cluster_of_its_own_needs_no_address_and_leaves_nothing(bench: Bench, clips: Path) -> None:
    user = bench.folder / "user"
    user.mkdir()
    command = bench.command(
        "score", clips, "--metrics", "toy.loudness", "--controls", "none", "--executor", "ray", "--workers", 1,
        "--out", "out",
    )  # fmt: skip
    for _ in range(3):
        done = subprocess.run(
            command, cwd=bench.folder, env=bench.environment | {"HOME": str(user)}, capture_output=True,
            text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        if BUSY not in done.stderr:
            break
        assert done.returncode == 2 and "Traceback" not in done.stderr
    else:
        pytest.skip("this machine is too busy for Ray to start; the command said so each time")
    assert done.returncode == 0, done.stderr
    assert RunDirectory(bench.folder / "out").scores().value.notna().all()
    assert not (user / ".ray").exists(), "no token is left for other clusters"
    texts = [path.read_bytes() for path in (bench.folder / "out").rglob("*") if path.is_file()]
    assert texts and not any(b"RAY_AUTH" in text for text in texts)


@pytest.fixture(scope="module")
def cluster(plugins: Path) -> Iterator[Any]:
    """A head without processors for workers, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = NODE | {"num_cpus": 0, "include_dashboard": False}
        started = patiently(lambda: Cluster(initialize_head=True, head_node_args=head | ports()))
        try:
            for _ in range(2):
                patiently(lambda: started.add_node(**NODE, **ports()))
            yield started
        finally:
            started.shutdown()


def ports() -> dict[str, int]:
    """Free ports for a node's agents: where they are given, a node does not wait for its agents to tell them."""
    names = (
        "metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port",
    )  # fmt: skip
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in names]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in zip(names, sockets, strict=True)}


def patiently(start: Callable[[], Any], tries: int = 3) -> Any:
    """Start a node, and again where a busy machine did not give it the time."""
    for number in range(tries):
        try:
            return start()
        except Exception as error:
            if BUSY not in str(error) or number == tries - 1:
                raise
    raise AssertionError("there is at least one try")


def on(cluster: Any, *more: object) -> tuple[object, ...]:
    return ("--executor", "ray", "--ray-address", cluster.address, *more)


def test_two_nodes_give_the_values_and_verdicts_of_one_local_worker(bench: Bench, cluster: Any) -> None:
    suite = write_suite(bench.folder)
    spread = Bench(bench.plugins, bench.folder / "ray-home", bench.folder)
    shared = ("--store", f"file://{bench.folder}/shared")
    done = spread("run", suite, *on(cluster), *shared, "--out", "ray", timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert "note" not in done.stderr
    here, there = (Store(bench.folder / name) for name in ("ray-home/store", "shared"))
    assert {key for key, _ in here.entries()} < {key for key, _ in there.entries()}, "there is a mark as well"
    assert bench("run", suite, "--workers", 1, "--out", "local", timeout=LIMIT).returncode == 0
    (ray_values, ray_verdicts), (values, verdicts) = (
        results(bench.folder / name) for name in ("ray", "local")
    )
    manifests = [RunDirectory(bench.folder / name).manifest() for name in ("ray", "local")]
    assert [(m.executor, m.workers) for m in manifests] == [("ray", 2), ("local", 1)]
    assert manifests[0].plan_sha256 == manifests[1].plan_sha256
    pd.testing.assert_frame_equal(ray_values, values, check_exact=True)
    assert ray_verdicts == verdicts and values.value.notna().all()
    assert not pids("^ray::ClipWorker"), "actors outlive their run"


def test_a_metric_that_kills_or_hangs_its_worker_costs_one_row(
    bench: Bench, clips: Path, cluster: Any
) -> None:
    make_clip(clips / "A" / "victim.mp4", hertz=333)
    run = bench.score(clips, ["toy.loudness", "toy.crash", "toy.hang"], *on(cluster, "--timeout", 20))
    table = RunDirectory(run).scores()
    bad = table[table.value.isna()]
    assert [(row["sample"], row.metric) for _, row in bad.iterrows()] == [
        ("victim", "toy.crash@1"), ("victim", "toy.hang@1"),
    ]  # fmt: skip
    assert [reason.partition(":")[0] for reason in bad.reason] == ["crashed", "timeout"]


def kill_actor(cluster: Any) -> bool:
    found = pids("^ray::ClipWorker")
    if found:
        os.kill(found[-1], signal.SIGKILL)
    return bool(found)


def kill_node(cluster: Any) -> bool:
    """Kill all processes of a node that was added for it, and its actor."""
    if not pids("^ray::ClipWorker"):
        return False
    cluster.remove_node(sorted(cluster.worker_nodes, key=id)[0], allow_graceful=False)
    return True


@pytest.mark.parametrize(("kill", "often"), [(kill_actor, 4), (kill_node, 1)], ids=["actors", "a node"])
def test_what_is_killed_in_the_middle_costs_no_row(
    bench: Bench, clips: Path, cluster: Any, kill: Callable[[Any], bool], often: int
) -> None:
    for i in range(14):
        make_clip(clips / "C" / f"{i}.mp4", hertz=700 + i)
    arguments = ["score", clips, "--metrics", "toy.slow,toy.loudness", "--controls", "none"]
    running = subprocess.Popen(
        bench.command(*arguments, *on(cluster, "--out", "killed")), cwd=bench.folder, env=bench.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    killed, until = 0, time.monotonic() + LIMIT
    while running.poll() is None and time.monotonic() < until:
        begun = bench.home.is_dir() and len(list((bench.home / "store").glob("??/*"))) > 4 + 8 * killed
        if begun and killed < often:
            killed += kill(cluster)
        time.sleep(0.2)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said
    assert killed == often, "the run was over before anything was killed"
    undisturbed = Bench(bench.plugins, bench.folder / "other", bench.folder)
    assert undisturbed(*arguments, "--workers", 1, "--out", "plain", timeout=LIMIT).returncode == 0
    rows = [
        RunDirectory(bench.folder / name).scores().drop(columns="seconds") for name in ("killed", "plain")
    ]
    assert len(rows[0]) == 40 and rows[0].value.notna().all()
    pd.testing.assert_frame_equal(*rows, check_exact=True)


def test_a_driver_that_was_killed_leaves_a_run_that_the_same_command_finishes(
    bench: Bench, clips: Path, cluster: Any
) -> None:
    """With a shared store that no process shares with another: that is told, and ends no run."""
    for i in range(6):
        make_clip(clips / "C" / f"{i}.mp4", hertz=700 + i)
    arguments = ["score", clips, "--metrics", "toy.slow,toy.loudness", "--controls", "none"]
    command = bench.command(*arguments, *on(cluster, "--out", "killed", "--store", "memory://own"))
    running = subprocess.Popen(command, cwd=bench.folder, env=bench.environment, stderr=subprocess.DEVNULL)
    until = time.monotonic() + LIMIT
    while len(list((bench.home / "store").glob("??/*"))) < 5 and time.monotonic() < until:
        assert running.poll() is None, "the run was over before anything was killed"
        time.sleep(0.1)
    running.kill()
    running.wait()
    while pids("^ray::ClipWorker") and time.monotonic() < until:
        time.sleep(0.1)
    assert not pids("^ray::ClipWorker"), "actors outlive their driver"
    assert RunDirectory(bench.folder / "killed").manifest().status == "running"
    again = subprocess.run(
        command, cwd=bench.folder, env=bench.environment, capture_output=True, text=True, timeout=LIMIT,
        check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert " ".join(again.stderr.split()).count("does not see the shared store") == 1
    undisturbed = Bench(bench.plugins, bench.folder / "other", bench.folder)
    assert undisturbed(*arguments, "--workers", 1, "--out", "plain", timeout=LIMIT).returncode == 0
    rows = [
        RunDirectory(bench.folder / name).scores().drop(columns="seconds") for name in ("killed", "plain")
    ]
    assert len(rows[0]) == 24 and rows[0].value.notna().all()
    pd.testing.assert_frame_equal(*rows, check_exact=True)


def test_a_node_that_lacks_a_plug_in_is_refused(bench: Bench, clips: Path, cluster: Any) -> None:
    """The run has a metric under a name that the nodes' package of plug-ins does not know."""
    hidden = shutil.copytree(bench.plugins, bench.folder / "renamed")
    points = next(hidden.glob("toy_plugins-*.dist-info")) / "entry_points.txt"
    points.write_text(points.read_text().replace("toy.loudness", "toy.noise"))
    alone = Bench(hidden, bench.home, bench.folder)
    done = alone("score", clips, "--metrics", "toy.noise", "--controls", "none", *on(cluster), timeout=LIMIT)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "a node of the cluster cannot be used: unknown metric 'toy.noise'" in done.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:9", "Connection refused"), ("nowhere", "an address is host:port or auto")],
)
def test_no_cluster_at_an_address_is_one_line(bench: Bench, clips: Path, address: str, said: str) -> None:
    done = bench(
        "score", clips, "--metrics", "toy.loudness", "--executor", "ray", "--ray-address", address, "--out", "out",
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"no Ray cluster answers at {address}" in done.stderr and said in done.stderr
