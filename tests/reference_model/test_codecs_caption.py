from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reference_model.codecs.caption import (
    UMT5CaptionEncoder,
    UMT5Encoder,
    UMT5Params,
    build_on_meta,
    clean_caption,
    official_umt5_name,
    official_umt5_shapes,
)
from reference_model.codecs.named_weights import WeightsMismatchError, load_official_names

transformers = pytest.importorskip("transformers", reason="transformers of the extra 'full' is not installed")
pytest.importorskip("ftfy", reason="ftfy of the extra 'full' is not installed")

WORDS = ("<pad>", "</s>", "<unk>", "a", "woman", "talks", "slowly", "<b>", "it's")
TINY = UMT5Params(vocabulary=16, dim=8, attention_dim=8, ffn_dim=12, heads=2, layers=2, positions=6)


def tiny_weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(4)
    return {
        name: torch.randn(shape, generator=generator) for name, shape in official_umt5_shapes(TINY).items()
    }


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> UMT5CaptionEncoder:
    """A tiny encoder, loaded from files as the official one is."""
    torch.set_num_threads(1)
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("umt5")
    words = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    words.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", WORDS.index("</s>"))]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder / "tokenizer")
    torch.save(tiny_weights(), folder / "t5.pth")
    return UMT5CaptionEncoder.from_files(folder / "t5.pth", folder / "tokenizer", TINY)


def test_full_size_has_the_released_number_of_tensors_and_parameters() -> None:
    shapes = official_umt5_shapes()
    assert len(shapes) == 242
    assert sum(prod(shape) for shape in shapes.values()) == 5_680_910_336
    assert shapes["token_embedding.weight"] == (256_384, 4096)
    assert shapes["blocks.23.pos_embedding.embedding.weight"] == (32, 64)
    assert shapes["blocks.0.ffn.gate.0.weight"] == shapes["blocks.0.ffn.fc1.weight"] == (10_240, 4096)


def test_full_size_names_load_strictly_on_the_meta_device() -> None:
    tensors = {name: torch.empty(shape, device="meta") for name, shape in official_umt5_shapes().items()}
    load_official_names(build_on_meta(), tensors, official_umt5_name, "umT5")
    del tensors["norm.weight"]
    with pytest.raises(WeightsMismatchError, match=r"1 missing: norm\.weight"):
        load_official_names(build_on_meta(), tensors, official_umt5_name, "umT5")


def test_unknown_library_names_and_uneven_heads_are_errors() -> None:
    with pytest.raises(ValueError, match="decoder"):
        official_umt5_name("decoder.block.0.weight")
    with pytest.raises(ValueError, match="not a multiple of 3 heads"):
        build_on_meta(UMT5Params(attention_dim=8, heads=3))


def test_the_token_table_is_one_tensor_and_the_dtype_stays() -> None:
    weights = {name: tensor.bfloat16() for name, tensor in tiny_weights().items()}
    network = UMT5Encoder(weights, TINY).network
    assert network.shared.weight is network.encoder.embed_tokens.weight
    assert {parameter.dtype for parameter in network.parameters()} == {torch.bfloat16}
    assert len(list(network.parameters())) == len(weights)


@pytest.mark.parametrize(
    ("caption", "clean"),
    [
        ("  a  woman\n\ttalks ", "a woman talks"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("it\u2019s cafÃ©", "it's café"),
        ("\u00a0\u3000", ""),
    ],
)
def test_captions_are_cleaned(caption: str, clean: str) -> None:
    assert clean_caption(caption) == clean
    assert clean_caption(clean) == clean


def test_each_caption_has_its_own_length(encoder: UMT5CaptionEncoder) -> None:
    rows = encoder.encode(["a  woman talks", "", "a woman talks slowly a woman talks"])
    assert [tuple(row.shape) for row in rows] == [(4, 8), (1, 8), (6, 8)]
    assert encoder.encode([]) == []


def test_padding_and_company_do_not_matter(encoder: UMT5CaptionEncoder) -> None:
    caption = "a woman talks"
    alone = encoder.encode([caption])[0]
    assert torch.allclose(encoder.encode(["slowly", caption])[1], alone, atol=1e-5)
    ids = torch.tensor([[3, 4, 5, 1]])
    assert torch.allclose(encoder.encoder(ids, torch.ones_like(ids))[0], alone, atol=1e-5)
    assert not torch.allclose(encoder.encode(["woman a talks"])[0], alone, atol=1e-2)


def test_absent_files_are_errors(tmp_path: Path) -> None:
    weights, folder = tmp_path / "t5.pth", tmp_path / "tokenizer"
    with pytest.raises(FileNotFoundError, match=r"t5\.pth"):
        UMT5CaptionEncoder.from_files(weights, folder, TINY)
    torch.save(tiny_weights(), weights)
    with pytest.raises(FileNotFoundError, match="tokenizer_config"):
        UMT5CaptionEncoder.from_files(weights, folder, TINY)
