"""The tests of the emotion metrics: they find what was put in, and find nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.validity_files import MetricValidity, RunValidity
from uniavgen_bench.metrics.emotion_face_reading import LABELS, FaceReading
from uniavgen_bench.metrics.emotion_voice import VoiceReading
from uniavgen_bench.metrics.portrait_models import EMOTIONS
from uniavgen_bench.metrics.voice_arousal import ArousalNorm, save_norm
from uniavgen_bench.metrics.voice_pitch import VoiceFrames
from uniavgen_bench.validity import emotion_worth as emotion_worth_module
from uniavgen_bench.validity.clip_sets import ListedClip
from uniavgen_bench.validity.emotion_checks import auc, emotion_worth
from uniavgen_bench.validity.emotion_clips import EmotionClip, asked_of, swappable
from uniavgen_bench.validity.emotion_worth import table
from uniavgen_bench.validity.fit_arousal import card_text, norm_of
from uniavgen_bench.validity.own_study import own_study
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet

AROUSED = {"happy", "angry", "surprised", "fearful"}


def clips(count: int, signal: float, seed: int = 0) -> list[EmotionClip]:
    """Clips whose face and voice show the emotion asked for with a strength 0 … 1, among noise."""
    draw = np.random.default_rng(seed)
    found = []
    for i in range(count):
        asked = EMOTIONS[i % len(EMOTIONS)]
        shares = draw.dirichlet(np.ones(7), 12) * (1 - signal)
        shares[:, LABELS.index(asked)] += signal
        arousal = float(np.clip(draw.uniform() * (1 - signal) + signal * (asked in AROUSED), 0, 1))
        times = np.arange(20) * 0.016
        frames = VoiceFrames(times, times, np.ones(20, np.bool_), times, times)
        features = draw.normal(0, 3, 4)
        read = tuple(draw.dirichlet(np.ones(6)) * (1 - signal) + signal * np.eye(6)[i % 6] for _ in range(2))
        found.append(
            EmotionClip(
                f"c{i}", asked, FaceReading(np.arange(12) / 8, shares),
                VoiceReading(frames, features, 0.5, arousal), 0.0, arousal, (read[0], read[1]),
            )
        )  # fmt: skip
    return found


def checks(found: tuple[MetricValidity, ...], where: str) -> dict[str, bool | None]:
    return {c.name: c.passed for metric in found for c in metric.checks if where in c.name}


def test_a_strong_signal_is_found_in_every_metric() -> None:
    found = emotion_worth(clips(60, 0.8), [])
    assert [m.metric for m in found] == [
        "emotion.face@1", "emotion.voice@1", "emotion.agreement@1", "emotion.agreement[portraits@1]"
    ]  # fmt: skip
    assert all(m.judged and m.held == m.judged for m in found)
    assert {m.verdict for m in found} == {"every judged control is told apart"}


def test_noise_is_not_taken_for_worth() -> None:
    found = emotion_worth(clips(60, 0.0, seed=5), [])
    assert not any(checks(found, "portrait world").values())
    assert all(m.verdict.startswith("not shown") for m in found)
    for metric in found:
        for check in metric.checks:
            assert check.low is not None and check.high is not None
            assert check.low <= check.value <= check.high  # type: ignore[operator]


def test_results_fit_the_file_and_are_the_same_every_time() -> None:
    first, second = (emotion_worth(clips(24, 0.5), clips(12, 0.5, seed=9)) for _ in range(2))
    assert first == second
    again = RunValidity.model_validate_json(RunValidity(metrics=first).model_dump_json())
    assert again.metrics == first
    assert all(m.metric in table(first) for m in first)


def test_without_clips_nothing_is_judged() -> None:
    found = emotion_worth([], [])
    assert all(m.checks == () and "nothing" in m.verdict for m in found)


def test_few_voices_are_reported_and_not_judged() -> None:
    few = [c for c in clips(6, 0.9) if c.asked in ("angry", "sad", "happy")]
    found = emotion_worth([], few)
    voices = next(m for m in found if m.metric == "emotion.voice@1")
    assert voices.judged == 0 and voices.checks[0].clips == 3


def test_voices_that_were_given_are_no_voices_of_the_emotion() -> None:
    from dataclasses import replace

    given_ = [replace(c, voiced_as_asked=False) for c in clips(24, 0.9)]
    voices = next(m for m in emotion_worth([], given_) if m.metric == "emotion.voice@1")
    assert voices.checks == ()


@pytest.mark.parametrize(
    ("study", "metric"),
    [
        ("face_study", "emotion.face@1"),
        ("voice_study", "emotion.voice@1"),
        ("agreement_study", "emotion.agreement@1"),
        ("portraits_study", "emotion.agreement[portraits@1]"),
    ],
)
def test_a_study_of_validate_gives_the_checks_of_its_metric(
    study: str, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = clips(24, 0.9)
    monkeypatch.setattr(emotion_worth_module, "read_studied", lambda clips, store, models: (drawn, []))
    found = own_study(f"uniavgen_bench.validity.emotion_worth:{study}")(
        ClipSet("portrait world", "made up", ()), StudyOptions()
    )
    assert isinstance(found, MetricValidity)
    assert found == next(m for m in emotion_worth(drawn, []) if m.metric == metric)


def test_one_recording_in_two_clips_is_no_swap() -> None:
    from dataclasses import replace

    one, other = clips(2, 0.5)
    twin = replace(other, voice=one.voice)
    assert swappable([one, other, twin]).tolist() == [
        [False, True, False],
        [True, False, True],
        [False, True, False],
    ]


@pytest.mark.parametrize(
    ("facts", "caption", "asked"),
    [
        ({"emotion": "sad"}, None, "sad"),
        ({"note": "emotion=calm"}, None, "neutral"),
        ({}, "He speaks with a joyful expression.", "happy"),
        ({}, "clenching his fists in anger", "angry"),
        ({}, "a sad expression, then an angry expression", None),
        ({}, "She is drinking tea", None),
        ({}, None, None),
    ],
)
def test_the_emotion_of_a_clip_is_a_fact_a_note_or_plain_words(
    facts: dict[str, str], caption: str | None, asked: str | None
) -> None:
    assert asked_of(Sample(id="a", facts=facts, caption=caption)) == asked


def test_auc_of_one_empty_side_is_no_number() -> None:
    assert np.isnan(auc(np.array([1.0]), np.array([])))
    assert auc(np.array([2.0, 1.0]), np.array([1.0])) == 0.75


def test_the_norm_finds_the_usual_pitch_of_both_genders_and_bears_shouts() -> None:
    draw = np.random.default_rng(1)
    male = np.repeat([0.02, 0.98], 30)
    features = np.stack([7.7 - 0.8 * male, np.full(60, 0.25), np.full(60, 2.0), np.full(60, -5.0)], axis=1)
    features += draw.normal(0, [0.1, 0.05, 0.3, 2.0], (60, 4))
    features[0] = [12.0, 3.0, 30.0, 60.0]
    norm = norm_of(male, features)
    assert norm.by_male == pytest.approx([7.7, -0.8], abs=0.12)
    assert norm.width == pytest.approx([0.1, 0.05, 0.3, 2.0], rel=0.45)
    shares = np.array([norm.arousal(f, m) for f, m in zip(features, male, strict=True)])
    assert 0.35 < np.median(shares) < 0.65
    with pytest.raises(InputError):
        norm_of(male[:30], features[:30])


def test_the_card_tells_norm_sources_and_tests(tmp_path: Path) -> None:
    norm = ArousalNorm(np.array([7.7, -0.8]), np.zeros(4), np.ones(4), np.array([0.0, 1.0]))
    path = tmp_path / "norm.safetensors"
    save_norm(norm, path, {"voices": "30"})
    listed = [
        ListedClip(tmp_path, Sample(id="a"), "none", source, "MIT", True, True)
        for source in ("b/b", "a/a", "a/a")
    ]
    text = card_text(path, norm, 30, listed, emotion_worth(clips(24, 0.9), []))
    assert "30 distinct recordings among 3" in text and "(a/a, b/b)" in text
    assert "208 Hz" in text and "119 Hz" in text
    assert "| aroused against calm voices, portrait world | 1.00 [1.00, 1.00] | 24 |" in text
    assert "asked for against others" not in text  # that is of emotion.face
