"""The command line: what it prints, and how it fails."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reference_model.__main__ import main
from reference_model.sampler import timesteps

FACE = ("--image", "face.png")


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
        (("describe", "huge"), "no preset 'huge'; there are: ti2v_5b, nano, tiny"),
        (("describe", "nano", "--frames", "6"), "frames must be 4n + 1"),
        (("describe", "nano", "--height", "tall"), "Invalid value for '--height'"),
        (("describe", "nano", "--stride", "0"), "multiples of the stride 0"),
        (("describe", "list.json"), "list.json: expected keys and values"),
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
        (("generate", "nowhere", "out.mp4", *FACE, "--steps", "0"), "steps and batch must be at least 1"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "-1"), "must not be negative"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "nan"), "share"),
        (("generate", "nowhere", "out.mp4", *FACE, "--share", "7"), "Invalid value for '--share'"),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--shift", "nan"),
            "shift positive and finite, got 50, 8, nan",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--shift", "inf"),
            "shift positive and finite, got 50, 8, inf",
        ),
        (
            ("generate", "nowhere", "out.mp4", *FACE, "--scale-audio", "nan"),
            "must be finite, got 3.0 of video",
        ),
        (("generate", "nowhere", "out.mp4", *FACE, "--scale-video", "-inf"), "finite, got -inf of video"),
        (
            ("generate", "nano", "out.mp4", *FACE, "--guidance", "none", "--scale-audio", "2"),
            "--scale-audio has no effect with guidance none",
        ),
        (
            ("generate", "nano", "out.mp4", *FACE, "--guidance", "cfg", "--share", "1"),
            "--share has no effect with guidance cfg",
        ),
        (("generate", "nowhere", "out.mp4", *FACE, "--scale-audio", "inf"), "inf of audio"),
        (("generate", "nowhere", "out.mp4", *FACE, "--frames", "0"), "frames must be 4n + 1, got 0"),
        (("generate", "nano", "out.mp4", *FACE, "--frames", "0"), "frames must be 4n + 1, got 0"),
        (("generate", "nano", "out.mp4", *FACE, "--seed", str(2**64)), "a seed is of 64 bits"),
        (
            ("generate", "nano", "out.mp4", *FACE, "--skip-layer", "6"),
            "the model has layers 0 to 5; -1 skips none",
        ),
        (("generate", "nano", "out.mp4", *FACE, "--skip-layer", "-2"), "Invalid value for '--skip-layer'"),
        (("generate", "nano", "out.mp4", *FACE, "--device", "meta"), "no device 'meta'"),
        (("generate", "nano", "out.mp4", *FACE, "--device", "hpu"), "no device 'hpu'"),
        (("generate", "nowhere", "out.mp4", *FACE, "--device", "abacus"), "no device 'abacus'"),
        (("generate", "nowhere", "out.mp4", "--task", "sing"), "'sing' is not one of"),
        (("generate", "nowhere", "out.mp4", "--frames", "80"), "frames must be 4n + 1, got 80"),
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


def test_missing_codecs_are_named_before_any_weight_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "face.png").touch()
    code, _, err = run(
        monkeypatch, capsys, "generate", str(tmp_path), "out.mp4", "--image", str(tmp_path / "face.png")
    )
    assert code == 2 and "Wan2.2_VAE.pth" in err and "vocab.txt" in err


def test_describe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, "describe", "ti2v_5b")
    assert code == 0
    for number in ("7,056,424,223", "2,036", "425,088,015", "494,303", "135,206"):
        assert number in out


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
