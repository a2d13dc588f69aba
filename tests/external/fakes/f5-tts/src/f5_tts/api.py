"""Fake of SWivid/F5-TTS: the Python interface, with its seed and many texts per model load."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
import fake_media


class F5TTS:
    def __init__(self, model: str = "F5TTS_v1_Base", **rest: object) -> None:
        print("loading", model, flush=True)

    def infer(
        self, ref_file: str, ref_text: str, gen_text: str, *, file_wave: str, seed: int, nfe_step: int = 32,
        cfg_strength: float = 2.0, sway_sampling_coef: float = -1, speed: float = 1.0,
        fix_duration: float | None = None, remove_silence: bool = False,
    ) -> None:  # fmt: skip
        fake_media.length(ref_file)
        assert ref_text and gen_text and seed >= 0
        mode = fake_media.failure(gen_text)
        if mode == "CRASH":
            raise RuntimeError("CUDA out of memory (made up)")
        if mode != "NOFILE":
            fake_media.wave(file_wave, gen_text)
