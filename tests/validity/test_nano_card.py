"""The model card of nano: numbers as the runs and the logs hold them, aims that can fail, figures of small size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stats.made_up import run_of
from typer.testing import CliRunner

from uniavgen_bench.core.comparison import CompareBlock, Estimate, PairedResult, RunStats, Verdict
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.published_order import published_orders
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.validity.nano_card import main
from uniavgen_bench.validity.nano_card_figures import (
    contact_sheet,
    loss_curves,
    read_log,
    spectrograms,
    write_jpg,
)
from uniavgen_bench.validity.nano_card_measures import ranked
from uniavgen_bench.validity.nano_card_text import (
    JOINT,
    MOUTH,
    SYSTEM,
    WER,
    TaskRun,
    aims,
    task_section,
    training_section,
)


def summary(
    system: str, field: str, mean: float | None, role: Role = Role.SYSTEM, scored: int = 24
) -> Summary:
    metric, _, name = field.rpartition(".")
    return Summary(
        system=system, label="", role=role, metric=f"{metric}@1", field=name, unit="", direction=Direction.HIGHER,
        headline=True, floor=False, attempted=24, scored=scored, mean=mean, median=mean, sd=0.1,
        interval=Interval(-1.0, 1.0, 0.95, "made up"), clusters=12, missing=(),
    )  # fmt: skip


def control(system: str, field: str, verdict: Verdict) -> PairedResult:
    metric, _, name = field.rpartition(".")
    return PairedResult(
        metric=f"{metric}@1", field=name, unit="", direction=Direction.HIGHER, headline=True, system=system,
        baseline=SYSTEM, attempted=24, pairs=24, only_system=0, only_baseline=0, neither=0, clusters=12,
        difference=Estimate(value=-0.1), p_adjusted=0.004, verdict=verdict,
    )  # fmt: skip


def run(name: str, *summaries: Summary, paired: list[PairedResult] | None = None) -> TaskRun:
    block = CompareBlock(
        baseline=SYSTEM, fields=tuple(dict.fromkeys(f"{s.metric[:-2]}.{s.field}" for s in summaries))
    )
    stats = RunStats(block=block, seed=1, family=1, paired=paired or [])
    return TaskRun(name, f"uniavgen-bench run {name}", summaries, stats)


@pytest.mark.parametrize(("mouth", "reached"), [(0.9, True), (0.6, False), (None, None)])
def test_an_aim_is_reached_by_its_number_alone(mouth: float | None, reached: bool | None) -> None:
    (aim,) = aims({"audio_driven": run("audio_driven", summary(SYSTEM, MOUTH, mouth))}, None)
    assert aim.reached is reached


def test_joint_agreement_is_a_share_of_the_truths() -> None:
    joint = run(
        "joint", summary(SYSTEM, JOINT, 0.45), summary("ground-truth", JOINT, 0.75, Role.UPPER_CONTROL),
        summary(SYSTEM, WER, 0.19),
    )  # fmt: skip
    agreement, wer = aims({"joint": joint}, None)
    assert agreement.measured.startswith("60 %") and agreement.reached is False
    assert wer.reached is True


@pytest.mark.parametrize(("second", "reached"), [(Verdict.WORSE, True), (Verdict.NOT_SEEN, False)])
def test_above_its_controls_means_a_difference_that_was_seen_from_each(
    second: Verdict, reached: bool
) -> None:
    field = "portraits.phones.vowel_auc"
    lower = [summary(name, field, 0.5, Role.LOWER_CONTROL) for name in ("shuffled-audio", "nano-blind")]
    paired = [control("shuffled-audio", field, Verdict.WORSE), control("nano-blind", field, second)]
    (aim,) = aims({"dubbing": run("dubbing", summary(SYSTEM, field, 0.8), *lower, paired=paired)}, None)
    assert aim.reached is reached and "nano-blind" in aim.measured


def test_a_table_names_coverage_and_has_a_dash_where_there_is_no_number() -> None:
    text = "\n".join(
        task_section(run("joint", summary(SYSTEM, JOINT, 0.5, scored=20), summary("other", JOINT, None)))
    )
    assert "0.50 [−1.00, 1.00], 20 of 24" in text and "| other | – |" in text


def test_a_section_says_what_tests_found_and_what_was_published() -> None:
    grid, clips = run_of({"low": [0.0, 0.1, 0.2] * 5, "high": [1.0, 1.2, 1.1] * 5})
    table = {"measure": "LS", "beside": "made.up.x", "values": {"low": 3.46, "high": 4.09}}
    block = PublishedBlock.model_validate({"source": "A paper", "tables": [table]})
    found = published_orders(grid, clips, block, CompareBlock(), seed=1)
    paired = [control("shuffled-audio", JOINT, Verdict.WORSE)]
    plain = run("joint", summary(SYSTEM, JOINT, 0.5), paired=paired)
    text = "\n".join(task_section(replace(plain, published=found)))
    assert f"`{JOINT}` beside {SYSTEM}: shuffled-audio" in text and "p = 0.004" in text
    assert "low 3.46 < high 4.09" in text and "The order holds here" in text


def test_a_voice_is_nearest_only_when_it_beats_everybody() -> None:
    a, b = np.eye(2, dtype=np.float32)
    found = ranked([("a", a), ("b", a)], {"a": [a], "b": [b]})
    assert (found.nearest, found.clips, found.others) == (1, 2, 1)
    assert ranked([("a", a)], {"a": [a], "b": [a]}).nearest == 0
    assert ranked([], {}).share is None


def write_log(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "stage": stage,
            "step": step,
            "total_steps": total + step,
            "total": 9.0,
            "audio": 3.0 / step,
            "s/step": 6.0,
        }
        for stage, total in (("voice", 0), ("<joint>", 40))
        for step in (10, 20, 30, 40)
    ]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def test_a_log_becomes_stages_minutes_and_curves(tmp_path: Path) -> None:
    log = read_log(write_log(tmp_path / "run"))
    assert log.stages == ("voice", "<joint>")
    text = "\n".join(training_section([(log, "x.svg")]))
    assert "| voice | 40 | 4 | audio 0.156 | audio 0.156 |" in text and "![losses of run](x.svg)" in text
    drawn = loss_curves(log)
    assert drawn.count("<polyline") == 1 and "&lt;joint&gt;" in drawn and "<joint>" not in drawn


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"stage": "a"}\n'])
def test_a_folder_of_no_training_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(InputError) as told:
        read_log(tmp_path)
    assert "\n" not in str(told.value)


def test_figures_stay_below_their_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    clips = {}
    for name in ("truth", "nano"):
        frames = list(rng.integers(0, 255, (9, 64, 64, 3), np.uint8))
        path = tmp_path / f"{name}.mp4"
        write_clip(path, frames, 16, (0.1 * rng.standard_normal(13_500)).astype(np.float32), 24_000)
        clips[name] = [path]
    assert contact_sheet(clips).shape == (2 * 96, 8 * 96, 3)
    assert spectrograms(clips).shape[1] == 2 * 304
    noise = rng.integers(0, 255, (900, 900, 3), np.uint8)
    assert 0 < write_jpg(tmp_path / "noise.jpg", noise, 60_000).stat().st_size <= 60_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--weights", "nowhere"], "train nano_cpu"),
        (["--suite", "jont"], "did you mean 'joint'"),
        (["--training", "nowhere"], "no folder of a training"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    import typer

    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(
        app, [*arguments, "--out", str(tmp_path / "card.md"), "--runs", str(tmp_path / "runs")]
    )
    assert done.exit_code == 2 and said in done.output and done.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
