"""The files of a leaderboard: entries, public keys and the policy, as they are stored and checked."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.sample import Role, Task
from uniavgen_bench.core.spec import Frozen, MetricSpec

LARGEST = 64 << 20
"""Bytes of the largest entry that is read: 100,000 clips fit."""

Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
KeyName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=400)]
Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Plain: TypeAlias = str | bool | int | Finite | None
"""A value of an option, as it stands in JSON."""


_HTTPS = re.compile(r"https://(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::\d{1,5})?(?:/[^\s\"'<>`\\{}|^]*)?\Z")


def https_url(text: str) -> str:
    """Return an address that a page may link to: https, a host name, nothing that could end an attribute.

    Raises:
        ValueError: it is something else, or longer than 300 characters.
    """
    if len(text) > 300 or not text.isascii() or not _HTTPS.match(text):
        raise ValueError(f"{text[:60]!r} is no https address (https://host/path, without user name)")
    return text


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


class EntrySample(Frozen):
    """A sample of the dataset: its cluster for the bootstrap, and the hash of all that is given for it.

    `given` covers texts and facts, and the bytes of every file that they name; its id is not part of it.
    """

    id: Name
    cluster: Text = ""
    given: Sha256


class EntryClip(Frozen):
    """One clip: its sample by position, the hash of its bytes (None: there is none), and every score or reason.

    `scores` follow the fields of the entry's metrics in their order; a text is the reason why there is no number.
    """

    sample: int = Field(ge=0)
    repeat: int = Field(ge=0)
    sha256: Sha256 | None
    scores: tuple[Finite | Reason, ...]


class EntrySystem(Frozen):
    """A system with its clips; `options` are its own, without paths and secrets."""

    id: Name
    use: Name
    role: Role
    label: Text = ""
    options: dict[str, Plain | list[Plain]] = Field(default_factory=dict)
    clips: tuple[EntryClip, ...] = Field(min_length=1)


class EntryAggregate(Frozen):
    """Mean, median, standard deviation and interval of one field over the scored clips of one system."""

    system: str
    metric: str
    field: str
    attempted: int
    scored: int
    mean: Finite | None
    median: Finite | None
    sd: Finite | None
    low: Finite | None
    high: Finite | None
    level: Finite | None
    method: str


class EntryWeight(Frozen):
    """A weight file that the run read."""

    name: Name
    sha256: Sha256
    licence: Text


class EntryComputed(Frozen):
    """By what a metric was computed beside its weights: the count of repairs, and its parameters without paths."""

    code: int
    params: dict[str, Plain | list[Plain]] = Field(default_factory=dict)


class EntryCode(Frozen):
    """The version and the hash of the sources that scored."""

    version: Text
    sha256: Sha256


class EntryDataset(Frozen):
    """What the samples come from: the plugin, its name, its options and facts without paths."""

    plugin: Name
    name: Name
    recipe: dict[str, Plain | list[Plain]] = Field(default_factory=dict)
    facts: dict[str, str] = Field(default_factory=dict)


class EntrySuite(Frozen):
    """Which suite was run; `lock_sha256` is the hash of the run's suite.lock.yaml."""

    name: Name
    lock_sha256: Sha256
    seed: int
    repeats: int = Field(ge=1)


class EntryLink(Frozen):
    """An address that the submitter gives, for example of the paper, the code, or the report."""

    title: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 -]{0,29}$")]
    url: Annotated[str, AfterValidator(https_url)]


class Chain(Frozen):
    """Linear hashes: each covers its own part of the entry and the hash before it; `head` names the entry."""

    clips: Sha256
    scores: Sha256
    weights: Sha256
    code: Sha256
    head: Sha256


class Signature(Frozen):
    """Who signed the head: the name of a key of the board, the public key, and the Ed25519 signature over both."""

    algorithm: Literal["ed25519"] = "ed25519"
    key: KeyName
    public: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    value: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class EntryBody(Frozen):
    """What an entry says of one system of one run; nothing here names a machine, a user or a path.

    `computed` is by versioned metric name, as far as the run says it. `controls` are the run's floors and ceilings on
    the same samples. `previous` is the head of the system's entry
    before this one (same key, same samples), or None. `submitter` is the name that the submitter chose.
    """

    schema_version: Literal[1] = 1
    task: Task | None
    suite: EntrySuite
    dataset: EntryDataset
    samples: tuple[EntrySample, ...] = Field(min_length=1)
    cluster: str | None
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    computed: dict[Name, EntryComputed]
    system: EntrySystem
    controls: tuple[EntrySystem, ...] = ()
    aggregates: tuple[EntryAggregate, ...]
    weights: tuple[EntryWeight, ...]
    code: EntryCode
    device: Text
    environment: dict[str, str]
    date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
    submitter: Name
    links: tuple[EntryLink, ...] = Field(default=(), max_length=8)
    previous: Sha256 | None

    @property
    def systems(self) -> tuple[EntrySystem, ...]:
        """The system and its controls."""
        return (self.system, *self.controls)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        fields = sum(len(metric.fields) for metric in self.metrics)
        _refuse_twice([sample.id for sample in self.samples], "sample")
        _refuse_twice([metric.name for metric in self.metrics], "metric")
        for name in self.computed.keys() - {metric.name for metric in self.metrics}:
            raise ValueError(f"it says by what {name!r} was computed, which it does not hold")
        _refuse_twice([system.id for system in self.systems], "system")
        if self.system.role is not Role.SYSTEM or any(c.role is Role.SYSTEM for c in self.controls):
            raise ValueError("an entry is of one system, and its controls are controls")
        for system in self.systems:
            keys = [(clip.sample, clip.repeat) for clip in system.clips]
            _refuse_twice(keys, f"clip of {system.id!r}")
            if keys != sorted(keys):
                raise ValueError(f"the clips of {system.id!r} are not in order")
            for clip in system.clips:
                if clip.sample >= len(self.samples):
                    raise ValueError(
                        f"a clip of {system.id!r} is of sample {clip.sample}, which there is none of"
                    )
                if len(clip.scores) != fields:
                    raise ValueError(f"a clip of {system.id!r} has {len(clip.scores)} scores, not {fields}")
                if clip.sha256 is None and any(isinstance(score, float) for score in clip.scores):
                    raise ValueError(f"a clip of {system.id!r} has a score and no hash")
        return self


def _refuse_twice(names: list[Any], what: str) -> None:
    if len(set(names)) < len(names):
        first = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"the {what} {first!r} is there twice")


class Entry(Frozen):
    """A leaderboard entry: what it says, the chain of hashes over it, and the signature of the chain's head."""

    body: EntryBody
    chain: Chain
    signature: Signature


class Expired(Frozen):
    """A metric version that is no longer ranked, for example `lipsync.mouth_audio@1`, and why."""

    metric: Name
    why: Name


class Policy(Frozen):
    """policy.json of a board: which metric versions have expired, and which weights beyond the bundled list count.

    `weights` maps names to accepted hashes, for weights that the installed package does not declare.
    """

    schema_version: Literal[1] = 1
    expired: tuple[Expired, ...] = ()
    weights: dict[str, tuple[Sha256, ...]] = Field(default_factory=dict)


def canonical(model: Frozen) -> bytes:
    """Return the one byte string of a model: JSON with sorted keys, no spaces, UTF-8, and a newline at the end."""
    data = model.model_dump(mode="json")
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def parse_entry(data: bytes, where: str) -> Entry:
    """Read an entry.

    Raises:
        InputError: it is no JSON, does not fit the schema, or is not written canonically.
    """
    if len(data) > LARGEST:
        raise InputError(f"{where}: larger than {LARGEST >> 20} MiB")
    try:
        entry = Entry.model_validate_json(data)
    except ValidationError as error:
        raise InputError(f"{where} is no leaderboard entry: {first_problem(error)}") from None
    if _bytes(entry) != data:
        raise InputError(f"{where} is not written canonically: it was edited or formatted by hand")
    return entry


def _bytes(entry: Entry) -> bytes:
    try:
        return canonical(entry)
    except ValueError:  # a lone surrogate
        return b""
