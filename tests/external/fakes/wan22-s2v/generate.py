"""Fake of Wan-Video/Wan2.2, task s2v-14B: what is not given becomes an example; a failed mux stays silent."""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
parser.add_argument("--task", choices=["s2v-14B", "ti2v-5B"])
parser.add_argument("--size", choices=["1024*704", "704*1024", "832*480", "480*832"])
for name in ("--ckpt_dir", "--offload_model", "--prompt", "--image", "--audio", "--save_file"):
    parser.add_argument(name)
for name in ("--convert_model_dtype", "--dit_fsdp", "--t5_fsdp"):
    parser.add_argument(name, action="store_true")
parser.add_argument("--base_seed", type=int, default=-1)
parser.add_argument("--infer_frames", type=int, default=80)
parser.add_argument("--num_clip", type=int)
parser.add_argument("--sample_steps", type=int, default=40)
parser.add_argument("--ulysses_size", type=int, default=1)
options = parser.parse_args()
assert Path(options.ckpt_dir).exists()
assert options.ulysses_size == int(os.environ.get("WORLD_SIZE", "1"))
assert options.base_seed >= 0 and options.prompt and options.image and options.audio, (
    "an example would be used"
)
pieces = options.num_clip or int(fake_media.length(options.audio) / 5) + 1
seconds = (options.infer_frames * pieces - 3) / 16
if int(os.environ.get("RANK", "0")) == 0:
    seconds = min(seconds, fake_media.length(options.audio))
    fake_media.clip(options.save_file, options.prompt, str(options.base_seed), seconds=seconds, fps=16)
