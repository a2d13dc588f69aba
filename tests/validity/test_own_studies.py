"""Studies that metrics bring to `validate` are called with the clips, and what they find lands in validity.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from validity.test_emotion_worth import clips as read_emotions
from validity.test_landmark_sync_validity import face as talking_face

from uniavgen_bench.core.result import Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import judge_timbre, landmark_sync_model, lipsync_mouth_audio
from uniavgen_bench.metrics.timbre_face_voice_faces import FaceAttributes
from uniavgen_bench.validity import (
    emotion_worth,
    judge_study,
    landmark_sync,
    landmark_sync_statistics,
    timbre_study,
    validate,
)
from uniavgen_bench.validity.expect import MetricExpectations, families
from uniavgen_bench.validity.face_voice_clips import TalkingPerson
from uniavgen_bench.validity.fit_face_voice import Measured
from uniavgen_bench.validity.own_study import own_checks
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.spliced_voices import Splices
from uniavgen_bench.validity.study import COLUMNS, StudiedMetric, StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet, _spread
from uniavgen_bench.validity.taught import landmark_sync as taught_landmark_sync
from uniavgen_bench.validity.taught import mouth_audio as taught_mouth_audio
from uniavgen_bench.validity.taught import owners_in, untaught
from uniavgen_bench.validity.taught import voices as taught_voices
from uniavgen_bench.validity.validate import studied_metrics, validate_metrics, write_study
from uniavgen_bench.validity.verdict_checks import StudyCheck

Patch = Callable[[pytest.MonkeyPatch], None]


def clip(
    number: int, owner: str, system: str = "one", published: bool = False, world: bool = False
) -> StudyClip:
    sample = Sample(id=f"{system}/{owner}-{number}", published={"lse_c": 1.0} if published else {})
    return StudyClip(sample, Path(f"{owner}-{number}.mp4"), owner, world=world)


CLIPS = tuple(clip(i, f"owner{i}") for i in range(8))


def found_in_file(
    name: str, clips: Sequence[StudyClip], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, dict[str, object]]:
    """Validate one metric with made scores and return its checks as validity.json has them, by name."""

    def scored(
        metrics: Sequence[StudiedMetric],
        chosen: ClipSet,
        fair: Mapping[str, ClipSet],
        options: StudyOptions,
        progress: object,
    ) -> pd.DataFrame:
        [m] = metrics
        rows = [
            (c.sample.id, c.cluster, "clean", m.metric.spec.name, field.name, 0.5, "", 0.1)
            for c in chosen.clips
            for field in m.metric.spec.fields
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    monkeypatch.setattr(validate, "_scored", scored)
    studied = validate_metrics(
        studied_metrics([name]), [ClipSet("clips", "made up", tuple(clips))], StudyOptions(), repeats=False
    )
    data = json.loads(write_study(studied, tmp_path).read_text())
    [metric] = data["metrics"]
    return {check["name"]: check for check in metric["checks"]}


def emotions(patch: pytest.MonkeyPatch) -> None:
    read = read_emotions(24, 0.9)
    patch.setattr(emotion_worth, "read_studied", lambda clips, store, models: (read, read))


def lips(patch: pytest.MonkeyPatch) -> None:
    def look(listed: Sequence[object], store: object, models: object) -> list[object]:
        faces = [talking_face(i, one.source) for i, one in enumerate(listed[:4])]  # type: ignore[attr-defined]
        return [*faces, (listed[4], Missing(Reason.NO_FACE))]

    patch.setattr(landmark_sync, "talking_faces", look)
    patch.setattr(landmark_sync_statistics, "RESAMPLES", 20)


def halves(patch: pytest.MonkeyPatch) -> None:
    found = Splices(np.full((6, 2), 0.9), np.full((9, 2), 0.6), np.ones(9, np.bool_))
    patch.setattr(timbre_study, "distinct_recordings", lambda paths, models: [np.zeros(4)] * 6)
    patch.setattr(timbre_study, "splice_all", lambda voices, models: found)


def people(patch: pytest.MonkeyPatch) -> None:
    def look(path: Path, models: object) -> TalkingPerson | str:
        number = int(path.stem.removeprefix("owner").split("-")[0])
        if number == 7:
            return "no_face"
        voice = np.random.default_rng(number).normal(0, 1, 256).astype(np.float32)
        looks = FaceAttributes(float(number % 2), np.array([0.0, 1.0, 0.0]), 30.0)
        return TalkingPerson(path.name, looks, voice / np.linalg.norm(voice), 120.0)

    patch.setattr(timbre_study, "look_and_listen", look)


def judge(patch: pytest.MonkeyPatch) -> None:
    grades = iter([0.9, 0.5, 0.1, 0.7, 0.3, 0.9, 0.5])

    def measure(clip: object, sample: Sample, models: object) -> Measurement:
        if sample.id.endswith("owner7-7"):
            raise MissingError(Reason.NO_FACE)
        values = {"score": next(grades), "retest_sd": 0.1, "tokens_in": 900.0, "tokens_out": 100.0}
        return Measurement({name: Score(value) for name, value in values.items()})

    fake = replace(judge_timbre.METRIC, measure=measure)
    patch.setattr(judge_study, "judge_timbre", SimpleNamespace(METRIC=fake))


def test_numbers_that_json_cannot_hold_are_left_out() -> None:
    nan = float("nan")
    [check] = validate._finite([StudyCheck(name="x", value=1.0, low=nan, high=float("inf"))])
    assert (check.value, check.low, check.high) == (1.0, None, None)
    [swap] = timbre_study._swaps({timbre_study.OF_BOTH: Measured(0.8, nan, nan)}, 6)
    assert swap.passed is None and swap.low is None


@pytest.mark.parametrize(
    ("name", "patch", "expected"),
    [
        ("emotion.face", emotions, "emotion asked for against others, real and generated clips"),
        ("emotion.voice", emotions, "aroused against calm voices, portrait world"),
        ("emotion.agreement", emotions, "own against swapped voices, real and generated clips"),
        ("emotion.agreement.portraits", emotions, "own against voices of another emotion, portrait world"),
        ("lipsync.landmark_sync", lips, "offset curve: within 80 ms"),
        ("timbre.stability", halves, "halves of one voice against two spliced"),
        ("timbre.face_voice", people, "own against swapped voices, face of the other gender"),
        ("judge.timbre", judge, "the judge's own noise"),
    ],
)
def test_what_a_metrics_own_study_finds_is_in_the_file(
    name: str, patch: Patch, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patch(monkeypatch)
    check = found_in_file(name, CLIPS, monkeypatch, tmp_path)[f"clips: {expected}"]
    assert check["kind"] == "own" and check["on"] == "clips"
    assert isinstance(check["value"], float) and check["clips"]


def test_the_judges_noise_and_cost_are_told_for_the_clips_with_a_grade(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judge(monkeypatch)
    found = found_in_file("judge.timbre", CLIPS, monkeypatch, tmp_path)
    noise = found["clips: the judge's own noise"]
    assert noise["value"] == pytest.approx(0.1) and noise["clips"] == 7
    assert "7 of 8 clips have a grade" in str(noise["detail"])
    assert found["clips: cost"]["value"] == pytest.approx(1000.0)
    assert 0.9 < found["clips: reliability"]["value"] < 1.0  # type: ignore[operator]


def test_too_few_clips_bring_no_number_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    options, none = StudyOptions(), ClipSet("clips", "none", ())
    lips(monkeypatch)
    one_owner = ClipSet("clips", "one owner", tuple(clip(i, "same") for i in range(5)))
    assert landmark_sync.landmark_sync_study(one_owner, options).checks == ()
    assert timbre_study.stability_study(none, options).checks == ()
    assert timbre_study.face_voice_study(none, options).checks == ()
    assert judge_study.timbre_study(none, options).checks == ()


def lacking(clips: ClipSet, options: StudyOptions) -> tuple[()]:
    """A study whose network is not here."""
    raise MissingError(Reason.WEIGHTS, "no such file")


def test_a_study_that_lacks_a_network_costs_itself_only() -> None:
    expected = MetricExpectations(name="m", claims="x", own=f"{__name__}:lacking")
    [check] = own_checks(expected, ClipSet("clips", "none", ()), StudyOptions())
    assert check.passed is None and "weights" in check.detail and "no such file" in check.detail


def test_clips_of_owners_that_the_weights_learned_from_are_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taught = sorted(taught_landmark_sync())[:2]
    seen: list[StudyClip] = []

    def look(listed: Sequence[object], store: object, models: object) -> list[object]:
        seen.extend(listed)  # type: ignore[arg-type]
        return []

    monkeypatch.setattr(landmark_sync, "talking_faces", look)
    mixed = [
        *CLIPS[:5],
        *(clip(i, owner) for i, owner in enumerate(taught, 10)),
        clip(20, taught[0], world=True),
    ]
    found = found_in_file("lipsync.landmark_sync", mixed, monkeypatch, tmp_path)
    [left] = [check for check in found.values() if check["kind"] == "taught"]
    assert left["value"] == 2.0 and left["clips"] == 6 and left["detail"] == ", ".join(taught)
    assert {one.path for one in seen} == {c.path for c in mixed if c.cluster not in taught or c.world}
    alone = found_in_file("lipsync.landmark_sync", mixed[5:7], monkeypatch, tmp_path)
    assert [check["kind"] for check in alone.values()] == ["taught"]
    data = json.loads((tmp_path / "validity.json").read_text())
    assert data["metrics"][0]["standing"] == "no numbers here"


def test_both_lip_metrics_name_whom_they_learned_from(tmp_path: Path) -> None:
    assert "congwei1230" in taught_landmark_sync() & taught_mouth_audio()
    assert owners_in(landmark_sync_model.MODEL_FILE) == taught_landmark_sync()
    assert owners_in(lipsync_mouth_audio.MODEL_FILE) == taught_mouth_audio()
    save_file({"x": np.zeros(1)}, tmp_path / "plain.safetensors")
    assert owners_in(tmp_path / "plain.safetensors") == frozenset()


@pytest.mark.parametrize("card", ["face_voice.md", "arousal.md"])
def test_the_cards_of_the_readers_of_voices_name_whom_they_learned_from(card: str) -> None:
    text = (Path(__file__).parents[2] / "reports" / "models" / card).read_text()
    assert all(owner in text for owner in taught_voices()), card


@pytest.mark.parametrize("name", ["timbre.face_voice", "emotion.voice", "emotion.agreement"])
def test_clips_of_whom_the_readers_of_voices_learned_from_are_left_out(name: str) -> None:
    [expected] = [found for family in families() for found in family.metric if found.name == name]
    asked = ClipSet(
        "clips", "some", (clip(0, "OpenTalker"), clip(1, "MCG-NJU"), clip(2, "aaxwaz", world=True))
    )
    assert untaught(expected.taught, asked).clips == asked.clips[1:]


def test_a_limit_keeps_all_owners_and_all_systems_of_each() -> None:
    many = (
        [clip(i, "a", f"s{i // 10}") for i in range(30)] + [clip(i, "b") for i in range(4)] + [clip(0, "c")]
    )
    few = _spread(many, 6)
    assert {c.cluster for c in few} == {"a", "b", "c"}
    of_a = [c.sample.id.split("/")[0] for c in _spread(many, 9) if c.cluster == "a"]
    assert set(of_a[:3]) == {"s0", "s1", "s2"}
    assert [c.sample.id for c in few] != [c.sample.id for c in many[:6]]


def test_a_higher_limit_keeps_what_a_lower_one_chose_whatever_the_order_of_the_list() -> None:
    many = [clip(i, f"o{i % 3}", f"s{i % 2}", published=i % 5 == 0) for i in range(24)]
    names = [c.sample.id for c in _spread(many, None)]
    assert len(names) == 24 == len(set(names))
    for limit in (1, 5, 11):
        assert [c.sample.id for c in _spread(many[::-1], limit)] == names[:limit]
    assert all(c.sample.published for c in _spread(many, 3))
