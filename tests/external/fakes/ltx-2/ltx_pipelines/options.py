"""Options that both pipelines share."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    for name in ("--transformer-path", "--text-encoder-path", "--video-vae-path", "--audio-vae-path",
                 "--spatial-upsampler-path", "--prompt", "--output-path"):  # fmt: skip
        made.add_argument(name, required=True)
    made.add_argument("--image", nargs="+", action="append", default=[])
    made.add_argument("--num-frames", type=int)
    made.add_argument("--seed", type=int, default=10)
    return made


def checked(options: argparse.Namespace) -> argparse.Namespace:
    assert options.num_frames % 8 == 1, "frames are 8k + 1"
    assert len(options.prompt.split()) <= 200
    for image in options.image:
        assert len(image) in (3, 4) and Path(image[0]).exists()
    return options
