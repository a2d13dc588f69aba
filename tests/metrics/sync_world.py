"""A world in which sync is known: faces as bright as the sound is loud, and SyncNets that see just that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from uniavgen_bench.analysis.artefacts import Crops, Faces, Frames, Speech, Track, WholeFrames
from uniavgen_bench.core.result import MissingError, Reason

FPS = 25
LOUD, NATS = 0.3, 4.0
"""Standard deviation of the loudest sound, and by how much its log energy exceeds that of the softest."""
LOUDEST_ENERGY = np.log(200 * (1 + 0.97**2) * (LOUD * 32768) ** 2)
"""Log energy of an MFCC frame of 400 samples of white noise after pre-emphasis."""
GAIN = 20.0
AWAY = 30.0
"""A second coordinate of every embedding, so that the zeros beyond the ends are far from all of them."""


def levels(n: int, seed: int = 1) -> np.ndarray:
    """Levels 0 … 1 of `n` frames that change smoothly and never repeat."""
    rng = np.random.default_rng(seed)
    knots = rng.uniform(0, 1, n // 3 + 2)
    return np.interp(np.arange(n) / 3, np.arange(len(knots)), knots)


def sound_of(level: np.ndarray, delay: int = 0, start: float = 0.0) -> Speech:
    """White noise as loud as the levels say, later by `delay` frames; what is pushed out is lost."""
    at = np.clip(np.arange(len(level)) - delay, 0, len(level) - 1)
    loudness = LOUD * np.exp(NATS / 2 * (level[at] - 1))
    noise = np.random.default_rng(2).normal(0, 1, len(level) * 640)
    samples = (np.repeat(loudness, 640) * noise).clip(-1, 1).astype(np.float32)
    return Speech(samples=samples, rate=16_000, start=start, source_rate=16_000, source_channels=1)


def jpeg_of(level: float, side: int = 32) -> bytes:
    picture = np.full((side, side, 3), round(40 + 170 * level), np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def track_of(frames: np.ndarray, side: float = 150.0, score: float = 0.9) -> Track:
    n = len(frames)
    box = np.array([[100, 100, 100 + side, 100 + side]], dtype=np.float32)
    return Track(
        frames=np.asarray(frames, dtype=np.int64),
        boxes=np.tile(box, (n, 1)),
        scores=np.full(n, score, dtype=np.float32),
        landmarks=np.zeros((n, 468, 3), dtype=np.float32),
        presence=np.ones(n, dtype=np.float32),
    )


def clip_of(
    faces: list[tuple[Track, np.ndarray]],
    speech: Speech,
    *,
    whole: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> Any:
    """A clip of tracks with the levels [T] that their faces show at each frame of the clip."""
    length = len(whole) if whole is not None else max(int(t.frames[-1]) + 1 for t, _ in faces)
    clock = np.arange(length) / FPS if times is None else times
    frames = Frames(times=clock, width=640, height=480, shots=np.array([[0, length - 1]]))
    crops = Crops(
        side=32,
        jpegs=tuple(tuple(jpeg_of(level[f]) for f in track.frames) for track, level in faces),
        regions=tuple(
            np.tile(np.array([[175.0, 190.0, 400.0]], np.float32), (len(track.frames), 1))
            for track, _ in faces
        ),
    )
    squeezed = WholeFrames(224, tuple(jpeg_of(v, 224) for v in whole)) if whole is not None else None
    tracks = Faces(tracks=tuple(track for track, _ in faces))
    return SimpleNamespace(frames=frames, faces=tracks, crops=crops, speech=speech, whole_frames=squeezed)


class EyesAndEars:
    """A SyncNet in a line: brightness of the middle frame, log energy of the middle of the sound."""

    def embed_lips(self, frames: Any) -> Any:
        import torch

        bright = (frames[2:-2].mean(dim=(1, 2, 3)) - 40) / 170
        return torch.stack([GAIN * bright, torch.full_like(bright, AWAY)], dim=1)

    def embed_sound(self, mfcc: Any) -> Any:
        import torch

        energy = mfcc[:, 0, 0, 8:12].mean(dim=1)
        loud = (energy - (LOUDEST_ENERGY - NATS)) / NATS
        return torch.stack([GAIN * loud, torch.full_like(loud, AWAY)], dim=1)


def constructed_state() -> dict[str, Any]:
    """Weights of SyncNet's own layers with which it sees brightness and hears energy, and nothing else."""
    import torch

    from uniavgen_bench.metrics.syncnet_network import SyncNet

    state = {
        name: torch.ones_like(value)
        if name.endswith("running_var") or ("weight" in name and value.ndim == 1)
        else torch.zeros_like(value)
        for name, value in SyncNet().state_dict().items()
    }
    for name, value in state.items():
        if value.ndim == 5 and name != "netcnnlip.18.weight":
            value[0, 0, 0, value.shape[3] // 2, value.shape[4] // 2] = 1.0
        elif value.ndim == 4:
            value[0, 0, value.shape[2] // 2, value.shape[3] // 2] = 1.0
    eyes = state["netcnnlip.0.weight"]
    eyes[:] = 0.0
    eyes[0, :, 2, 3, 3] = 1 / 3 / 170
    state["netcnnlip.18.weight"][0, 0] = 1 / 36
    ears = state["netcnnaud.18.weight"]
    ears[:] = 0.0
    ears[0, 0, 0, 1:3] = 0.5  # the two steps around the middle of the window, the coefficients 0 to 4
    for stream, scale, zero in (
        ("netfclip", 1.0, 40 / 170),
        ("netfcaud", 1 / NATS, LOUDEST_ENERGY / NATS - 1),
    ):
        state[f"{stream}.0.weight"][0, 0] = scale
        state[f"{stream}.3.weight"][0, 0] = GAIN
        state[f"{stream}.3.bias"][0] = -GAIN * zero
        state[f"{stream}.3.bias"][1] = AWAY
    return state


class LocalWeights:
    """One file for one name of the manifest, or none."""

    def __init__(self, file: Path | None, name: str = "syncnet-v2") -> None:
        self.file, self.name = file, name

    def path(self, name: str) -> Path:
        assert name == self.name
        if self.file is None:
            raise MissingError(Reason.WEIGHTS, name)
        return self.file

    def sha256(self, name: str) -> str:
        return "0" * 64
