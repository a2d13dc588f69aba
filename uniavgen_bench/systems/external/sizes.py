"""Whether a clip has the size that was asked for: of the options, of what was given, or as its authors state it."""

from __future__ import annotations

import re
from typing import Any

from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import ClipFacts, probe
from uniavgen_bench.systems.given import reference_picture

LISTED = re.compile(r"(?:nearest of )?\d+x\d+(?:, \d+x\d+)*(?:, cropped)?")
"""A statement that is nothing but sizes. Any other, such as `area of the image`, is not compared."""
ROUNDED = 1
"""px by which a side may differ from the one of a given picture: encoders want even sides."""

Size = tuple[int, int]


def size_departure(sample: Sample, facts: ClipFacts, stated: str, options: Any) -> str:
    """Return where a clip's size departs from what was asked; empty when it does not, or nothing exact was asked.

    `stated`: what the authors say of the size. Stated sizes hold either way round, for some name the height first.
    Options that name a width and a height, or a factor of the image, come before what is stated.
    """
    if not facts.width or not facts.height:
        return ""
    size = (facts.width, facts.height)
    shown = f"{size[0]}x{size[1]}"
    width, height = getattr(options, "width", None), getattr(options, "height", None)
    if isinstance(width, int) and isinstance(height, int):
        return "" if size == (width, height) else f"{shown}, not the {width}x{height} asked for"
    if stated in {"of the image", "of the video"}:
        wanted = _given_size(sample)
        if wanted is None or (getattr(options, "resize_factor", None) or 1) != 1:
            return ""
        near = all(abs(side - other) <= ROUNDED for side, other in zip(size, wanted, strict=True))
        return "" if near else f"{shown}, not the {wanted[0]}x{wanted[1]} that was given"
    listed = stated_sizes(stated)
    if not listed or _changed(options, "resolution"):
        return ""
    return (
        ""
        if size in listed or size[::-1] in listed
        else f"{shown}, not the size that its authors state ({stated})"
    )


def stated_sizes(stated: str) -> tuple[Size, ...]:
    """Return the sizes that a statement lists; none where it says more than sizes."""
    if not LISTED.fullmatch(stated):
        return ()
    return tuple((int(one), int(other)) for one, other in re.findall(r"(\d+)x(\d+)", stated))


def _given_size(sample: Sample) -> Size | None:
    """Return the size of the given video where the task has one, else of the image; a still video has its size."""
    if sample.task is not Task.DUBBING:
        try:
            height, width = reference_picture(sample).shape[:2]
        except MissingError:
            return None
        return width, height
    if sample.condition_video is None or not sample.condition_video.is_file():
        return None
    try:
        facts = probe(sample.condition_video)
    except MediaError:
        return None
    return (facts.width, facts.height) if facts.width and facts.height else None


def _changed(options: Any, name: str) -> bool:
    """Tell whether an option was set to something other than its default, for which the statement was made."""
    field = type(options).model_fields.get(name) if hasattr(type(options), "model_fields") else None
    return field is not None and getattr(options, name) != field.default
