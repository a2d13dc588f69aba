"""Media beside the report: the clip itself, or a preview where browsers cannot play it, and a poster."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import UInt8
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.analysis.crops import jpeg, thumbnail
from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.errors import MediaError, MediaWriteError
from uniavgen_bench.media.mux import replace_audio, write_timed_clip
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.media.sound import audio
from uniavgen_bench.media.writing import placed

PLAYABLE_VIDEO = frozenset({"h264", "vp8", "vp9", "av1"})
PLAYABLE_AUDIO = frozenset({"aac", "mp3", "opus", "vorbis", "flac", None})
PREVIEW_SIDE = 360
PLAYABLE_ENDINGS = frozenset({".mp4", ".m4v", ".webm"})
"""What Chromium and Firefox both play; anything else gets a preview."""


def place_media(run: Path, how: str, record: ClipRecord, path: Path, clip: AnalysedClip) -> ClipRecord:
    """Put a clip's media and poster into the run directory, once, and return the record that names them.

    What is made of a clip carries a part of the clip's hash in its name: beside another clip it would be a lie.
    """
    folder = Path("clips") / slug(record.system) / slug(record.sample.id)
    made_of = f"{record.repeat}.{(record.sha256 or '')[:12]}"
    _forget(run / folder, record.repeat, made_of)
    poster = _poster(run, folder / f"{made_of}.jpg", path, clip)
    media: str | None = None
    if path.is_relative_to(run):
        media = path.relative_to(run).as_posix()
    elif how != "none":
        facts = clip.facts
        plays = facts.video_codec in PLAYABLE_VIDEO and facts.audio_codec in PLAYABLE_AUDIO
        if plays and path.suffix.lower() in PLAYABLE_ENDINGS:
            out = folder / f"{record.repeat}{path.suffix.lower()}"
            _link(path, run / out, record.sha256, copy=how == "copy")
            media = out.as_posix()
        elif facts.video_codec is not None:
            out = folder / f"{made_of}.preview.mp4"
            with contextlib.suppress(MediaError):
                _preview(path, run / out, facts)
                media = out.as_posix()
    return record.model_copy(update={"media": media, "poster": poster})


def _forget(folder: Path, repeat: int, made_of: str) -> None:
    """Delete what was made of a clip that stood here before."""
    for old in folder.glob(f"{repeat}.*"):
        if old.name.endswith((".jpg", ".preview.mp4")) and not old.name.startswith(f"{made_of}."):
            old.unlink(missing_ok=True)


def _poster(run: Path, relative: Path, path: Path, clip: AnalysedClip) -> str | None:
    """Keep a picture of the clip: one that analysis has made, else the first, so that nothing is analysed for it."""
    if not (run / relative).is_file():
        try:
            if clip.has(Artefact.THUMBNAILS):
                pictures = clip.thumbnails.jpegs
                picture = pictures[len(pictures) // 3]
            else:
                picture = jpeg(thumbnail(next(iter(video_frames(path))).image))
        except (MissingError, MediaError, StopIteration, IndexError):
            return None
        write_atomic(run / relative, picture)
    return relative.as_posix()


def _link(source: Path, out: Path, sha256: str | None, *, copy: bool) -> None:
    if out.is_file() and (out.samefile(source) or sha256_file(out) == sha256):
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    part.unlink(missing_ok=True)
    linked = False
    if not copy:
        with contextlib.suppress(OSError):  # another file system, or one without hard links
            os.link(source, part)
            linked = True
    if not linked:
        shutil.copyfile(source, part)
    part.replace(out)


def _preview(source: Path, out: Path, facts: ClipFacts) -> None:
    """Write an mp4 that browsers play: the same packets in another container, or a smaller picture."""
    if out.is_file():
        return
    heard = audio(source, rate=48_000, mono=True) if facts.audio_codec is not None else None
    if heard is not None and facts.video_codec in PLAYABLE_VIDEO:
        with contextlib.suppress(MediaWriteError):  # a picture that an mp4 cannot hold unchanged
            replace_audio(source, heard.samples, heard.rate, heard.start, out)
            return
    frames = ((frame.time, smaller(frame.image)) for frame in video_frames(source))
    if heard is None:
        write_timed_clip(out, frames)
    else:
        write_timed_clip(out, frames, placed(heard.samples, heard.rate, heard.start), heard.rate)


def smaller(image: UInt8) -> UInt8:
    """Return a picture with a short side of at most `PREVIEW_SIDE` px."""
    import cv2

    height, width = image.shape[:2]
    scale = PREVIEW_SIDE / min(height, width)
    if scale >= 1:
        return image
    size = (round(width * scale), round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
