"""The first of the pages of the systems: what holds for all of them, and a row for each."""

from __future__ import annotations

from uniavgen_bench.core.redaction import SHORTEST, SHORTEST_SECRET
from uniavgen_bench.systems.external.collect import APART
from uniavgen_bench.systems.external.docs_how import KEPT, options_of_command
from uniavgen_bench.systems.system import SystemPlugin

MADE_BY = "<!-- Written by `python -m uniavgen_bench.systems.external.docs docs/systems`; do not edit. -->"


def overview(plugins: list[SystemPlugin]) -> str:
    """Return the page on what all systems have in common, with a row for each and the systems without a page."""
    rows = "".join(
        f"| [{p.name}]({p.name}.md) | {', '.join(p.tasks or ('any',))} | {p.fps} | {cell(p.licence)} | "
        f"{cell(p.summary)} |\n"
        for p in plugins
    )
    single = [p.facts for p in plugins if "speech" not in p.options.model_fields]
    alone = ", ".join(f"`{e.name}`" for e in single if e.alone)
    together = ", ".join(f"`{e.name}`" for e in single if e.batch and "batch" in e.depends_on)
    together += ", `command` with `{jobs}`"
    return f"""{MADE_BY}

# Systems of other projects

Each runs in a checkout and an environment of its own. Their facts were read in their own files at the commit that each
page names; nobody ran them with their weights here. `uniavgen-bench systems doctor NAME` looks at a checkout and prints
the exact command, `uniavgen-bench systems doctor --dry-run SUITE` those of a suite.

Clips are made before anything is scored, one system after the other, and one process at a time unless `at_once` says
otherwise (below). A run keeps log, command line and text inputs of every process below `jobs/`. A clip that is finished
is kept when its process crashes, hangs or is killed; the rest is tried again in halves, and what never comes is a
missing value with its reason and log. A clip is scored byte for byte as it was delivered; what was done to its inputs,
and where it departs from what was asked for, stands beside it.

A file counts as a clip when it has a picture and a sound that decode to the ends it declares; one that is cut off or
damaged is a missing value. What a system made odd itself counts and is said: digital silence, a sound that ends more
than {APART:g} s before or after its picture, a process that ended with another status than 0 or had to be ended. A clip
of a batch is taken while the process runs, and again if the file has changed by the time the process ends.

The values of `pass_env` (of {SHORTEST} characters or more; of {SHORTEST_SECRET} where the name looks like a secret's)
and whatever has the shape of a token are replaced in logs, reasons and command lines; `env`, `command` and `arguments`
with secrets are refused. On Linux a process ends with all that it started, in whatever session; elsewhere with its
process group. Containers that it started by a daemon are not its children.

A run with the same `--out` keeps its clips as long as what makes them is the same: commit and edits of the checkout
with code that git does not know (of a folder without git: its code files), names, sizes and times of weights, `python`,
values of `pass_env` but secrets, bytes of given files, and, where clips can depend on it, `batch` and how many devices
one process has (never how many processes ran at once). Packages of an environment are not looked at. `manifest.json`
names the commits.

{KEPT}

Common options: `root` (or a folder of checkouts in UNIAVGEN_BENCH_CHECKOUTS), `python` or `launcher`, `env`,
`pass_env` (secrets by name), `devices`, `at_once`, `timeout` (seconds without a new clip), `batch`, `give_up`,
`arguments`, `scratch`. A program without a page here runs by a template: see `command` below. Clips that exist already
are rows too: see `precomputed`.

## Several processes at once: `at_once`

```yaml
    options: {{devices: [0, 1, 2, 3, 4, 5, 6, 7], at_once: 4}}
```

runs four processes of the system side by side: the first sees GPUs 0 and 1, the second 2 and 3. `at_once: auto` is one
process for each device. Shares that are not equal are refused. Each process has its own numbered folder below `jobs/`;
whichever is free takes the next clips, `batch` of them, or, without `batch`, an equal share of all. A clip is known by
the devices of its own process, and not by what ran beside it: a run that was broken off may go on with another
`at_once`, as long as each process has as many devices (where clips depend on that at all). A system whose clips depend
on which others share their process ({together}) wants `batch` to be set. `give_up`
counts on each share of the devices: a broken GPU ends its own share, and the others go on. Without `devices` every
process sees all GPUs that the run sees: right for CPUs only. A cascade has `at_once` for each stage (`speech`,
`video`).

`at_once` is refused where files of fixed names are written into the checkout: {alone},
and `command` with a `clip` that leads out of the job folder. Clone the checkout a second time, and give each clone a
run over its own samples.

## All systems

| system | tasks | fps | licence | what |
|---|---|---|---|---|
{rows}
## Any program: `command`

```yaml
systems:
  - id: mine
    use: command
    options:
      root: /checkouts/mine
      python: .venv/bin/python
      tasks: [joint]
      fps: 25
      command: [python, infer.py, --image, "{{image}}", --text, "{{speech}}", --seed, "{{seed}}", --out, "{{out}}"]
```

Placeholders: `{{image}}`, `{{audio}}`, `{{video}}`, `{{reference_audio}}`, `{{still}}` (a still video of the image as
long as the audio), `{{caption}}`, `{{speech}}`, `{{reference_text}}`, `{{language}}`, `{{task}}`, `{{seed}}`,
`{{repeat}}`, `{{id}}`, `{{name}}` (safe for files), `{{out}}`, `{{out_folder}}`, `{{folder}}`, `{{root}}`,
`{{token}}` (a word of this process alone, for files in a folder of all);
`{{speech:json}}` and `{{speech:csv}}` quote. `files:` writes input files by templates, as `{{file.NAME}}` in the
command. `clip:` is a pattern for what the program calls its clip; where it leads out of the job folder, one process at
a time runs in that checkout, and nothing that lay there before counts. An `{{id}}` that leads out of a folder is
refused. With `{{jobs}}`, a JSON Lines file, one process takes all samples.

{options_of_command()}

## Finished clips: `precomputed`

```yaml
systems:
  - id: theirs
    use: precomputed
    options: {{clips: /data/theirs, match: name, name: "sample_{{index:04d}}"}}
```

`match` is `id`, `prompt` or `name`. By prompt a file's name is the whole prompt (letters and digits count), or its
beginning where the name has a length at which prompts are cut (50 characters for Ovi) and only one sample begins so.
What fits no sample, or several, is not used; `uniavgen-bench systems match SUITE` lists it. Compared
are the caption, the speech, and the two one after the other, in any case of letters; what is put behind a prompt in the
form `_720x720_103_0` is left out. By prompt a folder gives one clip a sample, for repeat 0.
"""


def cell(text: str) -> str:
    """Return a text as it stands in a table."""
    return text.replace("|", "\\|")
