"""The command line: what it prints, and how it fails."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import save_file

from reference_model.__main__ import main
from reference_model.params import preset, write_params
from reference_model.sampler import timesteps

FACE = ("--image", "face.png")
HI = ("--speech", "hi")
NANO = ("generate", "nano", "out.mp4", *FACE)
SILENT = ("--a2v", "none", "--v2a", "none")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["reference_model", *words])
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("describe", "nano", "--height", "136"), "a 17x16 latent does not divide into 4x4 patches"),
        (
            ("describe", "ti2v_5b", "--height", "16000000", "--frames", "4000000001"),
            "beyond the 500,000 of one pass",
        ),
        (("describe", "huge"), "no preset 'huge'; there are: ti2v_5b, nano, tiny"),
        (("describe", "nano", "--frames", "6"), "frames must be 4n + 1"),
        (("describe", "nano", "--height", "tall"), "Invalid value for '--height'"),
        (("describe", "nano", "--stride", "0"), "multiples of the stride 0"),
        (("describe", "list.json"), "list.json: input should be an object, got []"),
        (("describe", "broken.json"), "broken.json is not JSON"),
        (("describe", "folder.json"), "folder.json is no regular file"),
        (("conformance", "nowhere"), "nowhere holds no golden vectors"),
        (("conformance", "."), "aligners.safetensors is damaged"),
        (("generate", "nowhere", "out.mp4", *FACE), "no checkpoint folder nowhere"),
        (("generate", "nowhere", "out.mp4"), "task joint needs an image or a video"),
        (("generate", "nowhere", "out.mp4", "--task", "dubbing", *FACE), "dubbing takes video; got none"),
        (("generate", "nowhere", "out.mp4", "--audio", "face.png", *FACE), "joint takes none; got audio"),
        (("generate", "nowhere", "out.mp4", "--image", "no.png"), "'no.png' does not exist"),
        (("generate", "nowhere", "out.avi", *FACE), "the output is an .mp4 file, got out.avi"),
        (("generate", "nowhere", "out.mp4", *FACE, "--steps", "0"), "error: steps must lie in 1..10000, got"),
        (("generate", "nowhere", "out.mp4", *FACE, "--steps", "1000000000000"), "steps must lie in 1..10000"),
        (("generate", "nowhere", "out.mp4", *FACE, "--frames", "400000001"), "at most 4801, got 400000001"),
        ((*NANO, "--window", "1000000000"), "window must lie in 0..1000"),
        (("generate", "nano", "face.png/out.mp4", *FACE), "cannot write face.png/out.mp4: Not a directory"),
        (("generate", "nano", "/proc/x/out.mp4", *FACE), "cannot write /proc/x/out.mp4: No such file"),
        (("generate", "nano", "/proc/out.mp4", *FACE), "cannot write /proc/out.mp4"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "-1"), "must not be negative"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "nan"), "share"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "7"), "Invalid value for '--share'"),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--shift", "nan"),
            "error: shift must lie in 0.01..100, got nan",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--shift", "1e300"),
            "error: shift must lie in 0.01..100, got 1e+300",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--shift", "1e-300"),
            "error: shift must lie in 0.01..100, got 1e-300",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--scale-audio", "nan"),
            "must be at most 100, got 3.0 of video and nan of audio",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--scale-audio", "1e300"),
            "100, got 3.0 of video and 1e+300",
        ),
        (("generate", "nowhere", "out.mp4", *FACE, "--scale-video", "-inf"), "100, got -inf of video"),
        (
            (*NANO, "--guidance", "none", "--scale-audio", "2"),
            "--scale-audio has no effect with guidance none",
        ),
        ((*NANO, "--guidance", "cfg", "--share", "1"), "--share has no effect with guidance cfg"),
        ((*NANO, "--window", "4"), "odd: 4 reaches just as far as 5; name 3 or 5"),
        ((*NANO, "--window", "0"), "must be odd: 0 reaches just as far as 1"),
        ((*NANO, "--a2v", "none", "--window", "7"), "only ati has a window"),
        (
            (*NANO, *SILENT, "--face-modulation", "even"),
            "--face-modulation has no effect where nothing flows",
        ),
        ((*NANO, *SILENT, "--aligner", "paper"), "--aligner has no effect where nothing flows"),
        (
            ("generate", "nano", "out.mp4", "--task", "dubbing", "--video", "face.png", "--a2v", "sti"),
            "--a2v has no effect in task dubbing, where nothing flows to the picture",
        ),
        (
            (
                *(*NANO, "--task", "audio_driven", "--audio", "face.png"),
                "--v2a",
                "sti",
            ),
            "--v2a has no effect in task audio_driven, where nothing flows to the sound",
        ),
        ((*NANO, "--vocabulary", "no.txt"), "--vocabulary has no effect with nano"),
        ((*NANO, "--speech", "日本語"), "what nano cannot say: '日' '本' '語'; it"),
        (
            (
                *(*NANO, "--task", "joint_ref_audio"),
                *("--reference-audio", "face.png", "--reference-speech", "it’s"),
            ),
            "--reference-speech holds what nano cannot say: '’'",
        ),
        (("generate", "nowhere", "out.mp4", *FACE, "--scale-audio", "inf"), "inf of audio"),
        (("generate", "nowhere", "out.mp4", *FACE, "--frames", "0"), "at most 4801, got 0"),
        ((*NANO, "--frames", "0"), "at most 4801, got 0"),
        ((*NANO, "--seed", str(2**64)), "a seed is of 64 bits"),
        ((*NANO, "--skip-layer", "6"), "the model has layers 0 to 5; -1 skips none"),
        ((*NANO, "--skip-layer", "-2"), "Invalid value for '--skip-layer'"),
        ((*NANO, "--device", "meta"), "no device 'meta'"),
        ((*NANO, "--device", "hpu"), "no device 'hpu'"),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--device", "abacus"),
            "no device 'abacus'; valid names are cpu",
        ),
        ((*NANO, "--device", "gpu0"), "'gpu0'; valid names are cpu, cuda, cuda:0\n"),
        (("generate", "nowhere", "out.mp4", "--task", "sing"), "'--task': 'sing' is not one of"),
        ((*NANO, "--speech", " "), "task joint needs --speech: what is said"),
        (
            ("generate", "nano", "out.mp4", "--task", "dubbing", "--video", "face.png"),
            "task dubbing needs --speech",
        ),
        ((*NANO, *HI), "cannot decode face.png: Invalid data found"),
        (("generate", "nowhere", "out.mp4", "--frames", "80"), "at most 4801, got 80"),
        (("generate", "nowhere", "out.mp4", "--reference-audio", "face.png"), "goes with its transcript"),
        (("fly",), "fly"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.json").mkdir()
    for name, content in {
        "list.json": "[]",
        "broken.json": "{",
        "aligners.safetensors": "x",
        "face.png": "",
    }.items():
        (tmp_path / name).write_text(content)
    code, out, err = run(monkeypatch, capsys, *words)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and message in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("aligners.safetensors", "broken.json", "face.png", "folder.json", "list.json")
    ]


def test_a_device_that_torch_cannot_use_is_a_short_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.png").touch()
    for device in ("mps", "hpu", "meta"):
        code, _, err = run(monkeypatch, capsys, "generate", "nano", "out.mp4", *FACE, "--device", device)
        assert code == 2 and f"no device {device!r}: " in err and err.count("\n") == 1
        assert 30 < len(err) < 200, "torch prints a page"
    lines = RuntimeError("CUDA error: no kernel image\nFor debugging set CUDA_LAUNCH_BLOCKING=1")
    monkeypatch.setattr(torch, "ones", Mock(side_effect=lines))
    assert run(monkeypatch, capsys, "generate", "nano", "out.mp4", *FACE)[2] == (
        "error: no device 'cpu': CUDA error: no kernel image\n"
    )


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (lambda: torch.empty(10**15), "no room in memory for 4,000,000.0 GB: fewer frames, a smaller size"),
        (lambda: bytearray(2**60), "no room in memory: fewer frames"),
    ],
)
def test_memory_that_does_not_suffice_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fails: Callable[[], object],
    said: str,
) -> None:
    monkeypatch.setattr("reference_model.__main__.app", lambda **_: fails())
    code, _, err = run(monkeypatch, capsys, "generate")
    assert code == 2 and err.startswith(f"error: {said}") and err.count("\n") == 1


def test_an_error_of_the_program_is_not_taken_for_one_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference_model.__main__.app", lambda **_: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        main()


def test_missing_codecs_are_named_before_any_weight_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "face.png").touch()
    code, _, err = run(
        monkeypatch, capsys, "generate", str(tmp_path), "out.mp4", "--image", str(tmp_path / "face.png"), *HI
    )
    assert code == 2 and "Wan2.2_VAE.pth" in err and "vocab.txt" in err


def test_describe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "describe", "ti2v_5b")
    assert code == 0
    for number in ("7,056,424,223", "2,036", "425,088,015", "494,303", "135,206"):
        assert number in out


@pytest.mark.parametrize(
    ("model", "size", "tokens"), [("nano", "128x128, 33 frames", 206), ("tiny", "128x128, 33 frames", 206)]
)
def test_describe_knows_the_clip_of_a_preset_and_of_its_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    model: str,
    size: str,
    tokens: int,
) -> None:
    write_params(preset(model), tmp_path / "params.json")
    for name in (model, str(tmp_path / "params.json")):
        code, out, _ = run(monkeypatch, capsys, "describe", name)
        assert code == 0 and f"One pass at {size}, {tokens} audio tokens" in out


def test_conformance_fails_with_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_file({"t_4_shift5.0_f32": torch.zeros(5)}, tmp_path / "timesteps.safetensors")
    code, out, _ = run(monkeypatch, capsys, "conformance", str(tmp_path))
    assert code == 1 and "FAIL" in out and "1 cases, 0 passed, 1 failed" in out


def test_conformance_says_what_it_did_not_compare(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_file({"t_4_shift5.0_f32": timesteps(4, 5.0)}, tmp_path / "timesteps.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "later.safetensors")
    code, out, _ = run(monkeypatch, capsys, "conformance", str(tmp_path))
    assert code == 0 and "no case reads them: later.safetensors" in out


def test_golden_without_its_tensors_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "rope_time.safetensors")
    code, _, err = run(monkeypatch, capsys, "conformance", str(tmp_path))
    assert code == 2 and "rope_time.safetensors is not what its name promises: it lacks 'grid3d'" in err
    assert err.count("\n") == 1


def test_help_shows_examples(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("describe", "conformance", "generate"):
        code, out, _ = run(monkeypatch, capsys, command, "--help")
        assert code == 0 and f"python -m reference_model {command}" in out


def test_the_package_runs_and_needs_no_suite() -> None:
    code = (
        "import sys, reference_model.__main__; "
        "sys.exit(any(name.split('.')[0] in ('uniavgen_bench', 'diffusers', 'transformers') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
