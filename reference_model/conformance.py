"""Every golden case of a folder: what the release computed, against what this package computes."""

import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import torch

from reference_model.checkpoint import load_official
from reference_model.codecs import conformance as codecs
from reference_model.codecs.extra import MissingExtraError
from reference_model.conformance_case import Case
from reference_model.conformance_model import forward_case, sampler_cases, trace_cases
from reference_model.conformance_parts import aligner_cases, rope_cases, speech_text_cases, timestep_cases
from reference_model.golden import params_of, read_golden, reading
from reference_model.model import UniAVGen

_PARTS = ("aligners", "rope_time", "timesteps", "speech_text_embedding")
_KINDS = ("fwd_", "bf16emu_", "trace_", "sampler_")
_SERVING = ("inputs_*", "tiny_model_*")


def cases(folder: Path, vocabulary: Path | None = None) -> Iterator[Case]:
    """Run all golden cases of a folder, those of the codecs last; sizes come from the files.

    `vocabulary` is the release's speech vocabulary, which a folder does not hold. A codec whose library is not
    installed is a failed case that names the extra. FileNotFoundError if the folder has no golden; ValueError if it
    holds cases of a model but not the model, or a file is damaged.
    """
    if not any(folder.glob("*.safetensors")):
        raise FileNotFoundError(f"{folder} holds no golden vectors (*.safetensors)")
    yield from model_cases(folder)
    try:
        yield from codecs.cases(folder, vocabulary)
    except MissingExtraError as error:
        yield Case("codecs", math.inf, 0.0, str(error))


def without_case(folder: Path) -> list[str]:
    """Names of the tensor files of a folder that no case reads, so that nothing is passed over in silence."""
    read = [f"{name}.safetensors" for name in (*_PARTS, *_SERVING)]
    known = [*read, *(f"{prefix}*.safetensors" for prefix in _KINDS), *codecs.FILES]
    return sorted(
        path.name
        for path in folder.glob("*.safetensors")
        if not any(fnmatchcase(path.name, pattern) for pattern in known)
    )


def model_cases(folder: Path) -> Iterator[Case]:
    """The cases of the model and its parts, file by file."""
    model = _small_model(folder)
    for path in sorted(folder.glob("*.safetensors")):
        with torch.no_grad(), reading(path):
            found = _file_cases(path, model)
        yield from found


def _file_cases(path: Path, model: UniAVGen | None) -> list[Case]:
    name = path.stem
    if name == "aligners":
        return list(aligner_cases(read_golden(path)))
    if name == "rope_time":
        return list(rope_cases(read_golden(path)))
    if name == "timesteps":
        return list(timestep_cases(read_golden(path)))
    if name != "speech_text_embedding" and not name.startswith(_KINDS):
        return []
    if model is None:
        raise ValueError(f"{path.parent} holds {path.name} but no model (tiny_model_*.safetensors)")
    golden = read_golden(path)
    if name == "speech_text_embedding":
        return list(speech_text_cases(golden, model))
    if name.startswith("fwd_"):
        inputs = read_golden(path.with_name(f"{golden.metadata['inputs']}.safetensors")).tensors
        return [forward_case(golden, inputs, model)]
    if name.startswith("trace_"):
        return list(trace_cases(golden, model))
    if name.startswith("bf16emu_"):
        return [forward_case(golden, golden.tensors, _rounded(model), "in.")]
    rounded = golden.tensors["in.noise_video"].dtype == torch.bfloat16
    return list(sampler_cases(golden, _rounded(model) if rounded else model))


def _small_model(folder: Path) -> UniAVGen | None:
    files = sorted(folder.glob("tiny_model_*.safetensors"))
    if len(files) > 1:
        raise ValueError(f"{folder} holds {len(files)} models, expected one")
    if not files:
        return None
    with reading(files[0]):
        golden = read_golden(files[0])
        return load_official(golden.tensors, params_of(golden.metadata))


def _rounded(model: UniAVGen) -> UniAVGen:
    state = {name: tensor.to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    return load_official(state, model.params)
