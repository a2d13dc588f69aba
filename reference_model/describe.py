"""What the model consists of, and what one pass of it costs."""

from dataclasses import dataclass

import torch

from reference_model.checkpoint import build_on_meta
from reference_model.conditions import Exchange
from reference_model.layout import Size, layout
from reference_model.params import ModelParams


@dataclass(frozen=True)
class Part:
    """One child of the model: its number of tensors and parameters."""

    name: str
    tensors: int
    parameters: int


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of one pass with batch 1, two per multiply-add; norms and softmax not counted.

    `released` is what the release's formulas spend on the same outputs: contexts projected per audio token, times
    embedded per video token, interactions computed even where they are off.
    """

    name: str
    here: float
    released: float


def parts(params: ModelParams) -> list[Part]:
    """The children of the model in the order of the state dict, largest groups whole; built without memory."""
    found: dict[str, Part] = {}
    for name, tensor in build_on_meta(params).state_dict().items():
        head = name.split(".")[0]
        old = found.get(head, Part(head, 0, 0))
        found[head] = Part(head, old.tensors + 1, old.parameters + tensor.numel())
    return list(found.values())


def pass_costs(
    params: ModelParams,
    size: Size,
    *,
    reference_tokens: int = 0,
    speech_length: int = 80,
    exchange: Exchange = Exchange.BOTH,
) -> list[Cost]:
    """Operations of one conditional pass, part by part (spec topic: performance notes)."""
    plan = layout(params, size, reference_tokens, torch.device("cpu"))
    d, a = params.video.width, params.audio.width
    patches = size.height * size.width // (params.patch[1] * params.patch[2])
    video, audio = (size.frames + 1) * patches, size.tokens + reference_tokens
    shown, caption = size.frames * patches, params.caption_length
    layers, exchanging = params.layers, len(params.interaction.layers)
    costs = [
        _same("video: linears", layers * _linears(video, d, params.video.ffn)),
        _same("video: self-attention", layers * _attention(video, video, d)),
        _same("video: captions", layers * (_attention(video, caption, d) + 2 * _linear(caption, d, d))),
        _same("audio: linears", layers * _linears(audio, a, params.audio.ffn)),
        _same("audio: self-attention", layers * _attention(audio, audio, a)),
        _same(
            "audio: speech", layers * (_attention(audio, speech_length, a) + 2 * _linear(speech_length, a, a))
        ),
    ]
    if params.interaction.a2v != "none":
        index = plan.a2v.index if plan.a2v is not None else torch.zeros(0, 0)
        queries = 2 * _linear(shown, d, d) + _attention(shown, index.shape[1], d)
        costs.append(
            Cost(
                "A2V",
                exchanging * (queries + 2 * _linear(size.tokens, a, d)) * exchange.a2v,
                exchanging * (queries + 2 * _linear(index.numel(), a, d)),
            )
        )
    if plan.v2a is not None:
        groups = plan.v2a.groups
        keys = patches if groups else shown
        asked = sum(group.query.numel() for group in groups) or size.tokens
        mixing = sum(2 * 2 * len(group.weights) * shown * a for group in groups)
        queries = 2 * _linear(size.tokens, a, a)
        # The release has no global interaction; its cost there is ours.
        rows = size.tokens * patches if groups else shown
        costs.append(
            Cost(
                "V2A",
                exchanging
                * (queries + 2 * _linear(shown, d, a) + mixing + _attention(asked, keys, a))
                * exchange.v2a,
                exchanging * (queries + 2 * _linear(rows, d, a) + _attention(size.tokens, keys, a)),
            )
        )
    times = _linear(1, params.frequency, d) + 7 * _linear(1, d, d)
    audio_times = _linear(1, params.frequency, a) + 7 * _linear(1, a, a)
    costs.append(Cost("times", 2 * (times + audio_times), video * times + audio_times))
    return costs


def _same(name: str, operations: float) -> Cost:
    return Cost(name, operations, operations)


def _linear(rows: int, inner: int, outer: int) -> float:
    return 2.0 * rows * inner * outer


def _attention(queries: int, keys: int, width: int) -> float:
    return 4.0 * queries * keys * width


def _linears(tokens: int, width: int, ffn: int) -> float:
    # Four projections of self-attention, query and output of cross-attention, two of the feed-forward.
    return 6 * _linear(tokens, width, width) + 2 * _linear(tokens, width, ffn)
