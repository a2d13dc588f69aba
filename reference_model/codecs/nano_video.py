"""The small model's video codec: causal, 8 x smaller in space, four frames a latent, the first frame alone.

The first frame says how the person looks; a later frame is drawn from its group's latent beside that. Below the network
lie linear transforms, the principal components of patches of first frames and of what changes within a group of four,
fitted with care for the lips: the network adds what they leave. Time is that of the Wan2.2 autoencoder, and so is the
interface; patches of 4 x 4 latent pixels are what patches of 2 x 2 are to its 16 x.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

GROUP = 4
"""Frames per latent after the first."""
STRIDE = 8
"""Pixels per latent pixel."""
_DEPTH = 4
_DECODER = ("look.", "look_closer.", "spread_out.", "draw.", "shown_share")
"""Beginnings of the names of what latents do not depend on."""


@dataclass(frozen=True)
class NanoVideoParams:
    """Channels of a latent, of the feature maps at 1/4 and 1/8 of the picture, and where frames are grouped."""

    latent: int = 8
    fine: int = 64
    coarse: int = 128
    group: int = 192


def mixing(inner: int, outer: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size, or halves it."""
    return nn.Conv2d(inner, outer, 3, stride, padding=1)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first, self.second = mixing(width, width), mixing(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, C, H, W]` -> `[N, C, H, W]`."""
        update: Tensor = self.second(functional.silu(self.first(functional.silu(self.norm(x)))))
        return x + update


class FrameEncoder(nn.Module):
    """One picture to features at an eighth of its size."""

    def __init__(self, p: NanoVideoParams) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.PixelUnshuffle(_DEPTH),
            mixing(3 * _DEPTH**2, p.fine),
            Residual(p.fine),
            mixing(p.fine, p.coarse, 2),
            Residual(p.coarse),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """`[N, 3, H, W]` -> `[N, C, H/8, W/8]`."""
        features: Tensor = self.network(frames)
        return features


class Summary(nn.Sequential):
    """Features to the channels of a latent."""

    def __init__(self, width: int, latent: int, residuals: int) -> None:
        super().__init__(
            *(Residual(width) for _ in range(residuals)),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, latent, 1),
        )


class Transform(nn.Module):
    """Principal components of patches of n frames; latents have unit variance. Fixed: `fit` sets it, nothing trains it.

    basis `[C, n * 192]`, orthonormal rows; deviation `[C]`, of the components; mean `[n * 192]`.
    """

    basis: Tensor
    deviation: Tensor
    mean: Tensor

    def __init__(self, latent: int, frames: int) -> None:
        super().__init__()
        size = frames * 3 * STRIDE**2
        self.register_buffer("basis", torch.eye(latent, size))
        self.register_buffer("deviation", torch.ones(latent))
        self.register_buffer("mean", torch.zeros(size))

    @torch.no_grad()
    def fit(self, clips: Tensor, weight: Tensor) -> None:
        """Set the components from `[N, n, 3, H, W]`; weight `[N, h, w]` says how much a patch counts."""
        rows = self._patches(clips).permute(0, 2, 3, 1).flatten(0, 2)
        share = (weight.flatten() / weight.sum())[:, None]
        self.mean.copy_((rows * share).sum(0))
        centred = rows - self.mean
        basis = torch.linalg.eigh((centred.T @ (centred * share)).double())[1].flip(1)
        kept = basis[:, : len(self.basis)].T.float()
        self.basis.copy_(kept)
        self.deviation.copy_((centred @ kept.T).square().mean(0).sqrt().clamp(min=1e-4))

    def code(self, clips: Tensor) -> Tensor:
        """`[N, n, 3, H, W]` -> `[N, C, h, w]`."""
        centred = self._patches(clips) - self.mean[:, None, None]
        return torch.einsum("cp,nphw->nchw", self.basis / self.deviation[:, None], centred)

    def show(self, latents: Tensor) -> Tensor:
        """`[N, C, h, w]` -> `[N, n, 3, 8 h, 8 w]`."""
        patches = torch.einsum("cp,nchw->nphw", self.basis * self.deviation[:, None], latents)
        shown = torch.unflatten(patches + self.mean[:, None, None], 1, (-1, 3 * STRIDE**2))
        pictures = functional.pixel_shuffle(shown.flatten(0, 1), STRIDE)
        return torch.unflatten(pictures, 0, (len(latents), -1))

    @staticmethod
    def _patches(clips: Tensor) -> Tensor:
        patches = functional.pixel_unshuffle(clips.flatten(0, 1), STRIDE)
        return torch.unflatten(patches, 0, clips.shape[:2]).flatten(1, 2)


class FrameDecoder(nn.Module):
    """Features of one frame, beside those of the first, to what the linear transforms leave of its picture."""

    def __init__(self, p: NanoVideoParams) -> None:
        super().__init__()
        self.fine = nn.Sequential(Residual(p.coarse), *doubled(p.coarse, p.fine))
        self.picture = nn.Sequential(
            mixing(2 * p.fine, p.fine),
            Residual(p.fine),
            nn.SiLU(),
            mixing(p.fine, 3 * _DEPTH**2),
            nn.PixelShuffle(_DEPTH),
        )

    def forward(self, coarse: Tensor, looks: Tensor) -> Tensor:
        """`[N, C, h, w]`, looks `[N, c, 2 h, 2 w]` -> `[N, 3, 8 h, 8 w]`."""
        drawn: Tensor = self.picture(torch.cat((self.fine(coarse), looks), 1))
        return drawn


def doubled(inner: int, outer: int) -> tuple[nn.Module, nn.Module]:
    """Layers to feature maps of twice the size."""
    return nn.Conv2d(inner, 4 * outer, 1), nn.PixelShuffle(2)


class NanoVideoCodec(nn.Module):
    """A `VideoCodec`; `centre` and `spread` `[C]` normalise the latents."""

    temporal_factor, spatial_factor = GROUP, STRIDE
    centre: Tensor
    spread: Tensor

    def __init__(self, params: NanoVideoParams | None = None) -> None:
        super().__init__()
        self.params = p = params or NanoVideoParams()
        self.plain_first, self.plain_group = Transform(p.latent, 1), Transform(p.latent, GROUP)
        self.look_at = FrameEncoder(p)
        self.first = Summary(p.coarse, p.latent, 1)
        self.gather = nn.Sequential(
            nn.Conv2d((GROUP + 1) * p.coarse, p.group, 1), Summary(p.group, p.latent, 2)
        )
        self.look = nn.Sequential(mixing(p.latent, p.coarse), *(Residual(p.coarse) for _ in range(3)))
        self.look_closer = nn.Sequential(*doubled(p.coarse, p.fine), Residual(p.fine))
        self.spread_out = nn.Sequential(
            mixing(p.latent + p.coarse, p.group), Residual(p.group), Summary(p.group, GROUP * p.coarse, 2)
        )
        self.draw = FrameDecoder(p)
        # How far the linear transform of a group is trusted: the network may explain the same.
        self.coded_share, self.shown_share = (nn.Parameter(torch.ones(p.latent, 1, 1)) for _ in range(2))
        self.register_buffer("centre", torch.zeros(p.latent))
        self.register_buffer("spread", torch.ones(p.latent))

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return self.params.latent

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """Encode video `[B, 3, T, H, W]` in [-1, 1] to normalised latents `[B, C, F, H/8, W/8]`.

        Raises:
            ValueError: sides that are no multiples of 8.
        """
        _check_sides(video)
        return (self.code(video) - _channels(self.centre)) / _channels(self.spread)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents `[B, C, F, h, w]` to video `[B, 3, 4 (F - 1) + 1, 8 h, 8 w]` in [-1, 1]."""
        return self.render(latents * _channels(self.spread) + _channels(self.centre)).clamp(-1.0, 1.0)

    def code(self, video: Tensor) -> Tensor:
        """`[B, 3, T, H, W]` -> latents `[B, C, F, h, w]` that are not normalised, with gradients."""
        groups = (video.shape[2] - 1) // GROUP
        frames = video[:, :, : 1 + groups * GROUP].transpose(1, 2)
        features = torch.unflatten(self.look_at(frames.flatten(0, 1)), 0, frames.shape[:2])
        first = features[:, :1]
        latents = [(self.plain_first.code(frames[:, :1]) + self.first(first[:, 0]))[:, :, None]]
        if groups:
            later = torch.unflatten(features[:, 1:], 1, (groups, GROUP)).flatten(2, 3)
            beside = torch.cat((later, first.expand(-1, groups, -1, -1, -1)), 2)
            changed = torch.unflatten(frames[:, 1:] - frames[:, :1], 1, (groups, GROUP)).flatten(0, 1)
            coded = self.coded_share * self.plain_group.code(changed) + self.gather(beside.flatten(0, 1))
            coded = torch.unflatten(coded, 0, (len(video), groups))
            latents.append(coded.transpose(1, 2))
        return torch.cat(latents, 2)

    def render(self, latents: Tensor) -> Tensor:
        """Latents that are not normalised -> `[B, 3, T, H, W]`, not limited, with gradients."""
        batch, groups = len(latents), latents.shape[2] - 1
        first = latents[:, :, 0]
        looks = self.look(first)
        closer = self.look_closer(looks)
        plain = self.plain_first.show(first)[:, 0]
        frames = [(plain + self.draw(looks, closer))[:, :, None]]
        if groups:
            own = latents[:, :, 1:].transpose(1, 2)
            beside = torch.cat((own, looks[:, None].expand(-1, groups, -1, -1, -1)), 2)
            features = self.spread_out(beside.flatten(0, 1))
            coarse = torch.unflatten(features, 1, (GROUP, -1)).flatten(0, 1)
            same, same_closer, still = (
                x.repeat_interleave(groups * GROUP, 0) for x in (looks, closer, frames[0][:, :, 0])
            )
            changed = self.plain_group.show(self.shown_share * own.flatten(0, 1)).flatten(0, 1)
            drawn = still + changed + self.draw(coarse + same, same_closer)
            frames.append(torch.unflatten(drawn, 0, (batch, groups * GROUP)).transpose(1, 2))
        return torch.cat(frames, 2)


def save_nano_video(codec: NanoVideoCodec, path: Path) -> None:
    """Write the weights in fp16 with the params in the file's header."""
    tensors = {name: t.detach().half().contiguous() for name, t in codec.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(tensors, metadata={"params": json.dumps(asdict(codec.params))}))


def load_nano_video(path: Path) -> NanoVideoCodec:
    """Read a codec written by `save_nano_video`, in fp32.

    Raises:
        ValueError: the file is absent, damaged, or of another network.
    """
    try:
        with safe_open(path, "pt") as file:
            params = NanoVideoParams(**json.loads((file.metadata() or {})["params"]))
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        codec = NanoVideoCodec(params)
        codec.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} holds no weights of the nano video codec: {error}") from error
    return codec.eval().requires_grad_(False)


def encoder_key(path: Path) -> str:
    """SHA-256 of the weights that latents depend on: latents stay good when only the decoder is trained further.

    Raises:
        ValueError: the file is absent or damaged.
    """
    told = hashlib.sha256()
    for name, tensor in sorted(_encoder(load_nano_video(path)).items()):
        told.update(f"{name} {tuple(tensor.shape)} ".encode())
        told.update(tensor.contiguous().numpy().tobytes())
    return told.hexdigest()


def same_encoder(one: NanoVideoCodec, other: NanoVideoCodec) -> bool:
    """Whether two codecs make the same latents of everything."""
    theirs = _encoder(other)
    return all(torch.equal(t.cpu(), theirs[name]) for name, t in _encoder(one).items())


def _encoder(codec: NanoVideoCodec) -> dict[str, Tensor]:
    return {name: t for name, t in codec.state_dict().items() if not name.startswith(_DECODER)}


def _channels(x: Tensor) -> Tensor:
    return x[:, None, None, None]


def _check_sides(video: Tensor) -> None:
    if video.ndim != 5 or video.shape[1] != 3 or video.shape[3] % STRIDE or video.shape[4] % STRIDE:
        raise ValueError(f"video must be [B, 3, T, H, W] with sides of {STRIDE} n, got {tuple(video.shape)}")
