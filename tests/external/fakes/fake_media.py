"""What all fake checkouts share: small real clips, and the ways in which real systems fail.

A fake does a failure when the text that it is given, or the variable FAKE_FAIL, has its word: `NOFILE` (exit status 0,
no file), `SILENT` (a video without sound), `BROKEN` (a file that is no media), `CRASH` (exit status 1), `HANG`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from fractions import Fraction
from pathlib import Path

MODES = ("NOFILE", "SILENT", "BROKEN", "CRASH", "HANG")


def failure(*texts: str | None) -> str:
    """Return the failure that texts or the environment ask for, or nothing."""
    said = " ".join([t or "" for t in texts] + [os.environ.get("FAKE_FAIL", "")])
    return next((mode for mode in MODES if mode in said), "")


def clip(
    path: Path | str,
    *texts: str | None,
    seconds: float = 1.0,
    fps: int = 16,
    rate: int = 16_000,
    size: tuple[int, int] = (64, 64),
) -> None:
    """Write an mp4 of a grey ramp and a tone, or fail as the texts ask; the tone depends on the texts."""
    mode = failure(*texts)
    if mode == "CRASH":
        print("torch.OutOfMemoryError: CUDA out of memory (made up)", flush=True)
        sys.exit(1)
    if mode == "HANG":
        print("waiting for ever", flush=True)
        time.sleep(600)
    if mode == "NOFILE":
        print("the face was not found, nothing is written", flush=True)
        return
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "BROKEN":
        path.write_bytes(b"no media " * 400)
        print("the encoder broke off", flush=True)
        return
    seed = int(hashlib.sha256("|".join(t or "" for t in texts).encode()).hexdigest()[:8], 16)
    _write(path, seed, seconds, fps, rate if mode != "SILENT" else None, size)
    print(f"saved {path}", flush=True)
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))


def _write(path: Path, seed: int, seconds: float, fps: int, rate: int | None, size: tuple[int, int]) -> None:
    import av
    import numpy as np

    partial = path.with_name(f"tmp_{path.name}")
    with av.open(str(partial), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "35"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        sound = None
        if rate is not None:
            sound = out.add_stream("aac", rate=rate, layout="mono")
            sound.codec_context.format = "fltp"
        for i in range(max(1, round(seconds * fps))):
            level = (seed + 5 * i) % 200
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), level, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None:
            hertz = 150 + seed % 300
            tone = 0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
            heard = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = rate, 0, Fraction(1, rate)
            out.mux(sound.encode(heard))
            out.mux(sound.encode(None))
    partial.replace(path)


def length(path: Path | str, kind: str = "audio") -> float:
    """Return the length of a media file's stream in s; raises what PyAV raises where it cannot be read."""
    import av

    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        return float(container.duration or 0) / 1_000_000


def frames(path: Path | str) -> int:
    """Return how many pictures a video has."""
    import av

    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def wave(path: Path | str, text: str, rate: int = 24_000) -> None:
    """Write a WAV that lasts 60 ms per character of a text."""
    import math
    import struct
    import wave as wav

    count = round(rate * 0.06 * max(4, len(text)))
    with wav.open(str(path), "wb") as out:
        out.setparams((1, 2, rate, count, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", int(6000 * math.sin(0.06 * i))) for i in range(count)))
