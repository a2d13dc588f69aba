"""Options of `uniavgen-nano`: what has no effect is refused with the reason, in a suite and in every design."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reference_model.aligner import a2v_windows
from uniavgen_bench.core.comparison import AblationBlock
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.runner.ablation import Asked, expand
from uniavgen_bench.runner.configured import ConfiguredSystem
from uniavgen_bench.systems.uniavgen import PLUGIN
from uniavgen_bench.systems.uniavgen_options import UniAVGenNanoOptions, check_window

LATENTS, TOKENS = 9, 206


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"a2v": "none", "window": 9}, "has no effect where a2v is none: only ati has a window"),
        ({"a2v": "sti", "window": 9}, "has no effect where a2v is sti"),
        ({"variant": "interaction_sgi_sgi", "window": 9}, "has no effect where a2v is sgi"),
        ({"variant": "interaction_none", "window": 9}, "has no effect where a2v is none"),
        ({"variant": "interaction_none", "a2v": "ati"}, "was trained without interaction"),
        ({"variant": "interaction_none", "v2a": "sgi"}, "was trained without interaction"),
        ({"variant": "interaction_none", "face_modulation": "off"}, "where nothing flows"),
        ({"a2v": "none", "v2a": "none", "face_modulation": "off"}, "where nothing flows"),
        (
            {"guidance": "none", "scale_video": 3},
            "has no effect with guidance none, only with ma_cfg and cfg",
        ),
        ({"guidance": "none", "scale_audio": 3}, "has no effect with guidance none"),
        ({"guidance": "none", "share": 0.25}, "has no effect with guidance none, only with ma_cfg"),
        ({"guidance": "cfg", "share": 0.25}, "has no effect with guidance cfg, only with ma_cfg"),
        ({"window": 0}, "must be odd: 0 reaches just as far as 1; name 1"),
        ({"window": 4}, "must be odd: 4 reaches just as far as 5; name 3 or 5"),
        ({"variant": "face_none", "window": 4}, "name 3 or 5"),
        (
            {"variant": "face_none", "face_modulation": "off"},
            "has no effect: the weights were trained with off",
        ),
        ({"variant": "face_none", "face_modulation": "on"}, "their interaction has seen no mask"),
        (
            {"variant": "face_none", "face_modulation": "even"},
            "cannot be even: the weights were trained with",
        ),
    ],
)
def test_an_option_without_effect_is_refused_with_the_reason(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        UniAVGenNanoOptions.model_validate(options)
    (problem,) = error.value.errors()
    assert said in problem["msg"] and problem["loc"] == ([*options][-1],), (
        "the option stands before the reason"
    )


@pytest.mark.parametrize(
    "options",
    [
        {"window": 9},
        {"a2v": "ati", "window": 9},
        {"variant": "interaction_sti_sti", "a2v": "ati", "window": 9},
        {"variant": "interaction_ati_sti", "window": 9},
        {"variant": "interaction_none", "a2v": "none", "v2a": "none"},
        {"a2v": "none", "face_modulation": "off"},
        {"variant": "face_fixed", "face_modulation": "off"},
        {"variant": "some/variant.safetensors", "face_modulation": "off"},
        {"guidance": "cfg", "scale_video": 3},
        {"guidance": "none", "scale_video": 2, "scale_audio": 2, "share": 0.5},
        {"variant": "some/variant.safetensors", "a2v": "ati", "window": 9},
        {"variant": "some/variant.safetensors", "window": 4},
        {"weights": "some", "window": 4},
    ],
)
def test_an_option_with_an_effect_or_its_default_is_accepted_again_and_again(
    options: dict[str, object],
) -> None:
    accepted = UniAVGenNanoOptions.model_validate(options)
    assert UniAVGenNanoOptions.model_validate(accepted.model_dump(mode="json")) == accepted


@given(st.integers(0, 32), st.sampled_from(["released", "paper"]))
def test_a_window_that_is_accepted_differs_from_the_next_smaller_one(window: int, aligner: str) -> None:
    def heard(reach: int) -> list[set[int]]:
        found = a2v_windows(LATENTS, TOKENS, "ati", aligner, reach)  # type: ignore[arg-type]
        return [set(row[valid].tolist()) for row, valid in zip(found.index, found.valid, strict=True)]

    try:
        check_window(window, "ati", aligner)
    except ValueError as error:
        assert aligner == "released" and heard(window) == heard(window + 1)
        assert str(error).endswith(f"{window - 1} or {window + 1}" if window else "name 1")
    else:
        smaller = heard(max(window - (2 if aligner == "released" else 1), 0))
        everything = all(len(row) == TOKENS for row in smaller)
        assert window < 2 or everything or heard(window) != smaller


def cells_of(factors: dict[str, list[object]], design: str = "one_at_a_time", **options: object) -> list[str]:
    block = AblationBlock.model_validate({"of": "nano", "factors": factors, "design": design})
    checked = UniAVGenNanoOptions.model_validate(options)
    info = SystemInfo(id="nano", use="uniavgen-nano", options=checked.model_dump(mode="json"))
    systems = expand(Asked(block), [ConfiguredSystem(info, PLUGIN, checked)])
    return [system.info.id for system in systems]


def test_designs_of_guidance_keep_their_cells() -> None:
    factors: dict[str, list[object]] = {
        "guidance": ["ma_cfg", "cfg", "none"], "scale": [2, 1, 1.5, 3, 4], "share": [0.5, 0.25, 1]
    }  # fmt: skip
    assert len(cells_of(factors)) == 1 + 2 + 4 + 2


@pytest.mark.parametrize(
    ("factor", "options"),
    [
        ("guidance", {"scale_video": 3, "scale_audio": 4, "share": 0.25}),
        ("interaction", {"window": 9, "face_modulation": "off"}),
        ("a2v", {"window": 9}),
    ],
)
def test_a_system_with_other_options_can_be_varied(factor: str, options: dict[str, object]) -> None:
    levels = [*PLUGIN.factors[factor]]
    assert len(cells_of({factor: [*levels]}, "one_at_a_time", **options)) == len(levels)


def test_a_design_with_a_cell_that_changes_nothing_names_option_and_reason() -> None:
    factors: dict[str, list[object]] = {"guidance": ["ma_cfg", "none"], "share": [0.5, 0.25]}
    with pytest.raises(InputError, match=r"share: .*has no effect with guidance none, .*got 0.25") as error:
        cells_of(factors, "full")
    assert "\n" not in str(error.value)


def test_the_reading_of_the_weights_decides_which_windows_there_are() -> None:
    check_window(4, "ati", "paper")
    with pytest.raises(ValueError, match="must be odd: 4"):
        check_window(4, "ati", "released")
    with pytest.raises(ValueError, match="only ati has a window"):
        check_window(5, "sgi", "paper")
