"""SpeechBrain's emotion classifier of IEMOCAP as a network: wav2vec 2.0 base, mean over time, one linear layer.

Ravanelli et al., "SpeechBrain" (arXiv:2106.04624), model emotion-recognition-wav2vec2-IEMOCAP (19-10-21, 78.7 % on its
test split). This module imports torch and transformers: import it inside functions only.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from transformers import Wav2Vec2Config, Wav2Vec2Model

LABELS = ("neutral", "angry", "happy", "sad")
"""The order of `label_encoder.txt`: neu, ang, hap, sad."""
ENCODER_FILE, HEAD_FILE = "wav2vec2.ckpt", "model.ckpt"
WRAPPER = "model."
"""SpeechBrain keeps the Hugging Face model under this name."""
HEAD_KEY = "0.w.weight"
WIDTH = 768


class IemocapClassifier(nn.Module):
    """94.4 M parameters; `config` is the base configuration of wav2vec 2.0 unless tests ask for less."""

    def __init__(self, config: Wav2Vec2Config | None = None) -> None:
        super().__init__()
        base: Any = Wav2Vec2Config
        chosen = config if config is not None else base()
        self.encoder = Wav2Vec2Model(chosen)
        self.head = nn.Linear(chosen.hidden_size, len(LABELS), bias=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map one sound `[N]` at 16 kHz to the probability of each of `LABELS` `[4]`."""
        wave = layer_norm(samples[None], (len(samples),))
        hidden = self.encoder(wave).last_hidden_state[0]
        # One layer norm over time and channels together, as SpeechBrain's wrapper has it.
        hidden = layer_norm(hidden, hidden.shape)
        return torch.softmax(self.head(hidden.mean(dim=0)), dim=-1)


def load_iemocap(folder: Path, device: str, config: Wav2Vec2Config | None = None) -> IemocapClassifier:
    """Load the two released checkpoints strictly, without unpickling code.

    Raises:
        ValueError: a file is no checkpoint, or holds other names or shapes.
    """
    network = IemocapClassifier(config)
    encoder = _read(folder / ENCODER_FILE)
    stripped = {name.removeprefix(WRAPPER): tensor for name, tensor in encoder.items()}
    head = _read(folder / HEAD_FILE)
    if set(head) != {HEAD_KEY}:
        raise ValueError(f"{HEAD_FILE} holds {', '.join(sorted(head))[:80]}, not {HEAD_KEY}")
    try:
        network.encoder.load_state_dict(stripped, strict=True)
        network.head.load_state_dict({"weight": head[HEAD_KEY]}, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{ENCODER_FILE} or {HEAD_FILE} does not fit: {str(error)[:200]}") from error
    return network.eval().to(device)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} is no checkpoint that can be read safely") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no named tensors")
    return found
