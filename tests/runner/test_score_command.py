"""Scoring by the command line: rows, failures, plugins, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from runner.conftest import Bench, make_clip

from uniavgen_bench.core.run_files import SCORE_COLUMNS, RunDirectory


def rows(run: Path) -> pd.DataFrame:
    return RunDirectory(run).scores()


def test_metric_and_system_of_another_package_need_no_change_here(
    bench: Bench, clips: Path, tmp_path: Path
) -> None:
    (tmp_path / "clips.csv").write_text("clip,system\n" + "".join(f"clips/A/{i}.mp4,A\n" for i in range(3)))
    suite = tmp_path / "mine.yaml"
    suite.write_text(
        "schema: 1\nname: mine\ndataset: {name: manifest, path: clips.csv}\n"
        "systems: [precomputed, {id: high, use: beep, options: {hertz: 900}}]\n"
        "metrics: [toy.loudness, toy.brightness]\n"
    )
    done = bench("run", suite, "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    table = rows(tmp_path / "out")
    assert tuple(table.columns) == SCORE_COLUMNS
    assert table.value.notna().all() and set(table.system) == {"A", "high"}
    assert set(table[table.metric == "toy.brightness@1"].value) == {10.0}
    summary = json.loads(done.stdout)["summary"]
    assert {(s["system"], s["scored"], s["attempted"]) for s in summary} == {("A", 3, 3), ("high", 3, 3)}
    listed = bench("systems", "list", "--json")
    assert "beep" in listed.stdout and "toy_plugins" in json.loads(listed.stdout)["broken"]["broken"]
    assert "toy.loudness@1" in bench("metrics", "list").stdout


def test_one_bad_clip_costs_one_clip(bench: Bench, clips: Path) -> None:
    (clips / "A" / "zero.mp4").write_bytes(b"")
    (clips / "A" / "text 'and' “quotes”.mp4").write_text("not a clip\n" * 50)
    whole = (clips / "A" / "0.mp4").read_bytes()
    (clips / "A" / "truncated.mp4").write_bytes(whole[: len(whole) // 8])
    run = bench.score(clips, ["toy.loudness", "toy.brightness"])
    table = rows(run)
    bad = table[table["sample"].isin(["zero", "text 'and' “quotes”"])]
    assert len(bad) == 4 and bad.value.isna().all() and bad.reason.str.startswith("unreadable").all()
    (cut,) = (record for record in RunDirectory(run).clips() if record.sample.id == "truncated")
    assert cut.problem or cut.notes
    good = table[~table["sample"].isin([*bad["sample"], "truncated"])]
    assert len(good) == 12 and good.value.notna().all() and (good.reason == "").all()


def test_crash_costs_only_the_metric_and_clip_at_fault(bench: Bench, clips: Path) -> None:
    make_clip(clips / "A" / "victim.mp4", hertz=333)
    table = rows(bench.score(clips, ["toy.loudness", "toy.crash"]))
    crashed = table[table.value.isna()]
    assert [(r["sample"], r.metric) for _, r in crashed.iterrows()] == [("victim", "toy.crash@1")]
    assert crashed.reason.iloc[0].startswith("crashed")


def test_hang_costs_only_the_metric_and_clip_at_fault(bench: Bench, clips: Path) -> None:
    make_clip(clips / "A" / "victim.mp4", hertz=333)
    table = rows(bench.score(clips, ["toy.loudness", "toy.hang"], "--timeout", "15"))
    hung = table[table.value.isna()]
    assert [(r["sample"], r.metric) for _, r in hung.iterrows()] == [("victim", "toy.hang@1")]
    assert hung.reason.iloc[0].startswith("timeout")


def test_metric_that_raises_or_leaves_its_range_gives_a_reason_never_a_number(
    bench: Bench, clips: Path
) -> None:
    run = bench.score(clips, ["toy.raise", "toy.outside", "toy.loudness"], "--limit", 1)
    table = rows(run)[lambda found: found.metric != "toy.loudness@1"]
    assert len(table) and table.value.isna().all() and table.reason.str.startswith("failed").all()
    assert "outside its declared range" in table.reason.str.cat()
    assert "a <b>bad</b> idea" in (run / "problems.log").read_text()


def test_metric_does_not_see_what_it_does_not_declare(bench: Bench, clips: Path, tmp_path: Path) -> None:
    (clips / "m.csv").write_text("clip,transcript\nA/0.mp4,hello\n")
    table = rows(bench.score(clips, ["toy.peek"], "--manifest", clips / "m.csv"))
    assert table.value.tolist() == [0.0]


def test_second_run_computes_nothing_again_and_a_changed_clip_only_itself(bench: Bench, clips: Path) -> None:
    first = rows(bench.score(clips, ["toy.slow"], out="one"))
    again = rows(bench.score(clips, ["toy.slow"], out="two"))
    assert (again.seconds == first.seconds).all()
    make_clip(clips / "A" / "0.mp4", hertz=999, shade=200)
    third = rows(bench.score(clips, ["toy.slow"], out="three"))
    changed = third[third.clip_sha256 != first.clip_sha256]
    assert [(r.system, r["sample"]) for _, r in changed.iterrows()] == [("A", "0")]


def test_another_run_in_the_same_folder_is_refused_and_kept(
    bench: Bench, clips: Path, tmp_path: Path
) -> None:
    run = bench.score(clips, ["toy.loudness"])
    before = (run / "scores.parquet").read_bytes()
    done = bench("score", clips, "--metrics", "toy.brightness", "--out", "out")
    assert done.returncode == 2 and "holds another run" in done.stderr and "--replace" in done.stderr
    assert (run / "scores.parquet").read_bytes() == before
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("keep me")
    refused = bench("score", clips, "--metrics", "toy.brightness", "--out", full)
    assert refused.returncode == 2 and "not empty and not a run" in refused.stderr
    assert [p.name for p in full.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["score", "nowhere"], "nowhere"),
        (["score", ".", "--metrics", "speech.wr"], "did you mean 'speech.wer'"),
        (["score", ".", "--controls", "shuffle-audio"], "did you mean 'shuffled-audio'"),
        (["score", ".", "--controls", "shifted-audio:soon"], "'soon' is no number"),
        (["score", ".", "--device", "tpu"], "tpu"),
        (["run", "publshed"], "did you mean 'published'"),
        (["run", "published"], "--set dataset.path=VALUE"),
        (["score", ".", "--out", "/proc/nowhere/x"], "cannot be written"),
        (["metrics", "show", "audio.dnsmos@2"], "did you mean 'audio.dnsmos'"),
        (["report", "nowhere"], "not a run"),
        (["metrics", "show", "lipsync.lsd"], "did you mean 'lipsync.lse'"),
        (["weights", "pull", "whisper-tiny"], "whisper-tiny.en"),
    ],
)
def test_bad_input_is_one_line_with_a_way_out_and_status_2(
    bench: Bench, arguments: list[str], expected: str
) -> None:
    (bench.folder / "x.mp4").write_bytes(b"")
    done = bench(*arguments)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr and "Traceback" not in done.stderr
    assert not list(bench.folder.glob("runs/*"))


def test_transcript_of_a_recogniser_and_another_reference_are_told_apart() -> None:
    """What a metric sees of a sample is part of its address: a change of it must not find the old answer."""
    from uniavgen_bench.core.registry import METRICS, Registry
    from uniavgen_bench.core.sample import Sample
    from uniavgen_bench.metrics.metric import Metric
    from uniavgen_bench.runner.score_clip import visible

    registry = Registry(METRICS, "metric", Metric)
    one = Sample(id="a", speech="x", speech_verified=False, reference_audio=Path("/r.wav"))
    wer = visible(one, registry.load("speech.wer"))
    timbre = visible(one, registry.load("timbre.reference"))
    assert (wer.speech, wer.speech_verified, wer.reference_audio) == ("x", False, None)
    assert (timbre.speech, timbre.reference_audio) == (None, Path("/r.wav"))


def test_a_clip_that_took_the_place_of_another_gets_its_own_picture_in_the_report(
    bench: Bench, tmp_path: Path
) -> None:
    def made(seconds: float, shade: int) -> tuple[bytes, bytes]:
        clip = make_clip(tmp_path / "one" / "x.mp4", seconds=seconds, shade=shade)
        clip.rename(clip.with_suffix(".mov"))  # a container that gets a preview
        run = bench.score(tmp_path / "one", ["toy.brightness"])
        (record,) = RunDirectory(run).clips()
        assert record.media and record.poster and record.media.endswith(".preview.mp4")
        files = {p.name for p in (run / record.media).parent.iterdir()}
        assert files == {Path(record.media).name, Path(record.poster).name}
        return (run / record.media).read_bytes(), (run / record.poster).read_bytes()

    (clip, poster), (other_clip, other_poster) = made(1.0, 20), made(1.4, 200)
    assert clip != other_clip and poster != other_poster


def test_clips_of_a_system_named_like_a_control_are_not_mixed_with_it(bench: Bench, clips: Path) -> None:
    (clips / "A").rename(clips / "shuffled-audio")
    done = bench("score", clips, "--metrics", "toy.brightness", "--out", "out")
    assert done.returncode == 2 and "a system 'shuffled-audio'" in done.stderr, done.stderr
    assert bench("score", clips, "--metrics", "toy.brightness", "--controls", "none").returncode == 0


def test_names_are_understood_as_tables_print_them(bench: Bench, clips: Path) -> None:
    table = rows(bench.score(clips, ["toy.loudness@1"], "--limit", 1))
    assert set(table.metric) == {"toy.loudness@1"}
    assert bench("metrics", "show", "lipsync.lse[syncnet-python@1]").returncode == 0


def test_control_that_was_asked_for_comes_with_the_chosen_systems_alone(bench: Bench, clips: Path) -> None:
    arguments = [
        "--systems",
        "A",
        "--controls",
        "shuffled-audio",
        "--metrics",
        "toy.loudness",
        "--out",
        "out",
    ]
    done = bench("score", clips, *arguments)
    assert done.returncode == 0, done.stderr
    table = rows(bench.folder / "out")
    assert table.system.value_counts().to_dict() == {"A": 3, "shuffled-audio": 3}


def test_home_that_cannot_be_written_is_one_line_before_anything_is_computed(
    bench: Bench, clips: Path
) -> None:
    nowhere = Bench(bench.plugins, Path("/proc/nowhere"), bench.folder)
    done = nowhere("score", clips, "--metrics", "toy.loudness", "--out", "out")
    assert done.returncode == 2 and "UNIAVGEN_BENCH_HOME" in done.stderr and "Traceback" not in done.stderr
