"""Datasets of the library `datasets`: without the extra one line says so; with it local folders are read, offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import local_copies as made
import pytest

from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.prompt_sets.huggingface import HubColumns, HuggingFaceOptions, load


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))


def test_a_folder_of_the_packages_name_is_not_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", ModuleType("datasets"))
    with pytest.raises(NotInstalledError, match="hub"):
        load(HuggingFaceOptions(path=tmp_path))


def test_without_the_package_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(NotInstalledError, match=r"pip install 'uniavgen-bench\[hub\]'"):
        load(HuggingFaceOptions(path=tmp_path))


@pytest.fixture
def library() -> Any:
    found = pytest.importorskip("datasets", reason="the extra hub is not installed")
    if not hasattr(found, "load_from_disk"):  # the folder of these tests has the same name
        pytest.skip("the extra hub is not installed")
    return found


def rows() -> dict[str, list[Any]]:
    return {
        "id": ["001", "002"],
        "image": [{"bytes": made.PICTURE, "path": None}, {"bytes": made.PICTURE + b"2", "path": "b.png"}],
        "prompt": ["A man.", "A woman."],
        "transcript": ["Hello.", "你好"],
        "ref_audio_path": [{"bytes": made.SOUND, "path": "v.wav"}] * 2,
    }


def saved(library: Any, folder: Path, **changed: list[Any]) -> Path:
    features = library.Features(
        {
            "id": library.Value("string"),
            "image": library.Image(decode=False),
            "prompt": library.Value("string"),
            "transcript": library.Value("string"),
            # To encode sounds the library wants a decoder; the column is declared as sound afterwards.
            "ref_audio_path": {"bytes": library.Value("binary"), "path": library.Value("string")},
        }
    )
    table = library.Dataset.from_dict(rows() | changed, features=features)
    table = table.cast_column("ref_audio_path", library.Audio(decode=False))
    library.DatasetDict({"test": table}).save_to_disk(str(folder))
    return folder


def test_a_saved_dataset_gives_pictures_and_sounds_as_files_under_their_hash(
    tmp_path: Path, library: Any
) -> None:
    path = saved(library, tmp_path / "saved")
    options = HuggingFaceOptions(path=path, task=Task.JOINT_REF_AUDIO, licence="CC0", citation="Us, 2026")
    dataset = load(options)
    first, second = dataset.samples
    assert first.id == "001" and first.speech == "Hello." and second.language == "zh"
    assert (
        first.image is not None and first.image.read_bytes() == made.PICTURE and first.image.suffix == ".png"
    )
    assert first.image.is_relative_to(tmp_path / "home") and first.image != second.image
    assert first.reference_audio == second.reference_audio and first.reference_audio is not None
    assert first.reference_audio.suffix == ".wav"
    assert dataset.facts["licence"] == "CC0" and dataset.facts["citation"] == "Us, 2026"


def test_parquet_files_of_a_split_are_read_and_columns_are_mapped(tmp_path: Path, library: Any) -> None:
    table = library.Dataset.from_dict({"said": ["Hi."], "scene": ["A man."], "image": ["p/1.png"]})
    (tmp_path / "set/data").mkdir(parents=True)
    table.to_parquet(str(tmp_path / "set/data/test-00000-of-00001.parquet"))
    made.put(tmp_path / "set/p/1.png", made.PICTURE)
    columns = HubColumns(speech="said", caption="scene")
    (sample,) = load(HuggingFaceOptions(path=tmp_path / "set", columns=columns, task=Task.JOINT)).samples
    assert sample.id == "00000" and sample.speech == "Hi." and sample.image is not None
    with pytest.raises(InputError, match=r"has no file of the split 'train' .*splits: test"):
        load(HuggingFaceOptions(path=tmp_path / "set", split="train", columns=columns))
    with pytest.raises(InputError, match=r"no column 'sade' for speech .*did you mean"):
        load(HuggingFaceOptions(path=tmp_path / "set", columns=HubColumns(speech="sade")))


def test_rows_that_do_not_fit_name_row_and_column(tmp_path: Path, library: Any) -> None:
    path = saved(library, tmp_path / "a", transcript=["Hello.", ""])
    with pytest.raises(InputError, match=r"a:2: transcript: is empty, but joint needs it"):
        load(HuggingFaceOptions(path=path, task=Task.JOINT))
    path = saved(library, tmp_path / "b", id=["1", "1"])
    with pytest.raises(InputError, match="the sample '1' stands at"):
        load(HuggingFaceOptions(path=path))
    (tmp_path / "c").mkdir()
    table = library.Dataset.from_dict({"caption": ["A man."], "image": ["../x.png"]})
    table.to_parquet(str(tmp_path / "c/test.parquet"))
    with pytest.raises(InputError, match=r"c:1: image: '\.\./x\.png' leads out of"):
        load(HuggingFaceOptions(path=tmp_path / "c"))
    with pytest.raises(InputError, match="has no split 'valid'"):
        load(HuggingFaceOptions(path=path, split="valid"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("test.parquet", b"PAR1 no"),
        ("test.csv", b'a,"b'),
        ("test.jsonl", b"{"),
        ("test.jsonl", json.dumps({"caption": 5}).encode()),
        ("test.csv", b"\xff\xfe\x00"),
        ("state.json", b"{"),
    ],
)
def test_damaged_files_end_in_one_line(tmp_path: Path, library: Any, name: str, data: bytes) -> None:
    made.put(tmp_path / "set" / name, data)
    with pytest.raises(InputError) as caught:
        load(HuggingFaceOptions(path=tmp_path / "set"))
    assert "\n" not in str(caught.value)


def test_a_card_that_names_data_elsewhere_is_not_followed(tmp_path: Path, library: Any) -> None:
    card = "---\nconfigs:\n- config_name: default\n  data_files: https://example.invalid/x.csv\n---\n"
    made.put(tmp_path / "set/README.md", card)
    with pytest.raises(InputError, match="holds no dataset"):
        load(HuggingFaceOptions(path=tmp_path / "set"))
