"""What the fakes of InfiniteTalk and MultiTalk share."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import fake_media


def run(kind: str, picture: str) -> None:
    parser = argparse.ArgumentParser()
    for name in ("--ckpt_dir", "--wav2vec_dir", "--input_json", "--save_file"):
        parser.add_argument(name, required=True)
    if kind == "infinitetalk":
        parser.add_argument("--infinitetalk_dir", required=True)
    parser.add_argument("--size", choices=[f"{kind}-480", f"{kind}-720"])
    parser.add_argument("--sample_steps", type=int)
    parser.add_argument("--mode", default="clip", choices=["clip", "streaming"])
    parser.add_argument("--motion_frame", type=int, default=25)
    parser.add_argument("--audio_save_dir", default="save_audio")
    parser.add_argument("--base_seed", type=int, default=42)
    parser.add_argument("--ulysses_size", type=int, default=1)
    parser.add_argument("--dit_fsdp", action="store_true")
    parser.add_argument("--t5_fsdp", action="store_true")
    options = parser.parse_args()
    asked = json.loads(Path(options.input_json).read_text())
    assert Path(asked[picture]).exists() and set(asked["cond_audio"]) == {"person1"}
    seconds = fake_media.length(asked["cond_audio"]["person1"])
    assert seconds * 25 > 81, "Audio file not long enough"
    Path(options.audio_save_dir).mkdir(parents=True, exist_ok=True)
    left = Path(f"{options.save_file}-cropaudio.wav")
    assert not left.exists(), f"{left} blocks a rerun"
    if options.mode == "clip":
        seconds = 81 / 25
    words = (asked["prompt"], str(options.base_seed))
    fake_media.clip(f"{options.save_file}.mp4", *words, seconds=seconds, fps=25)
