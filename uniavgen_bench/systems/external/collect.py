"""What an external system wrote: which file is the clip, whether it counts, and what it is like."""

from __future__ import annotations

import contextlib
import glob
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.container import CUT_OFF
from uniavgen_bench.media.decode import VideoReader
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import ClipFacts, probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.media.writing import whole_file

SETTLED = 1.5
"""Seconds that a file must not have changed before it is taken from a process that still runs."""
SAME = 0.05
"""Seconds by which two lengths may differ and still be called the same."""
APART = 0.2
"""Seconds by which sound and picture of a clip may end apart before it is said; encoders pad by less."""
SILENCE = 1e-12
"""Mean square of samples (full scale 1) up to which a sound is digital silence: -120 dB."""


@dataclass(frozen=True)
class Examined:
    """A file that counts: what its container says, `level` in dB of full scale (None: digital silence, or not numbers).

    `problems`: sentences on what was wrong when all of it was decoded.
    """

    facts: ClipFacts
    level: float | None
    silent: bool = False
    problems: tuple[str, ...] = ()


def found(pattern: str, folder: Path) -> list[Path]:
    """Return the files that fit a pattern, the newest first."""
    # Not Path.glob: a pattern may be absolute.
    paths = [Path(p) for p in glob.glob(str(folder / pattern), recursive=True)]  # noqa: PTH207
    there = []
    for path in paths:
        with contextlib.suppress(OSError):  # it was put away meanwhile
            if path.is_file():
                there.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(there, reverse=True)]


def settled(path: Path) -> bool:
    """Tell whether a file has not changed for a while."""
    try:
        return time.time() - path.stat().st_mtime >= SETTLED
    except OSError:
        return False


def examined(path: Path, result: Literal["clip", "sound"] = "clip") -> Examined | Missing:
    """Return what is known of a file that counts as a clip (or sound), or the reason why it does not.

    All of it is decoded: a header may promise what is not there. A file that is cut off, or whose picture or sound
    decodes to an end more than 0.5 s before the one it declares, does not count. One whose sound is silent, or holds
    no numbers, or ends early by itself, does: that is what the system made.
    """
    try:
        facts = probe(path)
    except MediaError as error:
        return error.missing
    if result == "clip" and facts.video_sha256 is None:
        return Missing(Reason.NO_VIDEO, f"{path.name} has no picture")
    if facts.audio_sha256 is None:
        return Missing(Reason.NO_AUDIO, f"{path.name} is a silent video" if result == "clip" else path.name)
    try:
        seen = _picture_problems(path, facts) if result == "clip" else ()
        level, silent, heard = _heard(path, facts)
    except MediaError as error:
        said = "; ".join(dict.fromkeys([error.detail or str(error.reason), *facts.problems]))
        return Missing(error.reason, f"{path.name}: {said}")
    if facts.problems:
        return Missing(Reason.UNREADABLE, f"{path.name} is damaged: {'; '.join(facts.problems)}")
    return Examined(facts, level, silent, (*seen, *heard))


def _picture_problems(path: Path, facts: ClipFacts) -> tuple[str, ...]:
    """Decode every picture; return what was wrong, and raise `MediaError` where the end is not there."""
    last = 0.0
    with VideoReader(path) as reader:
        for frame in reader:
            last = frame.time
        problems = reader.problems
    end = last + (1.0 / facts.fps if facts.fps else 0.0)
    _refuse_early_end(
        path, "picture", end, (facts.video_start or 0.0) + (facts.video_duration or 0.0), problems
    )
    return problems


def _heard(path: Path, facts: ClipFacts) -> tuple[float | None, bool, tuple[str, ...]]:
    """Decode all sound; return its level in dB, whether it is silent, what was wrong; `MediaError` as for pictures."""
    try:
        sound = audio(path, mono=True)
    except MediaError as error:
        if error.reason is not Reason.BAD_AUDIO:
            raise
        return None, False, (f"its sound is not a number everywhere: {error.detail}",)
    declared = (facts.audio_start or 0.0) + (facts.audio_duration or 0.0)
    _refuse_early_end(path, "sound", sound.start + sound.duration, declared, sound.problems)
    power = float(np.square(sound.samples.astype(np.float64)).mean()) if sound.samples.size else 0.0
    return (10 * math.log10(power) if power > SILENCE else None), power <= SILENCE, sound.problems


def _refuse_early_end(path: Path, what: str, end: float, declared: float, problems: Sequence[str]) -> None:
    if declared - end > CUT_OFF:
        said = "; ".join([f"its {what} decodes to {end:.2f} s of {declared:.2f} s", *problems])
        raise MediaError(path, Reason.UNREADABLE, said)


def keep(path: Path, out: Path) -> None:
    """Copy a file byte by byte; `out` appears whole or not at all."""
    with whole_file(out) as partial:
        shutil.copyfile(path, partial)


def delivered(seen: Examined) -> str:
    """Return one sentence on what a system delivered: picture, sound, lengths, level (dB of full scale)."""
    parts, facts = [], seen.facts
    if facts.video_duration:
        frames = round((facts.fps or 0) * facts.video_duration)
        parts.append(
            f"{facts.width}x{facts.height} {facts.video_codec}, {facts.fps:g} fps, about {frames} frames, "
            f"{facts.video_duration:.3f} s"
        )
    if facts.audio_duration:
        said = f"{seen.level:.1f} dB RMS of full scale" if seen.level is not None else "no level"
        said = "digital silence" if seen.silent else said
        parts.append(f"{facts.audio_codec} {facts.audio_rate} Hz, {facts.audio_duration:.3f} s, {said}")
    return "; ".join(parts)


def delivered_facts(seen: Examined) -> dict[str, Any]:
    """Return the same as values, for the file beside the clip: sizes in px, lengths in s, level in dB."""
    facts = seen.facts
    return {
        "width": facts.width, "height": facts.height, "fps": facts.fps, "video_codec": facts.video_codec,
        "video_seconds": facts.video_duration, "audio_codec": facts.audio_codec, "audio_rate": facts.audio_rate,
        "audio_seconds": facts.audio_duration, "level_db": seen.level,
    }  # fmt: skip


def own_departures(seen: Examined) -> list[str]:
    """Return what is odd about a file whatever was asked: silence, sound and picture that end apart, damage."""
    found_ = ["its sound is digital silence from beginning to end"] if seen.silent else []
    facts = seen.facts
    if facts.video_duration and facts.audio_duration:
        late = (facts.audio_start or 0.0) + facts.audio_duration
        late -= (facts.video_start or 0.0) + facts.video_duration
        if abs(late) > APART:
            found_.append(f"its sound ends {abs(late):.3f} s {'after' if late > 0 else 'before'} its picture")
    return [*found_, *seen.problems]


def departures(sample: Sample, facts: ClipFacts, fps: float | None) -> list[str]:
    """Return where a clip departs from what was given or announced: frame rate, length of a given sound or video."""
    found_: list[str] = []
    if fps is not None and facts.fps is not None and abs(facts.fps - fps) > 0.01:
        found_.append(f"{facts.fps:g} fps, not the {fps:g} fps that its authors state")
    given: Mapping[Task, tuple[str, Path | None]] = {
        Task.AUDIO_DRIVEN: ("sound", sample.condition_audio),
        Task.DUBBING: ("video", sample.condition_video),
    }
    what, path = given.get(sample.task, ("", None)) if sample.task is not None else ("", None)
    if path is not None and path.is_file():
        try:
            asked = probe(path)
        except MediaError:
            return found_
        wanted = asked.audio_duration if what == "sound" else asked.video_duration
        got = facts.audio_duration if what == "sound" else facts.video_duration
        if wanted and got and abs(wanted - got) > SAME:
            longer = "longer" if got > wanted else "shorter"
            found_.append(f"its {what} is {abs(got - wanted):.3f} s {longer} than the given one")
        if what == "sound" and facts.video_duration and wanted and facts.video_duration < wanted - SAME:
            found_.append(
                f"its picture ends {wanted - facts.video_duration:.3f} s before the given sound would"
            )
    return found_


KEPT = "scored byte for byte as delivered: nothing resampled, cut or padded"


def media_note(said: str, notes: Sequence[str], odd: Sequence[str]) -> str:
    """Return all that is to be said of a clip's media: delivered, departures, what was done to its inputs."""
    parts = [f"delivered {said}", *odd, KEPT, *(f"input: {note}" for note in notes)]
    return "; ".join(parts)
