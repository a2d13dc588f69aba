"""A delivered file whose decoding kills or holds its process is a reason, and the next file is looked at."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from clip_factory import flash_and_beep

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external import examiner
from uniavgen_bench.systems.external.collect import Examined, examined
from uniavgen_bench.systems.external.examiner import Examiner
from uniavgen_bench.systems.external.external import Result


def looked_at(path: Path, result: Result) -> Examined | Missing:
    """Stand for a decoder that aborts at one clip and does not end at another; runs in the examiner's process."""
    if path.stem == "deadly":
        os.abort()
    if path.stem == "endless":
        time.sleep(600)
    return examined(path, result)


def test_a_file_that_kills_or_holds_the_decoder_is_a_reason_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiner, "examined", looked_at)
    monkeypatch.setattr(examiner, "LONGEST", 8.0)
    good = flash_and_beep(tmp_path, seconds=1.0, at=(0.5,), name="good.mp4").path
    looking = Examiner()
    try:
        for name, said in (
            ("deadly", "the decoder died of it (status -6)"),
            ("endless", "took longer than 8 s"),
        ):
            seen = looking.look(tmp_path / f"{name}.mp4", "clip")
            assert isinstance(seen, Missing) and seen.reason is Reason.UNREADABLE and said in seen.detail
            assert isinstance(looking.look(good, "clip"), Examined)
    finally:
        looking.close()
