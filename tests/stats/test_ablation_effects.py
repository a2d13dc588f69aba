"""Effects of an ablation are those that were put in, per factor, with interactions where the design has them."""

from __future__ import annotations

import io
import math
from itertools import product

import numpy as np
import pytest
from rich.console import Console

from stats.made_up import run_of
from uniavgen_bench.core.comparison import AblationBlock, AblationResult, CompareBlock, Verdict
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.ablation_effects import ablation_effects, print_ablation

FACTORS = {"interaction": ("ati", "sgi", "none"), "modulation": (True, False)}
SAMPLES = 24


def system(levels: dict[str, str]) -> SystemInfo:
    return SystemInfo(id="nano-" + "-".join(levels.values()), use="nano", factors=levels)


def study(
    design: str = "full", *, interaction: float = 0.0, lost: dict[str, list[int]] | None = None
) -> AblationResult:
    rng = np.random.default_rng(7)
    cells = [
        {"interaction": i, "modulation": m}
        for i, m in product(("ati", "sgi", "none"), ("on", "off"))
        if design == "full" or i == "ati" or m == "on"
    ]
    item = rng.normal(size=SAMPLES)
    values = {}
    for levels in cells:
        mean = {"ati": 0.0, "sgi": 0.0, "none": -1.0}[levels["interaction"]]
        mean += (0.5 if levels["modulation"] == "off" else 0.0) + (
            interaction if levels == {"interaction": "none", "modulation": "off"} else 0.0
        )
        values[system(levels).id] = item + mean + 0.2 * rng.normal(size=SAMPLES)
    for name, samples in (lost or {}).items():
        values[name][samples] = math.nan
    grid, clips = run_of({k: v.tolist() for k, v in values.items()})
    block = AblationBlock(of="nano", factors=FACTORS, design=design)  # type: ignore[arg-type]
    return ablation_effects(grid, clips, [system(c) for c in cells], block, CompareBlock(), seed=3)


def effects(result: AblationResult) -> dict[str, tuple[float, int, Verdict]]:
    return {
        f"{e.factor}={e.level}": (e.result.difference.value, e.settings, e.result.verdict)
        for e in result.effects
        if e.result.difference is not None
    }


@pytest.mark.parametrize(("design", "settings"), [("full", {2, 3}), ("one_at_a_time", {1})])
def test_effects_are_those_that_were_put_in(design: str, settings: set[int]) -> None:
    found = effects(study(design))
    assert found["interaction=none"][0] == pytest.approx(-1.0, abs=0.15)
    assert found["interaction=sgi"][0] == pytest.approx(0.0, abs=0.15)
    assert found["modulation=off"][0] == pytest.approx(0.5, abs=0.15)
    assert found["interaction=none"][2] is Verdict.WORSE
    assert found["interaction=sgi"][2] is Verdict.NOT_SEEN
    assert found["modulation=off"][2] is Verdict.BETTER
    assert {s for _, s, _ in found.values()} == settings


def test_averaging_over_settings_narrows_the_interval() -> None:
    widths = []
    for design in ("one_at_a_time", "full"):
        (effect,) = (e for e in study(design).effects if e.factor == "modulation")
        assert effect.result.difference is not None
        widths.append(effect.result.difference.high - effect.result.difference.low)  # type: ignore[operator]
    assert widths[1] / widths[0] == pytest.approx(1 / np.sqrt(3), rel=0.35)


def test_an_interaction_is_the_difference_of_differences() -> None:
    for size in (0.0, 0.8):
        result = study(interaction=size)
        found = {i.level_a: i for i in result.interactions}
        assert set(found) == {"sgi", "none"}
        for level, expected in (("none", size), ("sgi", 0.0)):
            each = found[level]
            assert each.estimate is not None
            assert each.estimate.value == pytest.approx(expected, abs=0.2)
            assert each.p_adjusted is not None
            assert (each.p_adjusted < 0.05) == (expected > 0)
            assert (each.pairs, each.clusters) == (SAMPLES, SAMPLES)


def test_interactions_need_a_full_design() -> None:
    result = study("one_at_a_time")
    assert result.interactions == []
    assert "interactions need `design: full`" in result.notes


def test_a_sample_lost_in_one_setting_still_counts_against_who_lost_it() -> None:
    lost = study(lost={"nano-none-on": list(range(6))})
    (effect,) = (e.result for e in lost.effects if e.level == "none")
    assert (effect.pairs, effect.attempted) == (SAMPLES, SAMPLES)  # the other setting has them
    assert effect.verdict is Verdict.WORSE
    kept = next(e.result for e in study().effects if e.level == "none")
    helped = study(lost={"nano-sgi-on": list(range(12))})
    (sgi,) = (e.result for e in helped.effects if e.level == "sgi")
    assert sgi.p_worst is not None
    assert sgi.verdict in (Verdict.WORSE, Verdict.NOT_SEEN)
    assert kept.p is not None


def test_cells_that_are_not_there_are_noted_or_refused() -> None:
    grid, clips = run_of({"nano-ati": [1.0] * 8, "nano-none": [2.0] * 8})
    systems = [
        SystemInfo(id="nano-ati", use="nano", factors={"interaction": "ati"}),
        SystemInfo(id="nano-none", use="nano", factors={"interaction": "none"}),
    ]
    block = AblationBlock(of="nano", factors={"interaction": ("ati", "sgi", "none")})
    result = ablation_effects(grid, clips, systems, block, CompareBlock(), seed=1)
    assert [e.level for e in result.effects] == ["none"]
    assert result.effects[0].result.system == "nano-none"
    assert result.notes == ["interaction=sgi: no system of the run has it beside the reference"]
    block = AblationBlock(of="nano", factors={"interaction": ("sti", "none")})
    with pytest.raises(InputError, match="reference 'sti'"):
        ablation_effects(grid, clips, systems, block, CompareBlock(), seed=1)


def test_printed_effects_name_levels_intervals_and_what_was_out_of_sight() -> None:
    stream = io.StringIO()
    print_ablation(study(interaction=0.8), Console(file=stream, width=100))
    text = stream.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 100
    for word in ("none (not ati)", "off (not on)", "▼ worse", "Interactions", "missed more often"):
        assert word in text


def test_what_holds_for_every_level_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stats.test_ablation_effects.SAMPLES", 2)
    result = study()
    (why,) = {e.result.why for e in result.effects}
    stream = io.StringIO()
    print_ablation(result, Console(file=stream, width=200))
    assert "allow no p below" in why and stream.getvalue().count(why) == 1


def test_ablation_survives_json() -> None:
    result = study()
    assert AblationResult.model_validate_json(result.model_dump_json()) == result
