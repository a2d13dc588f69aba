"""What the container of a clip says, kept in the store by the hash of the file."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import ClipFacts, probe

PROBE_VERSION = 1
"""Bump it whenever a change of code changes what `probe` says."""


def kept_facts(path: Path, store: Store) -> ClipFacts:
    """Return the facts of a file from the store, or probe it and keep them.

    Raises:
        MissingError: `unreadable`.
    """
    try:
        key = sha256_json(["facts", PROBE_VERSION, sha256_file(path)])
    except OSError as error:
        raise MissingError(Reason.UNREADABLE, error.strerror or str(error)) from error
    kept = store.get(key)
    if kept is not None:
        with suppress(ValueError, KeyError, TypeError):  # whole, but not what is written there: made anew
            said = json.loads(kept)
            return ClipFacts(**{**said, "problems": tuple(said["problems"])})
    try:
        facts = probe(path)
    except MediaError as error:
        raise MissingError(error.reason, error.detail) from error
    store.put(key, json.dumps(asdict(facts)).encode())
    return facts
