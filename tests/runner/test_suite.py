"""A suite is checked before anything is computed; every problem names file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import ClipKey, Role, SystemInfo
from uniavgen_bench.metrics import video_motion
from uniavgen_bench.runner import plan as plan_module
from uniavgen_bench.runner.comparison_blocks import completed
from uniavgen_bench.runner.plan import clip_seed, make_plan
from uniavgen_bench.runner.run import RunOptions, run_identity
from uniavgen_bench.runner.suite import ResolvedSuite, read_suite, resolve
from uniavgen_bench.runner.suite_path import bundled_suites, find_suite
from uniavgen_bench.systems.shuffled_audio import donors

GOOD = """schema: 1
name: demo
dataset: {name: manifest, path: clips.csv}
systems:
  - precomputed
  - {id: floor, use: shuffled-audio}
  - id: late
    use: shifted-audio
    options:
      milliseconds: 120
metrics: [video.motion]
"""


def write(tmp_path: Path, text: str = GOOD, rows: str = "a.mp4,A\nb.mp4,A\nc.mp4,B\nd.mp4,none\n") -> Path:
    (tmp_path / "clips.csv").write_text(f"clip,system\n{rows}")
    path = tmp_path / "demo.yaml"
    path.write_text(text)
    return path


def resolved(path: Path, *settings: str) -> ResolvedSuite:
    return resolve(*read_suite(path, settings))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[video.motion]", "[video.motoin]", r"demo.yaml:11: metrics.0: unknown metric .*mean 'video.motion'\?"),
        ("milliseconds: 120", "milisecond: 120", r"demo.yaml:10: systems.2.options.milisecond: .*'milliseconds'\?"),
        ("milliseconds: 120", "milliseconds: soon", r"demo.yaml:10: systems.2.options.milliseconds: .*'soon'"),
        ("use: shuffled-audio", "use: shufled-audio", r"demo.yaml:6: systems.1.use: unknown system .*'shuffled-audio'"),
        ("name: manifest", "name: manifesto", r"demo.yaml:3: dataset.name: unknown dataset .*'manifest'"),
        ("path: clips.csv", "pth: clips.csv", r"demo.yaml:3: dataset.pth: unknown key .*'path'"),
        ("schema: 1", "schema: 2", r"demo.yaml:1: schema: "),
        ("metrics:", "metric:", r"demo.yaml:11: metric: unknown key .*'metrics'"),
        ("id: late", "id: floor", r"demo.yaml:7: systems.2: two systems are called 'floor'"),
        ("path: clips.csv", "path: nowhere.csv", "no such file"),
    ],
)  # fmt: skip
def test_problem_in_a_suite_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError, match=expected):
        resolved(path)


@pytest.mark.parametrize(
    "setting", ["nonsense", "=1", "metrics.x.y=1", "systems.9.use=a", "dataset.path.deep=1"]
)
def test_bad_setting_names_the_setting(tmp_path: Path, setting: str) -> None:
    with pytest.raises(InputError, match="--set"):
        resolved(write(tmp_path), setting)


@pytest.mark.parametrize(
    "setting",
    [
        "foo=1",
        "dataset.pth=a",
        "systems.2.options.milliseconds=soon",
        "systems.0=precomputd",
        "metrics=[x.y]",
    ],
)
def test_what_a_setting_brought_in_is_not_blamed_on_the_file(tmp_path: Path, setting: str) -> None:
    with pytest.raises(InputError, match=r"^--set") as told:
        resolved(write(tmp_path), setting)
    assert "demo.yaml" not in str(told.value)


def test_a_setting_below_a_system_that_is_a_bare_name_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        resolved(write(tmp_path), "systems.0=real", "systems.0.options.guidanc=cfg")
    assert "system 0 is the bare name real" in str(told.value)
    assert "{id: real, use: real, options: ...}" in str(told.value)
    with pytest.raises(InputError, match=r"leads into a plain value: dataset\.use is 'manifest'"):
        resolved(write(tmp_path), "dataset.use=manifest", "dataset.use.deep=1")


def test_setting_wins_over_the_file(tmp_path: Path) -> None:
    found = resolved(write(tmp_path), "systems.2.options.milliseconds=-40", "seed=7")
    assert found.systems[2].info.options["milliseconds"] == -40 and found.suite.seed == 7


def test_plan_has_systems_of_the_manifest_then_controls_of_every_clip(tmp_path: Path) -> None:
    plan = make_plan(resolved(write(tmp_path)))
    assert [s.id for s in plan.systems] == ["A", "B", "recording", "floor", "late"]
    assert [c.key.system for c in plan.clips].count("floor") == 4
    for clip in plan.clips:
        if clip.key.system == "floor":
            picture, sound, *_ = clip.sources
            assert clip.key.sample == f"{picture.system}/{picture.sample}" and picture.sample != sound.sample


def test_limit_takes_the_first_clips_of_each_system(tmp_path: Path) -> None:
    plan = make_plan(resolved(write(tmp_path)), limit=1, only=["A", "B"])
    assert [(c.key.system, c.key.sample) for c in plan.clips] == [("A", "a"), ("B", "c")]


def test_two_ids_that_would_share_a_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "slug", lambda text: text[:1])
    with pytest.raises(InputError, match=r"would share a folder .*rename one of them"):
        make_plan(resolved(write(tmp_path)))


def test_unknown_system_of_the_command_line_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'floor'"):
        make_plan(resolved(write(tmp_path)), only=["flor"])


def test_seed_of_a_clip_is_the_same_for_every_system_and_differs_between_repeats() -> None:
    assert clip_seed(1, "a", 0) == clip_seed(1, "a", 0)
    assert len({clip_seed(1, "a", 0), clip_seed(1, "a", 1), clip_seed(2, "a", 0), clip_seed(1, "b", 0)}) == 4


def test_nobody_gets_their_own_sound_and_order_does_not_matter() -> None:
    keys = [ClipKey(system=s, sample=str(i)) for s in "AB" for i in range(5)]
    for key in keys:
        others = donors(key, keys, 3)
        assert others and all(other.sample != key.sample for other in others)
        assert others == donors(key, list(reversed(keys)), 3)
    assert donors(keys[0], keys[:1], 3) == []


def test_bundled_suites_are_found_by_name_and_point_nowhere() -> None:
    assert "published" in bundled_suites()
    assert find_suite("suites/published.yaml").stem == "published"
    with pytest.raises(InputError, match="did you mean 'published'"):
        find_suite("publishd")
    for path in bundled_suites().values():
        text = path.read_text()
        assert ".." not in text.replace("...", "") and ("path: null" in text or "name: portraits" in text)


def with_block(tmp_path: Path, block: str) -> Path:
    path = write(tmp_path, f"{GOOD}{block}\n")
    rows = (
        (tmp_path / "clips.csv")
        .read_text()
        .replace("\n", ",p\n")
        .replace("clip,system,p", "clip,system,identity")
    )
    (tmp_path / "clips.csv").write_text(rows)
    return path


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("compare: {baseline: lat}", r"demo.yaml:12: compare.baseline: unknown system 'lat' .*'late'"),
        ("compare: {fields: [video.motion.flo]}", r"demo.yaml:12: compare.fields.0: unknown field .*video.motion.mot"),
        ("compare: {fields: [speech.wer.wer]}", r"demo.yaml:12: compare.fields.0: unknown field 'speech.wer.wer'"),
        ("compare:\n  cluster: identiti", r"demo.yaml:13: compare.cluster: unknown fact .*'identity'"),
        ("compare: {baselin: late}", r"demo.yaml:12: compare.baselin: unknown key .*'baseline'"),
        ("compare: {correction: bonferroni}", r"demo.yaml:12: compare.correction: "),
        ("compare: {alpha: 0.7}", r"demo.yaml:12: compare.alpha: "),
        ("gate: {system: B2}", r"demo.yaml:12: gate.system: unknown system 'B2' .*'B'"),
        ("gate: {margins: {video.motion.flo: 0.1}}", r"demo.yaml:12: gate.margins.video.motion.flo: unknown field "),
    ],
)  # fmt: skip
def test_comparison_of_what_is_not_there_names_file_line_and_key(
    tmp_path: Path, block: str, expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        resolved(with_block(tmp_path, block))


def test_baseline_may_be_a_system_of_the_dataset_and_fields_follow_the_chosen_metrics(tmp_path: Path) -> None:
    assert (
        resolved(with_block(tmp_path, "compare: {baseline: B, cluster: identity}")).suite.compare.baseline
        == "B"
    )
    both = "compare: {fields: [video.motion.speed, speech.wer.wer]}\ngate: {margins: {speech.wer.wer: 0.1}}"
    path = with_block(tmp_path, both.replace("speed", motion_field()))
    suite, _ = read_suite(path, metrics=["video.motion@1"])
    assert suite.compare.fields == (f"video.motion.{motion_field()}",) and suite.gate is not None
    assert suite.gate.margins == {} and suite.metrics == ["video.motion@1"]


def motion_field() -> str:
    return video_motion.METRIC.spec.headline.name


@pytest.mark.parametrize(
    ("block", "roles", "reference", "expected"),
    [
        ({}, "sc", None, "s0"),
        ({}, "ssc", None, None),
        ({}, "ccc", None, None),
        ({}, "sss", "s1", "s1"),
        ({}, "scc", "c1", "s0"),
        ({"baseline": None}, "sc", None, None),
        ({"baseline": "c1"}, "sc", None, "c1"),
        ({"baseline": "gone"}, "sc", None, "s0"),
        ({"alpha": 0.01}, "sc", "gone", "s0"),
    ],
)
def test_a_block_that_names_no_baseline_gets_the_sensible_one(
    block: dict[str, object], roles: str, reference: str | None, expected: str | None
) -> None:
    role = {"s": Role.SYSTEM, "c": Role.LOWER_CONTROL}
    systems = [SystemInfo(id=f"{r}{i}", use="x", role=role[r]) for i, r in enumerate(roles)]
    found, notes = completed(CompareBlock.model_validate(block), systems, reference)
    assert found.baseline == expected and bool(notes) == (block.get("baseline") == "gone")


def test_how_a_run_is_compared_is_no_part_of_what_it_is(tmp_path: Path) -> None:
    def identity(block: str) -> str:
        found = resolved(with_block(tmp_path, block))
        return run_identity(found, make_plan(found), RunOptions())

    assert identity("") == identity("compare: {alpha: 0.01}") == identity("gate: {alpha: 0.01}")
    assert identity("") != identity("repeats: 2")
