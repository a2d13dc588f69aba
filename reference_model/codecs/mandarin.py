"""Mandarin text to pinyin with tone digits, in the words that jieba finds."""

import logging
from typing import Any

from reference_model.codecs.extra import require

_PURPOSE = "Mandarin speech text"
_FOLDED = str.maketrans({";": ",", "“": '"', "”": '"', "‘": "'", "’": "'"})
# After these a Latin word needs no space in front of it.
_NO_SPACE_AFTER = frozenset(" :'\"")
_UTF8_BYTES_OF_HAN = 3


def _is_han(character: str) -> bool:
    """The release's range: it also holds Bopomofo extensions and CJK symbols before the unified ideographs."""
    return "\u3100" <= character <= "\u9fff"


def _pinyin(pypinyin: Any, word: str) -> list[str]:
    """One symbol per character; characters without a reading stay themselves."""
    symbols: list[str] = pypinyin.lazy_pinyin(
        word, style=pypinyin.Style.TONE3, tone_sandhi=True, errors=lambda unread: list(unread)
    )
    return symbols


def mandarin_symbols(text: str) -> list[str]:
    """Symbols of a Mandarin text, e.g. "你好 AI" to " ", "ni2", " ", "hao3", " ", "A", "I".

    Each Han character is a space and its pinyin (tone digit at the end, tone sandhi within a word); Latin letters,
    digits and punctuation are single characters, and a Latin word has a space in front.

    Raises:
        MissingExtraError: jieba or pypinyin is not installed.
    """
    pypinyin = require("pypinyin", _PURPOSE)
    jieba = require("jieba", _PURPOSE)
    symbols: list[str] = []
    # It tells at every start how it loads its dictionary.
    jieba.setLogLevel(logging.WARNING)
    for word in jieba.cut(text.translate(_FOLDED)):
        utf8_bytes = len(word.encode("utf-8"))
        if utf8_bytes == len(word):
            if symbols and len(word) > 1 and symbols[-1] not in _NO_SPACE_AFTER:
                symbols.append(" ")
            symbols.extend(word)
        elif utf8_bytes == _UTF8_BYTES_OF_HAN * len(word):
            for character, spoken in zip(word, _pinyin(pypinyin, word), strict=True):
                symbols.extend([" ", spoken] if _is_han(character) else [spoken])
        else:
            for character in word:
                symbols.extend([" ", *_pinyin(pypinyin, character)] if _is_han(character) else [character])
    return symbols
