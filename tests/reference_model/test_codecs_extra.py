import subprocess
import sys

import pytest
import torch

from reference_model.codecs.caption import UMT5Params, clean_caption
from reference_model.codecs.caption import build_on_meta as build_umt5
from reference_model.codecs.extra import MissingExtraError, require
from reference_model.codecs.mandarin import mandarin_symbols
from reference_model.codecs.named_weights import WeightsMismatchError, load_official_names
from reference_model.codecs.video_vae import build_on_meta as build_vae
from reference_model.codecs.vocoder import BigVGANParams, build_vocoder

USES = {
    "ftfy": lambda: clean_caption("a"),
    "jieba": lambda: mandarin_symbols("好"),
    "pypinyin": lambda: mandarin_symbols("好"),
    "diffusers": build_vae,
    "transformers": lambda: build_umt5(UMT5Params(layers=1)),
    "transformers.models.qwen2_5_omni.configuration_qwen2_5_omni": lambda: build_vocoder(BigVGANParams()),
}


@pytest.mark.parametrize("module", USES)
def test_each_use_of_a_missing_library_names_the_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if module == "jieba":
        pytest.importorskip("pypinyin", reason="pypinyin of the extra 'full' is not installed")
    monkeypatch.setitem(sys.modules, module, None)
    package = module.partition(".")[0]
    with pytest.raises(MissingExtraError, match=rf"'{package}'.*pip install 'uniavgen-bench\[full\]'"):
        USES[module]()


def test_what_is_installed_is_imported() -> None:
    assert require("json", "a test").loads("[1]") == [1]


def test_codecs_are_imported_without_their_libraries() -> None:
    # In a process of its own, for this one may have imported them already.
    program = (
        "import sys, reference_model.codecs.conformance, reference_model.codecs.speech_text\n"
        "heavy = {'diffusers', 'transformers', 'ftfy', 'jieba', 'pypinyin', 'PIL'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_long_lists_of_names_are_shortened_but_kept() -> None:
    with pytest.raises(WeightsMismatchError, match="10 unexpected: 0, 1, 2, 3, 4, 5, …") as caught:
        load_official_names(torch.nn.Identity(), {str(i): torch.zeros(1) for i in range(10)}, str, "nothing")
    assert len(caught.value.unexpected) == 10


def test_nothing_is_loaded_when_one_tensor_does_not_fit() -> None:
    layer = torch.nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    with pytest.raises(WeightsMismatchError, match="1 missing: bias"):
        load_official_names(layer, {"weight": torch.ones(2, 2)}, str, "layer")
    assert torch.equal(layer.weight, before)
