"""What the tests of training share: torch on one thread, and a world small enough to train on."""

from pathlib import Path

import pytest
import torch
from training_world import encoded, tiny_recipe


@pytest.fixture(scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    tiny_recipe(folder)
    encoded(folder)
    return folder
