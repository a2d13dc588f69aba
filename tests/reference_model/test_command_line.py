"""The command line: what it prints, and how it fails."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reference_model.__main__ import main


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
        (("describe", "huge"), "no preset 'huge'; there are: ti2v_5b, nano"),
        (("describe", "nano", "--frames", "6"), "frames must be 4n + 1"),
        (("describe", "nano", "--height", "tall"), "Invalid value for '--height'"),
        (("conformance", "nowhere"), "nowhere holds no golden vectors"),
        (("generate", "nowhere", "out.mp4"), "no checkpoint folder nowhere"),
        (("generate", "nowhere", "out.mp4", "--task", "sing"), "'sing' is not one of"),
        (("generate", "nowhere", "out.mp4", "--frames", "80"), "frames must be 4n + 1, got 80"),
        (("generate", "nowhere", "out.mp4", "--reference-audio", "a.wav"), "goes with its transcript"),
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
    code, out, err = run(monkeypatch, capsys, *words)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and message in err and err.count("\n") == 1


def test_missing_codecs_are_named_before_any_weight_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(monkeypatch, capsys, "generate", str(tmp_path), "out.mp4")
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
