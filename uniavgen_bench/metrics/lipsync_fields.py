"""Fields that several lip-sync metrics give, defined once: the same name means the same thing in all of them."""

from __future__ import annotations

from uniavgen_bench.core.spec import Direction, FieldSpec

FRAME_MS = 40
"""Milliseconds of one frame at 25 fps."""


def offset_ms(meaning: str, reach_ms: float = 600.0) -> FieldSpec:
    """The delay of the sound in ms within ± `reach_ms`, in the suite's one convention of sign."""
    return FieldSpec(
        name="offset_ms",
        unit="ms",
        direction=Direction.ZERO,
        low=-reach_ms,
        high=reach_ms,
        meaning=meaning,
        sign="negative = sound ahead of the picture, positive = sound late",
    )


def lse_fields(
    *, confidence: str, distance: str, offset: str, parts: str = "tracks"
) -> tuple[FieldSpec, ...]:
    """The fields of every LSE protocol; the arguments say how each is taken over the clip's parts."""
    return (
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            meaning=f"LSE-C: median minus minimum over shifts of the mean distance; {confidence}",
        ),
        FieldSpec(
            name="distance",
            unit="",
            direction=Direction.LOWER,
            low=0.0,
            meaning=f"LSE-D: minimum over shifts of the mean distance; {distance}",
        ),
        FieldSpec(
            name="offset_frames",
            unit="frames at 25 fps",
            direction=Direction.ZERO,
            low=-15,
            high=15,
            meaning=f"best shift as the protocol prints it (15 - argmin), {offset}",
            sign="positive = sound ahead of the picture, as the code computes it",
        ),
        offset_ms(f"the same shift in the suite's one convention: -{FRAME_MS} x offset_frames"),
        FieldSpec(
            name="tracks",
            unit=parts,
            direction=Direction.NONE,
            low=1,
            meaning=f"{'face tracks' if parts == 'tracks' else parts} that were scored",
        ),
    )
