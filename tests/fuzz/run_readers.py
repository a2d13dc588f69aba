"""Reads what stands in a run directory and in the store that it used, when a stranger made them."""

from __future__ import annotations

import io
from pathlib import Path

from .checks import inert


def read_run(folder: Path) -> None:
    """Read a run directory that somebody else made, and write its report."""
    from uniavgen_bench.report.build import write_report
    from uniavgen_bench.report.run_data import read_run as read

    write_report(read(folder), folder)
    for page in [*folder.glob("report/*.html"), *list(folder.glob("report/clips/*.html"))[:2]]:
        inert(page.read_text(encoding="utf-8"))


def read_baseline_file(folder: Path) -> None:
    """Read the baseline of a gate."""
    from uniavgen_bench.core.gate_files import read_baseline

    read_baseline(folder / "baseline.json")


def read_validity_file(folder: Path) -> None:
    """Read validity.json."""
    from uniavgen_bench.core.validity_files import read_validity

    read_validity(folder / "validity.json")


def read_status(folder: Path) -> None:
    """Tell how far a run is, as a table on a terminal and as JSON."""
    from uniavgen_bench.core.terminal import SafeConsole, printable_json
    from uniavgen_bench.runner.run_status import run_status
    from uniavgen_bench.runner.status_show import drawn

    status = run_status(folder)
    console = SafeConsole(file=io.StringIO(), width=120, color_system=None)
    console.print(drawn(status), highlight=False)
    assert isinstance(console.file, io.StringIO)
    for text in (console.file.getvalue(), printable_json(status.model_dump_json(indent=2))):
        lines = "".join(text.splitlines())
        steering = [c for c in lines if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E]
        assert not steering, f"control characters on the terminal: {steering[:5]!r}"


def read_entries(folder: Path) -> None:
    """Read which entries of the store a run used."""
    from uniavgen_bench.core.run_events import read_entries as read

    assert all(key and not key.isspace() for key in read(folder))


def read_score(folder: Path) -> None:
    """Take an answer of a metric from the store, whose digest fits whatever the entry holds."""
    import math

    from uniavgen_bench.core.errors import InputError
    from uniavgen_bench.core.hashing import sha256_json
    from uniavgen_bench.core.regular_file import open_regular
    from uniavgen_bench.core.result import Measurement, Score
    from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier
    from uniavgen_bench.core.store import Store
    from uniavgen_bench.metrics.metric import Metric
    from uniavgen_bench.runner.score_clip import _decode, _encode

    fields = tuple(
        FieldSpec(name=name, unit="", direction=Direction.NONE, low=0, high=9, meaning=name) for name in "ab"
    )
    spec = MetricSpec(
        id="toy.answer", version=1, title="answer", summary="A toy.", fields=fields, tier=Tier.EMBEDDED,
        licence="CC0-1.0", source="tests",
    )  # fmt: skip
    key, store = sha256_json(["an answer"]), Store(folder.parent / "out" / "store")
    with open_regular(folder / "entry.json") as stream:
        store.put(key, stream.read())
    entry = store.get(key)
    assert entry is not None
    found = _decode(Metric(spec, lambda *_: Measurement({})), entry)
    if found is None:
        raise InputError("is no answer of the metric")
    assert set(found.scores) == {"a", "b"}
    assert all(0 <= s.value <= 9 for s in found.scores.values() if isinstance(s, Score))
    assert math.isfinite(found.seconds)
    again = _decode(Metric(spec, lambda *_: Measurement({})), _encode(found))
    assert again is not None and again.scores == found.scores, "what was read can be kept again"
