"""From files to a clip: codecs around the pipeline."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reference_model.codecs.caption import UMT5CaptionEncoder
from reference_model.codecs.interface import CaptionEncoder, VideoCodec, Vocoder
from reference_model.codecs.mel import denormalise, log_mel, normalise
from reference_model.codecs.preprocess import (
    frames_to_video,
    reference_waveform,
    rescale_peak,
    video_to_frames,
    waveform_to_int16,
)
from reference_model.codecs.sizes import SHORT_SIDE, generation_size, latent_frames
from reference_model.codecs.speech_text import (
    Language,
    Over,
    SpeechVocabulary,
    encode_no_speech,
    encode_speech,
)
from reference_model.codecs.video_vae import WanVideoVAE
from reference_model.codecs.vocoder import BigVGANVocoder
from reference_model.guidance import Task
from reference_model.layout import Size
from reference_model.media import read_frames, read_waveform
from reference_model.model import UniAVGen
from reference_model.params import ModelParams
from reference_model.picture_limits import check_picture
from reference_model.pipeline import Progress, Request, Sampling, sample

VIDEO_VAE = "Wan2.2_VAE.pth"
CAPTION_WEIGHTS = "models_t5_umt5-xxl-enc-bf16.pth"
CAPTION_TOKENIZER = "google/umt5-xxl"
VOCODER = "code2wav_bigvgan_model"
MOST_FRAMES = 4801
"""Five minutes at 16 per second."""

_FILES: dict[Task, set[str]] = {
    "joint": set(),
    "joint_ref_audio": {"reference_audio"},
    "continuation": {"video", "audio"},
    "dubbing": {"video"},
    "audio_driven": {"audio"},
}


@dataclass(frozen=True)
class Codecs:
    """What stands between media and the model; `short_side` is the side to which pictures are resized."""

    video: VideoCodec
    vocoder: Vocoder
    captions: CaptionEncoder
    vocabulary: SpeechVocabulary
    short_side: int = SHORT_SIDE


@dataclass(frozen=True)
class Script:
    """One clip to make, as files and texts.

    `image` may be missing where `video` is given: its first frame then serves. `frames` counts decoded frames, 4n + 1.
    `reference_speech` is the transcript of `reference_audio`.
    """

    task: Task
    speech: str
    caption: str
    image: Path | None = None
    video: Path | None = None
    audio: Path | None = None
    reference_audio: Path | None = None
    reference_speech: str | None = None
    language: Language = "en"
    negative_caption: str = ""
    frames: int = 81
    seed: int = 2025

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= MOST_FRAMES or (self.frames - 1) % 4:
            raise ValueError(f"frames must be 4n + 1 and at most {MOST_FRAMES}, got {self.frames}")
        if not -(2**63) <= self.seed < 2**64:
            raise ValueError(f"a seed is of 64 bits, got {self.seed}")
        if (self.reference_audio is None) != (self.reference_speech is None):
            raise ValueError("a reference audio goes with its transcript, and neither without the other")
        if self.task not in _FILES:
            raise ValueError(f"no task {self.task!r}; there are: {', '.join(_FILES)}")
        if self.image is None and self.video is None:
            raise ValueError(f"task {self.task} needs an image or a video")
        given = {name for name in ("video", "audio", "reference_audio") if getattr(self, name) is not None}
        if given != _FILES[self.task]:
            wants, has = (", ".join(sorted(names)) or "none" for names in (_FILES[self.task], given))
            raise ValueError(f"of video, audio and reference_audio task {self.task} takes {wants}; got {has}")


@dataclass(frozen=True)
class Clip:
    """A finished clip: frames `[T, H, W, 3]` uint8, 16-bit mono samples `[N]` at 24 kHz."""

    frames: Tensor
    samples: Tensor


def official_codecs(folder: Path, vocabulary: Path, device: torch.device | str = "cpu") -> Codecs:
    """The release's codecs from its checkpoint folder; the speech vocabulary is a file of its own.

    FileNotFoundError names what the folder lacks, before any of it is read; MissingExtraError if a library of the
    extra `full` is not installed.
    """
    wanted = (
        folder / VIDEO_VAE,
        folder / CAPTION_WEIGHTS,
        folder / CAPTION_TOKENIZER,
        folder / VOCODER,
        vocabulary,
    )
    if absent := [str(path) for path in wanted if not path.exists()]:
        raise FileNotFoundError(f"codecs need {', '.join(absent)}")
    return Codecs(
        video=WanVideoVAE.from_pth(folder / VIDEO_VAE).to(device),
        vocoder=BigVGANVocoder.from_folder(folder / VOCODER).to(device),
        captions=UMT5CaptionEncoder.from_files(
            folder / CAPTION_WEIGHTS, folder / CAPTION_TOKENIZER, device=device
        ),
        vocabulary=SpeechVocabulary.from_file(vocabulary),
    )


def encode(script: Script, params: ModelParams, codecs: Codecs, device: torch.device) -> Request:
    """A script as tensors; the video codec runs on `device`.

    ValueError if a file cannot be read, is too long or beyond the limits of pictures, or the task lacks something.
    """
    frames = latent_frames(script.frames)
    tokens = params.audio_tokens(frames)
    video, image = _pictures(script, params, codecs, device)
    caption, negative_caption = codecs.captions.encode([script.caption, script.negative_caption])
    vocabulary, language, reference = codecs.vocabulary, script.language, script.reference_speech
    reference_audio = given_audio = None
    if script.reference_audio is not None:
        reference_audio = _mel(reference_waveform(read_waveform(script.reference_audio)))
    if script.audio is not None:
        given_audio = _mel(rescale_peak(read_waveform(script.audio)))
        if len(given_audio) > tokens and script.task == "audio_driven":
            raise ValueError(f"the audio lasts {len(given_audio)} mel frames, the clip {tokens}")
    over = speech_room(params, tokens, 0 if reference_audio is None else len(reference_audio))
    return Request(
        task=script.task,
        size=Size(frames, image.shape[2], image.shape[3], tokens),
        reference_image=image,
        caption=caption,
        negative_caption=negative_caption,
        speech=encode_speech(vocabulary, script.speech, language, reference, over=over).ids,
        negative_speech=encode_no_speech(vocabulary, language, reference, over=over).ids,
        given_video=video,
        reference_audio=reference_audio,
        given_audio=given_audio,
        seed=script.seed,
    )


def speech_room(params: ModelParams, tokens: int, reference: int = 0, room: int = 0) -> Over | None:
    """Over how many positions a model's texts are spread, for so many audio tokens; None: not at all."""
    return Over(tokens, reference, room) if params.speech_text.spread == "even" else None


def _pictures(
    script: Script, params: ModelParams, codecs: Codecs, device: torch.device
) -> tuple[Tensor | None, Tensor]:
    source = script.image or script.video
    assert source is not None
    for path in (source, script.video or source):
        check_picture(path)
    first = read_frames(source, limit=1)
    multiple = codecs.video.spatial_factor * params.patch[1]
    size = generation_size(first.shape[1], first.shape[2], "exact", codecs.short_side, multiple)
    image = codecs.video.encode(frames_to_video(first, size=size)[None].to(device))[0]
    if script.video is None:
        return None, image
    shown = read_frames(script.video, limit=script.frames + 1)
    if len(shown) > script.frames:
        raise ValueError(
            f"{script.video} is longer than the clip's {script.frames} frames: shorten it, or more --frames"
        )
    if script.task == "dubbing" and len(shown) < script.frames:
        has = "1 frame" if len(shown) == 1 else f"{len(shown)} frames"
        fits = 1 + 4 * ((len(shown) - 1) // 4)
        raise ValueError(
            f"{script.video} has {has}, {script.frames} are needed: a longer video, or --frames {fits}"
        )
    return codecs.video.encode(frames_to_video(shown, size=size)[None].to(device))[0], image


def _mel(waveform: Tensor) -> Tensor:
    return normalise(log_mel(waveform[None]))[0]


def generate(
    model: UniAVGen,
    codecs: Codecs,
    script: Script,
    sampling: Sampling | None = None,
    progress: Progress | None = None,
) -> Clip:
    """Make one clip. Errors as `encode`; ValueError too where what was sampled is not finite."""
    made = sample(model, [encode(script, model.params, codecs, model.device)], sampling, progress)[0]
    if wrong := [name for name in ("video", "audio") if not getattr(made, name).isfinite().all()]:
        raise ValueError(
            f"the sampled {' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not finite: the weights hold "
            "such values, or the guidance scale is too large for them"
        )
    with torch.no_grad():
        video = codecs.video.decode(made.video[None].to(model.device))[0]
        waveform = codecs.vocoder.decode(denormalise(made.audio[None].to(model.device)))[0]
    return Clip(video_to_frames(video.cpu()), waveform_to_int16(waveform.cpu()))
