"""`metrics list` and `metrics show` in a terminal of 80 columns, and names that are not there."""

from __future__ import annotations

import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.metrics.catalogue import registry, show_list, show_metric, unknown_metric


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


def test_names_in_the_list_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show_list(json=False)
    lines = capsys.readouterr().out.splitlines()
    first = {line.split()[0] for line in lines if line.split()}
    metrics = registry()
    ours = [n for n in metrics.names() if metrics.points()[n][0].value.startswith("uniavgen_bench.")]
    assert {metrics.load(name).spec.name for name in ours} <= first
    assert max(len(line) for line in lines) <= 80


def test_facts_are_indented_and_sentences_end(capsys: pytest.CaptureFixture[str]) -> None:
    show_metric("lipsync.mouth_audio", json=False)
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("needs "))
    assert all(line.startswith(" ") for line in lines[start:] if line.strip())
    continued = [line for line in lines[start:] if line.startswith(" " * 16)]
    assert continued, "some line is longer than the terminal"
    [confidence] = [line for line in lines if line.startswith("confidence ")]
    assert confidence.split()[1] == "–"
    meanings = " ".join(line[-30:] for line in lines[:start])
    assert "Sign:" in meanings and "0.25 Sign:" not in " ".join(meanings.split())


def test_a_protocol_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(
        InputError, match=r"unknown protocol 'foo' of 'lipsync\.lse' \(known: .*latentsync@1\]"
    ):
        show_metric("lipsync.lse[foo]", json=False)
    found = str(unknown_metric("lipsync.lse[foo]", registry()))
    assert found.count("lipsync.lse[") >= 3 and "whole" in found.replace("-", "_")
    assert "did you mean 'lipsync.lse'" in str(unknown_metric("lipsync.lsd[foo]", registry()))
