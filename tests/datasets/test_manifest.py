"""Manifests: columns are found, paths stay in their root, problems name line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Role, Task
from uniavgen_bench.datasets.catalogue import show_dataset
from uniavgen_bench.datasets.columns import ColumnMapping
from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest


def write(tmp_path: Path, text: str, name: str = "m.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_list_of_published_clips_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "clip,system,task,split,transcript,transcript_source,published_lse_c,human_action,speech_wav,bytes\n"
        'a/x 1.mp4,MoCha,a2v,generated,"hello, you",asr (unverified),6.5,3,a/x.flac,12\n'
        "b/y.mpg,none (GRID corpus),talking_head,real,bin blue,GRID sentence,,,,13\n",
    )
    dataset = load_manifest(ManifestOptions(path=path))
    first, second = dataset.samples
    assert first.id == "a/x 1" and first.task is Task.AUDIO_DRIVEN and not first.speech_verified
    assert first.published == {"lse_c": 6.5, "human_action": 3.0}
    assert first.condition_audio == (tmp_path / "a/x.flac").resolve()
    assert second.speech == "bin blue" and second.speech_verified and second.facts["task"] == "talking_head"
    assert [(c.system, c.role) for c in dataset.clips] == [
        ("MoCha", Role.SYSTEM),
        ("recording (GRID corpus)", Role.UPPER_CONTROL),
    ]
    assert dataset.notes == ("columns not used: bytes",)


def test_csv_of_uniavgen_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "data_id,ref_image_path,ref_audio_path,ref_speech_content,video_path,audio_path,speech_content,prompt,lang\n"
        "001,i.png,r.wav,before,,,say this,a woman,en\n",
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "001.mp4").write_bytes(b"")
    dataset = load_manifest(ManifestOptions(path=path, clips=tmp_path / "out"))
    (sample,) = dataset.samples
    assert sample.id == "001" and sample.speech == "say this" and sample.reference_text == "before"
    assert sample.reference_audio == (tmp_path / "r.wav").resolve()
    assert [(c.system, c.path.name) for c in dataset.clips] == [("out", "001.mp4")]


@pytest.mark.parametrize("cell", ["../x.mp4", "/etc/passwd", "C:\\x.mp4", "a/../../x.mp4", "\\\\host\\x.mp4"])
def test_path_out_of_the_root_is_refused_with_line_and_column(tmp_path: Path, cell: str) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    path = write(folder, f"clip,system\nok.mp4,A\n{cell},A\n")
    with pytest.raises(InputError, match=r"m\.csv:3: clip: .* leads out of"):
        load_manifest(ManifestOptions(path=path))


def test_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    (tmp_path / "secret.mp4").write_bytes(b"")
    (folder / "inside.mp4").symlink_to(tmp_path / "secret.mp4")
    with pytest.raises(InputError, match="leads out of"):
        load_manifest(ManifestOptions(path=write(folder, "clip\ninside.mp4\n")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip,system\na.mp4,A\na.mp4,A\n", "m.csv:3: clip: 'A' has a clip for 'a' on line 2 already"),
        ("id,speech\nx,one\nx,two\n", "m.csv:3: id: the sample 'x' stands on line 2 already"),
        ("clp,system\na.mp4,A\n", "'clp' is not a known name"),
        ("clip,published_lse_c\na.mp4,high\n", "m.csv:2: published_lse_c: 'high' is not a number"),
        ("clip,repeat\na.mp4,two\n", "m.csv:2: repeat: 'two' is not a whole number"),
        ("clip\n", "lists nothing"),
        ("clip,system\n,A\n", "m.csv:2: clip: the row names no clip"),
    ],
)
def test_bad_rows_name_line_and_column(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load_manifest(ManifestOptions(path=write(tmp_path, text)))
    assert expected in str(caught.value)


def test_columns_can_be_mapped_and_a_wrong_mapping_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "movie,said\na.mp4,hello\n")
    mapped = load_manifest(ManifestOptions(path=path, columns=ColumnMapping(clip="movie", speech="said")))
    assert mapped.samples[0].speech == "hello"
    with pytest.raises(InputError, match="did you mean 'movie'"):
        load_manifest(ManifestOptions(path=path, columns=ColumnMapping(clip="movi")))


@pytest.mark.shared
def test_the_real_list_of_clips_is_read_whole(shared: Path) -> None:
    dataset = load_manifest(ManifestOptions(path=shared / "clips" / "clips.csv"))
    assert len(dataset.clips) == 153 and all(c.path.is_file() for c in dataset.clips)
    assert len({c.system for c in dataset.clips if c.role is Role.SYSTEM}) == 13
    assert sum("lse_c" in s.published for s in dataset.samples) == 41


def test_a_text_that_is_called_a_picture_is_told_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture at all")
    path = write(tmp_path, "sample,image\ns,a.png\n")
    with pytest.raises(InputError, match=r"m\.csv:2: image: 'a\.png' is no picture"):
        load_manifest(ManifestOptions(path=path))
    (tmp_path / "a.png").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    assert load_manifest(ManifestOptions(path=path)).samples[0].image is not None


def test_another_separator_and_an_absolute_path_are_told_with_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path, "sample;image\ns;a.png\n")
    with pytest.raises(InputError, match=r"m\.csv:1: it looks separated by ';', not by ','"):
        load_manifest(ManifestOptions(path=path))
    path = write(tmp_path, "sample,image\ns,/data/a.png\n")
    with pytest.raises(InputError, match=r"dataset\.root names another"):
        load_manifest(ManifestOptions(path=path))


def test_dataset_show_names_options_as_it_takes_them(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image,prompt\nmine/a.png,A man.\n")
    with pytest.raises(InputError) as raised:
        show_dataset("images-csv", [f"path={tmp_path / 'none.csv'}"], json=False)
    assert "then --set path=" in str(raised.value) and "dataset." not in str(raised.value)
