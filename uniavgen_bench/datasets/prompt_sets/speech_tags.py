"""Speech tags in prompts, as Ovi writes them: `<S>words<E>`, and `<AUDCAP>sounds<ENDAUDCAP>` at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from uniavgen_bench.core.errors import InputError, Where

SPEECH = re.compile(r"<S>(.*?)<E>", re.DOTALL)
SOUND = re.compile(r"<AUDCAP>(.*?)<ENDAUDCAP>", re.DOTALL)
TAG = re.compile(r"<(?:S|E|AUDCAP|ENDAUDCAP)>")


@dataclass(frozen=True)
class TaggedPrompt:
    """A prompt without its tags: spoken words stand in quotation marks in the caption, sounds apart."""

    caption: str
    lines: tuple[str, ...]
    sound: str | None


def without_tags(prompt: str, where: Where) -> TaggedPrompt:
    """Take the tags out of a prompt.

    Raises:
        InputError: a tag without its other half (the closing one of <S> is <E>), or nothing between two.
    """
    sounds = [_inner(match, where) for match in SOUND.finditer(prompt)]
    rest = SOUND.sub(" ", prompt)
    lines = tuple(_inner(match, where) for match in SPEECH.finditer(rest))
    caption = SPEECH.sub(lambda match: f'"{match[1].strip()}"', rest)
    left = TAG.search(" ".join((*sounds, caption)))
    if left is not None:
        way_out = "speech is <S>words<E>, sounds are <AUDCAP>sounds<ENDAUDCAP>"
        raise InputError(f"the tag {left[0]} stands alone", where=where, way_out=way_out)
    return TaggedPrompt(
        " ".join(caption.split()) if sounds or lines else prompt, lines, " ".join(sounds) or None
    )


def _inner(match: re.Match[str], where: Where) -> str:
    text = match[1].strip()
    if not text:
        raise InputError("nothing stands between two tags", where=where)
    if TAG.search(text):
        raise InputError("a tag stands inside another", where=where)
    return text
