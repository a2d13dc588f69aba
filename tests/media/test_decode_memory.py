"""Memory does not grow with the length of a clip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clip_factory import flash_and_beep

MEASURE = """
import resource, sys
from pathlib import Path
from uniavgen_bench.media.decode import audio_chunks, video_frames
path = Path(sys.argv[1])
frames = sum(1 for frame in video_frames(path) if frame.image is not None)
seconds = sum(chunk.duration for chunk in audio_chunks(path, rate=16_000))
print(frames, round(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

LAUNCH = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
"""A small process between: a child's peak counts what its parent held when it was started."""


def peak(path: Path) -> tuple[int, int, float]:
    """Frames, seconds of sound and peak memory in MB of decoding a clip in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    frames, seconds, kilobytes = (int(x) for x in done.stdout.split())
    return frames, seconds, kilobytes / 1024


@pytest.mark.parametrize("kind", ["mp4-flac", "mkv-aac"])
def test_two_minutes_take_no_more_memory_than_ten_seconds(tmp_path: Path, kind: str) -> None:
    sizes = {}
    for seconds in (10, 120):
        clip = flash_and_beep(
            tmp_path, kind, seconds=seconds, fps=10, size=(320, 240), name=f"{seconds}.{kind[:3]}"
        )
        frames, heard, sizes[seconds] = peak(clip.path)
        assert (frames, heard) == (seconds * 10, seconds)
    raw = 110 * 10 * 320 * 240 * 3 / 2**20  # MB that the further frames would take
    assert sizes[120] - sizes[10] < 20 < raw / 10
