"""`timbre.stability`: one voice stays near itself, two voices spliced together do not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from resemblyzer_sounds import vowels

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.resemblyzer_signal import levelled, without_silence
from uniavgen_bench.metrics.timbre_stability import METRIC, MIN_VOICED, SPEC, likeness_of_halves, lowest
from uniavgen_bench.validity.spliced_voices import Splices, distinct_recordings, splice_all, table
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RATE = 16_000
SPEECH = VoiceActivity(np.array([[0.0, 60.0]]), np.ones(1, np.float32), 0.03, 0.0)
SILENCE = VoiceActivity(np.zeros((0, 2)), np.zeros(1, np.float32), 0.03, 0.0)


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    import torch

    torch.set_num_threads(1)
    return Models(weights_home)


def measured(samples: np.ndarray, models: Models, voice: VoiceActivity = SPEECH) -> Measurement:
    speech = Speech(np.asarray(samples, np.float32), RATE, 0.0, RATE, 1)
    return METRIC.measure(SimpleNamespace(speech=speech, voice_activity=voice), Sample(id="x"), models)


def halves(samples: np.ndarray, models: Models) -> float:
    return measured(samples, models).scores["halves"].value


@pytest.mark.weights
def test_a_change_of_voice_midway_is_worse_than_either_voice(models: Models) -> None:
    low, high = vowels(105.0, 6.0), vowels(210.0, 6.0)
    spliced = np.concatenate([low[: 3 * RATE], high[: 3 * RATE]])
    assert halves(spliced, models) < min(halves(low, models), halves(high, models)) - 0.1


@pytest.mark.weights
def test_voices_of_the_portrait_world_are_told_from_splices_of_them(models: Models) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `portraits` is not installed")
    import soxr

    from uniavgen_bench.datasets.portraits.recipe import FIRST_IDENTITY, head_of
    from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE, say
    from uniavgen_bench.datasets.portraits.voices import voice_of

    text = (
        "The lamp on the table was warm and the street below lay quiet under the snow until the morning came."
    )
    voices = []
    for identity in range(FIRST_IDENTITY["test"], FIRST_IDENTITY["test"] + 6):
        made = say(text, voice_of(head_of(identity)), "neutral", 0.0)
        sound = soxr.resample(made.samples.astype(np.float32) / 32768, SPEECH_RATE, RATE)
        voices.append(without_silence(levelled(np.asarray(sound, np.float32))))
    found = splice_all(voices, models, partners=1)
    print(table(found))
    assert found.auc(0) > 0.9
    assert found.below.mean() > 0.85


@pytest.mark.weights
@pytest.mark.shared
def test_real_voices_are_told_from_splices_of_them(models: Models, shared: Path) -> None:
    folders = (("video_retalking", "*face_?.mp4"), ("uniavgen_page", "task5_[1-3].mp4"))
    paths = [p for folder, names in folders for p in sorted((shared / "clips" / folder).glob(names))]
    voices = [voiced[: 4 * RATE] for voiced in distinct_recordings(paths, models)]
    found = splice_all(voices, models, partners=1)
    print(table(found))
    assert len(found.whole) >= 6
    assert found.auc(0) > 0.9
    assert found.below.mean() > 0.85


@pytest.mark.weights
def test_the_level_and_the_pauses_of_a_voice_do_not_matter(models: Models) -> None:
    voice = vowels(130.0, 6.0, level=0.02)
    assert halves(voice, models) == pytest.approx(halves(0.25 * voice, models), abs=1e-3)
    paused = np.concatenate([voice, np.zeros(4 * RATE, np.float32)])
    assert halves(voice, models) == pytest.approx(halves(paused, models), abs=0.05)


@pytest.mark.weights
def test_the_order_of_the_halves_does_not_matter(models: Models) -> None:
    voiced = without_silence(levelled(np.concatenate([vowels(105.0, 3.0), vowels(190.0, 3.0)])))
    middle = len(voiced) // 2
    turned = np.concatenate([voiced[middle:], voiced[:middle]])
    if len(voiced) % 2 == 0:
        assert likeness_of_halves(voiced, models) == pytest.approx(
            likeness_of_halves(turned, models), abs=1e-6
        )


@pytest.mark.weights
def test_silence_and_short_speech_have_their_reason(models: Models) -> None:
    for samples, voice, reason in (
        (np.zeros(5 * RATE), SILENCE, Reason.NO_SPEECH),
        (np.zeros(5 * RATE), SPEECH, Reason.TOO_SHORT),
        (vowels(130.0, MIN_VOICED - 0.3), SPEECH, Reason.TOO_SHORT),
    ):
        with pytest.raises(MissingError) as caught:
            measured(samples, models, voice)
        assert caught.value.missing.reason is reason


@pytest.mark.weights
def test_all_fields_are_given_and_say_what_was_heard(models: Models) -> None:
    result = measured(vowels(130.0, 5.0), models)
    assert set(result.scores) == {field.name for field in SPEC.fields}
    assert result.scores["seconds"].value == pytest.approx(4.98, abs=0.05)
    assert result.scores["lowest_window"].value <= 1.0


def test_the_lowest_window_is_the_one_that_differs() -> None:
    windows = np.eye(4, dtype=np.float32)[[0, 0, 0, 1]]
    assert lowest(windows) == pytest.approx(1 / np.sqrt(10))
    assert lowest(windows[:3]) == pytest.approx(1.0)


def test_the_auc_counts_ties_half() -> None:
    found = Splices(np.array([[0.9, 0.5]]), np.array([[0.9, 0.4], [0.1, 0.6]]), np.array([True, False]))
    assert found.auc(0) == 0.75
    assert found.auc(1) == 0.5
