"""Too little room on the device: the same numbers from smaller batches, and a note in the run's log."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Measurement, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.metrics import video_motion
from uniavgen_bench.metrics.device_batches import DeviceBatches, SmallerBatchWarning
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.resemblyzer_encoder import SpeakerEncoder, embed
from uniavgen_bench.runner.score_clip import known_score, score_clip
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models


@pytest.mark.filterwarnings("ignore::uniavgen_bench.metrics.device_batches.SmallerBatchWarning")
@given(count=st.integers(0, 60), size=st.integers(1, 40), room=st.integers(1, 40))
def test_every_item_is_computed_once_and_in_order_in_batches_that_fit(
    count: int, size: int, room: int
) -> None:
    def compute(i: int, j: int) -> list[int]:
        if j - i > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(range(i, j))

    found = DeviceBatches(size, "items").over(count, compute)
    assert [item for part in found for item in part] == list(range(count))


def test_later_calls_keep_the_smaller_size_and_each_halving_is_told() -> None:
    asked: list[int] = []

    def compute(i: int, j: int) -> int:
        asked.append(j - i)
        if j - i > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return j - i

    batches = DeviceBatches(8, "pictures")
    with pytest.warns(SmallerBatchWarning) as told:
        assert batches.over(5, compute) == [2, 2, 1]
    assert [str(w.message) for w in told] == ["no room on the device for 5 pictures at once; from now on 2"]
    asked.clear()
    assert batches.over(4, compute) == [2, 2] and asked == [2, 2]


def test_not_one_item_is_an_error() -> None:
    def compute(i: int, j: int) -> int:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.warns(SmallerBatchWarning), pytest.raises(torch.OutOfMemoryError):
        DeviceBatches(2, "items").over(2, compute)


def test_a_voice_is_the_same_where_only_two_utterances_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    encoder = SpeakerEncoder().eval()
    mels = np.random.default_rng(1).random((5, 160, 40), dtype=np.float32)
    whole = embed(encoder, mels)
    forward = encoder.forward

    def limited(x: torch.Tensor) -> torch.Tensor:
        if len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(x)

    monkeypatch.setattr(encoder, "forward", limited)
    with pytest.warns(SmallerBatchWarning, match="5 utterances at once; from now on 2"):
        assert np.abs(embed(encoder, mels) - whole).max() < 1e-6


def test_a_run_is_told_and_keeps_the_score(tmp_path: Path) -> None:
    def measure(clip: object, sample: object, models: object) -> Measurement:
        def compute(i: int, j: int) -> int:
            if j - i > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return 1

        warnings.warn("something else", UserWarning, stacklevel=1)
        return Measurement({"motion": Score(float(sum(DeviceBatches(2, "pictures").over(2, compute))))})

    spec = video_motion.SPEC.model_copy(update={"fields": video_motion.SPEC.fields[:1]})
    frames = [np.full((48, 64, 3), 40 * i, np.uint8) for i in range(4)]
    write_clip(tmp_path / "clip.mp4", frames, 10, np.zeros(6400, np.float32), 16_000)
    store, models = Store(tmp_path / "store"), Models(WeightLocator(), threads=1)
    sample = Sample(id="a")
    clip = AnalysedClip(tmp_path / "clip.mp4", sample, store, models)
    metric = Metric(spec, measure)
    with pytest.warns(UserWarning, match="something else"):
        scored = score_clip(metric, clip, sample, models, store)
    assert scored.problem == "no room on the device for 2 pictures at once; from now on 1"
    assert scored.scores == {"motion": Score(2.0)}
    assert known_score(metric, clip, sample, models, store) is not None
