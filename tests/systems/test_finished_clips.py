"""Finished clips find their samples by id, by prompt or by a rule for names; what does not match is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.systems.finished_clips import checked_rule, match_clips
from uniavgen_bench.systems.precomputed import PrecomputedOptions

SAMPLES = (
    Sample(
        id="s/1", caption="A man in a red coat talks to a child in the park.", speech="Come here, please."
    ),
    Sample(id="two", caption="A woman reads the news of the day, calm and slow.", speech="Good evening."),
    Sample(id="Drei Ü", caption="Short", speech="Hi"),
)


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    return path


def test_by_id_or_its_safe_form(tmp_path: Path) -> None:
    clips = folder(tmp_path, "s/1.mp4", "two.webm", f"{slug('Drei Ü')}.mp4", "other.mp4", "notes.txt")
    matched = match_clips(clips, SAMPLES)
    assert {key: path.name for key, path in matched.clips.items()} == {
        ("s/1", 0): "1.mp4", ("two", 0): "two.webm", ("Drei Ü", 0): f"{slug('Drei Ü')}.mp4"
    }  # fmt: skip
    assert matched.samples_without == () and matched.files_without == ("other.mp4",)
    assert matched.note("mine") == "mine: 3 of 3 samples have a clip; files of no sample: other.mp4"


def test_by_prompt_as_systems_name_their_files(tmp_path: Path) -> None:
    ovi = SAMPLES[0].caption[:50].replace(" ", "_") + "_960x960_103_0.mp4"  # type: ignore[index]
    clips = folder(tmp_path, ovi, "good evening.mp4", "Short.mp4")
    matched = match_clips(clips, SAMPLES, match="prompt")
    assert {key[0]: path.name for key, path in matched.clips.items()} == {
        "s/1": ovi,
        "two": "good evening.mp4",
    }
    assert matched.samples_without == ("Drei Ü",) and matched.files_without == ("Short.mp4",)


RED, LONG = "A man talks.", "A man talks loudly in a big room."
WINDOW = "A young woman with a red coat and long hair stands at a window and sings."


@pytest.mark.parametrize(
    ("names", "captions", "said"),
    [
        (["A man talks loudly in a big room"], [RED], "files of no sample"),
        (["A man talks loudly in a big room"], [RED, LONG], "1 of 2 samples have a clip; none for 0"),
        (["A young woman with a red coat and long hair stands at a bar and cries"], [WINDOW], "files of no sample"),
        (["A man talks loudly"], [LONG], "files of no sample"),
        ([WINDOW[:50].replace(" ", "_") + "_960x960_103_0"], [WINDOW], "1 of 1 samples have a clip"),
        ([WINDOW[:50].replace(" ", "_")], [WINDOW, WINDOW[:-6] + "cries."], "files that fit several samples"),
    ],
)  # fmt: skip
def test_a_beginning_fits_only_where_a_name_is_cut_and_one_prompt_begins_so(
    tmp_path: Path, names: list[str], captions: list[str], said: str
) -> None:
    clips = folder(tmp_path, *(f"{name}.mp4" for name in names))
    samples = [Sample(id=str(i), caption=caption) for i, caption in enumerate(captions)]
    matched = match_clips(clips, samples, match="prompt")
    assert said in matched.note("x")
    assert len(matched.clips) + len(matched.files_without) + len(matched.several) == len(names)


def test_a_prompt_of_several_samples_and_a_clip_of_several_rows_are_told_and_not_used(tmp_path: Path) -> None:
    folder(tmp_path, "x.mp4", "y.mp4")
    samples = [Sample(id=i, caption="The same caption here", speech=f"words {i}") for i in ("C", "D")]
    table = tmp_path / "t.csv"
    table.write_text("prompt,clip\nThe same caption here,x.mp4\nThe same caption here words D,y.mp4\n")
    matched = match_clips(table, samples, match="prompt")
    assert list(matched.clips) == [("D", 0)] and matched.several == {"x.mp4": ("C", "D")}
    table.write_text("sample,clip\nC,x.mp4\nD,./x.mp4\n")
    matched = match_clips(table, samples)
    assert not matched.clips and matched.several == {"x.mp4": ("C", "D")}
    assert matched.samples_without == ("C", "D") and "files that fit several samples: x.mp4" in matched.note(
        "x"
    )


def test_a_row_of_a_repeat_that_the_run_does_not_have_is_told(tmp_path: Path) -> None:
    folder(tmp_path, "x.mp4", "y.mp4")
    (tmp_path / "t.csv").write_text("sample,clip,repeat\ntwo,x.mp4,0\ntwo,y.mp4,7\n")
    matched = match_clips(tmp_path / "t.csv", SAMPLES)
    assert list(matched.clips) == [("two", 0)] and matched.files_without == ("y.mp4",)
    assert len(match_clips(tmp_path / "t.csv", SAMPLES, repeats=8).clips) == 2


def test_by_a_rule_for_names(tmp_path: Path) -> None:
    clips = folder(tmp_path, "sample_0000.mp4", "sample_0002.mp4", "sample_0009.mp4")
    matched = match_clips(clips, SAMPLES, match="name", name="sample_{index:04d}")
    assert [key[0] for key in matched.clips] == ["s/1", "Drei Ü"]
    assert matched.samples_without == ("two",) and matched.files_without == ("sample_0009.mp4",)
    starred = match_clips(
        folder(tmp_path / "x", "run_1_two_a.mp4"), SAMPLES, match="name", name="run_*_{id}_*"
    )
    assert list(starred.clips) == [("two", 0)]


def test_repeats_have_their_numbers(tmp_path: Path) -> None:
    clips = folder(tmp_path, "two_0.mp4", "two_1.mp4")
    assert sorted(match_clips(clips, SAMPLES, repeats=2).clips) == [("two", 0), ("two", 1)]


def test_a_file_that_fits_several_samples_is_told_and_not_used(tmp_path: Path) -> None:
    twins = (*SAMPLES, Sample(id="twin", caption=SAMPLES[0].caption, speech="Another."))
    clips = folder(tmp_path, "A_man_in_a_red_coat_talks_to_a_child_in_the_park.mp4")
    matched = match_clips(clips, twins, match="prompt")
    assert not matched.clips and matched.several == {
        "A_man_in_a_red_coat_talks_to_a_child_in_the_park.mp4": ("s/1", "twin")
    }


def test_two_files_of_one_sample_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"two\.mp4 and two\.webm both fit the sample 'two'"):
        match_clips(folder(tmp_path, "two.mp4", "two.webm"), SAMPLES)


def test_a_table_matches_by_sample_or_prompt(tmp_path: Path) -> None:
    folder(tmp_path, "x.mp4")
    (tmp_path / "t.csv").write_text("clip,sample\nx.mp4,two\ny.mp4,nobody\n")
    matched = match_clips(tmp_path / "t.csv", SAMPLES)
    assert list(matched.clips) == [("two", 0)] and matched.files_without == ("y.mp4",)
    (tmp_path / "p.csv").write_text("clip,prompt\nx.mp4,Good EVENING\n")
    assert list(match_clips(tmp_path / "p.csv", SAMPLES, match="prompt").clips) == [("two", 0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clip,smaple\nx.mp4,two\n", "t.csv:1: has no column 'sample' .is it 'smaple'"),
        ("clip,sample\n,two\n", "t.csv:2: the row names no clip"),
        ("clip,sample\n../x.mp4,two\n", "t.csv:2: '../x.mp4' leads out of"),
        ("clip,sample,repeat\nx.mp4,two,one\n", "t.csv:2: 'one' is not a whole number"),
        ("clip,sample\nx.mp4,two\nz.mp4,two\n", "t.csv:3: a second clip for the sample 'two'"),
    ],
)
def test_a_damaged_table_names_its_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        match_clips(tmp_path / "t.csv", SAMPLES)


def test_an_absent_or_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder or table"):
        match_clips(tmp_path / "none", SAMPLES)
    with pytest.raises(InputError, match="holds no clip"):
        match_clips(tmp_path, SAMPLES)


@pytest.mark.parametrize(
    ("rule", "said"),
    [("{idd}", r"did you mean \{id\}\?"), ("{id:04d}", "unknown form"), ("{index!r}", "unknown form")],
)
def test_a_rule_with_an_unknown_placeholder_is_refused(rule: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked_rule(rule)
    with pytest.raises(ValueError, match="give one of both"):
        PrecomputedOptions(only=("a",), clips=Path("x"))


@given(
    st.lists(
        st.from_regex(r"[a-zA-Z0-9 _.\[\]?-]{1,12}", fullmatch=True), min_size=1, max_size=6, unique=True
    )
)
def test_no_clip_is_given_to_two_samples(names: list[str]) -> None:
    import tempfile

    samples = [Sample(id=name) for name in names]
    with tempfile.TemporaryDirectory() as place:
        files = [n for n in names if not re.fullmatch(r"[. ]+.*", n)]
        if not files:
            return
        try:
            matched = match_clips(folder(Path(place), *(f"{n}.mp4" for n in files)), samples)
        except InputError:
            return
        assert len(set(matched.clips.values())) == len(matched.clips)
        assert all(path.stem in (key[0], slug(key[0])) for key, path in matched.clips.items())
