"""Systems of which a finished run holds no number: the run ends with exit status 1 and says so."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import Role, SystemInfo


def without_result(
    systems: Sequence[SystemInfo], records: Sequence[ClipRecord], scores: pd.DataFrame
) -> tuple[str, ...]:
    """Say of each system that is no control, and has no clip or no score at all, which of the two it is."""
    found = []
    for system in systems:
        clips = [record for record in records if record.system == system.id]
        if system.role is not Role.SYSTEM or not clips:
            continue
        if all(record.sha256 is None for record in clips):
            found.append(f"{system.id}: no clip of {len(clips)} is there")
        elif scores.loc[scores["system"] == system.id, "value"].isna().all():
            found.append(
                f"{system.id}: no score of {len(clips)} clip{'' if len(clips) == 1 else 's'} is there"
            )
    return tuple(found)
