"""uniavgen-bench: numbers that can be trusted for joint audio-video generation of talking people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uniavgen_bench.version import VERSION

if TYPE_CHECKING:
    from uniavgen_bench.api import Run, compare, run, score

__version__ = VERSION
__all__ = ["Run", "__version__", "compare", "run", "score"]


def __getattr__(name: str) -> Any:
    """Load the Python interface when it is first used, so that `import uniavgen_bench` costs nothing."""
    if name in {"Run", "compare", "run", "score"}:
        from uniavgen_bench import api

        return getattr(api, name)
    raise AttributeError(f"module 'uniavgen_bench' has no attribute {name!r}")
