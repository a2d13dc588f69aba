"""AudioBox-Aesthetics against the original on drawn weights, its windows, and sounds that have no score."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from seeded_weights import seeded_input, seeded_state
from sync_world import LocalWeights

from uniavgen_bench.analysis.artefacts import Speech
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.audio_aesthetics import METRIC, WEIGHTS, WINDOW, judged, windows_of
from uniavgen_bench.metrics.audiobox_network import (
    AXES,
    AudioboxAesthetics,
    AxisScale,
    HeadParams,
    load_audiobox,
)
from uniavgen_bench.metrics.wavlm_network import Wavlm, WavlmParams, distance_buckets
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models

torch.set_num_threads(1)
RECORDED = json.loads((Path(__file__).parent / "data" / "audiobox.json").read_text())
SMALL = WavlmParams(
    channels=32,
    width=48,
    mlp_width=96,
    heads=4,
    depth=3,
    buckets=40,
    farthest=100,
    place_kernel=16,
    place_groups=4,
)
HEAD = HeadParams(proj_num_layer=2, proj_ln=True, nth_layer=4)
SCALES = {axis: AxisScale(mean=5.0 + i, std=1.5) for i, axis in enumerate(AXES)}
RELEASED_NAMES = "4d726d8f0e07d1fbe3c38fd72ee4ff496e5368b8885bae140e77b30d5003b634"
"""SHA-256 of the names and shapes of the package's own state dict with five layers and norms in each head."""


def small_net() -> AudioboxAesthetics:
    net = AudioboxAesthetics(HEAD, SMALL).eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    return net


def clip_of(samples: np.ndarray):
    return SimpleNamespace(speech=Speech(samples.astype(np.float32), 16_000, 0.0, 16_000, 1))


def test_opinions_are_those_of_the_original():
    count = 48_000
    heard = torch.ones(2, count, dtype=torch.bool)
    heard[1, 20_000:] = False
    sound = (torch.from_numpy(seeded_input("sound", (2, count), 2.0)) - 1) * heard
    with torch.inference_mode():
        found = small_net()(sound, heard)
    np.testing.assert_allclose(found.numpy(), RECORDED["judged"], atol=1e-4)


def test_the_encoder_is_the_wavlm_of_the_library_transformers():
    transformers = pytest.importorskip("transformers", reason="needs the extra full")
    config = transformers.WavLMConfig(
        hidden_size=SMALL.width, num_hidden_layers=SMALL.depth, num_attention_heads=SMALL.heads,
        intermediate_size=SMALL.mlp_width, conv_dim=(SMALL.channels,) * 7, num_buckets=SMALL.buckets,
        max_bucket_distance=SMALL.farthest, num_conv_pos_embeddings=SMALL.place_kernel,
        num_conv_pos_embedding_groups=SMALL.place_groups, feat_extract_norm="group", do_stable_layer_norm=False,
        hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0,
        apply_spec_augment=False,
    )  # fmt: skip
    ours = Wavlm(SMALL).eval()
    ours.load_state_dict(seeded_state(ours.state_dict()))
    other = transformers.WavLMModel(config).eval()
    other.load_state_dict(as_transformers_names(ours.state_dict(), set(other.state_dict())), strict=False)
    sound = torch.from_numpy(seeded_input("sound", (1, 16_000), 2.0)) - 1
    with torch.inference_mode():
        states, _ = ours(sound, torch.ones(1, 16_000, dtype=torch.bool))
        theirs = other(sound, output_hidden_states=True).hidden_states
    torch.testing.assert_close(states, torch.stack(theirs), atol=2e-5, rtol=1e-4)


def as_transformers_names(state: dict[str, torch.Tensor], known: set[str]) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        parts = name.split(".")
        if name.startswith("feature_extractor"):
            kind = "conv" if parts[3] == "0" else "layer_norm"
            name = f"feature_extractor.conv_layers.{parts[2]}.{kind}.{parts[4]}"
        for old, new in (
            ("post_extract_proj", "feature_projection.projection"),
            ("encoder.pos_conv.0.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
            ("encoder.pos_conv.0.weight_v", "encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
            ("encoder.pos_conv.0.bias", "encoder.pos_conv_embed.conv.bias"),
            ("self_attn_layer_norm", "layer_norm"),
            ("self_attn.relative_attention_bias", "attention.rel_attn_embed"),
            ("self_attn.grep_linear", "attention.gru_rel_pos_linear"),
            ("self_attn.grep_a", "attention.gru_rel_pos_const"),
            ("self_attn", "attention"),
            ("fc1", "feed_forward.intermediate_dense"),
            ("fc2", "feed_forward.output_dense"),
            ("mask_emb", "masked_spec_embed"),
        ):
            name = name.replace(old, new)
        if name.startswith("layer_norm"):
            name = f"feature_projection.{name}"
        assert name in known or name == "masked_spec_embed", name
        found[name] = value
    return found


def test_names_shapes_and_size_are_those_of_the_released_file():
    with torch.device("meta"):
        net = AudioboxAesthetics(HeadParams(proj_num_layer=5, proj_ln=True))
    state = net.state_dict()
    listed = json.dumps(sorted((name, list(value.shape)) for name, value in state.items()))
    assert (len(state), sum(p.numel() for p in net.parameters())) == (324, 103_859_112)
    assert hashlib.sha256(listed.encode()).hexdigest() == RELEASED_NAMES
    assert 0 < load_manifest()[WEIGHTS].bytes - 4 * 103_859_112 < 100_000


def test_what_is_filled_up_is_not_judged():
    net = small_net()
    sound = torch.from_numpy(seeded_input("s", (1, 32_000), 2.0)) - 1
    heard = torch.arange(32_000)[None] < 16_000
    with torch.inference_mode():
        states, spoken = net.wavlm_model(sound * heard, heard)
    assert spoken.shape[1] == states.shape[2] == 99
    assert 48 <= int(spoken.sum()) <= 50


def test_distances_share_buckets_by_their_logarithm():
    near = distance_buckets(torch.arange(-9, 10), 40, 100)
    assert near.tolist() == [*range(9, 0, -1), 0, *range(21, 30)]
    assert distance_buckets(torch.tensor([100, 5000, -5000]), 40, 100).tolist() == [39, 39, 19]


def test_windows_stand_side_by_side_and_the_last_is_weighted_by_its_length():
    windows, true = windows_of(np.ones(WINDOW + WINDOW // 4, np.float32))
    assert windows.shape == (2, WINDOW)
    assert true.mean(axis=1).tolist() == [1.0, 0.25]
    assert windows[1].sum() == WINDOW // 4
    assert len(windows_of(np.ones(WINDOW, np.float32))[0]) == 1


class Loudness(torch.nn.Module):
    """Stands for the network: four multiples of the sound's mean level."""

    def forward(self, sound: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        level = sound.abs().sum(dim=1) / heard.sum(dim=1)
        return level[:, None] * torch.arange(4.0)


def test_opinions_are_brought_back_to_the_listeners_scale():
    sound = np.concatenate([np.full(WINDOW, 0.2), np.full(WINDOW // 2, 0.8)]).astype(np.float32)
    opinions, weights = judged(Loudness(), SCALES, sound, "cpu")
    np.testing.assert_allclose(weights, [1.0, 0.5])
    np.testing.assert_allclose(opinions[:, 3], [8 + 1.5 * 0.6, 8 + 1.5 * 2.4], rtol=1e-5)


def test_a_clip_has_the_weighted_mean_of_its_windows(tmp_path):
    (tmp_path / "c.pt").touch()
    models = Models(LocalWeights(tmp_path / "c.pt", WEIGHTS))
    models.get(WEIGHTS, lambda: (Loudness(), SCALES))
    sound = np.concatenate([np.full(WINDOW, 0.2), np.full(WINDOW // 2, 0.8)])
    found = METRIC.measure(clip_of(sound), Sample(id="a"), models)
    mean = (0.2 + 0.5 * 0.8) / 1.5
    assert found.scores["pq"].value == pytest.approx(8 + 1.5 * 3 * mean, rel=1e-4)
    assert list(found.evidence.curves[0].t) == [5.0, 12.5]
    with pytest.raises(MissingError) as raised:
        METRIC.measure(clip_of(np.ones(15_000)), Sample(id="a"), models)
    assert raised.value.missing.reason is Reason.TOO_SHORT


def released(tmp_path, **changes: object) -> Path:
    content = {
        "state_dict": {f"model.{k}": v for k, v in small_net().state_dict().items()},
        "model_cfg": {**HEAD.model_dump(), "precision": "bf16"},
        "target_transform": {axis: {"mean": 5.0, "std": 2.0} for axis in AXES},
        **changes,
    }
    torch.save(content, tmp_path / "checkpoint.pt")
    return tmp_path / "checkpoint.pt"


def test_the_released_file_says_how_its_heads_are_made(tmp_path):
    net, scales = load_audiobox(released(tmp_path), "cpu", SMALL)
    assert scales["PQ"].std == 2.0
    torch.testing.assert_close(
        net.state_dict()["proj_layer.PQ.0.weight"], small_net().state_dict()["proj_layer.PQ.0.weight"]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"target_transform": {}},
        {"model_cfg": {"proj_num_layer": 3, "nth_layer": 4}},
        {"model_cfg": {"nth_layer": 13}},
        {"state_dict": {}},
        {"model_cfg": None},
    ],
)
def test_another_file_is_not_the_network(tmp_path, changes):
    with pytest.raises(MissingError) as raised:
        load_audiobox(released(tmp_path, **changes), "cpu", SMALL)
    assert raised.value.missing.reason is Reason.WEIGHTS
