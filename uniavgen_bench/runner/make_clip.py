"""Make a clip with a system, once: equal inputs give the file that is there already."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.errors import MediaWriteError
from uniavgen_bench.runner.clip_work import ClipWork, WorkerConfig, clip_folder
from uniavgen_bench.systems.system import Identified, Job, System, SystemPlugin
from uniavgen_bench.systems.task_inputs import GIVEN_FOLDER, handed_over


@functools.cache
def _system(use: str, options: str) -> System:
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(use)
    return plugin.make(plugin.options.model_validate_json(options))


def make_clip(config: WorkerConfig, work: ClipWork) -> Path:
    """Return the generated clip, made now or by an earlier, interrupted run with equal inputs.

    Raises:
        MissingError: the system cannot make it.
    """
    if work.system is None:
        raise MissingError(Reason.NOT_GENERATED, "there is neither a file nor a system for it")
    use, options = config.systems[work.system]
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(use)
    out = config.run / "clips" / clip_folder(work.key) / f"{work.key.repeat}.mp4"
    if work.sources and not work.sources[0].is_file():
        raise MissingError(Reason.NOT_GENERATED, f"its source is not there: {work.sources[0].name}")
    inputs = [sha256_file(p) if p.is_file() else "absent" for p in work.sources]
    sample = work.sample.model_dump(mode="json")
    with _failures():
        system = _system(use, options)
    identity = [system.identity()] if isinstance(system, Identified) else []
    key = sha256_json([use, plugin.code, options, work.seed, inputs, sample, config.device, *identity])
    sidecar = out.with_suffix(".json")
    if out.is_file() and sidecar.is_file():
        made = read_sidecar(sidecar)
        if made.get("key") == key and made.get("sha256") == sha256_file(out):
            return out
    out.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with _failures(), handed_over(work.sample, plugin, config.run / GIVEN_FOLDER) as given:
        job = Job(given, work.key.repeat, work.seed, out, work.sources, config.device)
        system.generate(job)
    facts = {
        "key": key, "sha256": sha256_file(out), "system": work.key.system, "sample": work.key.sample,
        "repeat": work.key.repeat, "use": use, "options": options, "seed": work.seed, "device": config.device,
        "sources_sha256": inputs, "identity": "".join(identity), "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
    write_json(sidecar, facts)
    return out


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn what a system did not foresee into a reason; an error of the disk stays one."""
    try:
        yield
    except (MissingError, OSError, MediaWriteError):
        raise
    except Exception as error:
        raise MissingError(Reason.FAILED, f"{type(error).__name__}: {error}") from error


def read_sidecar(path: Path) -> dict[str, object]:
    """Return what was written down beside a made clip; empty when it is damaged."""
    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
