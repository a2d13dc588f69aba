"""What no line of the product may do: run pickles, texts or shells, unpack archives by their own names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(
    p for part in ("uniavgen_bench", "reference_model") for p in (REPOSITORY / part).rglob("*.py")
)

PICKLES = frozenset({"cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"})
PICKLE_CALLS = frozenset(
    {f"pickle.{name}" for name in ("load", "loads", "Unpickler", "dump", "dumps", "Pickler")}
    | {f"_pickle.{name}" for name in ("load", "loads", "Unpickler", "dump", "dumps")}
    | {"pandas.read_pickle", "torch.jit.load", "torch.package.PackageImporter"}
)
SHELLS = frozenset(
    {
        "os.system",
        "os.popen",
        "commands.getoutput",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "asyncio.create_subprocess_shell",
        "asyncio.subprocess.create_subprocess_shell",
    }
)
STARTS = frozenset(
    {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")}
    | {"asyncio.create_subprocess_exec", "asyncio.subprocess.create_subprocess_exec"}
)
RUNS_TEXT = frozenset({"eval", "exec", "compile", "torch.hub.load", "builtins.eval", "builtins.exec"})
YAML_LOADS = frozenset(f"yaml.{how}load{many}" for how in ("", "unsafe_", "full_") for many in ("", "_all"))
UNPACKS = frozenset({"extractall", "unpack_archive"})
POSITIONS = {"numpy.load": {"allow_pickle": 2}, "numpy.save": {"allow_pickle": 2}}
"""At which position a call takes what is looked for by name."""


@cache
def parsed() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"), str(path))) for path in SOURCES)


def aliases(tree: ast.AST) -> dict[str, str]:
    """Return what the names that a module imports, or gives to what it imported, stand for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                found[a.asname or a.name.partition(".")[0]] = a.name if a.asname else a.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute | ast.Name):
            name = resolved(node.value, found)
            if name in PICKLE_CALLS | SHELLS | STARTS | RUNS_TEXT | YAML_LOADS | {"torch.load"}:
                found.update({t.id: name for t in node.targets if isinstance(t, ast.Name)})
    return found


def resolved(function: ast.expr, names: dict[str, str]) -> str:
    """Return the full name of what is called, as far as the imports of the module tell it."""
    spelled = ast.unparse(function)
    head, dot, rest = spelled.partition(".")
    return names.get(head, head) + dot + rest


def calls_of(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    names = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, resolved(node.func, names)
            if resolved(node.func, names) == "functools.partial" and node.args:  # a call that is made later
                inner = ast.Call(node.args[0], node.args[1:], node.keywords)
                yield ast.copy_location(inner, node), resolved(node.args[0], names)


@cache
def calls() -> tuple[tuple[Path, ast.Call, str], ...]:
    return tuple((path, call, name) for path, tree in parsed() for call, name in calls_of(tree))


def keyword(call: ast.Call, name: str, called: str = "") -> str | None:
    """Return what a call is given under a name, also in `**{...}` and at its position; None where it is not."""
    for given in call.keywords:
        if given.arg == name:
            return ast.unparse(given.value)
        if given.arg is None and isinstance(given.value, ast.Dict):
            for key, value in zip(given.value.keys, given.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    return ast.unparse(value)
    at = POSITIONS.get(called, {}).get(name)
    return ast.unparse(call.args[at]) if at is not None and len(call.args) > at else None


def pickles(call: ast.Call, name: str) -> bool:
    if name in ("torch.load", "torch.serialization.load"):
        return keyword(call, "weights_only") != "True"
    return name in PICKLE_CALLS or keyword(call, "allow_pickle", name) not in (None, "False")


def shells(call: ast.Call, name: str) -> bool:
    first = call.args[0] if call.args else None
    as_text = isinstance(first, ast.Constant | ast.JoinedStr) or (
        isinstance(first, ast.Call) and ast.unparse(first.func).endswith(".join")
    )
    as_text = as_text and not name.startswith("asyncio.")  # it takes the words one by one
    return name in SHELLS or keyword(call, "shell") not in (None, "False") or (name in STARTS and as_text)


def inherits_environment(call: ast.Call, name: str) -> bool:
    given = keyword(call, "env")
    whole = ("None", "os.environ", "environ", "os.environ.copy()", "dict(os.environ)", "{**os.environ}")
    return name in STARTS and (given is None or given in whole)


def runs_text(call: ast.Call, name: str) -> bool:
    safe = name in ("yaml.load", "yaml.load_all") and any(
        ast.unparse(loader).rpartition(".")[2] in ("SafeLoader", "CSafeLoader")
        for loader in [*call.args[1:], *(k.value for k in call.keywords if k.arg == "Loader")]
    )
    runs = name in RUNS_TEXT or (name in YAML_LOADS and not safe)
    return runs or keyword(call, "trust_remote_code") not in (None, "False")


def unpacks(call: ast.Call, name: str) -> bool:
    return name.rpartition(".")[2] in UNPACKS or (name.endswith(".extract") and bool(call.args))


@pytest.mark.parametrize("forbidden", [pickles, shells, inherits_environment, runs_text, unpacks])
def test_no_line_of_the_product(forbidden: Callable[[ast.Call, str], bool]) -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{call.lineno}: {ast.unparse(call)[:120]}"
        for path, call, name in calls()
        if forbidden(call, name)
    ]
    assert not found, f"{forbidden.__name__}: {found}"


def test_no_module_that_reads_pickles_is_imported() -> None:
    for path, tree in parsed():
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & PICKLES, path
            from_pickle = isinstance(node, ast.ImportFrom) and node.module == "pickle"
            assert not from_pickle or {a.name for a in node.names} == {"UnpicklingError"}, path


FOUND: list[tuple[Callable[[ast.Call, str], bool], str]] = [
    (pickles, "import torch; torch.load(path)"),
    (pickles, "import torch; torch.load(path, weights_only=False)"),
    (pickles, "import torch as t; t.load(path)"),
    (pickles, "from torch import load; load(path)"),
    (pickles, "from torch import load as read; read(path)"),
    (pickles, "import torch; read = torch.load; read(path)"),
    (pickles, "import functools, torch; functools.partial(torch.load, map_location='cpu')"),
    (pickles, "import torch; torch.jit.load(path)"),
    (pickles, "from torch import jit; jit.load(path)"),
    (pickles, "import numpy as np; np.load(path, allow_pickle=True)"),
    (pickles, "import numpy as np; np.load(path, None, True)"),
    (pickles, "import numpy; numpy.load(path, **{'allow_pickle': True})"),
    (pickles, "import pickle; pickle.loads(data)"),
    (pickles, "import pickle as pk; pk.loads(data)"),
    (pickles, "import pandas as pd; pd.read_pickle(path)"),
    (shells, "import subprocess; subprocess.run(command, shell=True)"),
    (shells, "import subprocess; subprocess.run(command, **{'shell': True})"),
    (shells, "import subprocess; subprocess.run(f'git {name}')"),
    (shells, "import subprocess as sp; sp.Popen(' '.join(words))"),
    (shells, "import os; os.system('ls')"),
    (shells, "from os import system; system('ls')"),
    (shells, "import asyncio; asyncio.create_subprocess_shell('ls')"),
    (shells, "from asyncio import create_subprocess_shell as start; start('ls')"),
    (inherits_environment, "import subprocess; subprocess.run([git])"),
    (inherits_environment, "from subprocess import run; run([git])"),
    (inherits_environment, "import subprocess; subprocess.run([git], env=None)"),
    (inherits_environment, "import os, subprocess; subprocess.run([git], env=os.environ)"),
    (inherits_environment, "import asyncio; asyncio.create_subprocess_exec(git)"),
    (runs_text, "eval(text)"),
    (runs_text, "import yaml; yaml.load(text, yaml.Loader)"),
    (runs_text, "import yaml; yaml.load_all(text, yaml.Loader)"),
    (runs_text, "import yaml; yaml.load(text, Loader=yaml.UnsafeLoader)"),
    (runs_text, "from yaml import unsafe_load; unsafe_load(text)"),
    (runs_text, "import torch; torch.hub.load(a, b)"),
    (runs_text, "AutoModel.from_pretrained(name, trust_remote_code=True)"),
    (runs_text, "AutoModel.from_pretrained(name, **{'trust_remote_code': True})"),
    (unpacks, "archive.extractall(folder)"),
    (unpacks, "archive.extract(name, folder)"),
    (unpacks, "from shutil import unpack_archive as unpack; unpack(path)"),
]


@pytest.mark.parametrize(("forbidden", "code"), FOUND, ids=[code for _, code in FOUND])
def test_the_rules_find_what_they_are_for(forbidden: Callable[[ast.Call, str], bool], code: str) -> None:
    assert any(forbidden(call, name) for call, name in calls_of(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import torch; torch.load(path, weights_only=True)",
        "import numpy as np; np.load(path); np.load(path, None, False)",
        "import json; json.load(stream)",
        "import re; re.compile(text)",
        "import subprocess; subprocess.run([git], env=environment_of_tools())",
        "import yaml; yaml.safe_load(text); yaml.load(text, Loader=yaml.CSafeLoader)",
    ],
)
def test_the_rules_let_pass_what_is_safe(code: str) -> None:
    rules = (pickles, shells, inherits_environment, runs_text, unpacks)
    assert not any(rule(call, name) for rule in rules for call, name in calls_of(ast.parse(code)))


TEMPLATES = sorted((REPOSITORY / "uniavgen_bench").rglob("*.j2"))


def test_templates_escape_and_hold_no_script() -> None:
    assert TEMPLATES
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text, path
        assert "onclick=" not in text and "onload=" not in text and " style=" not in text, path
        for script in text.split("<script")[1:]:
            head = script.partition(">")[0]
            assert " src=" in head or 'type="application/json"' in head, (
                f"{path}: a script in the page itself"
            )
        if "<head>" in text:
            assert 'http-equiv="Content-Security-Policy"' in text, path


def test_every_page_is_made_of_a_base_with_a_policy() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        if "<html" not in text and "{% extends" not in text:
            assert "macro" in text or "{% block" not in text, path
        if "{% extends" in text:
            assert "base.html.j2" in text, path


def test_the_lock_pins_every_package_with_a_hash_and_names_no_host() -> None:
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    entries = text.replace("\\\n", " ").splitlines()
    pins = [line for line in entries if line.strip() and not line.startswith("#")]
    assert len(pins) > 100
    for line in pins:
        assert "==" in line.split()[0] and "--hash=sha256:" in line, line
    assert "://" not in text and "@ " not in text
    names = {line.split("==")[0].lower().replace("_", "-") for line in pins}
    constrained = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    versions = {
        line.split("==")[0].lower().replace("_", "-"): line.split("==")[1].strip()
        for line in constrained
        if "==" in line
    }
    assert names == set(versions)
    for line in pins:
        name, version = line.split()[0].split("==")
        assert versions[name.lower().replace("_", "-")] == version
