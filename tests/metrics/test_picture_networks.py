"""DINO, RAFT and MUSIQ against the originals, on weights that are drawn alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import seeded_input, seeded_state

from uniavgen_bench.metrics.dino_vit_network import DinoVit, VitParams, load_dino
from uniavgen_bench.metrics.musiq_network import Musiq, load_musiq
from uniavgen_bench.metrics.raft_network import LEAST_SIDE, Raft, load_raft, padded
from uniavgen_bench.weights.manifest import load_manifest

torch.set_num_threads(1)
DATA = Path(__file__).parent / "data"
SMALL = VitParams(width=48, depth=3, heads=4, side=64)


def small_dino() -> DinoVit:
    net = DinoVit(SMALL).eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    return net


def as_transformers_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename DINO's layers as `ViTModel` of the library transformers has them."""
    found: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if name.endswith(("qkv.weight", "qkv.bias")):
            block, kind = name.split(".")[1], name.rsplit(".", 1)[1]
            for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                found[f"encoder.layer.{block}.attention.attention.{part}.{kind}"] = piece
            continue
        for old, new in (
            ("cls_token", "embeddings.cls_token"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
            ("blocks.", "encoder.layer."),
            ("norm1", "layernorm_before"),
            ("norm2", "layernorm_after"),
            ("attn.proj", "attention.output.dense"),
            ("mlp.fc1", "intermediate.dense"),
            ("mlp.fc2", "output.dense"),
        ):
            name = name.replace(old, new)
        found[name.replace("norm.", "layernorm.") if name.startswith("norm.") else name] = value
    return found


def whole_places(net: DinoVit, rows: int, columns: int) -> torch.Tensor:
    grid = net.params.grid
    places = net.pos_embed[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(places, (rows, columns), mode="bicubic")
    return torch.cat([net.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)


@pytest.mark.parametrize("height, width", [(64, 64), (64, 100), (130, 64)])
def test_dino_is_the_vision_transformer_of_the_library_transformers(height, width):
    transformers = pytest.importorskip("transformers", reason="needs the extra full")
    config = transformers.ViTConfig(
        hidden_size=SMALL.width, num_hidden_layers=SMALL.depth, num_attention_heads=SMALL.heads,
        intermediate_size=4 * SMALL.width, image_size=SMALL.side, patch_size=SMALL.patch, layer_norm_eps=1e-6,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, qkv_bias=True,
    )  # fmt: skip
    ours = small_dino()
    other = transformers.ViTModel(config, add_pooling_layer=False).eval()
    other.load_state_dict(as_transformers_names(dict(ours.state_dict())), strict=True)
    if height != width:
        # Off the square the library scales the places to whole patches; the next test holds DINO's own way.
        ours._places = lambda rows, columns, square: whole_places(ours, rows, columns)  # type: ignore[method-assign]
    pictures = torch.from_numpy(seeded_input(f"{height}x{width}", (2, 3, height, width), 2.0)) - 1
    with torch.inference_mode():
        a = ours(pictures)
        b = other(pictures, interpolate_pos_encoding=True).last_hidden_state[:, 0]
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    assert a.std() > 0.1


def test_dino_scales_places_as_the_released_code_does():
    net = small_dino()
    grid, rows, columns = SMALL.grid, 4, 6
    places = net.pos_embed[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(places, scale_factor=(4.1 / 4, 6.1 / 4), mode="bicubic")
    found = net._places(rows, columns, square=False)
    torch.testing.assert_close(found[:, 1:].transpose(1, 2).unflatten(2, (rows, columns)), expected)
    assert (found - whole_places(net, rows, columns)).abs().max() > 1e-3


def test_dino_leaves_out_what_is_no_whole_patch():
    net = small_dino()
    picture = torch.from_numpy(seeded_input("p", (1, 3, 64, 95)))
    changed = picture.clone()
    changed[..., 80:] = 0
    with torch.inference_mode():
        torch.testing.assert_close(net(picture), net(changed), atol=0, rtol=0)


def test_dino_has_the_released_names_and_size():
    with torch.device("meta"):
        net = DinoVit()
    state = net.state_dict()
    assert (len(state), sum(p.numel() for p in net.parameters())) == (150, 85_798_656)
    assert tuple(state["pos_embed"].shape) == (1, 197, 768)
    assert tuple(state["blocks.11.attn.qkv.weight"].shape) == (2304, 768)
    assert 0 < load_manifest()["dino-vitb16"].bytes - 4 * 85_798_656 < 100_000


def test_raft_gives_the_flow_of_the_original():
    net = Raft().eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    first, second = (
        padded(torch.from_numpy(seeded_input(n, (1, 3, 131, 150), 255.0))) for n in ("first", "second")
    )
    recorded = json.loads((DATA / "raft.json").read_text())
    with torch.inference_mode():
        flow = net(first, second, rounds=6)[0]
    assert [1, *flow.shape] == recorded["shape"]
    for (y, x), expected in zip(recorded["at"], recorded["flow"], strict=True):
        np.testing.assert_allclose(flow[:, y, x].numpy(), expected, atol=2e-3)
    assert float(flow.norm(dim=0).mean()) == pytest.approx(recorded["mean_length"], rel=1e-4)


def test_raft_takes_the_released_file_with_its_prefix_and_nothing_else(tmp_path):
    state = seeded_state(Raft().state_dict())
    assert len(state) == 179 and sum(p.numel() for p in Raft().parameters()) == 5_257_536
    assert 0 < load_manifest()["raft-things"].bytes - 4 * 5_257_536 < 100_000
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "raft.pth")
    loaded = load_raft(tmp_path / "raft.pth", "cpu")
    torch.testing.assert_close(loaded.state_dict()["fnet.conv1.weight"], state["fnet.conv1.weight"])
    state.pop("update_block.gru.convz2.bias")
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(RuntimeError, match=r"convz2\.bias"):
        load_raft(tmp_path / "part.pth", "cpu")


def test_padding_repeats_the_edges_up_to_multiples_of_eight():
    picture = torch.arange(3 * 9 * 17, dtype=torch.float32).reshape(1, 3, 9, 17)
    out = padded(picture)
    assert out.shape == (1, 3, 16, 24)
    torch.testing.assert_close(out[..., 3:12, 3:20], picture)
    assert bool((out[..., 0, 5] == picture[..., 0, 2]).all())
    assert padded(torch.zeros(1, 3, 121, 200)).shape[2] == LEAST_SIDE


def test_musiq_gives_the_scores_of_the_original():
    net = Musiq().eval()
    net.load_state_dict(seeded_state(net.state_dict()))
    recorded = json.loads((DATA / "musiq.json").read_text())["scores"]
    for size in ("150x220", "97x61"):
        shape = tuple(int(s) for s in size.split("x"))
        with torch.inference_mode():
            score = net(torch.from_numpy(seeded_input(size, (1, 3, *shape))))
        assert float(score) == pytest.approx(recorded[size], abs=1e-4)


def test_musiq_has_the_released_size_and_loads_strictly(tmp_path):
    with torch.device("meta"):
        net = Musiq()
    assert (len(net.state_dict()), sum(p.numel() for p in net.parameters())) == (248, 27_125_825)
    assert 0 < load_manifest()["musiq-spaq"].bytes - 4 * 27_125_825 < 200_000
    torch.save({"head.weight": torch.zeros(1, 384)}, tmp_path / "part.pth")
    with pytest.raises(RuntimeError, match="conv_root"):
        load_musiq(tmp_path / "part.pth", "cpu")


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"cls_token": Evil()}, tmp_path / "evil.pth")
    for load in (load_dino, load_raft, load_musiq):
        with pytest.raises(Exception, match=r"[Ww]eights"):
            load(tmp_path / "evil.pth", "cpu")
    assert not (tmp_path / "ran").exists()
