"""The dataset: balanced, disjoint, equal bytes on any number of workers, and a cache that mends itself."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.registry import DATASETS, Registry
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.datasets.dataset import DatasetPlugin
from uniavgen_bench.datasets.portraits.clip_cache import STAMP, UNFINISHED, cache_root, is_whole
from uniavgen_bench.datasets.portraits.clip_maker import CLIP
from uniavgen_bench.datasets.portraits.dataset import (
    PortraitsOptions,
    clip_of,
    load_portraits,
    truth_of,
)
from uniavgen_bench.datasets.portraits.recipe import (
    FIRST_IDENTITY,
    IDENTITIES,
    DomainChoice,
    draw_recipes,
    format_of,
)
from uniavgen_bench.datasets.portraits.sentences import SPLITS, Split
from uniavgen_bench.media.decode import audio
from uniavgen_bench.media.probe import probe

FORM = format_of(64, 16, 2.0)
TINY = {"samples": 2, "size": 64}
MAKE = """
import sys
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, load_portraits
if __name__ == "__main__":
    options = PortraitsOptions(samples=3, size=64, task="dubbing")
    load_portraits(options, workers=int(sys.argv[1]))
"""

OLD_MACHINE = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}
"""A processor without wide vectors and fused multiply-add: exp and sin then end in other bits."""
HASH = """
import hashlib, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from uniavgen_bench.datasets.portraits.clip_maker import ClipMaker
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions
made = ClipMaker().make(PortraitsOptions(samples=2, size=64).recipes()[1])
seen, line = made.seen, made.timeline
parts = [seen.pictures, seen.truth.mask, seen.truth.landmarks, made.image, line.sound, made.reference.samples]
whole = b"".join(part.tobytes() for part in parts) + made.facts.model_dump_json().encode()
print(hashlib.sha256(whole).hexdigest(), hashlib.sha256(np.exp(np.linspace(0, 1, 9999)).tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(made_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(made_home))
    return made_home


def digest(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    assert files
    lines = [f"{p.relative_to(folder)} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("domain", ["both", "plain"])
def test_whoever_returns_has_another_emotion(split: Split, domain: DomainChoice) -> None:
    last: dict[int, str] = {}
    for recipe in draw_recipes(split, 800, domain, "grid", FORM, 2025):
        assert last.get(recipe.identity) != recipe.emotion
        last[recipe.identity] = recipe.emotion


def test_samples_balance_gender_domain_and_emotion() -> None:
    recipes = draw_recipes("test", 24, "both", "grid", FORM, 2025)
    from uniavgen_bench.datasets.portraits.recipe import gender_of

    cells = Counter((gender_of(r.identity), r.domain, r.emotion) for r in recipes)
    assert len(cells) == 24 and set(cells.values()) == {1}
    assert len({r.identity for r in recipes}) == 24
    hundred = draw_recipes("test", 100, "both", "grid", FORM, 2025)
    assert hundred[:24] == recipes
    assert Counter(r.domain for r in hundred) == {"plain": 50, "stylised": 50}
    assert len({r.identity for r in hundred}) == IDENTITIES["test"]


def test_splits_share_no_person_for_any_seed() -> None:
    people = {
        split: {r.identity for seed in (1, 2) for r in draw_recipes(split, 60, "both", "grid", FORM, seed)}
        for split in SPLITS
    }
    assert not people["train"] & people["test"] and not people["val"] & people["test"]
    for split in SPLITS:
        assert min(people[split]) >= FIRST_IDENTITY[split]


@pytest.mark.parametrize("domain", ["plain", "stylised"])
def test_one_domain_alone(domain: str) -> None:
    recipes = draw_recipes("val", 10, domain, "grid", FORM, 1)  # type: ignore[arg-type]
    assert {r.domain for r in recipes} == {domain}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"split": "tset"}, "unknown split 'tset' (did you mean 'test'?)"),
        ({"domain": "anime"}, "unknown domain 'anime' (known: both, plain, stylised)"),
        ({"sentences": "fre"}, "unknown grammar 'fre' (did you mean 'free'?)"),
        ({"size": 50}, "cannot be 50: a multiple of 4 from 64 to 256"),
        ({"samples": 0}, "greater than or equal to 1"),
        ({"voice": "bob"}, "Extra inputs are not permitted"),
    ],
)
def test_options_that_do_not_exist_are_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PortraitsOptions.model_validate(given)
    assert said in str(caught.value)


def test_it_is_registered() -> None:
    assert Registry(DATASETS, "dataset", DatasetPlugin).load("portraits").name == "portraits"


def test_equal_bytes_in_fresh_processes_with_one_and_two_workers(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "make.py"
    script.write_text(MAKE)
    digests = []
    for workers in ("1", "2"):
        place = tmp_path / f"home{workers}"
        environment = {**os.environ, "UNIAVGEN_BENCH_HOME": str(place), "PYTHONHASHSEED": workers}
        subprocess.run(
            [sys.executable, str(script), workers], env=environment, check=True, capture_output=True
        )
        digests.append(digest(place / "portraits"))
    assert digests[0] == digests[1]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names features of x86 processors")
def test_equal_pictures_and_sounds_on_a_processor_without_vector_units(home: Path) -> None:
    answers = []
    for extra in ({}, OLD_MACHINE):
        run = [sys.executable, "-c", HASH]
        done = subprocess.run(run, env={**os.environ, **extra}, check=True, capture_output=True, text=True)
        answers.append(done.stdout.split())
    (clip, bits), (old_clip, old_bits) = answers
    assert clip == old_clip
    if bits == old_bits:
        pytest.skip("this processor computes like an old one, so nothing was proved")


def test_a_damaged_or_half_written_clip_is_made_again(home: Path) -> None:
    options = PortraitsOptions.model_validate(TINY)
    first, second = load_portraits(options, workers=1).samples
    clip, whole = clip_of(first), clip_of(first).read_bytes()
    untouched = clip_of(second).stat().st_mtime_ns
    for damage in ("cut", "changed", "no stamp", "gone"):
        if damage == "cut":
            clip.write_bytes(whole[:1000])
        elif damage == "changed":
            clip.write_bytes(bytes([*whole[:-1], whole[-1] ^ 1]))
        elif damage == "no stamp":
            (clip.parent / STAMP).unlink()
        else:
            clip.unlink()
        assert not is_whole(clip.parent)
        again = load_portraits(options, workers=1).samples
        assert clip_of(again[0]) == clip and clip.read_bytes() == whole
        if damage == "cut":
            break
    (clip.parent / STAMP).write_text("{not json")
    load_portraits(options, workers=1)
    assert is_whole(clip.parent) and clip.read_bytes() == whole
    assert clip_of(second).stat().st_mtime_ns == untouched
    assert not list(cache_root().glob(f"{UNFINISHED}*"))


def test_what_killed_processes_left_is_cleared_when_old(home: Path) -> None:
    old, new = cache_root() / f"{UNFINISHED}old", cache_root() / f"{UNFINISHED}new"
    for path in (old, new):
        path.mkdir(parents=True)
    os.utime(old, (1, 1))
    load_portraits(PortraitsOptions(samples=1, size=64, seed=77), workers=1)
    assert not old.exists() and new.exists()
    new.rmdir()


@pytest.mark.parametrize("task", list(Task))
def test_each_task_gives_what_it_should(home: Path, task: Task) -> None:
    sample = load_portraits(PortraitsOptions(samples=1, size=64, task=task), workers=1).samples[0]
    assert sample.task is task and sample.image and sample.image.is_absolute() and sample.image.is_file()
    assert sample.reference_audio and sample.reference_audio.is_file() and sample.reference_text
    assert sample.speech and sample.caption
    assert (sample.condition_audio is not None) == (task in (Task.AUDIO_DRIVEN, Task.CONTINUATION))
    assert (sample.condition_video is not None) == (task in (Task.DUBBING, Task.CONTINUATION))
    whole = probe(clip_of(sample))
    if sample.condition_video:
        given = probe(sample.condition_video)
        assert given.audio_rate is None
        share = (given.video_duration or 0) / (whole.video_duration or 1)
        assert share == pytest.approx(1.0 if task is Task.DUBBING else 13 / 33, abs=0.01)
    if sample.condition_audio:
        heard = audio(sample.condition_audio)
        assert heard.duration == pytest.approx(33 / 16 if task is Task.AUDIO_DRIVEN else 13 / 16, abs=1e-3)


def test_facts_agree_with_the_truth(home: Path) -> None:
    for sample in load_portraits(PortraitsOptions.model_validate(TINY), workers=1).samples:
        facts = truth_of(sample).facts
        assert sample.facts["identity"] == f"person-{facts.identity}"
        assert sample.facts["emotion"] == facts.emotion and sample.facts["domain"] == facts.domain
        assert sample.speech == facts.speech


def test_truth_names_the_hashes_of_its_files(home: Path) -> None:
    sample = load_portraits(PortraitsOptions(samples=1, size=64), workers=1).samples[0]
    truth = Path(sample.facts["truth"])
    files = json.loads(truth.read_text())["files"]
    assert set(files) == {"truth.safetensors", "clip.mp4", "speech.wav"}
    assert all(sha256_file(truth.with_name(name)) == digest for name, digest in files.items())


def test_clips_of_other_datasets_are_refused(tmp_path: Path) -> None:
    for sample in (Sample(id="x"), Sample(id="y", image=tmp_path / "image.png")):
        with pytest.raises(InputError, match="not of the dataset portraits"):
            clip_of(sample)
    assert CLIP == "clip.mp4"
