"""Real downloads with the real pip, from a package index and a web server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import io
import sys
import tarfile
import threading
from functools import partial

import pytest
from weight_shelf import CONTENT, sha, wheel

from uniavgen_bench.weights import fetch
from uniavgen_bench.weights.archive import FetchError
from uniavgen_bench.weights.fetch import fetch_package, fetch_url, pip_command
from uniavgen_bench.weights.index import Indexes, configured_indexes, find_sdist, hidden
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.manifest import Manifest, Source, Weight, WeightFile

METADATA = (
    b"Metadata-Version: 2.1\nName: pack\nVersion: 1.0\nRequires-Python: <3\nRequires-Dist: nothing-like-it\n"
)
WHEEL = wheel(
    {
        "pack/one.onnx": CONTENT["one.onnx"],
        "pack-1.0.dist-info/METADATA": METADATA,
        "pack-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "pack-1.0.dist-info/RECORD": b"",
    }
)


def source_archive(marker) -> bytes:
    """An sdist whose setup.py leaves a trace when anybody runs it."""
    buffer = io.BytesIO()
    setup = f"open({str(marker)!r}, 'w').close()\nraise SystemExit(1)\n".encode()
    members = {"setup.py": setup, "PKG-INFO": METADATA, "data/one.onnx": CONTENT["one.onnx"]}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(f"onlysource-2.0/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; `/cut` promises more than it gives."""

    def do_GET(self):
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"x" * 100)
            return
        super().do_GET()

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """A web server over <tmp_path>/www; gives its address."""
    root = tmp_path / "www"
    root.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


@pytest.fixture
def index(server, tmp_path, monkeypatch):
    """A package index with a wheel of `pack` and a source archive of `onlysource`, set as the user's own."""
    files = {
        "pack-1.0-py3-none-any.whl": WHEEL,
        "onlysource-2.0.tar.gz": source_archive(tmp_path / "executed"),
    }
    for name, data in files.items():
        folder = tmp_path / "www" / "simple" / name.split("-")[0]
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        (folder / "index.html").write_text(f'<!DOCTYPE html><a href="{name}#sha256={digest}">{name}</a>')
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server}/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return f"{server}/simple"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "download"
    place.mkdir()
    return place


def test_pip_gives_a_wheel_under_the_users_own_configuration(index, folder):
    ticks = []
    found = fetch_package(Source(at="pypi:pack==1.0:pack/one.onnx"), 10_000, folder, ticks.append)
    assert found.read_bytes() == WHEEL
    assert sum(ticks) <= len(WHEEL)


def test_a_source_archive_is_fetched_and_never_executed(index, folder, tmp_path):
    source = Source(at="pypi:onlysource==2.0:onlysource-2.0/data/one.onnx")
    found = fetch_package(source, 10_000, folder, lambda count: None)
    assert tarfile.is_tarfile(found)
    assert not (tmp_path / "executed").exists()


def test_from_the_index_to_a_verified_file(index, tmp_path):
    file = WeightFile(
        file="one.onnx",
        sha256=sha(CONTENT["one.onnx"]),
        bytes=len(CONTENT["one.onnx"]),
        sources=(
            Source(at="pypi:pack==9.9:pack/one.onnx"),
            Source(at="pypi:pack==1.0:pack/one.onnx", bytes=5_000),
        ),
    )
    weight = Weight(name="one", purpose="test", licence="MIT", home="https://example.org", files=(file,))
    locator = WeightLocator(Manifest(weight=(weight,)), home=tmp_path / "home", folders=())
    assert locator.pull(["one"], quiet=True).pulled == ("one",)
    assert locator.path("one").read_bytes() == CONTENT["one.onnx"]


def test_an_absent_version_is_said(index, folder):
    with pytest.raises(
        FetchError, match=r"No matching distribution found for pack==3.*no source archive of version 3"
    ):
        fetch_package(Source(at="pypi:pack==3:x"), 10_000, folder, lambda count: None)


def test_an_index_that_cannot_be_reached_is_said(index, folder, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(FetchError, match="cannot be read") as caught:
        fetch_package(Source(at="pypi:pack==1.0:x"), 10_000, folder, lambda count: None)
    assert "secret" not in str(caught.value)


def test_an_archive_larger_than_declared_is_refused(index, folder):
    with pytest.raises(FetchError, match="more than the 100 bytes"):
        fetch_package(Source(at="pypi:onlysource==2.0:x"), 100, folder, lambda count: None)


def test_the_indexes_of_pip_are_read_with_their_order(index, monkeypatch):
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://one.example/simple https://two.example/simple")
    monkeypatch.setenv("PIP_CERT", "/some/certificates.pem")
    assert configured_indexes(pip_command()) == Indexes(
        (index, "https://one.example/simple", "https://two.example/simple"), "/some/certificates.pem"
    )


def test_without_configuration_pips_own_index_is_used(index, monkeypatch):
    monkeypatch.delenv("PIP_INDEX_URL")
    (url,) = configured_indexes(pip_command()).urls
    assert url.startswith("https://") and url.endswith("/simple")


def test_reads_an_index_that_answers_json(server, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setitem(Quiet.extensions_map, ".json", "application/vnd.pypi.simple.v1+json")
    listing = tmp_path / "www" / "simple" / "my-pack"
    listing.mkdir(parents=True)
    # This server shows index.html for a folder; renaming the type is enough to stand for a JSON answer.
    monkeypatch.setitem(Quiet.extensions_map, ".html", "application/vnd.pypi.simple.v1+json")
    (listing / "index.html").write_text(
        '{"files": [{"filename": "my_pack-1.0-py3-none-any.whl", "url": "w"},'
        ' {"filename": "my_pack-1.0.tar.gz", "url": "../files/my_pack-1.0.tar.gz"}]}'
    )
    found = find_sdist("My.Pack", "1.0", Indexes((f"{server}/simple",)), timeout=5)
    assert found == f"{server}/simple/files/my_pack-1.0.tar.gz"


def test_pip_that_comes_with_python_stands_in(monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name, real=fetch.importlib.util.find_spec: (
        None if name == "pip" else real(name)
    ))  # fmt: skip
    try:
        command = pip_command()
    except FetchError as error:
        pytest.skip(f"this Python brings no pip of its own: {error}")
    assert command[0] == sys.executable and command[1].endswith(".whl/pip")
    assert configured_indexes(command).urls


def test_a_url_comes_whole_with_its_ticks(server, tmp_path, folder, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", server)
    place = tmp_path / "www" / "org" / "model" / "resolve" / "main"
    place.mkdir(parents=True)
    (place / "one.onnx").write_bytes(CONTENT["one.onnx"])
    ticks = []
    found = fetch_url(Source(at="hf:org/model@main:one.onnx"), 650, folder, ticks.append)
    assert found.read_bytes() == CONTENT["one.onnx"]
    assert sum(ticks) == 650


def test_an_answer_of_404_is_said(server, folder, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", server)
    with pytest.raises(FetchError, match="answers 404"):
        fetch_url(Source(at="hf:org/model@main:absent"), 10, folder, lambda count: None)


def test_a_download_that_breaks_off_is_refused_by_its_size(server, tmp_path, folder, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Source, "url", property(lambda self: f"{server}/cut"))
    file = WeightFile(
        file="one.onnx",
        sha256="0" * 64,
        bytes=1_000_000,
        sources=(Source(at="https://example.org/one.onnx"),),
    )
    weight = Weight(name="one", purpose="test", licence="MIT", home="https://example.org", files=(file,))
    locator = WeightLocator(Manifest(weight=(weight,)), home=tmp_path / "home", folders=())
    reason = locator.pull(["one"], quiet=True).unavailable["one"]
    assert "truncated" in reason or "broke off" in reason
    assert not (tmp_path / "home" / "one").exists()


def test_messages_hide_passwords():
    assert hidden("https://me:secret@host.example:8/x?y=1") == "https://host.example:8/x?y=1"
