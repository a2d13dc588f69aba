"""What a container says about its clip, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClipFacts:
    """What the container says: durations in s (None when there is no such stream), nominal rate, size, hashes.

    `video_sha256` and `audio_sha256` address the stream's packets and times, not the file: a clip whose sound was
    exchanged keeps its video hash, and so its face tracks. `fps` is the mean rate of the frame clock.
    """

    file_sha256: str
    video_sha256: str | None
    audio_sha256: str | None
    video_duration: float | None
    audio_duration: float | None
    fps: float | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None
    audio_rate: int | None
