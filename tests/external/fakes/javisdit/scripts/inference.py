"""Fake of JavisVerse/JavisDiT: a configuration, a list of prompts; existing files are skipped."""

import argparse
import csv
import os
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("config")
for name in ("--num-frames", "--resolution", "--aspect-ratio", "--model-path", "--prompt", "--prompt-path"):
    parser.add_argument(name)
parser.add_argument("--save-dir", default="./samples/samples/")
parser.add_argument("--verbose", type=int, default=1)
options = parser.parse_args()
config = runpy.run_path(options.config)
assert Path(options.model_path).exists(), options.model_path
if options.prompt_path and options.prompt_path.endswith(".csv"):
    with Path(options.prompt_path).open(newline="") as stream:
        prompts = [row["text"] for row in csv.DictReader(stream)]
else:
    prompts = [options.prompt]
rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
size = -(-len(prompts) // world)
for index in range(len(prompts))[rank * size : (rank + 1) * size]:
    path = Path(options.save_dir) / f"sample_{index:04d}.mp4"
    if not path.exists():
        words = (prompts[index], str(config["seed"]), str(index))
        fake_media.clip(path, *words, seconds=int(options.num_frames) / config["fps"], fps=config["fps"])
