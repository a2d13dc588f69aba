"""Secrets stand neither in a suite nor in what a run keeps."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from external.world import make, sample, system
from uniavgen_bench.core.redaction import Redaction, secret_name
from uniavgen_bench.systems.external.external import ExternalOptions
from uniavgen_bench.systems.external.process import run_process

SECRETS = (
    "OPENAI_KEY", "HF_AUTH", "GITHUB_PAT", "MY_PRIVATE_KEY", "BEARER", "WANDB_KEY", "DB_PASS", "AWS_SESSION",
    "HF_TOKEN", "PGPASSWORD", "COOKIE", "HTTP_AUTHORIZATION", "AWS_SECRET_ACCESS_KEY", "openai_api_key", "HFTOKEN",
)  # fmt: skip
NONE = (
    "TOKENIZERS_PARALLELISM", "MAX_TOKENS", "CHECKPOINT_DIR", "PATH", "KEYFRAMES", "COMPASS", "AUTHOR", "PYTHONPATH",
    "BYPASS_CACHE", "SESSIONS_DIR", "OMP_NUM_THREADS", "MONKEY", "DISPATCH",
)  # fmt: skip
MADE_UP = "hf_" + "MadeUpForThisTest0123"


@pytest.mark.parametrize("name", SECRETS)
def test_a_variable_that_looks_like_a_secret_is_not_set_in_a_suite(name: str) -> None:
    with pytest.raises(ValidationError, match=r"looks like a secret.*pass_env"):
        ExternalOptions(env={name: "x"})


@pytest.mark.parametrize("name", NONE)
def test_other_variables_are_set(name: str) -> None:
    assert not secret_name(name) and ExternalOptions(env={name: "x"}).env == {name: "x"}


@pytest.mark.parametrize(
    "options",
    [
        {"arguments": ("--token=sk-2",)},
        {"arguments": ("--hf-token", "abc")},
        {"arguments": ("--anything", MADE_UP)},
        {"launcher": ("env", "WANDB_KEY=abc")},
        {"launcher": ("ssh", "https://me:word@host")},
        {"env": {"URL": "https://me:word@host/x"}},
        {"command": ("python", "a.py", "--api-key", "sk-INLINE")},
        {"command": ("python", "a.py"), "files": {"a.json": f'{{{{"key": "{MADE_UP}"}}}}'}},
    ],
)
def test_a_secret_in_words_is_refused_without_being_told(options: dict[str, object]) -> None:
    kind = system("command", command=("x",)).options if "command" in options else ExternalOptions()
    with pytest.raises(ValidationError, match=r"looks like a secret.*pass_env") as error:
        type(kind).model_validate(options)
    told = "\n".join(each["msg"] for each in error.value.errors())
    assert not any(word in told for word in ("sk-", "abc", MADE_UP, "word@"))


def test_words_that_only_sound_like_secrets_are_taken() -> None:
    words = (
        "--max-tokens",
        "77",
        "--pass",
        "2",
        "--keyframes",
        "3",
        "--api-key",
        "{seed}",
        "seed=3",
        "a=b",
        "--key",
    )
    assert ExternalOptions(arguments=words).arguments == words


TELLS = """
import os, sys, time
secret = os.environ["MY_SECRET"]
for part in ("begin ", secret[:9], secret[9:], " end\\n", "half " + secret[:5]):
    sys.stdout.write(part)
    sys.stdout.flush()
    time.sleep(0.2)
sys.stdout.write(secret[5:] + "\\r" + os.environ["LINES"] + "\\n")
print("401 for", secret, flush=True)
sys.exit(3)
"""


def test_passed_values_stand_nowhere_in_what_a_run_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, second = 'p"a ss+wörd-0123', "second-line-0123"
    monkeypatch.setenv("MY_SECRET", secret)
    monkeypatch.setenv("LINES", f"first-line-0123\n{second}")
    made_by = system("command", pass_env=["MY_SECRET", "LINES"], command=["python", "-c", TELLS, "{out}"])
    made = make(made_by, [sample(tmp_path / "given")], tmp_path / "run")
    assert "401 for [MY_SECRET]" in str(made.missing[0])
    assert made.log().splitlines()[:3] == ["begin [MY_SECRET] end", "half [MY_SECRET]", "[LINES]"]
    for path in (tmp_path / "run").rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        assert secret not in text and second not in text and "first-line" not in text, path


def test_what_has_the_shape_of_a_token_is_hidden_though_nobody_named_it(tmp_path: Path) -> None:
    words = [
        MADE_UP,
        "ghp_" + "a1" * 10,
        "Bearer abc.def-123",
        "https://me:word@host/x",
        "task-that-is-no-token-at-all",
    ]
    command = [sys.executable, "-c", f"print({' '.join(words)!r})"]
    assert (
        run_process(command, tmp_path, dict(os.environ), tmp_path / "log", lambda gpu: False, 30).status == 0
    )
    assert (tmp_path / "log").read_text() == (
        "[secret] [secret] [secret] https://[secret]@host/x task-that-is-no-token-at-all\n"
    )


def test_short_values_stay_as_they_are_found_everywhere() -> None:
    hidden = Redaction.of(["DEBUG", "PIN_TOKEN"], {"DEBUG": "1", "PIN_TOKEN": "9876"})
    assert hidden.text("1 of 10: 9876") == "1 of 10: [PIN_TOKEN]"
    assert hidden.value({"a": ["9876", 9876]}) == {"a": ["[PIN_TOKEN]", 9876]}
