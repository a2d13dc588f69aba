"""LatentSync gets a still video of the portrait and the sound, one process for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from external.world import make, sample, shown, system
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.media.probe import probe


def test_command_line(tmp_path: Path) -> None:
    given = sample(tmp_path / "given", task=Task.AUDIO_DRIVEN)
    ((command, _),) = shown(system("latentsync"), [given], tmp_path)
    assert command == (
        "ENV/python -m scripts.inference --unet_config_path configs/unet/stage2_512.yaml --inference_ckpt_path "
        "checkpoints/latentsync_unet.pt --inference_steps 20 --guidance_scale 1.5 --enable_deepcache --video_path "
        "JOB/media/c0000_a_r0_still.mp4 --audio_path JOB/media/c0000_a_r0_condition_audio.wav --video_out_path "
        "JOB/out/clip.mp4 --seed 1000"
    )
    still = probe(next((tmp_path / "scratch").rglob("*_still.mp4")))
    assert still.fps == 25 and still.video_duration == pytest.approx(2.0) and still.audio_codec is None


def test_clip_says_what_was_done(tmp_path: Path) -> None:
    given = sample(tmp_path / "given", task=Task.AUDIO_DRIVEN)
    made = make(system("latentsync", audio_rate=16_000), [given], tmp_path)
    media = made.facts[0]["media"]
    assert "64x64 h264, 25 fps, about 50 frames" in media and "aac 16000 Hz" in media and "dB RMS" in media
    assert "nothing resampled, cut or padded" in media
    assert "condition audio was resampled from 24000 Hz to 16000 Hz" in media
    assert "the image was made a still video of 50 frames at 25 fps" in media


REASONS = {
    "NOFILE": Reason.NOT_GENERATED, "SILENT": Reason.NO_AUDIO, "BROKEN": Reason.UNREADABLE,
    "CRASH": Reason.CRASHED, "HANG": Reason.TIMEOUT,
}  # fmt: skip
SAID = {
    "NOFILE": "nothing is written", "SILENT": "saved", "BROKEN": "the encoder broke off", "CRASH": "out of memory",
    "HANG": "waiting for ever",
}  # fmt: skip


@pytest.mark.parametrize("mode", REASONS)
def test_each_failure_is_a_reason_with_its_log(tmp_path: Path, mode: str) -> None:
    patience = {"timeout": 6} if mode == "HANG" else {}
    broken = system("latentsync", env={"FAKE_FAIL": mode}, **patience)
    made = make(broken, [sample(tmp_path / "given", task=Task.AUDIO_DRIVEN)], tmp_path)
    assert made.missing[0].reason is REASONS[mode], made.missing[0]
    assert "log: " in made.missing[0].detail
    assert SAID[mode] in made.log()
