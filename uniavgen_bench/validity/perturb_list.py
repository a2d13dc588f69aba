"""All changes that a study knows, by name, and the groups in which they form a curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.validity.perturb import CLEAN, Perturbation
from uniavgen_bench.validity.perturb_picture import (
    Cut,
    Drawn,
    FrameRate,
    NoFace,
    OtherHalfway,
    Reencoded,
    Still,
    TwoFaces,
)
from uniavgen_bench.validity.perturb_sample import Asked, SpokenAgain, SpokenByOther, UnknownLanguage
from uniavgen_bench.validity.perturb_sound import Gain, Noise, OtherSound, ShiftedSound, SwappedSound

SHIFTS = (-400, -320, -240, -160, -80, -40, 40, 80, 160, 240, 320, 400)
TOO_SHORT = 0.2

GROUPS: Mapping[str, tuple[Perturbation, ...]] = {
    "offsets": tuple(ShiftedSound(ms) for ms in SHIFTS),
    "compression": (Reencoded(23, 128), Reencoded(30, 64), Reencoded(38, 32)),
    "frame-rates": tuple(FrameRate(fps) for fps in (16, 24, 25, 30)),
    "sizes": tuple(Drawn("size", factor) for factor in (0.5, 0.75, 1.5)),
    "loudness": (Gain(-10.0), Gain(6.0)),
    "noises": tuple(Noise(snr) for snr in (20.0, 10.0, 0.0)),
    "blurs": tuple(Drawn("blur", sigma) for sigma in (1.0, 2.0, 4.0)),
    "grains": tuple(Drawn("grain", levels) for levels in (6.0, 12.0, 24.0)),
}
SINGLE: tuple[Perturbation, ...] = (
    SwappedSound(), SwappedSound("emotion"), SwappedSound("gender"),
    SpokenAgain(), SpokenAgain("other"), SpokenByOther("same"), SpokenByOther("other"),
    Asked("text"), Asked("reference"), Asked("emotion"), Asked("sample"),
    Still(), OtherHalfway(), NoFace(), TwoFaces(),
    OtherSound("silence"), OtherSound("noise"), OtherSound("music"), UnknownLanguage(),
    Cut(TOO_SHORT), Cut(sound=False),
)  # fmt: skip


@cache
def known() -> Mapping[str, Perturbation]:
    """Return every change by its name, the unchanged clip first."""
    every = [CLEAN, *(p for group in GROUPS.values() for p in group), *SINGLE]
    return {perturbation.name: perturbation for perturbation in every}


def expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of changes, each once, with groups (`@noises`) spelt out.

    Raises:
        InputError: an unknown name; the message gives the nearest one.
    """
    found: dict[str, None] = {}
    for name in names:
        if name.startswith("@"):
            if name[1:] not in GROUPS:
                raise unknown_name("group of changes", name, [f"@{group}" for group in GROUPS])
            found |= dict.fromkeys(p.name for p in GROUPS[name[1:]])
        elif name in known():
            found[name] = None
        else:
            raise unknown_name("change", name, known())
    return tuple(found)
