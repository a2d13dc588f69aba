"""Fake of Omni-Avatar/OmniAvatar: lines of prompt@@image@@audio; silence first; results below demo_out."""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True)
parser.add_argument("--input_file", required=True)
parser.add_argument("--hp", default="")
options = parser.parse_args()
assert "RANK" in os.environ and Path(options.config).exists()
hp = dict(pair.split("=") for pair in options.hp.split(",") if pair)
known = {"seed", "num_steps", "guidance_scale", "silence_duration_s", "sp_size", "max_tokens", "overlap_frame",
         "use_fsdp", "tea_cache_l1_thresh", "audio_scale", "max_hw"}  # fmt: skip
assert set(hp) <= known, hp
stem = Path(options.input_file).name.split(".")[0]
folder = Path("demo_out/exp") / f"res_{stem}_seed{hp.get('seed', '42')}_{time.strftime('%Y%m%d%H%M%S')}"
for number, line in enumerate(Path(options.input_file).read_text().splitlines()):
    if not line.strip():
        continue
    text, image, audio = line.split("@@")
    assert Path(image).exists()
    seconds = fake_media.length(audio) + float(hp.get("silence_duration_s", "0.3")) + 0.04
    fake_media.clip(folder / f"result_{number:03d}_000.mp4", "SILENT", seconds=0.2, fps=25)
    fake_media.clip(folder / f"result_{number:03d}_000_wav.mp4", text, str(hp), seconds=seconds, fps=25)
