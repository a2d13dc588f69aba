"""Plugins of strangers: one that is broken costs its own name, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint

import pytest

from uniavgen_bench.core import registry
from uniavgen_bench.core.registry import METRICS, PluginError, Registry
from uniavgen_bench.metrics.metric import Metric

MOTION = EntryPoint("video.motion", "uniavgen_bench.metrics.video_motion:METRIC", METRICS)


def with_points(monkeypatch: pytest.MonkeyPatch, points: Sequence[EntryPoint]) -> Registry[Metric]:
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    return Registry(METRICS, "metric", Metric)


def test_a_name_claimed_twice_costs_only_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    wer = EntryPoint("speech.wer", "uniavgen_bench.metrics.speech_wer:METRIC", METRICS)
    found = with_points(monkeypatch, [MOTION, wer, EntryPoint("video.motion", "stranger:X", METRICS)])
    assert found.names() == ["speech.wer", "video.motion"]
    assert found.load("speech.wer").spec.name == "speech.wer@1"
    with pytest.raises(PluginError, match=r"'video\.motion' is registered twice"):
        found.load("video.motion")


def test_one_entry_point_seen_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_points(monkeypatch, [MOTION, MOTION]).load("video.motion").spec.name == "video.motion@1"


@pytest.mark.parametrize(
    "end", ["raise SystemExit('bye')", "raise RuntimeError('bye')", "import nowhere_at_all"]
)
def test_a_module_that_ends_the_program_on_import_is_broken_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, end: str
) -> None:
    folder = tmp_path_factory.mktemp("stranger")
    name = f"stranger_{abs(hash(end))}"
    (folder / f"{name}.py").write_text(end)
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(PluginError, match="cannot be loaded"):
        with_points(monkeypatch, [EntryPoint("x.y", f"{name}:X", METRICS)]).load("x.y")
