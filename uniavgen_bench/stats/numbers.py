"""Numbers as people read them: no more digits than the uncertainty leaves, a true minus sign."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median

MINUS = "\u2212"
NONE = "\u2013"


def decimals(spreads: Iterable[float | None], *, otherwise: float | None = None) -> int:
    """Return how many decimals to print for numbers whose uncertainties are `spreads`: 0 … 5.

    The last printed digit is about a tenth to a third of the typical spread. Without a spread, three significant
    digits of the magnitude `otherwise`.
    """
    known = [s for s in spreads if s is not None and math.isfinite(s) and s > 0]
    if known:
        typical = median(known)
        power = math.floor(math.log10(typical))
        leading = typical / 10**power
        return min(max(-power + (1 if leading < 3 else 0), 0), 5)
    if otherwise and math.isfinite(otherwise):
        return min(max(2 - math.floor(math.log10(abs(otherwise))), 0), 5)
    return 2


def number(value: float | None, places: int) -> str:
    """Render a number with fixed decimals, thousands separated by a thin space; an en dash for None."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{abs(value):,.{places}f}".replace(",", "\u202f")
    is_zero = not any(digit in "123456789" for digit in text)
    return text if value >= 0 or is_zero else MINUS + text


def unit_text(unit: str) -> str:
    """Return a unit as it stands beside a number: nothing for a plain ratio, which metrics write as `1`."""
    return "" if unit == "1" else unit


def count_of_tests(count: int) -> str:
    """Render `no tests`, `1 test`, `2 tests`."""
    return f"{count or 'no'} test{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """Render a share 0 … 1; a share that is not whole never rounds to 100 % or to 0 %."""
    value = 100 * share
    if 99.5 <= value < 100:
        return ">99 %"
    if 0 < value < 0.5:
        return "<1 %"
    return f"{value:.0f} %"


def duration(seconds: float | None) -> str:
    """Render a length of time."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
