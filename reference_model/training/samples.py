"""Clips made while a model trains, to look at and to listen to."""

from dataclasses import replace
from pathlib import Path

import torch

from reference_model.codecs.griffin_lim import GriffinLimVocoder
from reference_model.codecs.mel import denormalise
from reference_model.codecs.nano_video import load_nano_video
from reference_model.codecs.preprocess import video_to_frames, waveform_to_int16
from reference_model.codecs.speech_text import SpeechVocabulary, encode_no_speech
from reference_model.generate import speech_room
from reference_model.guidance import NoGuidance
from reference_model.layout import Size
from reference_model.media import write_clip
from reference_model.nano_model import nano_sampling
from reference_model.pipeline import Request, sample
from reference_model.training.clips import EncodedClips, speech_ids
from reference_model.training.config import TrainModel
from reference_model.training.flow_loss import FlowLoss

SHOWN = 3
"""Clips per task."""


@torch.no_grad()
def write_samples(module: FlowLoss, clips: EncodedClips, recipe: TrainModel, folder: Path, step: int) -> None:
    """Write joint and audio-driven clips of the first people, without guidance."""
    codec, vocoder = load_nano_video(recipe.video_codec), GriffinLimVocoder()
    rows = range(min(SHOWN, len(clips)))
    requests = [_request(module, clips, row, driven) for driven in (False, True) for row in rows]
    usual = nano_sampling(recipe.sample_steps)
    made = sample(module.model, requests, replace(usual, guidance=NoGuidance()))
    for request, clip in zip(requests, made, strict=True):
        name = f"step-{step:06d}-{request.task}-{request.seed}.mp4"
        frames = video_to_frames(codec.decode(clip.video[None])[0])
        sound = waveform_to_int16(vocoder.decode(denormalise(clip.audio[None]))[0])
        write_clip(folder / name, frames, sound, clips.fps)


def _request(module: FlowLoss, clips: EncodedClips, row: int, driven: bool) -> Request:
    vocabulary = SpeechVocabulary.printable_ascii()
    latents, mel = clips.latents[row].float(), clips.mel[row].float()
    over = speech_room(module.model.params, len(mel))
    caption, nothing = module.captions.encode([clips.texts.caption[row], ""])
    return Request(
        task="audio_driven" if driven else "joint",
        size=Size(latents.shape[1], latents.shape[2], latents.shape[3], len(mel)),
        reference_image=latents[:, :1],
        caption=caption,
        negative_caption=nothing,
        speech=speech_ids(vocabulary, clips.texts.speech[row], None, over),
        negative_speech=encode_no_speech(vocabulary, "en", over=over).ids,
        given_audio=mel if driven else None,
        seed=row,
    )
