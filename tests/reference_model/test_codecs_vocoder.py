import json
from dataclasses import asdict
from math import prod
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from reference_model.codecs.named_weights import WeightsMismatchError
from reference_model.codecs.vocoder import BigVGANParams, BigVGANVocoder, build_vocoder

pytest.importorskip("transformers", reason="transformers of the extra 'full' is not installed")

TINY = BigVGANParams(upsample_initial_channel=64)


def tiny_weights() -> dict[str, Tensor]:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(6)
    return {
        name: 0.2 * torch.randn(tensor.shape, generator=generator) / max(1, prod(tensor.shape[1:])) ** 0.5
        for name, tensor in build_vocoder(TINY).state_dict().items()
    }


def mels(batch: int, frames: int = 6) -> Tensor:
    return torch.randn(batch, 80, frames, generator=torch.Generator().manual_seed(7)) - 5


def test_full_size_has_the_released_number_of_tensors_and_parameters() -> None:
    with torch.device("meta"):
        state = build_vocoder(BigVGANParams()).state_dict()
    assert len(state) == 449
    assert sum(tensor.numel() for tensor in state.values()) == 115_443_504
    assert BigVGANParams().hop_length == 240


@pytest.mark.parametrize(("batch", "frames"), [(1, 6), (2, 6), (2, 1)])
def test_a_waveform_has_240_samples_per_frame(batch: int, frames: int) -> None:
    waveform = BigVGANVocoder(tiny_weights(), TINY).decode(mels(batch, frames))
    assert waveform.shape == (batch, frames * 240)
    assert waveform.abs().max() <= 1
    assert waveform.std() > 0


def test_items_of_a_batch_are_independent() -> None:
    vocoder = BigVGANVocoder(tiny_weights(), TINY)
    assert torch.allclose(vocoder.decode(mels(2))[1:], vocoder.decode(mels(2)[1:]), atol=1e-5)


def test_weights_in_bfloat16_are_used_as_they_are() -> None:
    weights = {name: tensor.bfloat16() for name, tensor in tiny_weights().items()}
    waveform = BigVGANVocoder(weights, TINY).decode(mels(1))
    exact = BigVGANVocoder(tiny_weights(), TINY).decode(mels(1))
    assert waveform.dtype == torch.bfloat16
    assert (waveform - exact).abs().max() < 0.3 * exact.abs().max()


def test_a_folder_of_the_library_is_loaded(tmp_path: Path) -> None:
    weights = tiny_weights()
    names = sorted(weights)
    (tmp_path / "config.json").write_text(json.dumps(asdict(TINY) | {"model_type": "x"}), "utf-8")
    with pytest.raises(FileNotFoundError, match="safetensors"):
        BigVGANVocoder.from_folder(tmp_path)
    save_file({name: weights[name] for name in names[:100]}, tmp_path / "model-1.safetensors")
    with pytest.raises(WeightsMismatchError, match="349 missing"):
        BigVGANVocoder.from_folder(tmp_path)
    save_file({name: weights[name] for name in names[100:]}, tmp_path / "model-2.safetensors")
    vocoder = BigVGANVocoder.from_folder(tmp_path)
    assert vocoder.params == TINY
    assert torch.equal(vocoder.decode(mels(1)), BigVGANVocoder(weights, TINY).decode(mels(1)))


def test_extra_and_misshapen_weights_are_refused() -> None:
    weights = tiny_weights()
    with pytest.raises(WeightsMismatchError, match=r"1 unexpected: decoder\.x"):
        BigVGANVocoder(weights | {"decoder.x": torch.zeros(1)}, TINY)
    with pytest.raises(WeightsMismatchError, match=r"1 misshapen: conv_pre\.bias \(3,\) instead of \(64,\)"):
        BigVGANVocoder(weights | {"conv_pre.bias": torch.zeros(3)}, TINY)


def test_another_number_of_bands_is_refused() -> None:
    with pytest.raises(ValueError, match="80"):
        BigVGANVocoder(tiny_weights(), TINY).decode(torch.zeros(1, 64, 5))
