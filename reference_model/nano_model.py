"""`nano`: the small model that comes with the package, its codecs, and generation from files in one line."""

import hashlib
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reference_model.checkpoint import PARAMS, WEIGHTS, load_official
from reference_model.codecs.griffin_lim import GriffinLimVocoder
from reference_model.codecs.nano_video import encoder_key, load_nano_video
from reference_model.codecs.speech_text import SpeechVocabulary
from reference_model.codecs.words import load_words
from reference_model.generate import Clip, Codecs, Script, generate
from reference_model.guidance import MaCfg, Task
from reference_model.model import UniAVGen
from reference_model.params import ModelParams, parse_params, read_params
from reference_model.pipeline import Progress, Sampling

CAPTIONS, VIDEO_CODEC, VARIANT = "captions.safetensors", "video_codec.safetensors", "variant.safetensors"
FRAMES = 33
"""Decoded frames of a clip, 2 s at 16 per second: the length that nano is trained on."""
SHORT_SIDE = 128
HERE = Path(__file__).parent / "weights" / "nano"
"""Where the weights lie that come with the package."""


@dataclass(frozen=True)
class Nano:
    """The model with its codecs."""

    model: UniAVGen
    codecs: Codecs

    def generate(
        self,
        image: Path | None = None,
        *,
        speech: str = "",
        caption: str = "",
        task: Task = "joint",
        video: Path | None = None,
        audio: Path | None = None,
        reference_audio: Path | None = None,
        reference_speech: str | None = None,
        frames: int = FRAMES,
        seed: int = 2025,
        sampling: Sampling | None = None,
        progress: Progress | None = None,
    ) -> Clip:
        """Make one clip: frames `[T, H, W, 3]` uint8 and samples `[N]` int16 at 24 kHz.

        Raises:
            ValueError: a task lacks what it is made from, is given what it cannot use, or a file cannot be read.
        """
        script = Script(
            task,
            speech,
            caption,
            image,
            video,
            audio,
            reference_audio,
            reference_speech,
            frames=frames,
            seed=seed,
        )
        return generate(self.model, self.codecs, script, sampling or nano_sampling(), progress)


def nano_sampling(steps: int = 16) -> Sampling:
    """How nano samples unless told otherwise: by the paper's reading of the tasks, and with no layer skipped.

    The release skips layer 11 of 30; nano has 6, and each is a sixth of the model.
    """
    guidance = MaCfg(scale_video=2.0, scale_audio=2.0, skip_layer=None)
    return Sampling(steps=steps, shift=1.0, guidance=guidance, convention="paper")


def nano_note(frames: Tensor) -> str | None:
    """What to say of frames `[T, H, W, 3]` of another size than nano was trained on; None: nothing."""
    height, width = frames.shape[1:3]
    known = f"{SHORT_SIDE}x{SHORT_SIDE}"
    if (made := f"{width}x{height}") == known:
        return None
    return f"note: nano knows {known} pictures; this one is made at {made}"


def is_nano(folder: Path) -> bool:
    """Whether a folder holds weights of this kind."""
    return (folder / CAPTIONS).is_file()


def load(
    name: str,
    weights: Path | None = None,
    *,
    variant: Path | None = None,
    video_codec: Path | None = None,
    params: ModelParams | None = None,
    device: torch.device | str = "cpu",
) -> Nano:
    """Load a model with its codecs by name; `nano` is the only one.

    `weights`: a folder with `params.json`, `model.safetensors`, `captions.safetensors` and `video_codec.safetensors`;
    by default those of the package. `variant`: what an ablation trained over the folder's weights, put in place of
    theirs, block by block. `params` changes what is computed (ablations without training). `video_codec`: a file,
    where the folder has none.

    Raises:
        ValueError: no such name, weights that do not fit, or a variant that is damaged or of other weights.
        FileNotFoundError: a file is not there; the message names it.
    """
    if name != "nano":
        raise ValueError(f"no model {name!r}; there is: nano")
    folder = weights or HERE
    codec = video_codec or folder / VIDEO_CODEC
    needed = [folder / PARAMS, folder / WEIGHTS, folder / CAPTIONS, codec, *([variant] if variant else [])]
    if absent := [str(path) for path in needed if not path.is_file()]:
        raise FileNotFoundError(
            f"nano needs {', '.join(absent)}; train it: python -m reference_model train nano_cpu"
        )
    trained = read_variant_params(variant) if variant else read_params(folder / PARAMS)
    if variant is not None:
        _require_alike(
            trained, read_params(folder / PARAMS), f"{variant} is of another model than {folder / PARAMS}"
        )
    params = params or trained
    model = load_official(folder / WEIGHTS, params, device=device).float()
    if variant is not None:
        _put(model, variant, folder)
    return Nano(model.requires_grad_(False), nano_codecs(folder / CAPTIONS, codec, params, device))


def nano_codecs(captions: Path, video_codec: Path, params: ModelParams, device: torch.device | str) -> Codecs:
    """The codecs of nano; the vocoder is Griffin-Lim, which needs no weights."""
    return Codecs(
        video=load_nano_video(video_codec).to(device),
        vocoder=GriffinLimVocoder(),
        captions=load_words(captions, params.caption_width),
        vocabulary=SpeechVocabulary.printable_ascii(),
        short_side=SHORT_SIDE,
    )


def video_codec_key(path: Path, way_out: str = "train it: python -m reference_model train nano_codec") -> str:
    """A hash of what a codec's latents depend on, by which latents know it.

    Raises:
        ValueError: there is no such file, or it is damaged.
    """
    if not path.is_file():
        raise ValueError(f"no video codec {path}; {way_out}")
    return encoder_key(path)


def read_variant_params(path: Path) -> ModelParams:
    """The params of a variant, from its header.

    Raises:
        ValueError: the file holds no variant.
    """
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {})["params"]
    except (OSError, SafetensorError, KeyError) as error:
        raise ValueError(f"{path} holds no variant of a model: {error}") from error
    return parse_params(text, str(path))


def weights_sha256(folder: Path) -> str:
    """The SHA-256 of a folder's weights, by which a variant knows what it goes over."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def _put(model: UniAVGen, variant: Path, folder: Path) -> None:
    tensors, header = _read_variant(variant)
    if not (base := header.get("base", "")):
        raise ValueError(f"{variant} does not say over which weights it was trained (`base` in its header)")
    if base != weights_sha256(folder):
        raise ValueError(
            f"{variant} was trained over other weights than {folder / WEIGHTS} (SHA-256 {base[:12]})"
        )
    # Variants of before name no captions.
    captions = header.get("captions")
    if captions is not None and captions != hashlib.sha256((folder / CAPTIONS).read_bytes()).hexdigest():
        raise ValueError(
            f"{variant} was trained with other captions than {folder / CAPTIONS} (SHA-256 {captions[:12]})"
        )
    wanted = model.state_dict()
    if strange := sorted(set(tensors) - set(wanted)):
        raise ValueError(f"{variant} has tensors that the model has not: {', '.join(strange[:4])}")
    trained = {_module_of(name) for name in tensors}
    if not trained:
        raise ValueError(f"{variant} holds no tensor: nothing was trained")
    if lacking := [name for name in wanted if _module_of(name) in trained and name not in tensors]:
        raise ValueError(
            f"{variant} is not whole: of {_module_of(lacking[0])} it lacks {', '.join(lacking[:4])}"
        )
    if "trained" in header:
        said = _beginnings(header["trained"], variant)
        if lacking := [name for name in wanted if name.startswith(said) != (name in tensors)]:
            raise ValueError(
                f"{variant} is damaged: what it holds is not what its header says was trained, as {lacking[0]}"
            )
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise ValueError(
                f"{variant} is damaged: {name} is {tensor.dtype}, weights are floating-point numbers"
            )
        if tensor.shape != wanted[name].shape:
            raise ValueError(
                f"{variant} does not fit: {name} is {tuple(tensor.shape)}, in the model {tuple(wanted[name].shape)}"
            )
        if not tensor.isfinite().all():
            raise ValueError(f"{variant} is damaged: {name} has values that are not finite")
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)


def _beginnings(text: str, variant: Path) -> tuple[str, ...]:
    """The beginnings of the names of what was trained, from a header."""
    try:
        return tuple(TypeAdapter(list[str]).validate_json(text, strict=True))
    except ValueError as error:
        raise ValueError(f"{variant} is damaged: `trained` in its header is no list of names") from error


def _require_alike(variant: ModelParams, base: ModelParams, said: str) -> None:
    """Raise a ValueError where a variant differs in more than what ablations choose."""
    reach = replace(variant.interaction, layers=base.interaction.layers)
    same = replace(base, interaction=variant.interaction, face_modulation=variant.face_modulation)
    names = [
        field.name for field in fields(same) if getattr(variant, field.name) != getattr(same, field.name)
    ]
    if reach != variant.interaction:
        names.append("interaction.layers")
    if names:
        raise ValueError(f"{said}: they differ in {', '.join(names)}")


def _read_variant(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a variant, and its header.

    `params`; the SHA-256 of the weights that it goes over (`base`) and of the `captions` that it was trained with; the
    beginnings of the names of what was `trained`.
    """
    try:
        with safe_open(path, "pt") as file:
            header: dict[str, str] = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _module_of(name: str) -> str:
    """The part of the model that a tensor is of: one block of several, or a module with all its parts."""
    first, second, *_ = (*name.split("."), "")
    return f"{first}.{second}" if second.isdigit() else first
