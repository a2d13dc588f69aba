"""Fit and study of `lipsync.mouth_audio` on a world with known sync, and which clips may be trained on."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from mouth_world import resting_face, talking_clip
from rich.console import Console

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.mouth_audio_model import load_map
from uniavgen_bench.metrics.mouth_shape import UPPER_FACE
from uniavgen_bench.validity import fit_mouth_audio, mouth_audio, swapped_sound, sync_statistics
from uniavgen_bench.validity.cca_fit import FitSettings, fit_map
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace, licence_permits, read_clips
from uniavgen_bench.validity.fit_mouth_audio import fit_and_write, fit_on, listed, streams_of
from uniavgen_bench.validity.mouth_audio import validate_mouth_audio
from uniavgen_bench.validity.show_mouth_audio import print_validity
from uniavgen_bench.validity.swapped_sound import sound_instead, swapped_partners


def listed_clip(number: int, source: str = "owner/one", licence: str = "Apache-2.0", **more) -> ListedClip:
    published = {"lse_c": float(number)} if more.pop("rated", False) else {}
    return ListedClip(
        path=Path(f"{source}-{number}.mp4"),
        sample=Sample(id=f"{source}-{number}", published=published),
        system="toy",
        source=source,
        licence=licence,
        real=more.pop("real", False),
        single_face=more.pop("single_face", True),
    )


def face(number: int, listed: ListedClip, delay: float = 0.0) -> TalkingFace:
    clip = talking_clip(seconds=4.0, seed=number, delay=delay)
    return TalkingFace(
        listed, clip.frames.times, clip.faces.tracks[0].landmarks, clip.speech.samples, clip.speech.start
    )


@pytest.mark.parametrize(
    ("licence", "permitted"),
    [
        ("Apache-2.0", True),
        ("MIT", True),
        ("repo MIT; GRID corpus itself CC BY 4.0", True),
        ("Apache-2.0 except third-party parts", True),
        ("CC BY-NC 4.0", False),
        ("none stated", False),
        ("no licence file", False),
        ("CC BY-SA 4.0", False),
        ("", False),
    ],
)
def test_only_permissive_licences_may_be_trained_on(licence, permitted):
    assert licence_permits(licence) is permitted


def test_clips_with_several_faces_are_not_trained_on():
    assert not listed_clip(0, single_face=False).may_be_trained_on


def test_a_manifest_gives_source_licence_and_kind(tmp_path):
    (tmp_path / "m.csv").write_text(
        "clip,system,split,single_face,source_repo,licence,published_lse_c\n"
        "a/x.mp4,none (corpus),real,yes,o/r,MIT,\nb/y.mp4,S,generated,no,o/q,CC BY-NC 4.0,5.5\n"
    )
    first, second = read_clips(tmp_path, tmp_path / "m.csv")
    assert (first.source, first.owner, first.real, first.may_be_trained_on) == ("o/r", "o", True, True)
    assert (second.real, second.may_be_trained_on, second.sample.published["lse_c"]) == (False, False, 5.5)


def test_folders_and_manifests_come_in_pairs(tmp_path):
    with pytest.raises(InputError, match="2 folders and 1 manifests"):
        listed([tmp_path, tmp_path], [tmp_path / "m.csv"])


def test_fit_sees_through_delays_of_single_clips_and_leaves_out_swapped_ones():
    template = resting_face()[list(UPPER_FACE)]
    delays = [0.0] * 10 + [0.08, -0.06]
    good = [streams_of(face(i, listed_clip(i), d), template) for i, d in enumerate(delays)]
    swapped = [
        replace(face(i, listed_clip(i)), samples=face(i + 50, listed_clip(i)).samples) for i in (20, 21)
    ]
    bad = [streams_of(one, template) for one in swapped]
    small = FitSettings(3, 6, (-2, 0, 2), (-4, -2, 0, 2, 4), pairs=2, rounds=2, min_confidence=0.5)
    fitted = fit_map([*good, *bad], template, small)
    assert fitted.clips == len(good)
    assert fitted.model.correlations[0] > 0.7


def test_too_few_clips_cannot_be_fitted_on():
    template = resting_face()[list(UPPER_FACE)]
    with pytest.raises(InputError, match="too few"):
        fit_map([streams_of(face(0, listed_clip(0)), template)], template)


@pytest.fixture(scope="module")
def made() -> dict[int, TalkingFace]:
    return {i: face(i, listed_clip(i), 0.03 if 8 <= i < 16 else 0.0) for i in range(20)}


@pytest.fixture
def world(monkeypatch, made):
    """Three owners of whom one may not be trained on; one clip without a face."""
    clips = [
        *(listed_clip(i, "owner/one", rated=True) for i in range(8)),
        *(listed_clip(i, "other/two", real=True) for i in range(8, 16)),
        *(listed_clip(i, "closed/three", "none stated") for i in range(16, 20)),
        listed_clip(99, "closed/three", "none stated"),
    ]
    faces = {c.path: replace(made[i], clip=c) for i, c in enumerate(clips[:-1])}
    monkeypatch.setattr(sync_statistics, "RESAMPLES", 40)
    monkeypatch.setattr(swapped_sound, "SWAPS", 3)

    def gathered(wanted, store, models):
        found = tuple(faces[c.path] for c in wanted if c.path in faces)
        absent = tuple((c, str(Missing(Reason.NO_FACE))) for c in wanted if c.path not in faces)
        return fit_mouth_audio.Material(found, absent)

    monkeypatch.setattr(mouth_audio, "gather", gathered)
    monkeypatch.setattr(fit_mouth_audio, "gather", gathered)
    return clips


def test_study_finds_the_known_sync_and_never_fits_on_the_scored_owner(world, monkeypatch):
    fitted_on = []

    def spied(faces, settings=None):
        fitted_on.append({f.clip.owner for f in faces})
        return fit_on(faces, FitSettings(pairs=4, rounds=1))

    monkeypatch.setattr(mouth_audio, "fit_on", spied)
    monkeypatch.setattr(mouth_audio, "SHIFTS_MS", (-400, 0, 400))
    result = validate_mouth_audio(world, [], store=None, models=None)
    assert fitted_on == [{"other"}, {"owner"}, {"owner", "other"}]
    assert result.clips == 20 and result.missing == {"no_face": 1}
    real, generated, everything = result.groups
    assert (real.kind, generated.kind, everything.kind) == ("real", "generated", "all")
    assert everything.within_80.value > 0.9
    assert real.within_40_source.value > 0.9, "the source's own delay is known from its other clips"
    assert everything.auc_near.value > 0.95
    assert result.features_agree > 0.9
    assert {(s.source, s.clips) for s in result.sources} == {
        ("owner/one", 8),
        ("other/two", 8),
        ("closed/three", 4),
    }
    other = next(s for s in result.sources if s.source == "other/two")
    one = next(s for s in result.sources if s.source == "owner/one")
    assert other.median_ms - one.median_ms >= 20
    assert json.loads(json.dumps(asdict(result)))["clips"] == 20
    console = Console(width=160, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    print_validity(result, console)
    assert "other/two" in console.export_text()


def test_swapped_sounds_come_from_other_sources_and_are_as_long(world, made):
    faces = [replace(made[i], clip=c) for i, c in enumerate(world[:12])]
    partners = swapped_partners(faces, 0)
    assert len(partners) == 3 and all(p.clip.source != faces[0].clip.source for p in partners)
    assert partners == swapped_partners(faces, 0)
    short = replace(faces[1], samples=faces[1].samples[:1000])
    assert len(sound_instead(faces[0], short)) == len(faces[0].samples)


def test_fit_writes_the_same_bytes_twice_and_a_card_that_names_the_sources(world, tmp_path):
    digests = [
        fit_and_write(world, None, None, tmp_path / f"{i}" / "map.safetensors", tmp_path / f"{i}" / "card.md")
        for i in range(2)
    ]
    assert digests[0] == digests[1]
    card = (tmp_path / "0" / "card.md").read_text()
    assert "| owner/one | Apache-2.0 | 8 |" in card
    assert "closed/three" not in card, "clips without a permissive licence must not be used"
    assert digests[0] in card
    assert load_map((tmp_path / "0" / "map.safetensors").read_bytes()).correlations.shape == (8,)


def test_nothing_permitted_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="may be trained on"):
        fit_and_write([listed_clip(0, licence="none stated")], None, None, tmp_path / "m", tmp_path / "c")
    assert not list(tmp_path.iterdir())
