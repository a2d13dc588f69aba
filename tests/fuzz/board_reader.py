"""Reads a leaderboard that strangers write to."""

from __future__ import annotations

import json
from pathlib import Path

from uniavgen_bench.core.errors import BenchError

from .checks import inert, one_line


def read_board(folder: Path) -> None:
    """Verify the entries of a board, then again as a hostile submitter would sign them, and make its pages."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from uniavgen_bench.core.entry_files import Entry, canonical, parse_entry
    from uniavgen_bench.report.leaderboard.board import Board, Stored, file_name
    from uniavgen_bench.report.leaderboard.chain import chain_of
    from uniavgen_bench.report.leaderboard.keys import SigningKey
    from uniavgen_bench.report.leaderboard.site import build_site
    from uniavgen_bench.report.leaderboard.verify import verify_board

    board = Board(folder)
    for verdict in verify_board(board):
        for problem in verdict.problems:
            one_line(problem.text)
    key = SigningKey("stranger", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "stranger.pub").write_text(f"ed25519 {key.public}\n")
    board, made = Board(folder), []
    for path in sorted(folder.glob("entries/*.json")):
        if not path.is_file():
            continue
        try:
            data = json.loads(path.read_bytes())
            text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            body = parse_entry(text.encode() + b"\n", path.name).body
        except (OSError, ValueError, RecursionError, BenchError):
            continue
        chain = chain_of(body)
        entry = Entry(body=body, chain=chain, signature=key.sign(chain))
        stored = Stored(folder / "entries" / file_name(entry), entry)
        path.unlink()
        stored.path.write_bytes(canonical(entry))
        made.append(stored)
    for verdict in verify_board(board):
        for problem in verdict.problems:
            one_line(problem.text)
    build_site(board, made, folder.parent / "out" / "site")
    for page in (folder.parent / "out" / "site").rglob("*.html"):
        inert(page.read_text(encoding="utf-8"))
