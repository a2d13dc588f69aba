"""Which differences of a run are real: what a suite asks to compare, and the answers as they are stored and shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from uniavgen_bench.core.spec import Direction, Frozen

Level = str | bool | int | float
"""A value of an ablation's factor as it stands in YAML."""


Number = Annotated[StrictFloat | StrictInt, Field(allow_inf_nan=False)]
"""A finite number; neither a text nor `true` stands for one."""


class CompareBlock(Frozen):
    """The `compare:` block of a suite: how systems are compared, sample by sample.

    `baseline`: the system that all others are compared with; None: every pair of systems. `fields`: what is tested, as
    `metric.field` without version (`lipsync.mouth_audio.in_place`); empty: the headline of every metric. Samples that
    share the fact `cluster` are resampled and permuted together. `correction` is over all tests of the block
    (the family); `power` is what the minimum detectable effect is stated for.
    """

    baseline: str | None = None
    test: Literal["wilcoxon", "paired_permutation"] = "wilcoxon"
    cluster: str | None = "identity"
    correction: Literal["holm", "bh", "none"] = "holm"
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.8, gt=0.5, lt=1)
    fields: tuple[str, ...] = ()


class AblationBlock(Frozen):
    """The `ablation:` block of a suite: which factors of which system are varied.

    `factors` maps a factor's name to its levels, the first of which is the reference. `one_at_a_time` varies one factor
    with the others at their reference; `full` makes every combination, which interactions need.
    """

    of: str
    factors: dict[str, tuple[Level, ...]] = Field(min_length=1)
    design: Literal["one_at_a_time", "full"] = "one_at_a_time"

    @model_validator(mode="after")
    def _levels(self) -> Self:
        for name, levels in self.factors.items():
            texts = [level_text(level) for level in levels]
            if len(texts) < 2:
                raise ValueError(f"factor {name!r} needs at least two levels")
            if len(set(texts)) < len(texts):
                raise ValueError(f"factor {name!r} names a level twice")
        return self


def level_text(level: Level) -> str:
    """Return a level as it stands in names and tables: `on`, `off`, `ati`, `2.5`."""
    if isinstance(level, bool):
        return "on" if level else "off"
    return str(level)


class GateBlock(Frozen):
    """The `gate:` block of a suite: what a change may not make worse, and by how much at most.

    `margins` maps `metric.field` to the largest loss that is accepted: a number in the field's unit, or a share of the
    baseline's mean as `15%`. `coverage` is the largest accepted loss of coverage, as a share of the samples.
    """

    baseline: str | None = None
    system: str | None = None
    rule: Literal["non_inferiority"] = "non_inferiority"
    margins: dict[str, Number | str] = Field(default_factory=dict)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    coverage: float = Field(default=0.0, ge=0, le=1)


class Verdict(StrEnum):
    """What a paired comparison says about the system beside the baseline.

    `DIFFERENT`: a difference was seen in a field that has no better side. `NOT_SEEN`: none was seen, which is not the
    same as none being there: read it with the detectable difference. `NOT_COMPARABLE`: too few pairs to say anything.
    """

    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    NOT_SEEN = "not_seen"
    NOT_COMPARABLE = "not_comparable"


class Estimate(Frozen):
    """A number with its confidence interval at `level` (0 … 1); the bounds are None where there is no interval."""

    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str = ""


class PairedResult(Frozen):
    """One field of one metric: a system beside a baseline, over the same samples (repeats averaged).

    `attempted` samples were planned for either; `pairs` of them have a number from both, `only_system` and
    `only_baseline` from one, `neither` from none. Means and effects are over the pairs, signs as
    `system - baseline` in the field's own unit, for direction `zero` of absolute values. `d` is the mean paired
    difference over the standard deviation of the differences, `cliff` Cliff's delta within pairs (the share of samples
    won minus the share lost, -1 … 1), both turned so that positive is better (for direction `none`: larger).

    `p_permutation` and `p_wilcoxon` are two-sided over the pairs (the latter over means of clusters); `p_worst` is a
    signed-rank test in which a sample that only one of the two has is the worst rank of the one that lacks it. `p`
    decides: it is the chosen test's with the worst in place of what is missing - for `wilcoxon` that is `p_worst`, for
    `paired_permutation` the field's bound on its bad side, or beyond all numbers where it has none - so that a missing
    value never helps. `p_adjusted` is `p` after correction over the family. `detectable` is the smallest true
    difference that this comparison would have seen with the block's power at its alpha (before correction), in the
    field's unit.
    """

    metric: str
    field: str
    unit: str
    direction: Direction
    headline: bool
    system: str
    baseline: str
    attempted: int
    pairs: int
    only_system: int
    only_baseline: int
    neither: int
    clusters: int
    mean_system: float | None = None
    mean_baseline: float | None = None
    difference: Estimate | None = None
    d: Estimate | None = None
    cliff: Estimate | None = None
    p_permutation: float | None = None
    p_wilcoxon: float | None = None
    p_worst: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    detectable: float | None = None
    verdict: Verdict
    why: str = ""


class RankResult(Frozen):
    """The place of a system in one field: 1 is best. `low` … `high` are the ranks that the paired tests leave open.

    Only systems of the same role compete. A system without any number has the last rank.
    """

    metric: str
    field: str
    system: str
    scored: int
    attempted: int
    mean: float | None
    rank: float
    low: int
    high: int
    of: int


class FactorEffect(Frozen):
    """What one level of a factor changes beside the reference level, over all settings of the other factors."""

    factor: str
    level: str
    reference: str
    settings: int
    result: PairedResult


class Interaction(Frozen):
    """How much one factor's effect depends on another factor's level (full design): a difference of differences."""

    metric: str
    field: str
    unit: str
    direction: Direction
    factor_a: str
    level_a: str
    factor_b: str
    level_b: str
    pairs: int
    clusters: int
    estimate: Estimate | None
    p: float | None
    p_adjusted: float | None


class AblationResult(Frozen):
    """ablation.json: effects of every factor, and interactions where the design has them."""

    schema_version: Literal[1] = 1
    block: AblationBlock
    systems: dict[str, dict[str, str]]
    effects: list[FactorEffect] = Field(default_factory=list)
    interactions: list[Interaction] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class RunStats(Frozen):
    """stats.json: all verdicts of a run. `family`: how many tests the correction is over."""

    schema_version: Literal[1] = 1
    block: CompareBlock
    seed: int
    family: int
    paired: list[PairedResult] = Field(default_factory=list)
    ranks: list[RankResult] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
