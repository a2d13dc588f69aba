"""Fit the weights of `lipsync.mouth_audio` and write them with their model card.

    python -m uniavgen_bench.validity.fit_mouth_audio CLIPS [CLIPS …] --manifest FILE [--manifest FILE …]

Only clips under Apache-2.0, MIT, CC BY 4.0 or CC0 with one face are used, by what the manifest says.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.metrics.lipsync_mouth_audio import MODEL_FILE
from uniavgen_bench.metrics.mouth_audio_model import Streams, mouth_stream, save_map, streams
from uniavgen_bench.metrics.mouth_shape import mean_upper_face
from uniavgen_bench.validity.cca_fit import FitSettings, Fitted, fit_map
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace, read_clips, talking_faces
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CARD = Path("reports") / "models" / "mouth_audio.md"
TEMPLATE_EVERY = 25


@dataclass(frozen=True)
class Material:
    """Faces of training clips, those left out with their reasons, and the frontal face of all of them."""

    faces: tuple[TalkingFace, ...]
    missing: tuple[tuple[ListedClip, str], ...]


def gather(clips: Sequence[ListedClip], store: Store, models: Models) -> Material:
    """Look at clips through the shared analysis; what was looked at before comes from the store."""
    faces, missing = [], []
    for found in talking_faces(clips, store, models):
        if isinstance(found, TalkingFace):
            faces.append(found)
        else:
            missing.append((found[0], str(found[1])))
    return Material(tuple(faces), tuple(missing))


def template_of(faces: Sequence[TalkingFace]) -> Float64:
    """Return the frontal upper face `[U, 3]` of some faces, from every 25th frame.

    Raises:
        InputError: there is no face to fit on.
    """
    if not faces:
        way_out = (
            "the manifest must name source_repo and licence, for clips of several owners that permit training"
        )
        raise InputError("no clip is left to fit on", way_out=way_out)
    return mean_upper_face(np.concatenate([face.landmarks[::TEMPLATE_EVERY] for face in faces]))


def streams_of(face: TalkingFace, template: Float64) -> Streams:
    """Return mouth and sound of a face on one clock."""
    mouth = mouth_stream(face.times, face.landmarks, template)
    return streams(mouth, face.samples, face.sound_start)


def fit_on(faces: Sequence[TalkingFace], settings: FitSettings | None = None) -> Fitted:
    """Fit template and map on faces."""
    template = template_of(faces)
    return fit_map([streams_of(face, template) for face in faces], template, settings)


def model_card(material: Material, fitted: Fitted, settings: FitSettings, file: Path) -> str:
    """Write the model card: what it is, what it was fitted on, under which licences."""
    by_source: dict[tuple[str, str], list[TalkingFace]] = defaultdict(list)
    for face in material.faces:
        by_source[face.clip.source, face.clip.licence].append(face)
    rows = [
        f"| {source} | {licence} | {len(faces)} | {sum(f.times[-1] - f.times[0] for f in faces) / 60:.1f} | "
        f"{sum(f.clip.real for f in faces)} |"
        for (source, licence), faces in sorted(by_source.items())
    ]
    left_out = Counter(reason.split(":")[0] for _, reason in material.missing)
    pairs = ", ".join(f"{value:.2f}" for value in fitted.model.correlations)
    return "\n".join(
        [
            "# mouth_audio_v1",
            "",
            "The linear map of the metric `lipsync.mouth_audio@1`: principal components of lip shape and of log mel "
            "energies, and canonical directions between both with context. No network, no image, no sound inside.",
            "",
            f"- File: `uniavgen_bench/metrics/data/{file.name}`, {file.stat().st_size} bytes, sha256 "
            f"`{sha256_file(file)}`",
            "- Licence: Apache-2.0",
            "- Made by: `python -m uniavgen_bench.validity.fit_mouth_audio`, deterministic",
            f"- Settings: {', '.join(f'{k} {v}' for k, v in asdict(settings).items())}",
            f"- Fitted on {fitted.clips} of {len(material.faces)} clips ({fitted.seconds / 60:.1f} minutes) that the "
            "first rounds found in sync",
            f"- Canonical correlations on them: {pairs}",
            "- Not used: "
            + (
                ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
                or "none of the permitted"
            ),
            "",
            "| source | licence | clips | minutes | recordings |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "Generated clips come from several talking-head systems, so the map may favour the way these move the "
            "mouth. Most speech is English. It was not checked for groups of speakers. The settings and the least "
            "confidence were chosen among about fifteen variants by the validity study on the very clips that it "
            "reports, so its numbers are somewhat too good; maps are fitted without the owner of the scored source, "
            "but a system may occur under two owners.",
            "",
        ]
    )


def fit_and_write(clips: Sequence[ListedClip], store: Store, models: Models, out: Path, card: Path) -> str:
    """Fit on the permitted clips, write weights and card, and return the weights' sha256.

    Raises:
        InputError: no clip may be trained on, or too few are in sync.
    """
    permitted = [clip for clip in clips if clip.may_be_trained_on]
    if not permitted:
        raise InputError(
            "no clip of the manifests may be trained on", way_out="see the columns licence, single_face"
        )
    material = gather(permitted, store, models)
    if not material.faces:
        raise InputError(f"none of {len(permitted)} clips shows somebody who speaks")
    settings = FitSettings()
    fitted = fit_on(material.faces, settings)
    sources = sorted({face.clip.source for face in material.faces})
    save_map(fitted.model, out, {"sources": ", ".join(sources), "settings": sha256_json(asdict(settings))})
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(model_card(material, fitted, settings, out), encoding="utf-8")
    return sha256_file(out)


def listed(folders: Sequence[Path], manifests: Sequence[Path]) -> list[ListedClip]:
    """Read pairs of folder and manifest.

    Raises:
        InputError: not as many manifests as folders.
    """
    if len(folders) != len(manifests):
        raise InputError(
            f"{len(folders)} folders and {len(manifests)} manifests",
            way_out="give --manifest once per folder",
        )
    return [
        clip
        for folder, manifest in zip(folders, manifests, strict=True)
        for clip in read_clips(folder, manifest)
    ]


def main(
    clips: Annotated[list[Path], typer.Argument(help="Folders of clips.")],
    manifest: Annotated[list[Path], typer.Option(help="The manifest of each folder, in their order.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = MODEL_FILE,
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = CARD,
    store: Annotated[Path | None, typer.Option(help="Where artefacts are kept.")] = None,
) -> None:
    """Fit the map of lipsync.mouth_audio on permitted clips and write weights and model card."""
    try:
        models = Models(WeightLocator())
        digest = fit_and_write(listed(clips, manifest), Store(store or home() / "store"), models, out, card)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    typer.echo(f"{out}: sha256 {digest} (MODEL_SHA256 of lipsync_mouth_audio.py must say so)\n{card}")


if __name__ == "__main__":
    typer.run(main)
