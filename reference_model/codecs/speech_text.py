"""What is to be spoken, as ids: English character by character, Mandarin as pinyin with tone digits.

A vocabulary is a list of symbols, one id each; id 0 is the space, which also stands for every unknown symbol.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from reference_model.codecs.mandarin import mandarin_symbols
from reference_model.codecs.mel import RELEASED_MEL

Language = Literal["en", "zh"]

# released: text as it is, so that a typographic apostrophe is unknown and becomes a space. folded: typographic
# quotes, dashes and ellipses become their ASCII forms first.
Punctuation = Literal["released", "folded"]

PADDING_ID = -1
SHORTEST = 10

# Of the release's vocabulary (2545 symbols) with line ends as LF; the released file itself has CRLF.
RELEASED_VOCABULARY_SHA256 = "4e173934be56219eb38759fa8d4c48132d5a34454f0c44abce409bcf6a07ec46"

_FOLDED = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
)


class VocabularyMismatchError(ValueError):
    """A vocabulary file is not the one that the model was trained with."""


@dataclass(frozen=True)
class SpeechVocabulary:
    """The symbols that a model can speak; the position of a symbol is its id.

    Raises:
        ValueError: a symbol appears twice, or the first one is not the space.
    """

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.symbols or self.symbols[0] != " ":
            raise ValueError("the first symbol must be the space: it also stands for unknown symbols")
        if len(self._ids) != len(self.symbols):
            raise ValueError(f"{len(self.symbols) - len(self._ids)} symbols appear more than once")

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def from_file(cls, path: Path, sha256: str | None = RELEASED_VOCABULARY_SHA256) -> "SpeechVocabulary":
        """Read a UTF-8 file with one symbol per line.

        `sha256` is that of the content with line ends as LF, so that a checkout which changed them still counts;
        None takes any vocabulary.

        Raises:
            FileNotFoundError: there is no such file.
            VocabularyMismatchError: the content is not the one asked for.
            ValueError: see the class.
        """
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found = hashlib.sha256(content).hexdigest()
        if sha256 is not None and found != sha256:
            raise VocabularyMismatchError(f"{path} has sha256 {found} (line ends as LF), expected {sha256}")
        # Not splitlines(): it would also split at symbols that Unicode counts as line ends.
        return cls(tuple(content.decode("utf-8").removesuffix("\n").split("\n")))

    @classmethod
    def printable_ascii(cls) -> "SpeechVocabulary":
        """The 95 printable ASCII characters in order: enough for English, and in no need of a file."""
        return cls(tuple(chr(code) for code in range(0x20, 0x7F)))

    def ids(self, symbols: Sequence[str]) -> list[int]:
        """Id of each symbol; unknown ones are 0, as in the release."""
        return [self._ids.get(symbol, 0) for symbol in symbols]

    def unknown(self, symbols: Sequence[str]) -> list[str]:
        """The symbols that `ids` would turn into spaces, in order of appearance, each once."""
        return list(dict.fromkeys(symbol for symbol in symbols if symbol not in self._ids))


@dataclass(frozen=True)
class SpeechIds:
    """Ids `[L]` (int64, -1 = padding) of one speech text and the number of positions that may be attended."""

    ids: Tensor
    length: int


def speech_symbols(text: str, language: Language, punctuation: Punctuation = "released") -> list[str]:
    """Symbols of a text. Mandarin always has some of its punctuation folded, in either mode.

    Raises:
        ValueError: the language is neither "en" nor "zh".
        MissingExtraError: the text is Mandarin and jieba or pypinyin is not installed.
    """
    folded = text.translate(_FOLDED) if punctuation == "folded" else text
    if language == "zh":
        return mandarin_symbols(folded)
    if language == "en":
        return list(folded)
    raise ValueError(f"speech is 'en' or 'zh', got {language!r}")


def pad_ids(ids: Sequence[int], shortest: int = SHORTEST) -> SpeechIds:
    """Pad to `shortest` with -1; the padding counts as length and is attended, as the model was trained."""
    padded = [*ids, *[PADDING_ID] * (shortest - len(ids))]
    return SpeechIds(torch.tensor(padded, dtype=torch.int64), len(padded))


@dataclass(frozen=True)
class Over:
    """How many positions a text is spread over: the reference's tokens, padded to `reference_room`, then the clip's."""

    clip: int
    reference: int = 0
    reference_room: int = 0


def spread_ids(
    ids: Sequence[int],
    positions: int,
    sound: str = "sound",
    way_out: str = "more frames (--frames) or less text",
) -> list[int]:
    """Each symbol in an equal share of the positions, so that text and sound run side by side from the first step on.

    Average upsampling (ZipVoice, arXiv 2506.13053); the release leaves it to the model to learn what is said when.

    Raises:
        ValueError: more symbols than positions.
    """
    if len(ids) > positions:
        seconds = positions / RELEASED_MEL.frames_per_second
        raise ValueError(
            f"at most {positions} letters fit into {seconds:.2f} s of {sound}, got {len(ids)}: {way_out}"
        )
    return [ids[at * len(ids) // positions] for at in range(positions)] if ids else [PADDING_ID] * positions


def _spread(reference: Sequence[int], spoken: Sequence[int], over: Over) -> SpeechIds:
    before = spread_ids(
        reference, over.reference, "reference audio", "--reference-speech is what it says and no more"
    )
    room = [PADDING_ID] * (max(over.reference, over.reference_room) - over.reference)
    return pad_ids([*before, *room, *spread_ids(spoken, over.clip)])


def encode_speech(
    vocabulary: SpeechVocabulary,
    text: str,
    language: Language,
    reference_text: str | None = None,
    punctuation: Punctuation = "released",
    over: Over | None = None,
) -> SpeechIds:
    """Ids of what is to be said, after the transcript of the reference audio and a space where there is one.

    With `over` both are spread over the tokens of their sound, and no space is needed between them.

    Raises:
        ValueError, MissingExtraError: see `speech_symbols`, `spread_ids`.
    """
    symbols = speech_symbols(text, language, punctuation)
    if over is not None:
        told = [] if reference_text is None else speech_symbols(reference_text, language, punctuation)
        return _spread(vocabulary.ids(told), vocabulary.ids(symbols), over)
    if reference_text is not None:
        symbols = [*speech_symbols(reference_text, language, punctuation), " ", *symbols]
    return pad_ids(vocabulary.ids(symbols))


def encode_no_speech(
    vocabulary: SpeechVocabulary,
    language: Language,
    reference_text: str | None = None,
    punctuation: Punctuation = "released",
    over: Over | None = None,
) -> SpeechIds:
    """Ids for the unguided pass: the reference transcript and one space, or the space alone; `over` as for speech.

    Raises:
        ValueError, MissingExtraError: see `speech_symbols`, `spread_ids`.
    """
    spoken = [] if reference_text is None else speech_symbols(reference_text, language, punctuation)
    if over is not None:
        return _spread(vocabulary.ids(spoken), vocabulary.ids([" "]), over)
    return pad_ids(vocabulary.ids([*spoken, " "]))
