"""A study shares results through an address, except where it computes again from nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.runner.clip_work import ClipWork, WorkerConfig
from uniavgen_bench.validity import study
from uniavgen_bench.validity.study import StudyOptions


class SeenError(Exception):
    """Carries what the workers would have been given."""


def test_what_is_scored_again_from_nothing_is_not_read_from_a_shared_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: WorkerConfig, *_: object) -> None:
        raise SeenError(config)

    monkeypatch.setattr(study, "outcomes", refuse)
    clip: Any = SimpleNamespace(sample=Sample(id="a"), path=tmp_path / "a.mp4", cluster="a")
    metric: Any = SimpleNamespace(name="toy.loudness", expected=object())
    options = StudyOptions(store=tmp_path / "store", root=tmp_path, remote="memory://shared")
    works = [ClipWork(ClipKey(system="clean", sample="a"), clip.sample, clip.path)]
    with pytest.raises(SeenError) as seen:
        study.score_works(works, [clip], [metric], options)
    assert (seen.value.args[0].store, seen.value.args[0].remote) == (tmp_path / "store", "memory://shared")
    with pytest.raises(SeenError) as seen:
        study.again([clip], [metric], options, tmp_path / "cold", threads=1, workers=1)
    assert (seen.value.args[0].store, seen.value.args[0].remote) == (tmp_path / "cold" / "store", None)
    assert "shared" not in repr(options)
