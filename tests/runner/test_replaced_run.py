"""A run that takes the folder of another leaves nothing there that tells of the other."""

from __future__ import annotations

from pathlib import Path

from runner.conftest import Bench, make_clip

from uniavgen_bench.core.run_files import RunDirectory


def test_replaced_run_leaves_no_results_behind(bench: Bench, tmp_path: Path) -> None:
    make_clip(tmp_path / "few" / "A" / "0.mp4")
    run = bench.score(tmp_path / "few", ["toy.raise", "toy.tell"])
    assert "toy.raise@1" in (run / "problems.log").read_text()
    used = (run / "store_entries.txt").read_text().splitlines()
    (run / "published.json").write_text("{}")
    (run / "validity.json").write_text("{}")
    evidence = list((run / "evidence").rglob("*.json"))
    assert used and len(evidence) == 1
    again = bench.score(tmp_path / "few", ["toy.raise", "toy.tell"])
    assert (again / "problems.log").is_file(), "the same run says again what fails"
    assert evidence[0].is_file()
    bench.score(tmp_path / "few", ["toy.brightness"], "--replace")
    for name in ("problems.log", "published.json", "evidence"):
        assert not (run / name).exists(), name
    now = (run / "store_entries.txt").read_text().splitlines()
    assert now and not set(now) >= set(used)
    assert (run / "validity.json").is_file() and (run / "events.jsonl").is_file()
    assert [m.name for m in RunDirectory(run).manifest().metrics] == ["toy.brightness@1"]
