"""BRISQUE against the package's own numbers, and in the order of known damage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_clips import picture_clip, texture
from seeded_weights import seeded_input
from sync_world import LocalWeights

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.brisque_model import (
    HIGHEST,
    LOWEST,
    SupportVectors,
    brisque_features,
    fit,
    load_support_vectors,
)
from uniavgen_bench.metrics.video_brisque import METRIC
from uniavgen_bench.weights.models import Models

RECORDED = json.loads((Path(__file__).parent / "data" / "brisque.json").read_text())["pictures"]
SAMPLE = Sample(id="a")


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    import cv2

    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(picture, (0, 0), sigma)


def recorded_picture(name: str) -> np.ndarray:
    grain = blurred(seeded_input("texture", (180, 240, 3), 255.0), 1.2)
    picture = np.clip((grain - 127) * 3 + 127, 0, 255).astype(np.uint8)
    return {"texture": picture, "blurred": blurred(picture, 2), "jpeg": jpeg(picture, 15)}[name]


@pytest.fixture(scope="session")
def svm(weights_home) -> Path:
    if weights_home.require(["brisque"], quiet=True).unavailable:
        pytest.skip("the weights of BRISQUE cannot be had")
    return weights_home.path("brisque")


@pytest.mark.parametrize("name", RECORDED)
def test_features_are_those_of_the_package(name):
    np.testing.assert_allclose(
        brisque_features(recorded_picture(name)),
        RECORDED[name]["features"],
        atol=2e-3 if name == "jpeg" else 1e-5,
    )


@pytest.mark.weights
def test_scores_are_those_of_the_package(svm):
    model = load_support_vectors(svm)
    assert model.vectors.shape == (770, 36)
    for found in RECORDED.values():
        assert model(np.array(found["features"])) == pytest.approx(found["score"], abs=1e-3)


@pytest.mark.weights
def test_more_damage_is_worse(svm):
    model = load_support_vectors(svm)
    picture = texture(200, 260, blur=0.9)
    shapes = np.zeros_like(picture)
    for i in range(12):
        shapes[10 + 14 * i : 22 + 14 * i, 15 * i : 15 * i + 60] = 60 + 15 * i
    natural = np.clip(0.25 * picture + 0.7 * shapes + 20, 0, 255).astype(np.uint8)

    def score(of: np.ndarray) -> float:
        features = brisque_features(of)
        assert features is not None
        return model(features)

    blurs = [score(blurred(natural, s)) for s in (0.8, 1.6, 3.2)]
    blocks = [score(jpeg(natural, q)) for q in (60, 20, 5)]
    assert blurs == sorted(blurs) and blurs[2] > blurs[0] + 5
    assert blocks[2] > blocks[0]


def test_a_regression_is_the_sum_of_its_vectors(tmp_path):
    path = tmp_path / "svm.txt"
    head = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 2\nrho -3\nSV\n"
    path.write_text(head + "2 1:1 36:-1 \n-1 2:0.5 \n")
    model = load_support_vectors(path)
    middle = (LOWEST + HIGHEST) / 2
    assert model(middle) == pytest.approx(2 * np.exp(-0.5 * 2) - np.exp(-0.5 * 0.25) + 3)


@pytest.mark.parametrize(
    "text", ["", "svm_type c_svc\nkernel_type rbf\n\nSV\n1 1:1\n", "no model at all", "a\nSV\nb"]
)
def test_another_file_is_no_regression(tmp_path, text):
    (tmp_path / "svm.txt").write_text(text)
    with pytest.raises(MissingError) as raised:
        load_support_vectors(tmp_path / "svm.txt")
    assert raised.value.missing.reason is Reason.WEIGHTS


@settings(max_examples=15)
@given(st.floats(0.5, 4.0), st.floats(0.3, 2.0), st.floats(0.3, 2.0))
def test_the_fit_finds_shape_and_spreads(shape, left, right):
    rng = np.random.default_rng(5)
    from scipy.stats import gennorm

    sides = np.abs(gennorm.rvs(shape, size=60_000, random_state=rng))
    # The left side is drawn as often as its spread says.
    on_left = rng.uniform(size=len(sides)) < left / (left + right)
    found = fit(np.where(on_left, -left * sides, right * sides))
    assert found is not None
    assert found[0] == pytest.approx(shape, rel=0.12)
    assert np.sqrt(found[2] / found[3]) == pytest.approx(left / right, rel=0.08)


def test_flat_pictures_have_no_features():
    assert brisque_features(np.full((64, 64, 3), 90, np.uint8)) is None


def with_model(tmp_path, model: SupportVectors) -> Models:
    (tmp_path / "svm.txt").touch()
    models = Models(LocalWeights(tmp_path / "svm.txt", "brisque"))
    models.get("brisque", lambda: model)
    return models


def test_two_pictures_a_second_are_looked_at_and_flat_ones_left_out(tmp_path):
    model = SupportVectors(0.05, 0.0, np.ones(1), np.zeros((1, 36)))
    pictures = [texture(48, 48, seed) for seed in range(50)]
    pictures[0] = np.full((48, 48, 3), 7, np.uint8)
    found = METRIC.measure(picture_clip(pictures), SAMPLE, with_model(tmp_path, model))
    np.testing.assert_allclose(found.evidence.curves[0].t, [0.52, 1.0, 1.52])
    assert found.scores["worst"].value >= found.scores["brisque"].value


@pytest.mark.parametrize(
    "picture, reason",
    [(np.full((64, 64, 3), 7, np.uint8), Reason.NOT_MEASURABLE), (texture(20, 64), Reason.TOO_SMALL)],
)
def test_bad_input_has_a_reason(tmp_path, picture, reason):
    model = SupportVectors(0.05, 0.0, np.ones(1), np.zeros((1, 36)))
    with pytest.raises(MissingError) as raised:
        METRIC.measure(picture_clip([picture] * 3), SAMPLE, with_model(tmp_path, model))
    assert raised.value.missing.reason is reason


def test_one_picture_is_enough(tmp_path):
    model = SupportVectors(0.05, 0.0, np.ones(1), np.zeros((1, 36)))
    found = METRIC.measure(picture_clip([texture(48, 48)]), SAMPLE, with_model(tmp_path, model))
    assert found.scores["brisque"] == found.scores["worst"]
