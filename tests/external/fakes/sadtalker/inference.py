"""Fake of OpenTalker/SadTalker: the file is named by the second; no face ends with status 0."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--driven_audio", "--source_image", "--result_dir"):
    parser.add_argument(name, required=True)
parser.add_argument("--still", action="store_true")
parser.add_argument("--preprocess", default="crop", choices=["crop", "extcrop", "resize", "full", "extfull"])
parser.add_argument("--enhancer", default=None)
parser.add_argument("--size", type=int, default=256)
options = parser.parse_args()
assert options.source_image.split(".")[-1] in ("jpg", "png", "jpeg")
path = Path(options.result_dir) / f"{time.strftime('%Y_%m_%d_%H.%M.%S')}.mp4"
fake_media.clip(path, options.source_image[-20:], seconds=fake_media.length(options.driven_audio), fps=25)
