"""The commands as a user meets them: tables, JSON, exit status, one clear line."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json

import pytest
import typer
from typer.testing import CliRunner
from weight_shelf import CONTENT

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.weights import commands, doctor
from uniavgen_bench.weights.commands import weights_app


@pytest.fixture
def run(fresh, monkeypatch):
    """Run `weights …` on the small manifest; gives exit status and output."""
    monkeypatch.setattr(commands, "_locator", fresh)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(weights_app, words)


def rows(result):
    return {row["name"]: row for row in json.loads(result.stdout)}


def test_list_says_what_is_here(run, locator):
    locator.pull(["one"], quiet=True)
    listed = rows(run("list", "--json"))
    assert {name: row["state"] for name, row in listed.items()} == {
        "one": "here",
        "pair": "absent",
        "site": "absent",
    }
    assert listed["one"]["path"].endswith("one.onnx") and listed["one"]["bytes"] == 650
    assert not listed["site"]["obtainable"]


def test_the_table_names_state_licence_and_what_to_do_by_hand(run):
    result = run("list")
    assert result.exit_code == 0
    assert "absent (by hand)" in result.stdout and "MIT" in result.stdout
    assert "UNIAVGEN_BENCH_WEIGHTS_PATH" in result.stdout


def test_pull_fetches_and_verify_agrees(run):
    assert rows(run("pull", "one", "pair", "--json"))["pair"]["state"] == "pulled"
    result = run("verify")
    assert result.exit_code == 0 and "one" in result.stdout


def test_pull_of_what_cannot_be_had_ends_with_status_1_and_the_reason(run):
    result = run("pull", "site", "--json")
    assert result.exit_code == 1
    assert "cannot be reached" in rows(result)["site"]["problem"]


def test_pull_offline_refuses_with_the_command(run):
    result = run("pull", "one", "--offline")
    assert isinstance(result.exception, InputError) and result.exception.exit_code == 2
    assert "uniavgen-bench weights pull one" in str(result.exception)


def test_a_bad_name_is_one_line_with_the_nearest(run):
    for command in ("list", "pull", "verify"):
        result = run(command, "pear")
        assert str(result.exception) == "unknown weight 'pear' (did you mean 'pair'?)"


def test_verify_names_the_damaged_file(run, locator, home):
    locator.pull(["one"], quiet=True)
    (home / "one" / "one.onnx").write_bytes(CONTENT["one.onnx"].replace(b"n", b"m"))
    result = run("verify")
    assert result.exit_code == 1
    assert "found sha256" in result.stdout.replace("\n", " ")


def test_verify_of_an_absent_name_ends_with_status_1(run):
    assert run("verify", "one").exit_code == 1
    assert run("verify").exit_code == 0


def findings(capsys, *, status=None):
    try:
        doctor.doctor(json=True)
        ended = 0
    except typer.Exit as end:
        ended = end.exit_code
    assert status is None or ended == status
    return json.loads(capsys.readouterr().out)


def test_doctor_looks_at_every_part(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "new"))
    found = findings(capsys)
    assert {f["group"] for f in found} == {
        "system",
        "packages",
        "devices",
        "storage",
        "media",
        "plugins",
        "weights",
    }
    assert all(f["way_out"] for f in found if f["standing"] != "fine")
    decoders = next(f for f in found if f["name"] == "video decoders")
    assert decoders["standing"] == "fine" and "h264" in decoders["value"]
    assert not (tmp_path / "new").exists(), "looking must not write"


def test_doctor_works_without_optional_packages(capsys, monkeypatch):
    real_version, real_import = importlib.metadata.version, importlib.import_module

    def version(name):
        if name.lower() in {"speechmos", "torch"}:
            raise importlib.metadata.PackageNotFoundError(name)
        return real_version(name)

    def import_module(name, package=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return real_import(name, package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib, "import_module", import_module)
    found = findings(capsys, status=1)
    by_name = {f["name"]: f for f in found}
    assert by_name["speechmos [parity]"]["standing"] == "note"
    assert by_name["speechmos [parity]"]["way_out"] == "pip install 'uniavgen-bench[parity]'"
    assert by_name["torch"]["standing"] == "problem"
    assert by_name["cpu"]["standing"] == "fine"
    assert "No module named 'torch'" in by_name["devices"]["value"]
    assert "weights" in {f["group"] for f in found}


def test_doctor_names_a_home_that_cannot_be_used_and_a_wrong_search_folder(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("UNIAVGEN_BENCH_WEIGHTS_PATH", str(tmp_path / "absent"))
    by_name = {f["name"]: f for f in findings(capsys, status=1)}
    assert by_name["home"]["way_out"] == "name another folder with UNIAVGEN_BENCH_HOME"
    assert by_name["weights folder"]["way_out"] == "mend UNIAVGEN_BENCH_WEIGHTS_PATH"


def test_doctor_prints_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with contextlib.suppress(typer.Exit):
        doctor.doctor()
    shown = capsys.readouterr().out
    assert "Python" in shown and "way out" in shown
