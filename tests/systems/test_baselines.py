"""The systems of the portrait world: what they are given, what they make, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Role, Sample, Task
from uniavgen_bench.core.synthesiser import SYNTHESISERS, SpokenText, Synthesiser, VoiceWish
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.media.probe import probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.systems import cascade_audio_first, cascade_video_first, speaking
from uniavgen_bench.systems.cascade_video_first import MovingMouth
from uniavgen_bench.systems.continuing import Beginning
from uniavgen_bench.systems.ground_truth import PLUGIN as GROUND_TRUTH
from uniavgen_bench.systems.jaw_from_sound import WIDEST, jaw_from_sound, jaw_from_text, units_of
from uniavgen_bench.systems.mouth_warp import CAVITY, MouthPlace, MouthWarp
from uniavgen_bench.systems.speaking import gender_in, pitch_of
from uniavgen_bench.systems.static_portrait import PLUGIN as STATIC
from uniavgen_bench.systems.system import Job, SystemPlugin

RATE = 24_000
AUDIO_FIRST, VIDEO_FIRST = cascade_audio_first.PLUGIN, cascade_video_first.PLUGIN
PLACE = MouthPlace(
    centre=np.array([32, 40], np.float32),
    across=np.array([1, 0], np.float32),
    down=np.array([0, 1], np.float32),
    half=8.0,
    chin=14.0,
    nose=8.0,
    eyes=20.0,
)


def bursts(seconds: float = 2.0, hertz: float = 700.0) -> np.ndarray:
    """A tone that is on in every second quarter of a second."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hertz * t) * ((t * 4).astype(int) % 2)).astype(np.float32)


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(80, 255, (64, 64, 3)).astype(np.uint8)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A sample with a true clip of 33 frames at 16 Hz, an image, and a driving sound."""
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "truth.json").write_text(json.dumps({}))
    frames = [np.full((64, 64, 3), 20 + i, np.uint8) for i in range(33)]
    write_clip(folder / "clip.mp4", frames, 16, bursts(33 / 16), RATE)
    cv2.imwrite(str(tmp_path / "image.png"), picture())
    write_wav(tmp_path / "given.wav", bursts(1.5), RATE)
    return Sample(
        id="a", task=Task.JOINT, image=tmp_path / "image.png", caption="A portrait of an old woman", speech="lay green",
        condition_audio=tmp_path / "given.wav", facts={"truth": str(folder / "truth.json")},
    )  # fmt: skip


def make(plugin: SystemPlugin, sample: Sample, out: Path, **options: object) -> Path:
    plugin.make(plugin.options.model_validate(options)).generate(Job(sample, 0, 7, out))
    return out


@pytest.fixture
def known_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the landmark networks out: the mouth is where the test says."""
    for module in (cascade_audio_first, cascade_video_first):
        monkeypatch.setattr(module, "find_mouth", lambda picture, models: PLACE)


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[VoiceWish]:
    """Registers a synthesiser that beeps; gives what it was asked for."""
    asked: list[VoiceWish] = []

    def say(text: str, wish: VoiceWish) -> SpokenText:
        asked.append(wish)
        return SpokenText(bursts(wish.seconds or 3.0), RATE)

    class Beeps:
        def __init__(self, *_: object) -> None: ...
        def load(self, name: str) -> Synthesiser:
            return Synthesiser(name, "beeps", say)

    monkeypatch.setattr(speaking, "Registry", Beeps)
    return asked


@pytest.mark.parametrize(
    "name", ["ground-truth", "static-portrait", "cascade-audio-first", "cascade-video-first"]
)
def test_every_system_is_registered_under_its_own_name(name: str) -> None:
    assert Registry(SYSTEMS, "system", SystemPlugin).load(name).name == name


def test_ground_truth_is_the_true_clip_byte_by_byte(sample: Sample, tmp_path: Path) -> None:
    out = make(GROUND_TRUTH, sample, tmp_path / "out.mp4")
    assert out.read_bytes() == Path(sample.facts["truth"]).with_name("clip.mp4").read_bytes()
    assert GROUND_TRUTH.role is Role.UPPER_CONTROL


@pytest.mark.parametrize("plugin", [GROUND_TRUTH, STATIC])
def test_without_a_truth_there_is_no_control(plugin: SystemPlugin, sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(MissingError) as missing:
        make(plugin, sample.model_copy(update={"facts": {}}), tmp_path / "out.mp4")
    assert missing.value.missing.reason is Reason.NO_REFERENCE and not (tmp_path / "out.mp4").exists()


def test_static_portrait_stands_still_under_the_true_speech(sample: Sample, tmp_path: Path) -> None:
    out = make(STATIC, sample, tmp_path / "out.mp4")
    true = Path(sample.facts["truth"]).with_name("clip.mp4")
    assert probe(out).video_duration == pytest.approx(33 / 16)
    heard, expected = audio(out, rate=RATE).samples, audio(true, rate=RATE).samples
    assert np.abs(heard[: len(expected)] - expected).max() < 1e-4


def test_opening_moves_the_lips_apart_and_leaves_the_rest() -> None:
    shown = picture()
    warp = MouthWarp(shown, PLACE)
    assert np.array_equal(warp.draw(0.0), shown)
    opened = warp.draw(0.3).astype(int)
    assert np.abs(opened[42, 32] - np.array(CAVITY)).max() <= 1
    untouched = np.abs(opened - shown.astype(int)).max(axis=2) == 0
    assert (
        untouched[:32].all() and untouched[:, :23].all() and untouched[:, 42:].all() and untouched[58:].all()
    )


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.4), st.floats(0.0, 0.4))
def test_wider_opening_shows_more_of_the_cavity(one: float, other: float) -> None:
    warp = MouthWarp(np.full((64, 64, 3), 200, np.uint8), PLACE)
    dark = [int((255 - warp.draw(opening).astype(int)).sum()) for opening in sorted((one, other))]
    assert dark[0] <= dark[1] + 50


def test_jaw_follows_loudness_and_shuts_in_silence() -> None:
    openings = jaw_from_sound(bursts(), RATE, 16.0, 33)
    times = np.arange(33) / 16
    inside = (times * 4) % 1
    on = (((times * 4).astype(int) % 2) == 1) & (inside > 0.2) & (inside < 0.8)
    off = (((times * 4).astype(int) % 2) == 0) & (inside > 0.2) & (inside < 0.8) & (times < 2)
    assert openings[on].min() > 0.5 * WIDEST and openings[off].max() < 0.2 * WIDEST
    assert not jaw_from_sound(np.zeros(RATE, np.float32), RATE, 16.0, 16).any()


def test_jaw_spells_vowels_inside_the_given_time() -> None:
    openings = jaw_from_text("mama", 0.5, 1.5, 40.0, 80)
    times = np.arange(80) / 40
    assert not openings[(times < 0.49) | (times > 1.51)].any()
    peaks = [i for i in range(1, 79) if openings[i] > openings[i - 1] and openings[i] >= openings[i + 1]]
    assert len(peaks) == 2
    assert not jaw_from_text("12 !", 0.5, 1.5, 40.0, 80).any()


def test_text_is_spelled_in_vowel_groups_without_silent_letters() -> None:
    heights = [height for _, height in units_of("Place three bees")]
    assert [i for i, height in enumerate(heights) if height == 1.0] == [2, 7, 10]
    assert units_of("be") == units_of("bee") and len(units_of("passing")) == 5 and units_of("?") == []


def test_audio_first_speaks_and_moves_as_long_as_asked(
    sample: Sample, tmp_path: Path, known_face: None, wishes: list[VoiceWish]
) -> None:
    out = make(AUDIO_FIRST, sample, tmp_path / "out.mp4", frames=33, fps=16)
    assert probe(out).video_duration == pytest.approx(33 / 16)
    assert wishes[0].gender == "female" and wishes[0].pitch is None and wishes[0].seed == 7
    # The first answer was too long for the clip.
    assert wishes[1].seconds is not None and wishes[1].seconds < 33 / 16 - 0.2
    assert not audio(out, rate=RATE).samples[: round(0.19 * RATE)].any()


def test_audio_first_takes_the_given_audio_and_its_length(
    sample: Sample, tmp_path: Path, known_face: None
) -> None:
    driven = sample.model_copy(update={"task": Task.AUDIO_DRIVEN, "speech": None})
    out = make(AUDIO_FIRST, driven, tmp_path / "out.mp4")
    assert probe(out).video_duration == pytest.approx(1.5)
    heard = audio(out, rate=RATE).samples
    assert np.abs(heard[: round(1.5 * RATE)] - bursts(1.5)).max() < 1e-4


def test_reference_audio_gives_its_pitch_in_its_task_alone(
    sample: Sample, tmp_path: Path, known_face: None, wishes: list[VoiceWish]
) -> None:
    t = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20)) * 0.1
    write_wav(tmp_path / "reference.wav", buzz.astype(np.float32), RATE)
    with_reference = sample.model_copy(update={"reference_audio": tmp_path / "reference.wav"})
    make(VIDEO_FIRST, with_reference, tmp_path / "a.mp4")
    assert wishes[-1].pitch is None
    cloned = with_reference.model_copy(update={"task": Task.JOINT_REF_AUDIO})
    make(VIDEO_FIRST, cloned, tmp_path / "b.mp4")
    assert wishes[-1].pitch == pytest.approx(130, rel=0.05)


def test_video_first_paces_the_speech_to_its_video(
    sample: Sample, tmp_path: Path, known_face: None, wishes: list[VoiceWish]
) -> None:
    out = make(VIDEO_FIRST, sample, tmp_path / "out.mp4", frames=33, fps=16, start=0.3, rest=0.2)
    assert wishes[0].seconds == pytest.approx(33 / 16 - 0.5)
    assert probe(out).video_duration == pytest.approx(33 / 16)


def test_a_sample_without_text_or_image_is_a_reason(
    sample: Sample, tmp_path: Path, known_face: None, wishes: list[VoiceWish]
) -> None:
    for change, reason in (({"speech": None}, Reason.NO_TRANSCRIPT), ({"image": None}, Reason.NO_REFERENCE)):
        for plugin in (AUDIO_FIRST, VIDEO_FIRST):
            with pytest.raises(MissingError) as missing:
                make(plugin, sample.model_copy(update=change), tmp_path / "out.mp4")
            assert missing.value.missing.reason is reason


def test_an_absent_synthesiser_names_its_extra(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(text: str, wish: VoiceWish) -> SpokenText:
        raise NotInstalledError("eSpeak NG", extra="portraits")

    monkeypatch.setattr(Registry, "load", lambda self, name: Synthesiser(name, "", say))
    with pytest.raises(MissingError) as missing:
        speaking.speech_for(sample, 1, "portraits")
    assert missing.value.missing.reason is Reason.NOT_INSTALLED
    assert "uniavgen-bench[portraits]" in missing.value.missing.detail


def test_an_unknown_synthesiser_names_the_nearest(sample: Sample) -> None:
    with pytest.raises(InputError, match="did you mean 'portraits'"):
        speaking.speech_for(sample, 1, "portrait")


@pytest.mark.parametrize(
    ("caption", "gender"),
    [("A young woman and a man", "female"), ("an old MAN.", "male"), ("a face", None), (None, None)],
)
def test_gender_is_the_first_word_that_has_one(caption: str | None, gender: str | None) -> None:
    assert gender_in(caption) == gender


@settings(max_examples=15, deadline=None)
@given(st.floats(80, 300))
def test_pitch_of_a_buzz_is_found(hertz: float) -> None:
    t = np.arange(8000) / 8000
    buzz = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 12)).astype(np.float32)
    assert pitch_of(buzz, 8000) == pytest.approx(hertz, rel=0.05)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    assert pitch_of(noise, 8000) is None and pitch_of(np.zeros(8000, np.float32), 8000) is None


def test_strangers_are_nobody_of_the_dataset_and_keep_to_the_wished_length() -> None:
    pytest.importorskip("espeakng_loader")
    from uniavgen_bench.datasets.portrait_voices import FIRST_STRANGER, choose
    from uniavgen_bench.datasets.portraits.recipe import FIRST_IDENTITY, IDENTITIES

    assert all(FIRST_IDENTITY[s] + IDENTITIES[s] < FIRST_STRANGER for s in FIRST_IDENTITY)
    say = Registry(SYNTHESISERS, "synthesiser", Synthesiser).load("portraits").say
    spoken = say("place green by g zero again", VoiceWish(3, "female", seconds=1.6))
    assert len(spoken.samples) / spoken.rate == pytest.approx(1.6, abs=0.12)
    assert choose(VoiceWish(0, "male")).pitch < 150 < choose(VoiceWish(0, "female")).pitch
    assert choose(VoiceWish(0, pitch=100.0)).pitch == pytest.approx(100, rel=0.1)


def test_a_clip_that_has_begun_goes_on_from_where_it_is(
    sample: Sample, tmp_path: Path, wishes: list[VoiceWish], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [np.full((64, 64, 3), 60 + 5 * i, np.uint8) for i in range(13)]
    begun = Beginning(tuple(shown), 16.0, shown[-1], PLACE)
    monkeypatch.setattr(cascade_audio_first, "read_beginning", lambda path, models: begun)
    write_wav(tmp_path / "beginning.wav", bursts(13 / 16), RATE)
    given = {
        "task": Task.CONTINUATION,
        "condition_audio": tmp_path / "beginning.wav",
        "condition_video": tmp_path,
    }
    out = make(AUDIO_FIRST, sample.model_copy(update=given), tmp_path / "out.mp4")
    assert probe(out).video_duration == pytest.approx(33 / 16)
    heard = audio(out, rate=RATE).samples
    assert np.abs(heard[: round(13 / 16 * RATE)] - bursts(13 / 16)).max() < 1e-4
    assert np.abs(heard[round(13 / 16 * RATE) :]).max() > 0.1
    pictures = [frame.image for frame in video_frames(out)]
    assert len(pictures) == 33
    assert all(abs(float(p.mean()) - float(s.mean())) < 4 for p, s in zip(pictures, shown, strict=False))
    # Between the bursts the mouth is shut and the last given picture stands; within them the cavity shows.
    assert min(float(p.min()) for p in pictures[13:]) < 60


def test_a_beginning_as_long_as_the_clip_leaves_nothing_to_generate(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.full((64, 64, 3), 60, np.uint8)
    begun = Beginning((picture,) * 37, 16.0, picture, PLACE)
    monkeypatch.setattr(cascade_audio_first, "read_beginning", lambda path, models: begun)
    write_wav(tmp_path / "beginning.wav", bursts(37 / 16), RATE)
    given = {
        "task": Task.CONTINUATION,
        "condition_audio": tmp_path / "beginning.wav",
        "condition_video": tmp_path,
    }
    with pytest.raises(MissingError) as missing:
        make(AUDIO_FIRST, sample.model_copy(update=given), tmp_path / "out.mp4")
    assert missing.value.missing.reason is Reason.NOT_GENERATED and "frames" in str(missing.value)


def test_without_a_beginning_there_is_nothing_to_continue(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(MissingError) as missing:
        make(AUDIO_FIRST, sample.model_copy(update={"task": Task.CONTINUATION}), tmp_path / "out.mp4")
    assert missing.value.missing.reason is Reason.NO_REFERENCE


def test_silent_video_is_dubbed_while_its_mouth_moves(
    sample: Sample, tmp_path: Path, wishes: list[VoiceWish], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.arange(33) / 16
    opening = np.where((times > 0.5) & (times < 1.6), np.abs(np.sin(8 * times)), 0.0).astype(np.float32)
    moving = MovingMouth(times, opening, 0.5, 1.6)
    monkeypatch.setattr(cascade_video_first.CascadeVideoFirst, "_moving", lambda self, source: moving)
    silent = Path(sample.facts["truth"]).with_name("clip.mp4")
    dubbed = sample.model_copy(update={"task": Task.DUBBING, "condition_video": silent})
    out = make(VIDEO_FIRST, dubbed, tmp_path / "out.mp4")
    heard = np.abs(audio(out, rate=RATE).samples)
    assert wishes[0].seconds == pytest.approx(1.1)
    assert heard[: round(0.49 * RATE)].max() < 1e-4 and heard[round(1.62 * RATE) :].max() < 1e-4
    assert heard[round(0.5 * RATE) : round(1.6 * RATE)].max() > 0.1
    assert probe(out).video_sha256 == probe(silent).video_sha256
