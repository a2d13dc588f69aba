"""What analysis makes of a clip. Metrics read these, and nothing else.

Shapes: T video frames, n frames of one track, N audio samples. All times are seconds on the clip's own clock,
on which sound and picture share one zero (edit lists and encoder delay already taken into account).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.media.decode import VideoFrame
from uniavgen_bench.media.probe import ClipFacts

SPEECH_RATE = 16_000
"""Sample rate of the `speech` artefact, Hz."""

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Frames:
    """The frame clock: `times` [T] s (presentation times), picture size in px after rotation, and shots.

    `shots` [K, 2]: first and last frame index of each shot, both inclusive.
    """

    times: Float64
    width: int
    height: int
    shots: Int64


@dataclass(frozen=True)
class Track:
    """One face over consecutive frames of one shot.

    `frames` [n]: frame indices, increasing. `boxes` [n, 4]: x0, y0, x1, y1 in px of the picture.
    `scores` [n]: detector confidence 0 … 1 (interpolated between detected frames).
    `landmarks` [n, 468, 3]: MediaPipe face mesh in px of the picture (z in the same scale, nearer is smaller).
    `presence` [n]: the landmark network's own confidence 0 … 1 that a face is there.
    """

    frames: Int64
    boxes: Float32
    scores: Float32
    landmarks: Float32
    presence: Float32


@dataclass(frozen=True)
class Faces:
    """All face tracks of a clip, longest first."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class Crops:
    """Square face crops of the tracks, each a JPEG of `side` px, generous enough for every protocol.

    `jpegs[k][i]` belongs to frame `tracks[k].frames[i]`; `regions[k]` [n, 3]: centre x, centre y and side of the
    cropped square in px of the picture (areas outside the picture are filled with grey 110).
    """

    side: int
    jpegs: tuple[tuple[bytes, ...], ...]
    regions: tuple[Float32, ...]


@dataclass(frozen=True)
class Thumbnails:
    """Whole pictures at about 8 per second for motion and quality: JPEGs of short side 256 px or less.

    `frames` [m]: frame indices. `times` [m]: their times in s.
    """

    frames: Int64
    times: Float64
    jpegs: tuple[bytes, ...]


@dataclass(frozen=True)
class WholeFrames:
    """Every whole picture, squeezed to a square of `side` px without keeping its shape: `jpegs` [T]."""

    side: int
    jpegs: tuple[bytes, ...]


@dataclass(frozen=True)
class Speech:
    """The sound as mono float32 `samples` [N] in -1 … 1 at `rate` Hz, starting at `start` s of the clip's clock.

    `source_rate` and `source_channels` are those of the file.
    """

    samples: Float32
    rate: int
    start: float
    source_rate: int
    source_channels: int


@dataclass(frozen=True)
class VoiceActivity:
    """`segments` [K, 2]: start and end in s of speech; `probability` [M] every `hop` s from `start` s."""

    segments: Float64
    probability: Float32
    hop: float
    start: float


@dataclass(frozen=True)
class Word:
    """A recognised word: start and end in s, confidence 0 … 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """What a recogniser heard, verbatim, with word times; `model` names the network and its weights."""

    text: str
    words: tuple[Word, ...]
    language: str
    model: str


class SpeakerChoice(StrEnum):
    """Why a track was taken for the speaker."""

    ONLY_FACE = "only_face"
    LARGEST = "largest"
    MOUTH_MOVES_WITH_SPEECH = "mouth_moves_with_speech"


@dataclass(frozen=True)
class Speaker:
    """The track taken for the speaker: index into `Faces.tracks`, why, and each track's evidence 0 … 1."""

    track: int
    choice: SpeakerChoice
    evidence: tuple[float, ...]


class ClipArtefacts(Protocol):
    """The artefacts of one clip, computed when first read.

    Every property raises `MissingError` with the reason when the clip does not have it.
    """

    @property
    def facts(self) -> ClipFacts:
        """What the container says."""

    @property
    def frames(self) -> Frames:
        """The frame clock and shots."""

    @property
    def faces(self) -> Faces:
        """The face tracks; raises `no_face` when there is none."""

    @property
    def crops(self) -> Crops:
        """The face crops of the tracks."""

    @property
    def thumbnails(self) -> Thumbnails:
        """Whole pictures at about 8 per second."""

    @property
    def whole_frames(self) -> WholeFrames:
        """Every whole picture, squeezed to a square."""

    def pictures(self) -> Iterator[VideoFrame]:
        """Decode the clip once more and yield every picture at full size; nothing of it is kept.

        For networks whose definition asks for the picture itself; raises `no_video` or `unreadable`.
        """

    @property
    def speech(self) -> Speech:
        """The sound at 16 kHz mono; raises `no_audio`, `bad_audio` or `silent`."""

    @property
    def voice_activity(self) -> VoiceActivity:
        """Where speech is; `segments` may be empty."""

    @property
    def transcript(self) -> Transcript:
        """What was said."""

    @property
    def speaker(self) -> Speaker:
        """The track taken for the speaker; raises `several_speakers` when that cannot be told."""

    @property
    def reference_speech(self) -> Speech:
        """The sample's reference audio (else its condition audio) at 16 kHz mono; raises `no_reference`."""
