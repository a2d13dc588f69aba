"""The model card of nano: numbers as the runs and the logs hold them, aims that can fail, figures of small size."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from validity.card_runs import control, run, scored, summary

from uniavgen_bench.core.comparison import PairedResult, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.validity.nano_card import main
from uniavgen_bench.validity.nano_card_aims import Outcome, aims
from uniavgen_bench.validity.nano_card_figures import (
    contact_sheet,
    spectrograms,
    write_jpg,
)
from uniavgen_bench.validity.nano_card_measures import ranked
from uniavgen_bench.validity.nano_card_run import JOINT, MOUTH, SYSTEM, VOWELS, WER


@pytest.mark.parametrize(
    ("mouth", "clips", "outcome"),
    [
        (0.9, 24, Outcome.REACHED),
        (0.9, 3, Outcome.PARTLY),
        (0.6, 3, Outcome.NOT_REACHED),
        (0.6, 24, Outcome.NOT_REACHED),
        (None, 0, Outcome.UNMEASURED),
    ],
)
def test_an_aim_is_reached_by_a_number_of_all_its_clips(
    mouth: float | None, clips: int, outcome: Outcome
) -> None:
    (aim,) = aims({"audio_driven": run("audio_driven", summary(SYSTEM, MOUTH, mouth, scored=clips))}, None)
    assert aim.outcome is outcome


def test_joint_agreement_is_a_share_of_the_truths_over_the_clips_that_both_have() -> None:
    lost = math.nan
    nano = [0.45, 0.44, 0.46, 0.45, 0.45, 0.46, 0.44, 0.45, lost, lost]
    # The two clips that nano lacks are the truth's worst: over all clips the share would be 94 %.
    truth = [0.5] * 8 + [0.4, 0.4]
    values = {SYSTEM: nano, "ground-truth": truth}
    agreement, wer = aims({"joint": scored("joint", JOINT, values, summary(SYSTEM, WER, 0.19))}, None)
    assert agreement.measured.startswith("90 % [89, 9") and "8 of 10 clips" in agreement.measured
    assert agreement.outcome is Outcome.PARTLY
    assert wer.outcome is Outcome.REACHED
    low = {SYSTEM: [x * 0.8 for x in truth], "ground-truth": truth}
    agreement, _ = aims({"joint": scored("joint", JOINT, low)}, None)
    assert agreement.measured.startswith("80 % [80, 80] over 10 of 10")
    assert agreement.outcome is Outcome.NOT_REACHED
    full = {SYSTEM: [x * 0.95 for x in truth], "ground-truth": truth}
    assert aims({"joint": scored("joint", JOINT, full)}, None)[0].outcome is Outcome.REACHED


@pytest.mark.parametrize(
    ("blind", "still", "outcome"),
    [
        (control("nano-blind", VOWELS, Verdict.WORSE), Verdict.BETTER, Outcome.REACHED),
        (control("nano-blind", VOWELS, Verdict.NOT_SEEN), Verdict.BETTER, Outcome.NOT_REACHED),
        (control("nano-blind", VOWELS, Verdict.NOT_SEEN), Verdict.WORSE, Outcome.NOT_REACHED),
        (control("nano-blind", VOWELS, Verdict.WORSE, pairs=20), Verdict.BETTER, Outcome.PARTLY),
        (None, Verdict.BETTER, Outcome.UNMEASURED),
    ],
)
def test_dubbing_is_held_to_the_controls_that_lack_the_answer(
    blind: PairedResult | None, still: Verdict, outcome: Outcome
) -> None:
    names = ("nano-blind", "shuffled-audio", "shifted-audio", "static-portrait")
    lower = [summary(name, VOWELS, 0.5, Role.LOWER_CONTROL) for name in names]
    paired = [control(name, VOWELS, Verdict.WORSE) for name in names[1:3]]
    paired += [control("static-portrait", VOWELS, still), *([blind] if blind else [])]
    (aim,) = aims({"dubbing": run("dubbing", summary(SYSTEM, VOWELS, 0.8), *lower, paired=paired)}, None)
    assert aim.outcome is outcome and "nano-blind" in aim.measured
    told, _, left = aim.measured.partition("not asked, as each holds the answer")
    assert "static-portrait" in left and "static-portrait" not in told + aim.name


def test_an_aim_says_which_missing_clips_stand_in_its_p() -> None:
    lacking = control("nano-interaction-off", JOINT, Verdict.WORSE, pairs=22)
    lacking = lacking.model_copy(update={"only_baseline": 2})
    summaries = [
        summary(SYSTEM, JOINT, 0.4),
        summary(lacking.system, JOINT, 0.1, Role.LOWER_CONTROL, scored=22),
    ]
    (aim,) = aims({"continuation": run("continuation", *summaries, paired=[lacking])}, None)
    assert aim.outcome is Outcome.PARTLY
    assert "(p = 0.004 (nano-interaction-off lacks 2 of 24 clips, counted as its worst))" in aim.measured


def test_continuation_is_held_to_the_control_with_the_same_beginning() -> None:
    names = ("nano-interaction-off", "shuffled-audio")
    lower = [summary(name, JOINT, 0.1, Role.LOWER_CONTROL) for name in names]
    for verdict, outcome in ((Verdict.WORSE, Outcome.REACHED), (Verdict.NOT_SEEN, Outcome.NOT_REACHED)):
        paired = [control(names[0], JOINT, verdict), control(names[1], JOINT, Verdict.WORSE)]
        (aim,) = aims(
            {"continuation": run("continuation", summary(SYSTEM, JOINT, 0.4), *lower, paired=paired)}, None
        )
        assert aim.outcome is outcome and "not asked, as each lacks the true beginning" in aim.measured
    alone = run("continuation", summary(SYSTEM, JOINT, 0.4), *lower[1:], paired=paired[1:])
    assert aims({"continuation": alone}, None)[0].outcome is Outcome.UNMEASURED


def test_clips_without_a_voice_count_as_not_nearest_and_are_named() -> None:
    a, b = np.eye(2, dtype=np.float32)
    found = ranked([("a", a)] * 9 + [("b", b)], {"a": [a], "b": [b]}, left_out=2)
    assert found.clips == 12 and found.share == pytest.approx(10 / 12)
    (aim,) = aims({}, found)
    assert aim.outcome is Outcome.NOT_REACHED and "10 of 12 (83 %)" in aim.measured
    assert "of the clips 2 without a voice" in aim.measured
    assert aims({}, replace(found, clips=10, left_out=0))[0].outcome is Outcome.REACHED
    assert aims({}, ranked([], {}))[0].outcome is Outcome.UNMEASURED


def test_a_voice_is_nearest_only_when_it_beats_everybody() -> None:
    a, b = np.eye(2, dtype=np.float32)
    found = ranked([("a", a), ("b", a)], {"a": [a], "b": [b]})
    assert (found.nearest, found.clips, found.others) == (1, 2, 1)
    assert ranked([("a", a)], {"a": [a], "b": [a]}).nearest == 0
    assert ranked([], {}).share is None


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
        (["--data", "nowhere"], "dataset export"),
        (["--recipe", "nowhere"], "no recipe nowhere"),
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
