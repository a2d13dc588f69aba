"""The manifest says in which numbers the networks of a system compute."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from runner.conftest import Bench


def test_manifest_states_the_precision_of_systems_that_know_theirs(bench: Bench, clips: Path) -> None:
    suite = {
        "schema": 1,
        "name": "two",
        "dataset": {"name": "folder", "path": str(clips)},
        "systems": [
            "precomputed",
            {"id": "small", "use": "uniavgen-nano", "options": {"weights": str(bench.folder / "none")}},
        ],
        "metrics": ["toy.brightness"],
    }
    (bench.folder / "two.yaml").write_text(yaml.safe_dump(suite))
    bench("run", "two.yaml", "--out", "out")
    manifest = json.loads((bench.folder / "out" / "manifest.json").read_text())
    assert manifest["precision"] == {"small": "float32"}
