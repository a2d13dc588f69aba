"""The artefacts of a clip: computed once, found again, and missing with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clip_factory import flash_and_beep, one_frame, picture_only, sound_only

from uniavgen_bench.analysis import video_pass
from uniavgen_bench.analysis.artefacts import SpeakerChoice
from uniavgen_bench.analysis.clip import AnalysedClip, artefact_versions
from uniavgen_bench.analysis.needs import artefact_key, needed_weights, with_reads
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SAMPLE = Sample(id="s")


class NoWeights:
    """A machine without weights."""

    def path(self, name: str) -> Path:
        raise MissingError(Reason.WEIGHTS, f"{name} is not here")

    def sha256(self, name: str) -> str:
        return f"hash of {name}"


class OtherWeights(NoWeights):
    def sha256(self, name: str) -> str:
        return f"another hash of {name}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flash_and_beep(tmp_path_factory.mktemp("clips"), "mp4-aac").path


def reason(clip: AnalysedClip, name: str) -> Reason:
    with pytest.raises(MissingError) as raised:
        getattr(clip, name)
    return raised.value.missing.reason


def test_frames_and_thumbnails_need_no_weights_and_faces_say_that_they_do(flash: Path, store: Store) -> None:
    clip = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    assert len(clip.frames.times) == 75
    assert clip.frames.shots.tolist() == [[0, 74]]
    assert (clip.frames.width, clip.frames.height) == (128, 96)
    assert len(clip.thumbnails.jpegs) == 24
    assert reason(clip, "faces") is Reason.WEIGHTS
    assert reason(clip, "crops") is Reason.WEIGHTS


def test_what_was_computed_is_found_again_and_equal(
    flash: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    times, jpegs = first.frames.times, first.thumbnails.jpegs
    assert list(first.seconds) == ["video_pass"]
    monkeypatch.setattr(video_pass, "analyse_video", lambda *_, **__: pytest.fail("decoded again"))
    second = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    np.testing.assert_array_equal(second.frames.times, times)
    assert second.thumbnails.jpegs == jpegs
    assert second.seconds == {}


def test_a_clip_is_decoded_once_for_all_that_a_run_needs(
    flash: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    real = video_pass.analyse_video
    monkeypatch.setattr(
        video_pass, "analyse_video", lambda *a, **k: (passes.append(k["faces"]), real(*a, **k))[1]
    )
    clip = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    clip.ensure([Artefact.THUMBNAILS, Artefact.FRAMES])
    assert len(clip.thumbnails.jpegs) == 24 and len(clip.frames.times) == 75
    assert passes == [False]


def test_missing_weights_are_not_remembered(flash: Path, store: Store) -> None:
    clip = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    assert reason(clip, "faces") is Reason.WEIGHTS
    assert store.get(artefact_key(Artefact.FACES, clip.facts, Models(NoWeights()))) is None


def test_a_damaged_entry_is_computed_again(flash: Path, store: Store) -> None:
    models = Models(NoWeights())
    clip = AnalysedClip(flash, SAMPLE, store, models)
    times = clip.frames.times
    key = artefact_key(Artefact.FRAMES, clip.facts, models)
    store.put(key, b"not an artefact at all")
    np.testing.assert_array_equal(AnalysedClip(flash, SAMPLE, store, models).frames.times, times)
    assert store.get(key) != b"not an artefact at all"


def test_pictures_keep_their_artefacts_when_the_sound_is_exchanged(
    flash: Path, store: Store, tmp_path: Path
) -> None:
    other = tmp_path / "other sound.mp4"
    replace_audio(flash, np.zeros(48_000, np.float32), 48_000, 0.0, other)
    models = Models(NoWeights())
    one, two = (AnalysedClip(p, SAMPLE, store, models) for p in (flash, other))
    assert one.facts.audio_sha256 != two.facts.audio_sha256
    for artefact in (Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.THUMBNAILS):
        assert artefact_key(artefact, one.facts, models) == artefact_key(artefact, two.facts, models)
    for artefact in (Artefact.SPEECH, Artefact.TRANSCRIPT, Artefact.SPEAKER):
        assert artefact_key(artefact, one.facts, models) != artefact_key(artefact, two.facts, models)


def test_other_weights_are_another_address_for_what_reads_them(flash: Path, store: Store) -> None:
    facts = AnalysedClip(flash, SAMPLE, store, Models(NoWeights())).facts
    changed = {
        artefact
        for artefact in Artefact
        if artefact_key(artefact, facts, Models(NoWeights()))
        != artefact_key(artefact, facts, Models(OtherWeights()))
    }
    assert {Artefact.FACES, Artefact.CROPS, Artefact.SPEAKER, Artefact.TRANSCRIPT} <= changed
    assert not changed & {Artefact.FRAMES, Artefact.THUMBNAILS, Artefact.SPEECH}


def test_pictures_come_at_full_size_each_time_they_are_asked_for_and_are_not_kept(
    flash: Path, store: Store
) -> None:
    clip = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    clip.ensure([Artefact.PICTURES])
    assert clip.seconds == {} and not clip.has(Artefact.PICTURES)
    for _ in range(2):
        pictures = list(clip.pictures())
        assert len(pictures) == 75 and pictures[0].image.shape == (96, 128, 3)
    np.testing.assert_allclose([p.time for p in pictures], clip.frames.times)


def test_pictures_of_a_sound_are_missing(store: Store, tmp_path: Path) -> None:
    clip = AnalysedClip(sound_only(tmp_path).path, SAMPLE, store, Models(NoWeights()))
    with pytest.raises(MissingError) as raised:
        next(clip.pictures())
    assert raised.value.missing.reason is Reason.NO_VIDEO


def test_versions_name_all_that_an_artefact_is_made_from_and_are_json() -> None:
    versions = artefact_versions([Artefact.SPEAKER], Models(NoWeights()))
    assert {"speaker", "faces", "frames", "speech", "voice_activity"} <= set(versions)
    assert "face-landmarks" in json.dumps(versions)


def test_every_artefact_can_be_asked_for_by_itself() -> None:
    for artefact in Artefact:
        assert artefact in with_reads([artefact])


def test_a_metric_needs_the_weights_of_what_it_reads() -> None:
    field = FieldSpec(name="x", unit="1", direction=Direction.NONE, meaning="x")
    spec = MetricSpec(
        id="a.b", version=1, title="t", summary="s", fields=(field,), needs=(Artefact.SPEAKER,), weights=("own",),
        tier=Tier.EMBEDDED, licence="x", source="x",
    )  # fmt: skip
    assert set(needed_weights([spec, spec])) >= {"own", "face-detector-full", "face-landmarks"}
    assert len(set(needed_weights([spec, spec]))) == len(needed_weights([spec, spec]))


@pytest.mark.parametrize("content", [b"", b"this is a text, not a film", b"\0" * 4096])
def test_files_that_are_no_media_are_unreadable(content: bytes, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "broken 'clip' ü.mp4"
    path.write_bytes(content)
    clip = AnalysedClip(path, SAMPLE, store, Models(NoWeights()))
    for name in ("facts", "frames", "faces", "crops", "thumbnails", "speech", "speaker"):
        assert reason(clip, name) is Reason.UNREADABLE


def test_sound_alone_has_no_video(tmp_path: Path, store: Store) -> None:
    clip = AnalysedClip(sound_only(tmp_path).path, SAMPLE, store, Models(NoWeights()))
    for name in ("frames", "faces", "crops", "thumbnails"):
        assert reason(clip, name) is Reason.NO_VIDEO


def test_pictures_alone_have_no_audio(store: Store, tmp_path: Path) -> None:
    clip = AnalysedClip(picture_only(tmp_path), SAMPLE, store, Models(NoWeights()))
    assert len(clip.frames.times) > 0
    for name in ("speech", "voice_activity", "transcript"):
        assert reason(clip, name) is Reason.NO_AUDIO


def test_a_sample_without_reference_says_so(flash: Path, store: Store) -> None:
    clip = AnalysedClip(flash, SAMPLE, store, Models(NoWeights()))
    assert reason(clip, "reference_speech") is Reason.NO_REFERENCE


def test_a_reference_that_cannot_be_read_is_no_reference(flash: Path, store: Store, tmp_path: Path) -> None:
    broken = tmp_path / "voice.wav"
    broken.write_bytes(b"no sound")
    clip = AnalysedClip(
        flash, SAMPLE.model_copy(update={"reference_audio": broken}), store, Models(NoWeights())
    )
    with pytest.raises(MissingError, match=r"voice\.wav: unreadable") as raised:
        _ = clip.reference_speech
    assert raised.value.missing.reason is Reason.NO_REFERENCE


@pytest.mark.weights
def test_a_clip_without_a_face_is_looked_at_once(
    flash: Path, store: Store, weights_home: WeightLocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(weights_home)
    assert reason(AnalysedClip(flash, SAMPLE, store, models), "faces") is Reason.NO_FACE
    monkeypatch.setattr(video_pass, "analyse_video", lambda *_, **__: pytest.fail("decoded again"))
    again = AnalysedClip(flash, SAMPLE, store, models)
    assert reason(again, "faces") is Reason.NO_FACE
    assert reason(again, "crops") is Reason.NO_FACE
    assert reason(again, "speaker") is Reason.NO_FACE


@pytest.mark.shared
@pytest.mark.weights
def test_a_real_clip_has_a_track_crops_and_thumbnails_on_one_clock(
    shared: Path, store: Store, weights_home: WeightLocator
) -> None:
    path = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_bbaf2n.mpg"
    clip = AnalysedClip(path, SAMPLE, store, Models(weights_home))
    (track,) = clip.faces.tracks
    assert track.frames.tolist() == list(range(len(clip.frames.times)))
    assert [len(jpegs) for jpegs in clip.crops.jpegs] == [len(track.frames)]
    regions = clip.crops.regions[0]
    inner = track.boxes
    assert np.all(regions[:, 0] - regions[:, 2] / 2 <= inner[:, 0])
    assert np.all(inner[:, 2] <= regions[:, 0] + regions[:, 2] / 2)
    np.testing.assert_array_equal(clip.thumbnails.times, clip.frames.times[clip.thumbnails.frames])
    again = AnalysedClip(path, SAMPLE, store, Models(weights_home))
    np.testing.assert_array_equal(again.faces.tracks[0].landmarks, track.landmarks)
    assert again.crops.jpegs == clip.crops.jpegs


@pytest.mark.weights
@pytest.mark.parametrize("size", [(2, 2), (16, 200), (640, 8)])
def test_tiny_and_odd_shaped_pictures_hold_no_face(
    size: tuple[int, int], store: Store, tmp_path: Path, weights_home: WeightLocator
) -> None:
    clip = AnalysedClip(picture_only(tmp_path, frames=12, size=size), SAMPLE, store, Models(weights_home))
    assert reason(clip, "faces") is Reason.NO_FACE
    assert (clip.frames.width, clip.frames.height) == size
    assert len(clip.thumbnails.jpegs) > 0


@pytest.mark.weights
def test_a_clip_of_one_frame_has_a_clock_and_no_face(
    store: Store, tmp_path: Path, weights_home: WeightLocator
) -> None:
    clip = AnalysedClip(one_frame(tmp_path), SAMPLE, store, Models(weights_home))
    assert reason(clip, "faces") is Reason.NO_FACE
    assert clip.frames.shots.tolist() == [[0, 0]]


@pytest.mark.shared
@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mochabench/human/MoCha_07.mp4", "the large face whose mouth moves"),
        ("anytalker/benchmark_interact_11.mp4", Reason.SEVERAL_SPEAKERS),
    ],
)
def test_the_speaker_among_real_faces(
    shared: Path, store: Store, weights_home: WeightLocator, name: str, expected: str | Reason
) -> None:
    clip = AnalysedClip(shared / "clips" / name, SAMPLE, store, Models(weights_home))
    if isinstance(expected, Reason):
        assert reason(clip, "speaker") is expected
        return
    tracks = clip.faces.tracks
    heights = [float(np.median(t.boxes[:, 3] - t.boxes[:, 1])) for t in tracks]
    assert len(tracks) > 1
    assert clip.speaker.choice is SpeakerChoice.MOUTH_MOVES_WITH_SPEECH
    assert clip.speaker.track == int(np.argmax(heights))
    assert max(clip.speaker.evidence) > 2 * sorted(clip.speaker.evidence)[-2]
    assert {"video_pass", "speech", "voice_activity", "speaker"} <= set(clip.seconds)
