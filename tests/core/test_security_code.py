"""What no line of the product may do: run pickles, texts or shells, unpack archives by their own names."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted(
    p for part in ("uniavgen_bench", "reference_model") for p in (REPOSITORY / part).rglob("*.py")
)

PICKLES = frozenset({"cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"})
PICKLE_CALLS = frozenset(
    {
        "pickle.load",
        "pickle.loads",
        "pickle.Unpickler",
        "pickle.dump",
        "pickle.dumps",
        "pd.read_pickle",
        "pandas.read_pickle",
    }
)
SHELLS = frozenset(
    {"os.system", "os.popen", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput"}
)
STARTS = frozenset(
    {
        "subprocess.run",
        "subprocess.Popen",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
    }
)
RUNS_TEXT = frozenset(
    {"eval", "exec", "compile", "torch.hub.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
)
UNPACKS = frozenset({"extractall", "unpack_archive"})


@cache
def parsed() -> tuple[tuple[Path, tuple[ast.AST, ...]], ...]:
    trees = ((path, ast.parse(path.read_text(encoding="utf-8"), str(path))) for path in SOURCES)
    kinds = (ast.Call, ast.Import, ast.ImportFrom)
    return tuple((path, tuple(n for n in ast.walk(tree) if isinstance(n, kinds))) for path, tree in trees)


@cache
def calls() -> tuple[tuple[Path, ast.Call, str], ...]:
    return tuple(
        (path, node, ast.unparse(node.func))
        for path, nodes in parsed()
        for node in nodes
        if isinstance(node, ast.Call)
    )


def keyword(call: ast.Call, name: str) -> str | None:
    return next((ast.unparse(k.value) for k in call.keywords if k.arg == name), None)


def pickles(call: ast.Call, name: str) -> bool:
    if name == "torch.load":
        return keyword(call, "weights_only") != "True"
    allowed = keyword(call, "allow_pickle")
    return name in PICKLE_CALLS or (allowed is not None and allowed != "False")


def shells(call: ast.Call, name: str) -> bool:
    first = call.args[0] if call.args else None
    as_text = isinstance(first, ast.Constant | ast.JoinedStr) or (
        isinstance(first, ast.Call) and ast.unparse(first.func).endswith(".join")
    )
    return name in SHELLS or keyword(call, "shell") not in (None, "False") or (name in STARTS and as_text)


def inherits_environment(call: ast.Call, name: str) -> bool:
    return name in STARTS and keyword(call, "env") is None


def runs_text(call: ast.Call, name: str) -> bool:
    return name in RUNS_TEXT or keyword(call, "trust_remote_code") not in (None, "False")


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
    for path, nodes in parsed():
        for node in nodes:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & PICKLES, path
            from_pickle = isinstance(node, ast.ImportFrom) and node.module == "pickle"
            assert not from_pickle or {a.name for a in node.names} == {"UnpicklingError"}, path


@pytest.mark.parametrize(
    ("forbidden", "code"),
    [
        (pickles, "torch.load(path)"),
        (pickles, "torch.load(path, weights_only=False)"),
        (pickles, "np.load(path, allow_pickle=True)"),
        (pickles, "pickle.loads(data)"),
        (shells, "subprocess.run(command, shell=True)"),
        (shells, "subprocess.run(f'git {name}')"),
        (shells, "subprocess.Popen(' '.join(words))"),
        (shells, "os.system('ls')"),
        (inherits_environment, "subprocess.run([git])"),
        (runs_text, "eval(text)"),
        (runs_text, "yaml.load(text, yaml.Loader)"),
        (runs_text, "AutoModel.from_pretrained(name, trust_remote_code=True)"),
        (unpacks, "archive.extractall(folder)"),
        (unpacks, "archive.extract(name, folder)"),
    ],
)
def test_the_rules_find_what_they_are_for(forbidden: Callable[[ast.Call, str], bool], code: str) -> None:
    (call,) = (
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        and node.func is not None
        and ast.unparse(node) == ast.unparse(ast.parse(code).body[0])
    )
    assert forbidden(call, ast.unparse(call.func))


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
