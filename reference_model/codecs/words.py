"""A small caption encoder, learned with the model: one row per word, in place of umT5."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from reference_model.speech_text_embedding import sinusoid

_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
NOTHING, UNKNOWN = 0, 1
"""Ids of a caption without words, and of a word that training did not see."""
_FIRST = 2


def words_of(caption: str) -> list[str]:
    """The words of a caption in lower case; hyphens and apostrophes stay within them."""
    return _WORD.findall(caption.lower())


def vocabulary_of(captions: Iterable[str], least: int = 2) -> tuple[str, ...]:
    """The words that appear at least so often, in alphabetical order."""
    counted = Counter(word for caption in captions for word in words_of(caption))
    return tuple(sorted(word for word, count in counted.items() if count >= least))


class WordCaptions(nn.Module):
    """A `CaptionEncoder`: embedding of the word plus its place, then an MLP; at most `rows` words are read."""

    def __init__(self, vocabulary: Sequence[str], width: int, rows: int) -> None:
        super().__init__()
        self.vocabulary, self.rows = tuple(vocabulary), rows
        self._ids = {word: _FIRST + i for i, word in enumerate(self.vocabulary)}
        self.embedding = nn.Embedding(_FIRST + len(self.vocabulary), width)
        self.network = nn.Sequential(nn.Linear(width, width), nn.GELU("tanh"), nn.Linear(width, width))

    def ids(self, caption: str) -> list[int]:
        """Word ids, at least one: a caption without words is `NOTHING`."""
        found = [self._ids.get(word, UNKNOWN) for word in words_of(caption)[: self.rows]]
        return found or [NOTHING]

    def forward(self, ids: Tensor) -> Tensor:
        """Ids `[B, L]` (-1 = padding) -> rows `[B, L, C]`, zero at padding."""
        place = sinusoid(torch.arange(ids.shape[1], device=ids.device), self.embedding.embedding_dim)
        rows = self.network(self.embedding(ids.clamp(min=0)) + place)
        present: Tensor = rows * (ids >= 0)[..., None]
        return present

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> list[Tensor]:
        """Encode each caption by itself to `[L, C]`, L its number of words (at least one, also for "")."""
        device = self.embedding.weight.device
        return [self(torch.tensor([self.ids(caption)], device=device))[0].cpu() for caption in captions]


def words_header(encoder: WordCaptions) -> dict[str, str]:
    """What a file of weights says of the encoder beside its tensors."""
    return {"captions": json.dumps({"vocabulary": encoder.vocabulary, "rows": encoder.rows})}


def load_words(path: Path, width: int) -> WordCaptions:
    """Read an encoder from a file whose header is `words_header`.

    Raises:
        ValueError: the file is absent, damaged, or holds other weights.
    """
    try:
        with safe_open(path, "pt") as file:
            described = json.loads((file.metadata() or {})["captions"])
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        encoder = WordCaptions(described["vocabulary"], width, int(described["rows"]))
        encoder.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} holds no weights of the caption encoder: {error}") from error
    return encoder.eval().requires_grad_(False)
