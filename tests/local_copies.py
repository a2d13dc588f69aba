"""Small local copies of prompt sets in their true layout, with invented content."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PICTURE = b"\x89PNG\r\n\x1a\n invented"
SOUND = b"RIFF\x00\x00\x00\x00WAVE invented"

UNIAVGEN_COLUMNS = (
    "data_id", "ref_image_path", "ref_audio_path", "ref_speech_content", "video_path", "audio_path",
    "speech_content", "prompt", "lang",
)  # fmt: skip
MOCHA_COUNTS = {
    "1p_closeup_facingcamera": 27,
    "1p_emotion": 34,
    "1p_mediumshot_actioncontrol": 52,
    "1p_protrait": 39,
    "1p_camera_movement": 19,
    "1p_generalize_chinese": 4,
    "2p_1clip_1talk": 30,
    "2p_2clip_2talk": 15,
}


def put(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def put_json(path: Path, data: Any) -> Path:
    return put(path, json.dumps(data, indent=2, ensure_ascii=False))


def put_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerows([header, *rows])
    return path


def uniavgen_csv(root: Path, **changed: str) -> Path:
    """A checkout with one CSV of the task with a reference voice; its paths are relative to the checkout."""
    for name in ("a.png", "b.png"):
        put(root / "examples" / "datas" / name, PICTURE)
    for name in ("a.wav", "drive.wav", "silent.mp4"):
        put(root / "examples" / "datas" / name, SOUND)
    row = {
        "data_id": "001",
        "ref_image_path": "examples/datas/a.png",
        "ref_audio_path": "examples/datas/a.wav",
        "ref_speech_content": "The lamp is on the left.",
        "video_path": "",
        "audio_path": "",
        "speech_content": "We, too, went home.",
        "prompt": " A man waves.",
        "lang": "en",
    } | changed
    other = {**row, "data_id": "002", "ref_image_path": "examples/datas/b.png"}
    rows = [[r[c] for c in UNIAVGEN_COLUMNS] for r in (row, other)]
    return put_table(root / "examples" / "csvs" / "test.csv", UNIAVGEN_COLUMNS, rows)


def verse_item(text: str = "Good morning to you.", **changed: Any) -> dict[str, Any]:
    return {
        "video_prompt": "A woman at a desk.",
        "audio_prompt": ["A clock.", "Rain."],
        "speech_prompt": {"speaker": "the woman", "text": text},
    } | changed


def verse_bench(root: Path, counts: Mapping[str, int] | None = None) -> Path:
    """The folder of the Hub; every third item is without speech, and set2 has recordings."""
    for group, count in (counts or {"set1": 3, "set2": 3, "set3": 2}).items():
        for n in range(count):
            put_json(root / group / f"{n:05d}.json", verse_item("" if n % 3 == 2 else f"Sentence {n}."))
            put(root / group / f"{n:05d}.jpg", PICTURE)
            if group == "set2":
                put(root / group / f"{n:05d}.wav", SOUND)
    return root


def javisbench(root: Path, rows: int = 3, name: str = "JavisBench.csv") -> Path:
    header = ("path", "text", "cat0_ind", "cat1_ind", "audio_text")
    put_table(
        root / name, header, [(f"v{n}.mp4", f"Rain, on roof {n}", "0", "2", "rain") for n in range(rows)]
    )
    return root


def t2av_item(index: int, lines: int = 0) -> dict[str, Any]:
    said = [
        {"speaker": f"Voice {n % 2}", "description": "calm", "text": f"Line {index} {n}."}
        for n in range(lines)
    ]
    return {
        "index": index,
        "prompt": f"A street {index}.",
        "subject_matter": "Daily Life",
        "sound_type": ["Ambient Sounds", "Speech Sounds"],
        "audio_spatial_composition": "On-screen Only",
        "video_prompt": "A street.",
        "audio_prompt": "Cars." if index % 2 else "",
        "speech_prompt": said,
        "video": "",
        "checklist_info": {"Sound": {"Speech": None, "Music": "?"}},
    }


def t2av_compass(root: Path, lines: Sequence[int] = (1, 0, 2)) -> Path:
    put_json(root / "t2av-compass/Data/prompts.json", [t2av_item(i, n) for i, n in enumerate(lines, start=1)])
    return root


def vabench(
    root: Path, text: Mapping[str, int] | None = None, image: Mapping[str, int] | None = None
) -> Path:
    rows = []
    parts = {
        "json_text": text or {"easy_music": 2, "easy_human_language": 1},
        "json_image": image or {"3_Animals": 2},
    }
    for part, files in parts.items():
        for category, count in files.items():
            items = []
            for n in range(count):
                prompt = f'In {part} {category} a voice says: "Number {n}, — please."'
                items.append({"prompt_en": prompt, "prompt_vision": "A room.", "prompt_audio": "A voice.",
                              "dimension": ["second_clap"], "auxiliary_info_audio": []})  # fmt: skip
                if n:
                    rows.append(f"{category}_{n}\t{json.dumps(prompt)[1:-1]}")
            put_json(root / "json_files" / part / f"{category}.json", items)
    put(root / "mapping/final_idx_to_prompt.csv", "\n".join(["idx\tprompt", *rows]) + "\n")
    return root


def mochabench(root: Path, counts: Mapping[str, int] | None = None) -> Path:
    rows = []
    for category, count in (counts or {"1p_protrait": 2, "1p_generalize_chinese": 1}).items():
        for n in range(1, count + 1):
            context = f"{n}_man_waves"
            rows.append((str(n), category, context, f'"A close-up of man {n}."'))
            put(root / f"benchmark/first-frames-from-mocha-generation/{category}/{context}.png", PICTURE)
            put(root / f"benchmark/speeches/{category}/{context}_speech.wav", SOUND)
    put_table(root / "benchmark/benchmark.csv", ("idx_in_category", "category", "context_id", "prompt"), rows)
    return root


def avgen_bench(root: Path, counts: Mapping[str, int] | None = None) -> Path:
    for category, count in (counts or {"news": 2, "ads": 1}).items():
        items = [{"content": f"Weather: Day {n}?", "prompt": f"An anchor, day {n}."} for n in range(count)]
        put_json(root / "prompts" / f"{category}.json", items)
    return root


def images_csv(root: Path, header: str = "image,prompt,speech", *rows: str) -> Path:
    for name in ("001.png", "two.jpg"):
        put(root / name, PICTURE)
    put(root / "voice.wav", SOUND)
    return put(root / "prompts.csv", "\n".join([header, *(rows or ("001.png,A man.,Hello there.",))]) + "\n")
