"""A folder of clips: subfolders are systems, hidden and other files are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.folder import FolderOptions, load_folder


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_subfolders_are_systems_and_equal_names_are_one_sample(tmp_path: Path) -> None:
    for name in ("ours/a.mp4", "ours/b.mov", "theirs/a.webm", "theirs/.hidden.mp4", "theirs/notes.txt"):
        touch(tmp_path / name)
    dataset = load_folder(FolderOptions(path=tmp_path))
    assert [(c.system, c.sample) for c in dataset.clips] == [("ours", "a"), ("ours", "b"), ("theirs", "a")]
    assert [s.id for s in dataset.samples] == ["a", "b"]


def test_flat_folder_is_one_system_and_equal_stems_stay_apart(tmp_path: Path) -> None:
    for name in ("it's a «clip» 1.mp4", "x.mp4", "x.mov"):
        touch(tmp_path / name)
    dataset = load_folder(FolderOptions(path=tmp_path))
    assert len({c.sample for c in dataset.clips}) == 3
    assert {c.system for c in dataset.clips} == {tmp_path.name}


def test_one_file_is_a_dataset_of_one_clip(tmp_path: Path) -> None:
    touch(tmp_path / "x.mp4")
    assert [c.sample for c in load_folder(FolderOptions(path=tmp_path / "x.mp4")).clips] == ["x"]


def test_empty_and_absent_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no clip"):
        load_folder(FolderOptions(path=tmp_path))
    with pytest.raises(InputError, match="no such file or folder"):
        load_folder(FolderOptions(path=tmp_path / "nowhere"))


def test_names_that_are_not_text_and_pipes_are_told_or_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "nowhere.mp4").symlink_to(tmp_path / "gone.mp4")
    assert [c.sample for c in load_folder(FolderOptions(path=tmp_path)).clips] == ["a", "nowhere"]
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))).write_bytes(b"")
    with pytest.raises(InputError, match="not UTF-8"):
        load_folder(FolderOptions(path=tmp_path))


def test_a_misspelt_way_to_name_systems_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        FolderOptions.model_validate({"path": tmp_path, "systems": "atuo"})
