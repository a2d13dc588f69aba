"""A program that nobody wrote an adapter for."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--image", "--words", "--seed", "--out"):
    parser.add_argument(name, required=True)
options = parser.parse_args()
assert Path(options.image).exists()
fake_media.clip(options.out, options.words, options.seed, seconds=1.5, fps=20)
