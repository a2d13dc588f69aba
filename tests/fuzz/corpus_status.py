"""Seeds of what stands beside a run: its events, the list of entries that it used, and an answer in the store."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import local_copies
from report.fake_run import SYSTEMS, FakeRun, write_run


def statuses(out: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        write_run(Path(made) / "run", FakeRun(samples=2, systems=SYSTEMS[:2], media=False))
        manifest = json.loads((Path(made) / "run" / "manifest.json").read_text(encoding="utf-8"))
    about = {"time": "2026-11-22T10:00:00.000+00:00", "stage": "score", "system": "one", "repeat": 0}
    events: list[dict[str, object]] = [
        {**about, "stage": "run", "elapsed": 0.0, "what": "started", "plan": manifest["plan_sha256"]},
        {**about, "elapsed": 0.0, "what": "planned", "count": 4},
        {**about, "elapsed": 8.0, "what": "done", "sample": "s1", "seconds": 2.5},
        {**about, "elapsed": 9.5, "what": "missing", "sample": "s2", "seconds": 0.1, "reason": "no_face"},
        {**about, "stage": "run", "elapsed": 9.6, "what": "note", "text": "a note"},
    ]
    for name, state in (("running", "running"), ("over", "complete")):
        last = {**about, "stage": "run", "elapsed": 12.0, "what": "complete"}
        lines = [*events, *([last] if state == "complete" else [])]
        local_copies.put_json(out / name / "manifest.json", {**manifest, "status": state})
        local_copies.put(out / name / "events.jsonl", "".join(json.dumps(e) + "\n" for e in lines))
        local_copies.put(out / name / ".lock", b"")
    local_copies.put(out.parent / "entries" / "one" / "store_entries.txt", f"{'ab' * 32}\n{'01' * 32}\n" * 3)
    answer = {
        "scores": {"a": 1.5, "b": {"reason": "silent", "detail": "No sound."}},
        "evidence": {
            "curves": [{"name": "level", "unit": "dB", "t": [0.0, 0.5], "y": [-3.0, -6.5]}],
            "texts": {"heard": "Good morning."},
        },
        "seconds": 0.25,
    }
    local_copies.put(out.parent / "score" / "one" / "entry.json", json.dumps(answer))
