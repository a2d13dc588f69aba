"""Golden cases of the whole model: single passes, intermediate states, and the sampler of every task."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_model.aligner import a2v_windows, v2a_weights
from reference_model.conditions import Conditions, Exchange, Prediction
from reference_model.conformance_case import Case
from reference_model.denoise import Reuse, StepReport, denoise
from reference_model.golden import (
    Golden,
    compare,
    conditions_of,
    exchange_of,
    require_equal,
    skipped_layer,
)
from reference_model.guidance import MaCfg, Task, task_exchange
from reference_model.layers import embed_times
from reference_model.model import UniAVGen
from reference_model.pipeline import put_given
from reference_model.sampler import timesteps

FORWARD_TOLERANCE = 1e-4
SAMPLER_TOLERANCE = 2e-4
# bfloat16 cannot agree bit by bit: the release's own bfloat16 run is 0.1 away from its fp32 run.
ROUNDED_TOLERANCE = 0.2
ROUNDED_SAMPLER_TOLERANCE = 0.5

_TASKS: dict[str, Task] = {
    "avg": "joint",
    "ravg": "joint_ref_audio",
    "a2v": "audio_driven",
    "v2a": "dubbing",
}


def forward_case(golden: Golden, inputs: Mapping[str, Tensor], model: UniAVGen, prefix: str = "") -> Case:
    """One pass: both velocities, the reference frame, and every face mask."""
    prediction = _predict(golden, inputs, model, prefix)
    rounded = model.dtype != torch.float32
    return _compare_pass(
        golden.name,
        ROUNDED_TOLERANCE if rounded else FORWARD_TOLERANCE,
        prediction,
        golden.tensors,
        note="bfloat16" if rounded else "",
    )


def _predict(golden: Golden, inputs: Mapping[str, Tensor], model: UniAVGen, prefix: str) -> Prediction:
    flags = golden.metadata["flags"]
    conditions = conditions_of(inputs, flags.get("video_cond", 1), flags.get("audio_cond", 0), prefix)
    prediction: Prediction = model(
        inputs[f"{prefix}video"],
        inputs[f"{prefix}audio"][None],
        inputs[f"{prefix}t"].float(),
        conditions,
        exchange=exchange_of(flags),
        skip_layer=skipped_layer(flags.get("slg")),
        face_masks="all",
    )
    return prediction


def _compare_pass(
    name: str, tolerance: float, prediction: Prediction, golden: Mapping[str, Tensor], note: str = ""
) -> Case:
    masks = sorted(
        (key for key in golden if re.fullmatch(r"face_mask_\d+", key)), key=lambda key: int(key[10:])
    )
    if len(masks) != len(prediction.face_masks):
        return require_equal(f"{name}.face_masks", len(prediction.face_masks), len(masks))
    pairs = [(_with_reference(prediction)[0], golden["out_video"])]
    if prediction.audio is not None:
        pairs.append((prediction.audio, golden["out_audio"]))
    for found, key in zip(prediction.face_masks, masks, strict=True):
        pairs.append((found[0].flatten(1)[..., None], golden[key]))
    return compare(name, tolerance, *pairs, note=note)


def _with_reference(prediction: Prediction) -> Tensor:
    assert prediction.video is not None and prediction.reference_frame is not None
    return torch.cat((prediction.reference_frame, prediction.video), dim=2)


def trace_cases(golden: Golden, model: UniAVGen) -> Iterator[Case]:
    """The outputs of embeddings, blocks and layers inside one pass."""
    states: dict[str, Tensor] = {}
    hooks = []
    for trace, name in _traced(model):

        def keep(_: nn.Module, inputs: Any, output: Tensor, trace: str = trace) -> None:
            states[trace] = output
            states[f"{trace}.in"] = inputs[0]

        hooks.append(model.get_submodule(name).register_forward_hook(keep))
    prediction = _predict(golden, golden.tensors, model, "in.")
    for hook in hooks:
        hook.remove()
    yield _compare_pass(golden.name, FORWARD_TOLERANCE, prediction, golden.tensors)
    time = golden.tensors["in.t"]
    for suffix, width in (("", 2), ("_audio", 1)):
        times = torch.stack((torch.zeros_like(time), time), dim=1)[:, -width:]
        embedding = getattr(model, f"time_embedding{suffix}")
        projection = getattr(model, f"time_projection{suffix}")
        rows, blocks = embed_times(times, model.params.frequency, embedding, projection)
        states[f"time_embedding{suffix}"], states[f"time_projection{suffix}"] = rows, blocks.flatten(2)
    clean = 1 + golden.metadata["flags"].get("video_cond", 1)
    states.update(_exchanged(golden, model, prediction, states, clean))
    for key, tensor in sorted(golden.tensors.items()):
        if not key.startswith("tr."):
            continue
        found = states.get(key.removeprefix("tr."))
        if found is None:
            yield Case(f"{golden.name}.{key}", math.inf, FORWARD_TOLERANCE, "not reproduced")
            continue
        if key in ("tr.time_embedding", "tr.time_projection"):
            # The golden has a row per frame, we have one for clean and one for noisy frames.
            row = (torch.arange(tensor.shape[1]) >= clean).long()
            found = found[:, row]
        if key.startswith("tr.a2v_update"):
            # Given frames drop their update, so no later state tells it.
            tensor = tensor[:, -found.shape[1] :]
        yield compare(f"{golden.name}.{key}", FORWARD_TOLERANCE, (found, tensor))


def _exchanged(
    golden: Golden, model: UniAVGen, prediction: Prediction, states: Mapping[str, Tensor], clean: int
) -> dict[str, Tensor]:
    """Norms of the first blocks, contexts and updates of the interaction, told from the states around them."""
    interaction = model.params.interaction
    frames, tokens = golden.tensors["in.video"].shape[2], golden.tensors["in.audio"].shape[0]
    windows = a2v_windows(frames, tokens, "ati", "released", interaction.window)
    weights = v2a_weights(frames, tokens, "ati", "released").float()
    found: dict[str, Tensor] = {}
    for name in ("video_block_0", "audio_block_0"):
        after_text = states[f"{name}.norm3.in"] + states[f"{name}.cross_attn"]
        for norm, state in (("norm1", states[f"{name}.in"]), ("norm2", after_text)):
            found[f"{name}.{norm}"] = functional.layer_norm(state, state.shape[-1:], eps=model.params.eps)
    for index, layer in enumerate(interaction.layers):
        video, audio = states[f"video_block_{layer}"], states[f"audio_block_{layer}"][:, -tokens:]
        patches = video.shape[1] // (frames + 1)
        seen = torch.unflatten(video[:, patches:], 1, (frames, patches))
        seen = seen * prediction.face_masks[index].flatten(2)[..., None]
        found[f"a2v_context_{index}"] = audio[:, windows.index]
        found[f"v2a_context_{index}"] = torch.einsum("sf,bfnc->bsnc", weights, seen)
        if layer + 1 < model.params.layers:
            later_video = states[f"video_block_{layer + 1}.in"] - video
            later_audio = states[f"audio_block_{layer + 1}.in"][:, -tokens:] - audio
            found[f"a2v_update_{index}"] = later_video[:, clean * patches :]
            found[f"v2a_update_{index}"] = later_audio
    return found


def _traced(model: UniAVGen) -> Iterator[tuple[str, str]]:
    for name in ("patch_embedding", "audio_embedding", "text_embedding", "text_embedding_video", "text_proj"):
        yield name, name
    for branch, modules in (("video", "blocks"), ("audio", "audio_blocks")):
        for layer in range(model.params.layers):
            yield f"{branch}_block_{layer}", f"{modules}.{layer}"
        for part in ("self_attn", "cross_attn", "ffn", "norm3"):
            yield f"{branch}_block_0.{part}", f"{modules}.0.{part}"


@dataclass(frozen=True)
class _Run:
    conditions: Conditions
    video: Tensor
    audio: Tensor
    steps: tuple[StepReport, ...]


def sampler_cases(golden: Golden, model: UniAVGen) -> Iterator[Case]:
    """A sampling run: the flags of every pass, kept velocities and latents, and the final clip.

    A second run with everything reused has to give the same clip.
    """
    tensors, rounded = golden.tensors, model.dtype != torch.float32
    tolerance = ROUNDED_SAMPLER_TOLERANCE if rounded else SAMPLER_TOLERANCE
    plain = _sample(golden, model, Reuse(given="always", passes="apart"))
    yield require_equal(f"{golden.name}.calls", _calls(plain), _golden_calls(golden))
    pairs = [(plain.video, tensors["final_video"]), (plain.audio, tensors["final_audio"])]
    for report in plain.steps:
        for which, prediction in zip(("cond", "null"), report.predictions, strict=True):
            key = f"step{report.step}.{which}.v_"
            if f"{key}video" in tensors:
                assert prediction.audio is not None
                pairs.append((_with_reference(prediction)[0], tensors[f"{key}video"]))
                pairs.append((prediction.audio, tensors[f"{key}audio"]))
        if f"step{report.step}.latent_video_in" in tensors:
            pairs.append((report.video, tensors[f"step{report.step}.latent_video_in"]))
            pairs.append((report.audio[0], tensors[f"step{report.step}.latent_audio_in"]))
    yield compare(golden.name, tolerance, *pairs, note="bfloat16" if rounded else "")
    reused = _sample(golden, model, Reuse())
    video, audio = put_given(reused.video, reused.audio, reused.conditions)
    final_audio = tensors.get("final_audio_overwritten", tensors["final_audio"])
    yield compare(
        f"{golden.name}.reused", tolerance, (video, tensors["final_video_overwritten"]), (audio, final_audio)
    )


def _sample(golden: Golden, model: UniAVGen, reuse: Reuse) -> _Run:
    data, tensors = golden.metadata, golden.tensors
    conditions = conditions_of(tensors, data["video_cond"], data["audio_cond"], "in.")
    negative = conditions_of(tensors, data["video_cond"], data["audio_cond"], "in.", negative=True)
    guidance = MaCfg(
        scale_video=data["video_guidance_scale"],
        scale_audio=data["audio_guidance_scale"],
        share=data["macfg_prop"],
        skip_layer=skipped_layer(data["slg"]),
    )
    seen: list[StepReport] = []
    video, audio = denoise(
        model,
        tensors["in.noise_video"],
        tensors["in.noise_audio"],
        conditions,
        negative,
        task_exchange(_TASKS[data["task"]], "released"),
        guidance,
        timesteps(data["steps"], data["shift"], model.dtype),
        reuse,
        seen.append,
    )
    return _Run(conditions, video, audio, tuple(replace(report) for report in seen))


def _calls(run: _Run) -> list[tuple[int, float, Exchange, int | None]]:
    return [
        (report.step, float(report.time), planned.exchange, planned.skip_layer)
        for report in run.steps
        for planned in report.passes
    ]


def _golden_calls(golden: Golden) -> list[tuple[int, float, Exchange, int | None]]:
    calls = golden.metadata["calls"]
    return [(c["step"], c["t"], exchange_of(c), skipped_layer(c.get("slg"))) for c in calls]
