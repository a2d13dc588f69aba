"""The pytest plugin: each gated field is a test item, and no doubt passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.gate_runs import noisy, write

pytest_plugins = ["pytester"]
PLUGIN = ("-p", "uniavgen_bench.pytest_plugin", "-p", "no:cacheprovider")
MARGINS = ("--uniavgen-margin", "lipsync.toy.in_place=10%", "--uniavgen-margin", "speech.toy.wer=50%")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a baseline, a run that passes, and one that does not."""
    # Of the module, since pytester forgets what a test imports, and pyarrow cannot be imported twice.
    folder = tmp_path_factory.mktemp("runs")
    write(folder / "main", noisy(0))
    write(folder / "good", noisy(1))
    write(folder / "bad", noisy(1, loss=0.08))
    return folder


def gate(pytester: pytest.Pytester, *arguments: object) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*PLUGIN, *map(str, arguments))


def test_fields_become_items_beside_ordinary_tests(pytester: pytest.Pytester, runs: Path) -> None:
    base, run = runs / "main", runs / "bad"
    pytester.makepyfile("def test_mine(): pass")
    done = gate(pytester, "--uniavgen-gate", run, "--uniavgen-baseline", base, *MARGINS, "-v")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*gate::lipsync.toy@1.in_place FAILED*",
            "*gate::speech.toy@1.wer PASSED*",
            "*lipsync.toy@1.in_place: worse: the mean is * worse, more than the margin*",
        ]
    )
    done.stdout.no_fnmatch_line("*pytest_plugin.py*Error*")
    chosen = gate(pytester, "--uniavgen-gate", run, "--uniavgen-baseline", base, *MARGINS, "-k", "wer")
    chosen.assert_outcomes(passed=1, deselected=2)


def test_run_that_cannot_be_compared_is_one_failed_item(pytester: pytest.Pytester, runs: Path) -> None:
    done = gate(
        pytester,
        "--uniavgen-gate",
        runs / "good",
        "--uniavgen-baseline",
        "nowhere.json",
        "--junitxml=out.xml",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["comparable: nowhere.json: no such file*"])
    assert "no such file" in (pytester.path / "out.xml").read_text()


def test_half_a_gate_is_refused(pytester: pytest.Pytester) -> None:
    done = gate(pytester, "--uniavgen-gate", "run")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*belong together*"])


def test_without_its_options_the_plugin_imports_nothing_and_adds_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_light():
            assert not [name for name in sys.modules if name.startswith("uniavgen_bench.report")]
            assert "pandas" not in sys.modules and "torch" not in sys.modules
        """
    )
    gate(pytester).assert_outcomes(passed=1)


def test_bad_baseline_system_is_named(pytester: pytest.Pytester, runs: Path) -> None:
    base, run = runs / "main", runs / "good"
    options = ("--uniavgen-gate", run, "--uniavgen-baseline", base, "--uniavgen-system", "talkr", *MARGINS)
    done = gate(pytester, *options)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*unknown system 'talkr'*did you mean 'talker'*"])
