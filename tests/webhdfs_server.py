"""A file server on loopback that speaks as much of WebHDFS as fsspec needs for a store, and asks for a password."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

USER, PASSWORD = "keeper", "open/sesame+7"
PREFIX = "/webhdfs/v1"


class FileServer:
    """Files by path, with the times at which they were written; `writes` counts those that were begun."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, float]] = {}
        self.writes = 0
        self.read_only = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """The address of a store on it, with its password, as a user would name it."""
        secret = PASSWORD.replace("/", "%2F").replace("+", "%2B")
        return f"webhdfs://{USER}:{secret}@127.0.0.1:{self._server.server_address[1]}/bench"

    def stop(self) -> None:
        """Refuse all connections from now on."""
        self._server.shutdown()
        self._server.server_close()


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path).removeprefix(PREFIX)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if self.headers.get("Authorization") != expected:
                return self._refuse(403, "AccessControlException", f"wrong password in {self.path}")
            op = asked["op"]
            if op in ("CREATE", "APPEND", "RENAME", "MKDIRS", "DELETE") and server.read_only:
                return self._refuse(403, "AccessControlException", "this is a read-only file system")
            if op in ("CREATE", "APPEND") and "here" not in asked:
                server.writes += op == "CREATE"
                return self._answer(201, b"", Location=f"http://{self.headers['Host']}{self.path}&here=1")
            if op == "CREATE":
                server.files[path] = (body, time.time())
            elif op == "APPEND":
                server.files[path] = (server.files[path][0] + body, time.time())
            elif op == "RENAME":
                done = asked["destination"] not in server.files and path in server.files
                if done:
                    server.files[asked["destination"]] = server.files.pop(path)
                return self._json({"boolean": done})
            elif op == "DELETE":
                return self._json({"boolean": server.files.pop(path, None) is not None})
            elif op == "MKDIRS":
                return self._json({"boolean": True})
            elif op == "LISTSTATUS":
                return self._list(path)
            elif path not in server.files:
                return self._refuse(404, "FileNotFoundException", f"no such file: {path}")
            elif op == "GETFILESTATUS":
                return self._json({"FileStatus": self._status(path, "")})
            elif op == "OPEN":
                content, start = server.files[path][0], int(asked.get("offset", 0))
                return self._answer(200, content[start : start + int(asked["length"])])
            return self._answer(201, b"")

        do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

        def _list(self, path: str) -> None:
            folder = path.rstrip("/") + "/"
            inside = {
                p: p.removeprefix(folder).split("/") for p in sorted(server.files) if p.startswith(folder)
            }
            if not inside:
                return self._refuse(404, "FileNotFoundException", f"no such folder: {path}")
            found = [self._status(p, names[0]) for p, names in inside.items() if len(names) == 1]
            folders = sorted({names[0] for names in inside.values() if len(names) > 1})
            found += [{"pathSuffix": n, "type": "DIRECTORY", "length": 0} for n in folders]
            return self._json({"FileStatuses": {"FileStatus": found}})

        def _status(self, path: str, suffix: str) -> dict[str, Any]:
            content, written = server.files[path]
            return {
                "pathSuffix": suffix, "type": "FILE", "length": len(content),
                "modificationTime": round(written * 1000),
            }  # fmt: skip

        def _refuse(self, status: int, kind: str, message: str) -> None:
            self._json({"RemoteException": {"exception": kind, "message": message}}, status)

        def _json(self, value: object, status: int = 200) -> None:
            self._answer(status, json.dumps(value).encode())

        def _answer(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
