"""The Wan2.2 video VAE (stride 4 x 16 x 16, 48 channels) through diffusers' `AutoencoderKLWan`.

diffusers has the same network under other names: `is_residual=True` is the 2.2 variant with average shortcuts
around its stages. Its encoder and decoder are driven here one chunk at a time, which leaves out the copies of the
whole clip that its own loops make per chunk, and gives decoded values before they are clamped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reference_model.codecs.extra import require
from reference_model.codecs.named_weights import load_official_names, official_shapes, read_pth
from reference_model.codecs.wan_vae_names import official_vae_name

# Side of the square of pixels that becomes channels before the first convolution.
PATCH_SIZE = 2

# float32: as loaded. released: as the release runs it, with weights, pictures and encoded latents rounded to
# bfloat16 and the arithmetic between them in float32.
Precision = Literal["float32", "released"]


@dataclass(frozen=True)
class WanVAEParams:
    """Sizes of the VAE and the statistics of its latents, one mean and one deviation per latent channel.

    Raises:
        ValueError: the statistics are not as many as the latent channels, or the stages do not fit together.
    """

    encoder_dim: int
    decoder_dim: int
    latent_channels: int
    stage_multipliers: tuple[int, ...]
    residual_blocks: int
    temporal_downsampling: tuple[bool, ...]
    latent_mean: tuple[float, ...]
    latent_std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, values in (("latent_mean", self.latent_mean), ("latent_std", self.latent_std)):
            if len(values) != self.latent_channels:
                raise ValueError(
                    f"{name} has {len(values)} values for {self.latent_channels} latent channels"
                )
        if len(self.temporal_downsampling) != len(self.stage_multipliers) - 1:
            raise ValueError("every stage but the last one says whether it downsamples in time")

    @property
    def temporal_factor(self) -> int:
        """Frames per latent frame after the first."""
        return int(2 ** sum(self.temporal_downsampling))

    @property
    def spatial_factor(self) -> int:
        """Pixels per latent pixel in both directions."""
        return int(PATCH_SIZE * 2 ** len(self.temporal_downsampling))


# fmt: off
WAN22_VAE = WanVAEParams(
    encoder_dim=160, decoder_dim=256, latent_channels=48,
    stage_multipliers=(1, 2, 4, 4), residual_blocks=2, temporal_downsampling=(False, True, True),
    latent_mean=(
        -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891,
        0.1570, -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502,
        -0.2055, -0.0322, 0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723,
        -0.2839, -0.2083, -0.0520, 0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
    ),
    latent_std=(
        0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901,
        0.6885, 0.6165, 0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659,
        0.7069, 0.5338, 0.4889, 0.4917, 0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944,
        0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600, 0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
    ),
)
# fmt: on


def build_on_meta(params: WanVAEParams = WAN22_VAE) -> nn.Module:
    """diffusers' network of these sizes, without memory for its weights.

    Raises:
        MissingExtraError: diffusers is not installed.
    """
    diffusers = require("diffusers", "the Wan2.2 video VAE")
    folded_channels = 3 * PATCH_SIZE**2
    with torch.device("meta"):
        network: nn.Module = diffusers.AutoencoderKLWan(
            base_dim=params.encoder_dim,
            decoder_base_dim=params.decoder_dim,
            z_dim=params.latent_channels,
            dim_mult=list(params.stage_multipliers),
            num_res_blocks=params.residual_blocks,
            temperal_downsample=list(params.temporal_downsampling),
            latents_mean=list(params.latent_mean),
            latents_std=list(params.latent_std),
            is_residual=True,
            in_channels=folded_channels,
            out_channels=folded_channels,
            patch_size=PATCH_SIZE,
            scale_factor_temporal=params.temporal_factor,
            scale_factor_spatial=params.spatial_factor,
        )
    return network


def official_vae_shapes(params: WanVAEParams = WAN22_VAE) -> dict[str, tuple[int, ...]]:
    """Official name and shape of each tensor of the VAE (196 of them at full size)."""
    return official_shapes(
        build_on_meta(params), partial(official_vae_name, residual_blocks=params.residual_blocks)
    )


class WanVideoVAE(nn.Module):
    """A `VideoCodec`: posterior means of the Wan2.2 VAE, normalised per channel. Always in evaluation mode."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        params: WanVAEParams = WAN22_VAE,
        precision: Precision = "float32",
    ) -> None:
        """Take over `tensors` (official names), converted to float32.

        Raises:
            WeightsMismatchError: a tensor is missing, unexpected or of another shape.
            MissingExtraError: diffusers is not installed.
        """
        super().__init__()
        self.params, self.precision = params, precision
        network: Any = build_on_meta(params)
        weights = {name: self._rounded(tensor.float()) for name, tensor in tensors.items()}
        names = partial(official_vae_name, residual_blocks=params.residual_blocks)
        load_official_names(network, weights, names, "Wan2.2 VAE")
        self.network = network.eval().requires_grad_(False)
        for name, values in (("latent_mean", params.latent_mean), ("latent_std", params.latent_std)):
            self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1, 1), persistent=False)

    @classmethod
    def from_pth(
        cls, path: Path, params: WanVAEParams = WAN22_VAE, precision: Precision = "float32"
    ) -> "WanVideoVAE":
        """Load the official file (`Wan2.2_VAE.pth`); see `read_pth` for its errors."""
        return cls(read_pth(path), params, precision)

    @property
    def latent_channels(self) -> int:
        """Number of latent channels C."""
        return self.params.latent_channels

    @property
    def temporal_factor(self) -> int:
        """Frames per latent frame after the first."""
        return self.params.temporal_factor

    @property
    def spatial_factor(self) -> int:
        """Pixels per latent pixel in both directions."""
        return self.params.spatial_factor

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """Encode `[B, 3, T, H, W]` in [-1, 1] to `[B, C, 1 + (T-1)//4, H/16, W/16]`; surplus frames are ignored.

        Raises:
            ValueError: another number of dimensions or channels, no frame, or sides that are not multiples.
        """
        if video.ndim != 5 or video.shape[1] != 3 or video.shape[2] < 1:
            raise ValueError(f"video must be [B, 3, T, H, W] with T >= 1, got {tuple(video.shape)}")
        if video.shape[3] % self.spatial_factor or video.shape[4] % self.spatial_factor:
            raise ValueError(
                f"height and width must be multiples of {self.spatial_factor}, got {tuple(video.shape[3:])}"
            )
        folded = _fold_pixels(self._rounded(video.float()))
        groups = (folded.shape[2] - 1) // self.temporal_factor
        chunks = folded[:, :, : 1 + groups * self.temporal_factor].split_with_sizes(
            [1] + [self.temporal_factor] * groups, dim=2
        )
        moments = self.network.quant_conv(_run_in_chunks(self.network.encoder, chunks))
        mean = moments[:, : self.latent_channels]
        return self._rounded((mean - self.latent_mean) / self.latent_std)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode `[B, C, F, h, w]` to `[B, 3, 4(F-1)+1, 16h, 16w]`, clamped to [-1, 1].

        Raises:
            ValueError: another number of dimensions or channels, or no frame.
        """
        return self.decode_unclamped(latents).clamp(-1.0, 1.0)

    @torch.no_grad()
    def decode_unclamped(self, latents: Tensor) -> Tensor:
        """Decode as `decode` does, but leave values outside [-1, 1] as they are."""
        if latents.ndim != 5 or latents.shape[1] != self.latent_channels or latents.shape[2] < 1:
            raise ValueError(
                f"latents must be [B, {self.latent_channels}, F, h, w] with F >= 1, got {tuple(latents.shape)}"
            )
        chunks = self.network.post_quant_conv(latents.float() * self.latent_std + self.latent_mean).split(
            1, dim=2
        )
        return _unfold_pixels(_run_in_chunks(self.network.decoder, chunks, first={"first_chunk": True}))

    def _rounded(self, values: Tensor) -> Tensor:
        return values.bfloat16().float() if self.precision == "released" else values


def _run_in_chunks(
    half: nn.Module, chunks: Iterable[Tensor], first: Mapping[str, bool] | None = None
) -> Tensor:
    """Run encoder or decoder over consecutive chunks in time, carrying the last frames of each convolution."""
    # One slot per causal convolution; `half` counts through them from zero in every chunk.
    carried: list[Any] = [None] * sum(isinstance(module, nn.Conv3d) for module in half.modules())
    outputs = []
    for index, chunk in enumerate(chunks):
        options = first if first is not None and index == 0 else {}
        outputs.append(half(chunk, feat_cache=carried, feat_idx=[0], **options))
    return torch.cat(outputs, dim=2)


def _fold_pixels(video: Tensor) -> Tensor:
    """`[B, 3, T, H, W]` to `[B, 12, T, H/2, W/2]`; channels ordered (colour, column, row), row fastest."""
    batch, colours, frames, height, width = video.shape
    rows, columns, p = height // PATCH_SIZE, width // PATCH_SIZE, PATCH_SIZE
    tiles = video.reshape(batch, colours, frames, rows, p, columns, p)
    return tiles.permute(0, 1, 6, 4, 2, 3, 5).reshape(batch, colours * p * p, frames, rows, columns)


def _unfold_pixels(folded: Tensor) -> Tensor:
    """Inverse of `_fold_pixels`."""
    batch, channels, frames, rows, columns = folded.shape
    p = PATCH_SIZE
    tiles = folded.reshape(batch, channels // p**2, p, p, frames, rows, columns)
    return tiles.permute(0, 1, 4, 5, 3, 6, 2).reshape(batch, channels // p**2, frames, rows * p, columns * p)
