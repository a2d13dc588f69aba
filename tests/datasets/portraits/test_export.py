"""Shards: the tensors are the clips, a killed export goes on, and the bytes depend on no number of workers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.clip_maker import ClipMaker, in_order_of_people
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions
from uniavgen_bench.datasets.portraits.export import export_portraits, read_index

pytest.importorskip("espeakng_loader")

OPTIONS = PortraitsOptions(split="train", samples=3, size=64)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    export_portraits(OPTIONS, folder, clips_per_shard=2, workers=1)
    return folder


def test_tensors_and_texts_are_those_of_the_clips(exported: Path) -> None:
    index = read_index(exported)
    assert [s.clips for s in index.shards] == [2, 1] and index.clips == index.identities == 3
    with safe_open(exported / index.shards[1].file, framework="numpy") as shard:
        texts = json.loads(shard.metadata()["clips"])["texts"]
        tensors = {name: shard.get_tensor(name) for name in shard.keys()}  # noqa: SIM118 - it has no iterator
    made = ClipMaker().make(in_order_of_people(OPTIONS.recipes())[2])
    np.testing.assert_array_equal(tensors["frames"][0], made.seen.pictures)
    np.testing.assert_array_equal(tensors["audio"][0], made.timeline.sound)
    np.testing.assert_array_equal(tensors["mask"][0].astype(bool), made.seen.truth.mask)
    left, top, right, low = tensors["mouth"][0, 0]
    assert left < right and top < low
    assert made.seen.truth.mask[0, round((top + low) / 2), round((left + right) / 2)]
    assert tensors["reference_audio"][0, : tensors["reference_samples"][0]].any()
    assert index.emotions[tensors["emotion"][0]] == made.facts.emotion
    assert texts["speech"] == [made.facts.speech] and texts["caption"] == [made.facts.caption]
    assert tensors["audio"].shape[1] == round(index.frames / index.fps * index.sample_rate)


def test_an_export_goes_on_where_it_was_and_mends_damage(exported: Path) -> None:
    before = {p.name: p.read_bytes() for p in exported.iterdir()}
    index = read_index(exported)
    kept, cut = (exported / s.file for s in index.shards)
    time = kept.stat().st_mtime_ns
    cut.write_bytes(before[cut.name][:-5])
    export_portraits(OPTIONS, exported, clips_per_shard=2, workers=1)
    assert {p.name: p.read_bytes() for p in exported.iterdir()} == before
    assert kept.stat().st_mtime_ns == time


def test_other_folders_are_refused(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"holds other things \(thesis\.tex\)"):
        export_portraits(OPTIONS, tmp_path)
    with pytest.raises(InputError, match="is a file, not a folder"):
        export_portraits(OPTIONS, exported / "index.json")
    with pytest.raises(InputError, match="holds no export"):
        read_index(tmp_path)
