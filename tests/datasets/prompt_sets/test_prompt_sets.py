"""Prompt sets in their true layout become samples: ids, texts and files where the set's own scorer expects them."""

from __future__ import annotations

from pathlib import Path

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


def test_uniavgen_csv_keeps_ids_as_text_and_tells_its_task_by_the_filled_columns(tmp_path: Path) -> None:
    path = made.uniavgen_csv(tmp_path)
    dataset = uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path))
    first = dataset.samples[0]
    assert [s.id for s in dataset.samples] == ["001", "002"] and first.task is Task.JOINT_REF_AUDIO
    assert first.facts["clip_name"] == "1"
    assert first.caption == "A man waves." and first.speech == "We, too, went home."
    assert first.image == (tmp_path / "examples/datas/a.png").resolve() and first.reference_audio is not None
    assert first.reference_text == "The lamp is on the left." and first.condition_audio is None


def test_uniavgen_ids_that_are_not_all_digits_name_their_clips_as_they_are(tmp_path: Path) -> None:
    path = made.uniavgen_csv(tmp_path, data_id="00a")
    dataset = uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path))
    assert [s.facts["clip_name"] for s in dataset.samples] == ["00a", "002"]


@pytest.mark.parametrize(
    ("column", "file", "task"),
    [("audio_path", "drive.wav", Task.AUDIO_DRIVEN), ("video_path", "silent.mp4", Task.DUBBING)],
)
def test_uniavgen_csv_of_other_tasks(tmp_path: Path, column: str, file: str, task: Task) -> None:
    path = made.uniavgen_csv(tmp_path, **{column: f"examples/datas/{file}", "ref_audio_path": ""})
    dataset = uniavgen_csv.load(uniavgen_csv.UniAVGenCsvOptions(path=path, root=tmp_path))
    sample = dataset.samples[0]
    assert sample.task is task and (sample.condition_audio or sample.condition_video) is not None


def test_verse_bench_without_a_task_keeps_every_item_and_for_joint_those_that_speak(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path)
    every = verse_bench.load(verse_bench.VerseBenchOptions(path=root))
    assert len(every.samples) == 8 and every.samples[2].speech is None
    spoken = verse_bench.load(verse_bench.VerseBenchOptions(path=root, task=Task.JOINT))
    assert len(spoken.samples) == 6 and "2 items have no speech text" in " ".join(spoken.notes)
    first, recorded = every.sample("set1/00000"), every.sample("set2/00000")
    assert first.caption == "A woman at a desk." and first.speech == "Sentence 0."
    assert first.facts["audio_prompt"] == "A clock. Rain." and first.facts["speaker"] == "the woman"
    assert first.facts["clip_name"] == "00000" and "truth_audio" not in first.facts
    assert recorded.facts["truth_audio"].endswith("set2/00000.wav") and recorded.condition_audio is None


def test_verse_bench_in_the_one_file_of_mova_with_its_rewritten_prompt(tmp_path: Path) -> None:
    items = {"007": made.verse_item("你好吗", prompt="In a bright room, a woman.")}
    path = made.put_json(tmp_path / "verse_bench_prompts.json", {"set1": items})
    made.put(tmp_path / "pictures/set1/007.png", made.PICTURE)
    options = verse_bench.VerseBenchOptions(
        path=path, root=tmp_path / "pictures", sets=("set1",), caption="prompt"
    )
    (sample,) = verse_bench.load(options).samples
    assert (
        sample.id == "set1/007" and sample.caption == "In a bright room, a woman." and sample.language == "zh"
    )


def test_javisbench_knows_rows_by_their_number(tmp_path: Path) -> None:
    made.javisbench(tmp_path)
    dataset = javisbench.load(javisbench.JavisBenchOptions(path=tmp_path))
    sample = dataset.samples[1]
    assert sample.id == "sample_0001" and sample.caption == "Rain, on roof 1" and sample.task is None
    assert sample.facts["cat1_ind"] == "2" and sample.facts["source"] == "v1.mp4"
    made.javisbench(tmp_path, 2, "JavisBench-mini.csv")
    mini = javisbench.load(javisbench.JavisBenchOptions(path=tmp_path, split="mini"))
    assert len(mini.samples) == 2 and mini.samples[0].facts["category"] == "mini"


def test_t2av_compass_joins_lines_of_several_speakers_in_order_and_keeps_who_says_what(
    tmp_path: Path,
) -> None:
    dataset = t2av_compass.load(t2av_compass.T2AVCompassOptions(path=made.t2av_compass(tmp_path)))
    one, none, two = dataset.samples
    assert [s.id for s in dataset.samples] == ["sample_0001", "sample_0002", "sample_0003"]
    assert one.speech == "Line 1 0." and one.facts["speaker"] == "Voice 0" and none.speech is None
    assert two.speech == "Line 3 0. Line 3 1." and two.facts["speakers"] == "2"
    assert two.facts["speech_lines"] == '[["Voice 0", "Line 3 0."], ["Voice 1", "Line 3 1."]]'
    assert (
        one.facts["sound_type"] == "Ambient Sounds; Speech Sounds" and one.facts["category"] == "Daily Life"
    )
    assert "audio_prompt" not in none.facts and one.image is None


def test_vabench_takes_clip_names_from_its_mapping_with_tabs_and_json_escapes(tmp_path: Path) -> None:
    root = made.vabench(tmp_path)
    dataset = vabench.load(vabench.VABenchOptions(path=root))
    assert [s.id for s in dataset.samples] == [
        "text/easy_human_language/001",
        "text/easy_music/001",
        "text/easy_music/002",
    ]
    assert dataset.samples[2].facts["clip_name"] == "easy_music_1"
    assert "—" in (dataset.samples[2].caption or "")
    assert any("2 items have no idx" in note for note in dataset.notes)
    image = vabench.load(vabench.VABenchOptions(path=root, part="image", caption="prompt_vision"))
    assert image.samples[0].caption == "A room." and image.samples[0].image is None
    assert any("no picture is given" in note for note in image.notes)


def test_mochabench_gives_first_frame_and_denoised_speech(tmp_path: Path) -> None:
    root = made.mochabench(tmp_path)
    dataset = mochabench.load(mochabench.MoChaBenchOptions(path=root, task=Task.AUDIO_DRIVEN))
    sample = dataset.sample("1p_protrait/2_man_waves")
    assert (
        sample.caption == "A close-up of man 2."
        and sample.task is Task.AUDIO_DRIVEN
        and sample.speech is None
    )
    assert sample.condition_audio is not None and sample.condition_audio.name == "2_man_waves_speech.wav"
    assert dataset.sample("1p_generalize_chinese/1_man_waves").language == "zh"


def test_avgen_bench_names_clips_as_its_own_generator_does(tmp_path: Path) -> None:
    dataset = avgen_bench.load(avgen_bench.AVGenBenchOptions(path=made.avgen_bench(tmp_path)))
    assert [s.id for s in dataset.samples] == [
        "ads/Weather_ Day 0_",
        "news/Weather_ Day 0_",
        "news/Weather_ Day 1_",
    ]
    assert dataset.samples[0].facts["content"] == "Weather: Day 0?"


def test_pictures_and_a_table_in_the_columns_of_ovi_with_its_speech_tags(tmp_path: Path) -> None:
    row = '"She says <S>Come in.<E> then <S>Sit.<E> <AUDCAP>A door.<ENDAUDCAP>",001.png'
    path = made.images_csv(tmp_path, "text_prompt,image_path", row)
    dataset = images_csv.load(images_csv.ImagesCsvOptions(path=path, task=Task.JOINT))
    (sample,) = dataset.samples
    assert sample.id == "001" and sample.speech == "Come in. Sit."
    assert sample.caption == 'She says "Come in." then "Sit."'
    assert sample.facts == {"audio_prompt": "A door.", "speakers": "2"}
    assert dataset.notes == (f"1 pictures in {tmp_path.name} stand in no row, the first: two.jpg",)


def test_a_folder_with_one_table_needs_no_name_for_it(tmp_path: Path) -> None:
    made.images_csv(tmp_path)
    assert images_csv.load(images_csv.ImagesCsvOptions(path=tmp_path)).samples[0].speech == "Hello there."


def test_finished_clips_are_found_under_the_names_of_the_sets_scorer(tmp_path: Path) -> None:
    root = made.avgen_bench(tmp_path / "set")
    made.put(tmp_path / "ovi/ads/Weather_ Day 0_.mp4", b"x")
    dataset = avgen_bench.load(avgen_bench.AVGenBenchOptions(path=root, clips=tmp_path / "ovi"))
    assert len(dataset.clips) == 3 and dataset.clips[0].system == "ovi" and dataset.clips[0].path.is_file()
    assert "2 of 3 clips are not in ovi, the first: news/Weather_ Day 0_.mp4" in dataset.notes


def test_two_samples_of_one_clip_name_are_told_and_clips_under_their_ids_are_taken(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path / "set", {"set1": 1, "set2": 1, "set3": 1})
    made.put(tmp_path / "out/00000.mp4", b"x")
    options = verse_bench.VerseBenchOptions(path=root, clips=tmp_path / "out")
    with pytest.raises(InputError, match="'set1/00000' and 'set2/00000' have one clip name"):
        verse_bench.load(options)
    for name in ("set1", "set2", "set3"):
        made.put(tmp_path / f"out/{name}/00000.mp4", b"x")
    assert len({clip.path for clip in verse_bench.load(options).clips}) == 3


def test_licence_and_citation_are_kept_in_the_facts_of_a_run(tmp_path: Path) -> None:
    dataset = javisbench.load(javisbench.JavisBenchOptions(path=made.javisbench(tmp_path)))
    assert dataset.facts["licence"].startswith("MIT") and "2503.23377" in dataset.facts["citation"]
    assert dataset.facts["facts_read_at"] == "JavisDiT b505b37"


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
def test_byte_order_marks_and_windows_line_ends_are_read(tmp_path: Path, prefix: bytes, ends: bytes) -> None:
    path = made.images_csv(tmp_path)
    path.write_bytes(prefix + path.read_bytes().replace(b"\n", ends))
    assert images_csv.load(images_csv.ImagesCsvOptions(path=path)).samples[0].id == "001"
    made.avgen_bench(tmp_path)
    file = tmp_path / "prompts/news.json"
    file.write_bytes(prefix + file.read_bytes().replace(b"\n", ends))
    assert len(avgen_bench.load(avgen_bench.AVGenBenchOptions(path=tmp_path)).samples) == 3
