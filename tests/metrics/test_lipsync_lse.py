"""The LSE protocols: what each takes of a clip and makes of its parts, on clips whose sync is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_factory import flash_and_beep
from sync_world import (
    EyesAndEars,
    LocalWeights,
    clip_of,
    constructed_state,
    levels,
    sound_of,
    track_of,
)

from uniavgen_bench.analysis import video_pass
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.mux import write_wav
from uniavgen_bench.metrics import (
    lipsync_lse,
    lipsync_lse_latentsync,
    lipsync_lse_mochabench,
    lipsync_lse_verse_bench,
    lipsync_lse_whole_frame,
    syncnet_network,
)
from uniavgen_bench.metrics.catalogue import plain_name, registry
from uniavgen_bench.metrics.syncnet_tracks import score_tracks
from uniavgen_bench.weights.models import Models

PROTOCOLS = {
    "syncnet-python": lipsync_lse.METRIC,
    "latentsync": lipsync_lse_latentsync.METRIC,
    "mochabench": lipsync_lse_mochabench.METRIC,
    "verse-bench": lipsync_lse_verse_bench.METRIC,
    "whole-frame": lipsync_lse_whole_frame.METRIC,
}
N = 64
SAMPLE = Sample(id="a")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    monkeypatch.setattr(syncnet_network, "load_syncnet", lambda path, device: EyesAndEars())
    return Models(LocalWeights(tmp_path / "not read"))


def talking(delay: int = 0, n: int = N):
    level = levels(n)
    return clip_of([(track_of(np.arange(n)), level)], sound_of(level, delay), whole=level)


def given(folder: Path, delay: int = 0) -> Sample:
    path = folder / f"given {delay}.wav"
    write_wav(path, sound_of(levels(N), delay).samples[None], 16_000)
    return Sample(id="a", condition_audio=path)


def values(measured) -> dict[str, float]:
    return {name: score.value for name, score in measured.scores.items()}


def reason_of(protocol: str, clip, models: Models, sample: Sample = SAMPLE) -> Reason:
    with pytest.raises(MissingError) as raised:
        PROTOCOLS[protocol].measure(clip, sample, models)
    return raised.value.missing.reason


@pytest.mark.parametrize("delay", [-5, 0, 3])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sound_late_by_d_frames_is_found_by_every_protocol(protocol, delay, models, tmp_path):
    clip, sample = talking(delay), given(tmp_path, delay)
    got = values(PROTOCOLS[protocol].measure(clip, sample, models))
    assert got["offset_frames"] == -delay
    assert got["offset_ms"] == 40 * delay
    assert got["confidence"] > 1
    assert got["tracks"] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_swapped_sound_lowers_confidence_and_raises_distance(protocol, models, tmp_path):
    level = levels(N)
    other = sound_of(levels(N, seed=9))
    write_wav(tmp_path / "other.wav", other.samples[None], 16_000)
    metric = PROTOCOLS[protocol]
    true = values(metric.measure(talking(), given(tmp_path), models))
    swapped_clip = clip_of([(track_of(np.arange(N)), level)], other, whole=level)
    swapped_sample = Sample(id="a", condition_audio=tmp_path / "other.wav")
    swapped = values(metric.measure(swapped_clip, swapped_sample, models))
    assert swapped["confidence"] < 0.7 * true["confidence"]
    assert swapped["distance"] > true["distance"] + 1


def test_syncnets_own_layers_find_the_delay(tmp_path):
    import torch

    torch.set_num_threads(1)
    torch.save(constructed_state(), tmp_path / "syncnet_v2.model")
    clip = clip_of([(track_of(np.arange(54)), levels(54))], sound_of(levels(54), 4))
    got = values(
        lipsync_lse.METRIC.measure(clip, SAMPLE, Models(LocalWeights(tmp_path / "syncnet_v2.model")))
    )
    assert got["offset_frames"] == -4
    assert got["confidence"] > 1


@pytest.fixture
def two_faces():
    """A speaker in sync, a listener who moves on his own: two tracks over the same frames."""
    level = levels(N)
    listener = (track_of(np.arange(N), score=0.8), levels(N, seed=6))
    return clip_of([(track_of(np.arange(N)), level), listener], sound_of(level))


def test_the_package_takes_the_best_of_all_tracks_and_latentsync_the_mean(two_faces, models):
    speaker, listener = (t.lse for t in score_tracks(two_faces, two_faces.speech, EyesAndEars(), "cpu"))
    assert speaker.confidence > listener.confidence + 1 and speaker.offset == 0 != listener.offset
    best = values(PROTOCOLS["syncnet-python"].measure(two_faces, SAMPLE, models))
    mean = values(PROTOCOLS["latentsync"].measure(two_faces, SAMPLE, models))
    assert best["confidence"] == speaker.confidence
    assert best["distance"] == min(speaker.distance, listener.distance)
    assert best["offset_frames"] == 0
    assert mean["confidence"] == pytest.approx((speaker.confidence + listener.confidence) / 2)
    assert mean["distance"] == pytest.approx((speaker.distance + listener.distance) / 2)
    assert mean["offset_frames"] == int((speaker.offset + listener.offset) / 2)
    assert best["tracks"] == mean["tracks"] == 2


def test_confidence_and_distance_may_come_from_two_tracks_in_the_package(models):
    """A face that hardly moves is near a steady sound at every shift: low distance, no confidence."""
    level = levels(N)
    steady = (track_of(np.arange(N)), np.full(N, level.mean()))
    clip = clip_of([(track_of(np.arange(N)), level[::-1]), steady], sound_of(level))
    moving, still = (t.lse for t in score_tracks(clip, clip.speech, EyesAndEars(), "cpu"))
    assert moving.confidence > still.confidence and moving.distance > still.distance
    got = values(PROTOCOLS["syncnet-python"].measure(clip, SAMPLE, models))
    assert got["confidence"] == moving.confidence and got["distance"] == still.distance


def test_verse_bench_takes_the_best_detected_face_of_each_frame(two_faces, models):
    got = values(PROTOCOLS["verse-bench"].measure(two_faces, SAMPLE, models))
    assert got["offset_frames"] == 0 and got["tracks"] == 1
    speaker = two_faces.faces.tracks[0]
    speaker.scores[:] = 0.5
    other = values(PROTOCOLS["verse-bench"].measure(two_faces, SAMPLE, models))
    assert other["confidence"] < got["confidence"] - 1


def test_a_run_of_verse_bench_goes_on_over_a_change_of_track_and_ends_where_no_face_is_seen(models):
    level = levels(N)
    halves = [(track_of(np.arange(32)), level), (track_of(np.arange(32, N)), level)]
    clip = clip_of(halves, sound_of(level))
    measured = PROTOCOLS["verse-bench"].measure(clip, SAMPLE, models)
    assert values(measured)["tracks"] == 1 and values(measured)["offset_frames"] == 0
    assert f"{N - 1} frames" in measured.evidence.texts["run 0"], "the last frame is not heard"
    assert reason_of("syncnet-python", clip, models) is Reason.TOO_SHORT
    holed = clip_of([halves[0], (track_of(np.arange(33, N)), level)], sound_of(level))
    assert reason_of("verse-bench", holed, models) is Reason.TOO_SHORT


def test_verse_bench_has_no_score_where_the_best_shift_is_at_the_edge(models):
    level = levels(120)
    clip = clip_of([(track_of(np.arange(120)), level)], sound_of(level, 14))
    assert reason_of("verse-bench", clip, models) is Reason.NOT_MEASURABLE
    assert values(PROTOCOLS["syncnet-python"].measure(clip, SAMPLE, models))["offset_frames"] == -14


def test_verse_bench_cuts_tighter_and_does_not_smooth():
    rng = np.random.default_rng(4)
    boxes = np.tile([[100.0, 100, 200, 220]], (20, 1)) + rng.normal(0, 5, (20, 4))
    run = lipsync_lse_verse_bench.Run(0, np.zeros(20, np.int64), np.arange(20))
    clip = clip_of([(track_of(np.arange(20)), levels(20))], sound_of(levels(20)))
    seen = []
    real = lipsync_lse_verse_bench.face_crops
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lipsync_lse_verse_bench, "face_crops", lambda *a: (seen.append(a[3]), real(*a))[1])
        lipsync_lse_verse_bench.crops_of(clip, run, boxes.astype(np.float32))
    half = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / 2
    np.testing.assert_allclose(seen[0][:, 2] - seen[0][:, 0], 2 * half * 1.3, atol=1.01)
    np.testing.assert_allclose(seen[0][:, 3] - seen[0][:, 1], half * 2.6, atol=1.01)


def test_mochabench_listens_to_the_given_speech_and_not_to_the_clip(models, tmp_path):
    metric = PROTOCOLS["mochabench"]
    clip = talking(delay=7)
    assert values(metric.measure(clip, given(tmp_path, 2), models))["offset_frames"] == -2
    assert Artefact.SPEECH not in metric.spec.needs and "condition_audio" in metric.spec.sample_needs
    assert metric.spec.floors == (), "sound that is exchanged in the clip does not lower this score"
    assert reason_of("mochabench", clip, models) is Reason.NO_REFERENCE
    gone = Sample(id="a", condition_audio=tmp_path / "gone.wav")
    assert reason_of("mochabench", clip, models, gone) is Reason.NO_REFERENCE


def test_whole_frame_needs_no_face_and_36_frames(models):
    for n, scored in ((36, True), (35, False)):
        clip = clip_of([], sound_of(levels(n)), whole=levels(n))
        if scored:
            assert values(PROTOCOLS["whole-frame"].measure(clip, SAMPLE, models))["offset_frames"] == 0
        else:
            assert reason_of("whole-frame", clip, models) is Reason.TOO_SHORT


@pytest.mark.parametrize("fps", [16, 24, 30, 50])
def test_other_frame_rates_keep_the_offset(fps, models):
    times = np.arange(int(N / 25 * fps)) / fps
    at = np.interp(times * 25, np.arange(N), levels(N))
    clip = clip_of([(track_of(np.arange(len(times))), at)], sound_of(levels(N), 3), whole=at, times=times)
    for protocol in ("syncnet-python", "latentsync", "verse-bench", "whole-frame"):
        assert values(PROTOCOLS[protocol].measure(clip, SAMPLE, models))["offset_frames"] == -3, protocol


@pytest.mark.parametrize(
    ("protocol", "frames", "reason"),
    [
        ("syncnet-python", 50, Reason.TOO_SHORT),
        ("latentsync", 50, Reason.TOO_SHORT),
        ("mochabench", 50, Reason.TOO_SHORT),
        ("verse-bench", 49, Reason.TOO_SHORT),
        ("whole-frame", 35, Reason.TOO_SHORT),
    ],
)
def test_the_longest_clip_that_is_too_short(protocol, frames, reason, models, tmp_path):
    assert reason_of(protocol, talking(n=frames), models, given(tmp_path)) is reason
    if protocol != "whole-frame":
        assert PROTOCOLS[protocol].measure(talking(n=frames + 1), given(tmp_path), models).scores


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_without_weights_the_answer_is_missing_weights(protocol, tmp_path):
    assert reason_of(protocol, talking(), Models(LocalWeights(None)), given(tmp_path)) is Reason.WEIGHTS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_found_by_its_versioned_name_and_says_how_it_departs(protocol):
    metrics = registry()
    name = f"lipsync.lse[{protocol}@1]"
    spec = metrics.load(plain_name(name, metrics)).spec
    assert spec.name == name
    assert any("by their presentation times" in d for d in spec.deviations)
    assert plain_name(f"lipsync.lse[{protocol}@2]", metrics) not in metrics.points()
    assert [f.name for f in spec.fields] == ["confidence", "distance", "offset_frames", "offset_ms", "tracks"]


def test_all_protocols_together_decode_a_clip_once(tmp_path, monkeypatch):
    class NoFaces:
        def path(self, name: str) -> Path:
            raise MissingError(Reason.WEIGHTS, name)

        def sha256(self, name: str) -> str:
            return name

    passes = []
    real = video_pass.analyse_video
    monkeypatch.setattr(video_pass, "analyse_video", lambda *a, **k: (passes.append(k), real(*a, **k))[1])
    flash = flash_and_beep(tmp_path, "mp4-aac").path
    needs = [need for metric in PROTOCOLS.values() for need in metric.spec.needs]
    for _ in range(2):
        clip = AnalysedClip(flash, SAMPLE, Store(tmp_path / "store"), Models(NoFaces()))
        clip.ensure(needs)
        assert len(clip.whole_frames.jpegs) == len(clip.frames.times) == 75
    assert [k["whole"] for k in passes] == [True]


def test_whole_frames_that_were_not_asked_for_come_when_they_are_read(tmp_path):
    flash = flash_and_beep(tmp_path, "mp4-aac").path
    clip = AnalysedClip(flash, SAMPLE, Store(tmp_path / "store"), Models(LocalWeights(None)))
    clip.ensure([Artefact.THUMBNAILS])
    assert not clip.has(Artefact.WHOLE_FRAMES)
    import cv2

    first = cv2.imdecode(np.frombuffer(clip.whole_frames.jpegs[0], np.uint8), cv2.IMREAD_COLOR)
    assert first.shape == (224, 224, 3)
