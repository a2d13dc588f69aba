"""One golden case: what was compared, how far off it was, and how far off it may be."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """The outcome of one golden comparison.

    `max_error` is the largest absolute difference over all compared numbers (0 for equal texts and indices,
    1 for unequal ones), in the unit of the tensor compared; `tolerance` is the largest one allowed.
    """

    name: str
    max_error: float
    tolerance: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is a number within the tolerance; a NaN never passes."""
        return not math.isnan(self.max_error) and self.max_error <= self.tolerance
