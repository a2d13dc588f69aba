"""Fake of bytedance/LatentSync: one video and one sound per process; it deletes and makes ./temp."""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("--unet_config_path", type=str, default="configs/unet.yaml")
parser.add_argument("--inference_ckpt_path", type=str, required=True)
parser.add_argument("--video_path", type=str, required=True)
parser.add_argument("--audio_path", type=str, required=True)
parser.add_argument("--video_out_path", type=str, required=True)
parser.add_argument("--inference_steps", type=int, default=20)
parser.add_argument("--guidance_scale", type=float, default=1.0)
parser.add_argument("--temp_dir", type=str, default="temp")
parser.add_argument("--seed", type=int, default=1247)
parser.add_argument("--enable_deepcache", action="store_true")
options = parser.parse_args()
for path in (options.video_path, options.audio_path, options.inference_ckpt_path):
    if not Path(path).exists():
        raise RuntimeError(f"'{path}' not found")
assert " " not in options.video_out_path, "it builds a shell command of unquoted paths"
shutil.rmtree("temp", ignore_errors=True)
Path("temp").mkdir()
fake_media.frames(options.video_path)
fake_media.clip(
    options.video_out_path, str(options.seed), seconds=fake_media.length(options.audio_path), fps=25
)
shutil.rmtree("temp", ignore_errors=True)
