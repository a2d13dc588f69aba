"""Secrets: which names and words look like one, and how their values are taken out of what a run keeps."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_END = r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|APIKEY|ACCESSKEY"
_ALONE = r"KEYS?|AUTH|AUTHORIZATION|BEARER|COOKIES?|PAT|PASS|PW|SESSION|CREDS|JWT|SSHPASS"
SECRET_NAME = re.compile(rf"(?:{_END})(?![A-Z])|(?<![A-Z0-9])(?:{_ALONE})(?![A-Z])", re.IGNORECASE)
"""Names of variables that hold a secret: HF_TOKEN, PGPASSWORD, WANDB_KEY, DB_PASS; not TOKENIZERS or MAX_TOKENS."""
LOOSE_IN_OPTIONS = frozenset({"PASS", "PAT", "SESSION", "PW", "KEYS", "AUTH"})
"""Of these, words that are common in the options of programs: `--pass 2` is no password."""

TOKENS = (
    r"\b(?:sk|pk)-[A-Za-z0-9_-]{16,}",
    r"\bhf_[A-Za-z0-9]{16,}",
    r"\bgh[pousr]_[A-Za-z0-9]{16,}",
    r"\bgithub_pat_\w{16,}",
    r"\bglpat-[\w-]{16,}",
    r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b",
    r"\bxox[abeprs]-[\w-]{10,}",
    r"\bAIza[\w-]{30,}",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    r"\b[Bb]earer\s+[\w.~+/=-]{8,}",
    r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)",
)
"""Shapes of the tokens of well-known services, of JSON web tokens, and of passwords in addresses."""
HIDDEN = "[secret]"
ADDRESS_OPTION, ADDRESS_VARIABLE = "--store", "UNIAVGEN_BENCH_STORE"
"""The option and the variable whose value is an address, with or without a password in it."""
SHORTEST, SHORTEST_SECRET = 8, 4
"""Characters that a passed value has at least to be hidden, and one whose name looks like a secret's."""

_TOKEN = re.compile("|".join(TOKENS))


def secret_name(name: str) -> bool:
    """Tell whether a variable of that name is likely to hold a secret."""
    return SECRET_NAME.search(name) is not None


def secret_in(words: Sequence[str]) -> str | None:
    """Return what in an argument list looks like a secret, without its value, or None.

    That is a word in the shape of a token, `NAME=value` of such a variable, or the value of such an option, be it
    behind an equals sign or the next word. A value that is a placeholder is none.
    """
    for i, word in enumerate(words):
        if looks_like_token(word):
            return "a word in the shape of a token"
        name, equals, value = word.partition("=")
        if not equals and i + 1 < len(words) and not words[i + 1].startswith("-"):
            value = words[i + 1] if name.startswith("-") else ""
        if not value or "{" in value or not re.fullmatch(r"-{0,2}[A-Za-z][\w-]*", name):
            continue
        if _secret_option(name) if name.startswith("-") else secret_name(name):
            return f"the value of {name}"
    return None


def told_command(words: Sequence[str]) -> str:
    """Return a command line as a run may keep it: in the place of what looks like a secret stands that it did."""
    told, hides, before = [], False, ""
    for word in words:
        name, equals, value = word.partition("=")
        if before == ADDRESS_OPTION or (name == ADDRESS_OPTION and equals):
            told.append(f"{name}={told_address(value)}" if name == ADDRESS_OPTION else told_address(word))
            before = ""
            continue
        before = word
        last = name.rpartition(".")[2]  # of a setting such as systems.0.options.env.HF_TOKEN
        option = name.startswith("-")
        secret = _secret_option(name) if option else secret_name(last)
        hidden = hides or (bool(equals and value) and secret)
        told.append(f"{name}={HIDDEN}" if hidden and equals and not hides else HIDDEN if hidden else word)
        hides = option and not equals and secret
    return Redaction().text(" ".join(told))


def split_address(address: str) -> tuple[str, str, str]:
    """Return of `scheme://user:password@host/path` the scheme with `://`, what gives access, and the rest.

    Also where a slash stands in the password, as in keys of S3.
    """
    scheme, colon, rest = address.partition("://")
    if not colon:
        return "", "", address
    access, at, behind = rest.rpartition("@")
    if at and (":" in access or "/" not in access):
        return scheme + colon, access, behind
    return scheme + colon, "", rest


def told_address(address: str) -> str:
    """Return an address as it may be shown: without user and password, and without what stands behind `?` or `#`."""
    scheme, access, rest = split_address(address)
    place, sign = rest, ""
    if scheme and (found := re.search(r"[?#]", rest)):
        place, sign = rest[: found.start()], found[0]
    return scheme + (f"{HIDDEN}@" if access else "") + place + (f"{sign}{HIDDEN}" if sign else "")


def environment_of_tools(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a tool of the system (git, nvidia-smi, pip): all but what looks like a secret.

    The address of a shared store goes too: it may hold a password. Settings of pip stay, and the address by
    which it asks the desktop's key ring.
    """
    kept = ("PIP_", "DBUS_")
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(kept) or not (secret_name(name) or name == ADDRESS_VARIABLE)
    }


def _secret_option(name: str) -> bool:
    last = re.split(r"[-_]+", name.strip("-").upper())[-1]
    return last not in LOOSE_IN_OPTIONS and secret_name(last)


def looks_like_token(text: str) -> bool:
    """Tell whether a text holds something in the shape of a well-known token."""
    return _TOKEN.search(text) is not None


@dataclass(frozen=True)
class Redaction:
    """What must not stand in logs, reasons and side facts: `rules` are regular expressions with what replaces them."""

    rules: tuple[tuple[str, str], ...] = tuple((token, HIDDEN) for token in TOKENS)

    @classmethod
    def of(cls, names: Sequence[str], environment: Mapping[str, str] = os.environ) -> Redaction:
        """Return one that also hides the values of variables, as they are, by line, in JSON and in addresses.

        Values of a few characters stay, as they would be found everywhere: see `SHORTEST`.
        """
        found: dict[str, str] = {}
        for name in names:
            value = environment.get(name, "")
            least = SHORTEST_SECRET if secret_name(name) else SHORTEST
            forms = {form for line in (value, *value.splitlines()) for form in _forms(line)}
            found |= {form: f"[{name}]" for form in forms if len(form) >= least}
        longest_first = sorted(found.items(), key=lambda pair: -len(pair[0]))
        return cls((*((re.escape(value), shown) for value, shown in longest_first), *cls().rules))

    def text(self, text: str) -> str:
        """Return a text with everything hidden that must be."""
        for pattern, shown in self.rules:
            text = re.sub(pattern, lambda _, shown=shown: shown, text)  # type: ignore[misc]
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value with every text in it hidden as by `text`."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _forms(value: str) -> set[str]:
    return {value, value.strip(), json.dumps(value)[1:-1], quote(value, safe="")}
