"""The weights of nano that come with the package: complete, small, and what they make follows what is heard."""

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from reference_model import load
from reference_model.__main__ import app
from reference_model.media import read_frames
from reference_model.nano_model import HERE, Nano, nano_sampling
from reference_model.params import nano, read_params
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.systems.uniavgen_weights import VARIANTS

LOWER_FACE = (slice(None), slice(60, 100), slice(40, 88))
STEPS = 8


@pytest.fixture(scope="module")
def model() -> Nano:
    torch.set_num_threads(1)
    return load("nano")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Held-out people with a true clip each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return list(load_portraits(PortraitsOptions(split="test", samples=3), workers=1).samples)


def test_weights_of_the_package_are_those_of_nano_and_small() -> None:
    assert read_params(HERE / "params.json") == nano()
    assert sum(path.stat().st_size for path in HERE.iterdir() if path.is_file()) <= 25 * 2**20


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_the_ablations_are_small_and_go_over_the_weights_of_the_package(name: str) -> None:
    path = HERE / "ablations" / f"{name}.safetensors"
    assert path.stat().st_size <= 4e6
    params = load("nano", variant=path).model.params
    kind, _, reaches = name.partition("_")
    if kind == "interaction":
        ways = reaches.split("_")
        assert (params.interaction.a2v, params.interaction.v2a) == (ways[0], ways[-1])
    else:
        assert (params.interaction.a2v, params.interaction.v2a) == ("ati", "ati")
        assert params.face_modulation == ("off" if name == "face_none" else "on")


def test_the_paper_s_variant_stands_in_both_ablations_and_was_trained_once_more() -> None:
    one, same, again = (
        (HERE / "ablations" / f"{name}.safetensors").read_bytes()
        for name in ("interaction_ati_ati", "face_decaying", "again")
    )
    assert one == same
    assert one != again


def changes(frames: torch.Tensor) -> torch.Tensor:
    """Pixels around the mouth less their mean over time."""
    pixels = frames.float()[LOWER_FACE]
    return (pixels - pixels.mean(0)).flatten()


def test_lips_of_held_out_people_follow_the_sound_that_is_given(model: Nano, people: list[Sample]) -> None:
    def alike(sample: Sample, heard: Path) -> float:
        made = model.generate(
            sample.image, speech=sample.speech or "", caption=sample.caption or "", task="audio_driven",
            audio=heard, sampling=nano_sampling(STEPS),
        ).frames  # fmt: skip
        truth = read_frames(clip_of(sample))
        count = min(len(truth), len(made))
        both = torch.stack((changes(made[:count]), changes(truth[:count])))
        return float(torch.corrcoef(both)[0, 1])

    sounds = [clip_of(sample) for sample in people]
    own = [alike(sample, sound) for sample, sound in zip(people, sounds, strict=True)]
    others = [alike(sample, sounds[i - 1]) for i, sample in enumerate(people)]
    assert all(a > b for a, b in zip(own, others, strict=True)), (own, others)
    assert sum(own) - sum(others) > 0.05 * len(people), (own, others)


def test_a_seed_makes_the_same_clip_again(model: Nano, people: list[Sample]) -> None:
    def clip(seed: int) -> torch.Tensor:
        said = people[0].speech or ""
        return model.generate(people[0].image, speech=said, seed=seed, sampling=nano_sampling(2)).frames

    assert torch.equal(clip(1), clip(1)) and not torch.equal(clip(1), clip(2))


def test_one_command_makes_a_clip_with_the_weights_of_the_package(
    people: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert people[0].image is not None
    command = ["generate", "nano", "out.mp4", "--image", str(people[0].image), "--speech", "place blue now"]
    result = CliRunner().invoke(app, [*command, "--steps", "1"])
    assert result.exit_code == 0, result.output
    assert len(read_frames(tmp_path / "out.mp4")) == 33
