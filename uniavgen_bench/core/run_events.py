"""events.jsonl of a run: what happened and when, one line each, readable while the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.regular_file import lines_of

EVENTS_FILE = "events.jsonl"
ENTRIES_FILE = "store_entries.txt"
"""Keys of the store's entries that a run used, one a line; some stand in it more than once."""

What = Literal["started", "planned", "done", "missing", "note", "complete", "stopped", "failed"]
Stage = Literal["run", "generate", "score"]
ENDS = frozenset({"complete", "stopped", "failed"})
LONGEST_LINE = 64 << 10
"""Bytes of a line: an event has a few hundred."""
LARGEST = 2 << 30
"""Bytes of a whole file: some ten million events."""

Seconds: TypeAlias = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=10**9)]


class RunEvent(BaseModel):
    """One line. Every start of the driver begins a session with `started`, which names the plan that it follows.

    `time`: UTC by the clock of the machine; `elapsed`: seconds since the session began by a clock that never jumps;
    `seconds`: what the work took where it was done; `count`: clips of a system and stage that are planned;
    `reason`: why a clip is missing, or with which error the run failed; `text`: a note, without absolute paths.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    time: str
    elapsed: Seconds
    what: What
    stage: Stage = "run"
    system: str = ""
    sample: str = ""
    repeat: Count | None = None
    seconds: Seconds | None = None
    count: Count | None = None
    reason: str = ""
    plan: str = ""
    text: str = ""


@dataclass
class EventFile:
    """Reads events in order. `damaged`: complete lines that are no events, counted while reading."""

    path: Path
    damaged: int = 0

    def __iter__(self) -> Iterator[RunEvent]:
        """Yield the events; a last line without its end is being written, or was torn by a kill: it is left out.

        Raises:
            InputError: the file cannot be read.
        """
        self.damaged = 0
        try:
            for line in lines_of(self.path, longest=LONGEST_LINE, most=LARGEST):
                if line is None:
                    self.damaged += 1
                elif line.strip() and line.endswith(b"\n"):
                    try:
                        yield RunEvent.model_validate_json(line)
                    except ValidationError:
                        self.damaged += 1
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror or error}") from None


def read_entries(run: Path) -> frozenset[str]:
    """Return the keys of the store's entries that a run used.

    Raises:
        InputError: the run has no such list, or it cannot be read.
    """
    path = run / ENTRIES_FILE
    try:
        keys: set[str] = set()
        for line in lines_of(path, longest=LONGEST_LINE, most=LARGEST):
            if line is None:
                raise InputError(f"{path} cannot be read: a line of it is no key of an entry")
            keys.update(line.decode("ascii").split())
        return frozenset(keys)
    except FileNotFoundError:
        raise InputError(
            f"{run} has no {ENTRIES_FILE}: it does not tell which entries of the store it used",
            way_out="start its command again: scores come from the store",
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read: {error}") from None
