"""Fake of zhenye234/Talker-T2AV: a clip and a wav; without ffmpeg the file stays silent."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--text", "--ref-audio", "--ref-motion", "--ref-video", "--output"):
    parser.add_argument(name, required=True)
parser.add_argument("--gt-prefix-seconds", type=float, default=0.5)
options = parser.parse_args()
assert Path(options.ref_motion).suffix == ".pt" and Path(options.ref_motion).exists()
fake_media.frames(options.ref_video)
seconds = (
    min(0.06 * len(options.text), fake_media.length(options.ref_audio) + 2.4) + options.gt_prefix_seconds
)
fake_media.wave(Path(options.output).with_suffix(".wav"), options.text)
fake_media.clip(options.output, options.text, seconds=seconds, fps=25, rate=24_000)
