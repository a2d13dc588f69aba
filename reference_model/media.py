"""Pictures, video and sound from files, and a clip to an mp4, through PyAV."""

import io
import wave
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

MOST_LACKING = 0.05
"""Seconds that a sound may end before its header says: a last block that is not whole."""
SIZE_OF_STREAMS = 0x7FF00000
"""Bytes of sound that are no length: what writes into a pipe cannot go back to say how much it wrote."""


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
        raise ValueError(f"cannot decode {path}: {error.strerror}") from error
    if not frames:
        raise ValueError(f"{path} holds no picture")
    return torch.stack(frames)


def read_waveform(path: Path, rate: int = 24_000) -> Tensor:
    """The sound of a file, mono, `[N]` fp32 at `rate` (Hz).

    ValueError if the file holds no sound, or less than its header says.
    """
    chunks: list[np.ndarray] = []
    read = 0.0
    try:
        with av.open(str(path)) as container:
            if container.streams.audio:
                resampler = AudioResampler(format="flt", layout="mono", rate=rate)
                for frame in container.decode(container.streams.audio[0]):
                    read += frame.samples / frame.sample_rate
                    chunks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
                chunks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except FFmpegError as error:
        raise ValueError(f"cannot decode {path}: {error.strerror}") from error
    if not chunks:
        raise ValueError(f"{path} holds no sound")
    if (whole := _seconds_of_header(path)) is not None and whole - read > MOST_LACKING:
        raise ValueError(
            f"{path} ends after {read:.2f} s of {whole:.2f} s: it is cut off; take the whole file"
        )
    return torch.from_numpy(np.concatenate(chunks)).float()


def _seconds_of_header(path: Path) -> float | None:
    """How long a WAV file says it is; None: it does not say, or is of another kind.

    ffmpeg takes the size of the file for the size of the sound, whatever the header says.
    """
    if not path.is_file():  # A pipe was read once, and cannot be again.
        return None
    try:
        with wave.open(str(path), "rb") as header:
            frames, frame = header.getnframes(), header.getnchannels() * header.getsampwidth()
            return frames / header.getframerate() if frames * frame < SIZE_OF_STREAMS else None
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


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
