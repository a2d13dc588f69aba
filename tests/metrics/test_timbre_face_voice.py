"""`timbre.face_voice`: the grade as a formula, the networks' input, the metric on clips and on swapped voices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.timbre_face_voice import (
    METRIC,
    READER_FILE,
    READER_SHA256,
    SPEC,
    agreement,
    load_shipped_reader,
)
from uniavgen_bench.metrics.timbre_face_voice_faces import (
    AGE_SIDE,
    MEAN_FACE,
    PADDING,
    POINTS,
    FaceAttributes,
    attributes_of,
    chip,
    spread,
)
from uniavgen_bench.metrics.timbre_face_voice_voices import load_reader, logistic, save_reader
from uniavgen_bench.validity.face_voice_clips import (
    TalkingPerson,
    balanced,
    distinct_voices,
    fit_logistic,
    look_and_listen,
    median_pitch,
)
from uniavgen_bench.validity.fit_face_voice import auc, swapped_aucs
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SHARES = st.floats(0, 1)


def face(male: float, child: float = 0.0) -> FaceAttributes:
    return FaceAttributes(male, np.array([child, 1 - child, 0.0]), 30.0)


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    import torch

    torch.set_num_threads(1)
    ready = weights_home.require(["face-age", "face-gender"], quiet=True)
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    return Models(weights_home)


@pytest.mark.parametrize(
    ("seen", "male", "child", "match"),
    [
        (face(1.0), 1.0, 0.0, 1.0),
        (face(1.0), 0.0, 0.0, 0.0),
        (face(0.0), 1.0, 0.0, 0.0),
        (face(0.5), 1.0, 0.0, 0.5),
        (face(0.0, child=1.0), 1.0, 0.0, 0.5),  # a grown man's voice with a child's face: gender says nothing
        (face(1.0), 0.0, 1.0, 0.5),
        (face(0.0, child=1.0), 0.7, 1.0, 1.0),
    ],
)
def test_the_grade_follows_the_rubric(seen: FaceAttributes, male: float, child: float, match: float) -> None:
    assert agreement(seen, male, child).match == pytest.approx(match)


@settings(deadline=None)
@given(SHARES, SHARES, SHARES, SHARES)
def test_the_grade_stays_on_the_scale_and_knows_no_favoured_gender(
    male: float, child: float, voice_male: float, voice_child: float
) -> None:
    one = agreement(face(male, child), voice_male, voice_child)
    turned = agreement(face(1 - male, child), 1 - voice_male, voice_child)
    assert 0 <= one.match <= 1
    assert one.match == pytest.approx(turned.match)
    assert one.match <= one.gender + 1e-12


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 12))
def test_looks_are_spread_over_the_track(count: int, wanted: int) -> None:
    chosen = spread(count, wanted)
    assert len(set(chosen)) == len(chosen) == min(count, wanted)
    assert chosen == sorted(chosen)
    assert chosen[0] >= 0
    assert chosen[-1] < count


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.6, 0.6), st.floats(0.5, 3.0), st.floats(-20, 20), st.floats(-20, 20))
def test_a_chip_does_not_depend_on_where_and_how_large_the_face_is(
    turn: float, scale: float, right: float, down: float
) -> None:
    side = 400
    target = (PADDING + np.array(MEAN_FACE)) / (1 + 2 * PADDING)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = np.zeros((468, 2), np.float32)
    points[list(POINTS)] = (target - 0.5) * 80 @ rotation.T + side / 2 + [right, down]
    y, x = np.mgrid[0:side, 0:side].astype(np.float64)
    # Colours that are linear in the face's own coordinates look the same in every chip.
    own = (np.stack([x, y], axis=-1) - side / 2 - [right, down]) @ np.linalg.inv(rotation).T / 80 + 0.5
    picture = np.clip(np.stack([own[..., 0], own[..., 1], 0 * x + 0.5], axis=-1) * 200 + 20, 0, 255)
    made = chip(picture.astype(np.uint8), points, AGE_SIDE).astype(float)
    middle = slice(AGE_SIDE // 4, 3 * AGE_SIDE // 4)
    ramp = ((np.arange(AGE_SIDE) + 0.5) / AGE_SIDE * 200 + 20)[middle]
    assert np.abs(made[middle, middle, 0] - ramp[None]).max() < 4
    assert np.abs(made[middle, middle, 1] - ramp[:, None]).max() < 4


def test_the_shipped_reader_is_the_one_that_is_named(tmp_path: Path) -> None:
    reader = load_shipped_reader()
    assert reader.male.shape == reader.child.shape == (257,)
    assert dict(METRIC.params)["reader"] == READER_SHA256
    save_reader(reader, tmp_path / "other.safetensors", {})
    for path in (tmp_path / "other.safetensors", tmp_path / "absent.safetensors"):
        with pytest.raises(MissingError) as caught:
            load_reader(path, READER_SHA256)
        assert caught.value.missing.reason is Reason.WEIGHTS
    assert READER_FILE.stat().st_size < 4096


def test_a_logistic_model_finds_the_direction_that_was_put_in() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(400, 5))
    positive = x @ np.array([2.0, 0, 0, 0, -1.0]) + 0.3 * draw.normal(size=400) > 1.0
    weights = fit_logistic(x, positive, balanced(positive), 1e-3)
    assert balanced(positive)[positive].sum() == pytest.approx(0.5)
    assert auc(x[positive] @ weights[:-1], x[~positive] @ weights[:-1]) > 0.97
    assert logistic(weights, np.array([9, 0, 0, 0, 0], np.float32)) > 0.99


@pytest.mark.weights
def test_files_that_are_no_such_network_are_told(models: Models, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"no network")
    other = models.weight("face-gender")  # a real network of another shape
    for path in (tmp_path / "noise.onnx", other):
        weights = SimpleNamespace(
            path=lambda name, at=path: models.weight(name) if name == "face-gender" else at
        )
        with pytest.raises(MissingError) as caught:
            attributes_of(
                [np.zeros((9, 9, 3), np.uint8)], [np.eye(468, 2, dtype=np.float32)], Models(weights)
            )
        assert caught.value.missing.reason is Reason.WEIGHTS
        assert path.name in caught.value.missing.detail


@pytest.mark.weights
@pytest.mark.shared
def test_the_metric_reads_men_women_and_their_voices(models: Models, shared: Path, tmp_path: Path) -> None:
    grid = shared / "clips" / "grid_lipnet"
    scores = {}
    for name in ("bbaf2n", "lbbc2a"):
        path = grid / f"evaluation_samples_GRID_{name}.mpg"
        clip = AnalysedClip(path, Sample(id=name), Store(tmp_path), models)
        scores[name] = METRIC.measure(clip, Sample(id=name), models).scores
        assert set(scores[name]) == {field.name for field in SPEC.fields}
    man, woman = scores["bbaf2n"], scores["lbbc2a"]
    assert man["face_male"].value > 0.9 > 0.1 > woman["face_male"].value
    assert man["voice_male"].value > 0.5 > woman["voice_male"].value
    assert min(man["match"].value, woman["match"].value) > 0.5
    assert 13 < man["face_years"].value < 60

    class Swapped:
        """The man's face with the woman's voice."""

        def __init__(self, face: Any, voice: Any) -> None:
            self.faces, self.crops, self.speaker = face.faces, face.crops, face.speaker
            self.speech, self.voice_activity = voice.speech, voice.voice_activity

    clips = [
        AnalysedClip(grid / f"evaluation_samples_GRID_{n}.mpg", Sample(id=n), Store(tmp_path), models)
        for n in scores
    ]
    swapped = METRIC.measure(Swapped(clips[0], clips[1]), Sample(id="x"), models).scores
    assert swapped["match"].value < 0.4
    assert swapped["gender"].value < min(man["gender"].value, woman["gender"].value)


@pytest.mark.weights
@pytest.mark.shared
def test_swapped_voices_of_the_other_gender_are_told_from_own_ones(models: Models, shared: Path) -> None:
    folders = (("grid_lipnet", "*GRID_*.mpg"), ("video_retalking", "*face_?.mp4"))
    paths = [p for folder, names in folders for p in sorted((shared / "clips" / folder).glob(names))]
    seen = [look_and_listen(path, models) for path in paths]
    people = distinct_voices([one for one in seen if isinstance(one, TalkingPerson)])
    found = swapped_aucs(load_shipped_reader(), people)
    print(f"{len(people)} people", {kind: str(value) for kind, value in found.items()})
    assert len(people) >= 10
    assert found["face of the other gender"].value > 0.9
    assert found["all swaps"].value > 0.6


def test_no_face_no_speech_and_doubt_about_the_speaker_are_told() -> None:
    class Lacking:
        def __init__(self, at: str, reason: Reason) -> None:
            self.at, self.reason = at, reason

        def __getattr__(self, name: str) -> Any:
            if name == self.at:
                raise MissingError(self.reason)
            if name == "voice_activity":
                return SimpleNamespace(segments=np.zeros((0, 2)))
            return SimpleNamespace(samples=np.zeros(16_000, np.float32))

    weights = SimpleNamespace(path=lambda name: READER_FILE)
    for at, reason in (("speech", Reason.SILENT), ("nothing", Reason.NO_SPEECH)):
        with pytest.raises(MissingError) as caught:
            METRIC.measure(Lacking(at, reason), Sample(id="x"), Models(weights))
        assert caught.value.missing.reason is reason


def test_the_pitch_of_a_buzz_is_its_own() -> None:
    t = np.arange(16_000) / 16_000
    for pitch in (90.0, 130.0, 220.0):
        buzz = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 12))
        assert median_pitch(np.asarray(0.2 * buzz, np.float32)) == pytest.approx(pitch, rel=0.04)
    assert np.isnan(median_pitch(np.random.default_rng(0).normal(size=16_000).astype(np.float32)))


def test_one_recording_counts_once() -> None:
    voice = np.eye(256, dtype=np.float32)
    people = [TalkingPerson(str(k), face(1.0), voice[k // 2], 100.0) for k in range(6)]
    assert [p.name for p in distinct_voices(people)] == ["0", "2", "4"]


def test_a_training_clip_has_a_gender_only_without_doubt() -> None:
    man = TalkingPerson("x", face(0.99), np.zeros(256, np.float32), 110.0)
    assert man.sure_gender is True
    assert replace(man, pitch=230.0).sure_gender is None
    assert replace(man, face=face(0.6)).sure_gender is None
    assert replace(man, face=face(0.01), pitch=210.0).sure_gender is False
    assert replace(man, face=face(0.01, child=0.8), pitch=210.0).sure_gender is None
    assert replace(man, pitch=float("nan")).sure_gender is None
