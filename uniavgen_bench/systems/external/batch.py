"""What a process of an external system gets: items with safe names, and input files in a job folder."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from uniavgen_bench.core.result import Missing, MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.media.probe import ClipFacts, probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.systems.given import reference_picture

Options = TypeVar("Options")
Row = TypeVar("Row")

PICTURES = frozenset({".png", ".jpg", ".jpeg"})
"""Endings, in lower case, that every system takes."""


@dataclass(frozen=True)
class Item:
    """A clip to make. `name`: letters, digits and underscores, never a number; distinct within a run of a system."""

    name: str
    sample: Sample
    seed: int
    repeat: int = 0

    def unusable(self) -> Missing | None:
        """Return why no program can be given the texts of the sample, or None."""
        for name in ("caption", "speech", "reference_text", "language"):
            text = getattr(self.sample, name) or ""
            if "\0" in text:
                said = f"its {_words(name)} holds a NUL character, which no program can be given"
                return Missing(Reason.NOT_GENERATED, said)
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                return Missing(
                    Reason.NOT_GENERATED, f"its {_words(name)} holds half a character, which is no text"
                )
        return None


@dataclass(frozen=True)
class Launch:
    """A prepared process: `arguments` begin with a program of the system's environment (`python`, `torchrun`).

    `clips`: by item name, the path of its clip or a glob pattern, relative to the job folder or absolute.
    `environment`: variables that the system asks for.
    """

    arguments: tuple[str, ...]
    clips: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)


def item_name(number: int, sample: str, repeat: int) -> str:
    """Return a name for files: it starts with a letter, so that no table reader takes it for a number."""
    safe = re.sub(r"[^a-z0-9]+", "_", sample.lower()).strip("_")[:32].strip("_")
    return f"c{number:04d}_{safe or 'clip'}_r{repeat}"


@dataclass
class Batch(Generic[Options]):
    """One process to prepare. `folder` is its job folder; paths in it have neither spaces, dots nor quotes.

    `notes`: by item name, what was done to its inputs. `refused`: items that cannot be prepared, with the reason.
    `token`: letters and digits of this process alone, for files that a system puts into its checkout, where those of
    other runs lie too.
    """

    root: Path
    folder: Path
    options: Options
    items: tuple[Item, ...]
    notes: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, Missing] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(5))

    @property
    def only(self) -> Item:
        """The item of a system that makes one clip per process."""
        (item,) = self.items
        return item

    @property
    def out(self) -> Path:
        """The folder for what the system writes; it is there and empty at first."""
        folder = self.folder / "out"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def each(self, make: Callable[[Item], Row]) -> list[tuple[Item, Row]]:
        """Prepare item by item; one that raises `MissingError` is refused, the others go on."""
        rows: list[tuple[Item, Row]] = []
        for item in self.items:
            try:
                rows.append((item, make(item)))
            except MissingError as error:
                self.refused[item.name] = error.missing
        return rows

    def note(self, item: Item, text: str) -> None:
        """Write down what was done to an input of an item."""
        noted = self.notes.setdefault(item.name, [])
        if text not in noted:
            noted.append(text)

    def write(self, name: str, text: str) -> Path:
        """Write a text input; it is kept with the run."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def image(self, item: Item) -> Path:
        """Return a copy of the reference image; another format than PNG or JPEG is written as PNG.

        Raises:
            MissingError: there is none, or it is no picture.
        """
        picture = reference_picture(item.sample)
        source = item.sample.image
        assert source is not None  # reference_picture answers for it
        suffix = source.suffix.lower()
        if suffix in PICTURES:
            return self._copied(item, source, f"image{suffix}")
        import cv2

        path = self._place(item, "image.png")
        cv2.imwrite(str(path), picture[..., ::-1])
        self.note(item, f"the image ({suffix or 'no ending'}) was written as PNG")
        return path

    def sound(self, item: Item, which: str = "condition_audio", rate: int | None = None) -> Path:
        """Return a given sound as mono WAV: at `rate` Hz, else at its own; a WAV that is so already is copied.

        Several channels are averaged. What is written anew has samples of 32-bit floats. All of it is noted.

        Raises:
            MissingError: there is none, or it cannot be read.
        """
        source = self._given(item, which)
        try:
            facts = probe(source)
            heard = audio(source, rate=rate, mono=True)
        except MediaError as error:
            raise MissingError(error.reason, f"{which}: {error.detail or error.reason}") from error
        if (
            source.suffix.lower() == ".wav"
            and rate in (None, facts.audio_rate)
            and heard.source_channels == 1
        ):
            return self._copied(item, source, f"{which}.wav")
        path = self._place(item, f"{which}.wav")
        write_wav(path, heard.samples, heard.rate)
        if heard.source_channels > 1:
            self.note(
                item, f"{_words(which)} was made mono, the mean of its {heard.source_channels} channels"
            )
        if rate is not None and rate != facts.audio_rate:
            self.note(item, f"{_words(which)} was resampled from {facts.audio_rate} Hz to {rate} Hz")
        self.note(item, f"{_words(which)} was written as WAV of 32-bit floats")
        return path

    def video(self, item: Item) -> Path:
        """Return a copy of the given video; raises `MissingError` when there is none."""
        source = self._given(item, "condition_video")
        return self._copied(item, source, f"video{source.suffix.lower()}")

    def still(self, item: Item, sound: Path, fps: int) -> Path:
        """Return a video of the reference image alone that lasts as long as a sound."""
        picture = reference_picture(item.sample)
        seconds = self.facts(sound, "sound").audio_duration or 0.0
        frames = max(1, int(np.ceil(seconds * fps)))
        path = self._place(item, "still.mp4")
        write_clip(path, [picture] * frames, fps)
        self.note(item, f"the image was made a still video of {frames} frames at {fps} fps")
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            even = f"{width + width % 2}x{height + height % 2}"
            self.note(
                item,
                f"the still video is {even}, for even sides: the last row or column of {width}x{height} twice",
            )
        return path

    def speech(self, item: Item) -> str:
        """Return the words to speak on one line; raises `MissingError(no_transcript)`."""
        if not item.sample.speech:
            raise MissingError(Reason.NO_TRANSCRIPT, "the sample has no text to speak")
        return " ".join(item.sample.speech.split())

    def task(self, item: Item) -> Task:
        """Return the task of an item; raises `MissingError` where the dataset names none."""
        if item.sample.task is None:
            raise MissingError(Reason.NOT_GENERATED, "the dataset names no task for this sample")
        return item.sample.task

    def facts(self, path: Path, what: str) -> ClipFacts:
        """Return the facts of a media file; raises `MissingError` when it cannot be read."""
        try:
            return probe(path)
        except MediaError as error:
            raise MissingError(error.reason, f"{what}: {error.detail}") from error

    def _given(self, item: Item, which: str) -> Path:
        path: Path | None = getattr(item.sample, which)
        if path is None:
            raise MissingError(Reason.NO_REFERENCE, f"the sample has no {_words(which)}")
        if not path.is_file():
            raise MissingError(Reason.UNREADABLE, f"no such file: {path.name}")
        return path

    def _place(self, item: Item, name: str) -> Path:
        folder = self.folder / "media"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{item.name}_{name}"

    def _copied(self, item: Item, source: Path, name: str) -> Path:
        path = self._place(item, name)
        shutil.copyfile(source, path)
        return path


def _words(field_name: str) -> str:
    return field_name.replace("_", " ")


AnyBatch = Batch[Any]
