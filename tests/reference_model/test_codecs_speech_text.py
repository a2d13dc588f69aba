from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_model.codecs.speech_text import (
    PADDING_ID,
    SHORTEST,
    Over,
    SpeechVocabulary,
    VocabularyMismatchError,
    encode_no_speech,
    encode_speech,
    pad_ids,
    speech_symbols,
    spread_ids,
)

ASCII = SpeechVocabulary.printable_ascii()


def spoken(text: str) -> list[str]:
    for library in ("jieba", "pypinyin"):
        pytest.importorskip(library, reason=f"{library} of the extra 'full' is not installed")
    return speech_symbols(text, "zh")


@given(text=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60))
def test_ascii_text_is_its_own_symbols(text: str) -> None:
    encoded = encode_speech(ASCII, text, "en")
    assert encoded.length == max(SHORTEST, len(text)) == len(encoded.ids)
    kept = [index for index in encoded.ids.tolist() if index != PADDING_ID]
    assert "".join(ASCII.symbols[index] for index in kept) == text


def test_short_texts_are_padded_and_the_padding_counts() -> None:
    padded = pad_ids([5, 6])
    assert padded.ids.tolist() == [5, 6] + [-1] * 8
    assert padded.length == 10
    assert pad_ids(range(1, 11)).ids.tolist() == list(range(1, 11))
    assert pad_ids(range(12)).length == 12
    assert pad_ids([]).ids.tolist() == [-1] * 10


def test_unknown_symbols_become_spaces_and_can_be_listed() -> None:
    symbols = speech_symbols("it’s café, it’s", "en")
    assert ASCII.unknown(symbols) == ["’", "é"]
    ids = ASCII.ids(symbols)
    assert [ids[2], ids[8]] == [0, 0]
    assert ids[0] == ord("i") - 0x20


def test_folded_punctuation_is_known() -> None:
    assert "".join(speech_symbols("it’s “so”—…", "en", "folded")) == 'it\'s "so"-...'
    assert "".join(speech_symbols("it’s", "en")) == "it’s"


def test_reference_transcript_goes_first() -> None:
    joined = encode_speech(ASCII, "world again", "en", reference_text="hello")
    assert joined.ids.tolist() == ASCII.ids(list("hello world again"))
    assert joined.length == 17


def test_texts_of_the_unguided_pass() -> None:
    assert encode_no_speech(ASCII, "en").ids.tolist() == [0] + [-1] * 9
    with_reference = encode_no_speech(ASCII, "en", "hello there")
    assert with_reference.ids.tolist() == ASCII.ids(list("hello there "))


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="'de'"):
        speech_symbols("Hallo", "de")  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_vocabulary_file_with_either_line_end(tmp_path: Path, ends: bytes) -> None:
    path = tmp_path / "vocab.txt"
    symbols = [" ", "!", "a1", "\u2028", "，", "\U00020bb6"]
    path.write_bytes(b"".join(symbol.encode() + ends for symbol in symbols))
    vocabulary = SpeechVocabulary.from_file(path, sha256=None)
    assert vocabulary.symbols == tuple(symbols)
    assert vocabulary.ids(["a1", "a2", "\U00020bb6"]) == [2, 0, 5]


def test_a_vocabulary_that_is_not_the_released_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text(" \n!\n", "utf-8")
    with pytest.raises(VocabularyMismatchError, match="expected 4e173934"):
        SpeechVocabulary.from_file(path)
    with pytest.raises(FileNotFoundError):
        SpeechVocabulary.from_file(tmp_path / "absent.txt")


@pytest.mark.parametrize(("symbols", "message"), [((" ", "a", "a"), "more than once"), (("a", " "), "space")])
def test_faulty_vocabularies_are_refused(symbols: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpeechVocabulary(symbols)


def test_printable_ascii_has_no_other_symbol() -> None:
    assert len(ASCII) == 95
    assert ASCII.symbols[:3] == (" ", "!", '"')
    assert "".join(ASCII.symbols).isprintable()


def test_mandarin_words_get_tones_and_sandhi() -> None:
    assert spoken("你好") == [" ", "ni2", " ", "hao3"]
    assert spoken("银行") == [" ", "yin2", " ", "hang2"]
    assert spoken("行走") == [" ", "xing2", " ", "zou3"]


def test_latin_words_in_mandarin_get_one_space_in_front() -> None:
    assert spoken("用AI做") == [" ", "yong4", " ", "A", "I", " ", "zuo4"]
    assert spoken("说: hi")[-4:] == [":", " ", "h", "i"]


def test_mandarin_punctuation_is_folded_in_part() -> None:
    assert spoken("‘好’“好”;") == ["'", " ", "hao3", "'", '"', " ", "hao3", '"', ","]
    assert spoken("好！") == [" ", "hao3", "！"]


@pytest.mark.parametrize("text", ["……", "𠮷野家", "㐀㐁", "カラオケ大好き", "ａｂｃ好", "\u3105\u3106"])
def test_characters_without_a_reading_stay_one_symbol_each(text: str) -> None:
    symbols = [symbol for symbol in spoken(text) if symbol != " "]
    assert len(symbols) == len(text)


def test_spread_text_gives_every_symbol_an_equal_share_of_the_sound() -> None:
    ids = encode_speech(
        ASCII, "abc", "en", "xy", over=Over(clip=7, reference=4, reference_room=6)
    ).ids.tolist()
    a, b, c, x, y = ASCII.ids("abcxy")
    assert ids == [x, x, y, y, -1, -1, a, a, a, b, b, c, c]
    silent = encode_no_speech(
        ASCII, "en", "xy", over=Over(clip=7, reference=4, reference_room=6)
    ).ids.tolist()
    assert silent == [x, x, y, y, -1, -1, *ASCII.ids(" ") * 7]


@given(st.lists(st.integers(0, 90), min_size=1, max_size=40), st.integers(40, 300))
def test_spreading_keeps_order_and_loses_nothing(ids: list[int], positions: int) -> None:
    numbered = spread_ids(range(len(ids)), positions)
    shares = [numbered.count(i) for i in range(len(ids))]
    assert numbered == sorted(numbered)
    assert sum(shares) == positions
    assert max(shares) - min(shares) <= 1
    assert spread_ids(ids, positions) == [ids[i] for i in numbered]


def test_speech_that_does_not_fit_its_sound_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"at most 8 letters fit into 0.08 s of sound, got 9: more frames \(--frames\) or less",
    ):
        spread_ids(range(9), 8)


def test_a_transcript_that_does_not_fit_its_sound_is_not_blamed_on_the_speech() -> None:
    with pytest.raises(
        ValueError, match=r"at most 4 letters fit into 0.04 s of reference audio, got 5: --ref"
    ):
        encode_speech(ASCII, "x", "en", "hello", over=Over(12, 4))
