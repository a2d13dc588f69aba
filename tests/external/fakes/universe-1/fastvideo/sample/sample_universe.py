"""Fake of Dorniwang/UniVerse-1-code: a silent mp4, a wav, and the clip beside them; a failed mux ends with status 0."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
import fake_media

parser = argparse.ArgumentParser()
for name in (
    "--model_path",
    "--ace_path",
    "--transformer_path",
    "--output_path",
    "--refimg_path",
    "--prompt_path",
):
    parser.add_argument(name, required=True)
for name, default in (
    ("--num_frames", 125),
    ("--height", 256),
    ("--width", 256),
    ("--num_inference_steps", 35),
):
    parser.add_argument(name, type=int, default=default)
parser.add_argument("--guidance_scale_vid", type=float)
parser.add_argument("--guidance_scale_aud", type=float)
parser.add_argument("--seed", type=int)
parser.add_argument("--cpu_offload", action="store_true")
options = parser.parse_args()
asked = json.loads(Path(options.prompt_path).read_text())
assert isinstance(asked["audio_prompt"], list) and set(asked["speech_prompt"]) == {"speaker", "text"}
stem = (
    f"{Path(options.refimg_path).name.split('.')[0]}_{Path(options.prompt_path).name.split('.')[0]}_h512_w512"
)
out = Path(options.output_path)
words = (asked["video_prompt"], asked["speech_prompt"]["text"], str(options.seed))
fake_media.clip(out / f"{stem}.mp4", "SILENT", seconds=5, fps=25)
fake_media.wave(out / f"{stem}.wav", asked["speech_prompt"]["text"])
fake_media.clip(out / f"{stem}_with_audio.mp4", *words, seconds=options.num_frames / 25, fps=25)
