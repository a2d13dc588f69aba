"""The guided velocity field of a batch, with everything kept that the steps do not change."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from reference_model.conditions import Conditions, Memory, Prediction, Texts, Wanted, pad_rows
from reference_model.guidance import Guidance, Pass, Prompt, TaskExchange, combine, passes, scales
from reference_model.model import UniAVGen
from reference_model.sampler import euler


@dataclass(frozen=True)
class Reuse:
    """What may be saved at equal mathematics.

    `given`: `once` runs a branch that is given entirely once for all steps, `always` at every step. `passes`:
    `together` puts conditional and null pass in one batch where they run the same layers, `apart` never does.
    """

    given: Literal["once", "always"] = "once"
    passes: Literal["together", "apart"] = "together"


@dataclass(frozen=True)
class StepReport:
    """One step, for those who watch: its index and time, the latents that enter it, and its passes."""

    step: int
    time: Tensor
    video: Tensor
    audio: Tensor
    passes: tuple[Pass, ...]
    predictions: tuple[Prediction, ...]


Observer = Callable[[StepReport], None]


def denoise(
    model: UniAVGen,
    video: Tensor,
    audio: Tensor,
    conditions: Conditions,
    negative: Conditions,
    exchange: TaskExchange,
    guidance: Guidance,
    times: Tensor,
    reuse: Reuse | None = None,
    observe: Observer | None = None,
    face_masks: Literal["needed", "all"] = "needed",
) -> tuple[Tensor, Tensor]:
    """From noise `[B, 48, F, H, W]` and `[B, S, 80]` to latents, along times `[steps + 1]`.

    `negative` holds the texts of the null pass beside the same given parts. A modality that is given entirely is
    not stepped when it is run once; the caller puts what is given in place in any case.
    """
    field = _GuidedField(
        model, conditions, negative, exchange, guidance, len(times) - 1, reuse or Reuse(), observe, face_masks
    )
    return euler(field, video, audio, times)


class _GuidedField:
    """Velocities of one batch; keeps texts and memories for the length of one sampling."""

    def __init__(
        self,
        model: UniAVGen,
        conditions: Conditions,
        negative: Conditions,
        exchange: TaskExchange,
        guidance: Guidance,
        steps: int,
        reuse: Reuse,
        observe: Observer | None,
        face_masks: Literal["needed", "all"],
    ) -> None:
        self.model, self.exchange, self.guidance, self.steps = model, exchange, guidance, steps
        self.reuse, self.observe, self.face_masks = reuse, observe, face_masks
        self.conditions: dict[tuple[Prompt, ...], Conditions] = {
            ("positive",): conditions,
            ("negative",): negative,
        }
        self.texts: dict[tuple[Prompt, ...], Texts] = {}
        self.memories: dict[tuple[str, tuple[Prompt, ...], int | None], Memory] = {}

    def __call__(
        self, step: int, time: Tensor, video: Tensor, audio: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        planned = passes(self.guidance, self.exchange, step, self.steps)
        wanted = self._wanted(video, audio)
        if len({(p.exchange, p.skip_layer) for p in planned}) == 1 and self.reuse.passes == "together":
            both = self._run(planned, time, video, audio, wanted)
            predictions = _split(both, len(planned))
        else:
            predictions = tuple(self._run((p,), time, video, audio, wanted) for p in planned)
        if self.observe is not None:
            self.observe(StepReport(step, time, video, audio, planned, predictions))
        scale_video, scale_audio = scales(self.guidance)
        conditional, null = predictions[0], predictions[-1]
        return (
            _guided(conditional.video, null.video, scale_video),
            _guided(conditional.audio, null.audio, scale_audio),
        )

    def _wanted(self, video: Tensor, audio: Tensor) -> Wanted:
        given = self.conditions[("positive",)]
        video_given = given.given_frames == given.clean == video.shape[2]
        audio_given = given.given_tokens == audio.shape[1]
        if self.reuse.given == "always" or video_given == audio_given:
            return Wanted.BOTH
        return Wanted.AUDIO if video_given else Wanted.VIDEO

    def _run(
        self, planned: tuple[Pass, ...], time: Tensor, video: Tensor, audio: Tensor, wanted: Wanted
    ) -> Prediction:
        prompts = tuple(p.prompt for p in planned)
        repeated_video, repeated_audio = (x.repeat(len(planned), *[1] * (x.ndim - 1)) for x in (video, audio))
        conditions = self._conditions(prompts)
        if prompts not in self.texts:
            self.texts[prompts] = self.model.encode_texts(conditions)
        texts, exchange, skip = self.texts[prompts], planned[0].exchange, planned[0].skip_layer
        memory = Memory()
        if wanted is Wanted.AUDIO and exchange.v2a:
            memory = self._memory("video", prompts, skip, repeated_video, repeated_audio)
        if wanted is Wanted.VIDEO and exchange.a2v:
            memory = self._memory("audio", prompts, skip, repeated_video, repeated_audio)
        prediction: Prediction = self.model(
            repeated_video,
            repeated_audio,
            time.to(self.model.device, torch.float32).expand(len(repeated_video)),
            conditions,
            exchange=exchange,
            skip_layer=skip,
            wanted=wanted,
            texts=texts,
            memory=memory,
            face_masks=self.face_masks,
        )
        return prediction

    def _memory(
        self,
        branch: Literal["video", "audio"],
        prompts: tuple[Prompt, ...],
        skip: int | None,
        video: Tensor,
        audio: Tensor,
    ) -> Memory:
        key = (branch, prompts, skip)
        if key not in self.memories:
            conditions, texts = self._conditions(prompts), self.texts[prompts]
            self.memories[key] = self.model.remember(branch, video, audio, conditions, texts, skip)
        return self.memories[key]

    def _conditions(self, prompts: tuple[Prompt, ...]) -> Conditions:
        if prompts not in self.conditions:
            self.conditions[prompts] = stack([self.conditions[(prompt,)] for prompt in prompts])
        return self.conditions[prompts]


def stack(batches: list[Conditions]) -> Conditions:
    """Several batches of conditions as one; texts are padded to the longest and keep their lengths."""
    first = batches[0]

    def joined(parts: list[Tensor | None]) -> Tensor | None:
        present = [part for part in parts if part is not None]
        if not present:
            return None
        if len(present) != len(parts):
            raise ValueError("items of a batch have to be given the same parts")
        return torch.cat(present)

    lengths = [
        torch.full((len(b.speech),), b.speech.shape[1], device=b.speech.device)
        if b.speech_lengths is None
        else b.speech_lengths
        for b in batches
    ]
    return replace(
        first,
        reference_image=torch.cat([b.reference_image for b in batches]),
        caption=pad_rows([row for b in batches for row in b.caption]),
        speech=pad_rows([row for b in batches for row in b.speech], fill=-1),
        speech_lengths=torch.cat(lengths),
        given_video=joined([b.given_video for b in batches]),
        reference_audio=joined([b.reference_audio for b in batches]),
        given_audio=joined([b.given_audio for b in batches]),
    )


def _guided(conditional: Tensor | None, null: Tensor | None, scale: float) -> Tensor | None:
    if conditional is None or null is None or conditional is null:
        return conditional
    return combine(conditional, null, scale)


def _split(prediction: Prediction, parts: int) -> tuple[Prediction, ...]:
    def chunks(x: Tensor | None) -> list[Tensor | None]:
        return [None] * parts if x is None else list(x.chunk(parts))

    videos, references, audios = (
        chunks(x) for x in (prediction.video, prediction.reference_frame, prediction.audio)
    )
    masks = [tuple(mask.chunk(parts)[i] for mask in prediction.face_masks) for i in range(parts)]
    return tuple(Prediction(videos[i], references[i], audios[i], masks[i]) for i in range(parts))
