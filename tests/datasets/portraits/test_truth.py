"""The truth on disk: what is read is what was written, it agrees with the clip, and damage is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.datasets.portraits.clip_maker import CLIP, SPEECH, ClipMaker, MadeClip, write_files
from uniavgen_bench.datasets.portraits.clip_truth import ARRAYS, FACTS, read_truth
from uniavgen_bench.datasets.portraits.face_state import CURVES
from uniavgen_bench.datasets.portraits.recipe import draw_recipes, format_of
from uniavgen_bench.media.decode import audio, video_frames
from uniavgen_bench.media.probe import probe

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def made() -> MadeClip:
    return ClipMaker().make(draw_recipes("val", 2, "both", "grid", format_of(64, 16, 2.0), 3)[1])


@pytest.fixture(scope="module")
def folder(made: MadeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip")
    write_files(made, path)
    return path


def test_truth_comes_back_as_it_was_written(made: MadeClip, folder: Path) -> None:
    truth = read_truth(folder)
    seen = made.seen.truth
    assert truth.facts.model_copy(update={"files": {}}) == made.facts
    others = {path.name for path in folder.iterdir()} - {FACTS}
    assert truth.facts.files == {name: sha256_file(folder / name) for name in others & set(truth.facts.files)}
    assert ARRAYS in truth.facts.files and len(truth.facts.files) > 1
    for name in ("mask", "landmarks", "opening", "width", "pose"):
        np.testing.assert_array_equal(getattr(truth, name), getattr(seen, name))
    for name in CURVES:
        np.testing.assert_array_equal(getattr(truth.face, name), getattr(made.timeline.face, name))
    assert len(truth.visemes) == truth.facts.frames == 33
    assert truth.visemes[0] == truth.visemes[-1] == "sil"


def test_the_clip_shows_and_sounds_what_the_truth_says(made: MadeClip, folder: Path) -> None:
    found = probe(folder / CLIP)
    assert (found.width, found.height) == (64, 64)
    pictures = np.stack([frame.image for frame in video_frames(folder / CLIP)])
    assert pictures.shape == made.seen.pictures.shape
    assert np.abs(pictures.astype(int) - made.seen.pictures).mean() < 6
    heard, given = audio(folder / CLIP), audio(folder / SPEECH)
    assert heard.rate == given.rate == 24_000
    np.testing.assert_array_equal(np.rint(heard.samples * 32768), made.timeline.sound)
    np.testing.assert_array_equal(given.samples * 32768, made.timeline.sound)


def test_the_reference_picture_is_no_frame_of_the_clip_and_its_mouth_is_shut(made: MadeClip) -> None:
    differences = np.abs(made.seen.pictures.astype(int) - made.image).mean(axis=(1, 2, 3))
    assert differences.min() > 0.5
    assert made.reference_text != made.timeline.text


def test_the_caption_names_the_person_and_not_the_words(made: MadeClip) -> None:
    facts = made.facts
    person = {"female": ("woman", "girl"), "male": ("man", "boy")}[facts.gender]
    assert any(f" {name} " in facts.caption for name in person)
    assert facts.speech not in facts.caption
    drawn = any(word in facts.caption for word in ("anime", "cartoon", "animated"))
    assert drawn == (facts.domain == "stylised")


@pytest.mark.parametrize("name", [ARRAYS, FACTS])
def test_a_damaged_truth_is_one_clear_line(folder: Path, tmp_path: Path, name: str) -> None:
    for file in (ARRAYS, FACTS):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    (tmp_path / name).write_bytes((folder / name).read_bytes()[:200])
    with pytest.raises(InputError, match=r"truth.*(damaged|cannot be read)"):
        read_truth(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError):
        read_truth(tmp_path)
