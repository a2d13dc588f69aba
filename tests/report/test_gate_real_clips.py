"""On real clips: late sound in some of them is caught by the gate, and re-encoding all of them is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "examples" / "planted_regression.py"


@pytest.mark.shared
@pytest.mark.usefixtures("weights_home")
def test_planted_regression_is_caught_and_reencoded_clips_pass(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("planted_regression", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.chdir(tmp_path)
    caught = script.main(
        shared / "clips" / "grid_lipnet", tmp_path / "work", reruns=1, qualities=((23, 64_000),)
    )
    assert caught, capsys.readouterr().out
