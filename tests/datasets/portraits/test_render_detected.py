"""Networks that never saw these heads find one face in every frame and follow the true mouth."""

from __future__ import annotations

import numpy as np
import pytest

from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh, roi_from_points
from uniavgen_bench.datasets.portraits.face_state import EMOTIONS
from uniavgen_bench.datasets.portraits.head_params import DOMAINS, Domain, sample_head
from uniavgen_bench.datasets.portraits.idle_motion import frame_times, talking
from uniavgen_bench.datasets.portraits.render import render
from uniavgen_bench.datasets.portraits.visemes import Sound, Viseme
from uniavgen_bench.metrics.mouth_shape import EYE_CORNERS, LOWER_LIP_INNER, UPPER_LIP_INNER
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

pytestmark = pytest.mark.weights

SEEDS = (1, 6, 13)
SPOKEN: tuple[Viseme, ...] = ("aa", "PP", "oh", "FF", "E", "PP", "aa", "ou", "sil", "ih", "aa")


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    return Models(weights_home)


@pytest.mark.parametrize("domain", DOMAINS)
def test_one_face_a_frame_and_a_mouth_that_follows_the_truth(models: Models, domain: Domain) -> None:
    detector, mesh = load_face_detector(models), load_face_mesh(models)
    said = [Sound(viseme, 0.1 + 0.12 * k, 0.22 + 0.12 * k) for k, viseme in enumerate(SPOKEN)]
    agreement = []
    for seed in SEEDS:
        states = talking(seed, said, frame_times(8, 6.0), emotion=EMOTIONS[seed % 6], intensity=0.6)
        rendered = render(sample_head(seed), states, 128, domain)
        opening = []
        for picture in rendered.pictures:
            (face,) = detector.detect(picture)
            points = mesh.find(picture, roi_from_points(face.box, face.points[0], face.points[1])).points
            eyes = np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]])
            opening.append(np.linalg.norm(points[UPPER_LIP_INNER] - points[LOWER_LIP_INNER]) / eyes)
        agreement.append(np.corrcoef(opening, rendered.truth.opening)[0, 1])
    assert np.median(agreement) > 0.8
