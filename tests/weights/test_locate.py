"""Finding: only what has the manifest's hash is given out, and what is lacking is said before a run."""

from __future__ import annotations

import os
import time

import pytest
from weight_shelf import CONTENT

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights import verify
from uniavgen_bench.weights.locate import RETRY_SECONDS, WeightLocator
from uniavgen_bench.weights.search import SEARCH_VARIABLE


def flip_a_byte(path, *, keep_time=False):
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    if keep_time:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    else:
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000))


def test_an_absent_weight_is_missing_with_the_command_that_gets_it(locator):
    with pytest.raises(MissingError, match="uniavgen-bench weights pull one") as caught:
        locator.path("one")
    assert caught.value.missing.reason is Reason.WEIGHTS


def test_an_unknown_name_gives_the_nearest(locator):
    with pytest.raises(InputError, match="did you mean 'pair'"):
        locator.path("pairs")


def test_a_corrupted_file_never_loads(locator, fresh, home):
    locator.pull(["one"], quiet=True)
    flip_a_byte(home / "one" / "one.onnx")
    for each in (locator, fresh()):
        with pytest.raises(MissingError) as caught:
            each.path("one")
        detail = caught.value.missing.detail
        assert str(home / "one" / "one.onnx") in detail
        assert f"expected sha256 {locator.manifest['one'].sha256}, found sha256 " in detail
        assert "uniavgen-bench weights pull one" in detail


def test_a_truncated_file_never_loads(locator, home):
    locator.pull(["one"], quiet=True)
    (home / "one" / "one.onnx").write_bytes(CONTENT["one.onnx"][:-1])
    with pytest.raises(MissingError, match=r"expected 650 bytes, found 649 bytes"):
        locator.path("one")


def test_one_wrong_file_spoils_its_folder(locator, home):
    locator.pull(["pair"], quiet=True)
    flip_a_byte(home / "pair" / "b.json")
    with pytest.raises(MissingError, match=r"b\.json is not the file of the manifest"):
        locator.path("pair")


def test_an_unchanged_file_is_hashed_once_over_processes(locator, fresh, monkeypatch):
    locator.pull(["one"], quiet=True)
    locator.path("one")
    monkeypatch.setattr(verify, "sha256_file", lambda path: pytest.fail(f"{path} was hashed again"))
    assert fresh().path("one") == locator.path("one")


def test_verify_hashes_in_spite_of_the_stamp(locator, home):
    locator.pull(["one"], quiet=True)
    locator.path("one")
    flip_a_byte(home / "one" / "one.onnx", keep_time=True)
    assert locator.status(["one"])[0].state == "here"
    assert locator.status(["one"], again=True)[0].state == "wrong"
    assert locator.status(["one"])[0].state == "wrong", "the stamp must be gone"


def test_search_folders_are_read_from_the_environment(tmp_path, monkeypatch, shelf):
    first, second = tmp_path / "first", tmp_path / "second with blank"
    monkeypatch.setenv(SEARCH_VARIABLE, os.pathsep.join([str(first), "", str(second)]))
    assert WeightLocator(home=tmp_path).folders == (first, second)


@pytest.mark.parametrize("place", ["one.onnx", "one/one.onnx", "renamed by hand.bin"])
def test_finds_a_file_in_a_search_folder(fresh, tmp_path, place):
    path = tmp_path / "mine" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT["one.onnx"])
    assert fresh(tmp_path / "absent", tmp_path / "mine").path("one") == path


@pytest.mark.parametrize("place", ["", "pair"])
def test_finds_a_folder_in_a_search_folder(fresh, tmp_path, place):
    folder = tmp_path / "mine" / place
    folder.mkdir(parents=True)
    for name in ("a.bin", "b.json"):
        (folder / name).write_bytes(CONTENT[name])
    assert fresh(tmp_path / "mine").path("pair") == folder


def test_a_right_file_elsewhere_stands_in_for_a_wrong_one(locator, fresh, home, tmp_path):
    locator.pull(["one"], quiet=True)
    flip_a_byte(home / "one" / "one.onnx")
    (tmp_path / "one.onnx").write_bytes(CONTENT["one.onnx"])
    assert fresh(tmp_path).path("one") == tmp_path / "one.onnx"


def test_a_namesake_of_another_size_is_named_as_the_problem(fresh, tmp_path):
    (tmp_path / "one.onnx").write_bytes(b"another network")
    status = fresh(tmp_path).status(["one"])[0]
    assert status.state == "wrong" and str(tmp_path / "one.onnx") in status.problem


def test_offline_refuses_with_the_exact_command(locator, shelf):
    with pytest.raises(InputError) as caught:
        locator.require(["one", "pair", "site"], offline=True)
    text = str(caught.value)
    assert "one, pair, 0.1 MB to fetch" in text
    assert "uniavgen-bench weights pull one pair " in text
    assert SEARCH_VARIABLE in text
    assert shelf.asked == []


def test_a_wrong_file_is_named_before_a_run(fresh, tmp_path):
    for file in ("one.onnx", "site.pt"):
        (tmp_path / file).write_bytes(b"wrong")
    locator = fresh(tmp_path)
    with pytest.raises(
        InputError, match=r"one\.onnx is not the file of the manifest: expected 650 bytes, found 5"
    ):
        locator.require(["one"], offline=True)
    assert "site.pt is not the file" in locator.require(["site"], offline=True).unavailable["site"]
    assert "site.pt is not the file" in locator.require(["site"], quiet=True).unavailable["site"]


def test_offline_goes_on_without_what_cannot_be_had(locator, shelf):
    locator.pull(["one"], quiet=True)
    ready = locator.require(["one", "site"], offline=True)
    assert ready.here == ("one",)
    assert "weights pull site" in ready.unavailable["site"]
    assert shelf.asked == ["pack==1.0"]


def test_an_explicit_pull_offline_refuses_everything_that_is_lacking(locator):
    with pytest.raises(InputError, match="weights pull site"):
        locator.pull(["site"], offline=True)


def test_require_pulls_and_goes_on_without_what_cannot_be_had(locator):
    ready = locator.require(["one", "site"], quiet=True)
    assert ready.pulled == ("one",)
    assert "cannot be reached" in ready.unavailable["site"]


def test_a_source_that_nobody_saw_working_is_asked_once_a_day(locator, fresh, shelf, home):
    site = "https://example.org/site.pt"
    locator.require(["site"], quiet=True)
    assert "site" in fresh().require(["site"], quiet=True).unavailable
    assert shelf.asked == [site]
    past = time.time() - RETRY_SECONDS - 1
    os.utime(home / ".in-vain" / "site", (past, past))
    shelf.gives[site] = CONTENT["site.pt"]
    assert fresh().require(["site"], quiet=True).pulled == ("site",)
    assert shelf.asked == [site, site]


def test_an_explicit_pull_asks_at_once(locator, fresh, shelf):
    locator.require(["site"], quiet=True)
    shelf.gives["https://example.org/site.pt"] = CONTENT["site.pt"]
    assert fresh().pull(["site"], quiet=True).pulled == ("site",)


def test_writes_down_what_was_used(locator):
    locator.pull(["one"], quiet=True)
    (used,) = locator.used(["one", "site"])
    assert (used.name, used.sha256, used.bytes) == ("one", locator.manifest["one"].sha256, 650)
    assert used.source == "pypi:pack==1.0:pack/one.onnx"


@pytest.mark.weights
def test_the_real_manifest_gives_real_networks(weights_home):
    assert (weights_home.path("whisper-tiny.en") / "model.bin").stat().st_size == 75_537_502
    assert weights_home.path("face-landmarks").read_bytes()[4:8] == b"TFL3"


@pytest.mark.shared
def test_the_manifest_knows_the_files_of_public_repositories_by_hash(shared, tmp_path):
    real = WeightLocator(home=tmp_path, folders=(shared / "weights",))
    for name in ("light-asd", "retinaface", "ultraface", "fer2013-mini-xception", "gender-mini-xception"):
        assert real.path(name).parent == shared / "weights"
