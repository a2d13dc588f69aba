"""The model's loss: flow matching of both branches, and of the face masks where they are supervised."""

import torch
from torch import Tensor, nn

from reference_model.codecs.words import WordCaptions
from reference_model.conditions import Conditions
from reference_model.face_modulation import mask_loss
from reference_model.layers import Block
from reference_model.model import UniAVGen
from reference_model.training.batches import TrainingBatch

BESIDE = 2.0
"""Bias of queries and keys at the start, beside content of unit variance: letters at hand weigh six times the mean."""


class FlowLoss(nn.Module):
    """Model and caption encoder, from a batch to its loss (paper: dual-branch joint synthesis, training)."""

    def __init__(self, model: UniAVGen, captions: WordCaptions) -> None:
        super().__init__()
        self.model, self.captions = model, captions

    def forward(self, batch: TrainingBatch, mask_weight: float = 0.0) -> dict[str, Tensor]:
        """Mean squared error of the velocity, noise minus data, over what is not given.

        Scalars: `total` is trained, `video`, `audio` and `mask` are its parts where the step has them; `lips` is the
        error of the picture where the lips are. All but `total` once more under their task: `joint.audio`.
        """
        k, c = batch.given_frames, batch.given_tokens
        level = batch.time / 1000
        video = torch.lerp(batch.video, batch.video_noise, level[:, None, None, None, None])
        audio = torch.lerp(batch.audio, batch.audio_noise, level[:, None, None])
        given = Conditions(
            reference_image=batch.reference_image,
            caption=self.captions(batch.caption),
            speech=batch.speech,
            speech_lengths=batch.speech_lengths,
            given_video=batch.video[:, :, :k],
            reference_audio=batch.reference_audio,
            given_audio=batch.audio[:, :c] if c else None,
        )
        supervised = mask_weight > 0 and batch.wanted.video
        predicted = self.model(
            video,
            audio,
            batch.time,
            given,
            exchange=batch.exchange,
            wanted=batch.wanted,
            face_masks="all" if supervised else "needed",
        )
        parts: dict[str, Tensor] = {}
        told: dict[str, Tensor] = {}
        if predicted.video is not None:
            wanted = (batch.video_noise - batch.video)[:, :, k:]
            squares = (predicted.video[:, :, k:].float() - wanted).square()
            lips = batch.lips[:, None, k:]
            parts["video"] = (squares * (1 + batch.lips_weight * lips)).mean()
            told["lips"] = (squares.detach() * lips).mean() / lips.mean().clamp(min=1e-6)
        if predicted.audio is not None:
            wanted = (batch.audio_noise - batch.audio)[:, c:]
            parts["audio"] = (predicted.audio[:, c:].float() - wanted).square().mean()
        total = torch.stack(list(parts.values())).sum()
        if supervised:
            parts["mask"] = mask_loss(predicted.face_masks, batch.mask)
            total = total + mask_weight * parts["mask"]
        by_task = {f"{batch.task}.{name}": loss.detach() for name, loss in (parts | told).items()}
        return {"total": total, **parts, **told, **by_task}


def start(model: UniAVGen) -> None:
    """Set the weights from which training starts: Xavier, with silent interactions and output heads.

    Two unimodal models at first: what they say to each other grows from zero. Where the text is spread over the sound,
    queries and keys begin with the same bias, which turns with the place: a frame looks first at the letters beside it.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.xavier_uniform_(model.patch_embedding.weight.flatten(1))
    silent = [block.o for block in (*model.a2v_blocks, *model.v2a_blocks)]
    for layer in (*silent, model.head.head, model.head_audio.head):
        assert isinstance(layer, nn.Linear)
        nn.init.zeros_(layer.weight)
    if model.params.speech_text.spread == "even":
        for block in model.audio_blocks:
            assert isinstance(block, Block)
            nn.init.constant_(block.cross_attn.q.bias, BESIDE)
            nn.init.constant_(block.cross_attn.k.bias, BESIDE)
