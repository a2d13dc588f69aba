"""The manifest: what it says of the real weights, and how it refuses what does not fit."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.weights.manifest import Scheme, Source, load_manifest

EMBEDDED = (
    "face-detector-full",
    "face-detector-short",
    "face-landmarks",
    "iris",
    "resemblyzer",
    "whisper-tiny.en",
    "whisper-base",
    "dnsmos-p835",
    "dnsmos-p808",
)
ENTRY = """
[[weight]]
name = "x"
purpose = "test"
licence = "MIT"
home = "https://example.org"
{extra}
[[weight.files]]
file = "{file}"
sha256 = "{sha}"
bytes = 3
sources = [{{ at = "{at}" }}]
"""


def written(tmp_path, *, file="x.bin", sha="0" * 64, at="https://example.org/x", extra="", times=1):
    path = tmp_path / "weights.toml"
    path.write_text(ENTRY.format(file=file, sha=sha, at=at, extra=extra) * times)
    return path


def test_every_embedded_network_comes_from_a_package_archive():
    manifest = load_manifest()
    for name in EMBEDDED:
        assert manifest[name].tried
        firsts = [part for f in manifest[name].files for part in f.sources[0].parts]
        assert all(part.scheme is Scheme.PYPI and part.bytes for part in firsts)


def test_the_networks_of_syncnet_are_for_research_and_not_claimed_to_be_obtainable():
    manifest = load_manifest()
    for name, size in (("syncnet-v2", 54_573_114), ("sfd-face", 89_844_381)):
        weight = manifest[name]
        assert weight.research_only and not weight.tried and weight.bytes == size


def test_every_entry_says_licence_purpose_and_home():
    for weight in load_manifest().weight:
        assert weight.licence and weight.purpose and weight.home.startswith("https://"), weight.name


def test_several_files_stand_for_a_folder():
    whisper = load_manifest()["whisper-tiny.en"]
    assert whisper.is_folder
    assert {f.file for f in whisper.files} == {"model.bin", "config.json", "tokenizer.json", "vocabulary.txt"}
    assert re.fullmatch("[0-9a-f]{64}", whisper.sha256)
    assert whisper.bytes == sum(f.bytes for f in whisper.files)


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(InputError, match=r"unknown weight 'syncnet' \(did you mean 'syncnet-v2'"):
        load_manifest()["syncnet"]


def test_sources_become_urls(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    commit = "0123456789" * 4
    assert Source(at=f"github:a/b@{commit}:c/d e.pth").url == (
        f"https://raw.githubusercontent.com/a/b/{commit}/c/d%20e.pth"
    )
    hub = Source(at="hf:org/model@v1:sub/model.bin")
    assert hub.url == "https://huggingface.co/org/model/resolve/v1/sub/model.bin"
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hub.url == "https://mirror.example/org/model/resolve/v1/sub/model.bin"
    member = Source(at="pypi:pack==1.0.post1:pack/data/x.onnx")
    assert (member.archive, member.member) == ("pack==1.0.post1", "pack/data/x.onnx")


@pytest.mark.parametrize(
    "at",
    [
        "x",
        "http://example.org/x",
        "file:///etc/passwd",
        "https://",
        "pypi:pack:member",
        "pypi:pack>=1:member",
        "pypi:--index-url=evil==1:member",
        "pypi:pack==1 --pre:member",
        "github:a/b@main:file",
        "hf:model:file",
    ],
)
def test_a_source_of_another_form_is_refused(at):
    with pytest.raises(ValidationError):
        Source(at=at)


def test_a_part_of_a_file_has_no_parts_of_its_own():
    last = Source(at="pypi:c==1:c/x.2")
    assert Source(at="pypi:a==1:a/x.0", then=(last,)).parts[1] == last
    with pytest.raises(ValidationError, match="cannot have parts"):
        Source(at="pypi:a==1:a/x.0", then=(Source(at="pypi:b==1:b/x.1", then=(last,)),))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "../x.bin"}, "weight.0.files.0.file"),
        ({"file": ".hidden"}, "weight.0.files.0.file"),
        ({"sha": "ABC"}, "weight.0.files.0.sha256"),
        ({"extra": "licnece = 'MIT'"}, "weight.0.licnece"),
        ({"at": "ftp://example.org"}, "weight.0.files.0.sources.0"),
        ({"times": 2}, "the weight 'x' is declared twice"),
        ({"extra": "no toml"}, "is not TOML"),
    ],
)
def test_a_manifest_that_does_not_fit_names_file_and_key(tmp_path, changes, said):
    path = written(tmp_path, **changes)
    with pytest.raises(InputError) as caught:
        load_manifest(path)
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)


def test_an_absent_manifest_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_manifest(tmp_path / "absent.toml")
