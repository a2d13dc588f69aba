"""Verification with the clips at hand: swapped clips and false scores are found, and what cannot be checked is said."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from report.board_world import DECLARED, BoardRun, World, read_scores
from uniavgen_bench import rescore
from uniavgen_bench.api import score_suite
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.entry_files import EntryDataset
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Missing, Reason, Score
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, load_portraits
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.report.leaderboard.add import Submitter, add_run
from uniavgen_bench.report.leaderboard.board import Stored
from uniavgen_bench.report.leaderboard.privacy import plain_options
from uniavgen_bench.report.leaderboard.recompute import Again, Answers, ClipSource, Rechecked, Scorer, recheck
from uniavgen_bench.report.leaderboard.source_run import given_sha256
from uniavgen_bench.report.leaderboard.verify import verify_board
from uniavgen_bench.runner.run import RunOptions, run_suite


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


@pytest.fixture
def stored(world: World) -> Stored:
    return world.add(BoardRun(systems=("Alpha",)))[0]


class Recorded:
    """Answers with what the run's own scores say, but for what a test changes; counts what it was asked."""

    def __init__(self, run: Path, **changes: float | Missing | str) -> None:
        self.by_hash: dict[str, dict[str, dict[str, Score | Missing]]] = {}
        for row in read_scores(run).itertuples():
            fields = self.by_hash.setdefault(str(row.clip_sha256), {}).setdefault(str(row.metric), {})
            word = str(row.reason).split(":")[0]
            fields[str(row.field)] = Missing(Reason(word)) if word else Score(float(row.value))
        self.changes, self.asked = changes, list[tuple[Path, str]]()

    def score(self, clip: Path, sample: Sample, metrics: tuple[str, ...]) -> Mapping[str, Answers | str]:
        from uniavgen_bench.core.hashing import sha256_file

        found: dict[str, Answers | str] = {}
        for metric in metrics:
            self.asked.append((clip, metric))
            answers = dict(self.by_hash[sha256_file(clip)][metric])
            for field, change in self.changes.items():
                if isinstance(change, str):
                    found[metric] = change
                elif isinstance(change, Missing):
                    answers = dict.fromkeys(answers, change)
                elif field in answers:
                    answers[field] = Score(change)
            found.setdefault(metric, answers)
        return found

    def scorer(self) -> Scorer:
        return Scorer(self.score, self.samples, lambda: DECLARED)

    @staticmethod
    def samples(dataset: EntryDataset, task: Task | None) -> Mapping[str, Sample]:
        raise InputError("the dataset is read from files that are not part of an entry")


def check(stored: Stored, clips: Path, recorded: Recorded | None = None, **again: object) -> Rechecked:
    wanted = Again(**again) if again else Again(answers=None)  # type: ignore[arg-type]
    return recheck(stored.entry.body, ClipSource(clips), recorded.scorer() if recorded else None, wanted)


def test_the_run_itself_holds_to_the_last_score(world: World, stored: Stored) -> None:
    recorded = Recorded(world.root / "run0")
    done = check(stored, world.root / "run0", recorded)
    assert (done.problems, done.notes) == ([], [])
    assert (done.clips, done.answers) == (24, 48)
    assert len(set(recorded.asked)) == 48


def test_a_sample_of_the_scores_is_drawn_by_seed(world: World, stored: Stored) -> None:
    drawn = []
    for seed in (1, 1, 2):
        recorded = Recorded(world.root / "run0")
        assert check(stored, world.root / "run0", recorded, answers=5, seed=seed).answers == 5
        drawn.append(recorded.asked)
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(asked) == 5 for asked in drawn)


def test_a_swapped_clip_is_found_in_a_run(world: World, stored: Stored) -> None:
    a, b = sorted((world.root / "run0" / "clips").glob("alpha-*/*/0.mp4"))[:2]
    one, two = a.read_bytes(), b.read_bytes()
    a.write_bytes(two)
    b.write_bytes(one)
    (problem,) = check(stored, world.root / "run0").problems
    assert (
        problem.text
        == "swapped clip: 0.mp4 of 'sample-000' by 'Alpha' is not the one that was scored (and 1 more)"
    )


def test_any_folder_of_clips_will_do_for_the_hashes(world: World, stored: Stored, tmp_path: Path) -> None:
    folder = tmp_path / "by another name"
    folder.mkdir()
    own = sorted((world.root / "run0" / "clips").glob("alpha-*/*/0.mp4"))
    for i, path in enumerate(own):
        shutil.copyfile(path, folder / f"{i}.mp4")
    done = check(stored, folder)
    assert done.problems == [] and done.clips == 8
    assert [note.split(" is in ")[0] for note in done.notes] == [
        "no clip of the control 'ground-truth'", "no clip of the control 'shuffled-audio'"
    ]  # fmt: skip
    (folder / "3.mp4").write_bytes(b"edited")
    (problem,) = check(stored, folder).problems
    assert "'sample-003' by 'Alpha' is swapped, edited or left out" in problem.text


def test_a_false_score_is_found_and_a_tolerance_is_kept(world: World, stored: Stored) -> None:
    recorded = Recorded(world.root / "run0", confidence=0.9)
    texts = [p.text for p in check(stored, world.root / "run0", recorded).problems]
    assert texts and all("computed again it is 0.9" in text for text in texts)
    first = next(s for s in stored.entry.body.system.clips[0].scores if isinstance(s, float))
    near = Recorded(world.root / "run0", confidence=first * (1 + 5e-4))
    of_first = [
        p for p in check(stored, world.root / "run0", near).problems if "'sample-000' by 'Alpha'" in p.text
    ]
    assert of_first == []
    strict = check(stored, world.root / "run0", near, answers=None, tolerance=1e-5)
    assert [p for p in strict.problems if "'sample-000' by 'Alpha'" in p.text]


def test_a_number_where_the_clip_gives_none_is_found(world: World, stored: Stored) -> None:
    recorded = Recorded(world.root / "run0", every=Missing(Reason.SILENT))
    texts = [p.text for p in check(stored, world.root / "run0", recorded).problems]
    assert any("computed again it is missing (silent)" in text for text in texts)


@pytest.mark.parametrize(
    "why", [Missing(Reason.WEIGHTS, "x is not here"), "this installation has no audio.dnsmos@1"]
)
def test_what_cannot_be_computed_here_never_passes_for_checked(
    world: World, stored: Stored, why: Missing | str
) -> None:
    done = check(stored, world.root / "run0", Recorded(world.root / "run0", every=why))
    assert done.answers == 0
    (problem,) = done.problems
    assert "none of 48 answers could be computed again" in problem.text and str(why) in problem.text


def test_other_inputs_than_those_scored_with_are_found(world: World, stored: Stored) -> None:
    (world.root / "run0" / "inputs" / "0.wav").write_bytes(b"another voice")
    texts = {p.text for p in check(stored, world.root / "run0", Recorded(world.root / "run0")).problems}
    assert texts == {"what is given for sample 'sample-000' is not what the entry was scored with"}


def test_without_inputs_scores_are_not_said_to_hold(world: World, stored: Stored, tmp_path: Path) -> None:
    done = check(stored, world.root / "run0" / "clips", Recorded(world.root / "run0"))
    (problem,) = done.problems
    assert "what is given for the samples is not here: name the run directory as --clips" in problem.text
    with pytest.raises(InputError, match="no such folder of clips"):
        check(stored, tmp_path / "nowhere")


# ---- with real clips and the installed metrics ----


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """A run of two systems over real files, scored by the installed `video.motion`."""
    root = tmp_path_factory.mktemp("real")
    home = pytest.MonkeyPatch()
    home.setenv("UNIAVGEN_BENCH_HOME", str(root / "home"))
    rows = []
    for number, system in enumerate(("A", "B")):
        for i in range(3):
            name = f"{system}/{i}.mp4"
            (root / "clips" / system).mkdir(parents=True, exist_ok=True)
            ramp = [
                np.roll(np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1)), (n * (1 + number + i)), 1)
                for n in range(12)
            ]
            frames = [np.repeat(picture[:, :, None], 3, axis=2) for picture in ramp]
            tone = 0.3 * np.sin(2 * np.pi * (200 + 50 * i) * np.arange(19200) / 16000)
            write_clip(root / "clips" / name, frames, 10, tone.astype(np.float32), 16000)
            rows.append({"clip": name, "system": system, "sample": f"s{i}", "task": "joint"})
    with (root / "clips" / "clips.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    suite = score_suite(
        root / "clips", manifest=root / "clips" / "clips.csv", metrics=["video.motion"], controls=()
    )
    run_suite(suite, RunOptions(out=root / "run", workers=1))
    yield World.make(root), root / "run"
    home.undo()


def test_real_scores_are_computed_again_and_a_false_one_is_found(
    real: tuple[World, Path], tmp_path: Path
) -> None:
    world, run = real
    made = add_run(run, world.board, world.key, Submitter("A Lab"))
    assert [s.entry.body.system.id for s in made] == ["A", "B"]
    assert all(v.holds for v in verify_board(world.board, (), rescore.declared()))
    assert str(world.root) not in made[0].path.read_text()
    for stored in made:
        done = recheck(stored.entry.body, ClipSource(run), rescore.scorer(), Again(answers=None))
        assert (done.problems, done.answers) == ([], 3)
        stored.path.unlink()
    false = tmp_path / "run"
    shutil.copytree(run, false)
    table = RunDirectory(false).scores()
    at = table.index[table["value"] > 0][0]
    table.loc[at, "value"] *= 0.9
    write_atomic(false / "scores.parquet", table.to_parquet(index=False))
    (stored,) = add_run(false, world.board, world.key, Submitter("A Lab"), ["A"])
    assert all(v.holds for v in verify_board(world.board, (), rescore.declared()))
    done = recheck(stored.entry.body, ClipSource(false), rescore.scorer(), Again(answers=None))
    (problem,) = done.problems
    assert problem.text.startswith("video.motion@") and "computed again it is" in problem.text


def test_a_limited_run_over_a_manifest_is_refused(real: tuple[World, Path], tmp_path: Path) -> None:
    world, run = real
    clips = run.parent / "clips"
    suite = score_suite(clips, manifest=clips / "clips.csv", metrics=["video.motion"], controls=())
    run_suite(suite, RunOptions(out=tmp_path / "limited", workers=1, limit=2))
    with pytest.raises(InputError, match="partial: it holds 4 of 6 finished clips of the manifest"):
        add_run(tmp_path / "limited", world.board, world.key, Submitter("A Lab"))


def test_another_version_of_a_metric_is_named(real: tuple[World, Path]) -> None:
    _, run = real
    record = RunDirectory(run).clips()[0]
    assert record.media is not None
    answers = rescore.score_anew(run / record.media, record.sample, ("video.motion@99", "no.such@1"))
    assert str(answers["video.motion@99"]).startswith(
        "this installation has no video.motion@99, it has video.motion@"
    )
    assert answers["no.such@1"] == "this installation has no no.such@1"


def test_only_datasets_that_are_made_here_can_be_made_again() -> None:
    with pytest.raises(InputError, match="read from files that are not part of an entry"):
        rescore.samples_anew(EntryDataset(plugin="manifest", name="mine"), None)


def test_portraits_made_again_elsewhere_give_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("espeakng_loader", reason="the portrait world speaks with the extra `portraits`")
    options = PortraitsOptions(samples=1, size=64)
    dataset = EntryDataset(
        plugin="portraits", name="portraits", recipe=plain_options(options.model_dump(mode="json"))
    )
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "here"))
    (sample,) = load_portraits(options, workers=1).samples
    assert sample.image is not None and sample.image.is_relative_to(tmp_path / "here")
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "there"))
    again = rescore.samples_anew(dataset, Task.JOINT)
    assert list(again) == [sample.id]
    assert again[sample.id].image != sample.image
    assert given_sha256(again[sample.id]) == given_sha256(sample)


def test_a_damaged_run_as_clips_is_one_line(world: World, stored: Stored) -> None:
    run = world.root / "run0"
    write_json(run / "manifest.json", json.loads((run / "manifest.json").read_text()))
    (run / "clips.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"clips\.jsonl:1"):
        check(stored, run)
