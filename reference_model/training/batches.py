"""The batch of a step: everything random about it follows from the seed, the stage and the step.

So a step is the same after a restart and on any number of processes: each draws the whole batch and takes its rows.
"""

import random
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from reference_model.codecs.speech_text import SpeechVocabulary, encode_no_speech
from reference_model.codecs.words import WordCaptions
from reference_model.conditions import Exchange, Wanted, pad_rows
from reference_model.generate import speech_room
from reference_model.guidance import Task, task_exchange
from reference_model.params import ModelParams
from reference_model.training.clips import EncodedClips, speech_ids
from reference_model.training.config import ModelStage
from reference_model.training.encode import FULL

REFERENCE_STEP = 25
"""Reference voices are padded with silence to a multiple of so many tokens: few sizes, few layouts."""


@dataclass(frozen=True)
class Share:
    """Which rows of a batch a process takes: `rank` of `world`."""

    rank: int = 0
    world: int = 1

    def of(self, batch: int) -> slice:
        """Its rows. ValueError if the batch does not divide."""
        if batch % self.world:
            raise ValueError(f"a batch of {batch} does not divide among {self.world} processes")
        part = batch // self.world
        return slice(self.rank * part, (self.rank + 1) * part)


@dataclass(frozen=True)
class TrainingBatch:
    """B clips with their noise, one task for all.

    video, video_noise `[B, C, F, H, W]`; audio, audio_noise `[B, S, 80]`; time `[B]` (0..1000); reference_image
    `[B, C, 1, H, W]`; reference_audio `[B, R, 80]` or None; caption, speech: ids, padded with -1; mask `[B, F, h, w]`,
    lips `[B, F, H, W]`: shares of faces and lips; lips_weight: how much more lips count than other parts of a picture.
    The first `given_frames` latent frames and `given_tokens` mel frames are given.
    """

    task: Task
    exchange: Exchange
    wanted: Wanted
    given_frames: int
    given_tokens: int
    video: Tensor
    audio: Tensor
    video_noise: Tensor
    audio_noise: Tensor
    time: Tensor
    reference_image: Tensor
    reference_audio: Tensor | None
    caption: Tensor
    speech: Tensor
    speech_lengths: Tensor
    mask: Tensor
    lips: Tensor
    lips_weight: float = 0.0

    def to(self, device: torch.device) -> "TrainingBatch":
        """The same batch elsewhere."""
        moved = {
            f.name: value.to(device, non_blocking=True)
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), Tensor)
        }
        return replace(self, **moved)  # type: ignore[arg-type]


@dataclass(frozen=True)
class BatchMaker:
    """Draws batches from clips; `device` is where noise is drawn and batches go."""

    clips: EncodedClips
    params: ModelParams
    captions: WordCaptions
    vocabulary: SpeechVocabulary
    seed: int
    device: torch.device

    def make(
        self, stage: ModelStage, number: int, step: int, share: Share, task: Task | None = None
    ) -> TrainingBatch:
        """The rows of one process of the batch of a step; `task` None draws one by the stage's shares."""
        draw = random.Random(f"{self.seed} {number} {step}")
        drawn = draw.choices(list(stage.tasks), list(stage.tasks.values()))[0]
        task = task or drawn
        mine = share.of(stage.batch)
        everyone = self._rows(stage, number, step)
        rows = everyone[mine]
        plain = task_exchange(task, "paper").conditional
        alone = draw.random() < stage.drop.interaction or stage.branches == "audio"
        given_frames, given_tokens = self._given(task, draw)
        other_picture = draw.random() < 0.5
        generator = torch.Generator(self.device).manual_seed(draw.getrandbits(62))

        def noise(like: Tensor) -> Tensor:
            whole = torch.randn(stage.batch, *like.shape[1:], generator=generator, device=self.device)
            return whole[mine]

        clips = self.clips
        video, audio = clips.latents[rows].float(), clips.mel[rows].float()
        # Where the video is given, its person may be shown by another picture, as the suite's samples do.
        shown = (
            clips.reference_latent[rows].float() if given_frames > 1 and other_picture else video[:, :, :1]
        )
        voices = self._voices(rows, everyone) if task == "joint_ref_audio" else None
        captions, speech = self._texts(stage, rows, draw, mine, voices)
        lengths = torch.tensor([len(ids) for ids in speech])
        batch = TrainingBatch(
            task=task,
            exchange=Exchange.NONE if alone else plain,
            wanted=_wanted(stage, given_frames == video.shape[2], given_tokens == audio.shape[1]),
            given_frames=given_frames,
            given_tokens=given_tokens,
            video=video,
            audio=audio,
            video_noise=noise(video),
            audio_noise=noise(audio),
            time=self._times(stage, draw)[mine],
            reference_image=shown,
            reference_audio=voices,
            caption=pad_rows(captions, fill=-1),
            speech=pad_rows(speech, fill=-1),
            speech_lengths=lengths,
            mask=clips.mask[rows].float() / FULL,
            lips=clips.lips[rows].float() / FULL,
            lips_weight=stage.lips,
        )
        return batch.to(self.device)

    def _rows(self, stage: ModelStage, number: int, step: int) -> Tensor:
        """Clips of a step: one after the other through an order that is new in every round."""
        first, count = step * stage.batch, len(self.clips)
        rounds = sorted({(first + i) // count for i in range(stage.batch)})
        orders = {
            r: torch.randperm(count, generator=torch.Generator().manual_seed(_mix(self.seed, number, r)))
            for r in rounds
        }
        places = [(first + i) for i in range(stage.batch)]
        return torch.stack([orders[place // count][place % count] for place in places])

    def _given(self, task: Task, draw: random.Random) -> tuple[int, int]:
        frames, tokens = self.clips.latents.shape[2], self.clips.mel.shape[1]
        if task == "continuation":
            k = draw.randint(2, max(2, frames // 2))
            return k, min(self.params.audio_tokens(k), tokens - 1)
        if task == "dubbing":
            return frames, 0
        # The reference picture is also the first frame.
        return 1, tokens if task == "audio_driven" else 0

    def _times(self, stage: ModelStage, draw: random.Random) -> Tensor:
        generator = torch.Generator().manual_seed(draw.getrandbits(62))
        if stage.times.draw == "uniform":
            u = torch.rand(stage.batch, generator=generator)
        else:
            u = torch.sigmoid(torch.randn(stage.batch, generator=generator))
        s = stage.times.shift
        return 1000 * (s * u / (1 + (s - 1) * u))

    def _texts(
        self, stage: ModelStage, rows: Tensor, draw: random.Random, mine: slice, voices: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        texts, captions, speech = self.clips.texts, [], []
        left_out = [
            (draw.random() < stage.drop.caption, draw.random() < stage.drop.speech)
            for _ in range(stage.batch)
        ]
        for row, (no_caption, no_speech) in zip(rows.tolist(), left_out[mine], strict=True):
            reference = None if voices is None else texts.reference_text[row]
            spoken = 0 if voices is None else int(self.clips.reference_tokens[row])
            room = 0 if voices is None else voices.shape[1]
            over = speech_room(self.params, self.clips.mel.shape[1], spoken, room)
            ids = self.captions.ids("" if no_caption else texts.caption[row])
            captions.append(torch.tensor(ids))
            speech.append(
                encode_no_speech(self.vocabulary, "en", reference, over=over).ids
                if no_speech
                else speech_ids(self.vocabulary, texts.speech[row], reference, over)
            )
        return captions, speech

    def _voices(self, rows: Tensor, everyone: Tensor) -> Tensor:
        # A row is padded as the whole batch needs it: the padding is heard, so it may not depend on the processes.
        longest = int(self.clips.reference_tokens[everyone].max())
        padded = -(-longest // REFERENCE_STEP) * REFERENCE_STEP
        return self.clips.reference_mel[rows, :padded].float()


def _wanted(stage: ModelStage, video_given: bool, audio_given: bool) -> Wanted:
    if stage.branches == "audio" or video_given:
        return Wanted.AUDIO
    return Wanted.VIDEO if audio_given else Wanted.BOTH


def _mix(*numbers: int) -> int:
    return random.Random(" ".join(map(str, numbers))).getrandbits(62)
