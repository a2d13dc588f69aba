"""Shards of clips, as the suite exports them, read without the suite."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from torch import Tensor

INDEX = "index.json"


@dataclass(frozen=True)
class Texts:
    """The texts of n clips: what is said, what is seen, what the reference voice says; `id` names the clip."""

    id: tuple[str, ...]
    speech: tuple[str, ...]
    caption: tuple[str, ...]
    reference_text: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id)


_TEXTS: TypeAdapter[Texts] = TypeAdapter(Texts)


@dataclass(frozen=True)
class Shard:
    """A file of clips; tensors are read when they are asked for. `again` says how it is made anew."""

    path: Path
    clips: int
    sha256: str
    again: str = "export the shards again"

    def check(self) -> None:
        """Compare its content with its SHA-256. ValueError if it is another file than the index lists."""
        try:
            with self.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ValueError(f"{self.path} cannot be read: {error}; {self.again}") from error
        if found != self.sha256:
            raise ValueError(
                f"{self.path} is damaged, or another file than {INDEX} beside it lists; {self.again}"
            )

    def texts(self) -> Texts:
        """The texts of its clips. ValueError if the file is damaged, or has not one of each for every clip."""
        with self._open() as file:
            described = (file.metadata() or {}).get("clips", "{}")
        try:
            texts = _TEXTS.validate_python(json.loads(described)["texts"])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self.path} has no texts of clips; {self.again}") from error
        if wrong := [f.name for f in fields(texts) if len(getattr(texts, f.name)) != self.clips]:
            raise ValueError(f"{self.path} has not one {wrong[0]!r} for each of its clips; {self.again}")
        return texts

    def tensor(self, name: str) -> Tensor:
        """A tensor of n rows. ValueError if there is none of that name."""
        with self._open() as file:
            try:
                tensor: Tensor = file.get_tensor(name)
            except SafetensorError as error:
                raise ValueError(f"{self.path} has no {name!r}; {self.again}") from error
        return tensor

    def _open(self) -> Any:
        try:
            return safe_open(self.path, "pt")
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{self.path} cannot be read: {error}; {self.again}") from error


@dataclass(frozen=True)
class ShardFolder:
    """An export: its shards and what holds for all its clips; `size` in pixels."""

    folder: Path
    shards: tuple[Shard, ...]
    frames: int
    fps: int
    size: int
    sample_rate: int

    def __iter__(self) -> Iterator[Shard]:
        return iter(self.shards)


def read_shards(folder: Path, again: str | None = None) -> ShardFolder:
    """Read the index of an export, or of another folder of shards; `again` says how that is made anew.

    Raises:
        ValueError: the folder holds none, or a damaged one.
    """
    again = again or f"export the clips again: uniavgen-bench dataset export portraits {folder}"
    try:
        if (folder / INDEX).exists() and not (folder / INDEX).is_file():
            raise ValueError(f"{INDEX} is no regular file")
        raw = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        shards = tuple(
            Shard(folder / s["file"], int(s["clips"]), str(s["sha256"]), again) for s in raw["shards"]
        )
        facts = {name: int(raw[name]) for name in ("frames", "fps", "size", "sample_rate")}
        if elsewhere := next((s.path.name for s in shards if s.path.parent != folder), None):
            raise ValueError(f"{elsewhere} lies in another folder")
        if not shards or min(s.clips for s in shards) < 1:
            raise ValueError("a shard without clips, or no shard")
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{folder} holds no clips that can be used ({_why(error)}); {again}") from error
    return ShardFolder(folder, shards, **facts)


def _why(error: Exception) -> str:
    """What is wrong with an index, in words."""
    if isinstance(error, FileNotFoundError):
        return f"there is no {INDEX}"
    if isinstance(error, OSError):
        return f"{INDEX}: {error.strerror}"
    if isinstance(error, KeyError):
        return f"{INDEX} lacks {error}"
    return f"{INDEX}: {error}"


def pictures(frames: Tensor) -> Tensor:
    """UInt8 `[n, T, H, W, 3]` -> `[n, 3, T, H, W]` in [-1, 1]."""
    return (frames.float() / 127.5 - 1.0).permute(0, 4, 1, 2, 3).to(memory_format=torch.contiguous_format)
