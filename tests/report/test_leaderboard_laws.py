"""Laws of leaderboard entries: what is added holds, no changed byte passes, and keys are kept as keys must be."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from report.board_world import DECLARED, METRICS, BoardRun, World
from uniavgen_bench.core.entry_files import canonical, parse_entry
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.leaderboard.board import Stored
from uniavgen_bench.report.leaderboard.keys import new_key, read_key, read_public_keys
from uniavgen_bench.report.leaderboard.verify import Verdict, verify_board


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Stored]:
    """A board with one entry, for tests that change nothing."""
    made = World.make(tmp_path_factory.mktemp("published"))
    return made, made.add(BoardRun(systems=("Alpha",), samples=4))[0]


def verify(world: World) -> list[Verdict]:
    return verify_board(world.board, (), DECLARED)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    samples=st.integers(1, 6),
    repeats=st.integers(1, 3),
    missing=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 10_000),
    metrics=st.sampled_from([METRICS, METRICS[:1], METRICS[1:]]),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20),
)
@example(samples=1, repeats=1, missing=0.0, seed=0, metrics=METRICS, name="\0")
def test_what_is_added_holds(
    samples: int, repeats: int, missing: float, seed: int, metrics: Any, name: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World.make(Path(folder))
        plan = BoardRun(
            (name,), samples=samples, repeats=repeats, missing=missing, seed=seed, metrics=metrics
        )
        (stored,) = world.add(plan)
        assert [v.problems for v in verify(world)] == [()]
        assert canonical(parse_entry(stored.path.read_bytes(), "x")) == stored.path.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(published: tuple[World, Stored], data: st.DataObject) -> None:
    world, stored = published
    right = stored.path.read_bytes()
    at = data.draw(st.integers(0, len(right) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != right[at]))
    try:
        stored.path.write_bytes(right[:at] + bytes([byte]) + right[at + 1 :])
        (verdict,) = verify(world)
        assert len(verdict.problems) == 1
    finally:
        stored.path.write_bytes(right)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_lengthened_and_doubled_entries_are_found(
    published: tuple[World, Stored], data: st.DataObject
) -> None:
    world, stored = published
    right = stored.path.read_bytes()
    at = data.draw(st.integers(0, len(right) - 1))
    more = data.draw(st.sampled_from([b" ", b"\n", b"\0", right]))
    try:
        for wrong in (right[:at], right[:at] + more + right[at:], right + more):
            stored.path.write_bytes(wrong)
            assert not verify(world)[0].holds
    finally:
        stored.path.write_bytes(right)


def test_numbers_that_json_does_not_know_are_refused(published: tuple[World, Stored]) -> None:
    text = published[1].path.read_bytes()
    body = json.loads(text)["body"]
    number = json.dumps(
        next(s for s in body["system"]["clips"][0]["scores"] if isinstance(s, float))
    ).encode()
    for wrong in (b"NaN", b"Infinity", b"1e999", b"true", b"null", b'"1.0"', number + b"0"):
        with pytest.raises(InputError):
            parse_entry(text.replace(number, wrong, 1), "entry")


# ---- keys ----


def test_a_private_key_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    public = new_key(tmp_path / "lab")
    assert stat.S_IMODE((tmp_path / "lab").stat().st_mode) == 0o600
    assert read_key(tmp_path / "lab", {}).public == public.read_text().split()[1]
    with pytest.raises(InputError, match="never overwritten"):
        new_key(tmp_path / "lab")
    (tmp_path / "lab").unlink()
    with pytest.raises(InputError, match=r"lab\.pub exists"):
        new_key(tmp_path / "lab")
    with pytest.raises(InputError, match="cannot be written"):
        new_key(tmp_path / "nowhere" / "lab")


def test_keys_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    new_key(tmp_path / "lab")
    (tmp_path / "lab").chmod(0o644)
    if os.name == "posix":
        with pytest.raises(InputError, match="can be read by others"):
            read_key(tmp_path / "lab", {})
    (tmp_path / "text").write_text("no key")
    (tmp_path / "text").chmod(0o600)
    with pytest.raises(InputError, match="is no private key"):
        read_key(tmp_path / "text", {})
    with pytest.raises(InputError, match="leaderboard key new"):
        read_key(tmp_path / "absent", {})
    shutil.copyfile(tmp_path / "lab.pub", tmp_path / "other.pub")
    with pytest.raises(InputError, match="holds the key of 'lab' again"):
        read_public_keys(tmp_path)
    (tmp_path / "other.pub").write_text("ssh-ed25519 AAAA")
    with pytest.raises(InputError, match="is no public key"):
        read_public_keys(tmp_path)


def test_controls_of_an_entry_are_controls(published: tuple[World, Stored]) -> None:
    body = published[1].entry.body
    data = body.model_dump(mode="json")
    data["system"]["role"] = Role.LOWER_CONTROL.value
    with pytest.raises(ValueError, match="an entry is of one system"):
        type(body).model_validate(data)
