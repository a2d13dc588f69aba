"""dlib's face recognition network: layers of `dlib_face_recognition_resnet_model_v1.dat`, and how that file is read.

King, "High quality face recognition with deep metric learning" (dlib 19.3, 2017): a residual network of 29 convolutions
(He et al., CVPR 2016, with fewer layers and half the filters) whose 128 outputs are closer than 0.6 for one person.
This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, pad, relu

from uniavgen_bench.analysis.artefacts import Float32
from uniavgen_bench.core.result import MissingError, Reason

SIDE = 150
OUTPUTS = 128
MEAN_COLOUR = (122.782, 117.001, 104.298)
"""Of the training pictures, RGB; what is left is divided by 256."""
STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Filters, blocks, and whether the first block halves the picture."""
TENSOR_VERSION = 2


class _Unit(nn.Module):
    """A convolution with bias, then a scale and shift for each filter (a batch norm that has been frozen)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            inputs, outputs, kernel, stride=stride, padding=kernel // 2 if stride == 1 else 0
        )
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convolution(x) * self.scale[:, None, None] + self.shift[:, None, None]
        return out


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.first = _Unit(inputs, outputs, 3, 2 if halve else 1)
        self.second = _Unit(outputs, outputs, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(relu(self.first(x)))
        return relu(_added(avg_pool2d(x, 2) if self.halve else x, y))


def _added(one: Tensor, other: Tensor) -> Tensor:
    """Add tensors `[B, C, H, W]`; where one is smaller, it is zero there."""
    size = [max(a, b) for a, b in zip(one.shape[1:], other.shape[1:], strict=True)]

    def filled(x: Tensor) -> Tensor:
        lacking = [want - have for want, have in zip(size, x.shape[1:], strict=True)]
        return pad(x, (0, lacking[2], 0, lacking[1], 0, lacking[0]))

    return filled(one) + filled(other)


class DlibFace(nn.Module):
    """Faces, upright and cut by the corners of the eyes, to 128 numbers. 5.61 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.root = _Unit(3, 32, 7, 2)
        self.blocks = nn.ModuleList()
        inputs = 32
        for filters, count, halve in STAGES:
            for i in range(count):
                self.blocks.append(_Block(inputs, filters, halve=halve and i == 0))
                inputs = filters
        self.head = nn.Linear(inputs, OUTPUTS, bias=False)

    def forward(self, faces: Tensor) -> Tensor:
        """Describe faces `[B, 3, 150, 150]` RGB 0 … 255: `[B, 128]`."""
        mean = torch.tensor(MEAN_COLOUR, device=faces.device)[:, None, None]
        x = max_pool2d(relu(self.root((faces - mean) / 256)), 3, 2)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean(dim=(2, 3)))
        return out

    def units(self) -> list[_Unit]:
        """Return the convolutions in the order in which dlib writes them: from the picture on."""
        return [unit for unit in self.modules() if isinstance(unit, _Unit)]


class DlibFile:
    """Reads the tensors of a network that dlib wrote; everything between them is passed over.

    A layer begins with its name as a string (a length, then letters); its tensor follows: a version, four sizes,
    32-bit floats. An integer is a byte that counts its bytes, then those, lowest first.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def skip_to(self, layer: str) -> None:
        """Go behind the next name of a layer; raises `ValueError` when there is none."""
        name = layer.encode()
        tag = bytes([1, len(name)]) + name
        found = self._data.find(tag, self._at)
        if found < 0:
            raise ValueError(f"a layer {layer!r} is lacking")
        self._at = found + len(tag)

    def integer(self) -> int:
        """Read an integer that is not negative; raises `ValueError` at the end of the data."""
        if self._at >= len(self._data) or not 1 <= self._data[self._at] <= 8:
            raise ValueError("a number is lacking or negative")
        count = self._data[self._at]
        part = self._data[self._at + 1 : self._at + 1 + count]
        self._at += 1 + count
        return int.from_bytes(part, "little")

    def tensor(self) -> Float32:
        """Read a tensor as a flat array; raises `ValueError` where there is none."""
        if self.integer() != TENSOR_VERSION:
            raise ValueError("a tensor of an unknown version")
        size = int(np.prod([self.integer() for _ in range(4)]))
        if self._at + 4 * size > len(self._data):
            raise ValueError("a tensor ends too early")
        values = np.frombuffer(self._data, "<f4", count=size, offset=self._at)
        self._at += 4 * size
        return values.astype(np.float32)


def _flat(values: Float32, *sizes: int) -> tuple[Tensor, ...]:
    if values.size != sum(sizes):
        raise ValueError(f"a layer has {values.size} numbers, {sum(sizes)} are expected")
    return torch.split(torch.from_numpy(values), list(sizes))


def load_dlib_face(path: Path, device: str) -> DlibFace:
    """Read `dlib_face_recognition_resnet_model_v1.dat`.

    Raises:
        MissingError: `weights` when the file does not hold this network.
    """
    file, net = DlibFile(path.read_bytes()), DlibFace()
    try:
        with torch.no_grad():
            for unit in net.units():
                filters, weight = len(unit.scale), unit.convolution.weight
                file.skip_to("con_4")
                kernel, bias = _flat(file.tensor(), weight.numel(), filters)
                weight.copy_(kernel.reshape(weight.shape))
                assert unit.convolution.bias is not None
                unit.convolution.bias.copy_(bias)
                file.skip_to("affine_")
                scale, shift = _flat(file.tensor(), filters, filters)
                unit.scale.copy_(scale)
                unit.shift.copy_(shift)
            file.skip_to("fc_2")
            outputs, inputs = file.integer(), file.integer()
            (head,) = _flat(file.tensor(), net.head.weight.numel())
            net.head.weight.copy_(head.reshape(inputs, outputs).T)
    except (ValueError, RuntimeError) as error:
        raise MissingError(
            Reason.WEIGHTS, f"{path.name} is not dlib's face recognition network: {error}"
        ) from error
    return net.eval().to(device)
