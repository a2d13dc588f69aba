"""`store gc` never takes answers of judges, whatever their folder is called by; nor does a name in it steer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.store import Store
from uniavgen_bench.runner.store_show import ANSWERS, SCORES, show_collected, show_verified

KEY = sha256_json(["paid for"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an old entry in each of its stores."""
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))
    for name in (SCORES, ANSWERS):
        store = Store(tmp_path / "home" / name)
        store.put(KEY, b"x")
        then = time.time() - 100 * 86_400
        os.utime(store.path(KEY), (then, then))
    return tmp_path / "home"


@pytest.mark.parametrize("how", ["path", "file://", "local://", "here", "dots", "link", "link://"])
def test_answers_of_judges_stay_however_their_folder_is_named(
    home: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = home / ANSWERS
    monkeypatch.chdir(answers)
    (home.parent / "other").symlink_to(answers)
    named = {
        "path": str(answers), "file://": f"file://{answers}", "local://": f"local://{answers}", "here": ".",
        "dots": f"{home}/store/../judge", "link": str(home.parent / "other"),
        "link://": f"file://{home.parent}/other",
    }[how]  # fmt: skip
    show_collected((), 1.0, named, delete=True, json=False)
    assert Store(answers).path(KEY).exists()


def test_answers_stay_where_the_folder_of_the_home_leads_elsewhere(home: Path) -> None:
    (home / ANSWERS).rename(home.parent / "kept")
    (home / ANSWERS).symlink_to(home.parent / "kept")
    for named in (None, str(home.parent / "kept"), f"file://{home.parent}/kept"):
        show_collected((), 1.0, named, delete=True, json=True)
        assert Store(home / ANSWERS).path(KEY).exists()
    assert not Store(home / SCORES).path(KEY).exists(), "what is computed goes"


def test_scores_go_by_every_name(home: Path) -> None:
    show_collected((), 1.0, f"file://{home}/{SCORES}", delete=True, json=False)
    assert not Store(home / SCORES).path(KEY).exists()


def test_a_name_of_a_store_steers_no_terminal(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    odd = tmp_path / "x\x1b]0;owned\x07\x9b2J"
    Store(odd).put(KEY, b"x")
    Store(odd).path(KEY).write_bytes(b"")
    for json_ in (False, True):
        show_verified(str(odd), repair=False, json=json_)
        show_collected((), None, str(odd), delete=False, json=json_)
    out = capsys.readouterr().out
    assert "owned" in out and not any(c in out for c in "\x1b\x07\x9b")
    show_verified(str(odd), repair=False, json=True)
    assert json.loads(capsys.readouterr().out)[0]["store"] == str(odd)
