"""Strict loading: counts, names, shapes, dtypes."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small_models import small_model, small_params
from torch import Tensor

from reference_model.checkpoint import INDEX, CheckpointError, build_on_meta, load_official, save
from reference_model.describe import parts
from reference_model.params import nano, ti2v_5b, write_params

PARTS = {
    "blocks": 4_909_701_120,
    "audio_blocks": 1_393_221_120,
    "a2v_blocks": 425_088_015,
    "v2a_blocks": 212_474_880,
    "time_projection": 56_641_536,
    "time_embedding": 10_229_760,
    "time_projection_audio": 14_164_992,
    "time_embedding_audio": 2_755_584,
    "text_embedding_video": 22_026_240,
    "text_embedding": 5_532_672,
    "text_proj": 786_432,
    "audio_embedding": 2_485_248,
    "patch_embedding": 592_896,
    "head": 596_160,
    "head_audio": 126_032,
    "audio_padding": 1_536,
}


@pytest.fixture(scope="module")
def official() -> dict[str, Tensor]:
    return build_on_meta(ti2v_5b()).state_dict()


def test_official_counts_part_by_part() -> None:
    found = parts(ti2v_5b())
    assert {part.name: part.parameters for part in found} == PARTS
    assert sum(part.tensors for part in found) == 2036
    assert sum(part.parameters for part in found) == 7_056_424_223


def test_nano_is_small() -> None:
    assert 5e6 < sum(part.parameters for part in parts(nano())) < 8e6


def test_official_names_load_strictly_without_memory(official: dict[str, Tensor]) -> None:
    model = load_official({name: tensor.to(torch.bfloat16) for name, tensor in official.items()})
    assert all(tensor.is_meta and tensor.dtype == torch.bfloat16 for tensor in model.state_dict().values())


def test_missing_tensor_is_named(official: dict[str, Tensor]) -> None:
    state = {name: tensor for name, tensor in official.items() if name != "blocks.7.ffn.2.bias"}
    with pytest.raises(CheckpointError, match=r"1 missing: blocks\.7\.ffn\.2\.bias") as caught:
        load_official(state)
    assert caught.value.missing == ("blocks.7.ffn.2.bias",)
    assert caught.value.unexpected == caught.value.misshapen == ()


def test_unexpected_tensor_is_named(official: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=r"1 unexpected: text_embedding\.freqs_cis"):
        load_official({**official, "text_embedding.freqs_cis": torch.zeros(1, device="meta")})


def test_misshapen_tensor_is_named_with_both_shapes(official: dict[str, Tensor]) -> None:
    state = {**official, "head.head.bias": torch.zeros(191, device="meta")}
    with pytest.raises(CheckpointError, match=r"1 misshapen: head\.head\.bias \(191,\) instead of \(192,\)"):
        load_official(state)


def test_shards_load_directly_and_keep_their_dtype(tmp_path: Path) -> None:
    params = small_params()
    state = {name: tensor.to(torch.bfloat16) for name, tensor in small_model(params).state_dict().items()}
    names = sorted(state)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in shards.items():
        save_file({name: state[name].contiguous() for name in part}, tmp_path / file)
    weight_map = {name: file for file, part in shards.items() for name in part}
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": weight_map}))
    write_params(params, tmp_path / "params.json")
    loaded = load_official(tmp_path)
    assert loaded.params == params and not loaded.training
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.bfloat16 and torch.equal(tensor, state[name])


def test_incomplete_shard_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    state = small_model().state_dict()
    state.pop("text_proj.weight")
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"text_proj\.weight"):
        load_official(tmp_path, small_params())


def test_pth_is_read_as_tensors_only(tmp_path: Path) -> None:
    model = small_model()
    torch.save(model.state_dict(), tmp_path / "model.pth")
    loaded = load_official(tmp_path / "model.pth", model.params)
    assert torch.equal(loaded.head.head.weight, model.head.head.weight)
    torch.save({"model": model}, tmp_path / "evil.pth")
    with pytest.raises(
        ValueError, match=r"evil\.pth is damaged or holds more than tensors; fetch or write it"
    ):
        load_official(tmp_path / "evil.pth", model.params)
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list\.pth holds no tensors by name"):
        load_official(tmp_path / "list.pth", model.params)


def test_saved_model_comes_back(tmp_path: Path) -> None:
    model = small_model(small_params(a2v="sgi", window=3, aligner="paper"))
    save(model, tmp_path)
    loaded = load_official(tmp_path)
    assert loaded.params == model.params
    assert all(torch.equal(t, loaded.state_dict()[n]) for n, t in model.state_dict().items())


def test_ablations_share_one_checkpoint() -> None:
    state = small_model().state_dict()
    for a2v in ("ati", "sti", "sgi", "none"):
        load_official(state, small_params(a2v=a2v, v2a="none"))


def test_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="0 weight files"):
        load_official(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.safetensors", r"model\.safetensors is damaged"),
        ("model.pth", r"model\.pth is damaged or holds more than tensors"),
        (INDEX, "is no index of shards"),
    ],
)
def test_damaged_file_is_named(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_text("[]")
    with pytest.raises(ValueError, match=message):
        load_official(tmp_path, small_params())
