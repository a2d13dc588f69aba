"""Training and study of `lipsync.landmark_sync` on a world with known sync."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mouth_world import talking_clip

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.landmark_sync_model import load_model, save_model
from uniavgen_bench.metrics.mouth_audio_model import MAX_LAG, peak_of
from uniavgen_bench.validity import landmark_sync_statistics
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace
from uniavgen_bench.validity.fit_landmark_sync import facts_of, fit_on
from uniavgen_bench.validity.landmark_sync import (
    SHIFTS_MS,
    ear_of,
    landmark_sync_validity,
    middle_of,
    offset_curve,
    studies_of,
    swapped_sound,
)
from uniavgen_bench.validity.landmark_sync_conditions import cut, cut_studies, halves
from uniavgen_bench.validity.landmark_sync_folds import NOBODY, folds_of, studied_by_folds
from uniavgen_bench.validity.landmark_sync_material import portrait_faces, sparse_frames
from uniavgen_bench.validity.landmark_sync_training import TrainSettings, _mixed
from uniavgen_bench.validity.landmark_sync_trials import TRIALS, trial_lines

SETTINGS = TrainSettings(steps=60, batch=10, portrait_steps=10)


def face(number: int, source: str = "owner/one", delay: float = 0.0, seconds: float = 4.0, **more):
    clip = talking_clip(seconds=seconds, seed=number, delay=delay)
    listed = ListedClip(
        path=Path(f"{source}-{number}.mp4"),
        sample=Sample(id=f"{source}-{number}", published={"lse_c": float(number)}),
        system="toy",
        source=source,
        licence=more.pop("licence", "Apache-2.0"),
        real=more.pop("real", False),
        single_face=True,
    )
    return TalkingFace(
        listed, clip.frames.times, clip.faces.tracks[0].landmarks, clip.speech.samples, clip.speech.start
    )


@pytest.fixture(scope="module")
def world() -> list[TalkingFace]:
    return [
        *(face(i, "owner/one") for i in range(8)),
        *(face(i, "other/two", delay=0.04, real=True) for i in range(8, 14)),
        *(face(i, "closed/three", licence="none stated") for i in range(14, 18)),
    ]


@pytest.fixture(scope="module")
def model(world):
    return fit_on([*world[:14], *(face(i, "third/four") for i in range(30, 36))], [], SETTINGS)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(landmark_sync_statistics, "RESAMPLES", 40)


def test_validity_finds_the_known_sync_and_tells_swapped_sound(world, model):
    found = landmark_sync_validity(world, model)
    assert found.metric == "lipsync.landmark_sync@1"
    assert found.judged == found.held == 2
    within_80, within_40, auc_near, auc_confidence = found.checks
    assert within_80.value > 0.9 and within_80.low <= within_80.value <= within_80.high
    assert within_40.value > 0.8
    assert auc_near.value > 0.9
    assert auc_confidence.value > 0.8
    assert "+400: +4" in within_80.detail


def test_checks_fail_where_the_sound_has_nothing_to_do_with_the_mouth(world, model):
    strangers = [
        replace(one, samples=talking_clip(4.0, 60 + at).speech.samples) for at, one in enumerate(world)
    ]
    studies = studies_of(strangers, ear_of(model))
    assert swapped_sound(studies).checks[0].passed is False
    assert offset_curve(studies).checks[0].clips == len(world)
    assert studies[0].confidence < np.median(
        [s.confidence for s in studies_of(world[:4], ear_of(model), [0])]
    )


def test_a_shift_of_the_curve_is_a_shift_of_the_sound(world, model):
    listen, _ = ear_of(model)(world[0])
    wide = listen(world[0].samples, 0.0)
    for ms in SHIFTS_MS[::4]:
        moved = listen(world[0].samples, ms / 1000)
        assert peak_of(middle_of(moved)).offset_ms == pytest.approx(
            peak_of(middle_of(wide, ms)).offset_ms, abs=10
        )
    assert len(middle_of(wide)) == 2 * MAX_LAG + 1


def test_folds_hold_whole_owners_and_never_teach_those_they_score(world):
    folds = folds_of(world, 2)
    assert set(folds.of) == {"owner", "other"}
    assert folds.fold(world[-1]) == NOBODY
    taught = {}

    def fit(teachers, fold):
        taught[fold] = {t.clip.owner for t in teachers}
        return lambda one: (lambda samples, start: np.zeros(2 * 50 + 1), np.zeros(10, np.float32))

    studies = studied_by_folds(world, world, folds, fit)
    assert [s.clip for s in studies] == [f.clip for f in world]
    for owner, fold in folds.of.items():
        assert owner not in taught[fold]
    assert all("closed" not in owners for owners in taught.values())
    assert taught[NOBODY] == {"owner", "other"}


def test_training_gives_the_same_bytes_twice_and_tells_its_sources(world, tmp_path):
    quick = replace(SETTINGS, steps=4, portrait_steps=2)
    portraits = [face(i, "portraits/shard-a") for i in range(40, 50)]
    for name in "ab":
        made = fit_on(world[:14], portraits, quick)
        save_model(made, tmp_path / name, facts_of(world[:14], portraits, quick))
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["facts"]
    assert "source owner/one | Apache-2.0" in header and "closed" not in header
    assert load_model(data).basis.shape == (198, 16)


def test_too_few_clips_cannot_be_trained_on(world):
    with pytest.raises(InputError, match="too few"):
        fit_on(world[:3], [], SETTINGS)


def test_a_folder_without_shards_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="no shards"):
        portrait_faces(tmp_path, 3, None, None)


def test_sparse_frames_are_about_as_many_as_sixteen_a_second():
    times = np.arange(101) / 25
    thin = sparse_frames(times)
    assert len(thin) == pytest.approx(65, abs=2)
    assert thin[0] == 0 and thin[-1] == 100


def test_added_noise_is_louder_never_quieter():
    rng = np.random.default_rng(1)
    one, two = (rng.uniform(-60, 0, (20, 40)).astype(np.float32) for _ in range(2))
    mixed = _mixed(one, two, 6.0)
    assert (mixed >= one - 1e-3).all() and (mixed >= two - 6.0 - 1e-3).all()
    assert mixed.max() < 3.1


def test_cuts_keep_sound_and_picture_together(world, model):
    part = cut(world[0], 0.5, 3.0)
    assert part.times[-1] - part.times[0] == pytest.approx(3.0, abs=0.05)
    assert part.sound_start == pytest.approx(0.5)
    assert len(part.samples) == 48_000
    listen, _ = ear_of(model)(part)
    assert abs(peak_of(middle_of(listen(part.samples, part.sound_start))).offset_ms) <= 40
    ears = [ear_of(model)] * len(world)
    assert len(cut_studies(world, ears, 3.0)) == len(world)
    assert not cut_studies(world, ears, 6.0)


def test_halves_of_a_clip_agree_on_its_offset(model):
    faces = [face(i, seconds=6.5) for i in range(70, 74)]
    found = halves(faces, [ear_of(model)] * 4)
    assert found.clips == 4
    assert found.within_40 >= 0.75


def test_the_card_lists_every_trial_and_what_it_says_of_them_holds():
    rows = [line for line in trial_lines() if line.startswith("| ") and not line.startswith("| MoCha")]
    assert [row.split(" | ")[0] for row in rows] == [f"| {trial.what}" for trial in TRIALS]
    _, seed, *others = TRIALS
    assert max(trial.spearman for trial in TRIALS) < 0.75
    assert max(trial.within_80 for trial in others) <= seed.within_80
    assert max(trial.auc_confidence for trial in others) - seed.auc_confidence < 0.0205
