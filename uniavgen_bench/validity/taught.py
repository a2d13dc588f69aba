"""Whose clips the shipped weights were fitted on, as their files say: they cannot tell what a metric is worth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from uniavgen_bench.metrics import landmark_sync_model, lipsync_mouth_audio
from uniavgen_bench.validity.own_study import named_function
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.verdict_checks import StudyCheck

OF_A_SOURCE = "source "
"""Facts `source OWNER/NAME | LICENCE` name one source each; a fact `sources` lists them."""

LEFT_OUT = "taught"
"""The kind of the check that tells how many clips were left out."""

OF_VOICES = frozenset(
    {"Dorniwang", "Fantasy-AMAP", "Francis-Rings", "MeiGen-AI", "OpenTalker", "aaxwaz", "tanshuai0219"}
)
"""Owners of the clips in which the readers of voices were fitted. Their files name no sources; their cards do."""

Owners = Callable[[], frozenset[str]]


def owners_in(file: Path) -> frozenset[str]:
    """Return the owners of the sources that a file of weights names in its header; none where it names none.

    Raises:
        OSError: it cannot be read.
    """
    from safetensors import safe_open

    with safe_open(str(file), "np") as weights:
        facts: dict[str, str] = json.loads((weights.metadata() or {}).get("facts", "{}"))
    sources = facts.get("sources", "").split(", ")
    sources += [
        name.removeprefix(OF_A_SOURCE).split(" | ")[0] for name in facts if name.startswith(OF_A_SOURCE)
    ]
    return frozenset(source.split("/")[0] for source in sources if source)


def landmark_sync() -> frozenset[str]:
    """Return whose clips `lipsync.landmark_sync` learned from."""
    return owners_in(landmark_sync_model.MODEL_FILE)


def mouth_audio() -> frozenset[str]:
    """Return whose clips `lipsync.mouth_audio` learned from."""
    return owners_in(lipsync_mouth_audio.MODEL_FILE)


def voices() -> frozenset[str]:
    """Return whose clips the readers of `timbre.face_voice` and `emotion.voice` learned from."""
    return OF_VOICES


def untaught(place: str, clips: ClipSet) -> ClipSet:
    """Return the clips of others than those whom `place` (`module:function`) names; all where it is empty.

    Raises:
        InputError: there is no such function.
    """
    if not place:
        return clips
    owners: Owners = named_function(place)
    taught = owners()
    kept = tuple(clip for clip in clips.clips if clip.world or clip.cluster not in taught)
    return replace(clips, clips=kept)


def left_out(asked: ClipSet, kept: ClipSet) -> tuple[StudyCheck, ...]:
    """Tell how many clips were left out, and whose; nothing where none was."""
    names = {clip.sample.id for clip in kept.clips}
    gone = [clip for clip in asked.clips if clip.sample.id not in names]
    if not gone:
        return ()
    owners = sorted({clip.cluster for clip in gone})
    return (
        StudyCheck(
            kind=LEFT_OUT, on=asked.name, name=f"{asked.name}: left out, the weights learned from their owners' clips",
            value=float(len(gone)), unit="clips", clips=len(kept.clips), detail=", ".join(owners),
        ),
    )  # fmt: skip


def none_left(asked: ClipSet) -> str:
    """Say of a metric that learned from the owners of all clips why it has no number."""
    every = "the only clip was" if len(asked.clips) == 1 else f"all {len(asked.clips)} clips were"
    return f"{asked.name}: {every} left out, its weights learned from clips of their owners"
