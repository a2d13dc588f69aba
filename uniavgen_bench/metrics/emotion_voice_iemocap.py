"""`emotion.voice[iemocap@1]`: SpeechBrain's wav2vec2-IEMOCAP on the clip's sound, without SpeechBrain or torchaudio."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Float32, Float64
from uniavgen_bench.core import store
from uniavgen_bench.core.errors import NotInstalledError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.emotion_names import emotion_asked
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models
from uniavgen_bench.weights.search import SEARCH_VARIABLE, search_folders

if TYPE_CHECKING:
    from uniavgen_bench.metrics.iemocap_network import IemocapClassifier

FOLDER = "speechbrain-iemocap"
FILES = ("wav2vec2.ckpt", "model.ckpt")
LABELS = ("neutral", "angry", "happy", "sad")
HOME = "huggingface.co/speechbrain/emotion-recognition-wav2vec2-IEMOCAP"
MIN_SECONDS = 0.5
PIECE_SECONDS = 20
"""Longer sounds are read in equal pieces of at most this length: attention over minutes does not fit in memory."""


def _share(name: str, direction: Direction, meaning: str) -> FieldSpec:
    return FieldSpec(name=name, unit="probability", direction=direction, low=0.0, high=1.0, meaning=meaning)


SPEC = MetricSpec(
    id="emotion.voice",
    version=1,
    protocol="iemocap",
    title="Emotion of the voice (wav2vec2-IEMOCAP)",
    summary="Probability of neutral, angry, happy and sad by SpeechBrain's wav2vec 2.0 classifier of the whole sound.",
    fields=(
        _share(
            "asked",
            Direction.HIGHER,
            "probability of the emotion that the sample asks for; 0.25 = no idea. Missing where it asks for none of "
            "the four",
        ),
        *(_share(name, Direction.NONE, f"probability of {name}") for name in LABELS),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("facts",),
    extra="full",
    tier=Tier.PAPER,
    licence="weights: Apache-2.0 (SpeechBrain), trained on IEMOCAP, whose own licence is for research",
    source="Ravanelli et al., arXiv:2106.04624 (SpeechBrain), model emotion-recognition-wav2vec2-IEMOCAP of 19-10-21; "
    "wav2vec 2.0: Baevski et al., arXiv:2006.11477",
    deviations=(
        f"Unverified: the publisher's checksums are not known to us, so the files ({', '.join(FILES)} of {HOME}) are "
        f"given by hand in {FOLDER}/ of the weights folder or of {SEARCH_VARIABLE}; the hash of what was given is a "
        "parameter of every score.",
        "Layers and names were checked on random weights of the true shapes; the released numbers were not "
        "reproduced here.",
        "SpeechBrain's pooling adds noise of the order of 1e-5 to the mean; it is left out, so a clip scores the same "
        "every time.",
        f"Sound of more than {PIECE_SECONDS} s is read in equal pieces whose probabilities are averaged.",
        "A sound in which Silero VAD hears no speech has no score; the original classifies anything.",
    ),
    not_for=(
        "languages other than English, children, singing, music under the voice: IEMOCAP has ten English actors",
        "fear, surprise, disgust: there are four classes",
        "synthetic voices of the portrait world: not measured",
    ),
)


def weights_folder() -> Path | None:
    """Return the folder that holds both files, or None: the home's weights first, then the user's own folders."""
    for parent in (store.home() / "weights", *search_folders()):
        folder = parent / FOLDER
        if all((folder / name).is_file() for name in FILES):
            return folder
    return None


def settings() -> tuple[tuple[str, Any], ...]:
    """Return the hash of the files that are there now: it is part of a score's address."""
    folder = weights_folder()
    if folder is None:
        return (("weights", "absent"),)
    stats = [(folder / name).stat() for name in FILES]
    return (("weights", _hashes(folder, tuple((s.st_size, s.st_mtime_ns) for s in stats))),)


@lru_cache(maxsize=8)
def _hashes(folder: Path, stamp: tuple[tuple[int, int], ...]) -> str:
    """Hash the files once; `stamp` makes a changed file another question."""
    return " ".join(sha256_file(folder / name) for name in FILES)


def load_classifier(device: str) -> IemocapClassifier:
    """Load the network.

    Raises:
        MissingError: `not_installed` without the extra `full`; `weights` where the files are absent or do not fit.
    """
    if find_spec("transformers") is None:
        raise MissingError(Reason.NOT_INSTALLED, str(NotInstalledError("transformers", extra="full")))
    folder = weights_folder()
    if folder is None:
        raise MissingError(
            Reason.WEIGHTS,
            f"{' and '.join(FILES)} are not here (put those of {HOME} into {store.home() / 'weights' / FOLDER}/)",
        )
    from uniavgen_bench.metrics.iemocap_network import load_iemocap

    try:
        return load_iemocap(folder, device)
    except ValueError as error:
        raise MissingError(Reason.WEIGHTS, str(error)) from error


def classify(network: IemocapClassifier, samples: Float32, device: str) -> Float64:
    """Return the probability of each of `LABELS` [4] of a sound [N] at 16 kHz."""
    import torch

    pieces = np.array_split(samples, -(-len(samples) // (PIECE_SECONDS * SPEECH_RATE)))
    with torch.inference_mode():
        read = [
            network(torch.from_numpy(np.ascontiguousarray(piece, np.float32)).to(device)).cpu()
            for piece in pieces
        ]
    lengths = np.array([len(piece) for piece in pieces], np.float64)
    shares: Float64 = lengths @ np.stack([r.double().numpy() for r in read]) / lengths.sum()
    return shares


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Classify the clip's sound."""
    speech = clip.speech
    if len(clip.voice_activity.segments) == 0:
        raise MissingError(Reason.NO_SPEECH)
    seconds = len(speech.samples) / speech.rate
    if seconds < MIN_SECONDS:
        raise MissingError(Reason.TOO_SHORT, f"{seconds:.2f} s of sound, {MIN_SECONDS:g} s needed")
    key = f"iemocap {dict(settings())['weights']}"
    network = models.get(key, lambda: load_classifier(models.device))
    shares = classify(network, speech.samples, models.device)
    scores: dict[str, Score | Missing] = {
        name: Score(float(share)) for name, share in zip(LABELS, shares, strict=True)
    }
    try:
        asked = emotion_asked(sample, LABELS)
        scores["asked"] = Score(float(shares[LABELS.index(asked)]))
    except MissingError as error:
        scores["asked"] = error.missing
    order = np.argsort(shares)[::-1]
    return Measurement(
        scores, Evidence(texts={"likeliest": ", ".join(f"{LABELS[i]} {shares[i]:.2f}" for i in order)})
    )


METRIC = Metric(
    SPEC, measure, params=(("min_seconds", MIN_SECONDS), ("piece", PIECE_SECONDS)), settings=settings
)
