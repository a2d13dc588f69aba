"""Recipes: what is trained on what, for how long; YAML or TOML, every key known."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from reference_model.codecs.nano_video import NanoVideoParams
from reference_model.guidance import Task
from reference_model.params import Alignment, Convention, FaceModulation, ModelParams, preset, with_ablation

RECIPES = Path(__file__).parent / "recipes"
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
MOST_THREADS = 512
"""OpenMP ends the process where it cannot start so many."""
MOST_CLIPS = 16_384
"""Of a batch; more is a slip of the hand."""
MOST_MINUTES = 100_000


class Strict(BaseModel):
    """A part of a recipe: unknown keys are errors, and so are numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Schedule(Strict):
    """How long and how fast: linear warm-up, then a cosine down to `final_share` of the learning rate.

    With `minutes`, the first steps are timed and the number of steps is settled once, so that the cosine ends in time;
    `steps` stays the upper bound. `batch` counts the clips of a step over all processes.
    """

    name: str = Field(min_length=1)
    steps: int = Field(ge=1)
    minutes: float | None = Field(default=None, gt=0, le=MOST_MINUTES)
    batch: int = Field(ge=1, le=MOST_CLIPS)
    learning_rate: float = Field(gt=0)
    warmup: int = Field(default=100, ge=0)
    final_share: Share = 0.05
    trainable: tuple[str, ...] = ()
    """Beginnings of the names of what is trained; empty: everything."""

    @model_validator(mode="after")
    def _warm_while_timed(self) -> "Schedule":
        if self.minutes is not None and self.warmup < TIMED_STEPS:
            raise ValueError(f"with minutes the warm-up has at least {TIMED_STEPS} steps: they are timed")
        return self


TIMED_STEPS = 20
"""Steps that are timed before a stage with `minutes` settles its length."""


class Optimiser(Strict):
    """AdamW, the clipping of gradients, and the moving average of weights."""

    betas: tuple[Share, Share] = (0.9, 0.99)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    ema: Share = 0.999


class Every(Strict):
    """Steps between two checkpoints, log lines, validations and samples; 0: never."""

    checkpoint: int = Field(default=100, ge=1)
    log: int = Field(default=10, ge=1)
    validation: int = Field(default=0, ge=0)
    samples: int = Field(default=0, ge=0)


class Drop(Strict):
    """How often a condition is left out: caption and speech for guidance, interaction for its unimodal pass."""

    caption: Share = 0.1
    speech: Share = 0.1
    interaction: Share = 0.1


class Times(Strict):
    """Flow times t = s u / (1 + (s - 1) u): u uniform, or the logistic function of a normal deviate."""

    draw: Literal["uniform", "logit_normal"] = "logit_normal"
    shift: float = Field(default=1.0, gt=0)


class ModelStage(Schedule):
    """A stage of the model's training.

    `tasks`: how often each is drawn, one a step. `branches` audio: the voice alone, nothing flows (the paper's first
    stage). `mask_weight`: of the face masks' loss, at the first and at the last step. `lips`: how much more the lips
    count than the rest of the picture; what is learned is the same, but sooner.
    """

    tasks: dict[Task, float]
    branches: Literal["audio", "both"] = "both"
    mask_weight: tuple[Weight, Weight] = (0.0, 0.0)
    lips: float = Field(default=0.0, ge=0)
    drop: Drop = Drop()
    times: Times = Times()

    @model_validator(mode="after")
    def _can_be_drawn(self) -> "ModelStage":
        if not self.tasks or min(self.tasks.values()) < 0 or sum(self.tasks.values()) <= 0:
            raise ValueError("tasks: shares that are not negative, at least one of them positive")
        if self.branches == "audio" and any(
            share > 0 and task in ("dubbing", "audio_driven") for task, share in self.tasks.items()
        ):
            raise ValueError("tasks: the voice alone is trained on joint, joint_ref_audio and continuation")
        return self


class Model(Strict):
    """Which model, and what of it is ablated; None leaves a choice as the preset has it."""

    preset: str = "nano"
    a2v: Alignment | None = None
    v2a: Alignment | None = None
    window: int | None = Field(default=None, ge=0, le=1024)
    aligner: Convention | None = None
    face_modulation: FaceModulation | None = None

    @model_validator(mode="after")
    def _known(self) -> "Model":
        preset(self.preset)
        return self

    def params(self) -> ModelParams:
        """The params of the model."""
        choices = self.model_dump(exclude={"preset"})
        return with_ablation(preset(self.preset), **choices)


class Run(Strict):
    """What every recipe says: where to write, on what to run, and when to look."""

    out: Path
    seed: int = Field(default=2025, ge=-(2**63), lt=2**64)
    device: str = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"
    threads: int = Field(default=2, ge=1, le=MOST_THREADS)
    optimiser: Optimiser = Optimiser()
    every: Every = Every()

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        if re.fullmatch(r"(cpu|cuda|mps|xpu)(:[0-9]+)?", value) is None:
            raise ValueError(f"no device {value!r}; valid names are cpu, cuda, cuda:0")
        return value


class TrainModel(Run):
    """Train the model on latents that `encode` made of `shards`.

    `init`: a finished run to start from, but for tensors whose names begin with one of `fresh`, which begin anew.
    `save` trained: keep only the tensors that a stage trains, as ablations do.
    `video_codec`: the weights by which pictures become latents, and samples pictures again.
    """

    kind: Literal["model"]
    shards: Path
    latents: Path
    video_codec: Path
    validation_shards: Path | None = None
    validation_latents: Path | None = None
    model: Model = Model()
    init: Path | None = None
    fresh: tuple[str, ...] = ()
    save: Literal["all", "trained"] = "all"
    sample_steps: int = Field(default=16, ge=1, le=1000)
    stages: tuple[ModelStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fresh_of_what(self) -> "TrainModel":
        if self.fresh and self.init is None:
            raise ValueError("fresh: names what `init` is not taken for; without `init` all begins anew")
        return self

    @model_validator(mode="after")
    def _a_variant_of_what(self) -> "TrainModel":
        if self.save == "all":
            return self
        if self.init is None:
            raise ValueError("save: `trained` keeps what goes over the weights of `init`, which is not named")
        for stage in self.stages:
            if wrong := [name for name in stage.trainable or ("",) if not name.startswith("model.")]:
                raise ValueError(
                    f"save: `trained` keeps parts of the model alone, but stage {stage.name} trains "
                    f"{wrong[0] or 'everything'}; name beginnings with 'model.' in `trainable`"
                )
        return self


class TrainVideoCodec(Run):
    """Train the video codec on the pictures of `shards`; `lips` weighs the mouth.

    `noise`, in standard deviations, is added to latents: a model that makes them is never exact. `init`: a codec to go
    on from, with its linear transforms; where the decoder alone is trained, all latents stay good. `crop`: side in
    pixels of the windows that are trained on, 0 for whole pictures; `near`: the share of them that lies near the lips.
    """

    kind: Literal["video_codec"]
    shards: Path
    groups: int = Field(default=2, ge=1)
    noise: float = Field(default=0.1, ge=0)
    lips: float = Field(default=40.0, ge=0)
    crop: int = Field(default=0, ge=0, multiple_of=16)
    near: Share = 0.75
    init: Path | None = None
    latent: int = Field(default=8, ge=1, le=1024)
    fine: int = Field(default=64, ge=8, le=8192, multiple_of=8)
    coarse: int = Field(default=128, ge=8, le=8192, multiple_of=8)
    group: int = Field(default=192, ge=8, le=8192, multiple_of=8)
    stages: tuple[Schedule, ...] = Field(min_length=1)

    def params(self) -> NanoVideoParams:
        """The sizes of the codec."""
        return NanoVideoParams(self.latent, self.fine, self.coarse, self.group)


Recipe = TrainModel | TrainVideoCodec
_KINDS: dict[str, type[BaseModel]] = {"model": TrainModel, "video_codec": TrainVideoCodec}
_RECIPE: TypeAdapter[Recipe] = TypeAdapter(Annotated[Recipe, Field(discriminator="kind")])


def read_recipe(source: str) -> Recipe:
    """Read a recipe: a file, or the name of one that comes with the package; relative paths are the caller's.

    Raises:
        ValueError: it cannot be read, or a key or value is wrong; the message names it.
    """
    path = Path(source)
    if not path.suffix and not path.exists():
        path = RECIPES / f"{source}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        raw: Any = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except FileNotFoundError as error:
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml") if not p.stem.endswith("_test")))
        raise ValueError(f"no recipe {source}; a file, or one of: {known}") from error
    except RecursionError as error:
        raise ValueError(f"{path} cannot be read: its brackets are nested too deeply") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return _valid(raw, str(path))


def changed(recipe: Recipe, **values: object) -> Recipe:
    """A recipe with other values; None leaves one as it is. ValueError if one is wrong."""
    given = {name: value for name, value in values.items() if value is not None}
    return _valid(recipe.model_dump() | given, "the recipe with what the command line changes")


def _valid(raw: Any, source: str) -> Recipe:
    try:
        return _RECIPE.validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        # The first part only says which kind of recipe it is.
        parts = first["loc"][0 if first["type"].startswith("union_tag") else 1 :]
        place = ".".join(str(part) for part in parts)
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known = _keys(_KINDS[str(first["loc"][0])], parts[:-1])
            close = difflib.get_close_matches(str(parts[-1]), known, 1)
            said = (
                f"unknown key (did you mean {close[0]}?)"
                if close
                else f"unknown key; known: {', '.join(known)}"
            )
        raise ValueError(f"{source}: {place or 'the recipe'}: {said}") from error


def _keys(part: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys of a part of a recipe, or of what lies at a path in it."""
    for name in path:
        if isinstance(name, str):
            kind = part.model_fields[name].annotation
            inner = [
                one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, Strict)
            ]
            part = inner[0]
    return list(part.model_fields)
