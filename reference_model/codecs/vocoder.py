"""The BigVGAN vocoder of Qwen2.5-Omni through transformers: natural-log mel at 100 frames/s to sound at 24 kHz."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from reference_model.codecs.extra import require
from reference_model.codecs.named_weights import load_official_names

_MODELING = "transformers.models.qwen2_5_omni.modeling_qwen2_5_omni"
_CONFIGURATION = "transformers.models.qwen2_5_omni.configuration_qwen2_5_omni"


@dataclass(frozen=True)
class BigVGANParams:
    """Sizes of the vocoder under transformers' names; the defaults are Qwen2.5-Omni's (449 tensors)."""

    mel_dim: int = 80
    upsample_initial_channel: int = 1536
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: tuple[int, ...] = (5, 3, 2, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (11, 7, 4, 4, 4, 4)

    @property
    def hop_length(self) -> int:
        """Samples per mel frame."""
        return prod(self.upsample_rates)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "BigVGANParams":
        """Take the sizes from a `config.json` of transformers; its other entries say nothing about the network."""
        known = {field.name for field in fields(cls)} & config.keys()
        return cls(**{name: _as_tuples(config[name]) for name in known})


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def build_vocoder(params: BigVGANParams) -> nn.Module:
    """transformers' vocoder of these sizes with unset weights.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    purpose = "the BigVGAN vocoder"
    config = require(_CONFIGURATION, purpose).Qwen2_5OmniBigVGANConfig(**asdict(params))
    network: nn.Module = require(_MODELING, purpose).Qwen2_5OmniToken2WavBigVGANModel(config)
    return network


class BigVGANVocoder(nn.Module):
    """A `Vocoder`. Always in evaluation mode, in the dtype of its weights (bfloat16 in the release)."""

    def __init__(self, tensors: Mapping[str, Tensor], params: BigVGANParams) -> None:
        """Take over `tensors` under transformers' names.

        Raises:
            WeightsMismatchError: a tensor is missing, unexpected or of another shape.
            MissingExtraError: transformers is not installed.
        """
        super().__init__()
        self.params = params
        # Not on the meta device: the network computes filters while it is built that no file holds.
        network = build_vocoder(params)
        load_official_names(network, tensors, str, "BigVGAN vocoder")
        # Those filters are not in the files, so they still have to follow the weights' dtype.
        self.network = network.to(next(iter(tensors.values())).dtype).eval().requires_grad_(False)

    @classmethod
    def from_folder(cls, folder: Path) -> "BigVGANVocoder":
        """Load `config.json` and all `*.safetensors` of a folder (`code2wav_bigvgan_model` in the release).

        Raises:
            FileNotFoundError: the folder holds no configuration or no weights.
            WeightsMismatchError: the weights are of another network.
        """
        shards = sorted(folder.glob("*.safetensors"))
        if not shards or not (folder / "config.json").is_file():
            raise FileNotFoundError(f"{folder} needs config.json and *.safetensors")
        params = BigVGANParams.from_config(json.loads((folder / "config.json").read_text("utf-8")))
        tensors = {name: tensor for shard in shards for name, tensor in load_file(shard).items()}
        return cls(tensors, params)

    @torch.no_grad()
    def decode(self, log_mel: Tensor) -> Tensor:
        """Turn natural-log mel `[B, mel_dim, T]` into a waveform `[B, T * 240]` in [-1, 1] on the same device.

        Raises:
            ValueError: the mel is not `[B, mel_dim, T]`.
        """
        if log_mel.ndim != 3 or log_mel.shape[1] != self.params.mel_dim:
            raise ValueError(f"log_mel must be [B, {self.params.mel_dim}, T], got {tuple(log_mel.shape)}")
        dtype = next(self.network.parameters()).dtype
        waveform: Tensor = self.network(log_mel.to(dtype))
        # The library drops dimensions of size one and moves the result to the CPU.
        return waveform.reshape(log_mel.shape[0], -1).to(log_mel.device)
