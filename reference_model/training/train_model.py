"""The objective `model`: UniAVGen on encoded clips, in stages."""

import copy
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from reference_model.atomic import write_whole
from reference_model.checkpoint import PARAMS, WEIGHTS
from reference_model.codecs.speech_text import SpeechVocabulary
from reference_model.codecs.words import WordCaptions, load_words, vocabulary_of, words_header
from reference_model.model import UniAVGen
from reference_model.nano_model import CAPTIONS, VARIANT
from reference_model.params import read_params, write_params
from reference_model.training.batches import BatchMaker, Share
from reference_model.training.clips import EncodedClips, read_clips
from reference_model.training.config import TrainModel
from reference_model.training.flow_loss import FlowLoss, start
from reference_model.training.objective import refuse_not_finite
from reference_model.training.origins import codec_key, require_init
from reference_model.training.samples import write_samples

VALIDATED = 8
"""Held-out clips that a validation takes, the same ones for every task."""


@dataclass(frozen=True)
class Begun:
    """The SHA-256 of the files that a run began from, as they were when it read them; empty where it had none."""

    weights: str = ""
    captions: str = ""


class TrainsModel:
    """An `Objective`."""

    def __init__(self, recipe: TrainModel, device: torch.device) -> None:
        """Read latents and starting weights.

        Raises:
            ValueError: what the recipe names is absent, or does not fit.
        """
        self._recipe, self._device = recipe, device
        require_init(recipe)
        key = codec_key(recipe.video_codec)
        params = recipe.model.params()
        clips = read_clips(recipe.latents, key, params)
        held_out = (
            None if recipe.validation_latents is None else read_clips(recipe.validation_latents, key, params)
        )
        self._begun = Begun()
        if recipe.init is None:
            torch.manual_seed(recipe.seed)
            model = UniAVGen(params)
            captions = WordCaptions(
                vocabulary_of(clips.texts.caption), params.caption_width, params.caption_length
            )
            start(model)
        else:
            model, captions, self._begun = _weights_of(recipe.init, params)
            if recipe.fresh:
                torch.manual_seed(recipe.seed)
                _begin_anew(model, recipe.fresh)
        data = (clips.content_key(), "" if held_out is None else held_out.content_key())
        self.data_key = " ".join((key, *data, self._begun.weights, self._begun.captions))
        self.module = FlowLoss(model, captions).to(device).train()
        vocabulary = SpeechVocabulary.printable_ascii()
        self._maker = BatchMaker(clips, params, captions, vocabulary, recipe.seed, device)
        self._held_out = held_out
        self._validation = (
            None
            if held_out is None
            else BatchMaker(held_out, params, captions, vocabulary, recipe.seed, device)
        )

    @property
    def clips(self) -> int:
        """How many clips are trained on."""
        return len(self._maker.clips)

    def inputs(self, stage: int, step: int, progress: float, share: Share) -> tuple[tuple[Any, ...], str]:
        """A batch and the weight of the masks' loss; the word is the task."""
        own = self._recipe.stages[stage]
        first, last = own.mask_weight
        batch = self._maker.make(own, stage, step, share)
        return (batch, first + (last - first) * progress), batch.task

    @torch.no_grad()
    def validate(self, weights: dict[str, Tensor]) -> dict[str, float]:
        """Losses of every task of the last stage on one batch, always the same one."""
        if self._validation is None or self._held_out is None:
            return {}
        own = self._recipe.stages[-1]
        batch = min(VALIDATED, len(self._held_out))
        fixed = own.model_copy(update={"batch": batch, "drop": own.drop.model_copy(update=_NOTHING)})
        found: dict[str, float] = {}
        for task in (task for task, share in own.tasks.items() if share > 0):
            made = self._validation.make(fixed, -1, 0, Share(), task)
            losses = torch.func.functional_call(self.module, weights, (made,))
            found |= {f"{task}.{name}": float(x) for name, x in losses.items() if name in ("video", "audio")}
        return found

    def show(self, weights: dict[str, Tensor], folder: Path, step: int) -> None:
        """Write clips of the first held-out samples, or of the first ones."""
        module = copy.deepcopy(self.module)
        module.load_state_dict(weights)
        clips: EncodedClips = self._held_out or self._maker.clips
        write_samples(module.eval(), clips, self._recipe, folder, step)

    def finish(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Write params and weights in fp16, or what of them was trained.

        Raises:
            ValueError: a tensor is not finite in fp16; nothing is written then.
        """
        tensors = {name.removeprefix("model."): t for name, t in weights.items() if name.startswith("model.")}
        words = {
            name.removeprefix("captions."): t for name, t in weights.items() if name.startswith("captions.")
        }
        tensors, words = _half(tensors), _half(words)
        refuse_not_finite(tensors | words, folder)
        write_params(self._maker.params, folder / PARAMS)
        if self._recipe.save == "trained":
            named = (b.removeprefix("model.") for stage in self._recipe.stages for b in stage.trainable)
            begin = tuple(dict.fromkeys(named))
            kept = {name: t for name, t in tensors.items() if name.startswith(begin)}
            header = {
                "params": _params_json(folder),
                "base": self._begun.weights,
                "captions": self._begun.captions,
                "trained": json.dumps(begin),
            }
            write_whole(folder / VARIANT, save(kept, metadata=header))
            return
        write_whole(folder / WEIGHTS, save(tensors))
        write_whole(folder / CAPTIONS, save(words, metadata=words_header(self.module.captions)))


_NOTHING = {"caption": 0.0, "speech": 0.0, "interaction": 0.0}


def _begin_anew(model: UniAVGen, prefixes: tuple[str, ...]) -> None:
    """Put the values that training starts from in place of tensors whose names in the module begin so."""
    begin = tuple(prefix.removeprefix("model.") for prefix in prefixes)
    other = UniAVGen(model.params)
    start(other)
    anew = {name: t for name, t in other.state_dict().items() if name.startswith(begin)}
    if unknown := [b for b in begin if not any(name.startswith(b) for name in anew)]:
        raise ValueError(f"fresh: no tensor of the model begins with {unknown[0]!r}")
    model.load_state_dict(anew, strict=False)


def _half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: (t.half() if t.is_floating_point() else t).cpu().contiguous() for name, t in tensors.items()
    }


def _params_json(folder: Path) -> str:
    return json.dumps(json.loads((folder / PARAMS).read_text(encoding="utf-8")))


def _weights_of(folder: Path, params: Any) -> tuple[UniAVGen, WordCaptions, Begun]:
    model = UniAVGen(params)
    there = read_params(folder / PARAMS)
    if (there.video, there.audio, there.layers) != (params.video, params.audio, params.layers):
        raise ValueError(f"init: {folder} holds a model of other sizes")
    # Hashed and loaded from one reading: the folder may be trained in meanwhile.
    content = (folder / WEIGHTS).read_bytes()
    try:
        model.load_state_dict({name: t.float() for name, t in load(content).items()})
    except SafetensorError as error:
        raise ValueError(f"init: {folder / WEIGHTS} is damaged ({error}); finish that run again") from error
    except RuntimeError as error:
        raise ValueError(f"init: {folder}: {error}") from error
    captions = load_words(folder / CAPTIONS, params.caption_width)
    begun = Begun(_sha256(content), _sha256((folder / CAPTIONS).read_bytes()))
    return model.requires_grad_(True), captions.requires_grad_(True), begun


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
