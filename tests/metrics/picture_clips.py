"""Clips of pictures that a test makes up, without a file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from uniavgen_bench.analysis.artefacts import Frames


def picture_clip(pictures: list[np.ndarray], fps: float = 25.0) -> Any:
    """A clip whose pictures `[H, W, 3]` RGB come at `fps`."""
    times = np.arange(len(pictures)) / fps
    height, width = pictures[0].shape[:2]

    def frames() -> Any:
        for i, (time, image) in enumerate(zip(times, pictures, strict=True)):
            yield SimpleNamespace(index=i, time=float(time), image=image, height=height, width=width)

    shots = np.array([[0, len(pictures) - 1]])
    return SimpleNamespace(
        frames=Frames(times=times, width=width, height=height, shots=shots), pictures=frames
    )


def texture(height: int, width: int, seed: int = 4, blur: float = 1.2) -> np.ndarray:
    """A picture `[H, W, 3]` with grain of one size."""
    import cv2

    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.clip(128 + 45 * smooth / smooth.std(), 0, 255).astype(np.uint8)
