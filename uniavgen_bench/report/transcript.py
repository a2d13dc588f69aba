"""A transcript beside what should have been said, word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A run of words: `kind` is equal, substitute, delete or insert; `meant` should be heard, `said` was heard."""

    kind: str
    meant: str
    said: str


def compare(reference: str, hypothesis: str) -> list[Piece]:
    """Align two texts by words, blind to case and punctuation, at the smallest number of edits."""
    meant, said = _words(reference), _words(hypothesis)
    if not meant or not said:
        gone = [Piece("delete", " ".join(w for w, _ in meant), "")] if meant else []
        return gone + ([Piece("insert", "", " ".join(w for w, _ in said))] if said else [])
    import jiwer

    found = jiwer.process_words(" ".join(key for _, key in meant), " ".join(key for _, key in said))
    return [
        Piece(
            chunk.type,
            " ".join(word for word, _ in meant[chunk.ref_start_idx : chunk.ref_end_idx]),
            " ".join(word for word, _ in said[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        )
        for chunk in found.alignments[0]
    ]


def _words(text: str) -> list[tuple[str, str]]:
    """Return the words as written, each with the form that is compared."""
    pairs = ((word, re.sub(r"[^\w']", "", word).lower()) for word in text.split())
    return [(word, key) for word, key in pairs if key]
