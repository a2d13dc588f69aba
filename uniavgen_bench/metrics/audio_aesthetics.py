"""`audio.aesthetics@1`: production quality, usefulness, enjoyment and complexity of a sound, by AudioBox-Aesthetics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Float32, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.audiobox_network import AudioboxAesthetics, Axis, AxisScale

WEIGHTS = "audiobox-aesthetics"
WINDOW = 10 * SPEECH_RATE
MIN_SECONDS = 1.0


def _axis(name: str, direction: Direction, meaning: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit="points of 10",
        direction=direction,
        meaning=f"{meaning}; listeners' scale 1 … 10, which the network may leave a little",
    )


SPEC = MetricSpec(
    id="audio.aesthetics",
    version=1,
    title="Audio aesthetics (AudioBox)",
    summary="Predicted opinion of listeners about a sound in four respects, mean over windows of 10 s.",
    fields=(
        _axis("pq", Direction.HIGHER, "production quality: clarity, fidelity, balance"),
        _axis("cu", Direction.HIGHER, "content usefulness: as material for making something"),
        _axis("ce", Direction.HIGHER, "content enjoyment: what it expresses, and how it pleases"),
        _axis("pc", Direction.NONE, "production complexity: how much is going on"),
    ),
    needs=(Artefact.SPEECH,),
    weights=(WEIGHTS,),
    tier=Tier.PAPER,
    licence="weights: CC BY 4.0 (facebook/audiobox-aesthetics); WavLM: MIT",
    source="Tjandra et al., arXiv:2502.05139; protocol of audiobox-aesthetics 0.0.4: 16 kHz mono, windows of 10 s "
    "side by side, the last one filled up with silence and weighted by its length",
    deviations=(
        "The sound is brought to 16 kHz by soxr, not by torchaudio's windowed sine.",
        f"A sound under {MIN_SECONDS:g} s has no score; the package fills any up to 10 s.",
        "A silent sound has no score; the package gives it one.",
        "Computed with 32-bit floats, as the package does in effect: its setting bf16 is never switched on.",
    ),
    not_for=(
        "what is said, or whether it is said in time with a picture",
        "high frequencies: the network hears up to 8 kHz",
        "single clips: listeners differ by more than systems do; take means over many",
    ),
)


def windows_of(samples: Float32) -> tuple[Float32, np.typing.NDArray[np.bool_]]:
    """Cut a sound [N] into windows `[W, 160000]`, the last one filled up; tell which samples `[W, 160000]` are true."""
    count = -(-len(samples) // WINDOW)
    filled = np.zeros(count * WINDOW, np.float32)
    filled[: len(samples)] = samples
    true = np.arange(count * WINDOW) < len(samples)
    return filled.reshape(count, WINDOW), true.reshape(count, WINDOW)


def judged(
    net: AudioboxAesthetics, scales: dict[Axis, AxisScale], samples: Float32, device: str
) -> tuple[Float64, Float64]:
    """Return opinions `[W, 4]` (CE, CU, PC, PQ) of the windows of a sound at 16 kHz, and each window's weight [W]."""
    import torch

    from uniavgen_bench.metrics.audiobox_network import AXES

    windows, true = windows_of(samples)
    found = []
    with torch.inference_mode():
        # One at a time: a window takes about a gigabyte.
        for sound, heard in zip(windows, true, strict=True):
            given = (torch.from_numpy(sound)[None].to(device), torch.from_numpy(heard)[None].to(device))
            found.append(net(*given)[0].cpu().double().numpy())
    mean = np.array([scales[axis].mean for axis in AXES])
    deviation = np.array([scales[axis].std for axis in AXES])
    return np.stack(found) * deviation + mean, true.mean(axis=1)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Judge the sound of a clip.

    Raises:
        MissingError: `weights`, `no_audio`, `bad_audio`, `silent`; `too_short`.
    """
    path = models.weight(WEIGHTS)
    speech = clip.speech
    seconds = len(speech.samples) / speech.rate
    if seconds < MIN_SECONDS:
        raise MissingError(Reason.TOO_SHORT, f"{seconds:.2f} s of sound, {MIN_SECONDS:g} s are needed")
    from uniavgen_bench.metrics.audiobox_network import AXES, load_audiobox

    net, scales = models.get(WEIGHTS, lambda: load_audiobox(path, models.device))
    opinions, weights = judged(net, scales, speech.samples, models.device)
    mean = weights @ opinions / weights.sum()
    times = tuple(speech.start + (i + 0.5 * w) * WINDOW / SPEECH_RATE for i, w in enumerate(weights))
    curve = Curve("PQ", "points of 10", times, tuple(opinions[:, AXES.index("PQ")].round(4).tolist()))
    return Measurement(
        scores={axis.lower(): Score(float(value)) for axis, value in zip(AXES, mean, strict=True)},
        evidence=Evidence(curves=(curve,) if len(times) > 1 else ()),
    )


METRIC = Metric(SPEC, measure)
