"""Fake of OpenMOSS/MOVA."""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--ckpt_path", "--prompt", "--ref_path", "--output_path"):
    parser.add_argument(name, required=True)
for name, default in (
    ("--cp_size", 1),
    ("--height", 720),
    ("--width", 1280),
    ("--num_frames", 193),
    ("--seed", 42),
):
    parser.add_argument(name, type=int, default=default)
parser.add_argument("--offload", default="none", choices=["none", "cpu", "group"])
options = parser.parse_args()
assert options.num_frames % 4 == 1 and options.cp_size == int(os.environ["WORLD_SIZE"])
assert Path(options.output_path).parent != Path() and Path(options.ref_path).exists()
if os.environ["RANK"] == "0":
    words = (options.prompt, str(options.seed))
    fake_media.clip(options.output_path, *words, seconds=options.num_frames / 24, fps=24, rate=44_100)
