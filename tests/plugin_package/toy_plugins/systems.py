"""A system that beeps."""

from __future__ import annotations

import av
import numpy as np

from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.system import SystemPlugin


class BeepOptions(Frozen):
    hertz: float = 440.0


class Beep:
    def __init__(self, options):
        self.options = options

    def sources(self, key, clips, seed):
        return ()

    def generate(self, job):
        with av.open(str(job.out), "w") as container:
            video = container.add_stream("libx264", rate=10)
            video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
            sound = container.add_stream("flac", rate=16000, layout="mono")
            for i in range(10):
                picture = np.full((64, 64, 3), (job.seed + 10 * i) % 256, np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
            wave = np.sin(np.arange(16000) / 16000 * 2 * np.pi * self.options.hertz) * 8000
            frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
            frame.sample_rate = 16000
            container.mux(sound.encode(frame))
            container.mux(video.encode())
            container.mux(sound.encode())


BEEP = SystemPlugin(name="beep", summary="beeps", make=Beep, options=BeepOptions)
