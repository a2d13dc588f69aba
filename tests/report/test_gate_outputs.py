"""Where the gate's verdict goes: exit status, terminal, gate.json, JUnit XML, Markdown; and what `gate update` does."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from report.gate_runs import SYNC, WORDS, Made, changed, noisy, spec, write
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.gate_files import GateResult, read_baseline
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.gate_judge import GateRequest, judge
from uniavgen_bench.report.gate_junit import junit_of, junit_refusal
from uniavgen_bench.report.gate_outputs import Outputs, check_and_write
from uniavgen_bench.report.gate_table import markdown_of, markdown_refusal, terminal
from uniavgen_bench.report.gate_update import UpdateRequest, plan_update, update_and_show

NEXT = spec("lipsync.toy", 2, in_place=Direction.HIGHER)
HOSTILE = '</td><script>alert("x")</script> | **bold** `code` ]]>\x00\x1b[31m ![](http://evil)'


def bench(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "uniavgen_bench.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_command_line_from_baseline_to_verdict(tmp_path: Path) -> None:
    write(tmp_path / "main", noisy(0))
    write(tmp_path / "good", noisy(1))
    write(tmp_path / "bad", noisy(2, loss=0.08))
    margin = "lipsync.toy.in_place=10%"
    made = bench(tmp_path, "gate", "update", "main", "--to", "reports/b.json", "--margin", margin)
    assert made.returncode == 0, made.stderr
    good = bench(tmp_path, "gate", "good", "--baseline", "reports/b.json", "--json")
    assert good.returncode == 0, good.stderr
    assert good.stdout == (tmp_path / "good" / "gate.json").read_text()
    assert GateResult.model_validate_json(good.stdout).passed
    out = ("--junit", "x/gate.xml", "--markdown", "x/gate.md")
    bad = bench(tmp_path, "gate", "bad", "--baseline", "reports/b.json", *out)
    assert bad.returncode == 1
    assert "Failed: 1 of 1 field (1 worse)." in bad.stdout
    assert ElementTree.parse(tmp_path / "x" / "gate.xml").getroot()[0].get("failures") == "1"
    refused = bench(tmp_path, "gate", "check", "bad", "--baseline", "nowhere.json", *out)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert ElementTree.parse(tmp_path / "x" / "gate.xml").getroot()[0].get("errors") == "1"
    assert "not comparable" in (tmp_path / "x" / "gate.md").read_text()
    assert not (tmp_path / "bad" / "gate.json").exists(), "the verdict on another baseline must not stay"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gate", "nowhere", "--baseline", "main"), "no such run"),
        (("gate", "main", "--baseline", "main"), "is the run itself"),
        (("gate", "main"), "no baseline is named"),
        (("gate", "main", "--baseline", "b.json", "--alpha", "0.7"), "alpha 0.7 is not between"),
        (("gate", "main", "--baseline", "b.json", "--coverage", "2"), "coverage 2 is not between"),
        (("gate", "main", "--baseline", "b.json", "--junit", "b.json"), "it is not overwritten"),
        (("gate", "update", "main", "--to", "."), "is a folder"),
        (("gate", "update", "main", "--to", "main/manifest.json"), "is not a baseline"),
    ],
)
def test_bad_input_is_one_line_and_code_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    write(tmp_path / "main", noisy(0))
    update_and_show(
        UpdateRequest(tmp_path / "main", tmp_path / "b.json", margins=("lipsync.toy.in_place=10%",)),
        json=False,
    )
    before = (tmp_path / "b.json").read_bytes()
    done = bench(tmp_path, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert (tmp_path / "b.json").read_bytes() == before


def hostile(tmp_path: Path) -> GateResult:
    """A failed verdict whose names all want to be markup."""
    names = tuple(f"{HOSTILE} {i}" for i in range(20))
    rng = np.random.default_rng(1)
    made = Made(
        {"in_place": 0.4 + 0.01 * rng.standard_normal(20)}, suite=HOSTILE, system=HOSTILE, names=names
    )
    lost = changed(made, scores={"in_place": [np.nan, *([0.4] * 19)]})
    base = write(tmp_path / "main", made)
    return judge(
        GateRequest(write(tmp_path / "run", lost), baseline=base, margins=("lipsync.toy.in_place=0.1",))
    )


def check_junit(data: bytes) -> ElementTree.Element:
    """Check the rules of the Ant and Jenkins schemas: names and order of elements, attributes, counts, times."""
    root = ElementTree.fromstring(data)
    assert (root.tag, root.attrib) == ("testsuites", {})
    for suite in root:
        assert suite.tag == "testsuite"
        cases = suite.findall("testcase")
        numbers = {"tests", "failures", "errors", "skipped", "time"}
        assert set(suite.attrib) == {"name", "package", "id", "hostname", "timestamp", *numbers}
        assert int(suite.get("tests", "")) == len(cases) > 0
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert [child.tag for child in suite][: 1 if suite.find("properties") is not None else 0] in (
            [],
            ["properties"],
        )
        for case in cases:
            assert set(case.attrib) == {"classname", "name", "time"}
            assert re.fullmatch(r"\d+\.\d{3}", case.get("time", ""))
            assert [child.tag for child in case] in ([], ["failure"], ["error"])
            assert all(set(child.attrib) == {"message", "type"} for child in case)
    return root


def test_junit_has_a_testcase_per_field_and_survives_hostile_names(tmp_path: Path) -> None:
    root = check_junit(junit_of(hostile(tmp_path)))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None and failure.get("type") == "coverage"
    assert "<script>" in failure.get("message", "")
    many = judge(
        GateRequest(
            write(tmp_path / "b", noisy(1)),
            baseline=write(tmp_path / "a", noisy(0)),
            margins=("lipsync.toy.in_place=0.2", "lipsync.toy.offset=20", "speech.toy.wer=0.1"),
        )
    )
    cases = [(c.get("classname"), c.get("name")) for c in check_junit(junit_of(many)).iter("testcase")]
    assert cases == [("lipsync.toy@1", "in_place"), ("lipsync.toy@1", "offset"), ("speech.toy@1", "wer")]
    check_junit(junit_refusal(HOSTILE, many.made))


def test_markdown_escapes_names_and_keeps_its_table(tmp_path: Path) -> None:
    result = hostile(tmp_path)
    for text in (markdown_of(result), markdown_refusal(HOSTILE)):
        assert "<script" not in text and "\x1b" not in text and "![" not in text and "**bold" not in text
        assert not re.search(r"(?<!\\)`", text)
    rows = [line for line in markdown_of(result).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {10}


def test_terminal_shows_no_control_characters_and_fits_eighty_columns(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal(hostile(tmp_path)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[31m" not in text and "\x00" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "coverage" in text


def test_refusal_leaves_what_is_no_run_alone(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text("mine")
    with pytest.raises(InputError):
        check_and_write(GateRequest(tmp_path, baseline=tmp_path), Outputs())
    assert (tmp_path / "gate.json").read_text() == "mine"


def update(tmp_path: Path, made: Made, **more: object):
    request = UpdateRequest(write(tmp_path / "run", made), tmp_path / "b.json", **more)  # type: ignore[arg-type]
    return update_and_show(request, json=False)


def test_update_keeps_margins_and_remembers_what_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update(tmp_path, noisy(0), margins=("lipsync.toy.in_place=15%",))
    update(tmp_path, noisy(1, loss=-0.05))
    found = read_baseline(tmp_path / "b.json")
    assert found.margins == {"lipsync.toy.in_place": "15%"}
    assert len(found.past) == 1
    result = update(tmp_path, noisy(1, loss=-0.05))
    assert (result.lowers, len(read_baseline(tmp_path / "b.json").past)) == ((), 1)
    assert "drift" not in capsys.readouterr().out
    update(tmp_path, noisy(2, loss=0.03), yes=True)
    assert "drift  lipsync.toy@1.in_place" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("made", "more", "why"),
    [
        (noisy(1, loss=0.1), {}, "the mean is worse"),
        (noisy(0), {"margins": ("lipsync.toy.in_place=0.9",)}, "the margin is wider"),
        (
            changed(noisy(0), metrics=(spec("speech.toy", wer=Direction.LOWER),)),
            {},
            "it is no longer gated",
        ),
        (changed(noisy(0), metrics=(NEXT, WORDS)), {}, r"lipsync\.toy@1 is gated and not"),
        (changed(noisy(0), suite="other"), {}, "the suite is 'other'"),
        (noisy(0, size=39), {}, "the samples are not those"),
    ],
)
def test_lower_bar_needs_consent_and_nothing_is_written_without(
    tmp_path: Path, made: Made, more: dict[str, object], why: str
) -> None:
    update(tmp_path, noisy(0), margins=("lipsync.toy.in_place=0.05",))
    before = (tmp_path / "b.json").read_bytes()
    with pytest.raises(InputError, match=why):
        update(tmp_path, made, **more)
    assert (tmp_path / "b.json").read_bytes() == before
    update(tmp_path, made, yes=True, **more)
    assert (tmp_path / "b.json").read_bytes() != before


def test_suggested_margin_is_for_headlines_and_lets_an_unchanged_system_pass(tmp_path: Path) -> None:
    result = update(tmp_path, noisy(0), suggested=True)
    found = read_baseline(tmp_path / "b.json")
    assert set(found.margins) == {"lipsync.toy.in_place", "speech.toy.wer"}
    assert {c.basis for c in result.changes} == {"spread over samples"}
    for seed in range(1, 6):
        assert judge(GateRequest(write(tmp_path / "again", noisy(seed)), baseline=tmp_path / "b.json")).passed


def test_repeats_show_how_little_a_seed_moves_a_mean(tmp_path: Path) -> None:
    level = np.linspace(0.1, 0.7, 30)[:, None]
    repeats = Made({"in_place": level + 0.02 * np.random.default_rng(1).standard_normal((30, 3))})
    request = UpdateRequest(write(tmp_path / "run", repeats), tmp_path / "b.json")
    sync = next(c for c in plan_update(request)[1].changes if c.field == "in_place")
    single = UpdateRequest(write(tmp_path / "one", Made({"in_place": level[:, 0]})), tmp_path / "c.json")
    spread = next(c for c in plan_update(single)[1].changes if c.field == "in_place")
    assert (sync.basis, spread.basis) == ("repeats", "spread over samples")
    assert sync.suggested is not None and spread.suggested is not None
    assert sync.suggested < spread.suggested / 5


def test_baseline_without_margins_says_that_the_gate_will_refuse_it(tmp_path: Path) -> None:
    result = update(tmp_path, noisy(0))
    assert any("no margin is set" in note for note in result.notes)
    with pytest.raises(InputError, match="no margin is set"):
        judge(GateRequest(write(tmp_path / "again", noisy(1)), baseline=tmp_path / "b.json"))


def test_update_as_json_names_every_change(tmp_path: Path) -> None:
    write(tmp_path / "main", noisy(0))
    done = bench(tmp_path, "gate", "update", "main", "--to", "b.json", "--suggested", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert {c["field"] for c in data["changes"]} == {"in_place", "offset", "wer"}
    assert data["replaces"] is False and SYNC.name in {c["metric"] for c in data["changes"]}
