"""Recipes, schedules, and the table of a run."""

from itertools import count, pairwise
from pathlib import Path

import pytest
import torch
from training_world import ALONE, tiny_recipe, trainer

from reference_model.training.config import RECIPES, Schedule, changed, read_recipe
from reference_model.training.loop import Loop, learning_rate
from reference_model.training.progress_table import _table

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_valid(path: Path) -> None:
    recipe = read_recipe(path.stem)
    assert sum(stage.steps for stage in recipe.stages) > 0


STAGE = {"name": "a", "steps": 1, "batch": 1, "learning_rate": 0.1, "tasks": {"joint": 1}}
VARIANT: dict[str, object] = {"save": "trained", "init": "runs/nano", "stages": [STAGE]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "epochs: unknown key; known: out, seed"),
        ({"theads": 3}, "theads: unknown key (did you mean threads?)"),
        ({"optimiser": {"emma": 0.9}}, "optimiser.emma: unknown key (did you mean ema?)"),
        ({"every": {"checkpont": 1}}, "every.checkpont: unknown key (did you mean checkpoint?)"),
        ({"stages": [STAGE | {"lip": 1}]}, "stages.0.lip: unknown key (did you mean lips?)"),
        (
            {"stages": [STAGE | {"drop": {"speach": 1}}]},
            "stages.0.drop.speach: unknown key (did you mean speech?)",
        ),
        ({"kind": "gan"}, "the recipe: Input tag 'gan'"),
        ({"model": {"preset": "huge"}}, "model: no preset 'huge'"),
        ({"stages": [{"name": "a", "steps": 1, "batch": 1}]}, "stages.0.learning_rate: Field required"),
        (
            {"stages": [STAGE | {"minutes": float("inf")}]},
            "stages.0.minutes: Input should be a finite number",
        ),
        ({"stages": [STAGE | {"minutes": 1e300}]}, "stages.0.minutes: Input should be less than"),
        ({"stages": [STAGE | {"batch": 1e9}]}, "stages.0.batch: Input should be less than"),
        (
            {"stages": [STAGE | {"mask_weight": [float("nan"), 0]}]},
            "stages.0.mask_weight.0: Input should be a fin",
        ),
        (
            {"stages": [STAGE | {"mask_weight": [0, -5]}]},
            "stages.0.mask_weight.1: Input should be greater than",
        ),
        (
            {"stages": [STAGE | {"tasks": {"joint": float("nan")}}]},
            "stages.0.tasks.joint: Input should be a fin",
        ),
        ({"model": {"preset": "tiny", "window": 1e9}}, "model.window: Input should be less than"),
        ({"device": "meta"}, "device: no device 'meta'; valid names are cpu, cuda, cuda:0"),
        ({"threads": 1e9}, "threads: Input should be less than"),
        ({"save": "trained"}, "save: `trained` keeps what goes over the weights of `init`"),
        (VARIANT, "but stage a trains everything; name beginnings"),
        (
            VARIANT | {"stages": [STAGE | {"trainable": ["captions."]}]},
            "but stage a trains captions.; name beg",
        ),
    ],
)
def test_a_wrong_recipe_names_the_key(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=r"run\.yaml: ") as error:
        tiny_recipe(tmp_path, **change)
    assert message in str(error.value)


@pytest.mark.parametrize(("name", "begin"), [("deep.yaml", ""), ("deep.toml", "a = ")])
def test_a_recipe_of_nested_brackets_is_one_line(tmp_path: Path, name: str, begin: str) -> None:
    (tmp_path / name).write_text(begin + "[" * 5000)
    with pytest.raises(ValueError, match=f"{name} cannot be read: its brackets are nested too deeply"):
        read_recipe(str(tmp_path / name))


def test_what_the_command_line_changes_is_checked_as_the_recipe_is(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    assert changed(recipe, device=None, threads=None) == recipe
    assert changed(recipe, out=tmp_path, threads=3).threads == 3
    with pytest.raises(ValueError, match="changes: device: no device 'meta'; valid names are cpu"):
        changed(recipe, device="meta")


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
    with pytest.raises(ValueError, match="no recipe nanoo; a file, or one of: ablation_again") as told:
        read_recipe("nanoo")
    assert "nano_codec_robust, nano_cpu, nano_gpu" in str(told.value) and "tiny" not in str(told.value)


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
