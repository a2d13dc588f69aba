"""VBench's three dimensions: what is made of the networks' answers, and clips that have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from picture_clips import picture_clip, texture
from seeded_weights import seeded_state
from sync_world import LocalWeights

from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import (
    dino_vit_network,
    musiq_network,
    raft_network,
    video_dynamic_degree,
    video_imaging_quality,
    video_subject_consistency,
)
from uniavgen_bench.metrics.catalogue import plain_name
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.vbench_pictures import longer_side_at_most, resampled, shorter_side
from uniavgen_bench.metrics.video_dynamic_degree import fastest, is_dynamic, sampled
from uniavgen_bench.metrics.video_subject_consistency import consistency
from uniavgen_bench.weights.models import Models

torch.set_num_threads(1)
SAMPLE = Sample(id="a")
SMALL = dino_vit_network.VitParams(width=48, depth=2, heads=4)


class Colours(torch.nn.Module):
    """Stands for DINO: a picture's mean colour as its embedding."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3))


class Shifts(torch.nn.Module):
    """Stands for RAFT: the flow is the difference in mean brightness, everywhere and to the right."""

    def forward(self, first: torch.Tensor, second: torch.Tensor, *, rounds: int) -> torch.Tensor:
        step = (second - first).mean()
        return step * torch.tensor([1.0, 0.0])[None, :, None, None].expand(1, 2, *first.shape[2:])


class Brightness(torch.nn.Module):
    """Stands for MUSIQ: mean brightness of 0 … 100."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return 100 * pictures.mean(dim=(1, 2, 3))


def models_with(tmp_path, name: str, net: object) -> Models:
    (tmp_path / name).touch()
    models = Models(LocalWeights(tmp_path / name, name))
    models.get(name, lambda: net)
    return models


def grey(level: float, height: int = 128, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def values(metric: Metric, clip, models: Models) -> dict[str, float]:
    return {k: v.value for k, v in metric.measure(clip, SAMPLE, models).scores.items()}


@pytest.mark.parametrize("dimension", ["subject_consistency", "dynamic_degree", "imaging_quality"])
def test_the_name_says_vbench_and_finds_the_metric(dimension):
    metrics = Registry(METRICS, "metric", Metric)
    name = f"video.{dimension}[vbench@1]"
    assert plain_name(name, metrics) == f"video.{dimension}"
    spec = metrics.load(f"video.{dimension}").spec
    assert spec.name == name
    assert any("VBench-Long" in line and "5.0625" in line for line in spec.not_for)


def test_consistency_is_half_to_the_picture_before_and_half_to_the_first():
    angles = np.array([0.0, 0.1, 0.4, 2.0])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    before, first = consistency(unit)
    np.testing.assert_allclose(before, [np.cos(0.1), np.cos(0.3), 0.0], atol=1e-6)
    np.testing.assert_allclose(first, [np.cos(0.1), np.cos(0.4), 0.0], atol=1e-6)


def test_a_still_clip_is_consistent_and_one_that_changes_is_less_so(tmp_path):
    models = models_with(tmp_path, "dino-vitb16", Colours())
    red, blue = grey(0), grey(0)
    red[..., 0], blue[..., 2] = 200, 200
    still = values(video_subject_consistency.METRIC, picture_clip([red] * 10), models)
    changed = values(video_subject_consistency.METRIC, picture_clip([red] * 5 + [blue] * 5), models)
    assert still == pytest.approx({"consistency": 1.0, "to_previous": 1.0, "to_first": 1.0}, abs=1e-6)
    assert changed["to_first"] < changed["to_previous"] < 1
    assert changed["consistency"] == pytest.approx((changed["to_first"] + changed["to_previous"]) / 2)


def test_batches_do_not_change_consistency(tmp_path, monkeypatch):
    net = dino_vit_network.DinoVit(SMALL).eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    clip = picture_clip([texture(64, 80, seed) for seed in range(5)])
    models = models_with(tmp_path, "dino-vitb16", net)
    together = values(video_subject_consistency.METRIC, clip, models)
    monkeypatch.setattr(video_subject_consistency, "BATCH", 1)
    assert values(video_subject_consistency.METRIC, clip, models) == pytest.approx(together, abs=1e-5)


def test_sizes_are_those_of_vbench():
    assert shorter_side(720, 1280, 224) == (224, 398)
    assert shorter_side(1280, 720, 224) == (398, 224)
    assert longer_side_at_most(720, 1280, 512) == (288, 512)
    assert longer_side_at_most(300, 400, 512) == (300, 400)
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    # Halving without smoothing reads midway between the two middle px of each four.
    torch.testing.assert_close(resampled(ramp, (4, 4))[0, 0, 0], torch.tensor([0.5, 2.5, 4.5, 6.5]))
    torch.testing.assert_close(resampled(ramp, (2, 2))[0, 0, 0], torch.tensor([1.5, 5.5]))


@pytest.mark.parametrize("fps, count", [(16, 41), (25, 27), (24, 27), (30, 21), (8, 81), (5, 81)])
def test_about_eight_pictures_a_second_are_sampled(fps, count):
    clip = picture_clip([grey(0, 4, 4)] * 81, fps)
    assert len(list(sampled(clip.pictures(), fps))) == count


@pytest.mark.parametrize("moving, dynamic", [(0, False), (9, False), (10, True), (40, True)])
def test_a_quarter_of_the_sampled_pictures_must_move(moving, dynamic):
    flows = np.where(np.arange(40) < moving, 6.01, 5.99)
    assert is_dynamic(flows, 41) is dynamic


def test_the_fastest_five_percent_count():
    flow = np.zeros((2, 40, 50), np.float32)
    flow[:, :2, :] = [[[3.0]], [[4.0]]]
    assert fastest(flow) == pytest.approx(5.0)
    flow[:, 0, :] = 0
    assert fastest(flow) == pytest.approx(2.5)


def test_dynamic_degree_holds_the_flow_against_the_size_of_the_picture(tmp_path):
    models = models_with(tmp_path, "raft-things", Shifts())
    pictures = [grey(4 * i) for i in range(9)]
    found = values(video_dynamic_degree.METRIC, picture_clip(pictures, 8), models)
    # 4 px at a shorter side of 128 are 8 at 256: more than 6.
    assert found == pytest.approx({"dynamic": 1.0, "moving_pairs": 1.0, "flow": 8.0}, abs=1e-4)
    larger = [grey(4 * i, 256, 256) for i in range(9)]
    assert values(video_dynamic_degree.METRIC, picture_clip(larger, 8), models)["dynamic"] == 0.0
    still = values(video_dynamic_degree.METRIC, picture_clip([grey(9)] * 9, 8), models)
    assert still == {"dynamic": 0.0, "moving_pairs": 0.0, "flow": 0.0}


def test_raft_itself_runs_on_the_smallest_picture(tmp_path, monkeypatch):
    net = raft_network.Raft().eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    monkeypatch.setattr(video_dynamic_degree, "ROUNDS", 1)
    clip = picture_clip([texture(121, 130, seed) for seed in range(3)], 8)
    found = values(video_dynamic_degree.METRIC, clip, models_with(tmp_path, "raft-things", net))
    assert np.isfinite(found["flow"])


def test_imaging_quality_is_a_hundredth_of_the_mean_opinion(tmp_path):
    models = models_with(tmp_path, "musiq-spaq", Brightness())
    clip = picture_clip([grey(51), grey(102), grey(51), grey(51), grey(51)])
    found = values(video_imaging_quality.METRIC, clip, models)
    assert found["score"] == pytest.approx(0.24, abs=1e-4)
    assert found["worst"] == pytest.approx(0.2, abs=1e-4)


BAD = {
    "one picture": (video_subject_consistency, "dino-vitb16", [grey(1)], Reason.TOO_SHORT),
    "a strip": (video_subject_consistency, "dino-vitb16", [grey(1, 8, 80)] * 3, Reason.TOO_SMALL),
    "one picture to move": (video_dynamic_degree, "raft-things", [grey(1)], Reason.TOO_SHORT),
    "two sampled pictures": (video_dynamic_degree, "raft-things", [grey(1)] * 6, Reason.TOO_SHORT),
    "120 px": (video_dynamic_degree, "raft-things", [grey(1, 120, 200)] * 12, Reason.TOO_SMALL),
    "a tiny picture": (video_imaging_quality, "musiq-spaq", [grey(1, 20, 40)] * 3, Reason.TOO_SMALL),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_has_a_reason(what, tmp_path):
    module, weight, pictures, reason = BAD[what]
    net = Colours() if module is video_subject_consistency else Shifts()
    with pytest.raises(MissingError) as raised:
        module.METRIC.measure(picture_clip(pictures), SAMPLE, models_with(tmp_path, weight, net))
    assert raised.value.missing.reason is reason


@pytest.mark.parametrize("module", [video_subject_consistency, video_dynamic_degree, video_imaging_quality])
def test_without_weights_nothing_is_decoded(module):
    clip = picture_clip([grey(1)] * 9)
    clip.pictures = lambda: pytest.fail("decoded")
    with pytest.raises(MissingError) as raised:
        module.METRIC.measure(clip, SAMPLE, Models(LocalWeights(None, module.WEIGHTS)))
    assert raised.value.missing.reason is Reason.WEIGHTS
    assert musiq_network.PATCH == video_imaging_quality.LEAST_SIDE
