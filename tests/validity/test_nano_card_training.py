"""What the model card of nano says of trainings: minutes, losses and PSNR by their names, data, seeds, notes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.validity.nano_card_figures import loss_curves, read_log
from uniavgen_bench.validity.nano_card_training import (
    label,
    note_text,
    read_data,
    recipe_text,
    training_section,
)


def write_log(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "stage": stage,
            "step": step,
            "total_steps": total + step,
            "total": 9.0,
            "audio": 3.0 / step,
            "joint.audio": 2.0 / step,
            "s/step": 6.0,
        }
        for stage, total in (("voice", 0), ("<joint>", 40))
        for step in (10, 20, 30, 40)
    ]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def test_a_log_becomes_stages_minutes_and_curves(tmp_path: Path) -> None:
    log = read_log(write_log(tmp_path / "run"))
    assert log.stages == ("voice", "<joint>")
    text = "\n".join(training_section([(log, "x.svg")]))
    assert "| voice | 40 | 4 | audio 0.156 | audio 0.156 |" in text and "![losses of run](x.svg)" in text
    drawn = loss_curves(log)
    assert drawn.count("<polyline") == 1 and "&lt;joint&gt;" in drawn and "<joint>" not in drawn


def codec_log(folder: Path) -> Path:
    folder.mkdir()
    lines = [
        {"stage": "codec", "step": step, "total_steps": step, "what": "pictures", "total": 0.2,
         "video": 22.0 + step / 50,
         "lips": 21.0, "rate": 0.001, "s/step": 0.2}
        for step in (50, 100)
    ]  # fmt: skip
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def test_what_a_codec_logs_is_psnr_in_decibels_and_no_loss(tmp_path: Path) -> None:
    log = read_log(codec_log(tmp_path / "codec"))
    text = "\n".join(training_section([(log, "x.svg")]))
    assert "PSNR (dB) 23.5, PSNR of the lips (dB) 21.0, loss 0.200" in text and "video" not in text
    assert "first losses" not in text
    drawn = loss_curves(log, lambda name: label(name, codec=True))
    assert "PSNR (dB)</text>" in drawn and ">video<" not in drawn
    assert (
        label("psnr_lips", codec=True) == "PSNR of the lips (dB)" and label("video", codec=False) == "video"
    )


def test_losses_of_mixed_tasks_are_said_to_be_mixed_and_held_out_ones_stand_by_task(tmp_path: Path) -> None:
    lines = [
        {
            "stage": "tasks",
            "step": step,
            "total_steps": step,
            "what": what,
            "total": 1.0,
            "s/step": 1.0,
            **losses,
        }
        for step, what, losses in (
            (10, "joint", {"audio": 0.3, "video": 1.2}),
            (20, "dubbing", {"audio": 0.1}),
            (30, "audio_driven", {"video": 1.0}),
        )
    ]
    lines.append({"stage": "tasks", "step": 30, "total_steps": 30, "what": "validation", "joint.audio": 0.25,
                  "joint.video": 1.5, "dubbing.audio": 0.375})  # fmt: skip
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    text = "\n".join(training_section([(read_log(tmp_path), None)]))
    assert "audio 0.200, video 1.100" in text
    assert "`tasks` (joint, dubbing, audio_driven;" in text
    assert "| joint | 0.250 | 1.500 |" in text and "| dubbing | 0.375 | – |" in text


def test_a_note_is_a_text_or_the_file_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text("Not in one piece.\n")
    assert note_text(str(path)) == note_text("Not in one piece.") == "Not in one piece."
    assert note_text("long " * 400).startswith("long long")
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="cannot be read"):
        note_text(str(path))


def test_data_and_recipes_are_told_with_their_numbers_and_seeds(tmp_path: Path) -> None:
    index = {"clips": 2048, "identities": 400, "options": {"split": "train", "seed": 7}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert (
        "2,048 clips of 400 people" in read_data(tmp_path).text() and "seed 7" in read_data(tmp_path).text()
    )
    for damaged in ("[]", "{}", "x"):
        (tmp_path / "index.json").write_text(damaged)
        with pytest.raises(InputError, match="not the index of an export"):
            read_data(tmp_path)
    assert "seed 2025" in recipe_text("nano_cpu")
    with pytest.raises(InputError, match="no recipe nano_cpuu"):
        recipe_text("nano_cpuu")


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"stage": "a"}\n'])
def test_a_folder_of_no_training_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(InputError) as told:
        read_log(tmp_path)
    assert "\n" not in str(told.value)
