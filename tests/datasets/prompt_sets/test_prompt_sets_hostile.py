"""Whatever the files of a set hold: samples, or one line that says what is wrong. Never another error."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import local_copies as made
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.datasets.dataset import Dataset
from uniavgen_bench.datasets.folder import FolderOptions, load_folder
from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest
from uniavgen_bench.datasets.prompt_sets import (
    avgen_bench,
    images_csv,
    javisbench,
    mochabench,
    t2av_compass,
    uniavgen_csv,
    vabench,
    verse_bench,
)

EXAMPLES = settings(max_examples=30, deadline=None)

NASTY = st.sampled_from(
    [
        "",
        " ",
        "001",
        "NaN",
        "null",
        "../x",
        "/etc/passwd",
        "C:\\x",
        "a\0b",
        "a\nb",
        "x" * 5000,
        "=1+1",
        '"',
        "é",
    ]
)
TEXTS = NASTY | st.text(max_size=20)
NAMES = st.sampled_from(["index", "prompt", "content", "speech_prompt", "audio_prompt", "video_prompt", "text",
                         "speaker", "prompt_en", "set1", "set2", "set3"])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=12,
)


def outcome(load: Callable[[], Dataset]) -> Dataset | None:
    """Return the dataset or None after an InputError; any other error is the test's failure."""
    try:
        dataset = load()
    except InputError as error:
        assert "\n" not in str(error) and str(error).strip()
        return None
    assert dataset.samples
    assert len({sample.id for sample in dataset.samples}) == len(dataset.samples)
    for sample in dataset.samples:
        slug(sample.id)
        sample.model_dump_json()
    return dataset


def from_json(data: Any) -> bytes:
    return json.dumps(data).encode("utf-8")


def inside(roots: dict[str, Path], dataset: Dataset | None) -> None:
    for sample in dataset.samples if dataset else ():
        for path in (sample.image, sample.reference_audio, sample.condition_audio, sample.condition_video):
            assert path is None or path.is_relative_to(roots["set"].resolve())


@EXAMPLES
@given(data=JSON)
@example(data=[{"index": 1, "prompt": "a", "speech_prompt": [{"text": "\ud800"}]}])
@example(data=[{"index": 10**30, "prompt": "a"}])
@example(data=[{"index": 1.0, "prompt": "a"}])
def test_json_of_any_shape(data: Any) -> None:
    raw = from_json(data)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = made.put(root / "prompts.json", raw)
        outcome(lambda: t2av_compass.load(t2av_compass.T2AVCompassOptions(path=file)))
        outcome(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=file)))
        for path in ("json_files/json_text/x.json", "prompts/x.json", "set3/x.json"):
            made.put(root / path, raw)
        made.put(root / "set3/x.jpg", made.PICTURE)
        outcome(lambda: vabench.load(vabench.VABenchOptions(path=root)))
        outcome(lambda: avgen_bench.load(avgen_bench.AVGenBenchOptions(path=root)))
        found = outcome(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=root, sets=("set3",))))
        inside({"set": root}, found)


@EXAMPLES
@given(
    item=st.fixed_dictionaries(
        {"index": st.integers(-2, 3) | SCALARS, "prompt": TEXTS | SCALARS},
        optional={"speech_prompt": JSON, "audio_prompt": JSON, "sound_type": JSON, "subject_matter": SCALARS},
    ),
    verse=st.fixed_dictionaries(
        {"video_prompt": TEXTS}, optional={"audio_prompt": JSON, "speech_prompt": JSON}
    ),
    name=TEXTS,
)
def test_items_of_almost_the_right_shape(item: Any, verse: Any, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = made.put(root / "prompts.json", from_json([item]))
        outcome(lambda: t2av_compass.load(t2av_compass.T2AVCompassOptions(path=file)))
        file = made.put(root / "verse.json", from_json({"set1": {name: verse}}))
        found = outcome(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=file, sets=("set1",))))
        inside({"set": root}, found)
        made.put(root / "prompts/ads.json", from_json([{"content": name, "prompt": "x"}]))
        outcome(lambda: avgen_bench.load(avgen_bench.AVGenBenchOptions(path=root, clips=root)))


LOADERS: dict[str, tuple[tuple[str, ...], Callable[[Path], Dataset]]] = {
    "uniavgen-csv": (
        made.UNIAVGEN_COLUMNS,
        lambda p: uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=p)),
    ),
    "javisbench": (
        ("path", "text", "cat0_ind", "audio_text"),
        lambda p: javisbench.load(javisbench.JavisBenchOptions(path=p)),
    ),
    "mochabench": (
        ("idx_in_category", "category", "context_id", "prompt"),
        lambda p: mochabench.load(mochabench.MoChaBenchOptions(path=p)),
    ),
    "images-csv": (
        ("image", "prompt", "speech", "id", "ref_audio_path"),
        lambda p: images_csv.load(images_csv.ImagesCsvOptions(path=p)),
    ),
    "manifest": (
        ("clip", "system", "task", "repeat", "speech", "image", "published_lse_c", "fact.x"),
        lambda p: load_manifest(ManifestOptions(path=p)),
    ),
}
CELLS = TEXTS | st.sampled_from(
    ["ok.png", "ok.wav", "en", "1", "hello", "<S>a<E>", "<S>", "nan", "inf", "1e999"]
)


@pytest.mark.parametrize("name", LOADERS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_tables_of_any_content(name: str, data: st.DataObject) -> None:
    columns, load = LOADERS[name]
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(columns), max_size=len(columns)), max_size=4))
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([columns, *(map(clean_surrogates, row) for row in rows)])
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made.put(root / "ok.png", made.PICTURE)
        made.put(root / "ok.wav", made.SOUND)
        table = made.put(root / "table.csv", stream.getvalue())
        inside({"set": root}, outcome(lambda: load(table)))
        lines = b"\n".join(map(from_json, objects))
        inside({"set": root}, outcome(lambda: load(made.put(root / "table.jsonl", lines))))


def clean_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("name", LOADERS)
@settings(max_examples=25, deadline=None)
@given(raw=st.binary(max_size=200) | TEXTS.map(lambda t: t.encode("utf-16", "replace")), ending=st.sampled_from(
    [".csv", ".tsv", ".jsonl", ".txt"]), objects=st.lists(st.dictionaries(st.sampled_from(
        ["clip", "sample", "id", "image", "prompt", "text", "published_lse_c", "category"]), JSON, max_size=4),
        max_size=3))  # fmt: skip
def test_tables_of_any_bytes(name: str, raw: bytes, ending: str, objects: list[Any]) -> None:
    columns, load = LOADERS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = made.put(Path(folder) / f"table{ending}", raw)
        outcome(lambda: load(file))
        made.put(file, ",".join(columns).encode() + b"\n" + raw)
        outcome(lambda: load(file))
        file = made.put(Path(folder) / "table.jsonl", b"\n".join(map(from_json, objects)))
        outcome(lambda: load(file))


@EXAMPLES
@given(raw=st.binary(max_size=60), mapping=st.binary(max_size=60))
def test_json_of_any_bytes(raw: bytes, mapping: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = made.vabench(Path(folder))
        made.put(root / "mapping/final_idx_to_prompt.csv", b"idx\tprompt\n" + mapping)
        outcome(lambda: vabench.load(vabench.VABenchOptions(path=root)))
        made.put(root / "json_files/json_text/easy_music.json", raw)
        outcome(lambda: vabench.load(vabench.VABenchOptions(path=root)))


@pytest.mark.parametrize("line", ['{"clip": "a.mp4", "repeat": ' + "9" * 5000 + "}", '{"clip": "\\ud800.mp4"}',
                                  '{"clip": "a\\u0000.mp4"}', '{"clip": "a.mp4", "published_x": NaN}',
                                  '{"clip": "a.mp4", "published_x": ' + "9" * 400 + "}", '{"clip": "' + "x" * 300
                                  + '.mp4"}', '{"clip": "a.mp4", "fact.x": "\\ud800"}', '{"clip": "."}',
                                  '{"clip": "a.mp4", "repeat": "٣"}', '{"clip": "a.mp4", "repeat": "' + "9" * 5000
                                  + '"}', '{"clip": "a.mp4", "x": ["a"]}'])  # fmt: skip
def test_manifests_with_one_odd_line(tmp_path: Path, line: str) -> None:
    path = made.put(tmp_path / "m.jsonl", line)
    outcome(lambda: load_manifest(ManifestOptions(path=path)))


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "\ud800"])
def test_paths_that_no_file_system_takes(tmp_path: Path, name: str) -> None:
    for load in (
        lambda: load_manifest(ManifestOptions(path=tmp_path / f"{name}.csv")),
        lambda: load_folder(FolderOptions(path=tmp_path / name)),
        lambda: load_manifest(
            ManifestOptions(path=made.put(tmp_path / "m.csv", "id\na\n"), clips=tmp_path / name)
        ),
    ):
        with pytest.raises(BenchError):
            load()
