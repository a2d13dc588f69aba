"""Which judge is asked, and how: read from the environment when it is needed, never from files and never kept."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.spec import Frozen

PREFIX = "UNIAVGEN_BENCH_JUDGE_"
DEFAULT_API = "openai"


class JudgeSettings(Frozen):
    """The judge of this process.

    `api` is the name of the plugin; `url` its base address ("" for the plugin's own); `timeout` s for one request;
    `attempts` for one answer; `wait` s before the second attempt, doubled before each further one.
    """

    api: str = DEFAULT_API
    url: str = ""
    model: str | None = None
    key: SecretStr | None = None
    timeout: float = Field(default=120.0, gt=0.0, le=1200.0)
    attempts: int = Field(default=4, ge=1, le=20)
    wait: float = Field(default=2.0, ge=0.0, le=60.0)

    @field_validator("url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if not value:
            return value
        try:
            parts = urlsplit(value)
            host, has_user = parts.hostname or "", parts.username is not None or parts.password is not None
        except ValueError:
            raise ValueError("is no address") from None
        # What is wrong is said without the address itself: a key may have been put into it.
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("is no address that begins with https://")
        if has_user or parts.query or parts.fragment:
            raise ValueError("must hold no user, query or fragment: the key has a variable of its own")
        if parts.scheme == "http" and not is_this_machine(host):
            raise ValueError("must begin with https://: the key and the clip would travel in the open")
        return value.rstrip("/")

    @field_validator("key")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value is not None else ""
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("holds signs that no key has (blanks, line ends, or others than ASCII)")
        return value


def is_this_machine(host: str) -> bool:
    """Tell whether a host name or address is loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def judge_settings(environment: Mapping[str, str] | None = None) -> JudgeSettings:
    """Read the settings from `UNIAVGEN_BENCH_JUDGE_…`; an empty variable counts as none.

    Raises:
        InputError: a variable has a value that cannot be used; the value is not repeated.
    """
    given = os.environ if environment is None else environment
    found = {name: given.get(PREFIX + name.upper(), "").strip() for name in JudgeSettings.model_fields}
    try:
        return JudgeSettings.model_validate({name: value for name, value in found.items() if value})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = PREFIX + str(problem["loc"][0]).upper()
        what = problem["msg"].removeprefix("Value error, ")
        raise InputError(f"{name}: {what}", way_out="see docs/judges.md") from None
