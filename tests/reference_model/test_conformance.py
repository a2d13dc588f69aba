"""The released code's golden vectors, and that a wrong number is noticed."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from reference_model.conformance import model_cases
from reference_model.conformance_case import Case

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest) -> Path:
    shared: Path = request.getfixturevalue("shared")
    folder = shared / "conformance"
    if not folder.is_dir():
        pytest.skip("no golden vectors in the shared folder")
    return folder


def copy_of(path: Path, folder: Path, change: str, amount: float) -> None:
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors[change] = tensors[change] + amount
    save_file(tensors, folder / path.name, metadata)


def test_every_case_is_within_its_tolerance(golden: Path) -> None:
    found = list(model_cases(golden))
    files = {path.stem for path in golden.glob("fwd_*.safetensors")}
    assert files <= {case.name for case in found}
    assert [case for case in found if not case.passed] == []


def test_small_drift_is_noticed(golden: Path, tmp_path: Path) -> None:
    for name in ("tiny_model_A", "inputs_avg_on_s1"):
        (tmp_path / f"{name}.safetensors").symlink_to(golden / f"{name}.safetensors")
    copy_of(golden / "fwd_avg_on_s1.safetensors", tmp_path, "out_audio", 2e-4)
    (case,) = model_cases(tmp_path)
    assert not case.passed and case.max_error == pytest.approx(2e-4, rel=0.1)


def test_wrong_interaction_flag_is_noticed(golden: Path, tmp_path: Path) -> None:
    for name in ("tiny_model_A", "inputs_avg_on_s1"):
        (tmp_path / f"{name}.safetensors").symlink_to(golden / f"{name}.safetensors")
    with safe_open(golden / "fwd_avg_on_s1.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    metadata["flags"] = json.dumps({**json.loads(metadata["flags"]), "no_a2v": True})
    save_file(tensors, tmp_path / "fwd_avg_on_s1.safetensors", metadata)
    (case,) = model_cases(tmp_path)
    assert case.max_error > 0.01


def test_empty_folder_is_an_error_not_a_success(tmp_path: Path) -> None:
    from reference_model.conformance import cases

    with pytest.raises(FileNotFoundError, match="no golden vectors"):
        list(cases(tmp_path))


def test_nan_never_passes() -> None:
    assert not Case("x", float("nan"), 1.0).passed
    assert Case("x", 1.0, 1.0).passed
    assert not Case("x", 1.1, 1.0).passed
