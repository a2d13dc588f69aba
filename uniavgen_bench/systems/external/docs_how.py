"""What the overview of the pages says of kept clips, paths, and the options of `command`."""

from __future__ import annotations

from typing import Any

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.command import LISTED, CommandOptions

KEPT = """What was kept and what is made anew, and why, is printed when a run begins. To make the clips of a system
again all the same, delete its folder in the run (`rm -r RUN/clips/SYSTEM`) and start the same command; another `--out`
makes all of them. A clip that could not be made is tried again by every start of the command.

Relative paths: `root`, `clips`, `voice` and `motion` in a suite file are relative to that file, by `--set` to the
working folder; `python` is relative to `root`, or the name of a program on the PATH. A checkout below
UNIAVGEN_BENCH_CHECKOUTS lies in a folder of its system's name in the table: `ovi`, `latentsync`; a cascade `f5-tts-X`
uses the folders `f5-tts` and `X`.

A row whose page shows no image in its command or inputs (`javisdit`) never saw the image of a sample: it makes up a
face, and what compares its face with the sample's says nothing of how well it follows one."""

OPTIONS_OF_COMMAND: dict[str, tuple[str, str]] = {
    "command": ('[python, infer.py, --out, "{out}"]', "the words of the command line; required"),
    "tasks": ("[joint, audio_driven]", "what it can do: samples of other tasks are refused (default: any)"),
    "files": ("{in.json: '{{\"text\": {speech:json}}}'}",
              "input files by templates, `{file.in.json}` in the command; a plain brace is written twice"),
    "clip": ('"out/*.mp4"', "where the clip is, below the job folder (default: `{out}`)"),
    "audio_rate": ("16000", "Hz to which the sounds are resampled that it gets (default: as given)"),
    "still_fps": ("25", "frame rate of `{still}`"),
    "fps": ("24", "what it delivers; a clip of another rate is told as departing"),
}  # fmt: skip
"""Option of `command` alone -> an example, and what it says."""


def options_of_command() -> str:
    """Return the table of the options of `command`, and the keys of its list of jobs."""
    rows = "".join(
        f"| `{name}` | `{example}` | {text} |\n" for name, (example, text) in OPTIONS_OF_COMMAND.items()
    )
    keys = ", ".join(f"`{name}`" for name in ("id", *(name for name in LISTED if name != "id")))
    return f"""| option | example | meaning |
|---|---|---|
{rows}
Each line of the file `{{jobs}}` is one sample, with the keys {keys};
what a sample lacks is left out. The program writes each clip to the `out` of its line; in the command itself stand only
`{{jobs}}`, `{{root}}`, `{{folder}}`, `{{out_folder}}` and `{{token}}`."""


def own_options() -> set[str]:
    """Return the options that `command` has beyond those of all systems."""
    inherited: set[str] = set()
    for base in CommandOptions.__mro__[1:]:
        inherited |= set(getattr(base, "model_fields", {}))
    return set(CommandOptions.model_fields) - inherited


def example_options() -> dict[str, Any]:
    """Return the examples of the table as options, as a suite would give them."""
    import yaml

    given = {name: yaml.safe_load(example) for name, (example, _) in OPTIONS_OF_COMMAND.items()}
    return {**given, "tasks": [Task(name) for name in given["tasks"]]}
