"""Phones under one set of names: the 39 of the CMU pronouncing dictionary, and silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from uniavgen_bench.core.errors import BenchError

from .espeak import SpokenPhone, Utterance

PhoneName = Literal[
    "AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW",
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH", "V", "W",
    "Y", "Z", "ZH", "SIL",
]  # fmt: skip

VOWELS: frozenset[PhoneName] = frozenset(
    ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
)

FROM_ESPEAK: Mapping[str, tuple[PhoneName, ...]] = {
    "0": ("AA",), "A:": ("AA",), "A": ("AA",), "A@": ("AA", "R"), "a": ("AE",), "aa": ("AE",), "a#": ("AH",),
    "@": ("AH",), "@2": ("AH",), "@-": ("AH",), "@L": ("AH", "L"), "V": ("AH",), "@5": ("AH",), "3": ("ER",),
    "3:": ("ER",), "O": ("AO",), "O:": ("AO",), "O2": ("AO",), "O@": ("AO", "R"), "o@": ("AO", "R"),
    "aU": ("AW",), "aI": ("AY",), "aI3": ("AY", "ER"), "aI@": ("AY", "ER"), "aU@": ("AW", "ER"), "E": ("EH",),
    "e": ("EH",), "e@": ("EH", "R"), "eI": ("EY",), "I": ("IH",), "I#": ("IH",), "I2": ("IH",), "i": ("IY",),
    "i:": ("IY",), "i@": ("IH", "R"), "i@3": ("IH", "R"), "oU": ("OW",), "oU#": ("OW",), "OI": ("OY",),
    "U": ("UH",), "U@": ("UH", "R"), "u": ("UW",), "u:": ("UW",), "b": ("B",), "tS": ("CH",), "d": ("D",),
    "d#": ("D",), "D": ("DH",), "f": ("F",), "g": ("G",), "h": ("HH",), "dZ": ("JH",), "k": ("K",), "x": ("K",),
    "l": ("L",), "l/": ("L",), "l^": ("L",), "m": ("M",), "n": ("N",), "n-": ("AH", "N"), "N": ("NG",),
    "p": ("P",), "r": ("R",), "r-": ("R",), "r/": ("R",), "s": ("S",), "S": ("SH",), "t": ("T",), "t#": ("T",),
    "t2": ("T",), "*": ("T",), "T": ("TH",), "v": ("V",), "w": ("W",), "w#": ("W",), "j": ("Y",), "z": ("Z",),
    "z#": ("Z",), "Z": ("ZH",), "?": (), ";": (), "-": (), "_": ("SIL",), "_:": ("SIL",), "_!": ("SIL",),
    "_|": ("SIL",), "_::": ("SIL",),
}  # fmt: skip
"""eSpeak NG's names for American English -> ours. The glottal stop and palatalisation have none of their own: the
phone before lasts on. A name that stands for two gives each half of the time; before R or ER, two thirds."""


@dataclass(frozen=True)
class Phone:
    """A phone from `start` to `end` in s; `stress` is 0, 1 (main) or 2 (secondary)."""

    name: PhoneName
    start: float
    end: float
    stress: int = 0


def phones_of(utterance: Utterance, seconds_per_sample: float) -> tuple[Phone, ...]:
    """Return the phones of an utterance from its first sample to its last, without gaps; pauses are `SIL`.

    Raises:
        BenchError: the synthesiser names a phone that this table lacks.
    """
    last = len(utterance.samples)
    starts = [phone.sample for phone in utterance.phones] + [last]
    found: list[Phone] = [Phone("SIL", 0.0, min(starts[0], last) * seconds_per_sample)]
    for spoken, start, following in zip(utterance.phones, starts[:-1], starts[1:], strict=True):
        begin, end = (min(at, last) * seconds_per_sample for at in (start, following))
        names, stress = named(spoken)
        if end <= begin:
            continue
        cut = begin + (end - begin) * (2 / 3 if len(names) == 2 and names[1] in ("R", "ER") else 0.5)
        spans = [(begin, end)] if len(names) < 2 else [(begin, cut), (cut, end)]
        for name, (a, b) in zip(names, spans, strict=False):
            found.append(Phone(name, a, b, stress if name in VOWELS else 0))
    return tuple(_without_gaps(found, last * seconds_per_sample))


def named(spoken: SpokenPhone) -> tuple[tuple[PhoneName, ...], int]:
    """Return our names and the stress of a phone of eSpeak NG."""
    bare = spoken.name.lstrip("',%=|")
    if bare not in FROM_ESPEAK:
        raise BenchError(f"eSpeak NG spoke a phone that is not in the table: {spoken.name!r}")
    stress = 1 if spoken.name.startswith("'") else 2 if spoken.name.startswith(",") else 0
    return FROM_ESPEAK[bare], stress


def _without_gaps(phones: Sequence[Phone], end: float) -> list[Phone]:
    """Let each phone last until the next begins, and join neighbouring silences."""
    joined: list[Phone] = []
    for phone in phones:
        if phone.end <= phone.start:
            continue
        if joined and joined[-1].name == "SIL" and phone.name == "SIL":
            joined[-1] = Phone("SIL", joined[-1].start, phone.end)
        else:
            joined.append(phone)
    ends = [phone.start for phone in joined[1:]] + [end]
    return [Phone(p.name, p.start, e, p.stress) for p, e in zip(joined, ends, strict=True)]
