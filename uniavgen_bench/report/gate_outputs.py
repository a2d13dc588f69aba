"""Judging a run and writing the verdict where people and machines look for it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.gate_files import GATE_FILE, GateResult
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.gate_baseline import now
from uniavgen_bench.report.gate_judge import GateRequest, judge
from uniavgen_bench.report.gate_junit import junit_of, junit_refusal
from uniavgen_bench.report.gate_table import markdown_of, markdown_refusal, show


@dataclass(frozen=True)
class Outputs:
    """Where the verdict goes beside gate.json and the terminal."""

    junit: Path | None = None
    markdown: Path | None = None
    json: bool = False


def check_and_write(request: GateRequest, outputs: Outputs) -> GateResult:
    """Judge a run, write gate.json, JUnit XML and Markdown, and print the verdict.

    Where the run cannot be compared, an earlier gate.json is taken away, and JUnit XML and Markdown say why, so that no
    old verdict can be taken for this one.

    Raises:
        InputError: the run and the baseline cannot be compared, or the input is bad.
        BenchError: a file cannot be written.
    """
    target = request.run / GATE_FILE
    for path in (outputs.junit, outputs.markdown):
        if path is not None and request.baseline is not None and path.resolve() == request.baseline.resolve():
            raise InputError(f"{path} is the baseline: it is not overwritten", way_out="name another file")
    try:
        result = judge(request)
    except BenchError as error:
        if RunDirectory(request.run).manifest_path.is_file():
            _remove(target)
        _write(outputs.junit, junit_refusal(str(error), now()))
        _write(outputs.markdown, markdown_refusal(str(error)).encode())
        raise
    text = result.model_dump_json(indent=2) + "\n"
    _write(target, text.encode())
    _write(outputs.junit, junit_of(result))
    _write(outputs.markdown, markdown_of(result).encode())
    if outputs.json:
        sys.stdout.write(text)
    else:
        show(result)
    return result


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BenchError(f"{path} cannot be replaced: {error.strerror}") from None


def _write(path: Path | None, data: bytes) -> None:
    if path is None:
        return
    try:
        write_atomic(path, data)
    except OSError as error:
        raise BenchError(f"{path} cannot be written: {error.strerror}") from None
