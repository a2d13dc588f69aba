"""A page for every system, made from its facts: `python -m uniavgen_bench.systems.external.docs docs/systems`."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch
from uniavgen_bench.systems.external.docs_overview import MADE_BY, cell, overview
from uniavgen_bench.systems.external.doctor import example_sample
from uniavgen_bench.systems.external.external import HOW_ONLY, External
from uniavgen_bench.systems.external.f5_tts import EXTERNAL as SPEECH
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.system import Job, SystemPlugin

CHECKOUT = "CHECKOUT"


def pages() -> Iterator[tuple[str, str]]:
    """Yield file names and texts of all pages, the overview first."""
    registry = Registry(SYSTEMS, "system", SystemPlugin)
    plugins = [plugin for _, plugin in registry if isinstance(plugin.facts, External) and plugin.facts.home]
    yield "README.md", overview(plugins)
    for plugin in plugins:
        cascade = _is_cascade(plugin)
        yield f"{plugin.name}.md", _cascade_page(plugin) if cascade else _page(plugin.facts)


def _is_cascade(plugin: SystemPlugin) -> bool:
    return "speech" in plugin.options.model_fields


def _page(external: External) -> str:
    tasks = ", ".join(external.tasks)
    steps = "".join(f"{n}. {step}\n" for n, step in enumerate(external.steps, start=1))
    caveats = "".join(f"- {text[0].upper()}{text[1:]}.\n" for text in external.caveats)
    delivers = external.delivers
    return f"""{MADE_BY}

# {external.name}

{external.title}.

| | |
|---|---|
| project | [{external.home}](https://github.com/{external.home}) at {external.commit} ({external.dated}) |
| tasks | {tasks} |
| licence of the code | {cell(external.licence)} |
| licence of the weights | {cell(external.weights_licence)} |
| frame rate | {f"{delivers.fps:g} fps" if delivers.fps is not None else "of the input"} |
| length | {cell(delivers.length)} |
| sound | {cell(delivers.sound)} |
| size | {cell(delivers.size)} |
| seed | {cell(external.seed)} |
| clips per process | {"many" if external.batch else "one"} |
| GPU memory, stated | {cell(external.memory)} |
| environment, stated | {cell(external.environment)} |

## Steps

{steps}
```yaml
# rivals.yaml
{_suite_block(external, external.tasks[0], _options(external))}```

```
uniavgen-bench systems doctor {external.name} --set root=/checkouts/{external.name} --set python=.venv/bin/python
uniavgen-bench systems doctor {external.name} --dry-run rivals.yaml
uniavgen-bench run rivals.yaml
```

## What is run

{_commands(external)}
## To know

{caveats}
## Options

{_option_table(external)}"""


def _cascade_page(plugin: SystemPlugin) -> str:
    external: External = plugin.facts
    second = plugin.name.removeprefix("f5-tts-")
    options = {"speech": {**_options(SPEECH), "voice": "/data/voice.wav", "voice_text": "What the voice says."},
               "video": {**_options(external, second)}}  # fmt: skip
    caveats = "".join(f"- {text[0].upper()}{text[1:]}.\n" for text in SPEECH.caveats)
    steps = "".join(f"{n}. {step}\n" for n, step in enumerate(SPEECH.steps, start=1))
    return f"""{MADE_BY}

# {plugin.name}

{external.title}. F5-TTS speaks the words of a sample, then [{second}]({second}.md) makes a face for that sound. Tasks:
{", ".join(plugin.tasks or ())}. Licences: {external.licence}.

## Steps

{steps}{len(SPEECH.steps) + 1}. Set up {second} as [its page]({second}.md) says.

```yaml
# rivals.yaml
{_suite_block(external, Task.JOINT, options)}```

## What is run first

{_commands(SPEECH)}
## To know

{caveats}- The seed of the speech is an option; the sounds stay in the run below `jobs/`.
"""


def _options(external: External, name: str | None = None) -> dict[str, Any]:
    called = name or external.name
    example = {k: _placed(v, f"/checkouts/{called}") for k, v in external.example.items()}
    return {"root": f"/checkouts/{called}", "python": ".venv/bin/python", **example}


def _placed(value: Any, root: str) -> Any:
    return value.replace(CHECKOUT, root) if isinstance(value, str) else value


def _suite_block(external: External, task: Task, options: Mapping[str, Any]) -> str:
    suite = {
        "schema": 1, "name": "rivals", "task": task.value,
        "dataset": {"name": "portraits", "task": task.value, "split": "test", "samples": 24},
        "systems": ["ground-truth", {"use": external.name, "options": dict(options)}],
        "metrics": ["lipsync.mouth_audio", "speech.wer", "video.motion"],
    }  # fmt: skip
    return yaml.safe_dump(suite, sort_keys=False, width=110)


def _commands(external: External) -> str:
    """Return the command and text inputs of one sample of each task, with CHECKOUT and JOB for the folders."""
    shown = []
    with tempfile.TemporaryDirectory(prefix="uniavgen-bench-docs-") as folder:
        root = Path(folder) / "checkout"
        for file in (external.entry, *(v.removeprefix(f"{CHECKOUT}/") for v in _files(external))):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).touch()
        for task in external.tasks:
            shown.append(_command(external, task, root, Path(folder) / task.value))
    return "\n".join(shown)


def _files(external: External) -> list[str]:
    return [v for v in external.example.values() if isinstance(v, str) and v.startswith(CHECKOUT)]


def _command(external: External, task: Task, root: Path, work: Path) -> str:
    sample = example_sample(work / "given", task)
    values = {k: _placed(v, str(root)) for k, v in external.example.items()}
    if "voice" in external.options.model_fields:
        values |= {"voice": str(sample.reference_audio)}
    if "voice_text" in external.options.model_fields:
        values |= {"voice_text": sample.reference_text}
    options = external.options.model_validate(values)
    config = getattr(options, "config", None)
    if isinstance(config, str):
        (root / config).parent.mkdir(parents=True, exist_ok=True)
        (root / config).write_text("seed = 42\n", encoding="utf-8")
    items = ExternalSystem(external, options).items([Job(sample, 0, 2025, work / "clip.mp4")])
    batch: Batch[Any] = Batch(root, work / "job", options, tuple(items), token="TOKEN")
    batch.folder.mkdir(parents=True)
    launch = external.prepare(batch)
    places = {str(batch.folder): "JOB", str(root): CHECKOUT, str(Path(__file__).parent): "UNIAVGEN_BENCH"}

    def plain(text: str) -> str:
        for path, name in places.items():
            text = text.replace(path, name)
        return text

    words = [plain(word) for word in launch.arguments]
    variables = "".join(f"export {k}={v}\n" for k, v in launch.environment.items())
    text = f"### {task.value}\n\n```\ncd {CHECKOUT}\n{variables}{shlex.join(words)}\n```\n"
    for path in sorted(batch.folder.iterdir()):
        if path.is_file():
            text += f"\n`JOB/{path.name}`:\n\n```\n{plain(path.read_text(encoding='utf-8')).rstrip()}\n```\n"
    return text


def _option_table(external: External) -> str:
    rows = ["| option | default |", "|---|---|"]
    for name, field in external.options.model_fields.items():
        if name in HOW_ONLY | {"launcher", "env", "arguments"}:
            continue
        default = "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
        rows.append(f"| `{name}` | {cell(default)} |")
    doc = " ".join((external.options.__doc__ or "").split())
    return f"{doc}\n\n" + "\n".join(rows) + "\n"


def write_pages(folder: Path) -> list[str]:
    """Write all pages into a folder, take away those of systems that are gone, and return the names written."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, text in pages():
        (folder / name).write_text(text, encoding="utf-8")
        names.append(name)
    for path in folder.glob("*.md"):
        if path.name not in names and MADE_BY in path.read_text(encoding="utf-8"):
            path.unlink()
    return names


if __name__ == "__main__":
    written = write_pages(Path(sys.argv[1]))
    sys.stdout.write(f"{len(written)} pages\n")
