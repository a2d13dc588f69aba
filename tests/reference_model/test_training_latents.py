"""A folder of latents that is damaged is refused by one line, and what the line says mends it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from training_world import encoded, relisted, rewritten, texts_of, tiny_recipe, trainer

from reference_model.codecs.nano_video import NanoVideoCodec
from reference_model.training.clips import read_clips

pytestmark = pytest.mark.usefixtures("one_thread")

AGAIN = "; encode again: python -m reference_model encode RECIPE"
Change = Callable[[dict[str, Tensor]], dict[str, Tensor | None]]


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    """A world of its own, encoded."""
    for part in ("shards", "latents", "video_codec.safetensors"):
        source = world / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    tiny_recipe(tmp_path)
    return tmp_path


def first_of(folder: Path) -> Path:
    return sorted((folder / "latents").glob("*.safetensors"))[0]


def message(folder: Path) -> str:
    with pytest.raises(ValueError, match="encode again") as error:
        trainer(folder)
    told = str(error.value)
    assert told.endswith(AGAIN) and "\n" not in told
    return told


CHANGES: dict[str, tuple[Change, str]] = {
    "one row": (
        lambda t: {"latents": t["latents"][:1].clone()},
        "latents is float16 (1, 8, 3, 4, 4), expected",
    ),
    "sound short": (lambda t: {"mel": t["mel"][:, :5].clone()}, "mel is float16 (3, 56, 80), expected"),
    "no axes": (lambda t: {"latents": torch.tensor(1.0).half()}, "latents is float16 (), expected"),
    "channels": (lambda t: {"latents": t["latents"][:, :4].clone()}, "is float16 (3, 8, 1, 4, 4), expected"),
    "mask": (lambda t: {"mask": t["mask"][:, :1].clone()}, "mask is uint8 (3, 1, 2, 2), expected"),
    "fp32": (lambda t: {"mel": t["mel"].float()}, "mel is float32"),
    "infinite": (lambda t: {"mel": t["mel"] / 0}, "mel has values that are not finite"),
    "below": (
        lambda t: {"reference_tokens": -t["reference_tokens"]},
        "reference_tokens reach from -85 to -40",
    ),
    "above": (lambda t: {"reference_tokens": t["reference_tokens"] + 1000}, "expected 1 to 85"),
    "absent": (lambda t: {"lips": None}, "has no 'lips'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_tensors_are_refused_and_made_again(folder: Path, change: str) -> None:
    path, (changes, said) = first_of(folder), CHANGES[change]
    whole = read_clips(folder / "latents").content_key()
    rewritten(path, **changes(load_file(path)))
    assert f"{path} is damaged, or another file than index.json" in message(folder)
    relisted(folder / "latents")
    told = message(folder)
    assert str(path.parent) in told and said in told
    assert encoded(folder).content_key() == whole
    trainer(folder)


@pytest.mark.parametrize(
    "texts",
    [[], 3, {}, *(dict.fromkeys(("id", "speech", "caption", "reference_text"), v) for v in (["a"], [1, 2, 3], 3))],
    ids=["list", "number", "none", "short", "numbers", "no lists"],
)  # fmt: skip
def test_wrong_texts_are_refused_and_made_again(folder: Path, texts: object) -> None:
    path = first_of(folder)
    whole = read_clips(folder / "latents").content_key()
    rewritten(path, texts)
    relisted(folder / "latents")
    assert str(path) in message(folder)
    assert encoded(folder).content_key() == whole


@pytest.mark.parametrize("damage", ["{", "[]", '{"shards": []}', "clips"])
def test_a_wrong_index_is_refused_and_written_again_from_the_files(
    folder: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = folder / "latents" / "index.json"
    text = index.read_text()
    index.write_text(text.replace('"clips": 3', '"clips": 99', 1) if damage == "clips" else damage)
    message(folder)
    monkeypatch.setattr(NanoVideoCodec, "encode", None)
    encoded(folder)
    assert json.loads(index.read_text()) == json.loads(text)


def test_latents_with_values_changed_are_made_again_though_they_look_right(folder: Path) -> None:
    path = first_of(folder)
    whole = read_clips(folder / "latents").content_key()
    rewritten(path, latents=-load_file(path)["latents"])
    message(folder)
    assert encoded(folder).content_key() == whole


def test_a_folder_of_the_first_format_is_encoded_again(folder: Path) -> None:
    """Its index lists the files by the SHA-256 of their shards, so nothing says what is in them."""
    index = folder / "latents" / "index.json"
    listed = json.loads(index.read_text())
    for entry, shard in zip(
        listed["shards"], json.loads((folder / "shards" / "index.json").read_text())["shards"], strict=True
    ):
        entry["sha256"] = shard["sha256"]
    index.write_text(json.dumps(listed))
    path = first_of(folder)
    rewritten(path, texts_of(path), mel=-load_file(path)["mel"])
    message(folder)
    encoded(folder)
    trainer(folder)


def test_encoding_again_keeps_what_it_made_before_it_was_cut_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = folder / "latents" / "index.json"
    listed = json.loads(index.read_text())
    for entry in listed["shards"]:
        entry["sha256"] = "0" * 64
    index.write_text(json.dumps(listed))
    encode, left = NanoVideoCodec.encode, [3]

    def cut_off(self: NanoVideoCodec, video: torch.Tensor) -> torch.Tensor:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return encode(self, video)

    monkeypatch.setattr(NanoVideoCodec, "encode", cut_off)
    with pytest.raises(KeyboardInterrupt):
        encoded(folder)
    (made,) = (folder / "latents").glob("*.safetensors")
    before = made.stat().st_mtime_ns
    monkeypatch.setattr(NanoVideoCodec, "encode", encode)
    encoded(folder)
    assert made.stat().st_mtime_ns == before


def test_shards_that_give_no_good_latents_are_named(folder: Path) -> None:
    index = folder / "shards" / "index.json"
    index.write_text(index.read_text().replace('"clips": 3', '"clips": 99', 1))
    with pytest.raises(
        ValueError, match=r"shard-0.*gives no good latents: .*export the clips again: uniavgen-bench"
    ):
        encoded(folder)
