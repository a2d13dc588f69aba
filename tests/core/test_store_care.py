"""Damage of any kind is found, what nobody needs can go, and what a living process writes never goes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.core.atomic import held
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.store import DIGEST, Store
from uniavgen_bench.core.store_gc import RECENT, Unwanted, collect
from uniavgen_bench.core.store_verify import verify_store

KEYS = [sha256_json(["entry", i]) for i in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of twelve entries, the first three used last ten days ago."""
    made = Store(tmp_path / "store")
    for i, key in enumerate(KEYS):
        made.put(key, b"x" * (1000 + i))
    for key in KEYS[:3]:
        age(made.path(key), days=10)
    return made


def age(path: Path, *, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def half_written(store: Store, *, days: float = 1) -> Path:
    path = store.path(KEYS[0]).with_name(f".{KEYS[0][2:42]}.0123456789ab")
    path.write_bytes(b"half")
    age(path, days=days)
    return path


@settings(max_examples=40)
@given(st.binary(max_size=200), st.data())
def test_every_single_changed_byte_is_found(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    store = Store(tmp_path_factory.mktemp("one"))
    store.put(KEYS[0], content)
    path = store.path(KEYS[0])
    entry = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(entry) - 1))
    entry[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(entry)
    assert len(verify_store(store.root).damaged) == 1
    assert store.get(KEYS[0]) is None
    store.put(KEYS[0], content)
    assert store.get(KEYS[0]) == content
    assert verify_store(store.root).damaged == ()


def test_verify_names_what_is_wrong_and_repair_removes_only_that(store: Store) -> None:
    store.path(KEYS[1]).write_bytes(b"")
    store.path(KEYS[2]).write_bytes(bytes(DIGEST) + b"other")
    store.path(KEYS[3]).unlink()
    store.path(KEYS[3]).mkdir()
    (store.root / "README").write_text("not an entry")
    found = verify_store(store.root)
    assert found.entries == len(KEYS)
    assert {d.path: d.problem for d in found.damaged} == {
        store.path(KEYS[1]): "cut off",
        store.path(KEYS[2]): "its bytes are not those that were written",
        store.path(KEYS[3]): "not a file",
    }
    repaired = verify_store(store.root, repair=True)
    assert [d.removed for d in repaired.damaged] == [d.path != store.path(KEYS[3]) for d in repaired.damaged]
    assert store.get(KEYS[3]) is None, "a folder in the place of an entry is no entry, and no error"
    assert all(store.get(key) for key in KEYS[4:])


def test_what_is_no_file_in_the_place_of_an_entry_is_damage_and_is_not_waited_for(store: Store) -> None:
    for i in (1, 2):
        store.path(KEYS[i]).unlink()
    os.mkfifo(store.path(KEYS[1]))
    store.path(KEYS[2]).symlink_to("/dev/zero")
    os.mkfifo(store.path(KEYS[1]).with_name(f".{KEYS[1][2:42]}.0123456789ab"))
    assert [store.get(key) for key in KEYS[1:3]] == [None, None]
    assert {d.problem for d in verify_store(store.root).damaged} == {"not a file"}
    assert collect(store.root, Unwanted(days=0), delete=False).parts.files == 0
    assert len(verify_store(store.root, repair=True).damaged) == 2
    assert verify_store(store.root).damaged == ()


def test_no_store_has_no_entries(tmp_path: Path) -> None:
    assert verify_store(tmp_path / "none").entries == 0
    assert collect(tmp_path / "none", Unwanted(days=1), delete=True).kept.files == 0


def test_nothing_goes_unless_asked_for(store: Store) -> None:
    found = collect(store.root, Unwanted(), delete=True)
    assert (found.unused.files, found.kept.files) == (0, len(KEYS))


def test_what_goes_is_told_and_deleted_only_on_request(store: Store) -> None:
    told = collect(store.root, Unwanted(days=5), delete=False)
    assert (told.unused.files, told.kept.files) == (3, 9)
    assert told.unused.bytes == sum(store.path(k).stat().st_size for k in KEYS[:3])
    done = collect(store.root, Unwanted(days=5), delete=True)
    assert done == told
    assert [store.get(k) is None for k in KEYS] == [True] * 3 + [False] * 9


def test_entries_of_a_run_stay_however_old(store: Store) -> None:
    for key in KEYS:
        age(store.path(key), days=400)
    collect(store.root, Unwanted(used=set(KEYS[:2]), days=5), delete=True)
    assert [key for key, _ in store.entries()] == sorted(KEYS[:2])


def test_what_was_just_written_stays_even_where_no_run_used_it(store: Store) -> None:
    found = collect(store.root, Unwanted(used=set()), delete=True)
    assert (found.unused.files, found.kept.files) == (3, 9)


def test_entries_of_the_future_stay(store: Store) -> None:
    age(store.path(KEYS[0]), days=-30)
    collect(store.root, Unwanted(days=0), delete=True)
    assert store.get(KEYS[0]) is not None


def test_reading_an_old_entry_makes_it_young(store: Store) -> None:
    store.get(KEYS[0])
    assert collect(store.root, Unwanted(days=5), delete=False).unused.files == 2


def test_half_written_files_go_when_old_and_nobody_writes_them(store: Store) -> None:
    young = half_written(store, days=0)
    assert collect(store.root, Unwanted(), delete=True).parts.files == 0
    age(young, days=1)
    with young.open("rb+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert held(young) is True
        assert collect(store.root, Unwanted(), delete=True).parts.files == 0
    assert held(young) is False
    assert collect(store.root, Unwanted(), delete=True).parts.files == 1
    assert not young.exists()


def test_lock_of_a_killed_writer_is_gone(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from uniavgen_bench.core.atomic import _hold\n"
        "s = Path(sys.argv[1]).open('xb'); _hold(s); print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "part"
    writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline() == b"held\n"
    assert held(path) is True
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert held(path) is False


def test_many_writers_readers_and_a_collector_never_see_half_an_entry(tmp_path: Path) -> None:
    store, wrong = Store(tmp_path), []
    end = time.monotonic() + 2

    def write(seed: int) -> None:
        own, i = Store(tmp_path), seed
        while time.monotonic() < end:
            own.put(KEYS[i % 12], KEYS[i % 12].encode() * 2000)
            i += 1

    def read() -> None:
        own = Store(tmp_path)
        while time.monotonic() < end:
            for key in KEYS:
                if own.get(key) not in (None, key.encode() * 2000):
                    wrong.append(key)

    def care() -> None:
        while time.monotonic() < end:
            verified = verify_store(tmp_path, repair=True)
            wrong.extend(str(d) for d in verified.damaged)
            collect(tmp_path, Unwanted(used=set()), delete=True)

    threads = [
        threading.Thread(target=f, args=a) for f, a in [(write, (0,)), (write, (5,)), (read, ()), (care, ())]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert RECENT > 60 and all(store.get(key) for key in KEYS)
