"""Fake of MCG-NJU/Sora2-mini: one CSV of nine columns, one YAML; a bad row stops the job; rows come in no order."""

import argparse
import csv
import os
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("--local_rank", type=int, default=-1)
parser.add_argument("--task", type=int, default=0)
parser.add_argument("--config_file", type=str, default="configs/inference.yaml")
options = parser.parse_args()
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
config = yaml.safe_load(Path(options.config_file).read_text())
with Path(config["test_csv"]).open(newline="", encoding="utf-8") as stream:
    table = list(csv.DictReader(stream))
columns = "data_id,ref_image_path,ref_audio_path,ref_speech_content,video_path,audio_path,speech_content,prompt,lang"
for column in columns.split(","):
    for row in table:
        if row[column] in (
            "NA",
            "N/A",
            "None",
            "NaN",
            "nan",
            "null",
            "NULL",
        ):  # as the real table reader does
            row[column] = ""
for path in (config["model_path"], "vocab.txt"):
    if not Path(path).exists():
        raise FileNotFoundError(path)
for key in ("num_steps", "shift", "seed", "video_negative_prompt", "slg_layer", "macfg_prop"):
    config[key]
for i in list(reversed(range(len(table))))[rank::world]:
    row = table[i]
    for column in ("data_id", "speech_content", "prompt", "lang"):
        if not row[column]:
            raise ValueError(f"{column} is missed")
    if row["data_id"].isdecimal():  # as the real table reader does
        row["data_id"] = str(int(row["data_id"]))
    if row["lang"] not in ("en", "zh"):
        raise ValueError(row["lang"])
    if options.task != 3 and not row["ref_image_path"]:
        raise ValueError("ref image is missed")
    if options.task == 1:
        fake_media.length(row["ref_audio_path"])
        assert row["ref_speech_content"]
    if options.task == 2 and fake_media.length(row["audio_path"]) > 5.0625:
        raise ValueError("the condition audio is too long")
    if options.task == 3 and fake_media.frames(row["video_path"]) > 81:
        raise ValueError("the condition video is too long")
    fake_media.clip(
        Path(config["output_dir"]) / f"{row['data_id']}.mp4", row["prompt"], str(config["seed"]), seconds=81 / 16,
        fps=16, rate=24_000,
    )  # fmt: skip
