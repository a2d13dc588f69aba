"""Fake checkouts need the tests' Python on the PATH."""

from __future__ import annotations

import pytest

from external.world import path_with_tests_python


@pytest.fixture(autouse=True)
def tests_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tests' Python first on the PATH, where the fake environment looks for it."""
    monkeypatch.setenv("PATH", path_with_tests_python())
