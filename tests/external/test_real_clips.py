"""The example suite over real people: their first pictures and words asked for, themselves as finished clips."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from external.test_runs import bench
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.mux import write_wav
from uniavgen_bench.media.sound import audio

CLIPS = ("bbaf2n", "brbk7n", "lbax4n")  # two speakers say three sentences of GRID
WORDS = ("bin blue at f two now", "bin red by k seven now", "lay blue at x four now")


def real_samples(shared: Path, folder: Path) -> list[str]:
    """Write samples made from real clips, the clips under the names that the suite expects, and a real voice."""
    cv2 = pytest.importorskip("cv2")
    (folder / "finished").mkdir()
    rows = []
    for index, (clip, words) in enumerate(zip(CLIPS, WORDS, strict=True)):
        source = shared / "clips" / "grid_lipnet" / f"evaluation_samples_GRID_{clip}.mpg"
        first = next(iter(video_frames(source)))
        cv2.imwrite(str(folder / f"{clip}.png"), first.image[..., ::-1])
        shutil.copyfile(source, folder / "finished" / f"sample_{index:04d}.mpg")
        caption = f"A person looks into the camera and says: {words}."
        rows.append({"sample": clip, "task": "joint", "image": f"{clip}.png", "caption": caption, "speech": words,
                     "language": "en"})  # fmt: skip
    with (folder / "samples.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    sound = audio(shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_pwij3p.mpg")
    write_wav(folder / "voice.wav", sound.samples, sound.rate)
    return [
        "--set", f"dataset.path={folder / 'samples.csv'}",
        "--set", f"systems.3.options.speech.voice={folder / 'voice.wav'}",
        "--set", "systems.3.options.speech.voice_text=place white in j three please",
        "--set", f"systems.5.options.clips={folder / 'finished'}",
    ]  # fmt: skip


@pytest.mark.shared
def test_example_runs_over_real_clips(shared: Path, tmp_path: Path) -> None:
    example = real_samples(shared, tmp_path)
    done = bench(tmp_path, "run", "external_example", *example, "--out", "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    run = RunDirectory(tmp_path / "run")
    table = run.scores()
    assert table.reason.eq("").all(), table[table.reason.ne("")]
    assert set(table["sample"]) == set(CLIPS) and table.groupby("system")["sample"].nunique().eq(3).all()
    media = run.manifest().media
    assert media["finished"].startswith("3 clips: 25 fps, 360x288")
    static = table[table.field == "static"].groupby("system")["value"].mean()
    assert static["finished"] < 1.0 == static["uniavgen"]
    assert (tmp_path / "run" / "report" / "index.html").is_file() and run.stats() is not None
