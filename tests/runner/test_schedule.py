"""A schedule that is played through keeps the laws of any schedule, and says what holds a run up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.runner import schedule
from uniavgen_bench.runner.schedule import simulate
from uniavgen_bench.runner.schedule_costs import AtTheEnd, Cost, Costs, read_costs

TABLE = Path(__file__).parent.parent.parent / "docs" / "scale_costs.yaml"


def cost(name: str, on: str, seconds: float, **more: object) -> Cost:
    return Cost.model_validate(
        {"name": name, "on": on, "seconds": seconds, "known": "assumed", "source": "a test", **more}
    )


def costs(*steps: Cost, samples: int = 12, **more: object) -> Costs:
    return Costs.model_validate(
        {"schema": 1, "name": "test", "systems": ("A", "B"), "samples": samples, "steps": steps, **more}
    )


def test_equal_clips_take_as_many_rounds_as_they_need() -> None:
    found = simulate(costs(cost("generate", "gpu", 10.0)), 8)
    # 24 clips on 8 GPUs are three rounds of 10 s, with no GPU ever free.
    assert found.seconds == 30.0 and found.gpu_busy == 1.0 and found.bottleneck.startswith("generate (100%")


def test_what_one_process_makes_is_not_faster_on_more_gpus() -> None:
    table = costs(cost("generate", "gpu", 10.0, made_by="one process"), cost("score", "gpu", 1.0))
    one, eight = simulate(table, 1), simulate(table, 8)
    assert (one.seconds, eight.seconds) == (264.0, 243.0)
    assert eight.bottleneck.startswith("waiting for generate") and eight.gpu_busy < 0.14


def test_side_by_side_systems_take_turns_on_one_machine_and_a_machine_each_on_several() -> None:
    made = [
        cost(f"generate {name}", "gpu", seconds, load=2.0, made_by="side by side", systems=(name,))
        for name, seconds in (("A", 10.0), ("B", 30.0))
    ]
    table = costs(*made, cost("score", "gpu", 1.0), gpus_per_machine=4)
    # 12 clips on 4 GPUs are three rounds of 10 s and three of 30 s; then 24 clips are scored.
    assert simulate(table, 4).seconds == (2 + 30) + (2 + 90) + 24 / 4
    several = simulate(table, 8)
    assert several.seconds == 2 + 90 + 24 / 8
    assert several.spent["waiting for generate B"] == 8 * 92 - 12 * 40 - 8 * 2
    assert simulate(table, 1).seconds == 2 * 2 + 12 * 40 + 24


def test_side_by_side_on_one_gpu_is_one_process() -> None:
    steps = [
        cost("made", "gpu", 7.0, load=3.0, made_by=by, systems=("A",))
        for by in ("side by side", "one process")
    ]
    one, other = (simulate(costs(step, cost("score", "cpu", 1.0)), 1) for step in steps)
    assert one.seconds == other.seconds and one.gpu_busy == other.gpu_busy


def test_a_second_worker_uses_the_gpu_while_the_first_one_analyses() -> None:
    table = costs(cost("analyse", "cpu", 5.0), cost("score", "gpu", 5.0))
    alone, shared = (simulate(table.model_copy(update={"workers_per_gpu": n}), 1) for n in (1, 2))
    assert alone.gpu_busy == 0.5
    # Two workers take turns: the GPU only waits for the first analysis.
    assert shared.seconds == 5.0 + 24 * 5.0


def test_weights_are_loaded_once_per_worker_and_the_driver_ends_alone() -> None:
    end = AtTheEnd(name="report", seconds_per_clip=0.5, known="assumed", source="a test")
    found = simulate(costs(cost("generate", "gpu", 1.0, load=7.0, systems=("B",)), end=(end,)), 4)
    assert found.spent["loading weights"] == 4 * 7.0 and found.spent["report"] == 12.0
    assert found.seconds == 7.0 + 3.0 + 12.0


@given(
    seconds=st.lists(st.floats(0.1, 50), min_size=1, max_size=4),
    gpus=st.integers(1, 20),
    workers=st.integers(1, 3),
    samples=st.integers(1, 30),
    stages=st.lists(st.sampled_from(["one process", "side by side"]), max_size=2),
)
def test_no_second_is_lost_and_no_schedule_beats_the_work(
    seconds: list[float], gpus: int, workers: int, samples: int, stages: list[str]
) -> None:
    steps = [cost(f"s{i}", "gpu" if i % 2 == 0 else "cpu", s, load=s / 3) for i, s in enumerate(seconds)]
    steps += [
        cost(f"made {i}", "gpu", 2.0, load=1.5, made_by=by, systems=("AB"[i],)) for i, by in enumerate(stages)
    ]
    table = costs(*steps, samples=samples, workers_per_gpu=workers, gpus_per_machine=8)
    found = simulate(table, gpus)
    assert sum(found.spent.values()) == pytest.approx(found.seconds * gpus * workers)
    on_gpu = 2 * samples * sum(seconds[::2]) + len(stages) * samples * 2.0
    assert found.seconds >= max(sum(seconds), on_gpu / gpus) * (1 - 1e-9)
    assert 0 < found.gpu_busy <= 1 + 1e-9
    assert simulate(table, gpus) == found


def test_the_table_of_the_documentation_says_where_each_number_is_from() -> None:
    table = read_costs(TABLE)
    assert all(len(step.source) > 10 for step in table.steps)
    one, many = simulate(table, 1), simulate(table, 64)
    assert many.seconds < one.seconds and many.gpu_busy < one.gpu_busy


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("systems: [mova]", "systems: [mowa]", "'mowa', which is no system of the table"),
        ("samples: 100", "samples: 0", "samples"),
        ("samples: 100", "samples: 10000000", "more than 1,000,000 clips"),
        ("on: gpu, seconds: 253", "on: tpu, seconds: 253", "on"),
        ("known: published", "known: guessed", "known"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = TABLE.read_text()
    assert old in text
    (tmp_path / "costs.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as raised:
        read_costs(tmp_path / "costs.yaml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("clips", "bottleneck"),
    [
        ("table", "waiting for generate mova"),
        ("one-process", "waiting for generate mova"),
        ("side-by-side", "generate mova"),
        ("workers", "generate mova"),
        ("finished", "video.dynamic_degree"),
    ],
)
def test_command_names_what_holds_the_run_up(clips: str, bottleneck: str) -> None:
    words = [str(TABLE), "--gpus", "8", "--clips", clips]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(schedule.application(), words)
    assert done.exit_code == 0 and f"│ {bottleneck} (" in done.output
