"""A judge on loopback that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TIMBRE = {
    "face_gender": "female", "face_age": "young", "voice_gender": "female", "voice_age": "middle", "score": 0.75,
    "reason": "a generation apart",
}  # fmt: skip
EMOTION = {
    "face_emotion": "happy",
    "voice_emotion": "neutral",
    "score": 0.5,
    "reason": "only the face smiles",
}


@dataclass(frozen=True)
class Said:
    """One reply: HTTP status, body (data for JSON, text as it is), headers; seconds before it and between bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    drip: float = 0.0


@dataclass
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Any


def openai(answer: Any, *, usage: bool = True) -> dict[str, Any]:
    """Wrap an answer (text as it is, data as JSON) as chat completions do."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    said: dict[str, Any] = {"model": "fake-2026-01-01", "choices": [{"message": {"content": text}}]}
    return said | ({"usage": {"prompt_tokens": 1000, "completion_tokens": 50}} if usage else {})


def gemini(answer: Any) -> dict[str, Any]:
    """Wrap an answer as generateContent does, after a thought that is not part of it."""
    parts = [{"text": "Let me think.", "thought": True}, {"text": json.dumps(answer)}]
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 40, "thoughtsTokenCount": 200}
    return {"candidates": [{"content": {"parts": parts}}], "usageMetadata": usage, "modelVersion": "gem-1"}


@dataclass
class JudgeServer:
    """`replies` are given in turn, the last one again and again."""

    replies: list[Said]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(*replies: Said | dict[str, Any]) -> Iterator[JudgeServer]:
    """Run a server on a free port of loopback."""
    state = JudgeServer([r if isinstance(r, Said) else Said(r) for r in replies])
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            said = state.replies[min(len(state.asked), len(state.replies) - 1)]
            state.asked.append(Asked(self.path, dict(self.headers), body))
            stopping.wait(said.after)
            data = (said.body if isinstance(said.body, str) else json.dumps(said.body)).encode()
            try:
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(data)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if not said.drip:
                    self.wfile.write(data)
                for i in range(len(data) if said.drip else 0):
                    self.wfile.write(data[i : i + 1])
                    self.wfile.flush()
                    time.sleep(said.drip)
                    if stopping.is_set():
                        break
            except OSError:
                return  # the client has gone, as it should after its deadline

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
