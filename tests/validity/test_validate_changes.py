"""Changes of clips do what they say, to the picture or the sound alone, and are written once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from validity.validate_world import beeping_clips, study_clips

from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.media.probe import ClipFacts, probe
from uniavgen_bench.validity import study
from uniavgen_bench.validity.perturb import Changed, Perturbation, StudyClip, changed, partners, sound_of
from uniavgen_bench.validity.perturb_list import GROUPS, known

SOUND_ONLY = (
    "sound+80ms",
    "sound-400ms",
    "swapped-sound",
    "gain-10db",
    "noise-10db",
    "silence",
    "no-speech",
    "music",
)
PICTURE_ONLY = ("still", "no-face", "two-faces", "blur-2", "grain-12", "size-0.5", "fps-25")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyClip, ...]:
    """Three clips of three people."""
    made = study_clips(beeping_clips(tmp_path_factory.mktemp("clips"), 3))
    texts = ("one", "two", "three")
    return tuple(
        StudyClip(clip.sample.model_copy(update={"speech": text}), clip.path, clip.cluster)
        for clip, text in zip(made, texts, strict=True)
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where changed clips are kept."""
    return tmp_path_factory.mktemp("changed")


def change(name: str, clips: tuple[StudyClip, ...], root: Path) -> tuple[Changed, ClipFacts]:
    """Change the first clip."""
    made = changed(known()[name], clips[0], clips, root)
    assert made is not None
    return made, probe(made.path)


def onset(path: Path) -> float:
    """Return when the beep begins, in s."""
    sound, rate = sound_of(path)
    loud = np.abs(sound[0]) > 0.3 * np.abs(sound).max()
    return float(np.argmax(loud)) / rate


@pytest.mark.parametrize("name", SOUND_ONLY)
def test_changes_of_sound_leave_the_picture(name: str, clips: tuple[StudyClip, ...], root: Path) -> None:
    _, facts = change(name, clips, root)
    before = probe(clips[0].path)
    assert facts.video_sha256 == before.video_sha256
    assert facts.audio_sha256 != before.audio_sha256


@pytest.mark.parametrize("name", PICTURE_ONLY)
def test_changes_of_the_picture_leave_the_sound(name: str, clips: tuple[StudyClip, ...], root: Path) -> None:
    made, facts = change(name, clips, root)
    assert facts.video_sha256 != probe(clips[0].path).video_sha256
    (before, rate), (after, same_rate) = sound_of(clips[0].path), sound_of(made.path)
    assert rate == same_rate
    n = min(before.shape[-1], after.shape[-1])
    assert np.abs(before[:, :n] - after[:, :n]).max() < 1e-4


@pytest.mark.parametrize("ms", [-400, -80, 40, 240])
def test_sound_moves_by_as_much_as_it_says(ms: int, clips: tuple[StudyClip, ...], root: Path) -> None:
    made, _ = change(f"sound{ms:+d}ms", clips, root)
    assert onset(made.path) - onset(clips[0].path) == pytest.approx(ms / 1000, abs=1e-3)


def test_noise_has_the_ratio_that_it_says(clips: tuple[StudyClip, ...], root: Path) -> None:
    made, _ = change("noise-10db", clips, root)
    before, after = sound_of(clips[0].path)[0], sound_of(made.path)[0]
    n = min(before.shape[-1], after.shape[-1])
    added = after[:, :n] - before[:, :n]
    ratio = 10 * np.log10(np.square(before).mean() / np.square(added).mean())
    assert ratio == pytest.approx(10, abs=0.5)


def test_pictures_are_what_they_say(clips: tuple[StudyClip, ...], root: Path) -> None:
    still = [frame.image for frame in video_frames(change("still", clips, root)[0].path)]
    assert len(still) == 20 and all(np.abs(image.astype(int) - still[0]).max() <= 4 for image in still)
    assert change("two-faces", clips, root)[1].width == 128
    assert change("size-0.5", clips, root)[1].width == 32
    assert change("no-sound", clips, root)[1].audio_sha256 is None
    assert (change("too-short", clips, root)[1].video_duration or 9) <= 0.25


def test_a_wrong_text_is_another_clips_and_the_file_stays(clips: tuple[StudyClip, ...], root: Path) -> None:
    made, _ = change("wrong-text", clips, root)
    assert made.path == clips[0].path and made.sample.speech in ("two", "three")
    assert made.sample.id == clips[0].sample.id


def test_what_a_clip_takes_depends_on_it_alone_and_is_somebody_elses(clips: tuple[StudyClip, ...]) -> None:
    swap = known()["swapped-sound"]
    found = partners(swap, clips[0], clips)
    assert len(found) == 2 and clips[0] not in found
    assert partners(swap, clips[0], tuple(reversed(clips))) == found
    alike = StudyClip(Sample(id="x"), clips[0].path, clips[0].cluster)
    assert partners(swap, alike, (clips[0],)) == ()


def test_a_clip_without_sound_is_passed_over_for_another(
    clips: tuple[StudyClip, ...], root: Path, tmp_path: Path
) -> None:
    mute = change("no-sound", clips, root)[0].path
    first, second = partners(known()["swapped-sound"], clips[0], clips)
    silent = StudyClip(first.sample, mute, first.cluster)
    cut = changed(known()["too-short"], silent, clips, tmp_path)
    assert cut is not None and len(list(video_frames(cut.path))) < len(list(video_frames(mute)))
    made = changed(known()["swapped-sound"], clips[0], (clips[0], silent, second), tmp_path)
    assert made is not None
    assert onset(made.path) == pytest.approx(onset(second.path), abs=1e-3)
    assert changed(known()["swapped-sound"], clips[0], (clips[0], silent), tmp_path) is None


def test_what_cannot_be_done_to_a_clip_is_left_out(clips: tuple[StudyClip, ...], root: Path) -> None:
    assert changed(known()["swapped-voice"], clips[0], clips, root) is None
    assert changed(known()["wrong-emotion"], clips[0], clips, root) is None


def test_a_changed_clip_is_written_once_and_again_where_it_is_damaged(
    clips: tuple[StudyClip, ...], tmp_path: Path
) -> None:
    shift = known()["sound+80ms"]
    one = changed(shift, clips[0], clips, tmp_path)
    assert one is not None
    before, written = one.path.read_bytes(), one.path.stat().st_mtime_ns
    two = changed(shift, clips[0], clips, tmp_path)
    assert two is not None and two.path == one.path and one.path.stat().st_mtime_ns == written
    one.path.write_bytes(before[:100])
    assert changed(shift, clips[0], clips, tmp_path) is not None
    assert one.path.read_bytes() == before


def test_every_change_has_a_name_of_its_own_and_groups_a_dose() -> None:
    names = [p.name for group in GROUPS.values() for p in group]
    assert len(set(names)) == len(names)
    for group in GROUPS.values():
        assert len({p.dose for p in group}) == len(group)


@dataclass(frozen=True)
class Deadly(Perturbation):
    """Stand for a clip that kills its decoder."""

    @property
    def name(self) -> str:
        """`deadly`."""
        return "deadly"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """End the process that does it."""
        os.abort()


def test_a_change_whose_process_dies_is_left_out_and_the_others_are_made(
    clips: tuple[StudyClip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"clean": ("m",), "deadly": ("m",), "sound+80ms": ("m",)}
    listed = {"clean": known()["clean"], "deadly": Deadly(), "sound+80ms": known()["sound+80ms"]}
    monkeypatch.setattr(study, "known", lambda: listed)
    heard: list[str] = []
    works = study.make_works(
        clips[:1], changes, tmp_path, study.Progress(step=heard.append), workers=2, timeout=120.0
    )
    assert [work.key.system for work in works] == ["clean", "sound+80ms"]
    assert len(heard) == 3 and all(work.path is not None and work.path.is_file() for work in works)


def test_another_person_takes_over_in_the_middle_and_for_no_longer_than_the_clip(tmp_path: Path) -> None:
    def clip(name: str, seconds: int) -> StudyClip:
        level = np.uint8(50 if name == "short" else 200)
        frames = [np.full((48, 64, 3), level, np.uint8) for _ in range(8 * seconds)]
        tone = np.full(16_000 * seconds, 0.1 if name == "short" else 0.4, np.float32)
        write_clip(tmp_path / f"{name}.mp4", frames, 8, tone, 16_000)
        return StudyClip(Sample(id=name), tmp_path / f"{name}.mp4", name)

    short, long = clip("short", 2), clip("long", 6)
    change = known()["other-person-halfway"]
    for own, other, lasts in ((short, long, 2.0), (long, short, 5.0)):
        out = tmp_path / "out.mp4"
        change.write(own, other, out)
        sound, rate = sound_of(out)
        pictures = list(video_frames(out))
        assert sound.shape[1] / rate == pytest.approx(lasts, abs=0.1)
        assert pictures[-1].time == pytest.approx(lasts - 1 / 8, abs=0.13)
        dark = own is short
        assert bool(pictures[0].image.mean() < 100) is dark and bool(pictures[-1].image.mean() > 100) is dark
        ends = np.abs(sound[0, 1000:2000]).mean(), np.abs(sound[0, -2000:-1000]).mean()
        assert bool(ends[0] < 0.2) is dark and bool(ends[1] > 0.2) is dark


def told(clip: StudyClip, **facts: str) -> StudyClip:
    """Return a clip of the world with facts."""
    return StudyClip(clip.sample.model_copy(update={"facts": facts}), clip.path, clip.cluster, world=True)


@pytest.mark.parametrize("kind", ["emotion", "gender"])
def test_a_sound_of_another_emotion_or_gender_is_one(
    kind: str, clips: tuple[StudyClip, ...], root: Path
) -> None:
    one, like, unlike = (
        told(clip, **{kind: value}) for clip, value in zip(clips, ("a", "a", "b"), strict=True)
    )
    change = known()[f"swapped-sound-{kind}"]
    assert partners(change, one, (one, like, unlike, clips[1])) == (unlike,)
    made = changed(change, one, (one, like, unlike), root)
    assert made is not None and onset(made.path) == pytest.approx(onset(unlike.path), abs=1e-3)
    assert onset(like.path) != pytest.approx(onset(unlike.path), abs=1e-3)
    assert changed(change, one, (one, like, clips[2]), root) is None


def test_a_swapped_voice_is_somebody_elses_of_the_gender_that_is_said(clips: tuple[StudyClip, ...]) -> None:
    one, like, unlike = (
        told(clip, gender=value, truth="x") for clip, value in zip(clips, ("f", "f", "m"), strict=True)
    )
    himself = StudyClip(one.sample, clips[0].path, one.cluster, world=True)
    everybody = (one, like, unlike, himself)
    assert partners(known()["swapped-voice"], one, everybody) == (like,)
    assert partners(known()["swapped-voice-gender"], one, everybody) == (unlike,)
