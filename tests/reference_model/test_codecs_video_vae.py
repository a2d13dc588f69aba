from functools import partial
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reference_model.codecs.named_weights import WeightsMismatchError, load_official_names
from reference_model.codecs.video_vae import (
    WAN22_VAE,
    WanVAEParams,
    WanVideoVAE,
    build_on_meta,
    official_vae_shapes,
)
from reference_model.codecs.wan_vae_names import official_vae_name

pytest.importorskip("diffusers", reason="diffusers of the extra 'full' is not installed")

TINY = WanVAEParams(
    encoder_dim=4,
    decoder_dim=4,
    latent_channels=4,
    stage_multipliers=(1, 1, 2, 2),
    residual_blocks=1,
    temporal_downsampling=(False, True, True),
    latent_mean=(0.1, -0.2, 0.3, 0.0),
    latent_std=(0.5, 1.0, 1.5, 2.0),
)


def tiny_weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for name, shape in official_vae_shapes(TINY).items():
        noise = torch.randn(shape, generator=generator)
        weights[name] = 1 + 0.1 * noise if name.endswith("gamma") else noise / max(1, prod(shape[1:])) ** 0.5
    return weights


@pytest.fixture(scope="module")
def vae() -> WanVideoVAE:
    torch.set_num_threads(1)
    return WanVideoVAE(tiny_weights(), TINY)


def clip(frames: int, seed: int = 0, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, frames, 32, 16, generator=generator) * 2 - 1


def test_full_size_has_the_released_number_of_tensors_and_parameters() -> None:
    shapes = official_vae_shapes()
    assert len(shapes) == 196
    assert sum(prod(shape) for shape in shapes.values()) == 704_688_668
    parts = {"encoder": 149_627_776, "decoder": 555_049_228, "conv1": 9_312, "conv2": 2_352}
    for part, parameters in parts.items():
        found = sum(prod(shape) for name, shape in shapes.items() if name.partition(".")[0] == part)
        assert found == parameters


def test_full_size_names_load_strictly_on_the_meta_device() -> None:
    names = partial(official_vae_name, residual_blocks=WAN22_VAE.residual_blocks)
    tensors = {name: torch.empty(shape, device="meta") for name, shape in official_vae_shapes().items()}
    load_official_names(build_on_meta(), tensors, names, "VAE")
    lost = tensors.pop("decoder.upsamples.0.upsamples.3.time_conv.weight")
    with pytest.raises(
        WeightsMismatchError, match=r"1 missing: decoder\.upsamples\.0\.upsamples\.3\.time_conv"
    ):
        load_official_names(build_on_meta(), tensors, names, "VAE")
    tensors["decoder.upsamples.0.upsamples.3.time_conv.weight"] = lost[:7]
    with pytest.raises(WeightsMismatchError, match=r"1 misshapen: .*\(7, 1024, 3, 1, 1\) instead of \(2048,"):
        load_official_names(build_on_meta(), tensors, names, "VAE")


def test_unexpected_weights_are_refused_under_their_own_name() -> None:
    weights = tiny_weights() | {"encoder.extra": torch.zeros(1)}
    with pytest.raises(WeightsMismatchError, match=r"1 unexpected: encoder\.extra") as caught:
        WanVideoVAE(weights, TINY)
    assert caught.value.unexpected == ("encoder.extra",)
    assert caught.value.missing == caught.value.misshapen == ()


def test_unknown_library_names_are_errors() -> None:
    with pytest.raises(ValueError, match=r"encoder\.surprise"):
        official_vae_name("encoder.surprise.weight", 2)


def test_shapes_and_surplus_frames(vae: WanVideoVAE) -> None:
    video = clip(7)
    latents = vae.encode(video)
    assert latents.shape == (1, 4, 2, 2, 1)
    assert torch.equal(latents, vae.encode(video[:, :, :5]))
    assert vae.decode(latents).shape == (1, 3, 5, 32, 16)


def test_encoding_is_causal(vae: WanVideoVAE) -> None:
    video = clip(9)
    latents, image = vae.encode(video), vae.encode(video[:, :, :1])
    assert torch.allclose(latents[:, :, :1], image, atol=1e-5)
    changed = torch.cat([video[:, :, :5], clip(4, seed=9)], dim=2)
    assert torch.allclose(vae.encode(changed)[:, :, :2], latents[:, :, :2], atol=1e-5)
    assert not torch.allclose(vae.encode(changed)[:, :, 2:], latents[:, :, 2:], atol=1e-2)


def test_decoding_is_causal_and_clamped(vae: WanVideoVAE) -> None:
    latents = 4 * torch.randn(1, 4, 3, 2, 1, generator=torch.Generator().manual_seed(5))
    free, limited = vae.decode_unclamped(latents), vae.decode(latents)
    assert free.abs().max() > 1
    assert torch.equal(limited, free.clamp(-1, 1))
    assert torch.allclose(vae.decode_unclamped(latents[:, :, :2]), free[:, :, :5], atol=1e-5)


def test_items_of_a_batch_are_independent(vae: WanVideoVAE) -> None:
    videos = clip(5, batch=2)
    together = vae.encode(videos)
    assert torch.allclose(together[1:], vae.encode(videos[1:]), atol=1e-5)
    assert torch.allclose(vae.decode(together)[:1], vae.decode(together[:1]), atol=1e-5)


def test_latents_are_normalised_per_channel() -> None:
    shifted = WanVAEParams(**{**vars(TINY), "latent_mean": (1.0,) * 4, "latent_std": (2.0,) * 4})
    plain = WanVAEParams(**{**vars(TINY), "latent_mean": (0.0,) * 4, "latent_std": (1.0,) * 4})
    one, other = WanVideoVAE(tiny_weights(), shifted), WanVideoVAE(tiny_weights(), plain)
    video = clip(1)
    assert torch.allclose(one.encode(video), (other.encode(video) - 1) / 2, atol=1e-5)
    assert torch.allclose(one.decode(one.encode(video)), other.decode(other.encode(video)), atol=1e-4)


def test_released_precision_rounds_what_the_release_rounds(vae: WanVideoVAE) -> None:
    rounded = WanVideoVAE(tiny_weights(), TINY, "released")
    latents = rounded.encode(clip(5))
    assert torch.equal(latents, latents.bfloat16().float())
    assert latents.dtype == torch.float32
    assert 0 < (latents - vae.encode(clip(5))).abs().max() < 0.2


@pytest.mark.parametrize("shape", [(3, 5, 32, 16), (1, 4, 5, 32, 16), (1, 3, 0, 32, 16), (1, 3, 1, 40, 16)])
def test_wrong_videos_are_refused(vae: WanVideoVAE, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        vae.encode(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(4, 2, 2, 1), (1, 3, 2, 2, 1), (1, 4, 0, 2, 1)])
def test_wrong_latents_are_refused(vae: WanVideoVAE, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        vae.decode(torch.zeros(shape))


def test_params_must_fit_together() -> None:
    with pytest.raises(ValueError, match="latent_std has 3 values for 4"):
        WanVAEParams(**{**vars(TINY), "latent_std": (1.0, 1.0, 1.0)})
    with pytest.raises(ValueError, match="every stage but the last"):
        WanVAEParams(**{**vars(TINY), "temporal_downsampling": (True,)})


def test_official_file_is_read_without_running_code(tmp_path: Path, vae: WanVideoVAE) -> None:
    torch.save(tiny_weights(), tmp_path / "vae.pth")
    loaded = WanVideoVAE.from_pth(tmp_path / "vae.pth", TINY)
    assert torch.equal(loaded.encode(clip(1)), vae.encode(clip(1)))
    torch.save({"weights": Path("not a tensor")}, tmp_path / "pickle.pth")
    with pytest.raises(ValueError, match=r"pickle\.pth is damaged or holds more than tensors"):
        WanVideoVAE.from_pth(tmp_path / "pickle.pth", TINY)
    torch.save({"nested": {"a": torch.zeros(1)}}, tmp_path / "nested.pth")
    with pytest.raises(ValueError, match="flat state dict"):
        WanVideoVAE.from_pth(tmp_path / "nested.pth", TINY)
    with pytest.raises(FileNotFoundError):
        WanVideoVAE.from_pth(tmp_path / "absent.pth", TINY)
