"""The gate opens for what is shown to be no worse, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report.gate_runs import SYNC, WORDS, Made, changed, noisy, spec, weight, write
from uniavgen_bench.core.comparison import GateBlock
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.gate_files import GateOutcome, read_baseline, write_baseline
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.gate_baseline import baseline_of, read_gate_run
from uniavgen_bench.report.gate_judge import GateRequest, judge

MARGIN = "lipsync.toy.in_place=10%"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A baseline file of a noisy run, with a margin of 10 % for its sync."""
    run = read_gate_run(write(tmp_path / "main", noisy(0)))
    baseline = baseline_of(run, "talker").model_copy(update={"margins": {"lipsync.toy.in_place": "10%"}})
    write_baseline(tmp_path / "base.json", baseline)
    return tmp_path / "base.json"


def held(root: Path, made: Made, base: Path, *margins: str, **more: object):
    return judge(GateRequest(write(root, made), baseline=base, margins=margins, **more))  # type: ignore[arg-type]


def test_reruns_of_the_same_system_pass_and_a_regression_is_shown(tmp_path: Path, base: Path) -> None:
    for seed in range(1, 11):
        assert held(tmp_path / f"again{seed}", noisy(seed), base).passed
    worse = held(tmp_path / "worse", noisy(11, loss=0.06), base)
    assert not worse.passed
    assert worse.fields[0].outcome is GateOutcome.WORSE
    assert worse.fields[0].loss == pytest.approx(0.06, abs=0.01)
    assert "more than the margin" in worse.fields[0].why


def test_too_much_noise_is_called_inconclusive_and_says_what_would_do(tmp_path: Path, base: Path) -> None:
    result = held(tmp_path / "run", noisy(2, noise=0.2), base)
    found = result.fields[0]
    assert (result.passed, found.outcome) == (False, GateOutcome.INCONCLUSIVE)
    assert found.needed is not None and found.needed > 40
    assert found.visible is not None and found.visible > found.margin
    assert found.false_alarm is not None and found.false_alarm > 0.3
    assert f"about {found.needed} samples would do" in found.why
    assert held(
        tmp_path / "run", noisy(2, noise=0.2), base, f"lipsync.toy.in_place={3 * found.visible:.3f}"
    ).passed


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [("in_place", 0.5, 0.3), ("wer", 0.1, 0.3), ("offset", 5.0, 40.0), ("offset", -5.0, -40.0)],
)
def test_only_the_worse_side_counts(tmp_path: Path, name: str, better: float, worse: float) -> None:
    middle = {"in_place": 0.4, "wer": 0.2, "offset": 20.0}[name]
    rng = np.random.default_rng(3)
    metric = "speech.toy" if name == "wer" else "lipsync.toy"

    def made(level: float) -> Made:
        return Made({name: level + 0.02 * rng.standard_normal(20)})

    base = write(tmp_path / "main", made(middle))
    assert held(tmp_path / "better", made(better), base, f"{metric}.{name}=10%").passed
    assert (
        held(tmp_path / "worse", made(worse), base, f"{metric}.{name}=10%").fields[0].outcome
        is GateOutcome.WORSE
    )


def test_every_field_must_pass(tmp_path: Path, base: Path) -> None:
    made = noisy(1)
    worse = changed(made, scores={**made.scores, "wer": np.asarray(made.scores["wer"]) + 0.2})
    result = held(tmp_path / "run", worse, base, "speech.toy.wer=0.1")
    assert [f.outcome for f in result.fields] == [GateOutcome.PASSED, GateOutcome.WORSE]
    assert not result.passed


def lacking(made: Made, *lost: int) -> Made:
    """The run without the numbers of some samples."""
    scores = np.array(made.scores["in_place"])
    scores[list(lost)] = np.nan
    return changed(made, scores={**made.scores, "in_place": scores})


def test_lost_number_fails_and_one_gained_elsewhere_makes_up_for_nothing(tmp_path: Path) -> None:
    base = write(tmp_path / "main", lacking(noisy(0), 3))
    found = held(tmp_path / "run", lacking(noisy(1), 5), base, MARGIN).fields[0]
    assert (found.outcome, found.lost) == (GateOutcome.COVERAGE, 1)
    assert "s005" in found.why


def test_allowed_loss_of_coverage_still_counts_as_the_largest_loss(tmp_path: Path, base: Path) -> None:
    complete = held(tmp_path / "complete", noisy(1), base, coverage=0.05)
    partial = held(tmp_path / "partial", lacking(noisy(1), 5, 7), base, coverage=0.05)
    assert partial.fields[0].lost == 2
    assert partial.fields[0].bound > complete.fields[0].bound
    assert held(tmp_path / "more", lacking(noisy(1), 1, 2, 3), base, coverage=0.05).passed is False


def test_lost_repeat_is_lost_coverage(tmp_path: Path) -> None:
    twice = np.tile(np.linspace(0.3, 0.5, 20)[:, None], (1, 2))
    base = write(tmp_path / "main", Made({"in_place": twice}))
    half = twice.copy()
    half[4, 1] = np.nan
    assert (
        held(tmp_path / "run", Made({"in_place": half}), base, MARGIN).fields[0].outcome
        is GateOutcome.COVERAGE
    )


def test_metric_without_a_single_number_fails(tmp_path: Path, base: Path) -> None:
    assert (
        held(tmp_path / "run", lacking(noisy(1), *range(40)), base).fields[0].outcome is GateOutcome.COVERAGE
    )
    result = held(tmp_path / "run", lacking(noisy(1), *range(40)), base, coverage=1.0)
    assert result.fields[0].outcome is GateOutcome.INCONCLUSIVE


def test_four_samples_cannot_open_the_gate_even_when_nothing_changed(tmp_path: Path) -> None:
    few = Made({"in_place": [0.4, 0.5, 0.3, 0.2]})
    result = held(tmp_path / "run", few, write(tmp_path / "main", few), MARGIN)
    assert result.fields[0].outcome is GateOutcome.INCONCLUSIVE


def test_samples_of_one_identity_are_no_independent_evidence(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shift = np.repeat(0.05 * rng.standard_normal(10), 8)
    plain = Made({"in_place": np.full(80, 0.4)})
    people = tuple(f"p{i // 8}" for i in range(80))
    moved = Made({"in_place": 0.4 + shift})
    alone = held(tmp_path / "a", moved, write(tmp_path / "m", plain), MARGIN).fields[0]
    base = write(tmp_path / "n", changed(plain, identities=people))
    grouped = held(tmp_path / "b", changed(moved, identities=people), base, MARGIN).fields[0]
    assert (alone.clusters, grouped.clusters) == (80, 10)
    assert grouped.bound > alone.bound


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.integers(1, 10_000))
def test_order_of_the_files_changes_nothing(tmp_path: Path, base: Path, order: int) -> None:
    def facts(made: Made) -> list[dict[str, object]]:
        result = held(tmp_path / "run", made, base, "speech.toy.wer=0.05", "lipsync.toy.offset=10")
        return [f.model_dump(exclude={"seconds"}) for f in result.fields]

    assert facts(changed(noisy(1), order=order)) == facts(noisy(1))


OTHER = spec("lipsync.toy", 2, in_place=Direction.HIGHER, offset=Direction.ZERO, movement=Direction.NONE)
PROTOCOL = spec("lipsync.toy", 1, "crop", in_place=Direction.HIGHER, offset=Direction.ZERO)
TURNED = spec("lipsync.toy", 1, in_place=Direction.LOWER, offset=Direction.ZERO)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": "other"}, "baseline of the suite 'ci'"),
        ({"metrics": (WORDS,)}, "lacks the metric lipsync.toy@1"),
        ({"metrics": (OTHER, WORDS)}, r"lipsync\.toy@2, the baseline with lipsync\.toy@1"),
        ({"metrics": (PROTOCOL, WORDS)}, r"lipsync\.toy\[crop@1\], the baseline with lipsync\.toy@1"),
        ({"metrics": (TURNED, WORDS)}, "declared otherwise"),
        (
            {"weights": (weight("lipsync.toy-weights", "two"), weight("face-detector"))},
            "are not those of the baseline",
        ),
        (
            {"weights": (weight("lipsync.toy-weights"), weight("face-detector", "two"))},
            "weights face-detector are not",
        ),
        ({"weights": (weight("face-detector"),)}, "without the weights lipsync.toy-weights"),
        ({"names": tuple(f"t{i:03d}" for i in range(40))}, r"lacks the sample 's000' and 39 more"),
        ({"speech": "Good night."}, "asks for something else"),
        ({"status": "running"}, "has not finished"),
        ({"system": "singer"}, "has no system 'talker'"),
    ],
)
def test_what_does_not_measure_the_same_is_refused(
    tmp_path: Path, base: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        held(tmp_path / "run", changed(noisy(1), **change), base)
    assert "\n" not in str(caught.value)


def test_added_samples_are_refused(tmp_path: Path, base: Path) -> None:
    with pytest.raises(InputError, match=r"has the sample 's040' and 1 more that the baseline lacks"):
        held(tmp_path / "run", noisy(1, size=42), base)


def test_weights_of_a_metric_that_is_not_gated_may_differ(tmp_path: Path) -> None:
    both = (weight("lipsync.toy-weights"), weight("speech.toy-weights"))
    base = write(tmp_path / "main", changed(noisy(0), weights=both))
    other = (weight("lipsync.toy-weights"), weight("speech.toy-weights", "two"))
    assert held(tmp_path / "run", changed(noisy(1), weights=other), base, MARGIN).passed
    with pytest.raises(InputError, match=r"speech\.toy-weights"):
        held(tmp_path / "run", changed(noisy(1), weights=other), base, "speech.toy.wer=0.1")


@pytest.mark.parametrize(
    ("margin", "message"),
    [
        (
            "lipsync.toy.in_plaice=0.1",
            "--margin: lipsync.toy.in_plaice: .*did you mean 'lipsync.toy.in_place'",
        ),
        ("lipsync.toy.in_place=a lot", "the margin 'a lot' is not a number"),
        ("lipsync.toy.in_place=nan", "the margin 'nan' is not a number"),
        ("lipsync.toy.in_place=-0.1", "the margin -0.1 is negative"),
        ("lipsync.toy.in_place=0", "the margin is 0"),
        ("lipsync.toy.in_place", "is not FIELD=MARGIN"),
        ("lipsync.toy.movement=1", "has no better side, so nothing can be gated"),
    ],
)
def test_bad_margin_is_one_line_that_names_it(tmp_path: Path, base: Path, margin: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        held(tmp_path / "run", noisy(1), base, margin)


def test_share_of_a_mean_of_zero_is_refused(tmp_path: Path) -> None:
    zero = Made({"wer": np.zeros(10)})
    with pytest.raises(InputError, match="mean is 0"):
        held(tmp_path / "run", zero, write(tmp_path / "main", zero), "speech.toy.wer=10%")


def test_gate_without_any_margin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no margin is set"):
        held(tmp_path / "run", noisy(1), write(tmp_path / "main", noisy(0)))


def test_shorter_list_of_margins_takes_no_field_out(tmp_path: Path, base: Path) -> None:
    block = GateBlock(margins={"speech.toy.wer": 0.1})
    result = held(tmp_path / "run", changed(noisy(1), gate=block), base, "lipsync.toy.offset=50%")
    assert [(f.key, f.margin_from) for f in result.fields] == [
        ("lipsync.toy@1.in_place", "baseline"),
        ("lipsync.toy@1.offset", "command line"),
        ("speech.toy@1.wer", "suite"),
    ]


def test_suite_names_baseline_and_system(tmp_path: Path, base: Path) -> None:
    block = GateBlock(baseline=str(base), system="talker", margins={"lipsync.toy.in_place": 0.5})
    result = held(tmp_path / "run", changed(noisy(1), gate=block, others=("second",)), None)  # type: ignore[arg-type]
    assert result.passed and result.fields[0].margin == 0.5


def test_two_systems_in_a_run_need_a_choice(tmp_path: Path) -> None:
    made = changed(noisy(1), others=("second",))
    run = write(tmp_path / "run", made)
    with pytest.raises(InputError, match=r"has 2 systems .*--system: talker, second"):
        judge(GateRequest(run, baseline=write(tmp_path / "main", made), margins=(MARGIN,)))
    beside = GateRequest(run, baseline=run, system="second", baseline_system="talker", margins=(MARGIN,))
    assert judge(beside).passed
    with pytest.raises(InputError, match="is the run itself"):
        judge(GateRequest(run, baseline=run, system="second", margins=(MARGIN,)))


def rewritten(base: Path, change) -> Path:
    data = json.loads(base.read_text())
    change(data)
    path = base.with_name("forged.json")
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["fields"][0]["values"].__setitem__(0, 0.01), "evidence_sha256: .*edited"),
        (lambda d: d["clips"].pop(), "values for 39 clips"),
        (lambda d: d.update(sytem="x"), r"forged.json: sytem: unknown key .*'system'"),
        (lambda d: d["fields"][0].update(valeus=[]), r"fields.0.valeus: unknown key"),
        (lambda d: d.pop("suite"), r"suite: Field required"),
        (lambda d: d.update(margins={"lipsync.toy.in_place": True}), "margins.lipsync.toy.in_place"),
        (lambda d: d.update(alpha=0.9), "alpha: "),
        (lambda d: d.update(coverage=-1), "coverage: "),
        (lambda d: d.update(schema_version=2), "schema_version"),
        (lambda d: d.update(kind="photo"), "is not a baseline"),
        (lambda d: d["fields"][0].update(metric="lipsync.toy@9"), "declared by none"),
        (lambda d: d["fields"].append(d["fields"][0]), "stands twice"),
        (lambda d: d["clips"].__setitem__(1, d["clips"][0]), "stands twice"),
    ],
)
def test_forged_or_damaged_baseline_is_refused_with_its_key(base: Path, change, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_baseline(rewritten(base, change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a baseline"),
        ('{"a": 1, "a": 2}', "given twice"),
        ('{"a": NaN}', "NaN"),
    ],
)
def test_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_baseline(tmp_path / "x.json")


def test_absent_baseline_is_refused_with_the_nearest_name(base: Path) -> None:
    with pytest.raises(InputError, match=r"no such file .*'base.json'"):
        read_baseline(base.with_name("bse.json"))


def test_margins_of_a_baseline_may_be_edited_by_hand(base: Path) -> None:
    path = rewritten(base, lambda d: d.update(margins={"lipsync.toy.in_place": 0.2}, alpha=0.1, coverage=0.1))
    assert read_baseline(path).margins == {"lipsync.toy.in_place": 0.2}


def test_baseline_survives_its_file(base: Path) -> None:
    found = read_baseline(base)
    write_baseline(base.with_name("copy.json"), found)
    assert base.with_name("copy.json").read_bytes() == base.read_bytes()
    gated = {f.name for metric in (SYNC, WORDS) for f in metric.fields if f.direction is not Direction.NONE}
    assert {f.field for f in found.fields} == gated


def test_losing_the_one_bad_sample_does_not_open_the_gate(tmp_path: Path) -> None:
    bounded = SYNC.model_copy(
        update={"fields": tuple(f.model_copy(update={"low": 0.0, "high": 1.0}) for f in SYNC.fields)}
    )
    scores = 0.4 + 0.1 * np.random.default_rng(0).random(24)
    repeats = np.stack([scores, scores], axis=1)
    for shape in (scores, repeats):
        changed, lost = shape.copy(), shape.copy()
        changed[0, ...], lost[0, ...] = 0.05, np.nan
        if shape.ndim == 2:
            changed[0, 0] = lost[0, 0] = shape[0, 0]
        name = f"{shape.ndim}"
        base = write(tmp_path / f"main{name}", Made({"in_place": shape}, metrics=(bounded,)))
        margin = "lipsync.toy.in_place=0.012" if shape.ndim == 2 else "lipsync.toy.in_place=0.02"
        for made in (changed, lost):
            run = tmp_path / f"run{name}{np.isnan(made).any()}"
            result = held(run, Made({"in_place": made}, metrics=(bounded,)), base, margin, coverage=0.1)
            assert not result.passed


@pytest.mark.parametrize("size", [24, 60])
def test_loss_that_is_the_margin_but_for_rounding_does_not_pass(tmp_path: Path, size: int) -> None:
    scores = 0.4 + 0.1 * np.random.default_rng(0).standard_normal(size)
    base = write(tmp_path / "main", Made({"in_place": scores}))
    lower = Made({"in_place": scores - 0.05})
    assert not held(tmp_path / "run", lower, base, "lipsync.toy.in_place=0.05").passed
    assert held(
        tmp_path / "less", Made({"in_place": scores - 0.0499}), base, "lipsync.toy.in_place=0.05"
    ).passed


def test_weights_that_the_baseline_does_not_name_are_refused(tmp_path: Path) -> None:
    made = Made({"in_place": np.linspace(0.3, 0.5, 20)})
    base = write(tmp_path / "main", replace(made, weights=(weight("face-detector"),)))
    with pytest.raises(InputError, match=r"the weights lipsync.*which the baseline does not name"):
        held(tmp_path / "run", made, base, MARGIN)


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ("computed: {lipsync.toy@1: {code: 2, params: {reader: a}}}", "repaired"),
        ("computed: {lipsync.toy@1: {code: 1, params: {reader: b}}}", "parameter reader differs"),
        ("computed: {}", "does not say which parameters"),
        ("computed: {lipsync.toy@1: {kode: 1}}", "is damaged"),
        ("[", "is not YAML"),
    ],
)
def test_metric_of_other_parameters_or_code_is_refused(tmp_path: Path, lock: str, why: str) -> None:
    made = Made({"in_place": np.linspace(0.3, 0.5, 20)})
    main, run = write(tmp_path / "main", made), write(tmp_path / "run", made)
    same = "computed: {lipsync.toy@1: {code: 1, params: {reader: a}}, speech.toy@1: {code: 1, params: {}}}"
    (main / "suite.lock.yaml").write_text(same)
    baseline = baseline_of(read_gate_run(main), "talker")
    path = tmp_path / "main.json"
    write_baseline(path, baseline)
    (run / "suite.lock.yaml").write_text(same)
    assert judge(GateRequest(run=run, baseline=path, margins=(MARGIN,))).passed
    (run / "suite.lock.yaml").write_text(lock)
    for place in (main, path):
        with pytest.raises(InputError, match=why):
            judge(GateRequest(run=run, baseline=place, margins=(MARGIN,)))


@pytest.mark.parametrize(
    "facts", [{"name": "toy", "world": "2"}, {"name": "other", "world": "1"}, {"name": "toy"}]
)
def test_another_recipe_of_the_dataset_is_refused(tmp_path: Path, facts: dict[str, str]) -> None:
    made = Made({"in_place": np.linspace(0.3, 0.5, 20)}, more={"dataset": {"name": "toy", "world": "1"}})
    main = write(tmp_path / "main", made)
    write_baseline(tmp_path / "main.json", baseline_of(read_gate_run(main), "talker"))
    same = {"name": "toy", "world": "1", "samples": "20", "folder": str(tmp_path)}
    assert held(
        tmp_path / "same", replace(made, more={"dataset": same}), tmp_path / "main.json", MARGIN
    ).passed
    for place in (main, tmp_path / "main.json"):
        with pytest.raises(InputError, match="another dataset than the baseline"):
            held(tmp_path / "run", replace(made, more={"dataset": facts}), place, MARGIN)
