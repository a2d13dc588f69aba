"""Whether a system can be found here, as `systems list` says."""

from __future__ import annotations

from dataclasses import replace

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.systems.external.checkout import commit_of, default_root, root_of
from uniavgen_bench.systems.external.external import External
from uniavgen_bench.systems.external.f5_tts import EXTERNAL as SPEECH
from uniavgen_bench.systems.system import SystemPlugin

BUILT_IN, ABSENT = "built in", "no checkout here"


def state(plugin: SystemPlugin) -> str:
    """Return whether a system can be found here: built in, or the commit of its checkout; of a cascade both."""
    if not isinstance(plugin.facts, External):
        return BUILT_IN
    external = plugin.facts
    if not external.home:
        return "ready"
    if "speech" not in plugin.options.model_fields:
        return _checkout_state(external)
    second = replace(external, name=external.name.removeprefix(f"{SPEECH.name}-"))
    stages = {stage.name: _checkout_state(stage) for stage in (SPEECH, second)}
    if set(stages.values()) == {ABSENT}:
        return ABSENT
    return "; ".join(f"{name}: {text}" for name, text in stages.items())


def _checkout_state(external: External) -> str:
    root = default_root(external.name)
    if root is None:
        return ABSENT
    try:
        root_of(external, external.options.model_construct(root=root))
    except InputError:
        return "wrong folder"
    commit = commit_of(root)
    known = commit.sha is not None and commit.sha.startswith(external.commit)
    return f"checkout {commit}" + ("" if known else f", known is {external.commit}")
