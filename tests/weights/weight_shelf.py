"""Small archives and a manifest around them, so that no test of the weights needs a network."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from uniavgen_bench.weights.archive import FetchError
from uniavgen_bench.weights.fetch import Fetcher, Tick
from uniavgen_bench.weights.manifest import Manifest, Scheme, Source, Weight, WeightFile

CONTENT = {
    "one.onnx": b"first network" * 50,
    "a.bin": b"A" * 700,
    "b.json": b'{"b": 1}',
    "site.pt": b"far away" * 9,
}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(name: str, sources: dict[str, tuple[str, ...]], *, tried: bool = True) -> Weight:
    """A weight whose files have the bytes of CONTENT; `sources` by file name."""
    files = tuple(
        WeightFile(
            file=file,
            sha256=sha(CONTENT[file]),
            bytes=len(CONTENT[file]),
            sources=tuple(
                Source(at=at, tried=tried, bytes=100_000 if at[:4] == "pypi" else None) for at in places
            ),
        )
        for file, places in sources.items()
    )
    return Weight(name=name, purpose="test", licence="MIT", home="https://example.org", files=files)


MANIFEST = Manifest(
    weight=(
        entry("one", {"one.onnx": ("pypi:pack==1.0:pack/one.onnx", "https://example.org/one.onnx")}),
        entry("pair", {"a.bin": ("pypi:pack==1.0:pack/a.bin",), "b.json": ("pypi:pack==1.0:pack/b.json",)}),
        entry("site", {"site.pt": ("https://example.org/site.pt",)}, tried=False),
    )
)


def wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@dataclass
class Shelf:
    """Stands for the network: what each archive or URL gives, and what was asked for."""

    gives: dict[str, bytes | BaseException] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, source: Source, limit: int, folder: Path, tick: Tick) -> Path:
        self.asked.append(source.archive)
        data = self.gives.get(source.archive, FetchError(f"{source.archive} cannot be reached"))
        if isinstance(data, BaseException):
            (folder / "half.whl").write_bytes(b"half")
            raise data
        target = folder / "download"
        target.write_bytes(data)
        tick(len(data))
        return target

    @property
    def fetchers(self) -> dict[Scheme, Fetcher]:
        return dict.fromkeys(Scheme, self.fetch)
