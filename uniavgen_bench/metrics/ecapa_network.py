"""ECAPA-TDNN, the speaker encoder of SpeechBrain's `spkrec-ecapa-voxceleb`, and the mel energies that it reads.

Desplanques, Thienpondt and Demuynck, "ECAPA-TDNN: Emphasized channel attention, propagation and aggregation in TDNN
based speaker verification" (arXiv:2005.07143). Modules are named as in the published checkpoint, so that it loads
strictly. This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from uniavgen_bench.core.result import MissingError, Reason

RATE = 16_000
MELS = 80
WINDOW = 400
HOP = 160
RANGE_DB = 80.0
"""Energies are cut off so far below the loudest one of the sound."""
FLOOR = 1e-10

CHANNELS = 1024
POOLED = 3072
ATTENTION = 128
SQUEEZED = 128
SCALE = 8
WIDTH = 192
DILATIONS = (2, 3, 4)


def mel_energies(samples: Tensor) -> Tensor:
    """Return log mel energies [B, N // 160 + 1, 80] in dB of samples [B, N] at 16 kHz, each band with mean zero."""
    spectrum = torch.stft(
        samples,
        WINDOW,
        HOP,
        window=torch.hamming_window(WINDOW, device=samples.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2)
    decibels = 10.0 * torch.log10((power @ mel_filters().to(samples.device)).clamp(min=FLOOR))
    loudest = decibels.amax(dim=(1, 2), keepdim=True)
    decibels = torch.maximum(decibels, loudest - RANGE_DB)
    return decibels - decibels.mean(dim=1, keepdim=True)


@lru_cache(maxsize=1)
def mel_filters() -> Tensor:
    """Return SpeechBrain's filters [201, 80]: triangles in Hz, as wide on both sides as the step to the band below.

    The side above a centre is thus steeper than in the usual triangles, which reach to the centre of the next band.
    """
    top = 2595.0 * torch.log10(torch.tensor(1.0 + RATE / 2 / 700.0, dtype=torch.float64))
    edges = 700.0 * (10.0 ** (torch.linspace(0.0, float(top), MELS + 2) / 2595.0) - 1.0)
    widths, centres = edges.diff()[:-1], edges[1:-1]
    bins = torch.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    return (1.0 - ((bins[:, None] - centres) / widths).abs()).clamp(min=0.0)


class _Conv(nn.Module):
    """A convolution over time that keeps the length: what lies beyond the ends is mirrored."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            inputs,
            outputs,
            kernel,
            dilation=dilation,
            padding=dilation * (kernel - 1) // 2,
            padding_mode="reflect",
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, inputs, T] to [B, outputs, T]."""
        y: Tensor = self.conv(x)
        return y


class _Norm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the channels of [B, C, T]."""
        y: Tensor = self.norm(x)
        return y


class _Tdnn(nn.Module):
    """A convolution over time, ReLU, and batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = _Conv(inputs, outputs, kernel, dilation)
        self.norm = _Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, inputs, T] to [B, outputs, T]."""
        y: Tensor = self.norm(self.conv(x).relu())
        return y


class _Res2Net(nn.Module):
    """Eight groups of channels: the first passes, each further one also hears the result of the one before."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        part = CHANNELS // SCALE
        self.blocks = nn.ModuleList(_Tdnn(part, part, 3, dilation) for _ in range(SCALE - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, T] to [B, C, T]."""
        first, *others = x.chunk(SCALE, dim=1)
        outputs = [first]
        for block, part in zip(self.blocks, others, strict=True):
            outputs.append(block(part if len(outputs) == 1 else part + outputs[-1]))
        return torch.cat(outputs, dim=1)


class _SqueezeExcite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Conv(CHANNELS, SQUEEZED)
        self.conv2 = _Conv(SQUEEZED, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels of [B, C, T] by their means over time."""
        squeezed = self.conv1(x.mean(dim=2, keepdim=True)).relu()
        y: Tensor = self.conv2(squeezed).sigmoid() * x
        return y


class _SeRes2Net(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.tdnn1 = _Tdnn(CHANNELS, CHANNELS)
        self.res2net_block = _Res2Net(dilation)
        self.tdnn2 = _Tdnn(CHANNELS, CHANNELS)
        self.se_block = _SqueezeExcite()

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, T] to [B, C, T]."""
        y: Tensor = self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x)))) + x
        return y


class _AttentivePooling(nn.Module):
    """Mean and deviation over time, weighted per channel by an attention that knows those of the whole sound."""

    def __init__(self) -> None:
        super().__init__()
        self.tdnn = _Tdnn(3 * POOLED, ATTENTION)
        self.conv = _Conv(ATTENTION, POOLED)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, T] to [B, 2 C, 1]."""
        even = torch.full_like(x[:, :1], 1.0 / x.shape[2])
        context = [part.expand_as(x) for part in _moments(x, even)]
        weights = self.conv(self.tdnn(torch.cat([x, *context], dim=1)).tanh()).softmax(dim=2)
        return torch.cat(_moments(x, weights), dim=1)


def _moments(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return weighted mean and deviation [B, C, 1] of [B, C, T] over time."""
    mean = (weights * x).sum(dim=2, keepdim=True)
    variance = (weights * (x - mean).square()).sum(dim=2, keepdim=True)
    return mean, variance.clamp(min=1e-12).sqrt()


class EcapaTdnn(nn.Module):
    """Mel energies [B, T, 80] to embeddings [B, 192] of length 1; T at least 5 (40 ms)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_Tdnn(MELS, CHANNELS, 5), *(_SeRes2Net(d) for d in DILATIONS)])
        self.mfa = _Tdnn(CHANNELS * len(DILATIONS), POOLED)
        self.asp = _AttentivePooling()
        self.asp_bn = _Norm(2 * POOLED)
        self.fc = _Conv(2 * POOLED, WIDTH)

    def forward(self, mels: Tensor) -> Tensor:
        """Embed whole sounds."""
        return normalize(self.raw(mels), dim=1)

    def raw(self, mels: Tensor) -> Tensor:
        """Return the embeddings [B, 192] as the layer gives them, of any length."""
        x = mels.transpose(1, 2)
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        pooled = self.asp(self.mfa(torch.cat(outputs[1:], dim=1)))
        embedded: Tensor = self.fc(self.asp_bn(pooled))
        return embedded[:, :, 0]


def load_ecapa(path: Path, device: str) -> EcapaTdnn:
    """Load SpeechBrain's `embedding_model.ckpt`: 231 tensors, every one of them used.

    Raises:
        MissingError: `weights` when it does not hold this network.
    """
    network = EcapaTdnn()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise MissingError(Reason.WEIGHTS, f"{path.name} does not hold ECAPA-TDNN: {reason}") from error
    return network.eval().to(device)
