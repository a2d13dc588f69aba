"""The documentation page of the prompt sets, written from their cards.

Write it: `python -m uniavgen_bench.datasets.prompt_sets.page docs/datasets/prompt_sets.md`; a test compares the two.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import DatasetPlugin

from . import (
    avgen_bench,
    huggingface,
    images_csv,
    javisbench,
    mochabench,
    t2av_compass,
    uniavgen_csv,
    vabench,
    verse_bench,
)
from .prompt_set import PromptSetOptions

PLUGINS = tuple(
    module.PLUGIN
    for module in (
        uniavgen_csv,
        verse_bench,
        mochabench,
        javisbench,
        t2av_compass,
        vabench,
        avgen_bench,
        images_csv,
        huggingface,
    )
)
HEAD = """\
# Prompt sets

The prompt sets of the field as samples of this suite. None is part of this repository and none is fetched by itself:
each loader reads a copy on your disk, keeps licence and citation in the run's manifest, and refuses a task that the
set cannot serve when the suite is read. Facts were read in each project's own files at the commit named.

This page is written by `python -m uniavgen_bench.datasets.prompt_sets.page docs/datasets/prompt_sets.md`;
`uniavgen-bench dataset list` and `dataset show NAME` print the same.

```yaml
task: joint
dataset: {name: verse-bench, path: verse_bench, sets: [set3]}
```

```sh
uniavgen-bench dataset show verse-bench --set path=verse_bench    # counts by category, and what differs
```
"""
TAIL = """\
## Options that all sets have

| option | meaning |
|---|---|
| `path` | the local copy |
| `task` | what the samples are for; default: the suite's task, and without one the samples name none |
| `strict` | refuse a copy whose counts differ from the documented ones; without it a note says so |
| `clips` | a folder of finished clips, `<id>.mp4`, or under the name that the set's own scorer uses (the fact \
`clip_name`); the system `precomputed` scores them |

Paths inside a set cannot leave its folder. Tables are read as UTF-8 (a byte-order mark and Windows line ends are
fine; another encoding is refused with the line where it shows). A damaged file ends in one line that names file, line
and column or key. No public set serves `continuation`.
"""


def page() -> str:
    """Return the page as Markdown."""
    tasks = tuple(Task)
    lines = [f"| set | items | {' | '.join(tasks)} | licence |", f"|---|---|{'---|' * len(tasks)}---|"]
    for plugin in PLUGINS:
        card = _card(plugin)
        marks = " | ".join("yes" if task in card.tasks else "–" for task in tasks)
        lines.append(f"| [`{plugin.name}`](#{plugin.name}) | {card.size} | {marks} | {card.licence} |")
    return "\n".join([HEAD, *lines, "", *(_section(plugin) for plugin in PLUGINS), TAIL])


def _card(plugin: DatasetPlugin) -> SetCard:
    if plugin.card is None:
        raise TypeError(f"{plugin.name} has no card")
    return plugin.card


def _section(plugin: DatasetPlugin) -> str:
    card = _card(plugin)
    own = [name for name in plugin.options.model_fields if name not in PromptSetOptions.model_fields]
    counts = ", ".join(f"{name} {count:,}" for name, count in card.counts.items())
    facts = {
        "Lives at": card.home,
        "Get it:": f"`{card.get}`" if card.counts else card.get,
        "`path` holds": card.layout,
        "Tasks:": card.task_names,
        "Documented:": counts,
        "Licence:": card.licence,
        "Cite:": card.citation,
        "Own options:": " ".join(inspect.cleandoc(plugin.options.__doc__ or "").split()) if own else "",
    }
    lines = [
        f"## {plugin.name}",
        "",
        f"{card.title}: {card.serves}. Read at {card.read_at}.",
        "",
        *(f"- {name} {fact}" for name, fact in facts.items() if fact),
        "",
        "| sample | from |",
        "|---|---|",
        *(f"| {name} | {source} |" for name, source in card.fields.items()),
        "",
        *(f"- {trap}" for trap in card.traps),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the page to the path that is given, or to standard output."""
    if len(sys.argv) > 1:
        write_atomic(Path(sys.argv[1]), page().encode())
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main()
