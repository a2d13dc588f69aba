"""The control `nano-codecs`: the true clip through the codecs of `uniavgen-nano`, the best its model could reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Role
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.media.probe import probe
from uniavgen_bench.systems.given import Float32
from uniavgen_bench.systems.ground_truth import true_clip
from uniavgen_bench.systems.system import Job, SystemPlugin
from uniavgen_bench.systems.uniavgen import FPS, RATE, one_thread
from uniavgen_bench.systems.uniavgen_options import LATENT_STRIDE
from uniavgen_bench.systems.uniavgen_weights import VIDEO_CODEC, package_folder

if TYPE_CHECKING:
    from reference_model.codecs.interface import VideoCodec


class NanoCodecsOptions(Frozen):
    """`weights`: a folder that holds `video_codec.safetensors` (None: the package's). `picture`, `sound`: what goes
    through its codec; the other stays the true clip's.
    """

    weights: Path | None = None
    picture: bool = True
    sound: bool = True


class NanoCodecs:
    """Keeps the video codec loaded; the vocoder, Griffin-Lim, needs no weights."""

    def __init__(self, options: NanoCodecsOptions) -> None:
        self._options = options
        self._path = (options.weights or package_folder()) / VIDEO_CODEC
        self._loaded: tuple[str, VideoCodec] | None = None

    def identity(self) -> str:
        """Return the SHA-256 of the video codec, or that it is not here."""
        if not self._options.picture:
            return "sound"
        return sha256_file(self._path) if self._path.is_file() else Reason.WEIGHTS.value

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """The true clip is derived from no clip of the run."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip: the first 4 n + 1 frames of the true one, as the codec groups them.

        Raises:
            MissingError: the dataset knows no true clip, or the codec is not here.
        """
        from reference_model.media import read_frames, read_waveform

        source = true_clip(job.sample)
        fps = probe(source).fps or FPS
        with one_thread():
            frames = read_frames(source)
            kept = (len(frames) - 1) // LATENT_STRIDE * LATENT_STRIDE + 1
            pictures = frames[:kept].numpy()
            waveform: Float32 = read_waveform(source, RATE).numpy()[: round(kept / fps * RATE)]
            if self._options.picture:
                pictures = self._pictures(pictures, job.device)
            if self._options.sound:
                waveform = copied_sound(waveform)
            write_clip(job.out, list(pictures), fps, waveform, RATE)

    def _pictures(self, frames: np.ndarray, device: str) -> np.ndarray:
        import torch

        from reference_model.codecs.preprocess import frames_to_video, video_to_frames

        codec = self._codec(device)
        video = frames_to_video(torch.from_numpy(frames), size=(frames.shape[1], frames.shape[2]))
        with torch.no_grad():
            made = codec.decode(codec.encode(video[None].to(device)))[0].cpu()
        shown: np.ndarray = video_to_frames(made).numpy()
        return shown

    def _codec(self, device: str) -> VideoCodec:
        from reference_model.codecs.nano_video import load_nano_video

        if self._loaded is None or self._loaded[0] != device:
            if not self._path.is_file():
                text = f"nano-codecs lacks {self._path}; train it: python -m reference_model train nano_codec"
                raise MissingError(Reason.WEIGHTS, text)
            try:
                self._loaded = device, load_nano_video(self._path).to(device)
            except ValueError as error:
                raise MissingError(Reason.WEIGHTS, f"nano-codecs: {error}") from error
        return self._loaded[1]


def copied_sound(waveform: Float32) -> Float32:
    """Return a waveform [N] at 24 kHz by way of its mel and Griffin-Lim, [N]."""
    import torch

    from reference_model.codecs.griffin_lim import GriffinLimVocoder
    from reference_model.codecs.mel import log_mel

    mel = log_mel(torch.from_numpy(waveform)[None])
    made: Float32 = GriffinLimVocoder().decode(mel)[0].numpy().astype(np.float32)
    copied = np.zeros(len(waveform), np.float32)
    copied[: len(made)] = made[: len(waveform)]
    return copied


PLUGIN = SystemPlugin(
    name="nano-codecs",
    summary="the true clip through the codecs of uniavgen-nano: what its model could reach at best",
    make=NanoCodecs,
    options=NanoCodecsOptions,
    role=Role.UPPER_CONTROL,
    sees_truth=True,
)
