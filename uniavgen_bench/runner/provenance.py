"""What a run writes down about the machine and the code that made its numbers."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from uniavgen_bench.core.hashing import sha256_file, sha256_json

ENVIRONMENT = (
    "torch", "numpy", "scipy", "pandas", "av", "soxr", "onnxruntime", "ai-edge-litert", "ctranslate2",
    "faster-whisper", "opencv-python-headless", "webrtcvad-wheels", "whisper-normalizer", "jiwer",
)  # fmt: skip
"""Packages whose version can change a number; they stand in the manifest."""


def environment() -> dict[str, str]:
    """Return Python, platform, and the versions of the packages that can change a number."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ENVIRONMENT:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code_sha256() -> str:
    """Return one hash over the sources of the package."""
    package = Path(__file__).parent.parent
    files = sorted(p for p in package.rglob("*") if p.suffix in {".py", ".toml", ".safetensors"})
    return sha256_json([[p.relative_to(package).as_posix(), sha256_file(p)] for p in files])
