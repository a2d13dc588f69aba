"""The text that a sample asks for and the language that it is in, as recognisers name it."""

from __future__ import annotations

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample

WHISPER_LARGE_V3 = frozenset(
    (  # noqa: SIM905 - a list would be a page
        "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy "
        "id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru "
        "sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
    ).split()
)
"""Codes of the languages that Whisper large-v3 knows; the smaller networks know all but `yue`."""
WITHOUT_SPACES = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})
"""Languages that are written without spaces between words: Whisper's authors count characters there."""

OTHER_NAMES = {
    "eng": "en", "english": "en", "cmn": "zh", "zho": "zh", "chi": "zh", "chinese": "zh", "mandarin": "zh",
    "cantonese": "yue", "jv": "jw", "jpn": "ja", "japanese": "ja", "kor": "ko", "korean": "ko", "deu": "de",
    "ger": "de", "german": "de", "fra": "fr", "fre": "fr", "french": "fr", "spa": "es", "spanish": "es", "nb": "no",
}  # fmt: skip


def language_code(sample: Sample) -> str:
    """Return Whisper's code of the sample's language: `zh` for `zh-CN`, `cmn` or `Chinese`; unknown ones as they are.

    Regions and scripts do not count: `zh-TW` is `zh`, whose two scripts are compared as one.
    """
    name = sample.language.replace("_", "-").split("-")[0].strip().lower()
    return OTHER_NAMES.get(name, name)


def verified_text(sample: Sample) -> str:
    """Return the text that should be heard.

    Raises:
        MissingError: `no_transcript`, or `unverified_transcript` when a recogniser wrote it.
    """
    if sample.speech is None or not sample.speech.strip():
        raise MissingError(Reason.NO_TRANSCRIPT)
    if not sample.speech_verified:
        raise MissingError(Reason.UNVERIFIED_TRANSCRIPT)
    return sample.speech
