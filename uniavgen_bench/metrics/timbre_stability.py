"""`timbre.stability@1`: does the voice stay the same within a clip, by Resemblyzer's speaker encoder."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Float32
from uniavgen_bench.core.result import Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.resemblyzer_signal import partial_mels
from uniavgen_bench.metrics.timbre_reference import MIN_SECONDS, WEIGHT, cosine, embedding, voiced_part
from uniavgen_bench.weights.models import Models

MIN_VOICED = 2 * MIN_SECONDS
"""Seconds of voiced speech: each half holds what the encoder needs."""

SPEC = MetricSpec(
    id="timbre.stability",
    version=1,
    title="Steadiness of the voice within the clip (Resemblyzer)",
    summary="Cosine between the speaker embeddings of the first and the second half of the clip's voiced speech.",
    fields=(
        FieldSpec(
            name="halves",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="1 = both halves sound the same; one speaker has 0.6 … 0.9 in clips of 3 to 8 s, two speakers "
            "spliced together 0.4 … 0.65 (5 % … 95 % of real clips)",
        ),
        FieldSpec(
            name="lowest_window",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="the window of 1.6 s that is least like the mean of all: where the voice breaks out for a moment",
        ),
        FieldSpec(
            name="seconds",
            unit="s",
            direction=Direction.NONE,
            low=MIN_VOICED,
            meaning="voiced speech that was compared; embeddings of longer halves are steadier by themselves",
        ),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    weights=(WEIGHT,),
    tier=Tier.EMBEDDED,
    licence="network: Apache-2.0 (Resemblyzer)",
    source="network and partial utterances: Wan et al., arXiv:1710.10467 (GE2E), Resemblyzer 0.1.4; the comparison of "
    "halves is this project's",
    deviations=(
        f"A clip with less than {MIN_VOICED:g} s of voiced speech has no score.",
        "Silences are left out before the speech is halved: a half is half of the speaking, not of the clip.",
        "Measured on 85 clips of people and generators with one voice each against 255 splices of two of them: AUC "
        "0.97 for `halves`, 0.85 for `lowest_window`; a splice lies below both of its voices in 95 %.",
    ),
    not_for=(
        "clips in which several people speak: it tells that, not which of them drifts",
        "likeness to a reference (timbre.reference) or to the face (timbre.face_voice)",
        "comparison of clips of very different length, or of acted emotion with calm speech: both move the number",
        "audio-driven clips whose sound is the given audio: it measures only that",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the halves of the clip's voiced speech, and every window with the whole."""
    voiced = voiced_part(clip.speech, clip.voice_activity, "the clip")
    seconds = len(voiced) / SPEECH_RATE
    if seconds < MIN_VOICED:
        raise MissingError(
            Reason.TOO_SHORT, f"the clip has {seconds:.2f} s of voiced speech, {MIN_VOICED:g} needed"
        )
    windows = window_embeddings(voiced, models)
    return Measurement(
        {
            "halves": Score(likeness_of_halves(voiced, models)),
            "lowest_window": Score(lowest(windows)),
            "seconds": Score(seconds),
        },
        Evidence(texts={"windows": f"{len(windows)} of 1.6 s"}),
    )


def likeness_of_halves(voiced: Float32, models: Models) -> float:
    """Return the cosine between the embeddings of the halves of voiced samples [M]."""
    middle = len(voiced) // 2
    return cosine(embedding(voiced[:middle], models), embedding(voiced[middle:], models))


def window_embeddings(voiced: Float32, models: Models) -> Float32:
    """Return the embedding [P, 256] of length 1 of every window of voiced samples [M]."""
    import torch

    from uniavgen_bench.metrics.resemblyzer_encoder import BATCH, load_encoder

    encoder = models.get(WEIGHT, lambda: load_encoder(models.weight(WEIGHT), models.device))
    mels = partial_mels(voiced)
    with torch.inference_mode():
        parts = [
            encoder(torch.from_numpy(mels[i : i + BATCH]).to(models.device)).cpu()
            for i in range(0, len(mels), BATCH)
        ]
    windows: Float32 = torch.cat(parts).numpy()
    return windows


def lowest(windows: Float32) -> float:
    """Return the least cosine between a window's embedding [P, 256] and the mean of all."""
    mean = windows.mean(axis=0)
    mean = mean / np.linalg.norm(mean)
    return min(cosine(window, mean) for window in windows)


METRIC = Metric(SPEC, measure, params=(("min_voiced", MIN_VOICED),))
