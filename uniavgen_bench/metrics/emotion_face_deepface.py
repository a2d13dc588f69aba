"""`emotion.face[deepface@1]`: the emotion network of DeepFace, through the package deepface (an extra)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64, UInt8
from uniavgen_bench.core.errors import NotInstalledError
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import MetricSpec, Tier
from uniavgen_bench.metrics.emotion_face_chip import LOOKS_PER_SECOND, face_chips
from uniavgen_bench.metrics.emotion_face_reading import (
    LABELS,
    MIN_LOOKS,
    NEEDS,
    FaceReading,
    checked_reading,
    face_fields,
    measured,
)
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

WEIGHT, EXTRA = "deepface-emotion", "deepface"
PACKAGES = ("deepface", "h5py")
SIDE = 224
SCALE = 1.0
"""DeepFace cuts boxes of its detector, from brow to chin, without a margin."""
LAYERS = ("conv_1", "conv_2", "conv_3", "conv_4", "conv_5", "fc_1", "fc_2", "fc_3")
"""Of the package's PyTorch network, in the order in which the released file lists its layers."""
DEEPFACE_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

SPEC = MetricSpec(
    id="emotion.face",
    version=1,
    protocol="deepface",
    title="Emotion of the face (DeepFace)",
    summary="Probability of seven emotions at eight looks per second, by DeepFace's network on the speaker's face.",
    fields=face_fields(),
    needs=NEEDS,
    sample_needs=("facts",),
    weights=(WEIGHT,),
    extra=EXTRA,
    tier=Tier.PAPER,
    licence="package deepface and its emotion weights: MIT",
    source="Serengil and Ozpinar, HyperExtended LightFace (ICEET 2021), package deepface; network trained on FER2013",
    deviations=(
        "Network and its input (48 px, grey, 0 … 1) are the package's own, with its PyTorch engine; the released Keras "
        "file is converted to it here, layer by layer, so that TensorFlow is not needed.",
        "Faces come from the suite's shared pass, upright by their landmarks, squares instead of DeepFace's padded "
        "boxes; the package's detectors are not run.",
        f"Looked at {LOOKS_PER_SECOND:g} times a second.",
        "The checksum of the weights is that of three public mirrors; the released file itself was not seen by us, so "
        "the numbers of real weights were not checked.",
    ),
    not_for=(
        "what a person feels: it reads a face's looks",
        "single looks, faces in profile, or under about 40 px",
        "drawn faces: not measured",
    ),
)


def keras_arrays(path: Path) -> list[np.ndarray]:
    """Return kernels and biases of a Keras weights file in the order of its layers.

    Raises:
        ValueError: it is no such file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            arrays = []
            for layer in root.attrs["layer_names"]:
                group = root[_text(layer)]
                arrays += [np.asarray(group[_text(name)]) for name in group.attrs["weight_names"]]
    except (OSError, KeyError) as error:
        raise ValueError(f"{path.name} is no Keras weights file") from error
    return arrays


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def as_torch(arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the state of the package's PyTorch network: kernels [H, W, I, O] and [I, O] turned to [O, I, …].

    Raises:
        ValueError: another number of arrays than that of its eight layers.
    """
    if len(arrays) != 2 * len(LAYERS):
        raise ValueError(f"{len(arrays)} arrays instead of {2 * len(LAYERS)}")
    state = {}
    for i, name in enumerate(LAYERS):
        kernel, bias = arrays[2 * i], arrays[2 * i + 1]
        axes = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
        state[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(axes), np.float32)
        state[f"{name}.bias"] = np.ascontiguousarray(bias, np.float32)
    return state


def load_client(path: Path) -> Any:
    """Return the package's own client, with the converted weights; it asks no network and reads no other file.

    Raises:
        MissingError: `not_installed` without the extra; `weights` where the file does not fit.
    """
    check_installed()
    import torch
    from deepface.models.demography.pytorch.Emotion import EmotionClient, EmotionModel, labels

    if tuple(labels) != DEEPFACE_LABELS:
        raise MissingError(Reason.FAILED, f"this deepface has other classes: {', '.join(labels)}")
    network = EmotionModel()
    try:
        state = {name: torch.from_numpy(array) for name, array in as_torch(keras_arrays(path)).items()}
        network.load_state_dict(state, strict=True)
    except (ValueError, RuntimeError) as error:
        raise MissingError(Reason.WEIGHTS, f"{path.name} does not fit: {str(error)[:200]}") from error
    # Its constructor would download weights that no manifest knows.
    client = EmotionClient.__new__(EmotionClient)
    client.model_name, client.device, client.model = "Emotion", torch.device("cpu"), network.eval()
    return client


def check_installed() -> None:
    """Raise `MissingError(not_installed)` that names the extra when a package is absent."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingError(
                Reason.NOT_INSTALLED, str(NotInstalledError(f"the package {package}", extra=EXTRA))
            )


def shares_of(client: Any, chips: Sequence[UInt8]) -> Float64:
    """Return the probability of each of `LABELS` [m, 7] for chips [224, 224, 3] RGB."""
    inputs = [np.ascontiguousarray(chip[..., ::-1]).astype(np.float32) / 255.0 for chip in chips]
    shares: Float64 = np.asarray(client.predict(inputs), np.float64).reshape(len(chips), len(LABELS))
    return shares


def read_face(clip: ClipArtefacts, models: Models) -> FaceReading:
    """Look at the speaker's face.

    Raises:
        MissingError: `no_face`, `several_speakers`, `too_short`, `not_installed`, `weights`.
    """
    check_installed()
    client = models.get(WEIGHT, lambda: load_client(models.weight(WEIGHT)))
    times, chips = face_chips(clip, SIDE, SCALE)
    return checked_reading(times, shares_of(client, chips))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Read the emotion of the speaker's face over time."""
    return measured(read_face(clip, models), sample)


METRIC = Metric(
    SPEC, measure, params=(("scale", SCALE), ("looks", LOOKS_PER_SECOND), ("min_looks", MIN_LOOKS))
)
