"""An ablation becomes systems: named, checked, made once, and compared by the same samples and seeds."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from uniavgen_bench.core.comparison import AblationBlock, level_text
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.runner.ablation import Asked, FactorOptions, cells, expand
from uniavgen_bench.runner.configured import ConfiguredSystem
from uniavgen_bench.runner.plan import make_plan
from uniavgen_bench.runner.suite import ResolvedSuite, read_suite, resolve
from uniavgen_bench.systems.system import SystemPlugin

SUITE = """schema: 1
name: demo
dataset: {name: manifest, path: clips.csv}
systems:
  - precomputed
  - {id: late, use: shifted-audio, options: {milliseconds: 0}}
  - {id: floor, use: shuffled-audio}
metrics: [video.motion]
ablation:
  of: late
  factors:
    milliseconds: [0, 80, 200]
"""


class Inner(Frozen):
    a2v: Literal["ati", "sti", "sgi", "none"] = "ati"
    v2a: Literal["ati", "sti", "sgi", "none"] = "ati"


class ModelOptions(Frozen):
    """Options as a generator has them."""

    interaction: Inner = Inner()
    face_modulation: Literal["on", "off"] = "on"
    steps: int = 20


def model(**options: object) -> ConfiguredSystem:
    def make(options: ModelOptions) -> object:
        return SimpleNamespace(options=options)

    both = {name: {"interaction": {"a2v": name, "v2a": name}} for name in ("ati", "sti", "sgi", "none")}
    plugin = SystemPlugin("model", "a model", make, ModelOptions, factors={"interaction": both})  # type: ignore[arg-type]
    checked = ModelOptions.model_validate(options)
    info = SystemInfo(id="nano", use="model", options=checked.model_dump(mode="json"))
    return ConfiguredSystem(info, plugin, checked)


def ablated(
    factors: dict[str, list[object]], design: str = "one_at_a_time", **options: object
) -> list[ConfiguredSystem]:
    block = AblationBlock.model_validate({"of": "nano", "factors": factors, "design": design})
    return list(expand(Asked(block), [model(**options)]))


def write(tmp_path: Path, text: str = SUITE) -> Path:
    (tmp_path / "clips.csv").write_text("clip,system\na.mp4,A\nb.mp4,A\nc.mp4,A\n")
    path = tmp_path / "demo.yaml"
    path.write_text(text)
    return path


def resolved(path: Path, *factors: str, of: str | None = None, design: str | None = None) -> ResolvedSuite:
    return resolve(*read_suite(path), FactorOptions(factors, of, design))


def test_one_at_a_time_varies_each_factor_beside_the_reference() -> None:
    systems = ablated({"interaction": ["ati", "sti", "none"], "face_modulation": [True, False]})
    assert [s.info.id for s in systems] == [
        "nano", "nano[interaction=sti]", "nano[interaction=none]", "nano[face_modulation=off]",
    ]  # fmt: skip
    assert systems[0].info.factors == {"interaction": "ati", "face_modulation": "on"}
    assert systems[2].info.options["interaction"] == {"a2v": "none", "v2a": "none"}
    assert (
        systems[3].info.options["face_modulation"] == "off"
        and systems[3].info.factors["interaction"] == "ati"
    )
    assert [s.varied for s in systems] == [False, True, True, True]


def test_full_design_makes_every_combination() -> None:
    systems = ablated(
        {"interaction.a2v": ["ati", "none"], "interaction.v2a": ["ati", "none"], "steps": [20, 4]}, "full"
    )
    assert len({s.info.id for s in systems}) == len(systems) == 8
    last = systems[-1].info
    assert last.id == "nano[interaction.a2v=none,interaction.v2a=none,steps=4]"
    assert last.options == {
        "interaction": {"a2v": "none", "v2a": "none"},
        "face_modulation": "on",
        "steps": 4,
    }


def test_reference_that_is_not_the_plain_system_is_a_system_of_its_own() -> None:
    systems = ablated({"steps": [10, 20, 40]})
    assert [s.info.id for s in systems] == ["nano", "nano[steps=10]", "nano[steps=40]"]
    assert [s.info.factors["steps"] for s in systems] == ["20", "10", "40"]
    outside = ablated({"steps": [10, 40]})
    assert outside[0].info.factors == {} and len(outside) == 3


def test_cell_that_another_system_of_the_suite_is_already_is_not_made_twice() -> None:
    plain, twin = model(), model(steps=4)
    twin = ConfiguredSystem(twin.info.model_copy(update={"id": "fast"}), plain.plugin, twin.options)
    block = AblationBlock(of="nano", factors={"steps": (20, 4)})
    systems = expand(Asked(block), [plain, twin])
    assert [(s.info.id, s.info.factors) for s in systems] == [
        ("nano", {"steps": "20"}),
        ("fast", {"steps": "4"}),
    ]


levels = st.lists(st.integers(1, 1000), min_size=2, max_size=5, unique=True)
modulations = st.permutations(["on", "off"])


@given(steps=levels, face=modulations, full=st.booleans())
def test_cells_are_distinct_legal_folders_and_carry_their_levels(
    steps: list[int], face: list[str], full: bool
) -> None:
    systems = ablated({"steps": steps, "face_modulation": face}, "full" if full else "one_at_a_time")
    in_design = [s for s in systems if s.info.factors]
    assert len(in_design) == (2 * len(steps) if full else len(steps) + 1)
    assert len({slug(s.info.id) for s in systems}) == len(systems)
    assert all(len(slug(s.info.id)) < 80 and "/" not in slug(s.info.id) for s in systems)
    for system in in_design:
        assert system.info.factors["steps"] == str(system.info.options["steps"])
        assert system.info.factors["face_modulation"] == system.info.options["face_modulation"]


@given(st.dictionaries(st.sampled_from("abcd"), levels, min_size=1, max_size=3))
def test_one_at_a_time_is_part_of_full_and_both_begin_with_the_reference(
    factors: dict[str, list[int]],
) -> None:
    one = cells(AblationBlock.model_validate({"of": "x", "factors": factors}))
    full = cells(AblationBlock.model_validate({"of": "x", "factors": factors, "design": "full"}))
    assert one[0] == full[0] == dict.fromkeys(factors, 0)
    assert all(cell in full for cell in one)
    assert all(sum(i > 0 for i in cell.values()) == 1 for cell in one[1:])


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({"interactoin": ["ati", "none"]}, r"--factor: interactoin: unknown factor .*mean 'interaction'\?"),
        (
            {"interaction": ["ati", "sgj"]},
            r"--factor: interaction: unknown level of interaction 'sgj' .*'sgi'",
        ),
        ({"steps": [20, "soon"]}, r"--factor: steps: Input should be a valid integer.*'soon'"),
        ({"steps": [20, 20.0]}, "steps=20 and steps=20.0 give 'nano' the same options"),
        ({"interaction.a2w": ["ati", "none"]}, "mean 'interaction.a2v'"),
        ({"steps": list(range(1, 400))}, "399 cells, 256 at most"),
    ],
)
def test_factor_or_level_that_is_not_known_names_the_nearest(
    factors: dict[str, list[object]], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        ablated(factors)


def test_levels_of_a_block_are_two_at_least_and_distinct() -> None:
    for bad in ((20,), (20, 20), (True, "on")):
        with pytest.raises(ValidationError):
            AblationBlock(of="nano", factors={"steps": bad})
    assert [level_text(level) for level in (True, False, 2.5, "ati")] == ["on", "off", "2.5", "ati"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("of: late", "of: lat", r"demo.yaml:10: ablation.of: unknown system .*'late'"),
        ("of: late", "of: precomputed", r"demo.yaml:10: ablation.of: precomputed has finished clips"),
        ("milliseconds: [", "ms: [", r"demo.yaml:12: ablation.factors.ms: unknown factor of late 'ms' .*milliseconds"),
        ("80", "soon", r"demo.yaml:12: ablation.factors.milliseconds.1: Input should be a valid number"),
        ("80", "9000", r"demo.yaml:12: ablation.factors.milliseconds.1: .*less than or equal to 5000, got 9000"),
        ("[0, 80, 200]", "[0]", r"demo.yaml:9: ablation: factor 'milliseconds' needs at least two levels"),
        ("factors:", "factor:", r"demo.yaml:11: ablation.factor: unknown key .*'factors'"),
        ("of: late", "of: late\n  design: ful", r"demo.yaml:11: ablation.design: "),
    ],
)  # fmt: skip
def test_problem_of_an_ablation_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        resolved(write(tmp_path, SUITE.replace(old, new)))


@pytest.mark.parametrize(
    ("factors", "of", "design", "expected"),
    [
        (["milliseconds"], "late", None, "--factor: 'milliseconds' is not NAME=LEVEL,LEVEL"),
        (["milliseconds=0,"], "late", None, "--factor: milliseconds: '' is no level"),
        (["milliseconds=0,80", "milliseconds=1,2"], "late", None, "given twice"),
        (["milliseconds=0,80"], "lat", None, "--of: unknown system .*'late'"),
        (["milliseconds=0,80"], "late", "ful", "--design: unknown design 'ful' .*'full'"),
    ],
)
def test_problem_of_the_command_line_names_the_option(
    tmp_path: Path, factors: list[str], of: str | None, design: str | None, expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        resolved(write(tmp_path), *factors, of=of, design=design)


def test_command_line_needs_a_system_that_the_run_makes_and_a_factor(tmp_path: Path) -> None:
    plain = write(tmp_path, SUITE.partition("ablation:")[0])
    with pytest.raises(InputError, match="name a control with --of: late, floor"):
        resolved(plain, "milliseconds=0,80")
    with pytest.raises(InputError, match=r"--of: there is no ablation .*--factor"):
        resolved(plain, of="late")
    assert resolved(plain).ablation is None and resolved(plain).cells == ()


def test_command_line_varies_any_suite_and_replaces_the_factors_of_its_ablation(tmp_path: Path) -> None:
    found = resolved(write(tmp_path), "milliseconds=-40,0")
    assert found.cells == ("late", "late[milliseconds=-40]") and found.reference == "late[milliseconds=-40]"
    plain = write(tmp_path, SUITE.partition("ablation:")[0])
    assert resolved(plain, "milliseconds=0,80", of="late").cells == ("late", "late[milliseconds=80]")
    assert resolved(write(tmp_path), design="full").ablation == AblationBlock(
        of="late", factors={"milliseconds": (0, 80, 200)}, design="full"
    )


def test_cells_have_the_samples_and_seeds_of_the_system_that_they_are_from(tmp_path: Path) -> None:
    plan = make_plan(resolved(write(tmp_path)))
    seeds = {}
    for clip in plan.clips:
        seeds.setdefault(clip.key.system, []).append(
            (clip.key.sample, clip.key.repeat, clip.seed, clip.sources)
        )
    assert [s.id for s in plan.systems] == [
        "A",
        "late",
        "late[milliseconds=80]",
        "late[milliseconds=200]",
        "floor",
    ]
    assert seeds["late"] == seeds["late[milliseconds=80]"] == seeds["late[milliseconds=200]"]
    assert all(info.role is Role.LOWER_CONTROL for info in plan.systems if info.factors)


def test_system_that_is_chosen_brings_its_cells_and_a_cell_can_be_chosen_alone(tmp_path: Path) -> None:
    found = resolved(write(tmp_path))
    assert {s.id for s in make_plan(found, only=["late"]).systems} == set(found.cells)
    (alone,) = make_plan(found, only=["late[milliseconds=80]"]).systems
    assert alone.factors == {"milliseconds": "80"}


def test_control_of_all_systems_is_the_same_with_and_without_an_ablation(tmp_path: Path) -> None:
    made = SUITE.replace("- precomputed", "- {id: made, use: cascade-audio-first}")
    suite = made.partition("ablation:")[0]

    def clips(found: ResolvedSuite) -> dict[str, list[str]]:
        samples: dict[str, list[str]] = {}
        for clip in make_plan(found).clips:
            samples.setdefault(clip.key.system, []).append(clip.key.sample)
        return samples

    plain = clips(resolved(write(tmp_path, suite)))
    varied = clips(resolved(write(tmp_path, suite), "start=0.2,0.5"))
    assert plain["floor"] == ["a", "b", "c"] and varied["floor"] == plain["floor"]
    assert varied["made[start=0.5]"] == plain["made"]
