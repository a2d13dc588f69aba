"""What a judge is: a multimodal model behind an endpoint, which is shown faces, played a voice, and asked a rubric.

A package adds a way to talk to such models by an entry point in the group `uniavgen_bench.judges` that names a `Judge`
object; the name of the entry point is what `UNIAVGEN_BENCH_JUDGE_API` selects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from uniavgen_bench.judges.settings import JudgeSettings


@dataclass(frozen=True)
class Picture:
    """One picture that the judge sees: a JPEG, and its time in s of the clip."""

    time: float
    jpeg: bytes


@dataclass(frozen=True)
class Question:
    """All that is sent: the rubric's text, pictures in the order of time, and the sound as a WAV file."""

    rubric: str
    pictures: tuple[Picture, ...]
    wav: bytes


@dataclass(frozen=True)
class Reply:
    """What came back: the model's text, the model's own name for itself, and tokens read and written.

    The counts are None where the endpoint does not tell them.
    """

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None


class JudgeError(Exception):
    """The endpoint gave no usable answer. `again`: another try may help, not before `wait` s where that is known."""

    def __init__(self, what: str, *, again: bool, wait: float | None = None) -> None:
        self.again, self.wait = again, wait
        super().__init__(what)


@dataclass(frozen=True)
class Judge:
    """A way to talk to a model. `url` is the base address where the user names none.

    `ask(question, settings)` sends one request and gives the reply; it raises `JudgeError`, and never puts the key into
    a message.
    """

    name: str
    summary: str
    url: str
    ask: Callable[[Question, JudgeSettings], Reply]
