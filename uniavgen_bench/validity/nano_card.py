"""Measure `uniavgen-nano` on people that it was not trained on, and write its model card.

    python -m uniavgen_bench.validity.nano_card --weights FOLDER --training FOLDER --out reports/models/nano.md

Every number comes from a suite or from the log of a training; the card names the command of each. The runs are kept in
`--runs`: what was made and scored is not made again.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError, InputError, unknown_name
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.report.build import write_report
from uniavgen_bench.report.run_data import read_run
from uniavgen_bench.runner.run import Hooks, RunOptions, run_suite
from uniavgen_bench.runner.suite import read_suite, resolve
from uniavgen_bench.runner.suite_path import find_suite
from uniavgen_bench.systems.uniavgen_weights import NanoFiles, nano_files
from uniavgen_bench.validity.nano_card_aims import aims, aims_section
from uniavgen_bench.validity.nano_card_figures import (
    contact_sheet,
    loss_curves,
    read_log,
    spectrograms,
    write_jpg,
)
from uniavgen_bench.validity.nano_card_measures import VoiceRank, clips_of, psnr, voice_rank
from uniavgen_bench.validity.nano_card_run import SYSTEM, TaskRun
from uniavgen_bench.validity.nano_card_text import limits_section, task_section
from uniavgen_bench.validity.nano_card_training import (
    is_codec,
    label,
    note_text,
    read_data,
    recipe_text,
    training_section,
)
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CODECS = "nano_codecs"
SUITES = (CODECS, "joint", "joint_ref_audio", "continuation", "dubbing", "audio_driven")
ABLATIONS = ("ablation_interaction", "ablation_face_modulation", "ablation_macfg")
"""Suites that the card holds when they are asked for by `--suite`; they take longest."""
OWN = ("uniavgen-nano", "nano-codecs")
"""Systems that take the option `weights`."""
SHOWN = 4
"""Samples in the figures."""


@dataclass(frozen=True)
class Counts:
    """How many samples a task and an ablation have."""

    tasks: int
    ablations: int

    def of(self, suite: str) -> int:
        """Return the samples of a suite."""
        return self.ablations if suite in ABLATIONS else self.tasks


def run_task(name: str, weights: Path | None, samples: int, out: Path, workers: int | None) -> TaskRun:
    """Run a bundled suite on so many samples, or go on with it, and read what it says.

    Raises:
        BenchError: the run cannot be made; the message says why.
    """
    settings = [f"dataset.samples={samples}"]
    suite, located = read_suite(find_suite(name), settings)
    if weights is not None:
        own = [i for i, system in enumerate(suite.systems) if system.use in OWN]
        for i in own:
            block = suite.systems[i]
            chosen = {**block.options, "weights": str(weights.absolute())}
            given = {"use": block.use, "id": block.id or block.use, "options": chosen}
            given |= {"role": block.role.value} if block.role else {}
            settings.append(f"systems.{i}={_yaml(given)}")
        suite, located = read_suite(find_suite(name), settings)
    command = f"uniavgen-bench run {name} --set dataset.samples={samples}"
    options = RunOptions(out=out, workers=workers, command=command, replace=True)
    finished = run_suite(resolve(suite, located), options, Hooks(note=_say))
    data = read_run(finished.directory.root)
    write_report(data, finished.directory.root)
    return TaskRun(
        name, command, tuple(data.summaries), data.stats, data.published, data.grid, tuple(data.records)
    )


def _yaml(value: object) -> str:
    import json

    return json.dumps(value)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def card_text(
    files: NanoFiles,
    runs: dict[str, TaskRun],
    training: Sequence[str],
    voices: VoiceRank | None,
    decibels: Sequence[float],
    figures: Sequence[str],
    command: str,
) -> str:
    """Write the model card."""
    size = sum(path.stat().st_size for path in files.paths)
    lines = [
        "# nano",
        "",
        "UniAVGen at its smallest: both branches, their interaction, face-aware modulation and the five tasks, trained "
        "from scratch on the portrait world (docs/datasets/portraits.md). It makes clips of 2 s, 128 pixels, 16 frames "
        "per second, with sound at 24 kHz.",
        "",
        f"Made by: `{command}`",
        "",
        *(f"- `{p.name}`, {p.stat().st_size} bytes, sha256 `{sha256_file(p)}`" for p in files.paths),
        f"- {size / 10**6:.1f} MB ({size / 2**20:.1f} MiB) in all. Licence: Apache-2.0",
        "",
    ]  # fmt: skip
    held = aims(runs, voices)
    lines += ["## Aims", "", *aims_section(held)] if held else []
    lines += ["## Training", "", *training] if training else []
    if CODECS in runs:
        lines += ["## Codecs: the true clip through them", "", *task_section(runs[CODECS])]
        if decibels:
            low, mean, high = min(decibels), sum(decibels) / len(decibels), max(decibels)
            lines += [
                f"PSNR of the pictures to the true clip's: {mean:.1f} dB on average over {len(decibels)} clips, "
                f"{low:.1f} to {high:.1f}.",
                "",
            ]
    lines += ["## Results by task", ""]
    for name, run in runs.items():
        lines += task_section(run) if name != CODECS else []
    lines += [*figures, *limits_section(runs)]
    return "\n".join(lines).rstrip() + "\n"


def main(
    weights: Annotated[
        Path | None, typer.Option(help="Folder of weights; else those of the package.")
    ] = None,
    training: Annotated[list[Path] | None, typer.Option(help="Folder of a training; repeatable.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="Name of a recipe; repeatable.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the exported training data.")] = None,
    note: Annotated[
        str | None, typer.Option(help="How the weights were made: a text, or a file that holds it.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The card; its figures lie beside it.")] = Path(
        "reports/models/nano.md"
    ),
    runs: Annotated[Path, typer.Option(help="Where the runs are kept.")] = Path("runs/nano_card"),
    samples: Annotated[int, typer.Option(min=2, help="Samples of each task.")] = 24,
    ablation_samples: Annotated[
        int | None, typer.Option(min=2, help="Samples of the ablations; else as of the tasks.")
    ] = None,
    suite: Annotated[list[str] | None, typer.Option(help="Only these suites; repeatable.")] = None,
    workers: Annotated[int | None, typer.Option(min=1)] = None,
) -> None:
    """Measure nano and write its model card.

    Example: python -m uniavgen_bench.validity.nano_card --training runs/nano --samples 4 --out /tmp/nano.md
    """
    try:
        made = Made(tuple(training or ()), tuple(recipe or ()), data, note)
        counts = Counts(samples, ablation_samples or samples)
        _write(weights, made, out, runs, counts, suite or list(SUITES), workers)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@dataclass(frozen=True)
class Made:
    """What is told of how the weights were made: folders of trainings, recipes, exported data, a note."""

    training: tuple[Path, ...]
    recipes: tuple[str, ...]
    data: Path | None
    note: str | None

    def text(self) -> list[str]:
        """Lay out note, data and recipes.

        Raises:
            InputError: a file or a recipe cannot be read.
        """
        parts = [note_text(self.note)] if self.note else []
        parts += [read_data(self.data).text()] if self.data is not None else []
        parts += [recipe_text(name) for name in self.recipes]
        return [line for part in parts for line in (part, "")]


def _write(
    weights: Path | None,
    made: Made,
    out: Path,
    runs: Path,
    counts: Counts,
    suites: Sequence[str],
    workers: int | None,
) -> None:
    for name in suites:
        if name not in (*SUITES, *ABLATIONS):
            raise unknown_name("suite of the card", name, (*SUITES, *ABLATIONS))
    logs, told = [read_log(folder) for folder in made.training], made.text()
    try:
        files = nano_files(weights, None)
    except MissingError as error:
        raise InputError(error.missing.detail) from error
    if out.is_dir():
        raise InputError(f"{out} is a folder: name the file of the card")
    out.parent.mkdir(parents=True, exist_ok=True)
    done: dict[str, TaskRun] = {}
    for name in suites:
        typer.echo(f"{name} …", err=True)
        done[name] = run_task(name, weights, counts.of(name), runs / name, workers)
    voices = (
        voice_rank(runs / "joint_ref_audio", SYSTEM, Models(WeightLocator()))
        if "joint_ref_audio" in done
        else None
    )
    decibels = psnr(runs / CODECS, "video-codec", "ground-truth") if CODECS in done else []
    curves = []
    for log in logs:
        figure = out.with_name(f"{out.stem}_{log.folder.name}.svg")
        named = partial(label, codec=is_codec(log.lines[-1]))
        write_atomic(figure, loss_curves(log, named).encode())
        curves.append((log, figure.name))
    figures = _figures(out, runs / "joint") if "joint" in done else []
    command = _command(weights, made, counts, suites)
    told += training_section(curves)
    text = card_text(files, done, told, voices, decibels, figures, command)
    write_atomic(out, text.encode())
    typer.echo(str(out))


def _figures(out: Path, run: Path) -> list[str]:
    chosen = {name: clips_of(run, name) for name in ("ground-truth", SYSTEM)}
    known = set.intersection(*({r.sample.id for r, _ in found} for found in chosen.values()))
    ids = sorted(known)[:SHOWN]
    if not ids:
        return []
    clips = {name: [path for r, path in found if r.sample.id in ids] for name, found in chosen.items()}
    sheet = write_jpg(out.with_name(f"{out.stem}_sheet.jpg"), contact_sheet(clips))
    mels = write_jpg(out.with_name(f"{out.stem}_mels.jpg"), spectrograms(clips))
    return [
        "## Clips", "", f"Task `joint`, samples {', '.join(ids)}: above the true clip, below it nano's.", "",
        f"![faces]({sheet.name})", "", "Mel spectrograms of the same clips: left the true sound, right nano's.", "",
        f"![spectrograms]({mels.name})", "",
    ]  # fmt: skip


def _command(weights: Path | None, made: Made, counts: Counts, suites: Sequence[str]) -> str:
    parts = ["--samples", str(counts.tasks)]
    if counts.ablations != counts.tasks and not set(ABLATIONS).isdisjoint(suites):
        parts += ["--ablation-samples", str(counts.ablations)]
    parts += ["--weights", str(weights)] if weights is not None else []
    parts += [part for folder in made.training for part in ("--training", str(folder))]
    parts += [part for name in made.recipes for part in ("--recipe", name)]
    parts += ["--data", str(made.data)] if made.data is not None else []
    parts += ["--note", made.note] if made.note else []
    parts += [part for name in suites for part in ("--suite", name)] if tuple(suites) != SUITES else []
    return f"python -m uniavgen_bench.validity.nano_card {shlex.join(parts)}"


if __name__ == "__main__":
    typer.run(main)
