"""From files to an mp4, with codecs that are simple and real."""

import os
import resource
import wave
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_models import small_model, small_params
from torch import Tensor

from reference_model import picture_limits
from reference_model.atomic import check_writable
from reference_model.codecs.griffin_lim import GriffinLimVocoder
from reference_model.codecs.speech_text import SpeechVocabulary
from reference_model.generate import Codecs, Script, encode, generate
from reference_model.guidance import NoGuidance
from reference_model.media import _seconds_of_header, read_frames, read_waveform, write_clip
from reference_model.model import UniAVGen
from reference_model.params import ModelParams, SpeechTextParams
from reference_model.pipeline import Sampling

PARAMS: ModelParams = replace(
    small_params(),
    mel_bands=80,
    latent_channels=3,
    speech_text=SpeechTextParams(vocabulary=120, width=12, blocks=1),
)
FRAMES = 13


class AveragingCodec:
    """Latents are 8 x 8 averages of every fourth frame; decoding repeats them."""

    latent_channels, temporal_factor, spatial_factor = 3, 4, 8

    def encode(self, video: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool3d(video[:, :, ::4], (1, 8, 8))

    def decode(self, latents: Tensor) -> Tensor:
        big = latents.repeat_interleave(8, 3).repeat_interleave(8, 4)
        return torch.cat((big[:, :, :1], big[:, :, 1:].repeat_interleave(4, 2)), dim=2)


@dataclass(frozen=True)
class LetterCodec:
    """A caption as one random row per word, drawn from its length."""

    def encode(self, captions: list[str]) -> list[Tensor]:
        return [
            torch.stack([torch.full((9,), len(word) / 10) for word in (caption.split() or [""])])
            for caption in captions
        ]


@pytest.fixture(scope="module")
def model() -> UniAVGen:
    return small_model(PARAMS)


@pytest.fixture(scope="module")
def codecs() -> Codecs:
    vocoder = GriffinLimVocoder(iterations=2, magnitude_iterations=2)
    return Codecs(AveragingCodec(), vocoder, LetterCodec(), SpeechVocabulary.printable_ascii(), short_side=32)


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "given.mp4"
    ramp = torch.arange(FRAMES, dtype=torch.uint8)[:, None, None, None] * 15
    sound = np.sin(np.arange(12_000) * 440 * 2 * np.pi / 24_000) * 20_000
    write_clip(path, ramp.expand(-1, 32, 48, 3).contiguous(), torch.from_numpy(sound.astype(np.int16)), 16)
    return path


def test_written_clip_reads_back(clip_file: Path) -> None:
    frames = read_frames(clip_file)
    assert frames.shape == (FRAMES, 32, 48, 3)
    assert (frames[:, 0, 0, 0].int() - torch.arange(FRAMES) * 15).abs().max() <= 4
    sound = read_waveform(clip_file)
    assert abs(len(sound) - 12_000) <= 2048 and 0.4 < float(sound.abs().max()) < 0.8


@pytest.mark.parametrize(
    ("told", "said"), [(32_000, "ends after 0.05 s of 2.00 s"), (735, ""), (0x7FFFFFFF, "")]
)
def test_a_sound_that_ends_before_its_header_says_is_refused(tmp_path: Path, told: int, said: str) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 735))
    content = bytearray(path.read_bytes())
    content[40:44] = min(2 * told, 2**32 - 1).to_bytes(4, "little")
    path.write_bytes(content)
    if said:
        with pytest.raises(ValueError, match=said):
            read_waveform(path)
    else:
        assert len(read_waveform(path)) > 1000


def test_a_pipe_is_not_opened_again_for_its_header(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _seconds_of_header(tmp_path / "pipe") is None


def test_a_folder_that_is_not_there_is_made_and_one_that_cannot_be_is_refused(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "out.mp4")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "out.mp4", Path("/proc/nowhere/out.mp4")):
        with pytest.raises(ValueError, match=r"cannot write .*name a folder that may be written to"):
            check_writable(path)


def test_a_file_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    for read in (read_frames, read_waveform):
        with pytest.raises(
            ValueError, match=r"cannot decode .*x\.wav: Invalid data found when processing input$"
        ):
            read(tmp_path / "x.wav")


def test_a_clip_that_cannot_be_written_leaves_the_old_one(clip_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "good.mp4"
    path.write_bytes(clip_file.read_bytes())
    noise = torch.randint(0, 255, (FRAMES, 64, 64, 3), dtype=torch.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(OSError, match=r"good\.mp4"):
            write_clip(path, noise, torch.zeros(12_000, dtype=torch.int16), 16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == clip_file.read_bytes() and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("damaged", "said"), [("head.", "sampled video is not"), ("", "sampled video and audio are not")]
)
def test_what_is_not_finite_is_no_clip(codecs: Codecs, clip_file: Path, damaged: str, said: str) -> None:
    model = small_model(PARAMS)
    for name, parameter in model.named_parameters():
        if name.startswith(damaged):
            parameter.fill_(torch.nan)
    script = Script("joint", "Hi.", "A face", image=clip_file, frames=FRAMES)
    with pytest.raises(ValueError, match=f"the {said} finite: the weights hold such values, or") as error:
        generate(model, codecs, script, Sampling(steps=1, guidance=NoGuidance()))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("task", ["joint", "joint_ref_audio", "continuation", "dubbing", "audio_driven"])
def test_every_task_from_files_to_mp4(
    model: UniAVGen, codecs: Codecs, clip_file: Path, tmp_path: Path, task: str
) -> None:
    longer = {"continuation": 21}.get(task, FRAMES)
    script = Script(
        task=task,  # type: ignore[arg-type]
        speech="Place blue.",
        caption="A face speaks",
        image=None if task == "dubbing" else clip_file,
        video=clip_file if task in ("dubbing", "continuation") else None,
        audio=clip_file if task in ("audio_driven", "continuation") else None,
        reference_audio=clip_file if task == "joint_ref_audio" else None,
        reference_speech="Set white." if task == "joint_ref_audio" else None,
        frames=longer,
    )
    made = generate(model, codecs, script, Sampling(steps=2))
    assert made.frames.shape == (longer, 32, 48, 3)
    assert len(made.samples) == PARAMS.audio_tokens(1 + (longer - 1) // 4) * 240
    write_clip(tmp_path / "out.mp4", made.frames, made.samples, 16)
    assert read_frames(tmp_path / "out.mp4").shape == made.frames.shape
    if task == "dubbing":
        latents = AveragingCodec().decode(encode(script, PARAMS, codecs, model.device).given_video[None])[0]
        shown = ((latents.clamp(-1, 1) + 1) * 127.5).to(torch.uint8).permute(1, 2, 3, 0)
        assert torch.equal(made.frames, shown)


def test_bad_scripts_are_named(codecs: Codecs, model: UniAVGen, clip_file: Path, tmp_path: Path) -> None:
    def text(**change: object) -> Script:
        return replace(Script("joint", "Hi.", "A face", image=clip_file, frames=FRAMES), **change)  # type: ignore[arg-type]

    (tmp_path / "no.mp4").write_bytes(b"nothing")
    for change, message in (
        ({"image": None}, "needs an image or a video"),
        ({"image": tmp_path / "no.mp4"}, "cannot decode"),
        ({"task": "dubbing", "video": clip_file, "frames": 9}, "longer than the clip"),
        (
            {"task": "dubbing", "video": clip_file, "frames": FRAMES + 20},
            f"has {FRAMES} frames, {FRAMES + 20} are needed: a longer video, or --frames {FRAMES}$",
        ),
        ({"task": "audio_driven", "audio": clip_file, "frames": 5}, "the audio lasts"),
    ):
        with pytest.raises(ValueError, match=message):
            encode(text(**change), PARAMS, codecs, model.device)
    with pytest.raises(ValueError, match="4n"):
        text(frames=12)
    with pytest.raises(ValueError, match="even sides"):
        write_clip(
            tmp_path / "x.mp4",
            torch.zeros(1, 3, 4, 3, dtype=torch.uint8),
            torch.zeros(9, dtype=torch.int16),
            16,
        )


@pytest.mark.parametrize(
    ("height", "width", "fits"), [(3, 300, 0), (300, 3, 0), (64, 257, 0), (64, 256, 1), (1, 1, 1)]
)
def test_a_picture_beyond_the_limits_is_one_line_that_names_them(
    codecs: Codecs, model: UniAVGen, clip_file: Path, tmp_path: Path, height: int, width: int, fits: int
) -> None:
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
    script = Script("joint", "Hi.", "A face", image=path, frames=FRAMES)
    if fits:
        assert encode(script, PARAMS, codecs, model.device).size.width >= 4
        return
    said = rf"picture\.png is {width} x {height} pixels; the long side may be 4 times .* at most 50,000,000: crop"
    with pytest.raises(ValueError, match=said):
        encode(script, PARAMS, codecs, model.device)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    codecs: Codecs, model: UniAVGen, clip_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_limits, "MOST_PIXELS", 32 * 48 - 1)
    monkeypatch.setattr("reference_model.generate.read_frames", None)
    script = Script("joint", "Hi.", "A face", image=clip_file, frames=FRAMES)
    with pytest.raises(ValueError, match=r"is 48 x 32 pixels; .* at most 1,535: crop or shrink it"):
        encode(script, PARAMS, codecs, model.device)
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((8, 8, 3), np.uint8))
    dubbed = Script("dubbing", "Hi.", "A face", image=small, video=clip_file, frames=FRAMES)
    with pytest.raises(ValueError, match=r"given\.mp4 is 48 x 32 pixels"):
        encode(dubbed, PARAMS, codecs, model.device)


def test_a_video_of_more_pixels_than_can_be_held_is_refused_where_it_is_read(
    codecs: Codecs, model: UniAVGen, clip_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dubbed = Script("dubbing", "Hi.", "A face", video=clip_file, frames=FRAMES)
    monkeypatch.setattr(picture_limits, "MOST_HELD", FRAMES * 32 * 48)
    assert encode(dubbed, PARAMS, codecs, model.device).given_video is not None
    monkeypatch.setattr(picture_limits, "MOST_HELD", 4 * 32 * 48)
    said = r"given\.mp4: 5 frames of 48 x 32 are more than 6,144 pixels together: shrink or shorten it"
    with pytest.raises(ValueError, match=said):
        encode(dubbed, PARAMS, codecs, model.device)
    assert len(read_frames(clip_file, limit=4)) == 4
