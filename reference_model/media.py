"""Pictures, video and sound from files, and a clip to an mp4, through PyAV."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from torch import Tensor

from reference_model.atomic import write_whole
from reference_model.picture_limits import check_held


def read_frames(path: Path, limit: int | None = None) -> Tensor:
    """RGB frames `[T, H, W, 3]` uint8 of a video or picture, at most `limit`.

    ValueError if the file holds no picture, or more than can be held at once.
    """
    frames: list[Tensor] = []
    try:
        with av.open(str(path)) as container:
            if container.streams.video:
                for frame in container.decode(container.streams.video[0]):
                    check_held(path, frame.height, frame.width, len(frames) + 1)
                    frames.append(torch.from_numpy(frame.to_ndarray(format="rgb24")))
                    if len(frames) == limit:
                        break
    except FFmpegError as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if not frames:
        raise ValueError(f"{path} holds no picture")
    return torch.stack(frames)


def read_waveform(path: Path, rate: int = 24_000) -> Tensor:
    """The sound of a file, mono, `[N]` fp32 at `rate` (Hz).

    ValueError if the file holds no sound.
    """
    chunks: list[np.ndarray] = []
    try:
        with av.open(str(path)) as container:
            if container.streams.audio:
                resampler = AudioResampler(format="flt", layout="mono", rate=rate)
                for frame in container.decode(container.streams.audio[0]):
                    chunks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
                chunks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except FFmpegError as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if not chunks:
        raise ValueError(f"{path} holds no sound")
    return torch.from_numpy(np.concatenate(chunks)).float()


def write_clip(
    path: Path, frames: Tensor, samples: Tensor, frame_rate: int, sample_rate: int = 24_000
) -> None:
    """Write frames `[T, H, W, 3]` uint8 and mono samples `[N]` int16 as H.264 and AAC, the file whole or not at all.

    ValueError if height or width is odd, which H.264 cannot hold.
    """
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"H.264 needs even sides, got {height}x{width}")
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=frame_rate)
        video.height, video.width, video.pix_fmt = height, width, "yuv420p"
        video.options = {"crf": "17"}
        audio = container.add_stream("aac", rate=sample_rate, layout="mono")
        for picture in frames.numpy():
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        for start in range(0, len(samples), 1024):
            sound = av.AudioFrame.from_ndarray(
                samples[None, start : start + 1024].numpy(), format="s16", layout="mono"
            )
            sound.sample_rate, sound.pts, sound.time_base = sample_rate, start, Fraction(1, sample_rate)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    write_whole(path, written.getvalue())
