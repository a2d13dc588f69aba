"""The section of the model card of nano on its trainings: data, recipes with their seeds, steps, time and losses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.validity.nano_card_figures import TrainingLog

FEW, MANY = 5, 20
"""Lines of a log that are averaged at either end of a stage: of one task, of several."""
NAMES = ("audio", "video", "lips", "mask", "picture")


@dataclass(frozen=True)
class TrainingData:
    """An exported dataset: how many clips of how many people, of which split and seed."""

    clips: int
    people: int
    split: str
    seed: int

    def text(self) -> str:
        """Render it in a sentence."""
        return (
            f"Data: {self.clips:,} clips of {self.people:,} people of the portrait world's split `{self.split}`, "
            f"seed {self.seed}."
        )


def read_data(folder: Path) -> TrainingData:
    """Read what `dataset export portraits` wrote of itself.

    Raises:
        InputError: the folder holds no such index.
    """
    path = folder / "index.json"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        options = index["options"]
        return TrainingData(
            int(index["clips"]), int(index["identities"]), str(options["split"]), int(options["seed"])
        )
    except OSError as error:
        raise InputError(
            f"{folder} holds no index.json: name the folder that `dataset export` wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not the index of an export of the portraits") from error


def recipe_text(name: str) -> str:
    """Render a recipe's command and seed.

    Raises:
        InputError: there is no such recipe, or it cannot be read.
    """
    from reference_model.training.config import read_recipe

    try:
        seed = read_recipe(name).seed
    except ValueError as error:
        raise InputError(str(error)) from error
    return f"Recipe `{name}`, seed {seed}: `python -m reference_model train {name}` (docs/training.md)."


def note_text(note: str) -> str:
    """Return the text of a note: that of the file where it names one, else itself.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        named = Path(note).is_file()
    except (OSError, ValueError):  # a text too long for a name, or with a NUL
        named = False
    if not named:
        return note.strip()
    try:
        return Path(note).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the note {note} cannot be read: {error}") from error


def training_section(logs: Sequence[tuple[TrainingLog, str | None]]) -> list[str]:
    """Lay out stages, steps, minutes and losses of trainings; each with the file of its curves."""
    lines: list[str] = []
    for log, figure in logs:
        kind = "PSNR and loss" if is_codec(log.lines[-1]) else "losses"
        lines += [f"### {log.folder.name}", ""]
        lines += [f"| stage | steps | minutes | first {kind} | last {kind} |", "|---|---|---|---|---|"]
        mixed: list[str] = []
        for stage in log.stages:
            own = [line for line in log.lines if line["stage"] == stage]
            tasks = list(dict.fromkeys(str(line.get("what", "")) for line in own))
            several = len(tasks) > 1
            count = min(MANY, max(FEW, len(own) // 2)) if several else FEW
            seconds, before = 0.0, 0
            for line in own:
                seconds += float(line.get("s/step", 0)) * (int(line["step"]) - before)
                before = int(line["step"])
            cells = (stage, before, f"{seconds / 60:.0f}", values(own[:count]), values(own[-count:]))
            lines.append(f"| {' | '.join(map(str, cells))} |")
            if several:
                mixed.append(f"`{stage}` ({', '.join(tasks)}; {count} lines at either end)")
        lines += ["", *_of_several_tasks(mixed), *_held_out(log)]
        lines += [f"![{kind} of {log.folder.name}]({figure})" if figure else "", ""]
    return lines


def _of_several_tasks(stages: Sequence[str]) -> list[str]:
    if not stages:
        return []
    return [
        f"Losses are over all tasks of {', '.join(stages)}: a line of the log averages the steps since the line before "
        "it, each loss over those that have it, whatever their tasks.",
        "",
    ]


def _held_out(log: TrainingLog) -> list[str]:
    """Lay out the last validation: losses of every task on people that are held out."""
    if not log.validations:
        return []
    last = log.validations[-1]
    tasks = dict.fromkeys(name.split(".")[0] for name in last if name.endswith((".audio", ".video")))
    lines = [
        f"Held out, at step {last['total_steps']}, without what is left out in training:",
        "",
        "| task | audio | video |",
        "|---|---|---|",
    ]
    for task in tasks:
        cells = [f"{last[f'{task}.{n}']:.3f}" if f"{task}.{n}" in last else "–" for n in ("audio", "video")]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    return [*lines, ""]


def is_codec(line: dict[str, Any]) -> bool:
    """Whether a line is of a training of the video codec: no other one trains on the task `pictures`."""
    return line.get("what") == "pictures"


def label(name: str, codec: bool) -> str:
    """Name a number of a log. The codec's but for its `total` are PSNR in dB, in old logs under the names of losses."""
    if not codec or name == "total":
        return name
    return "PSNR of the lips (dB)" if "lips" in name else "PSNR (dB)"


def values(lines: Sequence[dict[str, Any]]) -> str:
    """Average the losses of some lines, each over the lines that have it; of the codec PSNR in dB, and its loss."""
    if not lines:
        return "–"
    codec = is_codec(lines[-1])
    logged = dict.fromkeys(n for line in lines for n in line)
    own = [n for n in logged if n in NAMES or "psnr" in n]
    own = sorted(own, key=lambda n: NAMES.index(n) if n in NAMES else len(NAMES))
    parts = []
    for name in [*own, "total"] if codec or not own else own:
        known = [float(line[name]) for line in lines if name in line]
        if known:
            mean = sum(known) / len(known)
            called = "loss" if codec and name == "total" else label(name, codec)
            parts.append(f"{called} {mean:.3f}" if not codec or name == "total" else f"{called} {mean:.1f}")
    return ", ".join(parts)
