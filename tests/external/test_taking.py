"""When a file is taken as the clip, and what counts as one: whole, decoded to its end, and not changed afterwards."""

from __future__ import annotations

import shutil
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from external.world import Made, make, sample, system
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.collect import Examined, examined, own_departures

FPS, RATE, SECONDS = 16, 16_000, 4


def written(
    path: Path,
    *,
    sound: float = SECONDS,
    level: float = 0.2,
    options: dict[str, str] | None = None,
    kind: str = "mp4",
) -> Path:
    """A clip of noise in its picture and a tone under it, which lasts `sound` s."""
    noise = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=kind, options=options or {}) as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "8"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        heard = out.add_stream("aac", rate=RATE, layout="mono")
        heard.codec_context.format = "fltp"
        tone = (level * np.sin(np.arange(round(sound * RATE)) / 9)).astype(np.float32)
        step = RATE // FPS
        for i in range(SECONDS * FPS):
            picture = noise.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            out.mux(video.encode(frame))
            part = tone[i * step : (i + 1) * step]
            if part.size:
                block = av.AudioFrame.from_ndarray(part[None], format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = RATE, i * step, Fraction(1, RATE)
                out.mux(heard.encode(block))
        out.mux(video.encode(None))
        out.mux(heard.encode(None))
    return path


def half(path: Path, of: Path) -> Path:
    data = of.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Clips by what is wrong with them."""
    folder = tmp_path_factory.mktemp("clips")
    whole = written(folder / "whole.mp4", options={"movflags": "faststart"})
    fragments = {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"}
    pieces = written(folder / "pieces.mp4", options=fragments)
    data = whole.read_bytes()
    place = data.index(b"mdat") + 4
    (folder / "zeros.mp4").write_bytes(data[: place + 2000] + bytes(len(data) - place - 2000))
    matroska = written(folder / "whole.mkv", kind="matroska")
    return {
        "whole": whole, "pieces": pieces, "cut": half(folder / "cut.mp4", whole), "zeros": folder / "zeros.mp4",
        "cut matroska": half(folder / "cut.mkv", matroska),
        "silence": written(folder / "silence.mp4", level=0.0), "blip": written(folder / "blip.mp4", sound=0.1),
        "no packets of sound": written(folder / "empty.mp4", sound=0.0, options=fragments),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "reason", "said"),
    [
        ("cut", Reason.UNREADABLE, "cut off|of 4.00 s"),
        ("cut matroska", Reason.UNREADABLE, "of 4.0"),
        ("zeros", Reason.UNREADABLE, "decode"),
        ("no packets of sound", Reason.NO_AUDIO, "the sound stream is empty"),
    ],
)
def test_a_file_that_is_not_whole_does_not_count(
    clips: dict[str, Path], kind: str, reason: Reason, said: str
) -> None:
    seen = examined(clips[kind])
    assert isinstance(seen, Missing) and seen.reason is reason, seen
    assert any(word in seen.detail for word in said.split("|")), seen


def departed(path: Path) -> list[str]:
    seen = examined(path)
    assert isinstance(seen, Examined), seen
    return own_departures(seen)


def test_what_a_system_made_so_counts_and_is_said(clips: dict[str, Path]) -> None:
    assert departed(clips["whole"]) == departed(clips["pieces"]) == []
    assert departed(clips["silence"]) == ["its sound is digital silence from beginning to end"]
    (said,) = departed(clips["blip"])
    assert said.startswith("its sound ends 3.") and said.endswith(" s before its picture")


LATE = """
import sys, time, pathlib
data = pathlib.Path(sys.argv[1]).read_bytes()
jobs = pathlib.Path(sys.argv[2])
import json
outs = [json.loads(line)["out"] for line in jobs.open()] if jobs.suffix == ".jsonl" else [sys.argv[2]]
end = data.index(b"moof", len(data) // 2) - 4
for out in outs:
    pathlib.Path(out).write_bytes(data[:end])
time.sleep(6)
for out in outs[:1]:
    with open(out, "ab") as file:
        file.write(data[end:])
for out in outs[1:]:
    pathlib.Path(out).write_bytes(data[: len(data) // 3] if sys.argv[3] == "spoils" else data)
sys.exit(int(sys.argv[4]))
"""


def late(clips: dict[str, Path], folder: Path, names: str, how: str, retold: int, status: int = 0) -> Made:
    jobs = "{jobs}" if len(names) > 1 else "{out}"
    command = ["python", "-c", LATE, str(clips["pieces"]), jobs, how, str(status)]
    samples = [sample(folder / "given", name) for name in names]
    return make(system("command", command=command), samples, folder, retold=retold)


def test_a_clip_that_rests_half_written_is_taken_when_its_process_has_ended(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    made = late(clips, tmp_path, "a", "ends", 0)
    assert made.outs[0].read_bytes() == clips["pieces"].read_bytes() and made.facts[0]["departures"] == []


def test_a_clip_of_a_batch_that_changed_after_it_was_taken_is_taken_anew(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    made = late(clips, tmp_path, "ab", "ends", 2)
    assert all(out.read_bytes() == clips["pieces"].read_bytes() for out in made.outs)
    assert made.facts[0]["delivered"]["video_seconds"] == pytest.approx(SECONDS, abs=0.1)


def test_a_clip_of_a_batch_that_was_spoiled_after_it_was_taken_is_made_again(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    made = late(clips, tmp_path, "ab", "spoils", 2)
    assert made.outs[1].read_bytes() == clips["pieces"].read_bytes() and made.processes() == 2


def test_a_clip_that_still_counts_after_a_crash_says_so(tmp_path: Path, clips: dict[str, Path]) -> None:
    command = ["python", "-c", "import shutil, sys; shutil.copy(*sys.argv[1:]); sys.exit(3)"]
    made = make(
        system("command", command=[*command, str(clips["whole"]), "{out}"]),
        [sample(tmp_path / "g")],
        tmp_path,
    )
    assert made.facts[0]["departures"] == ["its process ended with status 3"]
    assert "its process ended with status 3" in made.facts[0]["media"] and made.facts[0]["exit_status"] == 3


def test_a_clip_that_is_cut_off_by_a_crash_is_missing_with_its_log(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    program = "import shutil, sys; shutil.copy(*sys.argv[1:]); print('No space left on device'); sys.exit(1)"
    command = ["python", "-c", program, str(clips["cut"]), "{out}"]
    made = make(system("command", command=command), [sample(tmp_path / "g")], tmp_path)
    assert made.missing[0].reason is Reason.UNREADABLE and "damaged" in made.missing[0].detail
    assert "No space left" in made.log() and "log: " in made.missing[0].detail


def test_silence_is_delivered_and_said_plainly(tmp_path: Path, clips: dict[str, Path]) -> None:
    made = make(
        system("command", command=["cp", str(clips["silence"]), "{out}"]), [sample(tmp_path / "g")], tmp_path
    )
    assert "its sound is digital silence" in made.facts[0]["media"]
    assert made.facts[0]["delivered"]["level_db"] is None


WAITS = "import shutil, sys, time; time.sleep(float(sys.argv[3])); shutil.copyfile(sys.argv[1], sys.argv[2])"


def test_a_clip_is_taken_though_the_clock_was_set_back(
    tmp_path: Path, clips: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(
        time, "time", lambda: real() + 60
    )  # to this process, what is written now is a minute old
    command = ["python", "-c", WAITS, str(clips["whole"]), "{out}", "0.2"]
    made = make(system("command", command=command), [sample(tmp_path / "g")], tmp_path)
    assert not made.missing
    assert made.outs[0].read_bytes() == clips["whole"].read_bytes()


def test_a_young_file_of_somebody_else_is_not_taken_under_another_name_either(
    tmp_path: Path, clips: dict[str, Path]
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shutil.copyfile(clips["whole"], shared / "theirs.mp4")
    program = "import os, sys; os.rename(sys.argv[1] + '/theirs.mp4', sys.argv[1] + '/moved.mp4')"
    command = ["python", "-c", program, str(shared), "{out_folder}"]
    made = make(
        system("command", command=command, clip=f"{shared}/*.mp4"), [sample(tmp_path / "g")], tmp_path
    )
    assert made.missing[0].reason is Reason.NOT_GENERATED
    assert (shared / "moved.mp4").is_file()
