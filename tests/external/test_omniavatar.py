"""OmniAvatar puts its results into its checkout, where those of other runs lie: nobody takes another's clip."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from external.world import FAKES, Made, make, sample, system
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.plugin import ExternalSystem


def talking(root: Path, fail: str = "", seconds: str = "0", **options: object) -> ExternalSystem:
    return system("omniavatar", root=str(root), env={"FAKE_FAIL": fail, "FAKE_SECONDS": seconds}, **options)


@pytest.fixture
def shared_checkout(tmp_path: Path) -> Path:
    """A checkout whose path has characters of patterns."""
    root = tmp_path / "check[1]out" / "omniavatar"
    shutil.copytree(FAKES / "omniavatar", root)
    shutil.copyfile(FAKES / "fake_media.py", root.parent / "fake_media.py")
    return root


def test_a_run_that_fails_does_not_take_the_clip_of_the_run_before(
    tmp_path: Path, shared_checkout: Path
) -> None:
    given = sample(tmp_path / "given", task=Task.AUDIO_DRIVEN)
    first = make(talking(shared_checkout), [given], tmp_path / "first")
    assert 0 in first.facts
    second = make(talking(shared_checkout, "NOFILE"), [given], tmp_path / "second")
    assert second.missing[0].reason is Reason.NOT_GENERATED and not second.facts


def test_two_runs_at_once_get_the_clips_that_they_get_alone(tmp_path: Path, shared_checkout: Path) -> None:
    given = {
        name: sample(tmp_path / name, task=Task.AUDIO_DRIVEN, caption=f"Caption {name}.", seconds=1.0)
        for name in ("one", "two")
    }
    alone = {
        name: make(talking(shared_checkout), [given[name]], tmp_path / f"{name}-alone").outs[0].read_bytes()
        for name in given
    }
    made: dict[str, Made] = {}

    def run(name: str) -> None:
        # Long enough that one would look while the other's clip lies there, finished, beside its process.
        made[name] = make(talking(shared_checkout, seconds="2"), [given[name]], tmp_path / name)

    threads = [threading.Thread(target=run, args=(name,)) for name in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert {name: made[name].outs[0].read_bytes() for name in given} == alone
    assert alone["one"] != alone["two"]


def test_one_process_at_a_time_runs_in_a_checkout_that_it_writes_to() -> None:
    assert system("omniavatar").external.alone
