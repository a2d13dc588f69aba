"""Ask a judge several times, take only answers that fit a closed schema, and never pay twice for the same one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from pydantic import Field, ValidationError

from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.registry import JUDGES, Registry
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.judges.judge import Judge, JudgeError, Question, Reply
from uniavgen_bench.judges.rubric import Rubric
from uniavgen_bench.judges.settings import PREFIX, JudgeSettings

FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)
"""One code fence around a whole answer is wrapping, not content."""


class GradedAnswer(Frozen):
    """What every judge's answer has: the grade, and why."""

    score: float = Field(ge=0.0, le=1.0, allow_inf_nan=False)
    reason: str = Field(max_length=600)


AnswerKind = TypeVar("AnswerKind", bound=GradedAnswer)


@dataclass(frozen=True)
class Kept:
    """An accepted answer as the store holds it: the model's text and own name; tokens, with those of bad answers."""

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None


@dataclass(frozen=True)
class Judged(Generic[AnswerKind]):
    """One accepted answer and what it was bought for."""

    answer: AnswerKind
    kept: Kept


def load_judge(settings: JudgeSettings) -> Judge:
    """Return the plugin that talks to the judge.

    Raises:
        InputError: no plugin has that name; the message gives the nearest one.
        PluginError: it cannot be loaded.
    """
    return Registry(JUDGES, "judge", Judge).load(settings.api)


def answer_key(rubric: Rubric, settings: JudgeSettings, shown: object, repeat: int) -> str:
    """Return the address of one answer: the rubric, who answers, what was shown of which streams, which repeat."""
    return sha256_json(["judge", rubric.sha256, settings.api, settings.model, shown, repeat])


def ask_repeatedly(
    rubric: Rubric,
    kind: type[AnswerKind],
    shown: object,
    question: Callable[[], Question],
    repeats: int,
    settings: JudgeSettings,
    store: Store | None = None,
) -> list[Judged[AnswerKind]]:
    """Return `repeats` answers of a judge, from the store where it has them.

    `shown` (plain JSON data) addresses what `question` will send; it is made only when something must be asked.

    Raises:
        MissingError: `no_judge` where no model is named, or an answer is not in the store and there is no key;
            `failed` when the judge gives no usable answer.
        InputError: the settings name no known plugin.
    """
    if settings.model is None:
        raise MissingError(Reason.NO_JUDGE, f"{PREFIX}MODEL is not set")
    store = store or Store(home() / "judge")
    judge = load_judge(settings)
    asked: Question | None = None
    found = []
    for repeat in range(repeats):
        key = answer_key(rubric, settings, shown, repeat)
        known = _known(store.get(key), kind)
        if known is None:
            if settings.key is None:
                raise MissingError(Reason.NO_JUDGE, f"{PREFIX}KEY is not set")
            asked = asked or question()
            known = _ask(judge, asked, kind, settings)
            store.put(key, json.dumps(asdict(known.kept), ensure_ascii=False).encode())
        found.append(known)
    return found


def parse(text: str, kind: type[AnswerKind]) -> AnswerKind:
    """Read a judge's answer strictly: one JSON object with exactly the keys and kinds of the schema.

    Raises:
        JudgeError: it is something else.
    """
    fenced = FENCE.match(text.strip())
    try:
        return kind.model_validate_json(fenced[1] if fenced else text, strict=True)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        at = ".".join(str(part) for part in problem["loc"])
        what = f"{at[:40]}: {problem['msg']}" if at else "no JSON object"
        raise JudgeError(f"the answer does not fit the rubric ({what})", again=True) from None


def _known(data: bytes | None, kind: type[AnswerKind]) -> Judged[AnswerKind] | None:
    if data is None:
        return None
    try:
        kept = Kept(**json.loads(data))
        return Judged(parse(kept.text, kind), kept)
    except (ValueError, TypeError, JudgeError):
        return None


def _ask(
    judge: Judge, question: Question, kind: type[AnswerKind], settings: JudgeSettings
) -> Judged[AnswerKind]:
    """Ask until an answer fits; raises `MissingError(failed)`, whose detail names the last thing that went wrong."""
    paid: list[Reply] = []
    wait = settings.wait
    for attempt in range(1, settings.attempts + 1):
        try:
            reply = judge.ask(question, settings)
            paid.append(reply)
            answer = parse(reply.text, kind)
        except JudgeError as error:
            if error.again and attempt < settings.attempts:
                time.sleep(max(wait, error.wait or 0.0))
                wait *= 2
                continue
            tries = "" if attempt == 1 else f", after {attempt} attempts"
            raise MissingError(Reason.FAILED, f"{judge.name} judge: {error}{tries}") from None
        return Judged(
            answer,
            Kept(
                reply.text,
                reply.model,
                _total([r.tokens_in for r in paid]),
                _total([r.tokens_out for r in paid]),
            ),
        )
    raise AssertionError("there is at least one attempt")


def _total(counts: list[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if len(known) == len(counts) else None
