"""Goldens of texts and sizes: exact ones, so a case has error 0 (equal) or 1 (not equal)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reference_model.codecs.caption import clean_caption
from reference_model.codecs.sizes import SHORT_SIDE, SIDE_MULTIPLE, generation_size
from reference_model.codecs.speech_text import SpeechVocabulary, encode_no_speech, speech_symbols
from reference_model.conformance_case import Case

_RECONSTRUCTED = "ids consistent with one vocabulary; the vocabulary file was not given"


def text_cases(path: Path, vocabulary_file: Path | None = None) -> Iterator[Case]:
    """Speech ids, caption cleaning and picture sizes of a `text_and_sizes.json`.

    Raises:
        MissingExtraError: the extra `full` is not installed.
        VocabularyMismatchError: the vocabulary is not the release's.
    """
    golden = json.loads(path.read_text("utf-8"))
    yield from _speech_cases(golden, vocabulary_file)
    for index, clean in enumerate(golden["clean"]):
        yield _equal(f"text.clean_caption.{index}", clean_caption(clean["text"]), clean["out"])
    for size in golden["resize"]:
        found = list(generation_size(size["h"], size["w"], "released"))
        yield _equal(f"size.{size['h']}x{size['w']}", found, size["out"])
    listed = golden["short_sides_whose_float_quotient_exceeds_736"]
    larger = (SHORT_SIDE + SIDE_MULTIPLE,) * 2
    found = [side for side in range(1, 4097) if generation_size(side, side, "released") == larger]
    yield _equal("size.short_sides_one_ulp_too_long", found, listed, f"{len(listed)} sides up to 4096")


def _speech_cases(golden: dict[str, Any], vocabulary_file: Path | None) -> Iterator[Case]:
    texts = [("en", item, speech_symbols(item["text"], "en")) for item in golden["en"]]
    texts += [("zh", item, speech_symbols(item["text"], "zh")) for item in golden["zh"]]
    if vocabulary_file is None:
        vocabulary = _reconstructed(
            [(symbols, item["ids"]) for _, item, symbols in texts], golden["vocab_size"]
        )
        note = _RECONSTRUCTED
    else:
        vocabulary, note = SpeechVocabulary.from_file(vocabulary_file), f"vocabulary {vocabulary_file.name}"
    yield _equal("speech.vocabulary_size", len(vocabulary), golden["vocab_size"], note)
    for index, (language, item, symbols) in enumerate(texts):
        if "tokens" in item:
            yield _equal(f"speech.{language}.{index}.symbols", symbols, item["tokens"])
        yield _equal(f"speech.{language}.{index}.ids", vocabulary.ids(symbols), item["ids"], note)
        yield _equal(f"speech.{language}.{index}.length", len(symbols), item["length"])
    silent = encode_no_speech(vocabulary, "en").ids.tolist()
    expected = golden["negative_default_before_padding"]
    yield _equal("speech.negative", silent[: len(expected)], expected)
    yield from _negative_with_reference(golden, vocabulary, note)


def _negative_with_reference(
    golden: dict[str, Any], vocabulary: SpeechVocabulary, note: str
) -> Iterator[Case]:
    """The example is the negative of one of the English texts: that whose ids it begins with."""
    expected = golden["negative_ravg_en_example"]
    references = [item["text"] for item in golden["en"] if item["ids"] and item["ids"] == expected[:-1]]
    if not references:
        yield Case("speech.negative_with_reference", 1.0, 0.0, "the reference is none of the English texts")
        return
    found = encode_no_speech(vocabulary, "en", references[0]).ids.tolist()
    yield _equal("speech.negative_with_reference", found, expected, note)


def _reconstructed(pairs: Sequence[tuple[Sequence[str], Sequence[int]]], size: int) -> SpeechVocabulary:
    """A vocabulary with the golden's own symbols at the golden's own ids and place-holders elsewhere.

    A symbol with two ids, or an id with two symbols, leaves one of them unknown, so that its case fails.
    """
    symbols = [" ", *(f"place-holder {index}" for index in range(1, size))]
    for text, ids in pairs:
        for symbol, index in zip(text, ids, strict=False):
            if index != 0 and symbol not in symbols:
                symbols[index] = symbol
    return SpeechVocabulary(tuple(symbols))


def _equal(name: str, found: object, golden: object, note: str = "") -> Case:
    return (
        Case(name, 0.0, 0.0, note)
        if found == golden
        else Case(name, 1.0, 0.0, f"{found!r} != {golden!r}"[:200])
    )
