"""What goes wrong with media: a reason from the closed list, and one clear line."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.result import REASON_TEXT, Missing, Reason


class MediaError(BenchError):
    """A clip cannot be used, or not for what was asked: `reason` says which, `detail` what was seen.

    Renders as one line: `<path>: <sentence of the reason>: <detail>`.
    """

    def __init__(self, path: Path | str, reason: Reason, detail: str = "") -> None:
        self.path, self.reason = Path(path), reason
        self.detail = " ".join(detail.split())
        tail = f": {self.detail}" if self.detail else ""
        super().__init__(f"{' '.join(str(path).split())}: {REASON_TEXT[reason]}{tail}")

    @property
    def missing(self) -> Missing:
        """The same as the answer of a metric."""
        return Missing(self.reason, self.detail)


class MediaWriteError(BenchError):
    """A clip or sound cannot be written: full disk, no permission, or a codec that the container refuses."""

    def __init__(self, path: Path | str, detail: str) -> None:
        self.path, self.detail = Path(path), " ".join(detail.split())
        super().__init__(f"{' '.join(str(path).split())}: cannot be written: {self.detail}")
