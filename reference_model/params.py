"""What the model is: widths, depths, and every ablation of the paper as a value."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from reference_model.atomic import write_whole

Alignment = Literal["ati", "sti", "sgi", "none"]
"""Reach of a cross-modal attention (paper, asymmetric cross-modal interaction).

`ati`: asymmetric temporal, a window for video and an interpolated frame for audio; `sti`: symmetric temporal,
a frame's own audio and an audio token's own frame; `sgi`: symmetric global, everything; `none`: nothing flows.
"""
Convention = Literal["released", "paper"]
AudioTime = Literal["branch", "token"]
FaceModulation = Literal["on", "even", "off"]
"""`even`: each token has its frame's mean mask, so that the masks tell no place; `off`: all masks are 1."""
Width = Annotated[int, Field(ge=1, le=65_536)]
Blocks = Annotated[int, Field(ge=1, le=256)]
Rate = Annotated[int, Field(ge=1, le=1000)]
Side = Annotated[int, Field(ge=1, le=64)]
Strictly = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""How files are read into the dataclasses below; their types and bounds are checked there, not when built in code."""
WIDEST_WINDOW = 1000


@dataclass(frozen=True)
class BranchParams:
    """One transformer branch: width, feed-forward width and heads."""

    width: Width
    ffn: Annotated[int, Field(ge=1, le=1_048_576)]
    heads: Annotated[int, Field(ge=1, le=1024)]
    __pydantic_config__: ClassVar[ConfigDict] = Strictly

    def __post_init__(self) -> None:
        if self.heads < 1 or self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} does not give {self.heads} heads of an even size")

    @property
    def head_dim(self) -> int:
        """Size of one attention head."""
        return self.width // self.heads


@dataclass(frozen=True)
class SpeechTextParams:
    """The character embedding of what is said: symbols, width, ConvNeXt-V2 blocks and their multiplier."""

    vocabulary: Annotated[int, Field(ge=1, le=1_048_576)] = 2545
    width: Annotated[int, Field(ge=2, le=65_536, multiple_of=2)] = 512
    blocks: Blocks = 4
    multiplier: Annotated[int, Field(ge=1, le=64)] = 2
    positions: Annotated[int, Field(ge=1, le=1_048_576)] = 4096
    spread: Literal["none", "even"] = "none"
    __pydantic_config__: ClassVar[ConfigDict] = Strictly


@dataclass(frozen=True)
class InteractionParams:
    """Which layers exchange, how far each direction reaches, and by whose alignment.

    `window` counts decoded frames around a frame under `released` (an even number is raised by one) and
    neighbouring latent frames on either side under `paper`.
    """

    layers: tuple[int, ...]
    a2v: Alignment = "ati"
    v2a: Alignment = "ati"
    window: int = 5
    aligner: Convention = "released"
    __pydantic_config__: ClassVar[ConfigDict] = Strictly

    def __post_init__(self) -> None:
        if tuple(sorted(set(self.layers))) != self.layers:
            raise ValueError(f"interaction layers must ascend without repetition, got {self.layers}")
        _require("interaction.a2v", self.a2v, ("ati", "sti", "sgi", "none"))
        _require("interaction.v2a", self.v2a, ("ati", "sti", "sgi", "none"))
        _require("interaction.aligner", self.aligner, ("released", "paper"))
        if not 0 <= self.window <= WIDEST_WINDOW:
            raise ValueError(f"interaction.window must lie in 0..{WIDEST_WINDOW}, got {self.window}")


@dataclass(frozen=True)
class ModelParams:
    """The whole model.

    `patch` is (time, row, column) in latents; `frequency` the size of the time sinusoid; `caption_length` the
    rows to which captions are zero-padded. `audio_time`: with `branch` one time serves all audio tokens, 0 as
    soon as any is given (release); with `token` given and reference tokens stand at 0 and the others at t.
    An ablation changes what is computed, never which parameters exist, so one checkpoint serves them all.
    """

    video: BranchParams
    audio: BranchParams
    layers: Blocks
    interaction: InteractionParams
    speech_text: SpeechTextParams
    latent_channels: Annotated[int, Field(ge=1, le=4096)] = 48
    mel_bands: Annotated[int, Field(ge=1, le=1024)] = 80
    patch: tuple[Side, Side, Side] = (1, 2, 2)
    frequency: Annotated[int, Field(ge=2, le=65_536, multiple_of=2)] = 256
    caption_length: Annotated[int, Field(ge=1, le=8192)] = 512
    caption_width: Width = 4096
    eps: Annotated[float, Field(gt=0, le=0.01)] = 1e-6
    face_modulation: FaceModulation = "on"
    audio_time: AudioTime = "branch"
    video_rate: Rate = 16
    mel_rate: Rate = 100
    __pydantic_config__: ClassVar[ConfigDict] = Strictly

    def __post_init__(self) -> None:
        _require("face_modulation", self.face_modulation, ("on", "even", "off"))
        _require("audio_time", self.audio_time, ("branch", "token"))
        if any(not 0 <= layer < self.layers for layer in self.interaction.layers):
            raise ValueError(f"interaction layers {self.interaction.layers} do not fit {self.layers} layers")
        if len(self.patch) != 3 or self.patch[0] != 1:
            raise ValueError(f"patches span one latent frame, got {self.patch}")

    def audio_tokens(self, latent_frames: int) -> int:
        """Mel frames that last as long as `latent_frames` latents (1 + 4 decoded frames for each further)."""
        return (4 * (latent_frames - 1) + 1) * self.mel_rate // self.video_rate


def ti2v_5b() -> ModelParams:
    """The released model: 7,056,424,223 parameters (spec topic: configuration)."""
    return ModelParams(
        video=BranchParams(width=3072, ffn=14336, heads=24),
        audio=BranchParams(width=1536, ffn=8960, heads=12),
        layers=30,
        interaction=InteractionParams(layers=tuple(range(0, 30, 2))),
        speech_text=SpeechTextParams(),
    )


def nano() -> ModelParams:
    """A model of about seven million parameters that two cores train in two hours.

    A clip of 128 pixels has latents of 16 x 16, as tokens 4 x 4: 128 numbers a token, fewer than the width, or noise
    would not pass through it. `audio_time` is `token`, because continuation has to know which part of the sound is
    still noise.
    """
    return ModelParams(
        video=BranchParams(width=192, ffn=768, heads=6),
        audio=BranchParams(width=128, ffn=512, heads=4),
        layers=6,
        interaction=InteractionParams(layers=(0, 2, 4)),
        speech_text=SpeechTextParams(vocabulary=95, width=128, positions=1024, spread="even"),
        patch=(1, 4, 4),
        latent_channels=8,
        frequency=128,
        caption_length=48,
        caption_width=64,
        audio_time="token",
    )


def tiny() -> ModelParams:
    """A model that trains in seconds and learns little: for tests of the machinery."""
    return ModelParams(
        video=BranchParams(width=32, ffn=48, heads=2),
        audio=BranchParams(width=24, ffn=32, heads=2),
        layers=3,
        interaction=InteractionParams(layers=(0, 2)),
        speech_text=SpeechTextParams(vocabulary=95, width=24, blocks=1, positions=512),
        latent_channels=8,
        frequency=16,
        caption_length=48,
        caption_width=16,
        audio_time="token",
    )


def preset(name: str) -> ModelParams:
    """The preset of that name; ValueError names the ones that exist."""
    presets = {"ti2v_5b": ti2v_5b, "nano": nano, "tiny": tiny}
    if name not in presets:
        raise ValueError(f"no preset {name!r}; there are: {', '.join(presets)}")
    return presets[name]()


def write_params(params: ModelParams, path: Path) -> None:
    """Write the params as JSON, whole or not at all."""
    write_whole(path, (json.dumps(asdict(params), indent=1) + "\n").encode())


def read_params(path: Path) -> ModelParams:
    """Read params written by `write_params`; ValueError names the file and the first key that is wrong."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no regular file")
    return parse_params(path.read_bytes(), str(path))


def parse_params(text: str | bytes, where: str) -> ModelParams:
    """Params from the JSON of `write_params`; ValueError names `where` they stood and the first key that is wrong."""
    try:
        return TypeAdapter(ModelParams).validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
    kind, given, context = problem["type"], problem["input"], problem.get("ctx", {})
    place = "".join(f"{key}: " for key in (where, ".".join(map(str, problem["loc"]))) if key)
    if kind == "json_invalid":
        raise ValueError(f"{where} is not JSON: {context['error']}")
    if kind == "value_error":
        raise ValueError(f"{place}{context['error']}")
    if kind in ("missing", "unexpected_keyword_argument"):
        raise ValueError(f"{place}{'is missing' if kind == 'missing' else 'unknown key'}")
    shown = repr(given) if len(repr(given)) <= 40 else f"{repr(given)[:40]}..."
    raise ValueError(f"{place}{problem['msg'][0].lower()}{problem['msg'][1:]}, got {shown}")


def with_ablation(
    params: ModelParams,
    *,
    a2v: Alignment | None = None,
    v2a: Alignment | None = None,
    window: int | None = None,
    aligner: Convention | None = None,
    face_modulation: FaceModulation | None = None,
) -> ModelParams:
    """The same model with some of the paper's choices replaced; None leaves a choice as it is."""
    old = params.interaction
    interaction = replace(
        old,
        a2v=old.a2v if a2v is None else a2v,
        v2a=old.v2a if v2a is None else v2a,
        window=old.window if window is None else window,
        aligner=old.aligner if aligner is None else aligner,
    )
    modulation = params.face_modulation if face_modulation is None else face_modulation
    return replace(params, interaction=interaction, face_modulation=modulation)


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}")
