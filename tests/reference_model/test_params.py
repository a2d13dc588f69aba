"""Params as files, ablations as values, and values that are refused."""

import json
import re
import resource
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from small_models import small_model, small_params

from reference_model.layout import Size, layout
from reference_model.params import (
    BranchParams,
    InteractionParams,
    ModelParams,
    nano,
    preset,
    read_params,
    ti2v_5b,
    with_ablation,
    write_params,
)
from reference_model.speech_text_embedding import SpeechTextEmbedding


@pytest.mark.parametrize(
    "params", [nano(), ti2v_5b(), with_ablation(nano(), a2v="sti", v2a="none", window=2)]
)
def test_file_round_trip(params: ModelParams, tmp_path: Path) -> None:
    write_params(params, tmp_path / "params.json")
    assert read_params(tmp_path / "params.json") == params


def test_unknown_and_missing_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "params.json"
    write_params(nano(), path)
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "interaction": {**raw["interaction"], "width": 3}}))
    with pytest.raises(ValueError, match=r"interaction\.width: unknown key"):
        read_params(path)
    del raw["layers"]
    path.write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=r"params\.json: layers: is missing"):
        read_params(path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("video.ffn", "x"),
        ("video.width", 192.0),
        ("audio.heads", True),
        ("layers", 10**9),
        ("layers", 2**70),
        ("interaction.layers", "x"),
        ("interaction.layers.0", 0.5),
        ("interaction.a2v", 1),
        ("interaction.window", None),
        ("speech_text.blocks", 10**9),
        ("speech_text.spread", "x"),
        ("speech_text.positions", -1),
        ("speech_text", []),
        ("latent_channels", -1),
        ("patch.1", -4),
        ("patch.2", "a"),
        ("frequency", None),
        ("frequency", 3),
        ("caption_length", 0),
        ("eps", "x"),
        ("eps", 1e9),
        ("eps", float("nan")),
        ("face_modulation", "maybe"),
        ("audio_time", None),
        ("video_rate", 0),
        ("mel_rate", [1]),
    ],
)
def test_a_value_of_another_type_or_out_of_bounds_is_named_with_its_place(
    tmp_path: Path, place: str, value: object
) -> None:
    path = tmp_path / "params.json"
    raw = json.loads(json.dumps(asdict(nano())))
    *above, last = (int(key) if key.isdigit() else key for key in place.split("."))
    part = raw
    for key in above:
        part = part[key]
    part[last] = value
    path.write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=re.escape(f"{path}: {place}: input should be ")) as error:
        read_params(path)
    assert str(error.value).endswith(f", got {value!r}") and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"{", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "params.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"params\.json is not JSON: ") as error:
        read_params(tmp_path / "params.json")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_params_that_cannot_be_written_leave_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "params.json"
    write_params(nano(), path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match=r"params\.json"):
            write_params(ti2v_5b(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_params(path) == nano() and [*tmp_path.iterdir()] == [path]


def test_ablations_are_values() -> None:
    changed = with_ablation(ti2v_5b(), v2a="none", aligner="paper", face_modulation="off")
    assert changed.interaction == replace(ti2v_5b().interaction, v2a="none", aligner="paper")
    assert changed.face_modulation == "off" and with_ablation(nano()) == nano()


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ValueError, match="a2v must be one of ati, sti, sgi, none; got 'all'"):
        InteractionParams(layers=(0,), a2v="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must ascend"):
        InteractionParams(layers=(2, 0))
    with pytest.raises(ValueError, match="do not fit 3 layers"):
        replace(small_params(), interaction=InteractionParams(layers=(3,)))
    with pytest.raises(ValueError, match="heads of an even size"):
        BranchParams(width=30, ffn=10, heads=2)
    with pytest.raises(ValueError, match="width 30 does not give 0 heads"):
        BranchParams(width=30, ffn=10, heads=0)
    with pytest.raises(ValueError, match="patches span one latent frame"):
        replace(nano(), patch=(1,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="face_modulation must be one of on, even, off"):
        replace(nano(), face_modulation="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no preset 'mini'"):
        preset("mini")
    for window in (-1, 10**9):
        with pytest.raises(ValueError, match=rf"window must lie in 0\.\.1000, got {window}"):
            with_ablation(nano(), window=window)
    with pytest.raises(ValueError, match=r"a clip of 600,004 tokens is beyond the 500,000 of one pass"):
        layout(small_params(), Size(150_000, 4, 4, 40), 0, torch.device("cpu"))
    with pytest.raises(ValueError, match="does not divide into 2x2 patches"):
        layout(small_params(), Size(3, 5, 4, 40), 0, torch.device("cpu"))
    with pytest.raises(ValueError, match="at least one"):
        Size(0, 4, 4, 10)


@torch.no_grad()
def test_texts_of_a_batch_do_not_meet() -> None:
    embedding: SpeechTextEmbedding = small_model().text_embedding
    texts = [torch.randint(0, 20, (length,)) for length in (4, 9, 13)]
    padded = torch.full((3, 13), -1)
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = text
    rows = embedding(padded, torch.tensor([4, 9, 13]))
    for row, text in zip(rows, texts, strict=True):
        assert torch.allclose(row[: len(text)], embedding(text[None])[0], atol=1e-6)
        assert not row[len(text) :].any()
    # Fillers inside the length are part of the text: the release attends to them and so its statistics see them.
    assert not torch.allclose(embedding(padded[:1])[0, :4], rows[0, :4], atol=1e-4)


def test_ids_beyond_the_vocabulary_are_refused() -> None:
    embedding: SpeechTextEmbedding = small_model().text_embedding
    for wrong in (20, -2):
        with pytest.raises(ValueError, match=r"must lie in -1\.\.19"):
            embedding(torch.tensor([[1, wrong]]))
