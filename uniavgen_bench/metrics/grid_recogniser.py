"""Recognition over the closed grammar of the GRID corpus: Whisper's token probabilities, slot by slot.

A sentence has six slots with 4, 4, 4, 25, 10 and 4 words, and every word is one token of Whisper's English vocabulary.
The network is asked for the next token after each beginning that is still in the race; only the words of the slot
count. So it always answers with a sentence of the grammar, to noise as well.

Source: Cooke et al. 2006, "An audio-visual corpus for speech perception and automatic speech recognition".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.analysis.transcript import WEIGHT, load_recogniser
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SLOTS: tuple[tuple[str, ...], ...] = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
LETTER = 3
BEAM = 4


@dataclass(frozen=True)
class Recognised:
    """The best sentence of the grammar, and the share of each of its words.

    `shares` [6]: the probability of the word in its slot, given the words before it.
    """

    words: tuple[str, ...]
    shares: tuple[float, ...]


def written(word: str, slot: int) -> str:
    """Write a word as Whisper would: a capital first letter, single letters large."""
    return word.upper() if slot == LETTER else word.capitalize() if slot == 0 else word


def is_grid(words: list[str]) -> bool:
    """Tell whether words are a sentence of the grammar."""
    return len(words) == len(SLOTS) and all(w in slot for w, slot in zip(words, SLOTS, strict=True))


class GridRecogniser:
    """Whisper tiny.en, held to the grammar."""

    def __init__(self, network: WhisperModel) -> None:
        self._network = network
        tokenizer: Any = network.hf_tokenizer

        def tokens(text: str) -> list[int]:
            ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
            return ids

        self._words = [[tokens(f" {written(w, k)}") for w in slot] for k, slot in enumerate(SLOTS)]
        if any(len(ids) != 1 for slot in self._words for ids in slot):
            raise ValueError(
                "a word of the grammar is not one token: this is not Whisper's English vocabulary"
            )
        special = ("<|startoftranscript|>", "<|notimestamps|>")
        self._before: list[int] = [tokenizer.token_to_id(name) for name in special]

    def recognise(self, samples: Float32) -> Recognised:
        """Return the likeliest sentence of a sound [N] at 16 kHz of at most 30 s, by a beam of four."""
        heard = self._heard(samples)
        beams: list[tuple[float, tuple[int, ...], tuple[float, ...]]] = [(0.0, (), ())]
        for slot in self._words:
            starts = [
                [*self._before, *(self._words[i][w][0] for i, w in enumerate(said))] for _, said, _ in beams
            ]
            grown = []
            for (total, said, shares), logits in zip(beams, self._next(heard, starts), strict=True):
                among = logits[[ids[0] for ids in slot]]
                share = np.exp(among - among.max())
                share /= share.sum()
                everything = float(logits.max() + np.log(np.exp(logits - logits.max()).sum()))
                grown += [
                    (total + float(among[w]) - everything, (*said, w), (*shares, float(share[w])))
                    for w in range(len(slot))
                ]
            beams = sorted(grown, reverse=True)[:BEAM]
        _, said, shares = beams[0]
        return Recognised(tuple(SLOTS[k][w] for k, w in enumerate(said)), shares)

    def _heard(self, samples: Float32) -> Float32:
        from faster_whisper.audio import pad_or_trim

        features = pad_or_trim(self._network.feature_extractor(samples.astype(np.float32)))
        return np.asarray(self._network.encode(features), np.float32)

    def _next(self, heard: Float32, starts: list[list[int]]) -> list[Float64]:
        """Return the logits [V] of the next token after each start."""
        from ctranslate2 import StorageView

        # The library's greatest length counts the prompt too, and no more than half of it may be generated.
        prompt, steps = len(self._before), len(starts[0]) - len(self._before) + 1
        found = self._network.model.generate(
            StorageView.from_array(np.repeat(heard, len(starts), axis=0)),
            starts,
            beam_size=1,
            max_length=max(2 * steps, prompt + steps),
            return_logits_vocab=True,
            suppress_blank=False,
            suppress_tokens=[],
        )
        logits = [one.logits[0] for one in found]
        if any(len(one) < steps for one in logits):
            raise RuntimeError(f"the recogniser made {[len(one) for one in logits]} steps instead of {steps}")
        # Step 0 follows the prompt, and each word that is known makes one step.
        return [np.asarray(one[steps - 1], np.float64).ravel() for one in logits]


def load_grid_recogniser(models: Models) -> GridRecogniser:
    """Return this process's recogniser; it shares its network with the transcripts. Raises `MissingError(weights)`."""
    pipeline = models.get(WEIGHT, lambda: load_recogniser(models))
    return models.get("grid-recogniser", lambda: GridRecogniser(pipeline.model))
