"""Validity of `lipsync.mouth_audio` on real clips, each scored by a map fitted without the clips of its source's owner.

    python -m uniavgen_bench.validity.mouth_audio CLIPS --manifest FILE [--training FOLDER --training-manifest FILE]

Sound is shifted on the clip's clock by -400 … 400 ms (the waveform itself, to the sample; nothing is encoded anew),
and exchanged for that of clips of other sources.
"""

from __future__ import annotations

import json as jsonlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.metrics.lipsync_mouth_audio import MIN_CONFIDENCE, curve_of
from uniavgen_bench.metrics.mouth_audio_model import (
    MAX_LAG,
    MouthAudioMap,
    lag_correlations,
    mouth_stream,
    mouth_variates,
    peak_of,
    sound_variates,
    streams,
)
from uniavgen_bench.metrics.mouth_shape import RATE, MouthShape
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace
from uniavgen_bench.validity.fit_mouth_audio import fit_on, gather, listed
from uniavgen_bench.validity.mouth_audio_results import (
    ClipLine,
    GroupValidity,
    MouthAudioValidity,
    SourceOffset,
    ThresholdRow,
)
from uniavgen_bench.validity.swapped_sound import sound_instead, swapped_partners
from uniavgen_bench.validity.sync_statistics import (
    ShiftedClip,
    agreement_given_movement,
    agreement_on_driving_speech,
    agreement_with_lse,
    auc_confidence,
    auc_near,
    common_bias,
    source_biases,
    within,
)
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SHIFTS_MS = tuple(range(-400, 401, 40))
NEAR_MS = 40
Progress = Callable[[str], None]


def validate_mouth_audio(
    clips: Sequence[ListedClip],
    training: Sequence[ListedClip],
    store: Store,
    models: Models,
    say: Progress = lambda text: None,
) -> MouthAudioValidity:
    """Measure the metric on clips with one face; fit on permitted clips of `clips` and `training` of other owners.

    Raises:
        InputError: too few clips to fit on or to score.
    """
    scored = [clip for clip in clips if clip.single_face]
    paths = {clip.path for clip in scored}
    material = gather(
        [*scored, *(c for c in training if c.path not in paths and c.may_be_trained_on)], store, models
    )
    faces = [face for face in material.faces if face.clip.path in paths]
    if len(faces) < 3:
        raise InputError(f"{len(faces)} of {len(scored)} clips can be scored: too few for a study")
    missing = Counter(reason.split(":")[0] for clip, reason in material.missing if clip.path in paths)
    teachers = [face for face in material.faces if face.clip.may_be_trained_on]
    say(f"{len(faces)} clips to score, {len(teachers)} to fit on")
    fits: dict[str, MouthAudioMap] = {}
    studies: list[_Study] = []
    for number, face in enumerate(faces):
        # Owners of no training clip share one fit: leaving them out changes nothing.
        fold = face.clip.owner if any(t.clip.owner == face.clip.owner for t in teachers) else ""
        if fold not in fits:
            say(f"fitting without {fold}" if fold else "fitting on all clips that may be trained on")
            fits[fold] = fit_on([t for t in teachers if t.clip.owner != fold]).model
        studies.append(_study(face, swapped_partners(faces, number), fits[fold]))
        if (number + 1) % 20 == 0:
            say(f"{number + 1} of {len(faces)} clips")
    return _summary(studies, dict(missing))


@dataclass(frozen=True)
class _Study:
    face: TalkingFace
    offset: float
    confidence: float
    errors: Float64
    curve: Float64
    swapped: tuple[Float64, ...]
    features_agree: float
    movement: float
    driven_confidence: float | None


def _study(face: TalkingFace, partners: Sequence[TalkingFace], model: MouthAudioMap) -> _Study:
    mouth = mouth_stream(face.times, face.landmarks, model.template)

    seen: Float64 | None = None

    def curve(samples: Float32, shift_ms: float) -> Float64:
        nonlocal seen
        both = streams(mouth, samples, face.sound_start + shift_ms / 1000)
        seen = mouth_variates(model, both.shape) if seen is None else seen
        return lag_correlations(seen, sound_variates(model, both.sound), both.valid, model.weights, MAX_LAG)

    def driven(samples: Float32) -> Float64:
        return curve_of(model, streams(mouth, samples, 0.0))

    own = curve(face.samples, 0.0)
    peak = peak_of(own)
    errors = np.array([peak_of(curve(face.samples, ms)).offset_ms - ms for ms in SHIFTS_MS])
    by_features = _errors_by_features(face, mouth, model)
    return _Study(
        face=face,
        offset=peak.offset_ms,
        confidence=peak.confidence,
        errors=errors,
        curve=own,
        swapped=tuple(curve(sound_instead(face, other), 0.0) for other in partners),
        features_agree=float((np.abs(errors - by_features) <= 20).mean()),
        movement=float(mouth.opening.std()),
        driven_confidence=None if face.driving is None else peak_of(driven(face.driving)).confidence,
    )


def _errors_by_features(face: TalkingFace, mouth: MouthShape, model: MouthAudioMap) -> Float64:
    """The same errors when only the finished features are shifted: a check of the study, not part of its numbers."""
    far = MAX_LAG + max(SHIFTS_MS) * RATE // 1000
    both = streams(mouth, face.samples, face.sound_start, margin=far)
    wide = lag_correlations(
        mouth_variates(model, both.shape),
        sound_variates(model, both.sound),
        both.valid,
        model.weights,
        far,
        far,
    )
    errors = []
    for ms in SHIFTS_MS:
        middle = far - ms * RATE // 1000
        errors.append(peak_of(wide[middle - MAX_LAG : middle + MAX_LAG + 1]).offset_ms - ms)
    return np.array(errors)


def near(curve: Float64, expected_ms: float) -> float:
    """Return the highest correlation within 40 ms of the expected lag, minus the median over lags."""
    lags = np.arange(-MAX_LAG, MAX_LAG + 1) * (1000 / RATE)
    return float(curve[np.abs(lags - expected_ms) <= NEAR_MS + 1000 / RATE / 2].max() - np.median(curve))


def _summary(studies: Sequence[_Study], missing: dict[str, int]) -> MouthAudioValidity:
    bias = float(np.median(np.concatenate([s.errors for s in studies])))
    clips = [_shifted(study, bias) for study in studies]
    kinds = [
        (name, [c for c in clips if c.real is real]) for name, real in (("real", True), ("generated", False))
    ]
    biases = dict(zip([c.name for c in clips], source_biases(clips), strict=True))
    groups = tuple(
        GroupValidity(
            kind=kind,
            within_40=within(chosen, [bias] * len(chosen), 40),
            within_80=within(chosen, [bias] * len(chosen), 80),
            within_40_source=within(chosen, [biases[c.name] for c in chosen], 40),
            within_80_source=within(chosen, [biases[c.name] for c in chosen], 80),
            auc_near=auc_near(chosen),
            auc_confidence=auc_confidence(chosen),
        )
        for kind, chosen in [*kinds, ("all", clips)]
        if chosen
    )
    return MouthAudioValidity(
        clips=len(clips),
        missing=missing,
        common_bias_ms=common_bias(clips),
        groups=groups,
        lse=agreement_with_lse(clips, zeros=True),
        lse_without_zeros=agreement_with_lse(clips, zeros=False),
        lse_on_driving_speech=agreement_on_driving_speech(clips, zeros=True),
        lse_on_driving_speech_without_zeros=agreement_on_driving_speech(clips, zeros=False),
        lse_given_movement=agreement_given_movement(clips, zeros=True),
        lse_given_movement_without_zeros=agreement_given_movement(clips, zeros=False),
        sources=_sources(clips),
        thresholds=tuple(_threshold(clips, bias, t) for t in (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)),
        features_agree=float(np.mean([s.features_agree for s in studies])),
        lines=tuple(
            ClipLine(
                c.name,
                c.source,
                c.real,
                c.offset,
                c.confidence,
                float(np.median(c.swapped_confidence)),
                c.published_lse_c,
            )
            for c in clips
        ),
    )


def _shifted(study: _Study, bias: float) -> ShiftedClip:
    clip = study.face.clip
    return ShiftedClip(
        name=clip.sample.id,
        source=clip.source,
        real=clip.real,
        offset=study.offset,
        confidence=study.confidence,
        errors=study.errors,
        near=near(study.curve, bias),
        swapped_near=np.array([near(curve, bias) for curve in study.swapped]),
        swapped_confidence=np.array([peak_of(curve).confidence for curve in study.swapped]),
        published_lse_c=clip.sample.published.get("lse_c"),
        movement=study.movement,
        driven_confidence=study.driven_confidence,
    )


def _sources(clips: Sequence[ShiftedClip]) -> tuple[SourceOffset, ...]:
    rows = []
    for source, real in sorted({(c.source, c.real) for c in clips}):
        chosen = [c for c in clips if (c.source, c.real) == (source, real)]
        sure = sum(c.confidence >= MIN_CONFIDENCE for c in chosen)
        median = float(np.median([c.offset for c in chosen]))
        rows.append(SourceOffset(source, "real" if real else "generated", len(chosen), median, sure))
    return tuple(rows)


def _threshold(clips: Sequence[ShiftedClip], bias: float, least: float) -> ThresholdRow:
    kept = [c for c in clips if c.confidence >= least]
    swapped = np.concatenate([c.swapped_confidence for c in clips])
    errors = np.array([c.offset for c in kept]) - bias
    return ThresholdRow(
        confidence=least,
        kept=len(kept) / len(clips),
        swapped_kept=float((swapped >= least).mean()),
        within_80=float((np.abs(errors) <= 80).mean()) if kept else 0.0,
    )


def main(
    clips: Annotated[Path, typer.Argument(help="Folder of clips to score.")],
    manifest: Annotated[Path, typer.Option(help="Its manifest: licences, sources, published LSE-C.")],
    training: Annotated[
        list[Path] | None, typer.Option(help="Further folders to fit on; repeatable.")
    ] = None,
    training_manifest: Annotated[
        list[Path] | None, typer.Option(help="Their manifests, in their order.")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Where artefacts are kept.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the result as JSON here too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure lipsync.mouth_audio on clips, fitted without the owner of the source that is scored."""
    from uniavgen_bench.validity.show_mouth_audio import print_validity

    try:
        result = validate_mouth_audio(
            listed([clips], [manifest]),
            listed(training or [], training_manifest or []),
            Store(store or home() / "store"),
            Models(WeightLocator()),
            lambda text: typer.echo(text, err=True),
        )
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    text = jsonlib.dumps(asdict(result), indent=1, ensure_ascii=False)
    if out is not None:
        write_atomic(out, text.encode())
    if json:
        typer.echo(text)
    else:
        print_validity(result)


if __name__ == "__main__":
    typer.run(main)
