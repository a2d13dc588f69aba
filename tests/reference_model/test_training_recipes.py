"""Recipes, schedules, and the table of a run."""

from itertools import count, pairwise
from pathlib import Path

import pytest
import torch
from training_world import ALONE, tiny_recipe, trainer

from reference_model.training.config import RECIPES, Schedule, read_recipe
from reference_model.training.loop import Loop, learning_rate
from reference_model.training.progress_table import _table

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_valid(path: Path) -> None:
    recipe = read_recipe(path.stem)
    assert sum(stage.steps for stage in recipe.stages) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "epochs: Extra inputs are not permitted"),
        ({"kind": "gan"}, "the recipe: Input tag 'gan'"),
        ({"model": {"preset": "huge"}}, "model: Value error, no preset 'huge'"),
        ({"stages": [{"name": "a", "steps": 1, "batch": 1}]}, "stages.0.learning_rate: Field required"),
    ],
)
def test_a_wrong_recipe_names_the_key(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=r"run\.yaml: ") as error:
        tiny_recipe(tmp_path, **change)
    assert message in str(error.value)


def test_the_rate_warms_up_and_falls_to_its_final_share() -> None:
    stage = Schedule(name="a", steps=100, batch=1, learning_rate=1.0, warmup=10, final_share=0.1)
    rates = [learning_rate(stage, step, 100) for step in range(101)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert rates[100] == pytest.approx(0.1)


def test_a_stage_with_minutes_settles_its_length(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count()
    monkeypatch.setattr("reference_model.training.loop.time.perf_counter", lambda: 0.1 * next(clock))
    stage = {
        "name": "a", "steps": 100_000, "minutes": 0.05, "batch": 1, "warmup": 20, "learning_rate": 1e-3,
        "tasks": {"joint": 1},
    }  # fmt: skip
    recipe, objective = trainer(world, out=tmp_path / "timed", stages=[stage])
    loop = Loop(recipe, recipe.stages, objective, ALONE, objective.data_key)
    loop.go()
    state = torch.load(recipe.out / "checkpoint.pt", weights_only=True)["progress"]
    assert state["step"] == state["planned"] == 30


def test_recipes_may_be_toml(tmp_path: Path) -> None:
    path = tmp_path / "codec.toml"
    path.write_text(
        'kind = "video_codec"\nout = "here"\nshards = "there"\n'
        '[[stages]]\nname = "a"\nsteps = 3\nbatch = 1\nlearning_rate = 0.1\n'
    )
    assert read_recipe(str(path)).stages[0].steps == 3
    with pytest.raises(ValueError, match="no recipe nanoo; a file, or one of: ablation_again"):
        read_recipe("nanoo")


def test_the_table_of_a_run_shows_the_columns_that_it_has() -> None:
    line = {
        "stage": "codec",
        "step": 1,
        "of": 2,
        "what": "pictures",
        "total": 0.5,
        "rate": 0.1,
        "s/step": 0.2,
    }
    now, before = line | {"psnr_db": 21.0, "psnr_lips_db": 20.0}, line | {"video": 21.0, "lips": 20.0}
    for rows, names in (([now], ["psnr_db", "psnr_lips_db"]), ([before], ["video", "lips"])):
        columns = [str(column.header) for column in _table(rows).columns]
        assert columns == ["stage", "step", "of", "what", "total", *names, "rate", "s/step"]
