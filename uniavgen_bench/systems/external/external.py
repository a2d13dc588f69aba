"""What is known of a system of another project, and how it is reached on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from uniavgen_bench.core.redaction import SECRET_NAME, looks_like_token, secret_in, secret_name
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.external.batch import Batch, Item, Launch

SECRET = SECRET_NAME
"""Names of variables whose values must not stand in a suite or a run."""

Result = Literal["clip", "sound"]
"""What a system leaves: a clip, or a sound that a cascade goes on with."""


class ExternalOptions(Frozen):
    """How a system is reached and run; what it generates with is added by each system.

    `root`: its checkout (default: the folder of its name in UNIAVGEN_BENCH_CHECKOUTS). `python`: the interpreter of
    its environment (default: `.venv/bin/python` of the checkout; a relative path is below the checkout). `launcher`:
    words before the command, for example `[conda, run, -n, ovi]`, in place of `python`. `env`: variables to set;
    `pass_env`: names of variables to hand on, for secrets; what a run keeps does not tell their values. `devices`: GPU
    numbers. `at_once`: processes side by side, each with an equal share of `devices` (`auto`: one for each device).
    `timeout`: s without a new clip after which it is ended. `batch`: clips per process at most, where the system takes
    many (0: all, or equal shares of them where several run at once). `give_up`: processes in a row without a clip,
    counted on each share of `devices`, after which no more are started there (0: never). `arguments`: put at the end of
    the command as they are. `scratch`: folder for copies of inputs and for raw outputs.
    """

    root: Path | None = None
    python: str | None = None
    launcher: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    pass_env: tuple[str, ...] = ()
    devices: tuple[int, ...] = ()
    at_once: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = 1
    timeout: float = Field(default=3600.0, gt=0)
    batch: int = Field(default=0, ge=0)
    give_up: int = Field(default=5, ge=0)
    arguments: tuple[str, ...] = ()
    scratch: Path | None = None

    @field_validator("env")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if secret_name(name) or looks_like_token(text):
                raise ValueError(
                    f"the variable {name} looks like a secret, and options stand in the run's files: set it in the "
                    f"shell and name it in pass_env"
                )
        return value

    @field_validator("at_once")
    @classmethod
    def _equal_shares(cls, value: int | Literal["auto"], info: ValidationInfo) -> int | Literal["auto"]:
        devices: tuple[int, ...] = info.data.get("devices", ())
        if value == "auto" and not devices:
            raise ValueError("auto is one process for each device, and devices names none: list them there")
        count = len(devices) if value == "auto" else value
        if count == 1 or not devices:
            return value
        if len(set(devices)) < len(devices):
            raise ValueError("devices names one twice, and no two processes share one: name each once")
        if len(devices) % count:
            fit = [str(n) for n in range(1, len(devices) + 1) if len(devices) % n == 0]
            raise ValueError(f"{len(devices)} devices have no {count} equal shares: use {' or '.join(fit)}")
        return value

    @model_validator(mode="after")
    def _no_secrets_in_words(self) -> Self:
        for name in type(self).model_fields:
            given = getattr(self, name)
            words = [given] if isinstance(given, str) else given
            if name == "env" or not isinstance(words, list | tuple | dict):
                continue
            texts = words.values() if isinstance(words, dict) else words
            told = secret_in([text for text in texts if isinstance(text, str)])
            if told:
                raise ValueError(
                    f"{name}: {told} looks like a secret, and options stand in the run's files: let the program read "
                    f"a variable, set it in the shell and name it in pass_env"
                )
        return self

    def shares(self) -> tuple[Self, ...]:
        """Return the options of each of the processes that run at once: all the same but for their `devices`."""
        count = len(self.devices) if self.at_once == "auto" else self.at_once
        if count == 1:
            return (self,)
        each = len(self.devices) // count
        return tuple(
            self.model_copy(update={"at_once": 1, "devices": self.devices[i * each : (i + 1) * each]})
            for i in range(count)
        )


HOW_ONLY = frozenset(
    {"root", "python", "pass_env", "devices", "at_once", "timeout", "batch", "give_up", "scratch"}
)  # fmt: skip
"""Options that do not make a run another one. Those of them that can change clips stand in `identity`: the state of
`root`, `python`, values of `pass_env`, and of `batch` and the devices of one process what `External.depends_on` names.
Never `at_once`: a clip is the same whatever ran beside its process."""


class SeededOptions(ExternalOptions):
    """Of systems with one seed per process: `seed` for the first repeat, seed + r for repeat r."""

    seed: int = Field(default=2025, ge=0)


def whole_steps(value: int, step: int) -> int:
    """Return a number of frames that is a multiple of `step`, plus 1.

    Raises:
        ValueError: it is not; with the nearest that are.
    """
    below = (value - 1) // step * step + 1
    if below != value:
        raise ValueError(f"frames are {step} n + 1: {below} or {below + step}, got {value}")
    return value


def no_weights(options: Any) -> tuple[str, ...]:
    """Return no paths: the system fetches its weights itself."""
    return ()


def not_stated(options: Any) -> float | None:
    """Return that the memory is not stated."""
    return None


def nothing_more(options: Any, samples: Sequence[Sample]) -> str:
    """Return no problem."""
    return ""


@dataclass(frozen=True)
class Delivered:
    """What a system is said to deliver: frame rate, length, sound; `fps` is None where it depends on the input."""

    fps: float | None
    length: str
    sound: str
    size: str = "not stated"


@dataclass(frozen=True)
class External:
    """The facts of a system, read at `commit` (of the day `dated`) of `home` (owner/name), and how to prepare its runs.

    `entry`: a file that tells that a folder is its checkout. `modules` must be importable in its environment.
    `weights(options)`: files or folders it needs, relative to the checkout. `batch`: it takes many clips per process.
    `apart(item, options)`: items with the same text must not share a process. `alone`: it writes shared files into its
    checkout, so only one process may run there. `unfit(options, samples)`: why these options cannot serve these
    samples, or an empty text. `gpu_gib(options)`: GPU memory that it needs, None if that is not stated. `result`: what
    it writes.
    `example`: options without which it cannot run, as its page shows them; `CHECKOUT` stands for the checkout.
    """

    name: str
    title: str
    home: str
    commit: str
    dated: str
    licence: str
    weights_licence: str
    tasks: tuple[Task, ...]
    delivers: Delivered
    seed: str
    memory: str
    environment: str
    entry: str
    options: type[ExternalOptions]
    prepare: Callable[[Batch[Any]], Launch]
    modules: tuple[str, ...] = ()
    weights: Callable[[Any], tuple[str, ...]] = no_weights
    batch: bool = False
    apart: Callable[[Item, Any], str] | None = None
    alone: bool = False
    depends_on: frozenset[Literal["batch", "devices"]] = frozenset({"batch", "devices"})
    unfit: Callable[[Any, Sequence[Sample]], str] = nothing_more
    gpu_gib: Callable[[Any], float | None] = not_stated
    result: Result = "clip"
    steps: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)
    code: int = 1
