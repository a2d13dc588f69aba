"""One JSON request with a deadline. What the server says in an error is not repeated: it may hold the key."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from uniavgen_bench.judges.judge import JudgeError
from uniavgen_bench.judges.settings import JudgeSettings, is_this_machine

MOST_BYTES = 4 * 1024 * 1024
"""Of a reply."""
LONGEST_WAIT = 60.0
"""Seconds: what a server may ask for between two attempts."""
BLOCK = 65_536
BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuse."""


def post_json(url: str, body: Any, headers: Mapping[str, str], settings: JudgeSettings) -> Any:
    """Send JSON and return the JSON that comes back, with the key blotted out wherever it stands.

    Raises:
        JudgeError: no connection, no answer in time, an HTTP error, or no JSON.
    """
    deadline = time.monotonic() + settings.timeout
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    handlers: list[Any] = [_NoRedirects]
    if is_this_machine(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy would see what should stay on this machine
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=settings.timeout) as response:
            text = _read(response, deadline)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.headers.get("Retry-After")) from None
    except TimeoutError:
        raise JudgeError(f"no answer within {settings.timeout:g} s", again=True) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise JudgeError(f"no answer within {settings.timeout:g} s", again=True) from None
        raise JudgeError(f"no connection ({type(error.reason).__name__})", again=True) from None
    except (HTTPException, OSError) as error:
        raise JudgeError(f"the connection broke ({type(error).__name__})", again=True) from None
    return reply_data(text, settings)


def reply_data(text: str, settings: JudgeSettings) -> Any:
    """Return the JSON of a reply, with the key blotted out; raises `JudgeError` where it is none."""
    try:
        return json.loads(_without_key(text, settings))
    except (ValueError, RecursionError):
        raise JudgeError("the endpoint's reply is no JSON", again=True) from None


def _read(response: Any, deadline: float) -> str:
    """Read a reply that may come in drops: the socket's own timeout counts from the last one."""
    blocks: list[bytes] = []
    size = 0
    while block := response.read1(BLOCK):
        blocks.append(block)
        size += len(block)
        if size > MOST_BYTES:
            raise JudgeError(f"the reply is larger than {MOST_BYTES} bytes", again=False)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(blocks).decode("utf-8", errors="replace")


def _refused(status: int, retry_after: str | None) -> JudgeError:
    names = {s.value: s.phrase for s in HTTPStatus}
    what = f"HTTP {status} {names.get(status, '')}".strip()
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        what += ": the endpoint refuses the key"
    again = status in BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return JudgeError(what, again=again, wait=_seconds(retry_after) if again else None)


def _seconds(retry_after: str | None) -> float | None:
    """Return the wait that a server asks for in seconds; a date is left to our own back-off."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return min(float(retry_after), LONGEST_WAIT)


def _without_key(text: str, settings: JudgeSettings) -> str:
    secret = settings.key.get_secret_value() if settings.key is not None else ""
    return text.replace(secret, "[key]") if secret else text
