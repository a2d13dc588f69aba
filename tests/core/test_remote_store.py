"""A shared store at an address gives what was put or nothing, costs no run its end, and shows no password."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webhdfs_server import PASSWORD, USER, FileServer

from uniavgen_bench.core import remote_store
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.redaction import told_command
from uniavgen_bench.core.remote_address import VARIABLE, chosen_remote, read_address, remote_note
from uniavgen_bench.core.remote_care import collect_remote, verify_remote
from uniavgen_bench.core.remote_store import Remote, RemoteStore, entry_path, open_store, remote_at, tried
from uniavgen_bench.core.store import DIGEST, Store
from uniavgen_bench.core.store_gc import Unwanted
from uniavgen_bench.core.store_verify import verify_store

KEYS = [sha256_json(["entry", i]) for i in range(6)]


@pytest.fixture
def server() -> Iterator[FileServer]:
    pytest.importorskip("requests", reason="fsspec's webhdfs needs requests")
    made = FileServer()
    yield made
    made.stop()


@pytest.fixture(params=["memory", "file", "folder", "webhdfs"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of each kind: an object store, a file system by URL and by path, a server."""
    if request.param == "webhdfs":
        return str(request.getfixturevalue("server").url)
    at = {"memory": f"memory://{tmp_path.name}", "file": f"file://{tmp_path}/a b", "folder": tmp_path / "c"}
    return str(at[request.param])


def content(address: str, key: str) -> bytes:
    files, root = read_address(address).connect()
    return bytes(files.cat_file(entry_path(root, key)))


def overwrite(address: str, key: str, entry: bytes) -> None:
    files, root = read_address(address).connect()
    files.pipe_file(entry_path(root, key), entry)


def test_what_one_puts_another_gets_and_keeps(address: str, tmp_path: Path) -> None:
    one, two = open_store(tmp_path / "one", address), open_store(tmp_path / "two", address)
    assert two.get(KEYS[0]) is None
    one.put(KEYS[0], b"made here")
    one.put(KEYS[1], b"")
    assert (two.get(KEYS[0]), two.get(KEYS[1])) == (b"made here", b"")
    assert one.used == two.used == set(KEYS[:2])
    assert Store(tmp_path / "two").get(KEYS[0]) == b"made here", "it is here now too"
    assert remote_at(address).notes() == ()


@pytest.mark.parametrize("entry", [b"", b"short", bytes(DIGEST) + b"another"])
def test_a_damaged_entry_there_is_absent_and_is_written_over(
    address: str, tmp_path: Path, entry: bytes
) -> None:
    one, two = open_store(tmp_path / "one", address), open_store(tmp_path / "two", address)
    one.put(KEYS[0], b"made here")
    sound = content(address, KEYS[0])
    overwrite(address, KEYS[0], entry)
    assert two.get(KEYS[0]) is None
    assert not Store(tmp_path / "two").path(KEYS[0]).exists()
    two.put(KEYS[0], b"made here")
    assert content(address, KEYS[0]) == sound
    files, root = read_address(address).connect()
    assert len(files.find(root)) == 1, "nothing half-written is left"


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(KEYS), st.binary(max_size=200)), st.data())
def test_any_change_of_a_shared_entry_gives_the_old_bytes_or_none(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("law")
    address = f"memory://{folder.name}"
    writer = open_store(folder / "one", address)
    for key, value in entries.items():
        writer.put(key, value)
        changed = bytearray(content(address, key))
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] ^= data.draw(st.integers(0, 255))
        overwrite(address, key, bytes(changed[: data.draw(st.integers(0, len(changed)))]))
    reader = open_store(folder / "two", address)
    assert all(reader.get(key) in (None, value) for key, value in entries.items())


def test_many_writers_and_readers_never_see_half_an_entry(tmp_path: Path) -> None:
    address, wrong = f"file://{tmp_path}/shared", []
    end = time.monotonic() + 1.5

    def work(name: str, seed: int) -> None:
        step = seed
        while time.monotonic() < end:
            own = RemoteStore(tmp_path / f"{name}{step}", Remote(read_address(address)))
            key = KEYS[step % len(KEYS)]
            if own.get(key) not in (None, key.encode() * 3000):
                wrong.append(key)
            own.put(key, key.encode() * 3000)
            step += 1

    threads = [threading.Thread(target=work, args=(name, i)) for i, name in enumerate("abcd")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    verified = verify_remote(read_address(address))
    assert verified.entries == len(KEYS) and verified.damaged == ()
    assert verify_store(tmp_path / "shared").entries == len(KEYS), "a local folder of the same layout"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_server_that_goes_away_is_told_once_and_left_alone_for_a_while(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(remote_store, "time", clock)
    remote = Remote(read_address(server.url))
    store = RemoteStore(tmp_path / "one", remote)
    store.put(KEYS[0], b"before")
    asked = 0
    do: Callable[..., Any] = remote_store.within

    def counted(seconds: float, function: Callable[[], Any]) -> Any:
        nonlocal asked
        asked += 1
        return do(seconds, function)

    monkeypatch.setattr(remote_store, "within", counted)
    server.stop()
    for key in KEYS[1:4]:
        assert store.get(key) is None
        store.put(key, b"after")
        assert store.get(key) == b"after"
    assert asked == 2, "one look and one write until it is left alone"
    notes = remote.notes()
    assert len(notes) == 2 and "cannot be read" in notes[0] and "cannot be written" in notes[1]
    assert all(PASSWORD not in note and USER not in note and "[secret]@127.0.0.1" in note for note in notes)
    clock.now += 61
    assert store.get(KEYS[5]) is None and asked == 3
    clock.now += 61
    assert store.get(KEYS[5]) is None and asked == 3, "the second time it is left alone for longer"
    assert remote.notes() == (), "it was told"


def test_notes_of_many_workers_are_told_once_each() -> None:
    heard: list[str] = []
    note = remote_store.told_once(heard.append)
    for text in ("x cannot be read (a): y", "x cannot be read (b): y", "x cannot be written (a): z"):
        note(text)
    assert heard == ["x cannot be read (a): y", "x cannot be written (a): z"]


def test_an_address_that_comes_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(remote_store, "time", clock)
    (tmp_path / "shared").write_text("a file where the folder should be")
    remote = Remote(read_address(f"file://{tmp_path}/shared"))
    store = RemoteStore(tmp_path / "one", remote)
    store.put(KEYS[0], b"x")
    assert [note.partition("cannot be ")[2][:7] for note in remote.notes()] == ["written"]
    (tmp_path / "shared").unlink()
    clock.now += 61
    store.put(KEYS[1], b"y")
    assert Store(tmp_path / "shared").get(KEYS[1]) == b"y" and remote.notes() == ()


def test_what_can_only_be_read_is_read(server: FileServer, tmp_path: Path) -> None:
    open_store(tmp_path / "one", server.url).put(KEYS[0], b"kept")
    server.read_only = True
    remote = Remote(read_address(server.url))
    store = RemoteStore(tmp_path / "two", remote)
    store.put(KEYS[1], b"made here")
    assert store.get(KEYS[0]) == b"kept"
    (note,) = remote.notes()
    assert "cannot be written (this is a read-only file system)" in note


def test_an_address_that_never_answers_costs_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_store, "FIRST", 0.2)
    remote = Remote(read_address("memory://silent"))
    held = threading.Event()
    monkeypatch.setattr(remote, "_place", lambda key: held.wait(30))
    store, started = RemoteStore(tmp_path, remote), time.monotonic()
    store.put(KEYS[0], b"x")
    assert [store.get(key) for key in KEYS[:3]] == [b"x", None, None]
    assert time.monotonic() - started < 5
    held.set()
    (note,) = remote.notes()
    assert "cannot be written (no answer in time)" in note, (
        "who did not answer once is not asked the other question"
    )


def slow(seconds: float) -> Callable[..., Any]:
    def answer(*_: object) -> bytes | None:
        time.sleep(seconds)
        return None

    return answer


@pytest.mark.parametrize("each", [0.1, 30.0])
def test_waiting_for_an_address_takes_no_more_of_a_clip_than_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: float
) -> None:
    monkeypatch.setattr(remote_store, "_read", slow(each))
    remote = Remote(read_address(f"memory://{tmp_path.name}"))
    for clip in range(2):
        store, started = RemoteStore(tmp_path / f"{clip}", remote, budget=0.35), time.monotonic()
        for i in range(40):
            assert store.get(sha256_json(["slow", i])) is None
        assert time.monotonic() - started < 1.5
    (note,) = remote.notes()
    assert "no answer in time" in note


def test_what_the_driver_learned_no_worker_learns_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_store, "FIRST", 0.2)
    monkeypatch.setattr(remote_store, "_read", slow(20))
    heard: list[str] = []
    shared = tried(read_address(f"memory://a:secret-word@{tmp_path.name}"), 30.0, heard.append)
    assert shared.silent and shared.budget == 7.5 and "secret-word" not in repr(shared)
    (note,) = heard
    assert "does not answer" in note and "secret-word" not in note
    started = time.monotonic()
    store = open_store(tmp_path / "one", shared)
    for key in KEYS:
        assert store.get(key) is None
        store.put(key, b"x")
    assert time.monotonic() - started < 1 and remote_at(shared).notes() == ()


def test_an_address_that_refuses_answers(server: FileServer) -> None:
    heard: list[str] = []
    for url in (server.url, server.url.replace("sesame", "wrong-sesame"), "file:///proc/none"):
        assert not tried(read_address(url), 1800.0, heard.append).silent
    assert heard == []


def test_a_wrong_password_is_told_without_it(server: FileServer, tmp_path: Path) -> None:
    remote = Remote(read_address(server.url.replace("sesame", "wrong-sesame")))
    store = RemoteStore(tmp_path, remote)
    assert store.get(KEYS[0]) is None
    store.put(KEYS[0], b"x")
    said = " ".join(remote.notes())
    assert "wrong password in" in said and "sesame" not in said and USER not in said
    assert "sesame" not in repr(read_address(server.url)) and USER not in repr(read_address(server.url))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("memry://x", "unknown protocol 'memry' (did you mean 'memory'?)"),
        (
            "foo://bar",
            "unknown protocol 'foo' (for example s3, gs, abfs, https, webhdfs, sftp, file, or a folder)",
        ),
        ("/proc/none/x", "--store /proc/none/x cannot be a folder: "),
        ("file:///proc/none/x", "--store file:///proc/none/x cannot be a folder: "),
        (__file__, "cannot be a folder: there is a file"),
        (f"local://{__file__}", "cannot be a folder: there is a file"),
        (f"{__file__}/x", "cannot be a folder: "),
        ("a\0b", "cannot be a folder: "),
        ("zip::memory://x", "chains of addresses are not read"),
        ("gdrive://me:letmein@x", "gdrive://[secret]@x: a package is missing"),
    ],
)
def test_addresses_that_cannot_be_used_are_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        chosen_remote(text)
    assert str(raised.value).startswith("--store ") and said in str(raised.value)
    assert "letmein" not in str(raised.value)


def test_where_a_store_lies_is_told_when_it_may_not_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address = chosen_remote("nonsense nonsense")
    assert address is not None and (tmp_path / "nonsense nonsense").is_dir()
    assert remote_note(address) == f"the shared store is the folder {tmp_path}/nonsense nonsense"
    assert "nothing is shared" in (remote_note(read_address("memory://x")) or "")
    for plain in (str(tmp_path), f"file://{tmp_path}", "~/store", "webhdfs://h/x"):
        assert remote_note(read_address(plain)) is None


def test_the_option_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert chosen_remote(None) is None
    for nothing in ("", " "):
        with pytest.raises(InputError, match="--store is empty"):
            chosen_remote(nothing)
    monkeypatch.setenv(VARIABLE, "memory://variable")
    assert chosen_remote(None) == read_address("memory://variable")
    assert chosen_remote("memory://option") == read_address("memory://option")
    monkeypatch.setenv(VARIABLE, "memry://x")
    with pytest.raises(InputError, match=VARIABLE):
        chosen_remote(None)


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIAMADEUP:ab/cd+ef==@bucket/x",
        "sftp://me:pa%20ss@host:22/x",
        "https://tokentoken@host/x?sig=abcd",
    ],
)
def test_a_command_is_kept_without_what_opens_its_store(address: str) -> None:
    for words in (["run", "--store", address, "--out", "x"], ["run", f"--store={address}", "--out", "x"]):
        told = told_command(words)
        assert told.endswith(" --out x") and "[secret]@" in told
        assert not any(secret in told for secret in ("AKIA", "cd+ef", "pa%20ss", "tokentoken", "abcd"))
    assert told_command(["run", "--store", "s3://bucket/x@y"]) == "run --store s3://bucket/x@y"


def test_keys_in_an_address_of_s3_are_handed_over_as_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uniavgen_bench.core.remote_address._check_protocol", lambda *_: None)
    found = read_address("s3://AKIAMADEUP:ab/cd%2Bef@bucket/x@y")
    assert (found.url, found.options) == ("s3://bucket/x@y", {"key": "AKIAMADEUP", "secret": "ab/cd+ef"})
    assert found.hide("bad key AKIAMADEUP ab/cd+ef ab/cd%2Bef") == "bad key [secret] [secret] [secret]"


def said_of(address: str, text: str) -> str:
    return read_address(address).told(RuntimeError(text))


@pytest.mark.parametrize(
    ("address", "text", "secret"),
    [
        ("ftp://me:a-long-password@h/x", "x" * 190 + " a-long-password", "a-long"),
        ("ftp://me:ab@h/x", "cannot open ftp://me:ab@h/x", "me:ab"),
        ("ftp://me:ab@h/x", "login me:ab refused", "me:ab"),
        ("ftp://me:@h/x", "cannot open ftp://me:@h/x", "me:@"),
        ("ftp://t:p@h/x", "t:p@h", "t:p"),
        ("ftp://me:abc@h/x", f"Basic {base64.b64encode(b'me:abc').decode()}", "bWU6YWJj"),
        ("ftp://me:a%2Fb@h/x", f"Basic {base64.b64encode(b'me:a/b').decode()}", "bWU6YS9i"),
        ("ftp://me:it's%5C%22fine@h/x", "password='it\\'s\\\\\"fine'", "fine"),
        ("ftp://me:it's%5C%22fine@h/x", json.dumps({"password": "it's\\\"fine"}), "fine"),
        ("ftp://me:it's%5C%22fine@h/x", repr({"password": "it's\\\"fine"}), "fine"),
        ("ftp://me:p%C3%A4sswort@h/x", "p\u00e4sswort", "sswort"),
        ("ftp://me:p%C3%A4sswort@h/x", ascii("p\u00e4sswort"), "sswort"),
        ("ftp://h/x#token=abcdefg", "at ftp://h/x#token=abcdefg", "abcdefg"),
        ("ftp://h/x?a=1#token=abcdefg", "token abcdefg", "abcdefg"),
        ("ftp://h/x?sig=abcdefg&b=2", "signature abcdefg", "abcdefg"),
    ],
)
def test_no_form_of_a_secret_is_told(address: str, text: str, secret: str) -> None:
    assert secret in text
    told = said_of(address, text)
    assert secret not in told and len(told) <= 200
    for shown in (
        read_address(address).shown,
        told_command(["run", "--store", address]),
        repr(read_address(address)),
    ):
        assert secret not in shown


def test_a_short_password_hides_no_other_word() -> None:
    assert said_of("ftp://me:ab@h/x", "the table is about me") == "the table is about me"


def test_verify_reads_what_lies_there_and_repair_removes_only_the_damaged(
    address: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "one", address)
    for key in KEYS:
        store.put(key, b"content")
    overwrite(address, KEYS[0], b"")
    overwrite(address, KEYS[1], bytes(50))
    found = verify_remote(read_address(address))
    assert found.entries == len(KEYS)
    assert sorted(str(d.path)[-62:] for d in found.damaged) == sorted(key[2:] for key in KEYS[:2])
    assert not any(d.removed or PASSWORD in str(d.path) for d in found.damaged)
    assert all(d.removed for d in verify_remote(read_address(address), repair=True).damaged)
    again = verify_remote(read_address(address))
    assert (again.entries, again.damaged) == (len(KEYS) - 2, ())


def test_care_of_no_store_says_that_there_is_none(address: str) -> None:
    with pytest.raises(InputError, match="there is nothing at "):
        verify_remote(read_address(address))
    with pytest.raises(InputError, match="there is nothing at "):
        collect_remote(read_address(address), Unwanted(days=0), delete=True)


def age(address: str, server: FileServer | None, key: str, days: float) -> None:
    then = time.time() - days * 86_400
    if server is not None:
        path = entry_path("/bench", key)
        server.files[path] = (server.files[path][0], then)
        return
    os.utime(Path(address.removeprefix("file://")) / key[:2] / key[2:], (then, then))


@pytest.mark.parametrize("kind", ["file", "webhdfs"])
def test_gc_takes_what_is_old_and_of_no_run_and_only_on_request(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = request.getfixturevalue("server") if kind == "webhdfs" else None
    address = server.url if server else f"file://{tmp_path}/shared"
    store = open_store(tmp_path / "one", address)
    for key in KEYS:
        store.put(key, b"content")
    part = KEYS[0][:2] + "." + KEYS[0][2:42] + ".0123456789ab"
    for name, days in ((part, 1.0), (part[:-1] + "c", 0.0)):
        overwrite(address, name, b"half")
        age(address, server, name, days)
    for key in KEYS[:3]:
        age(address, server, key, 10)
    place = read_address(address)
    unwanted = Unwanted(used={KEYS[0]}, days=5)
    told = collect_remote(place, unwanted, delete=False)
    assert (told.parts.files, told.unused.files, told.kept.files) == (1, 2, 4)
    assert collect_remote(place, unwanted, delete=True) == told
    again = collect_remote(place, unwanted, delete=True)
    assert (again.parts.files, again.unused.files, again.kept.files) == (0, 0, 4)
    reader = open_store(tmp_path / "two", address)
    assert [reader.get(key) is None for key in KEYS] == [False, True, True, False, False, False]


def test_care_of_a_server_that_is_gone_is_one_line_without_its_password(server: FileServer) -> None:
    server.stop()
    for care in (lambda a: verify_remote(a), lambda a: collect_remote(a, Unwanted(), delete=True)):
        with pytest.raises(InputError) as raised:
            care(read_address(server.url))
        assert "[secret]@127.0.0.1" in str(raised.value) and "sesame" not in str(raised.value)
