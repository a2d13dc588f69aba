"""Fake of character-ai/Ovi: a YAML file and a CSV of prompts; files are named by 50 characters of the prompt."""

import argparse
import csv
import os
import re
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("--config-file", type=str, default="ovi/configs/inference/inference_fusion.yaml")
options = parser.parse_args()
rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
config = yaml.safe_load(Path(options.config_file).read_text())
assert config["mode"] in ("t2v", "i2v", "t2i2v")
assert config["model_name"] in ("720x720_5s", "960x960_5s", "960x960_10s")
assert not config["fp8"] or config["model_name"] == "720x720_5s"
if not Path(config["ckpt_dir"]).is_dir():
    raise FileNotFoundError(config["ckpt_dir"])
given = config["text_prompt"]
if given.endswith((".csv", ".tsv")):
    with Path(given).open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t" if given.endswith(".tsv") else ","))
    pairs = [(row["text_prompt"], row["image_path"]) for row in rows]
else:
    pairs = [(given, config["image_path"])]
assert all(Path(image).is_file() for _, image in pairs), "In i2v mode, all image paths must be provided."
for text, _ in pairs[rank::world]:
    for repeat in range(config["each_example_n_times"]):
        height, width = config["video_frame_height_width"]
        seed = config["seed"] + repeat
        name = re.sub(r"<.*?>", "", text).replace(" ", "_").replace("/", "_")[:50]
        path = Path(config["output_dir"]) / f"{name}_{height}x{width}_{seed}_{rank}.mp4"
        seconds = 241 / 24 if config["model_name"].endswith("10s") else 121 / 24
        fake_media.clip(path, text, str(seed), seconds=seconds, fps=24)
