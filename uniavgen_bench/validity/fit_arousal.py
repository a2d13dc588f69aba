"""Take the norm of `emotion.voice` from reference voices, test it on voices of known arousal, and write its card.

    python -m uniavgen_bench.validity.fit_arousal TRAIN/clips.csv TEST/clips.csv

Reference voices are the distinct recordings of TRAIN whose licence permits it; nobody labelled them, and no label is
used. Tested on the portrait world and on those clips of TEST whose emotion is known, as
`uniavgen_bench.validity.emotion_worth` tests.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.core.validity_files import MetricValidity
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.metrics import emotion_voice
from uniavgen_bench.metrics.emotion_voice import NORM_FILE, SPEC
from uniavgen_bench.metrics.timbre_face_voice import load_shipped_reader
from uniavgen_bench.metrics.timbre_reference import embedding, voiced_part
from uniavgen_bench.metrics.voice_arousal import FEATURES, ArousalNorm, arousal_features, save_norm
from uniavgen_bench.metrics.voice_pitch import voice_frames
from uniavgen_bench.validity.clip_sets import ListedClip, read_clips
from uniavgen_bench.validity.emotion_checks import emotion_worth
from uniavgen_bench.validity.emotion_clips import asked_of, read_listed, read_portraits
from uniavgen_bench.validity.face_voice_clips import SAME_VOICE
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CARD = Path("reports") / "models" / "arousal.md"
ROBUST = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
FEWEST = 20


@dataclass(frozen=True)
class ReferenceVoice:
    """A recording: speaker embedding [256], P(male), features [4]."""

    voice: Float32
    male: float
    features: Float64


def listen(path: Path, models: Models) -> ReferenceVoice | None:
    """Listen to a clip; None where no voice can be measured."""
    try:
        speech = load_speech(path)
        voice = embedding(voiced_part(speech, detect_voice(speech, models), "the clip"), models)
        features = arousal_features(voice_frames(speech.samples, models))
    except (MissingError, MediaError):
        return None
    return ReferenceVoice(voice, load_shipped_reader().read(voice)[0], features)


def distinct(voices: Sequence[ReferenceVoice]) -> list[ReferenceVoice]:
    """Return the first clip of every recording: demo folders use one sound for many pictures."""
    kept: list[ReferenceVoice] = []
    for one in voices:
        if not any(float(one.voice @ other.voice) > SAME_VOICE for other in kept):
            kept.append(one)
    return kept


def norm_of(male: Float64, features: Float64) -> ArousalNorm:
    """Return medians and robust spreads of features [n, 4] of voices with P(male) [n].

    The usual pitch is a line in P(male) through the medians of both halves; medians bear shouts and songs.

    Raises:
        InputError: fewer than 20 voices, or fewer than five on one side of P(male) = 0.5.
    """
    men = male > 0.5
    if len(male) < FEWEST or min(men.sum(), (~men).sum()) < 5:
        raise InputError(
            f"{len(male)} reference voices, {men.sum()} of them men's", way_out="name more clips"
        )
    low, high = (float(np.median(male[side])) for side in (~men, men))
    below, above = (float(np.median(features[side, 0])) for side in (~men, men))
    slope = (above - below) / max(high - low, 1e-6)
    by_male = np.array([below - slope * low, slope])
    shifted = features.copy()
    shifted[:, 0] -= by_male[0] + by_male[1] * male
    middle = np.median(shifted, axis=0)
    width = ROBUST * np.median(np.abs(shifted - middle), axis=0)
    half = ArousalNorm(by_male, middle, width, np.array([0.0, 1.0]))
    means = np.array([half.standardised(f, m).mean() for f, m in zip(features, male, strict=True)])
    centre = float(np.median(means))
    rule = np.array([centre, ROBUST * float(np.median(np.abs(means - centre)))])
    return ArousalNorm(by_male, middle, width, rule)


def card_text(
    path: Path, norm: ArousalNorm, voices: int, listed: Sequence[ListedClip], worth: Sequence[MetricValidity]
) -> str:
    """Return the model card."""
    rows = "\n".join(
        f"| {name} | {unit} | {m:.3f} | {w:.3f} |"
        for name, unit, m, w in zip(
            FEATURES,
            ("octaves above the expected pitch", "octaves", "octaves/s", "dB"),
            norm.middle,
            norm.width,
            strict=True,
        )
    )
    tests = "\n".join(
        f"| {check.name} | {check.value:.2f}"
        + (f" [{check.low:.2f}, {check.high:.2f}]" if check.low is not None else "")
        + f" | {check.clips} | {check.detail} |"
        for metric in worth
        if metric.metric == SPEC.name
        for check in metric.checks
        if check.value is not None
    )
    sources = sorted({clip.source for clip in listed})
    woman, man = (2.0 ** float(norm.by_male[0] + norm.by_male[1] * p) for p in (0.0, 1.0))
    return f"""# {SPEC.name}: the norm of reference voices

`{path.name}`, {path.stat().st_size} bytes, Apache-2.0, sha256
`{sha256_file(path)}`.
Twelve numbers: what is usual among unlabelled voices. Made and tested by
`python -m uniavgen_bench.validity.fit_arousal TRAIN/clips.csv TEST/clips.csv`, deterministic.

**Taken from** {voices} distinct recordings among {len(listed)} public demo clips under Apache-2.0 or MIT, recorded and
generated, whose emotions nobody labelled ({", ".join(sources)}).
Expected median pitch: {woman:.0f} Hz for P(male) = 0, {man:.0f} Hz for 1.

| feature | unit | median | robust SD |
|---|---|---|---|
{rows}

Arousal is the mean of the four features in these standard deviations, as share of a normal distribution. No weight is
fitted to any emotion.

**Tested on voices whose arousal is known by how they were made** (AUC; interval: bootstrap over clips). None of the
portrait world's voices is in the norm.

| test | AUC | clips | |
|---|---|---|---|
{tests}

**Not shown**: that it ranks real voices. No recordings of people with known emotion were at hand; the real clips above
are three of one generator. The method that it follows was shown on real speech by its authors, with the speaker's own
neutral speech as norm (Bone, Lee, Narayanan 2014).

**Not for**: classes of emotion, valence, deciding about people, children, singing, voices under music.
"""


def main(
    train: Annotated[Path, typer.Argument(help="Manifest of reference clips.", exists=True)],
    test: Annotated[Path, typer.Argument(help="Manifest of clips to test on.", exists=True)],
    portraits: Annotated[int, typer.Option(help="Clips of the portrait world to test on.", min=24)] = 96,
    out: Annotated[Path, typer.Option(help="Where the norm goes.")] = NORM_FILE,
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = CARD,
) -> None:
    """Take the norm, write it, test it, and write its card."""
    try:
        models = Models(WeightLocator())
        listed = [c for c in read_clips(train.parent, train) if c.may_be_trained_on]
        heard = [listen(clip.path, models) for clip in listed]
        voices = distinct([v for v in heard if v is not None])
        norm = norm_of(np.array([v.male for v in voices]), np.stack([v.features for v in voices]))
        save_norm(norm, out, {"voices": str(len(voices))})
        if sha256_file(out) != emotion_voice.NORM_SHA256:
            typer.echo(
                f"{out}: sha256 {sha256_file(out)} (NORM_SHA256 of emotion_voice.py must say so; then run again)"
            )
            return
        store = Store(home() / "store")
        known = [c for c in read_clips(test.parent, test) if asked_of(c.sample) is not None]
        worth = emotion_worth(read_portraits(portraits, store, models), read_listed(known, store, models))
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    text = card_text(out, norm, len(voices), listed, worth)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
