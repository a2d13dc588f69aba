"""What an external system wrote: which file is the clip, whether it counts, and what it is like."""

from __future__ import annotations

import glob
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import ClipFacts, probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.media.writing import whole_file

SETTLED = 1.5
"""Seconds that a file must not have changed before it is taken from a process that still runs."""
SAME = 0.05
"""Seconds by which two lengths may differ and still be called the same."""


def found(pattern: str, folder: Path, since: float) -> list[Path]:
    """Return the files that fit a pattern and were written since a time (s of the epoch), the newest first."""
    # Not Path.glob: a pattern may be absolute.
    paths = [Path(p) for p in glob.glob(str(folder / pattern), recursive=True)]  # noqa: PTH207
    fresh = [(p.stat().st_mtime, p) for p in paths if p.is_file()]
    return [p for stamp, p in sorted(fresh, reverse=True) if stamp >= since]


def settled(path: Path) -> bool:
    """Tell whether a file has not changed for a while."""
    try:
        return time.time() - path.stat().st_mtime >= SETTLED
    except OSError:
        return False


def examined(path: Path, result: Literal["clip", "sound"] = "clip") -> ClipFacts | Missing:
    """Return the facts of a file that counts as a clip (or sound), or the reason why it does not."""
    try:
        facts = probe(path)
    except MediaError as error:
        return error.missing
    if result == "clip" and not facts.video_duration:
        return Missing(Reason.NO_VIDEO, f"{path.name} has no picture")
    if not facts.audio_duration:
        return Missing(Reason.NO_AUDIO, f"{path.name} is a silent video" if result == "clip" else path.name)
    return facts


def keep(path: Path, out: Path) -> None:
    """Copy a file byte by byte; `out` appears whole or not at all."""
    with whole_file(out) as partial:
        shutil.copyfile(path, partial)


def delivered(facts: ClipFacts, level: float | None) -> str:
    """Return one sentence on what a system delivered: picture, sound, lengths, level (dB of full scale)."""
    parts = []
    if facts.video_duration:
        frames = round((facts.fps or 0) * facts.video_duration)
        parts.append(
            f"{facts.width}x{facts.height} {facts.video_codec}, {facts.fps:g} fps, about {frames} frames, "
            f"{facts.video_duration:.3f} s"
        )
    if facts.audio_duration:
        said = "silent" if level is None else f"{level:.1f} dB RMS of full scale"
        parts.append(f"{facts.audio_codec} {facts.audio_rate} Hz, {facts.audio_duration:.3f} s, {said}")
    return "; ".join(parts)


def delivered_facts(facts: ClipFacts, level: float | None) -> dict[str, Any]:
    """Return the same as values, for the file beside the clip: sizes in px, lengths in s, level in dB."""
    return {
        "width": facts.width, "height": facts.height, "fps": facts.fps, "video_codec": facts.video_codec,
        "video_seconds": facts.video_duration, "audio_codec": facts.audio_codec, "audio_rate": facts.audio_rate,
        "audio_seconds": facts.audio_duration, "level_db": level,
    }  # fmt: skip


def sound_level(path: Path) -> float | None:
    """Return the RMS level of a file's sound in dB of full scale; None when it is silent or cannot be decoded."""
    try:
        samples = audio(path, mono=True).samples
    except MediaError:
        return None
    power = float(np.square(samples.astype(np.float64)).mean()) if samples.size else 0.0
    return 10 * math.log10(power) if power > 1e-12 else None


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
