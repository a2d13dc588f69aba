"""Golden vectors of the codecs: what the release computed, against what this package computes.

A folder holds safetensors files with inputs, outputs and, for networks, small random weights under official names;
sizes are in their metadata. Files that a folder does not have yield no case.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from reference_model.codecs import mel
from reference_model.codecs.caption import UMT5Encoder, UMT5Params
from reference_model.codecs.conformance_texts import text_cases
from reference_model.codecs.preprocess import frames_to_video, rescale_peak
from reference_model.codecs.video_vae import WanVAEParams, WanVideoVAE
from reference_model.codecs.vocoder import BigVGANParams, BigVGANVocoder
from reference_model.conformance_case import Case
from reference_model.golden import reading

MEL_TOLERANCE = 1e-5
VAE_TOLERANCE = 1e-4
CAPTION_TOLERANCE = 1e-5
VOCODER_TOLERANCE = 1e-4
PICTURE_TOLERANCE = 1e-6

FILES = (
    "mel.safetensors",
    "preprocess.safetensors",
    "vae_cases.safetensors",
    "tiny_vae_*.safetensors",
    "t5_tiny.safetensors",
    "vocoder_tiny.safetensors",
)
"""The tensor files of a folder that are read here."""

_VAE_STATISTICS = ("scale.mean", "scale.std")


def cases(folder: Path, vocabulary_file: Path | None = None) -> Iterator[Case]:
    """Run every golden of a codec in `folder`, one after the other.

    `vocabulary_file` is the release's speech vocabulary; without it ids are only checked for being consistent.

    Raises:
        MissingExtraError: a golden needs a library of the extra `full` that is not installed.
        ValueError: a file is damaged or does not hold what its name promises.
    """
    runners: tuple[tuple[str, Callable[[Path], Iterator[Case]]], ...] = (
        ("mel.safetensors", _mel_cases),
        ("preprocess.safetensors", _preprocess_cases),
        ("vae_cases.safetensors", _vae_cases),
        ("t5_tiny.safetensors", _caption_cases),
        ("vocoder_tiny.safetensors", _vocoder_cases),
    )
    for name, runner in runners:
        if (folder / name).is_file():
            with reading(folder / name):
                yield from runner(folder / name)
    texts = folder / "text_and_sizes.json"
    if texts.is_file():
        with reading(texts):
            yield from text_cases(texts, vocabulary_file)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a file; metadata values are JSON where they can be read as such."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        return tensors, {name: _parsed(text) for name, text in (file.metadata() or {}).items()}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _compare(name: str, found: Tensor, golden: Tensor, tolerance: float, note: str = "") -> Case:
    if found.shape != golden.shape:
        shapes = f"shape {tuple(found.shape)} instead of {tuple(golden.shape)}"
        return Case(name, float("inf"), tolerance, shapes)
    error = (found.double() - golden.double()).abs().max().item()
    return Case(name, error, tolerance, note)


def _weights(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("w."): tensor for name, tensor in tensors.items() if name.startswith("w.")}


def _mel_cases(path: Path) -> Iterator[Case]:
    golden, sizes = _read(path)
    params = mel.MelParams(
        sample_rate=sizes["sr"],
        window_length=sizes["win"],
        hop_length=sizes["hop"],
        bands=sizes["n_mels"],
        lowest_hz=sizes["fmin"],
        highest_hz=sizes["fmax"],
    )
    if sizes["n_fft"] != sizes["win"]:
        raise ValueError(f"{path}: an FFT longer than its window is not supported")
    waveform = golden["wav"][None]
    log_mel = mel.log_mel(waveform, params)
    rounded = mel.log_mel(waveform.bfloat16(), params)
    yield _compare("mel.basis", mel.mel_basis(params), golden["mel_basis"], MEL_TOLERANCE)
    yield _compare("mel.log_mel", log_mel, golden["mel"], MEL_TOLERANCE)
    yield _compare("mel.normalised", mel.normalise(log_mel, params)[0], golden["mel_norm"], MEL_TOLERANCE)
    yield _compare(
        "mel.log_mel_of_bf16_waveform",
        rounded,
        golden["mel_of_bf16_wav_f32"],
        MEL_TOLERANCE,
        "fp32 from bf16",
    )
    # From the golden's log-mel, for an error of 1e-7 before rounding to bf16 can be one of 0.03 after it.
    bf16 = mel.normalise(golden["mel_of_bf16_wav_f32"].bfloat16(), params)[0]
    yield _compare(
        "mel.normalised_bf16", bf16, golden["mel_norm_bf16"], 0.0, "rounded and normalised in bf16"
    )


def _preprocess_cases(path: Path) -> Iterator[Case]:
    golden, sizes = _read(path)
    video = frames_to_video(golden["image_uint8"], "released")
    shape = torch.tensor(video.shape)
    yield _compare("preprocess.picture_size", shape, golden["frames_shape"], 0.0)
    rows, columns = golden["frames_every_13_17"].shape[2:]
    # The golden keeps every 13th row and 17th column of the picture.
    kept = video[:, :, ::13, ::17]
    yield _compare(
        "preprocess.picture",
        kept,
        golden["frames_every_13_17"],
        PICTURE_TOLERANCE,
        f"{rows} x {columns} pixels",
    )
    yield _compare("preprocess.picture_mean", video.mean()[None], golden["frames_mean"], PICTURE_TOLERANCE)
    rescaled = rescale_peak(golden["audio_in"], float(sizes["max_volume"]))
    yield _compare("preprocess.peak", rescaled, golden["audio_rescaled"], PICTURE_TOLERANCE)


def _vae_cases(path: Path) -> Iterator[Case]:
    weight_files = sorted(path.parent.glob("tiny_vae_*.safetensors"))
    if len(weight_files) != 1:
        raise ValueError(f"{path.parent} needs exactly one tiny_vae_*.safetensors, found {len(weight_files)}")
    weights, metadata = _read(weight_files[0])
    mean, std = (tuple(weights.pop(name).tolist()) for name in _VAE_STATISTICS)
    sizes = metadata["vae"]
    params = WanVAEParams(
        encoder_dim=sizes["dim"],
        decoder_dim=sizes["dec_dim"],
        latent_channels=sizes["z_dim"],
        stage_multipliers=tuple(sizes["dim_mult"]),
        residual_blocks=sizes["num_res_blocks"],
        temporal_downsampling=tuple(sizes["temporal_downsample"]),
        latent_mean=mean,
        latent_std=std,
    )
    vae = WanVideoVAE(weights, params)
    golden, _ = _read(path)
    for case in sorted({name.partition(".")[0] for name in golden}):
        latent, random = golden[f"{case}.latent"], golden[f"{case}.rand_latent"]
        frames = f"{golden[f'{case}.video'].shape[2]} frames"
        yield _compare(
            f"vae.{case}.encode", vae.encode(golden[f"{case}.video"]), latent, VAE_TOLERANCE, frames
        )
        for name, latents in (("decoded", latent), ("rand_decoded", random)):
            decoded = vae.decode_unclamped(latents)
            yield _compare(
                f"vae.{case}.{name}", decoded, golden[f"{case}.{name}"], VAE_TOLERANCE, "before the clamp"
            )


def _caption_cases(path: Path) -> Iterator[Case]:
    golden, metadata = _read(path)
    sizes = metadata["config"]
    if sizes["shared_pos"]:
        raise ValueError(f"{path}: position biases shared by all layers are not umT5's")
    params = UMT5Params(
        vocabulary=sizes["vocab"],
        dim=sizes["dim"],
        attention_dim=sizes["dim_attn"],
        ffn_dim=sizes["dim_ffn"],
        heads=sizes["num_heads"],
        layers=sizes["num_layers"],
        buckets=sizes["num_buckets"],
    )
    encoder = UMT5Encoder(_weights(golden), params)
    ids, mask, long = golden["ids"], golden["mask"], golden["ids_long"]
    yield _compare("caption.all_rows", encoder(ids, mask), golden["out_all512rows"], CAPTION_TOLERANCE)
    yield _compare(
        "caption.cut", encoder.encode_valid(ids, mask)[0], golden["out_trimmed"], CAPTION_TOLERANCE
    )
    rows = encoder(long, torch.ones_like(long))
    yield _compare("caption.long", rows, golden["out_long"], CAPTION_TOLERANCE, f"{long.shape[1]} tokens")


def _vocoder_cases(path: Path) -> Iterator[Case]:
    golden, metadata = _read(path)
    vocoder = BigVGANVocoder(_weights(golden), BigVGANParams.from_config(metadata["config"]))
    waveform = vocoder.decode(golden["mel"])[0]
    yield _compare("vocoder.waveform", waveform, golden["wav"], VOCODER_TOLERANCE)
