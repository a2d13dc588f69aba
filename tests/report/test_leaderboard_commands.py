"""The leaderboard's commands: from a key to a page, one line for bad input, and exit statuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from report.board_world import METRICS, BoardRun, World, write_run
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.report.leaderboard.commands import leaderboard_app
from uniavgen_bench.rescore import scorer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command in this process; errors become a line and status 2, as the program's `main` makes them."""
    monkeypatch.chdir(world.root)
    monkeypatch.delenv("UNIAVGEN_BENCH_KEY", raising=False)

    def run(*arguments: object) -> Done:
        result = CliRunner().invoke(leaderboard_app(scorer), [str(a) for a in arguments])
        if isinstance(result.exception, BenchError):
            return Done(result.exception.exit_code, result.stdout, f"error: {result.exception}")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


def test_from_a_new_key_to_a_page(world: World, command: Callable[..., Done]) -> None:
    plain = tuple(m.model_copy(update={"weights": (), "id": f"toy.{m.fields[0].name}"}) for m in METRICS)
    run = write_run(world.root / "run", BoardRun(systems=("Alpha",), metrics=plain, weights={}))
    board = world.root / "own"
    made = command("key", "new", "mine")
    assert made.returncode == 0 and "keep it" in made.stdout
    assert command("key", "new", "mine").returncode == 2
    added = command("add", run, "--key", "mine", "--to", board, "--link", "paper=https://example.org/p")
    assert added.returncode == 0, added.stderr
    assert "the board does not know your key yet" in added.stderr
    wrong = command("verify", "--board", board)
    assert wrong.returncode == 1 and "FAILS" in wrong.stdout and "unknown key" in wrong.stdout
    refused = command("build", "--board", board, "--out", "site")
    assert refused.returncode == 1 and not (world.root / "site").exists()
    (board / "keys").mkdir()
    (board / "keys" / "mine.pub").write_bytes((world.root / "mine.pub").read_bytes())
    found = command("verify", "--board", board, "--clips", run, "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    assert [row["holds"] for row in json.loads(found.stdout)] == [True]
    built = command("build", "--board", board, "--out", "site")
    assert built.returncode == 0 and (world.root / "site" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("add", "run0"), "--key is required"),
        (("add", "run0", "--key", "absent"), "leaderboard key new absent"),
        (("add", "nowhere", "--key", "lab"), "is not a run: it has no manifest.json"),
        (("add", "run0", "--key", "lab", "--link", "paper"), "is not TITLE=URL"),
        (("add", "run0", "--key", "lab", "--link", "paper=http://x.org"), "is no https address"),
        (("verify", "--board", "nowhere"), "nowhere: no such board"),
        (("verify", "absent.json", "--board", "board"), "absent.json: no such entry"),
        (("verify", "--board", "board", "--sample", "3"), "--sample needs the clips"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    world: World, command: Callable[..., Done], arguments: tuple[str, ...], what: str
) -> None:
    write_run(world.root / "run0", BoardRun(systems=("Alpha",), samples=2))
    done = command(*arguments)
    assert done.returncode == 2 and what in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def test_text_of_an_entry_cannot_steer_a_terminal(world: World, command: Callable[..., Done]) -> None:
    world.add(BoardRun(systems=("Alpha\x1b[2J\nholds  everything",), samples=2))
    done = command("verify", "--board", "board")
    assert "\x1b" not in done.stdout
    assert not re.search(r"^holds  everything", done.stdout, re.MULTILINE)


def test_the_program_itself_ends_with_these_statuses(world: World) -> None:
    environment = {**os.environ, "UNIAVGEN_BENCH_HOME": str(world.root / "home")}
    statuses = []
    for board in ("board", "nowhere"):
        done = subprocess.run(
            [sys.executable, "-m", "uniavgen_bench.cli", "leaderboard", "verify", "--board", board],
            cwd=world.root, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        statuses.append((done.returncode, done.stdout.strip(), done.stderr.strip()))
    assert statuses[0] == (0, "the board has no entry", "")
    assert statuses[1] == (2, "", "error: nowhere: no such board (name its folder with --board)")
