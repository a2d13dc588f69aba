"""Clips of made-up runs: small, but real files that a browser plays."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from io import BytesIO

import numpy as np


@cache
def tiny_clip(look: int, seconds: int = 2) -> tuple[bytes, bytes]:
    """Return a real mp4 (25 fps, H.264 with AAC) of a talking disc, and a JPEG of it."""
    import av
    import cv2

    width, height, fps, rate = 192, 144, 25, 16_000
    grid_y, grid_x = np.mgrid[0:height, 0:width]
    colour = np.array(
        [(198, 134, 96), (236, 188, 150), (120, 84, 60), (224, 172, 120), (168, 110, 80), (90, 60, 45)]
    )
    back = np.array(
        [(70, 96, 120), (150, 160, 140), (200, 190, 180), (60, 60, 80), (110, 130, 110), (180, 150, 150)]
    )
    stream = BytesIO()
    poster = b""
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "30", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=rate, layout="mono")
        for n in range(seconds * fps):
            opening = max(0.0, float(np.sin(2 * np.pi * 2.3 * n / fps + look)))
            picture = np.empty((height, width, 3), dtype=np.uint8)
            picture[:] = back[look]
            picture[((grid_x - 96) / 42) ** 2 + ((grid_y - 72) / 56) ** 2 < 1] = colour[look]
            for eye in (80, 112):
                picture[(grid_x - eye) ** 2 + (grid_y - 58) ** 2 < 20] = (30, 30, 40)
            picture[((grid_x - 96) / 16) ** 2 + ((grid_y - 98) / (2 + 9 * opening)) ** 2 < 1] = (120, 30, 40)
            if n == 5:
                poster = cv2.imencode(".jpg", picture[:, :, ::-1])[1].tobytes()
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        t = np.arange(seconds * rate) / rate
        loud = np.clip(np.sin(2 * np.pi * 2.3 * t + look), 0, None)
        tone = (0.3 * loud * np.sin(2 * np.pi * 180 * t)).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        sound.sample_rate, sound.time_base = rate, Fraction(1, rate)
        container.mux(audio.encode(sound))
        container.mux(audio.encode())
    return stream.getvalue(), poster
