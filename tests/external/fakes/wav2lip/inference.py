"""Fake of Rudrabha/Wav2Lip: what follows the first dot of --face says whether it is an image; temp is shared."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--checkpoint_path", "--face", "--audio"):
    parser.add_argument(name, required=True)
parser.add_argument("--outfile", default="results/result_voice.mp4")
parser.add_argument("--fps", type=float, default=25.0)
parser.add_argument("--pads", nargs="+", type=int, default=[0, 10, 0, 0])
parser.add_argument("--nosmooth", action="store_true")
parser.add_argument("--resize_factor", type=int, default=1)
options = parser.parse_args()
if options.face.split(".")[1] not in ("jpg", "png", "jpeg"):
    fake_media.frames(options.face)
assert Path(options.checkpoint_path).exists()
fake_media.clip(options.outfile, seconds=fake_media.length(options.audio), fps=round(options.fps))
