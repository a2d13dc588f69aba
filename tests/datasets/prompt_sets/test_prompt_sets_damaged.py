"""A damaged local copy ends in one line that names file, row and column, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import local_copies as made
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Task
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
from uniavgen_bench.datasets.prompt_sets.page import PLUGINS


def problem(load: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        load()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_an_absent_copy_names_where_the_set_lives_and_how_to_get_it(tmp_path: Path, plugin: Any) -> None:
    said = problem(lambda: plugin.load(plugin.options(path=tmp_path / "absent")))
    assert plugin.card.home in said and plugin.card.get in said and "never fetched by itself" in said


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_path_that_no_file_system_takes_is_an_absent_copy(tmp_path: Path, plugin: Any) -> None:
    for name in ("a\0b", "x" * 5000, "\ud800"):
        assert "no such file" in problem(lambda name=name: plugin.load(plugin.options(path=tmp_path / name)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"speech_content": ""}, "test.csv:2: speech_content: is empty"),
        ({"prompt": " "}, "test.csv:2: prompt: is empty"),
        ({"lang": "de"}, "test.csv:2: lang: must be en or zh, got 'de'"),
        (
            {"ref_speech_content": ""},
            "test.csv:2: ref_speech_content: is empty, but joint_ref_audio needs it",
        ),
        ({"ref_image_path": "../../x.png"}, "test.csv:2: ref_image_path: '../../x.png' leads out of"),
        ({"ref_image_path": "/etc/passwd"}, "test.csv:2: ref_image_path: '/etc/passwd' leads out of"),
        ({"ref_image_path": "examples"}, "test.csv:2: ref_image_path: 'examples' is a folder, not a file"),
        ({"data_id": "002"}, "test.csv:3: data_id: the sample '002' stands at"),
        ({"data_id": "a\nb"}, "test.csv:2: data_id: holds a line break"),
        ({"data_id": ""}, "test.csv:2: data_id: is empty"),
    ],
)
def test_uniavgen_csv(tmp_path: Path, changed: dict[str, str], expected: str) -> None:
    path = made.uniavgen_csv(tmp_path, **changed)
    options = uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path)
    assert expected in problem(lambda: uniavgen_csv.load(options))


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    path = made.uniavgen_csv(tmp_path)
    path.write_text(path.read_text().replace("speech_content,prompt", "speech,prompt"))
    said = problem(lambda: uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path)))
    assert "test.csv:1: no column 'speech_content' (did you mean 'ref_speech_content'?)" in said


def test_a_wrong_root_says_which_folder_the_files_lie_below(tmp_path: Path) -> None:
    path = made.uniavgen_csv(tmp_path)
    said = problem(lambda: uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path)))
    assert f"it lies below {tmp_path}: --set dataset.root={tmp_path}" in said


def test_rows_of_two_tasks_in_one_file_are_told(tmp_path: Path) -> None:
    path = made.uniavgen_csv(tmp_path, ref_audio_path="")
    last = "x,examples/datas/a.png,,,,examples/datas/drive.wav,Yes.,A man.,en\n"
    path.write_text(path.read_text() + last)
    said = problem(lambda: uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path)))
    assert "test.csv:4: the row is for audio_driven, the first one for joint" in said


def test_a_number_without_end_a_cut_file_and_another_encoding(tmp_path: Path) -> None:
    root = made.t2av_compass(tmp_path)
    file = root / "t2av-compass/Data/prompts.json"
    whole = file.read_text()
    load = lambda: t2av_compass.load(t2av_compass.T2AVCompassOptions(path=root))  # noqa: E731
    file.write_text(whole.replace('"index": 2', f'"index": {"9" * 5000}'))
    assert "prompts.json: is not JSON" in problem(load)
    file.write_text(whole[: len(whole) // 2])
    assert "the file may be cut off: get it again" in problem(load)
    file.write_bytes(whole.replace("A street 2.", "A caf\xe9.").encode("cp1252"))
    said = problem(load)
    assert "is not UTF-8 (save it as UTF-8)" in said and "prompts.json:" in said
    file.write_text(whole.replace('"index": 2', '"index": NaN'))
    assert "NaN is not JSON" in problem(load)
    file.write_text("[" * 100_000)
    assert "is nested too deep" in problem(load)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"index": 2', '"index": "two"', "index: must be a whole number from 0 up, got a text"),
        ('"index": 2', '"index": true', "index: must be a whole number from 0 up, got true or false"),
        ('"index": 2', '"index": 1', "index: the sample 'sample_0001' stands at"),
        ('"index": 2,', '"index": 2, "index": 3,', "the key 'index' stands twice in one object"),
        ('"prompt": "A street 2."', '"prompt": ""', "prompt: is empty"),
        ('"prompt": "A street 2."', '"promt": "A street 2."', "prompt: is missing"),
        ('"prompt": "A street 2."', '"prompt": 5', "prompt: must be a text, got a number"),
        ('"prompt": "A street 2."', '"prompt": "\\ud800"', "prompt: holds half of a character"),
        ('"prompt": "A street 2."', '"prompt": "\\u0000"', "prompt: holds a NUL character"),
        ('"text": "Line 3 1."', '"text": ["x"]', "speech_prompt[1].text: must be a text, got a list"),
        ('"speech_prompt": []', '"speech_prompt": ["x"]', "speech_prompt[0]: must be an object in braces"),
        (
            '"audio_prompt": "Cars."',
            '"audio_prompt": {"a": 1}',
            "audio_prompt: must be a text, got an object",
        ),
    ],
)
def test_t2av_compass_names_the_line_of_the_item_and_the_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    root = made.t2av_compass(tmp_path)
    file = root / "t2av-compass/Data/prompts.json"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    said = problem(lambda: t2av_compass.load(t2av_compass.T2AVCompassOptions(path=root)))
    assert "prompts.json:" in said and expected in said


def test_the_line_is_that_of_the_item(tmp_path: Path) -> None:
    file = made.put(
        tmp_path / "prompts.json", '[\n {"index": 1,\n  "prompt": "A."},\n {"index": 2,\n  "prompt": 7}\n]'
    )
    said = problem(lambda: t2av_compass.load(t2av_compass.T2AVCompassOptions(path=file)))
    assert "prompts.json:4: prompt: must be a text" in said


def test_verse_bench(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path)
    load = lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=root))  # noqa: E731
    (root / "set2/00001.jpg").unlink()
    said = problem(load)
    assert "set2/00001.json:1: no file 'set2/00001.jpg'" in said and "hf download" in said
    made.put(root / "set2/00001.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "is a pointer of Git LFS, not the file (git lfs pull)" in problem(load)
    made.put(root / "set2/00001.jpg", b"")
    assert "'set2/00001.jpg' is empty (get it again)" in problem(load)
    made.put(root / "set2/00001.jpg", made.PICTURE)
    made.put_json(root / "set2/00001.json", [made.verse_item()])
    assert "set2/00001.json:1: must hold an object in braces, got a list" in problem(load)


def test_the_one_file_of_mova(tmp_path: Path) -> None:
    items = {"set1": {"1": made.verse_item(), "2": made.verse_item(audio_prompt=[3])}, "set2": {}, "set3": {}}
    path = made.put_json(tmp_path / "p.json", items)
    made.put(tmp_path / "set1/1.jpg", made.PICTURE)
    made.put(tmp_path / "set1/2.jpg", made.PICTURE)
    said = problem(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=path)))
    assert "p.json:14: set1.2.audio_prompt[0]: must be a text, got a number" in said
    made.put_json(path, {"set1": {"../../etc": made.verse_item()}})
    said = problem(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=path, sets=("set1",))))
    assert "leads out of" in said
    said = problem(lambda: verse_bench.load(verse_bench.VerseBenchOptions(path=path)))
    assert "holds no 'set2'" in said and "--set dataset.sets=[set1]" in said


def test_mochabench(tmp_path: Path) -> None:
    root = made.mochabench(tmp_path)
    load = lambda: mochabench.load(mochabench.MoChaBenchOptions(path=root))  # noqa: E731
    table = root / "benchmark/benchmark.csv"
    whole = table.read_text()
    table.write_text(whole.replace("1p_generalize_chinese,1_man", "1p_generalize_chinese,../1_man"))
    assert "benchmark.csv:4: context_id:" in problem(load)
    table.write_text(whole.replace("2,1p_protrait,2_man_waves", "2,1p_protrait,1_man_waves"))
    assert "benchmark.csv:3: context_id: the sample '1p_protrait/1_man_waves' stands at" in problem(load)
    table.write_text(whole + "4,x,y\n")
    assert "benchmark.csv:5: the row has 3 cells, the header 4" in problem(load)
    table.unlink()
    assert "holds no benchmark/benchmark.csv" in problem(load)


def test_javisbench(tmp_path: Path) -> None:
    made.put(tmp_path / "JavisBench.csv", "path,txt\na,b\n")
    load = lambda: javisbench.load(javisbench.JavisBenchOptions(path=tmp_path))  # noqa: E731
    assert "JavisBench.csv:1: no column 'text' (did you mean 'txt'?)" in problem(load)
    made.put(tmp_path / "JavisBench.csv", "path,text\na,b\nc,\n")
    assert "JavisBench.csv:3: text: is empty" in problem(load)
    made.put(tmp_path / "JavisBench.csv", 'path,text\na,"b\n')
    assert "is not a table" in problem(load)


def test_vabench_and_avgen_bench(tmp_path: Path) -> None:
    root = made.vabench(tmp_path / "va")
    load = lambda: vabench.load(vabench.VABenchOptions(path=root))  # noqa: E731
    made.put(root / "mapping/final_idx_to_prompt.csv", "idx\tprompts\n1\tx\n")
    assert "final_idx_to_prompt.csv:1: must have the columns idx and prompt" in problem(load)
    made.put(root / "mapping/final_idx_to_prompt.csv", "idx\tprompt\n1\n")
    assert "final_idx_to_prompt.csv:2: idx: the row has no idx or no prompt" in problem(load)
    root = made.avgen_bench(tmp_path / "av")
    load = lambda: avgen_bench.load(avgen_bench.AVGenBenchOptions(path=root))  # noqa: E731
    made.put_json(
        root / "prompts/news.json", [{"content": "A: B", "prompt": "x"}, {"content": "A? B", "prompt": "y"}]
    )
    assert "news.json:6: content: the sample 'news/A_ B' stands at" in problem(load)


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("picture,prompt", "001.png,A man.", "prompts.csv:1: no column for the image"),
        (
            "image,cap",
            "001.png,A man.",
            "prompts.csv:1: no column for the caption (rename 'cap' to 'caption')",
        ),
        ("image,prompt", "none.png,A man.", "prompts.csv:2: image: no file 'none.png'"),
        ("image,prompt", "voice.wav,A man.", "prompts.csv:2: image: 'voice.wav' is no picture"),
        ("image,prompt", "001.png,", "prompts.csv:2: prompt: is empty"),
        ("image,prompt", "001.png,A man.", "prompts.csv:2: speech: is empty, but joint needs it"),
        ("image,prompt", "001.png,He says <S>yes.", "prompts.csv:2: prompt: the tag <S> stands alone"),
        ("image,prompt", "001.png,He <S>a<S>b<E>.", "prompts.csv:2: prompt: a tag stands inside another"),
        ("image,prompt", "001.png,He <S> <E>.", "prompts.csv:2: prompt: nothing stands between two tags"),
        ("image,prompt,speech", "001.png,He <S>a<E>.,b", "prompts.csv:2: speech: says something else"),
    ],
)
def test_pictures_and_a_table(tmp_path: Path, header: str, row: str, expected: str) -> None:
    path = made.images_csv(tmp_path, header, row)
    options = images_csv.ImagesCsvOptions(path=path, task=Task.JOINT)
    assert expected in problem(lambda: images_csv.load(options))


def test_a_folder_with_two_tables_asks_which(tmp_path: Path) -> None:
    made.images_csv(tmp_path)
    made.put(tmp_path / "more.tsv", "image\tprompt\n")
    said = problem(lambda: images_csv.load(images_csv.ImagesCsvOptions(path=tmp_path)))
    assert "holds 2 tables, not one (prompts.csv, more.tsv)" in said


def test_a_link_out_of_the_set_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "set"
    path = made.images_csv(root)
    (root / "001.png").unlink()
    (root / "001.png").symlink_to(made.put(tmp_path / "secret.png", made.PICTURE))
    assert "leads out of" in problem(lambda: images_csv.load(images_csv.ImagesCsvOptions(path=path)))


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    path = made.images_csv(tmp_path)
    (tmp_path / "001.png").unlink()
    (tmp_path / "001.png").symlink_to("again.png")
    (tmp_path / "again.png").symlink_to("001.png")
    problem(lambda: images_csv.load(images_csv.ImagesCsvOptions(path=path)))
