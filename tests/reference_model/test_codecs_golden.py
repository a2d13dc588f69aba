"""The codecs against the release's golden vectors."""

import ast
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from reference_model.codecs.conformance import cases
from reference_model.codecs.extra import MissingExtraError
from reference_model.codecs.video_vae import official_vae_shapes

LIBRARIES = ("diffusers", "transformers", "ftfy", "jieba", "pypinyin")

pytestmark = pytest.mark.shared


@pytest.fixture
def golden(shared: Path) -> Path:
    torch.set_num_threads(1)
    for library in LIBRARIES:
        pytest.importorskip(library, reason=f"{library} of the extra 'full' is not installed")
    if not (shared / "conformance").is_dir():
        pytest.skip(f"no golden vectors in {shared}")
    return shared / "conformance"


def test_every_golden_case_is_within_its_tolerance(golden: Path) -> None:
    found = list(cases(golden))
    assert [case for case in found if not case.passed] == []
    parts = {case.name.partition(".")[0] for case in found}
    assert parts == {"mel", "preprocess", "vae", "caption", "vocoder", "speech", "text", "size"}
    assert len({case.name for case in found}) == len(found)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("mel.safetensors", "mel_norm_bf16"),
        ("preprocess.safetensors", "frames_every_13_17"),
        ("vae_cases.safetensors", "clip7.decoded"),
        ("t5_tiny.safetensors", "out_trimmed"),
        ("vocoder_tiny.safetensors", "wav"),
    ],
)
def test_one_changed_number_fails_one_case(golden: Path, tmp_path: Path, name: str, tensor: str) -> None:
    for weights in golden.glob("tiny_vae_*.safetensors"):
        shutil.copyfile(weights, tmp_path / weights.name)
    tensors = load_file(golden / name)
    with safe_open(golden / name, framework="pt") as file:
        metadata = file.metadata()
    tensors[tensor].view(-1)[0] += 0.02 * max(1.0, tensors[tensor].abs().max().item())
    save_file(tensors, tmp_path / name, metadata)
    assert len([case for case in cases(tmp_path) if not case.passed]) == 1


def test_one_changed_id_fails_a_case(golden: Path, tmp_path: Path) -> None:
    texts = json.loads((golden / "text_and_sizes.json").read_text("utf-8"))
    # A character that occurs more than once cannot have two ids.
    item = next(item for item in texts["en"] if item["ids"].count(item["ids"][2]) > 1)
    item["ids"][2] += 1
    (tmp_path / "text_and_sizes.json").write_text(json.dumps(texts), "utf-8")
    assert f"speech.en.{texts['en'].index(item)}.ids" in [
        case.name for case in cases(tmp_path) if not case.passed
    ]


def test_ids_with_the_released_vocabulary(golden: Path, tmp_path: Path) -> None:
    given = os.environ.get("UNIAVGEN_SPEECH_VOCABULARY")
    if given is None:
        pytest.skip("UNIAVGEN_SPEECH_VOCABULARY does not name the release's vocabulary file")
    shutil.copyfile(golden / "text_and_sizes.json", tmp_path / "text_and_sizes.json")
    assert [case for case in cases(tmp_path, Path(given)) if not case.passed] == []


def test_vae_cases_need_weights(golden: Path, tmp_path: Path) -> None:
    shutil.copyfile(golden / "vae_cases.safetensors", tmp_path / "vae_cases.safetensors")
    with pytest.raises(ValueError, match="exactly one tiny_vae"):
        list(cases(tmp_path))


def test_full_size_vae_has_the_official_names_and_shapes(golden: Path) -> None:
    lines = (golden.parent / "spec" / "vae_state_dict.txt").read_text("utf-8").splitlines()
    official = {name: ast.literal_eval(shape) for name, shape in (line.split(" ", 1) for line in lines)}
    assert official_vae_shapes() == official


def test_a_missing_library_is_an_error_that_names_the_extra(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(golden / "t5_tiny.safetensors", tmp_path / "t5_tiny.safetensors")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"uniavgen-bench\[full\]"):
        list(cases(tmp_path))
