"""Which processes of a system may run at once, what is refused, and what a clip is known by."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from external.test_side_by_side import suite_of
from external.world import jobs, make, sample, system
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.runner.clip_work import clip_folder
from uniavgen_bench.runner.suite import read_suite, resolve
from uniavgen_bench.systems.external.batch import Item
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.external.slots import Slots, run_all
from uniavgen_bench.systems.finished_clips import match_clips


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": [0, 1, 2, 3], "at_once": 3},
         r"side.yaml:\d+: systems.0.options.at_once: 4 devices have no 3 equal shares: use 1 or 2 or 4, got 3"),
        ({"devices": [0, 1, 1, 2], "at_once": 2}, r"options.at_once: devices names one twice, and no two processes"),
        ({"at_once": "auto"}, r"options.at_once: auto is one process for each device, and devices names none"),
        ({"at_once": 0}, r"options.at_once: .*greater than or equal to 1, got 0"),
        ({"at_once": "many"}, r"options.at_once: .*got 'many'"),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_told_when_the_suite_is_read(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        resolve(*read_suite(suite_of(tmp_path, tmp_path, "pass", **options), []))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("latentsync", {}), ("wav2lip", {}), ("omniavatar", {}),
        ("command", {"command": ["python", "a.py"], "clip": "{root}/out/{name}.mp4"}),
    ],
)  # fmt: skip
def test_a_system_that_writes_fixed_files_into_its_checkout_runs_alone(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    made_by = system(name, at_once=2, **options)
    message = (
        rf"{name}: options.at_once: it writes files of fixed names into its checkout.*clone it a second time"
    )
    with pytest.raises(InputError, match=message):
        made_by.ready([])
    with pytest.raises(InputError, match=message):
        make(made_by, [sample(tmp_path / "given")], tmp_path)
    system(name, at_once=1, **options).ready([])
    system(name, at_once="auto", devices=[3], **options).ready([])


def test_clips_that_depend_on_their_batch_want_its_size_to_be_said() -> None:
    for name, options in (("hunyuanvideo-avatar", {}), ("javisdit", {"text_only": True, "batch": 0})):
        with pytest.raises(
            InputError, match=rf"{name}: options.at_once: its clips depend on which.*set options.batch"
        ):
            system(name, at_once=2, **options).ready([])
    made_by = system("hunyuanvideo-avatar", at_once=2, batch=3)
    made_by.ready([])
    samples = [Sample(id=str(i), task=Task.AUDIO_DRIVEN) for i in range(8)]
    alone = system("hunyuanvideo-avatar", batch=3)
    items = alone.items(jobs(samples, Path("none")))
    assert made_by.batches(items) == alone.batches(items) and made_by.identity() == alone.identity()


@pytest.mark.parametrize(
    ("at_once", "clips", "sizes"), [(1, 10, [10]), (4, 10, [3, 3, 3, 1]), (2, 7, [4, 3]), (8, 3, [1, 1, 1])]
)
def test_without_a_size_batches_are_equal_shares(at_once: int, clips: int, sizes: list[int]) -> None:
    made_by = system("uniavgen", at_once=at_once)
    samples = [Sample(id=str(i), task=Task.JOINT) for i in range(clips)]
    assert [len(batch) for batch in made_by.batches(made_by.items(jobs(samples, Path("none"))))] == sizes


def test_the_address_knows_the_devices_of_one_process_and_not_how_many_run() -> None:
    eight = list(range(8))
    four_of_two = system("mova", devices=eight, at_once=4).identity()
    assert four_of_two == system("mova", devices=[0, 1]).identity()
    assert four_of_two != system("mova", devices=eight).identity()
    each_alone = system("mova", devices=eight, at_once="auto").identity()
    assert each_alone == system("mova").identity() == system("mova", at_once=3).identity()


def test_processes_are_shown_as_they_would_run(tmp_path: Path) -> None:
    made_by = system("hunyuanvideo-avatar", devices=[0, 1, 2, 3], at_once=4, batch=1)
    samples = [sample(tmp_path / "given", name, Task.AUDIO_DRIVEN) for name in "abcde"]
    found = made_by.shown(jobs(samples, tmp_path), tmp_path / "scratch")
    seen = [p.given["CUDA_VISIBLE_DEVICES"] for p in found if isinstance(p, Prepared)]
    assert seen == ["0", "1", "2", "3", "0"]
    # One GPU for each process: what runs is the program for one.
    assert all(isinstance(p, Prepared) and "hymm_sp/sample_gpu_poor.py" in p.command for p in found)


def test_clips_of_several_runs_are_scored_together_as_finished_clips(tmp_path: Path) -> None:
    samples = [Sample(id=name, task=Task.JOINT) for name in ("One voice", "two/voices")]
    for run in ("first", "second"):
        for one in samples:
            for repeat in range(2):
                out = (
                    tmp_path / run / "clips" / clip_folder(ClipKey(system=run, sample=one.id, repeat=repeat))
                )
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{repeat}.mp4").touch()
        clips = tmp_path / run / "clips" / run
        found = match_clips(clips, samples, match="name", name="{slug}/{repeat}", repeats=2)
        assert len(found.clips) == 4 and not found.samples_without and not found.files_without


@given(
    sizes=st.lists(st.integers(1, 6), max_size=8),
    count=st.integers(1, 5),
    failing=st.sets(st.integers(0, 20)),
)
@settings(deadline=None, max_examples=60)
def test_every_item_is_tried_to_its_end_by_one_slot_and_none_waits_for_ever(
    sizes: list[int], count: int, failing: set[int]
) -> None:
    numbers = iter(range(100))
    batches = [[Item(f"c{next(numbers)}", Sample(id="a"), 0) for _ in range(size)] for size in sizes]
    shared = Slots(batches, count, Path("none"), Path("none"), {}, lambda item, missing, facts: None)
    ended: list[str] = []
    running: set[str] = set()
    lock = threading.Lock()

    def work() -> None:
        while (items := shared.take()) is not None:
            with shared.numbered() as number:
                with lock:
                    assert number not in running
                    running.add(number)
                bad = [i for i in items if int(i.name[1:]) in failing]
                parts = [tuple(bad[:1]), tuple(bad[1:])] if len(items) > 1 else []
                with lock:
                    ended.extend(i.name for i in items if len(items) == 1 or i not in bad)
                    running.discard(number)
            shared.give_back([part for part in parts if part])

    run_all([work] * count, shared)
    assert sorted(ended) == sorted(item.name for batch in batches for item in batch) and not shared.left()
