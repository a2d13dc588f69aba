"""Emotion and looks of portraits: known expressions, known prosody, known colours; and true clips of the world."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Crops, Faces, Speech, Track
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics import portraits_emotion, portraits_identity
from uniavgen_bench.metrics.portrait_faces import (
    EXPRESSION,
    ReferenceFace,
    clip_looks,
    expression,
    patch,
    reference_face,
    reference_looks,
)
from uniavgen_bench.metrics.portrait_models import EMOTIONS, FaceProjection, load_model, softmax
from uniavgen_bench.metrics.voice_prosody import FEATURES, prosody
from uniavgen_bench.weights.models import Models

MODELS = Models(weights=None)  # type: ignore[arg-type]
TEMPLATE = portraits_emotion.load_readers().template
RATE = 16_000


def mesh(scale: float = 30.0, turn: float = 0.0, shift: tuple[float, float] = (64.0, 60.0)) -> np.ndarray:
    """A face [468, 3] whose upper face is the template; its other points lie on a grid below it."""
    from uniavgen_bench.metrics.mouth_shape import UPPER_FACE

    grid = np.stack(np.meshgrid(np.linspace(-0.9, 0.9, 26), np.linspace(-0.5, 1.2, 18)), axis=-1).reshape(
        -1, 2
    )
    points = np.column_stack([grid, np.zeros(len(grid))])
    points[list(UPPER_FACE)] = TEMPLATE
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return (points @ matrix.T * scale + [*shift, 0]).astype(np.float32)


def track(landmarks: np.ndarray) -> Track:
    count = len(landmarks)
    ones = np.ones(count, np.float32)
    return Track(np.arange(count), np.zeros((count, 4), np.float32), ones, landmarks.astype(np.float32), ones)


def buzz(hertz: float = 120.0, level: float = 0.1, wobble: float = 0.0, tilt: float = 1.0) -> np.ndarray:
    """A voice-like sound of 1.5 s: harmonics that fall off with `tilt`, pitch moving by `wobble` octaves."""
    t = np.arange(round(1.5 * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (wobble * np.sin(2 * np.pi * 1.5 * t))) / RATE
    sound = sum(np.sin(k * phase) / k**tilt for k in range(1, 40) if k * hertz * 2**wobble < 7500)
    return (sound / np.std(sound) * level).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.floats(10, 80), st.floats(-0.3, 0.3), st.floats(-30, 30))
def test_expression_does_not_depend_on_where_and_how_large_the_face_is(
    scale: float, turn: float, x: float
) -> None:
    raised = mesh()
    raised[70, 1] -= 3.0
    moved = mesh(scale, turn, (x, 50.0))
    up = np.array([np.sin(turn), -np.cos(turn)]) * scale / 10
    moved[70, :2] += up
    one, other = (expression(np.repeat(m[None], 9, 0), mesh(), TEMPLATE) for m in (raised, moved))
    assert np.abs(one - other).max() < 2e-3
    brow = one.reshape(-1, 3)[EXPRESSION.index(70)]
    assert brow[1] == pytest.approx(-0.1, abs=0.01) and np.abs(np.delete(one, slice(0, 3))).max() < 1e-3


def test_a_blink_is_no_expression() -> None:
    frames = np.repeat(mesh()[None], 12, 0)
    frames[3:6, 159, 1] += 4.0
    assert np.abs(expression(frames, mesh(), TEMPLATE)).max() < 1e-3


@pytest.mark.parametrize(
    ("changed", "feature"),
    [({"level": 0.2}, "level"), ({"tilt": 0.5}, "brightness"), ({"wobble": 0.2}, "pitch_spread")],
)
def test_prosody_hears_what_was_changed(changed: dict[str, float], feature: str) -> None:
    plain, other = prosody(buzz(), RATE), prosody(buzz(**changed), RATE)
    at = FEATURES.index(feature)
    assert other[at] > plain[at] + (0.05 if feature == "pitch_spread" else 3.0)
    if feature == "level":
        assert other[at] - plain[at] == pytest.approx(6.02, abs=0.1)
        assert np.abs(np.delete(other - plain, at)).max() < 0.05


@settings(max_examples=10, deadline=None)
@given(st.floats(80, 260))
def test_steady_pitch_has_no_spread_whatever_its_height(hertz: float) -> None:
    assert prosody(buzz(hertz), RATE)[3] < 0.03


def test_noise_and_silence_have_no_prosody() -> None:
    for sound in (np.random.default_rng(0).normal(0, 0.1, RATE), np.zeros(RATE), np.zeros(10)):
        with pytest.raises(MissingError) as missing:
            prosody(sound.astype(np.float32), RATE)
        assert missing.value.missing.reason is Reason.NO_SPEECH


def test_looks_follow_the_face_through_the_picture() -> None:
    draw = np.random.default_rng(1)
    shown = cv2.resize(
        draw.integers(0, 255, (16, 16, 3)).astype(np.uint8), (160, 160), interpolation=cv2.INTER_CUBIC
    )
    here = ReferenceFace(shown, mesh(30.0, 0.0, (80, 75)))
    turned = cv2.warpAffine(
        shown, cv2.getRotationMatrix2D((80, 75), -10, 1.0), (160, 160), flags=cv2.INTER_CUBIC
    )
    there = ReferenceFace(turned, mesh(30.0, np.deg2rad(10), (80, 75)))
    wrong = ReferenceFace(turned, here.points)
    looks = [reference_looks(face, TEMPLATE) for face in (here, there, wrong)]
    assert np.abs(looks[0] - looks[1]).mean() < 0.25 * np.abs(looks[0] - looks[2]).mean()


def test_a_clip_that_shows_its_reference_has_its_looks() -> None:
    shown = cv2.GaussianBlur(
        np.random.default_rng(2).integers(0, 255, (128, 128, 3)).astype(np.uint8), (0, 0), 5
    )
    points = mesh(24.0, 0.0, (64, 60))
    jpeg = cv2.imencode(".jpg", cv2.resize(shown, (256, 256))[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[
        1
    ].tobytes()
    crops = Crops(256, ((jpeg,) * 9,), (np.tile(np.float32([64, 64, 128]), (9, 1)),))
    clip = clip_looks(track(np.repeat(points[None], 9, 0)), crops, TEMPLATE)
    assert np.abs(clip - reference_looks(ReferenceFace(shown, points), TEMPLATE)).mean() < 0.06
    assert patch(shown, points[:, :2], TEMPLATE).shape == (64, 64, 3)


def test_likeness_is_highest_for_the_same_face() -> None:
    projection = portraits_identity.load_projection()
    draw = np.random.default_rng(3)
    one, other = (projection.middle + draw.normal(0, 0.5, len(projection.middle)) for _ in range(2))
    back = FaceProjection(projection.template, projection.middle, projection.directions, projection.moved * 0)
    assert back.likeness(one, one) == pytest.approx(1.0) and back.likeness(one, other) < 0.7


def test_probabilities_add_up() -> None:
    readers = portraits_emotion.load_readers()
    for read in (
        readers.of_face(np.zeros(3 * len(EXPRESSION))),
        readers.of_voice(np.array([-20.0, -20, -10, 0.1])),
    ):
        assert read.shape == (len(EMOTIONS),) and read.sum() == pytest.approx(1.0)
    assert softmax(np.array([1000.0, 0.0])).tolist() == [1.0, 0.0]


def test_another_file_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"other")
    with pytest.raises(MissingError) as missing:
        load_model(FaceProjection, tmp_path / "x.safetensors", portraits_identity.MODEL_SHA256)
    assert missing.value.missing.reason is Reason.WEIGHTS


@pytest.mark.parametrize("change", [{"emotion": "bored"}, {}])
def test_an_unknown_emotion_is_a_reason(change: dict[str, str]) -> None:
    with pytest.raises(MissingError) as missing:
        portraits_emotion.measure(SimpleNamespace(), Sample(id="a", facts=change), MODELS)  # type: ignore[arg-type]
    assert missing.value.missing.reason is Reason.NO_REFERENCE


def test_face_and_voice_are_missing_each_for_itself() -> None:
    clip = SimpleNamespace(
        faces=Faces((track(np.repeat(mesh()[None], 9, 0)),)), speech=Speech(buzz(), RATE, 0.0, RATE, 1)
    )
    found = portraits_emotion.measure(clip, Sample(id="a", facts={"emotion": "sad"}), MODELS).scores  # type: ignore[arg-type]
    assert isinstance(found["face"], Missing) and found["face"].reason is Reason.NO_REFERENCE
    assert isinstance(found["voice"], Score) and found["voice_right"].value in (0.0, 1.0)  # type: ignore[union-attr]


@pytest.mark.weights
def test_a_picture_without_a_face_is_no_reference(tmp_path: Path, weights_home) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((96, 96, 3), 128, np.uint8))
    (tmp_path / "text.png").write_text("no picture")
    for name in ("grey.png", "text.png", "absent.png"):
        with pytest.raises(MissingError) as missing:
            reference_face(tmp_path / name, Models(weights_home))
        assert missing.value.missing.reason is Reason.NO_REFERENCE


@pytest.mark.weights
def test_true_clips_of_other_people_are_read_rightly_and_look_like_themselves(
    tmp_path: Path, weights_home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six people of the split `val`, one emotion each: far fewer than the card's, so with room below its numbers."""
    pytest.importorskip("espeakng_loader", reason="the portrait world speaks with the extra `portraits`")
    from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits

    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path))
    samples = load_portraits(PortraitsOptions(split="val", samples=6), workers=1).samples
    models, store = Models(weights_home), Store(tmp_path / "store")
    right, faces, strangers = [], [], []
    for number, sample in enumerate(samples):
        clip = AnalysedClip(clip_of(sample), sample, store, models)
        read = portraits_emotion.measure(clip, sample, models).scores
        right += [read["face_right"].value, read["voice_right"].value]  # type: ignore[union-attr]
        # Two later is a person of the other gender, four later one of the same gender and domain.
        other = samples[(number + 4) % 6].image
        faces.append(portraits_identity.face_likeness(clip, sample.image, models))
        strangers.append(portraits_identity.face_likeness(clip, other, models))
    assert np.mean(right) >= 0.6
    assert min(faces) > 0.8 and np.mean(strangers) < 0.5
