"""A clip is made anew when what makes it changed: code of the checkout, weights, given files; and only then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from external.test_runs import bench
from external.world import PYTHON, checkout, system
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.systems.external.checkout import commit_of
from uniavgen_bench.systems.external.checkout_state import files_state, state_of

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the fake Ovi."""
    return Path(shutil.copytree(checkout("ovi"), tmp_path / "ovi"))


@pytest.fixture
def repository(root: Path) -> Path:
    """The same as a git checkout."""
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, "-C", str(root), *words], check=True)
    return root


@pytest.mark.parametrize("kind", ["root", "repository"])
def test_every_edit_of_a_checkout_is_another_state(kind: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(kind)
    code = root / "inference.py"
    text, clean = code.read_text(), state_of(root)
    seen = {clean}
    for edit in ("# v1\n", "# v2\n"):
        code.write_text(text + edit)
        assert state_of(root) not in seen
        assert state_of(root) == state_of(root)
        seen.add(state_of(root))
    code.write_text(text)
    assert state_of(root) == clean
    (root / "sitecustomize.py").write_text("x = 1")
    assert state_of(root) not in seen
    assert commit_of(root).changed is (kind == "repository")


def test_the_commit_is_named_by_project(repository: Path) -> None:
    made_by = system("ovi", root=str(repository))
    sha = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert made_by.checkouts() == {"character-ai/Ovi": sha}
    (repository / "inference.py").write_text("edited")
    assert made_by.checkouts() == {"character-ai/Ovi": f"{sha}, changed"}


@pytest.mark.parametrize("kind", ["root", "repository"])
def test_what_a_process_writes_does_not_change_a_checkout(kind: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(kind)
    clean = state_of(root)
    run = root / "my run"
    for file in ("clip.mp4", "log.txt", "results/a.py", "demo_out/exp/args.json", "__pycache__/a.py", ".venv/b.py",
                 "my run/suite.lock.yaml", "my run/jobs/ovi/0000/run.yaml"):  # fmt: skip
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("new")
    assert state_of(root) == clean
    (run / "suite.lock.yaml").unlink()
    assert state_of(root) != clean


def test_weights_are_known_by_names_sizes_and_times(root: Path) -> None:
    weights = root / "ckpts" / "weights.txt"
    before = files_state(root, ["./ckpts"])
    assert before == files_state(root, ["./ckpts"]) and files_state(root, ["absent"]) == ""
    os.utime(weights, ns=(1, 1))
    assert files_state(root, ["./ckpts"]) != before


def identity(name: str, **options: Any) -> str:
    return system(name, **options).identity()


EIGHT = list(range(8))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("hunyuanvideo-avatar", {}, {"devices": EIGHT}),
        ("hunyuanvideo-avatar", {}, {"batch": 1}),
        ("javisdit", {"text_only": True}, {"text_only": True, "batch": 0}),
        ("javisdit", {"text_only": True}, {"text_only": True, "devices": [0, 1]}),
        ("omniavatar", {}, {"devices": EIGHT}),
        ("wan22-s2v", {}, {"devices": EIGHT}),
        ("mova", {}, {"devices": EIGHT}),
        ("infinitetalk", {}, {"devices": EIGHT}),
        ("universe-1", {}, {"devices": EIGHT}),
        ("command", {"command": ["a", "{out}"]}, {"command": ["a", "{out}"], "devices": EIGHT}),
        ("ovi", {}, {"python": "python3"}),
        ("ovi", {}, {"pass_env": ["A_VARIABLE"]}),
        ("ovi", {}, {"ckpt_dir": "./absent"}),
    ],
)
def test_options_that_change_clips_are_part_of_what_makes_them(
    name: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert identity(name, **one) != identity(name, **other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("uniavgen", {}, {"devices": EIGHT, "batch": 3}),
        ("ovi", {}, {"devices": EIGHT, "batch": 3}),
        ("omniavatar", {"devices": [3]}, {"devices": [5]}),
        ("ltx-2", {}, {"devices": [0, 1]}),
        ("hunyuanvideo-avatar", {}, {"timeout": 5, "give_up": 1, "scratch": "/tmp"}),
        ("ovi", {"pass_env": []}, {"pass_env": ["HF_TOKEN"]}),
    ],
)
def test_options_of_how_it_is_run_are_not(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert identity(name, **one) == identity(name, **other)


def test_a_variable_counts_by_its_value_and_a_file_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    motion = tmp_path / "motion.pt"
    for value in ("/one", "/two"):
        monkeypatch.setenv("CHECKPOINT_DIR", value)
        motion.write_text("the same")
        seen.append(identity("talker-t2av", motion=str(motion), pass_env=["CHECKPOINT_DIR"]))
    motion.write_text("other")
    seen.append(identity("talker-t2av", motion=str(motion), pass_env=["CHECKPOINT_DIR"]))
    assert len(set(seen)) == 3


def picture(path: Path, level: int) -> None:
    cv2.imwrite(str(path), np.full((96, 128, 3), level, np.uint8))


def test_an_edit_of_the_program_and_another_image_under_the_same_name_make_clips_anew(tmp_path: Path) -> None:
    fakes = Path(shutil.copytree(checkout("."), tmp_path / "fakes"))
    program = fakes / "command" / "make.py"
    picture(tmp_path / "anna.png", 60)
    picture(tmp_path / "ben.png", 60)
    rows = [{"sample": n, "task": "joint", "image": f"{n}.png", "caption": n, "speech": "Words."}
            for n in ("anna", "ben")]  # fmt: skip
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [
        "python",
        "make.py",
        "--image",
        "{image}",
        "--words",
        "{speech}",
        "--seed",
        "1",
        "--out",
        "{out}",
    ]
    options = {"root": str(program.parent), "python": str(PYTHON), "command": words}
    suite = {
        "schema": 1, "name": "edits", "task": "joint", "dataset": {"name": "manifest", "path": "samples.jsonl"},
        "systems": [{"id": "mine", "use": "command", "options": options}], "metrics": ["video.motion"],
    }  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(suite))

    def run() -> tuple[str, dict[str, int]]:
        done = bench(tmp_path, "run", "s.yaml", "--out", "run", "--workers", 1)
        assert done.returncode == 0, done.stderr
        clips = {p.parent.name: p.stat().st_mtime_ns for p in (tmp_path / "run" / "clips").rglob("0.mp4")}
        assert len(clips) == 2
        return " ".join(done.stderr.split()), clips

    said, first = run()
    assert "made anew" not in said
    assert RunDirectory(tmp_path / "run").manifest().checkouts == {"mine": {"command": "not a git checkout"}}
    said, second = run()
    assert second == first and "mine: 2 clips of an earlier run are kept" in said
    program.write_text(program.read_text().replace("fps=20", "fps=10"))
    said, third = run()
    assert all(third[name] != first[name] for name in first)
    assert (
        "mine: 2 clips of an earlier run are made anew: the checkout, its weights or its environment changed"
        in said
    )
    assert RunDirectory(tmp_path / "run").manifest().media["mine"].startswith("2 clips: 10 fps")
    picture(tmp_path / "anna.png", 200)
    said, fourth = run()
    assert [name for name in third if fourth[name] != third[name]] == [n for n in third if "anna" in n]
    assert "mine: 1 clips of an earlier run are made anew: its inputs or options changed" in said
