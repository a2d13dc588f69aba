"""Fit the models of `portraits.emotion` and `portraits.identity`, test them on other people, and write their card.

    python -m uniavgen_bench.validity.fit_portraits [--train 384] [--test 96]

People of the split `train` are fitted on, people of the split `test` are tested on; nobody is in both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.datasets.portraits.clip_cache import world_version
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.metrics import portraits_emotion, portraits_identity
from uniavgen_bench.metrics.lipsync_mouth_audio import load_shipped_map
from uniavgen_bench.metrics.portrait_faces import clip_looks, reference_face, reference_looks
from uniavgen_bench.metrics.portrait_models import EMOTIONS, EmotionReaders, FaceProjection, save_model
from uniavgen_bench.metrics.voice_prosody import prosody
from uniavgen_bench.validity.portrait_card import Portrait, Tested, card_text
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CARD = Path("reports") / "models" / "portraits.md"
COMPONENTS, RIDGES = (15, 20, 30, 40), (0.03, 0.1, 0.3)
"""What cross-validation among the training people chooses from, for the reader of faces."""
VOICE_RIDGE = 0.01
FOLDS = 4
FACE_COMPONENTS, FACE_RIDGE = 40, 0.1


@cache
def _models() -> Models:
    return Models(WeightLocator())


def look_at(sample: Sample) -> Portrait | str:
    """Look at a true clip through the shared analysis, or say why it cannot be used."""
    models, template = _models(), load_shipped_map().template
    clip = AnalysedClip(clip_of(sample), sample, Store(home() / "store"), models)
    try:
        clip.ensure([Artefact.FACES, Artefact.CROPS, Artefact.SPEECH])
        reference = reference_face(sample.image, models)
        return Portrait(
            sample,
            portraits_emotion.face_features(clip, sample, models, template),
            prosody(clip.speech.samples, clip.speech.rate),
            clip_looks(clip.faces.tracks[0], clip.crops, template),
            reference_looks(reference, template),
        )
    except MissingError as error:
        return str(error.missing)


def look_at_all(samples: Sequence[Sample], workers: int) -> Iterator[Portrait | str]:
    """Look at clips in several processes, in order."""
    from multiprocessing import get_context

    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(look_at, samples, chunksize=4)


@dataclass(frozen=True)
class Discriminant:
    """Linear discriminants: logits [n, 6] of features [n, D] are `x @ directions + bias`."""

    directions: Float64
    bias: Float64

    def read(self, x: Float64) -> Float64:
        """Return the logits [n, 6]."""
        logits: Float64 = x @ self.directions + self.bias
        return logits


def fit_discriminant(x: Float64, y: np.ndarray, components: int, ridge: float) -> Discriminant:
    """Fit linear discriminants on principal components of features [n, D] that are whitened, for classes [n].

    `ridge` is added to the covariance within the classes, in shares of its mean variance.
    """
    middle = x.mean(axis=0)
    _, spread, rows = np.linalg.svd(x - middle, full_matrices=False)
    basis = rows[:components].T / spread[:components] * np.sqrt(len(x))
    inner = (x - middle) @ basis
    means = np.stack([inner[y == c].mean(axis=0) for c in range(len(EMOTIONS))])
    within = inner - means[y]
    covariance = within.T @ within / len(x)
    covariance += ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve(covariance, means.T)
    directions = basis @ weights
    return Discriminant(directions, -0.5 * (means.T * weights).sum(axis=0) - middle @ directions)


def chosen_sizes(x: Float64, y: np.ndarray) -> tuple[int, float]:
    """Return components and ridge with the best accuracy over folds of the training people; the smaller on a tie."""
    fold = np.arange(len(x)) % FOLDS
    best = (-1.0, 0, 0.0)
    for components in COMPONENTS:
        for ridge in RIDGES:
            right = [
                fit_discriminant(x[fold != k], y[fold != k], components, ridge)
                .read(x[fold == k])
                .argmax(axis=1)
                == y[fold == k]
                for k in range(FOLDS)
            ]
            accuracy = float(np.concatenate(right).mean())
            if accuracy > best[0] + 1e-9:
                best = (accuracy, components, ridge)
    return best[1], best[2]


def fit_readers(people: Sequence[Portrait]) -> tuple[EmotionReaders, str]:
    """Fit the readers of emotions; also say how."""
    faces, voices = np.stack([p.expression for p in people]), np.stack([p.prosody for p in people])
    y = np.array([p.emotion for p in people])
    components, ridge = chosen_sizes(faces, y)
    face = fit_discriminant(faces, y, components, ridge)
    voice = fit_discriminant(voices, y, voices.shape[1], VOICE_RIDGE)
    template = load_shipped_map().template
    how = f"face: {components} components, ridge {ridge:g} (of {FOLDS} folds); voice: ridge {VOICE_RIDGE:g}"
    return EmotionReaders(template, face.directions, face.bias, voice.directions, voice.bias), how


def fit_projection(people: Sequence[Portrait]) -> FaceProjection:
    """Fit the projection: principal components, whitened by how clip and reference image of one person differ."""
    clips, references = np.stack([p.looks for p in people]), np.stack([p.reference for p in people])
    both = np.concatenate([clips, references])
    middle = both.mean(axis=0)
    _, _, rows = np.linalg.svd(both - middle, full_matrices=False)
    basis = rows[:FACE_COMPONENTS].T
    change = (clips - references) @ basis
    moved = change.mean(axis=0)
    within = (change - moved).T @ (change - moved) / len(change)
    within += FACE_RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    whitening = np.linalg.cholesky(np.linalg.inv(within))
    return FaceProjection(load_shipped_map().template, middle, basis @ whitening, moved @ whitening)


def gathered(split: str, count: int, workers: int) -> tuple[list[Portrait], list[str]]:
    """Make clips of a split and look at them; also the reasons for those that cannot be used.

    Raises:
        InputError: too few can be used.
    """
    samples = load_portraits(PortraitsOptions(split=split, samples=count), workers=workers).samples
    found = list(look_at_all(samples, workers))
    people = [one for one in found if isinstance(one, Portrait)]
    if len(people) < max(60, count // 2) or {p.emotion for p in people} != set(range(len(EMOTIONS))):
        raise InputError(
            f"{len(people)} of {count} clips of the split {split} can be used", way_out="take at least 60"
        )
    return people, [one for one in found if isinstance(one, str)]


def main(
    train: Annotated[int, typer.Option(help="Clips to fit on.", min=60)] = 384,
    test: Annotated[int, typer.Option(help="Clips of other people to test on.", min=60)] = 96,
    workers: Annotated[int, typer.Option(help="Processes.", min=1, max=8)] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the weights.")] = portraits_emotion.MODEL_FILE.parent,
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = CARD,
) -> None:
    """Fit the models of portraits.emotion and portraits.identity and write them with their card."""
    try:
        fitted_on, left_out = gathered("train", train, workers)
        others, _ = gathered("test", test, workers)
        readers, how = fit_readers(fitted_on)
        projection = fit_projection(fitted_on)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    facts = {"clips": str(len(fitted_on)), "settings": how}
    files = [out / portraits_emotion.MODEL_FILE.name, out / portraits_identity.MODEL_FILE.name]
    save_model(readers, files[0], facts)
    save_model(projection, files[1], facts)
    tested = Tested.of(readers, projection, others)
    people = len({p.sample.facts["identity"] for p in fitted_on})
    text = card_text(tested, files, how, world_version()[:12], len(fitted_on), people, left_out)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(text, encoding="utf-8")
    typer.echo(text)
    for path, module in zip(files, ("portraits_emotion.py", "portraits_identity.py"), strict=True):
        typer.echo(f"{path}: sha256 {sha256_file(path)} (MODEL_SHA256 of {module} must say so)")


if __name__ == "__main__":
    typer.run(main)
