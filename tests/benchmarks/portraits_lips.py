"""How well the ordinary landmark lip opening follows the true one: `python tests/benchmarks/portraits_lips.py 60`.

Makes that many clips of the test split in each domain (48 hold everybody once, 60 all emotions for some) and prints the
correlation per clip by domain, emotion, age and beard, with the worst five. Needs the weights of the embedded metrics.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from uniavgen_bench.analysis.video_pass import analyse_video
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits, truth_of
from uniavgen_bench.datasets.portraits.head_params import DOMAINS
from uniavgen_bench.datasets.portraits.recipe import head_of
from uniavgen_bench.metrics.portraits_mouth import opening_of
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models


def row_of(sample: Sample, models: Models) -> dict[str, str | float]:
    """Measure one true clip."""
    facts, truth = sample.facts, truth_of(sample)
    tracks = analyse_video(clip_of(sample), models).faces.tracks
    beard = head_of(int(facts["identity"].removeprefix("person-"))).beard
    row = {name: facts[name] for name in ("identity", "domain", "emotion", "age")}
    r = 0.0
    if tracks:
        seen, true = opening_of(tracks[0].landmarks), truth.opening[tracks[0].frames]
        r = float(np.corrcoef(seen, true)[0, 1]) if seen.std() > 0 and true.std() > 0 else 0.0
    return {
        "sample": sample.id,
        **row,
        "beard": "no" if beard in ("none", "stubble") else "yes",
        "r": r,
        "faces": len(tracks),
        "followed": len(tracks[0].frames) / len(truth.opening) if tracks else 0.0,
    }


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    models = Models(WeightLocator())
    rows = []
    for domain in DOMAINS:
        options = PortraitsOptions(split="test", samples=count, domain=domain)
        rows += [row_of(sample, models) for sample in load_portraits(options).samples]
    table = pd.DataFrame(rows)
    print(table.groupby("domain")["r"].agg(["mean", "median", "min", "count"]).round(3).to_string())
    print(table.groupby("domain")[["faces", "followed"]].agg(["min", "mean"]).round(3).to_string())
    for name in ("emotion", "age", "beard"):
        print(table.groupby(["domain", name])["r"].agg(["mean", "count"]).round(3).to_string())
    for domain in DOMAINS:
        print(table[table["domain"] == domain].nsmallest(5, "r").round(2).to_string(index=False))


if __name__ == "__main__":
    main()
