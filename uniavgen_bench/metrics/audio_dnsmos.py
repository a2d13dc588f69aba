"""`audio.dnsmos@1`: what listeners would say of the sound, by Microsoft's DNSMOS P.835 and P.808 networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, ClipArtefacts, Float32, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

P835, P808 = "dnsmos-p835", "dnsmos-p808"
WINDOW = 144_160
"""Samples of one window: 9.01 s at 16 kHz."""
MIN_SECONDS = 1.0
FFT, HOP, MELS = 321, 160, 120
POLYNOMIALS = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}
"""From the network's output to a mean opinion score, highest power first (published with the networks)."""


SCALE = "scale 1 … 5, which the method's fitted polynomials may leave a little"


def _mos(name: str, meaning: str) -> FieldSpec:
    return FieldSpec(name=name, unit="MOS", direction=Direction.HIGHER, meaning=f"{meaning}; {SCALE}")


SPEC = MetricSpec(
    id="audio.dnsmos",
    version=1,
    title="Speech quality (DNSMOS)",
    summary="Predicted mean opinion scores of the sound, as mean over windows of 9.01 s every second.",
    fields=(
        _mos("ovrl", "P.835 overall quality"),
        _mos("sig", "P.835 quality of the speech alone"),
        _mos("bak", "P.835 background: 5 = not noticeable"),
        _mos("p808", "P.808 overall quality, by a second network"),
    ),
    needs=(Artefact.SPEECH,),
    weights=(P835, P808),
    tier=Tier.EMBEDDED,
    licence="networks: MIT (package speechmos), CC-BY-4.0 (DNS-Challenge)",
    source="Reddy, Gopal, Cutler, ICASSP 2022 (P.835, arXiv:2110.01763) and ICASSP 2021 (P.808, arXiv:2010.15258); "
    "protocol of speechmos 0.0.1.1",
    deviations=(
        "Every window counts. The package loses those that start at 7 … 23 s and at 119 … 121 s to a rounding "
        "error (their length comes out one sample short), so the numbers differ on clips of 17 s and more.",
        "A clip under 1 s has no score; the package repeats anything to 9.01 s. Longer clips are repeated here too.",
        "Sound of several channels is averaged to one before it is scored.",
        "The range 1 … 5 is that of the listeners' scale; the fitted polynomials can leave it by a little.",
    ),
    not_for=(
        "sound without speech: music, noise and a constant sound get numbers too, because nothing asks whether anybody "
        "speaks; the networks were trained on noisy and denoised speech",
        "naturalness or likeness of a voice: a clean robot voice scores high",
        "comparison with listening tests in single clips: take means over many",
    ),
)


def repeated(samples: Float32) -> Float32:
    """Repeat a sound, doubling it each time, until it fills a window: [N] -> [M], M >= 144160."""
    while len(samples) < WINDOW:
        samples = np.concatenate([samples, samples])
    return samples


def window_starts(length: int) -> list[int]:
    """Return the first sample of each window of a sound of `length` >= 144160 samples: one each second."""
    last = int(length // SPEECH_RATE - WINDOW / SPEECH_RATE)
    return [second * SPEECH_RATE for second in range(last + 1)]


def mel_filters(rate: int = SPEECH_RATE, fft: int = FFT, mels: int = MELS) -> Float64:
    """Return triangular mel filters [mels, fft // 2 + 1] of equal area (Slaney's scale and norm)."""
    knee, log_step = 1000.0, np.log(6.4) / 27
    per_mel = 200.0 / 3

    top = knee / per_mel + np.log(rate / 2 / knee) / log_step
    mel = np.linspace(0.0, top, mels + 2)
    edges = np.where(mel < knee / per_mel, mel * per_mel, knee * np.exp(log_step * (mel - knee / per_mel)))
    bins = np.fft.rfftfreq(fft, 1 / rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    filters: Float64 = np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]
    return filters


def p808_features(window: Float32, filters: Float64) -> Float32:
    """Return the input of the P.808 network: log-mel energies [900, 120] of a window but its last 10 ms.

    Frames of 321 samples (periodic Hann) every 160, edges padded with silence; dB below the window's loudest bin,
    floored at -80, mapped from -80 … 0 to -1 … 1.
    """
    from scipy.fft import rfft
    from scipy.signal import get_window

    padded = np.pad(window[:-HOP], FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    spectrum = rfft(frames * get_window("hann", FFT, fftbins=True).astype(np.float32), axis=1)
    power = np.square(np.abs(spectrum)) @ filters.T
    decibel = 10.0 * np.log10(np.maximum(power, 1e-10))
    decibel -= 10.0 * np.log10(max(power.max(), 1e-10))
    features: Float32 = ((np.maximum(decibel, decibel.max() - 80.0) + 40.0) / 40.0).astype(np.float32)
    return features


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score the sound of a clip.

    Raises:
        MissingError: no usable sound, less than 1 s of it, or the networks are not here.
    """
    speech = clip.speech
    seconds = len(speech.samples) / speech.rate
    if seconds < MIN_SECONDS:
        raise MissingError(Reason.TOO_SHORT, f"{seconds:.2f} s of sound, DNSMOS needs {MIN_SECONDS:g} s")
    p835 = models.get(P835, lambda: _session(models.weight(P835), models.threads))
    p808 = models.get(P808, lambda: _session(models.weight(P808), models.threads))
    samples = repeated(speech.samples.astype(np.float32, copy=False))
    starts = window_starts(len(samples))
    filters = mel_filters()
    raw, second = [], []
    # One window at a time: eight at once cost 2 GB and gain nothing on a CPU.
    for first in starts:
        window = samples[first : first + WINDOW]
        raw.append(_run(p835, window))
        second.append(_run(p808, p808_features(window, filters)))
    outputs = np.stack(raw).astype(np.float64)
    values = {
        name: np.polyval(POLYNOMIALS[name], outputs[:, column]).astype(np.float64)
        for column, name in enumerate(("sig", "bak", "ovrl"))
    }
    values["p808"] = np.stack(second)[:, 0].astype(np.float64)
    if len(speech.samples) < WINDOW:
        evidence = Evidence(
            texts={"windows": f"{len(starts)}, of the sound repeated to {len(samples) / speech.rate:g} s"}
        )
    else:
        evidence = Evidence(
            curves=tuple(_curve(n, values[n], starts, speech.start) for n in ("ovrl", "p808"))
        )
    return Measurement({f.name: Score(float(values[f.name].mean())) for f in SPEC.fields}, evidence)


def _run(session: InferenceSession, inputs: Float32) -> Float32:
    outputs: Float32 = session.run(None, {session.get_inputs()[0].name: inputs[None]})[0][0]
    return outputs


def _curve(name: str, values: Float64, starts: list[int], start: float) -> Curve:
    """Place each window's score at the window's middle on the clip's clock."""
    times = tuple(start + (s + WINDOW / 2) / SPEECH_RATE for s in starts)
    return Curve(name, "MOS", times, tuple(float(v) for v in values))


def _session(path: Path, threads: int) -> InferenceSession:
    """Open a network on the CPU: both are small, and a copy to another device costs more than it saves."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


METRIC = Metric(SPEC, measure)
