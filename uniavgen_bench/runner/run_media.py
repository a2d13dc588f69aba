"""What the clips of a run are like, system by system, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from uniavgen_bench.core.run_files import ClipRecord


def media_by_system(records: Sequence[ClipRecord]) -> dict[str, str]:
    """Return by system: how many clips, frame rates, sizes, sound rates, lengths, and what was done to them."""
    said: dict[str, str] = {}
    for system in dict.fromkeys(r.system for r in records):
        clips = [r for r in records if r.system == system and r.sha256 is not None]
        if not clips:
            said[system] = "no clip"
            continue
        lengths = [r.duration for r in clips if r.duration]
        span = f", {min(lengths):.2f} to {max(lengths):.2f} s" if lengths else ""
        said[system] = (
            f"{len(clips)} clips: {_kinds(r.fps for r in clips)} fps, "
            f"{_kinds(f'{r.width}x{r.height}' for r in clips if r.width)}, "
            f"sound {_kinds(r.audio_rate for r in clips)} Hz{span}; scored as they are, metrics resample in memory"
        )
    return said


def _kinds(values: Iterable[object]) -> str:
    """Return the different values, the most frequent first; more than three are counted."""
    found = [f"{v:g}" if isinstance(v, float) else str(v) for v in values if v is not None]
    kinds = sorted(set(found), key=lambda v: (-found.count(v), v))
    if not kinds:
        return "no"
    more = f" and {len(kinds) - 3} more" if len(kinds) > 3 else ""
    return " / ".join(kinds[:3]) + more
