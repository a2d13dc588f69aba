"""The options of `uniavgen-nano`: each of them changes what is made, or is refused with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.uniavgen_weights import check_variant, is_path

LATENT_STRIDE = 4
Alignment = Literal["ati", "sti", "sgi", "none"]
UNTAUGHT = "interaction_none"
"""The variant that was trained without interaction: its attentions are as they began, and say nothing."""
UNMASKED = "face_none"
"""The variant that was trained without face modulation: its interaction has seen no mask."""


class UniAVGenNanoOptions(Frozen):
    """`weights`: a folder (None: those of the package). `variant`: what an ablation trained, by its short name
    (`interaction_sti_sti`) or as the path of a file.

    `frames`: of a clip whose length the task leaves open, 4 n + 1. `a2v`, `v2a`, `window`, `face_modulation`: ablations
    without training; None leaves them as trained. `window`, odd: a latent frame hears its own decoded frames (four; the
    first has one) and (window - 1) / 2 on either side; it was trained with 5, two on either side, and 1 adds none.
    Weights trained with `aligner: paper` count latent frames on either side, any number. `guidance`: `scale_video` and
    `scale_audio` are of MA-CFG and CFG; `share` is that of the steps, from the first, that MA-CFG guides. An option
    that the others leave without effect is refused unless it has its default; so is `face_modulation` over weights
    that were trained without masks.
    """

    weights: Path | None = None
    variant: str | None = Field(default=None, min_length=1)
    frames: int = Field(default=33, ge=5, le=241)
    a2v: Alignment | None = None
    v2a: Alignment | None = None
    window: int | None = Field(default=None, ge=0, le=64)
    face_modulation: Literal["on", "even", "off"] | None = None
    guidance: Literal["ma_cfg", "cfg", "none"] = "ma_cfg"
    scale_video: float = Field(default=2.0, ge=0, le=20)
    scale_audio: float = Field(default=2.0, ge=0, le=20)
    share: float = Field(default=0.5, ge=0, le=1)
    steps: int = Field(default=16, ge=1, le=200)

    @field_validator("frames")
    @classmethod
    def _whole_latents(cls, value: int) -> int:
        if (value - 1) % LATENT_STRIDE:
            raise ValueError(f"must be 4 n + 1, got {value}")
        return value

    @field_validator("variant")
    @classmethod
    def _known_variant(cls, value: str | None) -> str | None:
        return None if value is None else check_variant(value)

    @field_validator("a2v", "v2a")
    @classmethod
    def _interaction_was_trained(cls, value: Alignment | None, info: ValidationInfo) -> Alignment | None:
        if value not in (None, "none") and info.data.get("variant") == UNTAUGHT:
            raise ValueError(
                f"has no effect: {UNTAUGHT} was trained without interaction, its attentions say nothing"
            )
        return value

    @field_validator("window")
    @classmethod
    def _window_is_used(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None:
            return None
        reach = _reach("a2v", info.data)
        if reach is not None:
            check_window(value, reach, "released")
        return value

    @field_validator("face_modulation")
    @classmethod
    def _faces_are_looked_at(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and _reach("a2v", info.data) == _reach("v2a", info.data) == "none":
            raise ValueError("has no effect where nothing flows: a2v and v2a are none")
        if value is not None and info.data.get("variant") == UNMASKED:
            check_masks(value, "off")
        return value

    @field_validator("scale_video", "scale_audio", "share")
    @classmethod
    def _guidance_has_it(cls, value: float, info: ValidationInfo) -> float:
        assert info.field_name is not None
        guided = ("ma_cfg",) if info.field_name == "share" else ("ma_cfg", "cfg")
        kind = info.data.get("guidance", guided[0])
        if kind not in guided and value != cls.model_fields[info.field_name].default:
            raise ValueError(f"has no effect with guidance {kind}, only with {' and '.join(guided)}")
        return value


def _reach(direction: Literal["a2v", "v2a"], options: dict[str, Any]) -> str | None:
    """The alignment of one direction with these options; None: only the file says it."""
    if (named := options.get(direction)) is not None:
        return str(named)
    variant: str | None = options.get("variant")
    if variant is None:
        return "ati" if options.get("weights") is None else None
    if is_path(variant):
        return None
    kind, _, reaches = variant.partition("_")
    if kind != "interaction":
        return "ati"
    return reaches.split("_")[0 if direction == "a2v" else -1]


def check_window(window: int, a2v: str, aligner: str) -> None:
    """Raise a ValueError where a window has no effect, or is that of another number under another name."""
    if a2v != "ati":
        raise ValueError(f"has no effect where a2v is {a2v}: only ati has a window")
    if aligner == "released" and window % 2 == 0:
        names = f"{window - 1} or {window + 1}" if window else "1"
        raise ValueError(f"must be odd: {window} reaches just as far as {window + 1}; name {names}")


def check_masks(face_modulation: str, trained: str) -> None:
    """Raise a ValueError where weights that were trained without face masks are told to use them, or not to."""
    if trained != "off":
        return
    if face_modulation == "off":
        raise ValueError("has no effect: the weights were trained with off")
    raise ValueError(
        f"cannot be {face_modulation}: the weights were trained with off, their interaction has seen no mask"
    )
