"""Does the gate see a planted regression, and does it leave an unchanged system alone? A try on your own clips.

    python docs/examples/planted_regression.py CLIPS WORK

takes the clips of the folder CLIPS for the system `talker`. The regression: the sound comes 200 ms late in as many of
them as make the mean of lipsync.mouth_audio.in_place 15 % worse. The re-runs: in each of ten, every clip is drawn, by a
seed, from three re-encodings of picture and sound. Re-encoding moves scores less than a generator's seed does, so the
margin that suffices here is the smallest that could suffice for re-generated clips.
"""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

from uniavgen_bench import score
from uniavgen_bench.core.gate_files import GateResult
from uniavgen_bench.media.degrade import reencode, shift_clip
from uniavgen_bench.report.gate_judge import GateRequest, judge

METRICS = ("lipsync.mouth_audio", "video.motion")
FIELD = "in_place"
MARGINS = (
    "lipsync.mouth_audio.in_place=12%",
    "lipsync.mouth_audio.confidence=12%",
    "video.motion.static=0.05",
)
WORSE, LATE_MS, RERUNS = 0.15, 200, 10
QUALITIES = ((18, 96_000), (23, 64_000), (28, 48_000))
"""Constant rate factor of H.264, and bit/s of AAC."""


def scored(clips: dict[str, Path], folder: Path) -> dict[str, float]:
    """Score clips as the system `talker` into `folder/run`, and return the in-place sync of each."""
    place = folder / "clips" / "talker"
    shutil.rmtree(folder, ignore_errors=True)
    place.mkdir(parents=True)
    for name, path in clips.items():
        (place / f"{name}{path.suffix}").symlink_to(path.resolve())
    rows = score(folder / "clips", metrics=METRICS, controls=(), out=folder / "run", workers=1)
    return {str(r.sample): float(r.value) for r in rows[rows.field == FIELD].itertuples()}


def changed(clips: dict[str, Path], folder: Path, quality: tuple[int, int]) -> dict[str, Path]:
    """Re-encode all clips into a folder; what is there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in clips.items():
        if not (folder / f"{name}.mp4").exists():
            reencode(path, folder / f"{name}.mp4", crf=quality[0], bit_rate=quality[1])
    return {name: folder / f"{name}.mp4" for name in clips}


def regression(clips: dict[str, Path], work: Path) -> dict[str, Path]:
    """Return the clips with late sound in as many as make the mean 15 % worse."""
    before = scored(clips, work / "main")
    late = {name: work / "late" / f"{name}.mp4" for name in clips}
    (work / "late").mkdir(parents=True, exist_ok=True)
    for name, path in clips.items():
        if not late[name].exists():
            shift_clip(path, LATE_MS, late[name])
    after = scored(late, work / "all-late")
    mixed, mean = dict(before), sum(before.values())
    chosen = dict(clips)
    for name in random.Random(0).sample(sorted(clips), len(clips)):
        if sum(mixed.values()) <= (1 - WORSE) * mean:
            break
        mixed[name], chosen[name] = after[name], late[name]
    return chosen


def line(name: str, result: GateResult) -> str:
    """Return a row of the table: the verdict, and loss, bound and margin of the in-place sync."""
    field = next(f for f in result.fields if f.field == FIELD)
    numbers = "".join(
        f"{value:>10.4f}" for value in (field.mean_system, field.loss, field.bound, field.margin)
    )
    return f"{name:<12}{numbers}  {field.outcome.value:<13}{'passed' if result.passed else 'FAILED'}"


def main(
    source: Path, work: Path, *, reruns: int = RERUNS, qualities: tuple[tuple[int, int], ...] = QUALITIES
) -> bool:
    """Run the show, print the table, and return whether the gate caught the regression and nothing else."""
    clips = {path.stem: path for path in sorted(source.iterdir()) if path.suffix in (".mp4", ".mpg")}
    planted = regression(clips, work)
    moved = sum(planted[name] != clips[name] for name in clips)
    print(f"{len(clips)} clips; in the regression the sound of {moved} comes {LATE_MS} ms late")
    print(f"{'run':<12}{'mean':>10}{'loss':>10}{'at most':>10}{'margin':>10}  {'in_place':<13}gate")
    versions = [changed(clips, work / f"crf{quality[0]}", quality) for quality in qualities]
    runs = {"regression": planted}
    for seed in range(1, reruns + 1):
        draw = random.Random(seed)
        runs[f"re-run {seed}"] = {name: draw.choice(versions)[name] for name in clips}
    good = []
    for name, chosen in runs.items():
        folder = work / name.replace(" ", "-")
        scored(chosen, folder)
        result = judge(GateRequest(run=folder / "run", baseline=work / "main" / "run", margins=MARGINS))
        print(line(name, result), flush=True)
        good.append(result.passed is not (name == "regression"))
    return all(good)


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1]), Path(sys.argv[2])) else 1)
