"""Do voices tell people apart, and do they fit their faces: `python tests/benchmarks/portraits_voices.py 96`.

Takes that many clips of the test split and prints how well Resemblyzer's embedding tells the same person's other
sentence from another person's (AUC), and how often the gender that pitch gives agrees with the face's. The boundary of
pitch lies half-way, on the scale of octaves, between the usual means of men and women (120 and 210 Hz).
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.datasets.portraits.clip_maker import SPEECH
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.metrics.portraits_identity import true_voice
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

BOUNDARY = float(np.sqrt(120 * 210))


def pitch_of(samples: np.ndarray, rate: int) -> float:
    """Return the median pitch in Hz of a sound [N], by autocorrelation of frames of 40 ms."""
    size, hop = round(0.04 * rate), round(0.01 * rate)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop] * np.hanning(
        size
    )
    frames = frames[np.square(frames).mean(axis=1) > 0.05 * np.square(frames).mean(axis=1).max()]
    power = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    likeness = np.fft.irfft(power)[:, :size]
    own = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    likeness = likeness / np.maximum(likeness[:, :1], 1e-12) / np.maximum(own / own[0], 0.05)
    first = int(rate / 500)
    inside = likeness[:, first : int(rate / 60)]
    inside = inside[inside.max(axis=1) > 0.5]
    near = inside >= 0.9 * inside.max(axis=1, keepdims=True)
    return float(np.median(rate / (first + near.argmax(axis=1))))


def main() -> None:
    """Print the numbers."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 96
    models = Models(WeightLocator())
    samples: list[Sample] = list(load_portraits(PortraitsOptions(split="test", samples=count)).samples)
    spoken = [clip_of(s).parent / SPEECH for s in samples]
    voices = np.stack([true_voice(path, models) for path in spoken])
    references = np.stack([true_voice(s.reference_audio, models) for s in samples if s.reference_audio])
    people = np.array([s.facts["identity"] for s in samples])
    gender = np.array([s.facts["gender"] for s in samples])
    same = people[:, None] == people[None, :]
    alike = ~same & (gender[:, None] == gender[None, :])
    likeness = voices @ references.T
    for name, others in (("all others", ~same), ("others of the same gender", alike)):
        auc = mannwhitneyu(likeness[same], likeness[others]).statistic / (same.sum() * others.sum())
        print(f"Resemblyzer, own other sentence against {name}: AUC {auc:.3f}")
    heard = []
    for path in spoken:
        speech = load_speech(path)
        heard.append(pitch_of(speech.samples, speech.rate))
    table = pd.DataFrame({"gender": gender, "age": [s.facts["age"] for s in samples], "pitch": heard})
    table["agrees"] = np.where(table["pitch"] > BOUNDARY, "female", "male") == table["gender"]
    print(f"pitch above {BOUNDARY:.0f} Hz taken for female, share that agrees with the face:")
    grown = table[table["age"] != "child"]
    print(
        f"grown-ups {grown['agrees'].mean():.3f} of {len(grown)}, all {table['agrees'].mean():.3f} of {len(table)}"
    )
    print(table.groupby(["age", "gender"])["agrees"].agg(["mean", "count"]).round(3).to_string())


if __name__ == "__main__":
    main()
