"""Fake of the script for several GPUs: one clip over all processes, without fp8; rank 0 writes."""

import argparse
import csv
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--input", "--ckpt", "--save-path"):
    parser.add_argument(name, required=True)
for name in ("--sample-n-frames", "--seed", "--image-size", "--infer-steps", "--use-deepcache"):
    parser.add_argument(name, type=int)
for name in ("--cfg-scale", "--flow-shift-eval-video"):
    parser.add_argument(name, type=float)
parser.add_argument("--infer-min", action="store_true")
options = parser.parse_args()
assert os.environ["MODEL_BASE"] == "./weights" and os.environ["PYTHONPATH"] == "./"
assert "DISABLE_SP" not in os.environ and int(os.environ["WORLD_SIZE"]) > 1
assert Path(options.ckpt).exists() and not options.ckpt.endswith("_fp8.pt")
with Path(options.input).open(newline="") as stream:
    rows = list(csv.DictReader(stream))
for row in rows:
    assert Path(row["image"]).exists() and row["fps"] == "25"
    if os.environ["RANK"] != "0":
        continue
    seconds = 129 / 25 if options.infer_min else fake_media.length(row["audio"])
    path = Path(options.save_path) / f"{row['videoid']}_audio.mp4"
    fake_media.clip(path, row["prompt"], str(options.seed), seconds=seconds, fps=25)
