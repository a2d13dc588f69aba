"""AudioBox-Aesthetics as a network: what the checkpoint says of itself, and the layers and names of its state dict.

Tjandra et al., "Meta Audiobox Aesthetics: Unified automatic quality assessment for speech, music, and sound"
(arXiv:2502.05139): the layers of a WavLM are mixed, averaged over time and judged by one small network for each axis.
This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn
from torch.nn.functional import normalize

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.metrics.wavlm_network import Wavlm, WavlmParams

Axis = Literal["CE", "CU", "PC", "PQ"]
AXES: tuple[Axis, ...] = ("CE", "CU", "PC", "PQ")


class AxisScale(BaseModel):
    """Mean and deviation of an axis in training: outputs are brought back to the scale of the listeners."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mean: float
    std: float = Field(gt=0)


class HeadParams(BaseModel):
    """The part of the checkpoint's `model_cfg` that shapes the heads. Dropout does nothing when it listens."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    proj_num_layer: int = Field(default=1, ge=1)
    proj_ln: bool = False
    proj_act_fn: Literal["gelu"] = "gelu"
    proj_dropout: float = 0.0
    nth_layer: int = Field(default=13, ge=1)
    use_weighted_layer_sum: Literal[True] = True
    normalize_embed: bool = True
    output_dim: Literal[1] = 1


class Checkpoint(BaseModel):
    """What the released file holds beside its weights."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model_cfg: HeadParams
    target_transform: dict[Axis, AxisScale] = Field(min_length=len(AXES))


class AudioboxAesthetics(nn.Module):
    """Sound to enjoyment CE, usefulness CU, complexity PC and production quality PQ, on the scale of training."""

    def __init__(self, params: HeadParams, sizes: WavlmParams | None = None) -> None:
        super().__init__()
        sizes = sizes or WavlmParams()
        self.params = params
        self.wavlm_model = Wavlm(sizes)
        self.proj_layer = nn.ModuleDict({axis: _head(params, sizes.width) for axis in AXES})
        layers = sizes.depth + 1
        if params.nth_layer != layers:
            raise ValueError(f"the heads read {params.nth_layer} layers, the encoder has {layers}")
        self.layer_weights = nn.ParameterDict({axis: torch.ones(layers) / layers for axis in AXES})

    def forward(self, sound: Tensor, heard: Tensor) -> Tensor:
        """Judge sounds `[B, N]` at 16 kHz of which `heard` [B, N] is true: `[B, 4]` in the order of `AXES`."""
        states, spoken = self.wavlm_model(sound, heard)
        share = spoken[..., None] / spoken.sum(dim=1).clamp(min=1)[:, None, None]
        judged = []
        for axis in AXES:
            weights = self.layer_weights[axis].softmax(dim=0)
            mixed = torch.einsum("lbtc,l->btc", states, weights)
            embedding = (mixed * share).sum(dim=1)
            if self.params.normalize_embed:
                embedding = normalize(embedding, dim=-1)
            judged.append(self.proj_layer[axis](embedding)[:, 0])
        return torch.stack(judged, dim=1)


def _head(params: HeadParams, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(params.proj_num_layer - 1):
        layers.append(nn.Linear(width, width))
        if params.proj_ln:
            layers.append(nn.LayerNorm(width))
        layers.append(nn.GELU())
        if params.proj_dropout:
            layers.append(nn.Identity())
    return nn.Sequential(*layers, nn.Linear(width, 1))


def load_audiobox(
    path: Path, device: str, sizes: WavlmParams | None = None
) -> tuple[AudioboxAesthetics, dict[Axis, AxisScale]]:
    """Load the released `checkpoint.pt` and the scale of each axis, without unpickling code.

    Raises:
        MissingError: `weights` when the file does not hold this network.
    """
    content = torch.load(path, map_location="cpu", weights_only=True)
    try:
        about = Checkpoint.model_validate(content)
        net = AudioboxAesthetics(about.model_cfg, sizes)
        state = {name.removeprefix("model."): value for name, value in content["state_dict"].items()}
        net.load_state_dict(state, strict=True)
    except ValidationError as error:
        problem = first_problem(error)
        raise MissingError(Reason.WEIGHTS, f"{path.name} is not AudioBox-Aesthetics: {problem}") from error
    except (KeyError, RuntimeError, ValueError) as error:
        raise MissingError(Reason.WEIGHTS, f"{path.name} is not AudioBox-Aesthetics: {error}") from error
    return net.eval().to(device), {axis: about.target_transform[axis] for axis in AXES}
