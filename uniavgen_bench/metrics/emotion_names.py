"""Names of emotions: the seven that facial networks know, what datasets call them, and which are aroused."""

from __future__ import annotations

from collections.abc import Sequence

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted")
AROUSED = frozenset({"happy", "angry", "surprised", "fearful"})
"""Of the circumplex (Russell 1980). Neutral and sad are calm; nobody agrees where disgust lies."""
CALM = frozenset({"neutral", "sad"})
SYNONYMS = {
    "neutral": ("calm", "relaxed", "serene", "none"),
    "happy": ("happiness", "joy", "joyful", "cheerful", "hap"),
    "sad": ("sadness", "sorrow", "sorrowful"),
    "angry": ("anger", "ang", "furious"),
    "surprised": ("surprise", "astonished"),
    "fearful": ("fear", "afraid", "scared", "frightened"),
    "disgusted": ("disgust",),
}
KNOWN = {name: name for name in EMOTIONS} | {
    other: name for name, others in SYNONYMS.items() for other in others
}
NO_EMOTION = "the sample names no emotion (a manifest names it in the column fact.emotion)"


def emotion_asked(sample: Sample, among: Sequence[str] = EMOTIONS) -> str:
    """Return the emotion that a sample asks for, by its fact `emotion`, as one of `EMOTIONS`.

    Raises:
        MissingError: `no_reference` when it asks for none, or for one that is not among those that can be told.
    """
    given = sample.facts.get("emotion", "").strip().lower()
    if not given:
        raise MissingError(Reason.NO_REFERENCE, NO_EMOTION)
    name = KNOWN.get(given)
    if name is None or name not in among:
        raise MissingError(Reason.NO_REFERENCE, f"{given!r} is none of {', '.join(among)}")
    return name
