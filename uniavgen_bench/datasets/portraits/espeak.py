"""Speech with phone times from eSpeak NG, through the package `espeakng-loader` (an extra: see docs/adr/0004).

The library keeps state between utterances (the phase of its wave tables, for one), so the same text would not always
give the same samples. Each utterance therefore gets the library freshly loaded; that and its start take about 10 ms.
"""

from __future__ import annotations

import ctypes
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import BenchError, InputError, NotInstalledError

RATE = 22_050
"""Samples per second that the library makes."""
LONGEST_TEXT = 500
"""Letters of one utterance."""
SLOWEST, FASTEST = 80, 400
"""Words per minute that the library speaks by itself; faster speech would be cut up by a time stretcher."""

_SYNCHRONOUS, _PHONE_EVENTS, _UTF8 = 2, 1, 1
_RATE_PARAMETER, _WORD_GAP_PARAMETER = 1, 7
_PHONE_EVENT = 7
_LOCK = threading.Lock()


@dataclass(frozen=True)
class SpokenPhone:
    """A phone as eSpeak NG names it, with the sample at which it begins."""

    name: str
    sample: int


@dataclass(frozen=True)
class Utterance:
    """Samples Int16 [N] at 22,050 Hz, and the phones in the order of speech, pauses (`_`) among them."""

    samples: NDArray[np.int16]
    phones: tuple[SpokenPhone, ...]


class _Identity(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("letters", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@cache
def library_files() -> tuple[Path, Path]:
    """Return the paths of the library and its data.

    Raises:
        NotInstalledError: the extra `portraits` is not installed.
        BenchError: its package is damaged.
    """
    try:
        loader = import_module("espeakng_loader")
    except ImportError as error:
        raise NotInstalledError(
            "the speech library eSpeak NG (espeakng-loader)", extra="portraits"
        ) from error
    files = Path(loader.get_library_path()), Path(str(loader.__file__)).parent / "espeak-ng-data"
    absent = next((path for path in files if not path.exists()), None)
    if absent is not None:
        raise BenchError(f"the package espeakng-loader is damaged: it lacks {absent.name} (install it again)")
    return files


def speak(text: str, voice: str, *, words_per_minute: int, word_gap: int = 0) -> Utterance:
    """Speak a text; the same arguments give the same samples in any order of calls, processes and threads.

    Args:
        text: English; at most 500 letters.
        voice: a voice definition of eSpeak NG (the text of a voice file). `flutter 0` keeps it free of random numbers.
        words_per_minute: 80 … 400.
        word_gap: extra pause between words, in 10 ms at the library's usual speed.

    Raises:
        InputError: a text or rate that cannot be spoken.
        NotInstalledError: the extra `portraits` is not installed.
        BenchError: the library fails.
    """
    if not text.strip() or len(text) > LONGEST_TEXT or "\0" in text:
        raise InputError(f"a text to speak has 1 to {LONGEST_TEXT} letters, this one {len(text)}")
    if not SLOWEST <= words_per_minute <= FASTEST:
        raise InputError(f"cannot speak {words_per_minute} words a minute", way_out=f"{SLOWEST} … {FASTEST}")
    chunks: list[NDArray[np.int16]] = []
    phones: list[SpokenPhone] = []

    def take(wave: Any, count: int, events: Any) -> int:
        if count > 0:
            chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        at = 0
        while events[at].type:
            if events[at].type == _PHONE_EVENT:
                phones.append(
                    SpokenPhone(events[at].id.letters.decode("utf-8", "replace"), events[at].sample)
                )
            at += 1
        return 0

    callback = _Callback(take)
    encoded = text.encode()
    with _LOCK, _voice_file(voice) as file, _fresh_library() as library:
        library.espeak_SetSynthCallback(callback)
        status = library.espeak_ng_SetVoiceByFile(str(file).encode())
        library.espeak_SetParameter(_RATE_PARAMETER, words_per_minute, 0)
        library.espeak_SetParameter(_WORD_GAP_PARAMETER, word_gap, 0)
        status = status or library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
    if status or not chunks:
        raise BenchError(f"eSpeak NG cannot speak {text!r} (status {status & 0xFFFFFFFF:#x})")
    return Utterance(np.concatenate(chunks), tuple(phones))


@contextmanager
def _fresh_library() -> Iterator[Any]:
    path, data = library_files()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise BenchError(f"eSpeak NG does not load on this machine: {error}") from error
    try:
        started = library.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _PHONE_EVENTS)
        if started != RATE:
            raise BenchError(f"eSpeak NG does not start (it answers {started})")
        yield library
        library.espeak_Terminate()
    finally:
        _unload(library)


def _unload(library: ctypes.CDLL) -> None:
    if sys.platform == "win32":
        from _ctypes import FreeLibrary

        FreeLibrary(library._handle)
    else:
        from _ctypes import dlclose

        dlclose(library._handle)


@contextmanager
def _voice_file(voice: str) -> Iterator[Path]:
    """The library takes voices only from files."""
    with tempfile.TemporaryDirectory(prefix="uniavgen-voice-") as folder:
        file = Path(folder) / "voice"
        file.write_text(voice, encoding="ascii")
        yield file
