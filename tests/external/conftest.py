"""Fake checkouts are copied, as some write into themselves, and need the tests' Python on the PATH."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from external.world import COPY_OF_FAKES, FAKES, path_with_tests_python


@pytest.fixture(scope="session", autouse=True)
def copy_of_fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copy the fakes once, and name the copy in the variable from which `world.checkout` reads it."""
    folder = tmp_path_factory.mktemp("fakes") / "fakes"
    shutil.copytree(FAKES, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COPY_OF_FAKES, str(folder))
        yield


@pytest.fixture(autouse=True)
def tests_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tests' Python first on the PATH, where the fake environment looks for it."""
    monkeypatch.setenv("PATH", path_with_tests_python())
