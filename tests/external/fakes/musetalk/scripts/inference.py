"""Fake of TMElyralab/MuseTalk: tasks in a YAML file; errors are caught and printed; a result_name stays in force."""

import argparse
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
import fake_media

parser = argparse.ArgumentParser()
for name in ("--inference_config", "--result_dir", "--unet_model_path", "--unet_config"):
    parser.add_argument(name, required=True)
parser.add_argument("--version", default="v15", choices=["v1", "v15"])
parser.add_argument("--fps", type=int, default=25)
parser.add_argument("--gpu_id", type=int, default=0)
options = parser.parse_args()
assert Path(options.unet_config).exists(), options.unet_config
name = None
for task in yaml.safe_load(Path(options.inference_config).read_text()).values():
    name = task.get("result_name", name)
    out = Path(options.result_dir) / options.version / name
    try:
        seconds = fake_media.length(task["audio_path"])
        assert Path(task["video_path"]).exists()
        if "NOFACE" in task["result_name"].upper():
            raise ValueError("no face in the image")
        fake_media.clip(out, task["result_name"], seconds=seconds, fps=options.fps)
    except Exception as error:
        print("Error occurred during processing:", error)
(Path(options.result_dir).parent / f"{Path(options.result_dir).name}.pkl").write_bytes(b"coordinates")
