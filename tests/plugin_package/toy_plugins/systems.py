"""A system that beeps."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.system import SystemPlugin


class BeepOptions(Frozen):
    hertz: float = 440.0


class Beep:
    def __init__(self, options):
        self.options = options

    def sources(self, key, clips, seed):
        return ()

    def generate(self, job):
        frames = [np.full((64, 64, 3), (job.seed + 10 * i) % 256, np.uint8) for i in range(10)]
        wave = 0.3 * np.sin(np.arange(16000) / 16000 * 2 * np.pi * self.options.hertz)
        write_clip(job.out, frames, 10, wave.astype(np.float32), 16000)


BEEP = SystemPlugin(name="beep", summary="beeps", make=Beep, options=BeepOptions)
