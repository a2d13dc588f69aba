"""`emotion.face`: the chip, the network on true pictures, scores and missing values; DeepFace through its package."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Crops, Faces, Frames, Speaker, SpeakerChoice, Track
from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import emotion_face, emotion_face_deepface
from uniavgen_bench.metrics.emotion_face_chip import looked_at, upright_chip
from uniavgen_bench.metrics.emotion_face_reading import LABELS, checked_reading, measured
from uniavgen_bench.metrics.emotion_names import AROUSED, CALM, EMOTIONS, KNOWN, emotion_asked
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models


def sample(emotion: str | None = None) -> Sample:
    return Sample(id="a", facts={} if emotion is None else {"emotion": emotion})


def points(angle: float = 0.0, centre: float = 128.0, size: float = 60.0) -> np.ndarray:
    """468 landmarks on a disc, with level eye corners, turned by `angle` about its middle."""
    turn = np.linspace(0, 2 * np.pi, 468)
    flat = np.stack([np.cos(turn), np.sin(turn)], axis=1) * size
    flat[33], flat[263] = (-size / 2, -size / 4), (size / 2, -size / 4)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return flat @ rotation.T + centre


def test_every_emotion_has_one_name_and_an_arousal_or_none() -> None:
    assert set(KNOWN.values()) == set(EMOTIONS) == set(LABELS)
    assert set(EMOTIONS) - AROUSED - CALM == {"disgusted"}
    assert not AROUSED & CALM


@pytest.mark.parametrize(("said", "meant"), [("Angry", "angry"), ("calm", "neutral"), (" fear ", "fearful")])
def test_datasets_may_call_emotions_otherwise(said: str, meant: str) -> None:
    assert emotion_asked(sample(said)) == meant


@pytest.mark.parametrize("given_", [None, "", "mocking"])
def test_no_or_another_emotion_is_no_reference(given_: str | None) -> None:
    with pytest.raises(MissingError) as error:
        emotion_asked(sample(given_))
    assert error.value.missing.reason is Reason.NO_REFERENCE
    assert ("fact.emotion" in error.value.missing.detail) is (not given_)
    assert ("'mocking' is none of" in error.value.missing.detail) is (given_ == "mocking")


@given(angle=st.floats(-1.2, 1.2), size=st.floats(20, 60))
def test_a_turned_face_gives_the_chip_of_a_level_one(angle: float, size: float) -> None:
    side = 64
    picture = np.zeros((256, 256, 3), np.uint8)
    turned = points(angle, size=size)
    # A bright disc at the left eye: it must come to the same place whatever the turn.
    cv2.circle(picture, tuple(round(v) for v in turned[33]), max(3, int(size / 6)), (255, 255, 255), -1)
    chip = upright_chip(picture, turned, side, 1.25)[..., 0].astype(float)
    y, x = (float((np.indices(chip.shape)[k] * chip).sum() / chip.sum()) for k in (0, 1))
    scale = side / (2 * size * 1.25)
    assert abs(x - (side / 2 - size / 2 * scale)) < 2.5
    assert abs(y - (side / 2 - size / 4 * scale)) < 2.5


@given(st.integers(1, 200), st.floats(8.0, 60.0))
def test_looks_are_in_order_and_about_eight_a_second(count: int, fps: float) -> None:
    times = 3.0 + np.arange(count) / fps
    chosen = looked_at(times)
    assert chosen == sorted(set(chosen)) and chosen[0] == 0 and chosen[-1] < count
    assert len(chosen) <= (times[-1] - times[0]) * 8 + 1.001
    assert np.diff(times[chosen]).max(initial=0.0) < 1 / 8 + 1.5 / fps


def shares(*rows: str) -> np.ndarray:
    """Rows that give .7 to one emotion and .05 to each other."""
    return np.array([[0.7 if name == row else 0.05 for name in LABELS] for row in rows])


def test_scores_are_means_and_shares_of_time() -> None:
    reading = checked_reading(np.arange(4) / 8, shares("happy", "happy", "happy", "sad"))
    found = measured(reading, sample("happy")).scores
    assert found["asked"].value == pytest.approx((3 * 0.7 + 0.05) / 4)  # type: ignore[union-attr]
    assert found["asked_share"] == Score(0.75)
    assert found["share_sad"] == Score(0.25)
    assert found["dominant"] == found["asked"]
    assert set(found) == {f.name for f in emotion_face.SPEC.fields}


def test_no_emotion_asked_for_costs_only_the_fields_about_it() -> None:
    reading = checked_reading(np.arange(5) / 8, shares(*["angry"] * 5))
    found = measured(reading, sample()).scores
    missing = {name for name, value in found.items() if isinstance(value, Missing)}
    assert missing == {"asked", "asked_share"}
    assert all(found[name].reason is Reason.NO_REFERENCE for name in missing)  # type: ignore[union-attr]


@given(st.lists(st.sampled_from(LABELS), min_size=4, max_size=30))
def test_shares_of_time_sum_to_one(rows: list[str]) -> None:
    found = measured(checked_reading(np.arange(len(rows)) / 8, shares(*rows)), sample()).scores
    assert sum(found[f"share_{name}"].value for name in EMOTIONS) == pytest.approx(1.0)  # type: ignore[union-attr]


def test_three_looks_are_too_few() -> None:
    with pytest.raises(MissingError) as error:
        checked_reading(np.arange(3) / 8, shares("sad", "sad", "sad"))
    assert error.value.missing.reason is Reason.TOO_SHORT


def test_the_input_of_the_network_is_grey_from_minus_one_to_one() -> None:
    chip = np.zeros((64, 64, 3), np.uint8)
    chip[:32] = 255
    given_ = emotion_face.network_input(chip)
    assert given_.shape == (64, 64, 1) and given_.dtype == np.float32
    assert given_[0, 0, 0] == 1.0 and given_[-1, 0, 0] == -1.0


def clip_of(pictures: list[np.ndarray]) -> Any:
    """A clip whose crops are the pictures [256, 256, 3] RGB, with landmarks in their middle."""
    n = len(pictures)
    jpegs = tuple(cv2.imencode(".jpg", p[..., ::-1])[1].tobytes() for p in pictures)
    marks = np.zeros((n, 468, 3), np.float32)
    marks[:, :, :2] = points()
    track = Track(np.arange(n), np.zeros((n, 4), np.float32), np.ones(n), marks, np.ones(n))
    regions = np.tile(np.array([[128.0, 128.0, 256.0]], np.float32), (n, 1))
    return SimpleNamespace(
        frames=Frames(np.arange(n) / 8, 256, 256, np.array([[0, n - 1]])),
        faces=Faces((track,)),
        crops=Crops(256, (jpegs,), (regions,)),
        speaker=Speaker(0, SpeakerChoice.ONLY_FACE, (1.0,)),
    )


@pytest.mark.weights
def test_the_real_network_gives_distributions_that_depend_on_the_picture(weights_home: WeightLocator) -> None:
    ready = weights_home.require([emotion_face.WEIGHT], quiet=True)
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    noise = np.random.default_rng(1).integers(0, 255, (4, 256, 256, 3)).astype(np.uint8)
    models = Models(weights_home)
    reading = emotion_face.read_face(clip_of([*noise, *np.full_like(noise, 90)]), models)
    assert reading.shares.shape == (8, 7)
    assert reading.shares.sum(axis=1) == pytest.approx(np.ones(8))
    assert np.abs(reading.shares[0] - reading.shares[-1]).max() > 0.05
    again = emotion_face.read_face(clip_of([*noise, *np.full_like(noise, 90)]), models)
    assert np.array_equal(again.shares, reading.shares)


@pytest.mark.weights
@pytest.mark.shared
def test_a_crying_face_is_read_as_sad(shared: Path, weights_home: WeightLocator, tmp_path: Path) -> None:
    from uniavgen_bench.analysis.clip import AnalysedClip
    from uniavgen_bench.core.store import Store

    ready = weights_home.require([emotion_face.WEIGHT], quiet=True)
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    models = Models(weights_home)
    path = shared / "clips" / "mochabench" / "1p_emotion_15_facingcamera_woman_cat_cry_rainy.mp4"
    clip = AnalysedClip(path, sample("sad"), Store(tmp_path), models)
    found = emotion_face.measure(clip, sample("sad"), models).scores
    assert found["asked"].value > 0.5 and found["asked_share"].value > 0.7  # type: ignore[union-attr]
    assert found["asked"] == found["dominant"]
    with_another = emotion_face.measure(clip, sample("happy"), models).scores
    assert with_another["asked"].value < 0.2  # type: ignore[union-attr]


def test_a_file_that_is_no_network_is_a_missing_weight(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"no network" * 20)
    with pytest.raises(MissingError) as error:
        emotion_face.load_network(bad, 1)
    assert error.value.missing.reason is Reason.WEIGHTS


KERAS_SHAPES = (
    (5, 5, 1, 64), (3, 3, 64, 64), (3, 3, 64, 64), (3, 3, 64, 128), (3, 3, 128, 128),
    (128, 1024), (1024, 1024), (1024, 7),
)  # fmt: skip


def keras_like(seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    found = []
    for shape in KERAS_SHAPES:
        size = np.prod(shape[:-1])
        found += [
            draw.normal(0, 1 / np.sqrt(size), shape).astype(np.float32),
            draw.normal(0, 0.1, shape[-1:]),
        ]
    return found


def test_the_true_shapes_of_deepface_fit_the_size_of_its_file() -> None:
    numbers = sum(a.size for a in keras_like())
    file = load_manifest()[emotion_face_deepface.WEIGHT].files[0]
    assert 0 < file.bytes - 4 * numbers < 50_000  # what is left is the container


def test_kernels_are_turned_for_torch() -> None:
    state = emotion_face_deepface.as_torch(keras_like())
    assert state["conv_1.weight"].shape == (64, 1, 5, 5)
    assert state["fc_3.weight"].shape == (7, 1024)
    assert state["conv_4.weight"][5, 6, 1, 2] == keras_like()[6][1, 2, 6, 5]
    with pytest.raises(ValueError, match="15 arrays"):
        emotion_face_deepface.as_torch(keras_like()[:-1])


@pytest.mark.parametrize("absent", emotion_face_deepface.PACKAGES)
def test_without_the_package_the_error_names_the_extra(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        emotion_face_deepface, "find_spec", lambda name: None if name == absent else ModuleType(name)
    )
    with pytest.raises(MissingError) as error:
        emotion_face_deepface.check_installed()
    assert error.value.missing.reason is Reason.NOT_INSTALLED
    assert "uniavgen-bench[deepface]" in error.value.missing.detail


def write_keras(path: Path, arrays: list[np.ndarray]) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        names = [f"layer_{i}" for i in range(len(arrays) // 2)] + ["flatten_1"]
        file.attrs["layer_names"] = [n.encode() for n in names]
        for i, name in enumerate(names):
            group = file.create_group(name)
            own = arrays[2 * i : 2 * i + 2]
            group.attrs["weight_names"] = [
                f"{name}/{part}:0".encode() for part in ("kernel", "bias")[: len(own)]
            ]
            for part, array in zip(("kernel", "bias"), own, strict=False):
                group.create_dataset(f"{name}/{part}:0", data=array)


def test_deepface_itself_runs_the_converted_weights(tmp_path: Path) -> None:
    pytest.importorskip("deepface", reason="the extra deepface is not installed")
    path = tmp_path / "weights.h5"
    write_keras(path, keras_like())
    client = emotion_face_deepface.load_client(path)
    chips = [np.random.default_rng(i).integers(0, 255, (224, 224, 3)).astype(np.uint8) for i in range(2)]
    found = emotion_face_deepface.shares_of(client, chips)
    assert found.shape == (2, 7)
    assert found.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert found[0] == pytest.approx(forward(keras_like(), chips[0]), abs=1e-4)
    assert emotion_face_deepface.shares_of(client, chips[:1])[0] == pytest.approx(found[0], abs=1e-5)


def forward(arrays: list[np.ndarray], chip: np.ndarray) -> np.ndarray:
    """The network as its authors describe it, in numpy on channels-last arrays as Keras has them."""
    grey = cv2.resize(cv2.cvtColor(chip.astype(np.float32) / 255, cv2.COLOR_RGB2GRAY), (48, 48))
    x = grey[..., None].astype(np.float64)

    def convolve(x: np.ndarray, i: int) -> np.ndarray:
        kernel = arrays[2 * i].astype(np.float64)
        views = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
        return np.maximum(np.einsum("yxihw,hwio->yxo", views, kernel) + arrays[2 * i + 1], 0)

    def pool(x: np.ndarray, size: int, how: Any) -> np.ndarray:
        views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))[::2, ::2]
        return how(views, axis=(-2, -1))

    x = pool(convolve(x, 0), 5, np.max)
    x = pool(convolve(convolve(x, 1), 2), 3, np.mean)
    x = pool(convolve(convolve(x, 3), 4), 3, np.mean).ravel()
    for i in (5, 6):
        x = np.maximum(x @ arrays[2 * i] + arrays[2 * i + 1], 0)
    raised = np.exp(x @ arrays[14] + arrays[15])
    return raised / raised.sum()


def test_a_damaged_deepface_file_is_a_missing_weight(tmp_path: Path) -> None:
    pytest.importorskip("deepface", reason="the extra deepface is not installed")
    path = tmp_path / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n" + bytes(200))
    with pytest.raises(MissingError) as error:
        emotion_face_deepface.load_client(path)
    assert error.value.missing.reason is Reason.WEIGHTS
    write_keras(path, [a[..., :-1] for a in keras_like()])
    with pytest.raises(MissingError) as error:
        emotion_face_deepface.load_client(path)
    assert "does not fit" in error.value.missing.detail


def test_importing_the_metrics_imports_no_heavy_package() -> None:
    import subprocess

    code = (
        "import sys, uniavgen_bench.metrics.emotion_face_deepface, uniavgen_bench.metrics.emotion_voice_iemocap, "
        "uniavgen_bench.metrics.emotion_agreement; "
        "print([m for m in ('torch', 'transformers', 'deepface', 'h5py', 'cv2', 'onnxruntime') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
