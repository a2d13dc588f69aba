"""The control `nano-codecs`: the true clip, changed only where a codec was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reference_model.codecs.nano_video import NanoVideoCodec, NanoVideoParams, save_nano_video
from reference_model.media import read_frames, read_waveform
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.nano_codecs import PLUGIN, NanoCodecs, NanoCodecsOptions, copied_sound
from uniavgen_bench.systems.system import Identified, Job

FRAMES, SIZE, RATE = 11, 32, 24_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """Weights with a random codec, and a sample whose true clip has 11 frames: 9 go through the codec."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("codecs")
    save_nano_video(
        NanoVideoCodec(NanoVideoParams(latent=8, fine=8, coarse=8, group=8)),
        folder / "video_codec.safetensors",
    )
    frames = [np.full((SIZE, SIZE, 3), 20 * i, np.uint8) for i in range(FRAMES)]
    time = np.arange(FRAMES * RATE // 16) / RATE
    write_clip(
        folder / "clip.mp4", frames, 16, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE
    )
    return folder, Sample(id="one", facts={"truth": str(folder / "truth.npz")})


def made(world: tuple[Path, Sample], out: Path, **options: bool) -> Path:
    folder, sample = world
    PLUGIN.make(NanoCodecsOptions(weights=folder, **options)).generate(Job(sample, 0, 1, out))
    return out


@pytest.mark.parametrize(("picture", "sound"), [(True, True), (True, False), (False, True)])
def test_only_what_was_asked_for_goes_through_a_codec(
    world: tuple[Path, Sample], tmp_path: Path, picture: bool, sound: bool
) -> None:
    clip, true = made(world, tmp_path / "clip.mp4", picture=picture, sound=sound), world[0] / "clip.mp4"
    shown, heard = read_frames(clip).float(), read_waveform(clip)
    assert len(shown) == 9 and len(heard) == round(9 / 16 * RATE)
    change = (shown - read_frames(true)[:9].float()).abs().mean()
    assert bool(change > 4) is picture
    assert (float((heard - read_waveform(true)[: len(heard)]).abs().max()) > 0.01) is sound


def test_a_copied_tone_keeps_its_pitch_and_level() -> None:
    time = np.arange(RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    copy = copied_sound(tone)
    assert len(copy) == len(tone)
    middle = copy[4_000:-4_000]
    peak = np.abs(np.fft.rfft(middle)).argmax() * RATE / len(middle)
    assert peak == pytest.approx(440, abs=15)
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.3 / np.sqrt(2), rel=0.3)


def test_an_absent_codec_says_what_trains_it(world: tuple[Path, Sample], tmp_path: Path) -> None:
    system = NanoCodecs(NanoCodecsOptions(weights=tmp_path))
    with pytest.raises(MissingError, match="train nano_codec") as error:
        system.generate(Job(world[1], 0, 1, tmp_path / "clip.mp4"))
    assert error.value.missing.reason is Reason.WEIGHTS and not (tmp_path / "clip.mp4").exists()
    NanoCodecs(NanoCodecsOptions(weights=tmp_path, picture=False)).generate(
        Job(world[1], 0, 1, tmp_path / "clip.mp4")
    )
    assert (tmp_path / "clip.mp4").is_file()


def test_clips_are_known_by_the_bytes_of_the_codec(world: tuple[Path, Sample], tmp_path: Path) -> None:
    system = NanoCodecs(NanoCodecsOptions(weights=world[0]))
    assert isinstance(system, Identified)
    (tmp_path / "video_codec.safetensors").write_bytes(b"other")
    other = NanoCodecs(NanoCodecsOptions(weights=tmp_path))
    assert system.identity() != other.identity()
