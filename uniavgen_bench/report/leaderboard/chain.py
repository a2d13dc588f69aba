"""The chain of an entry: clips, then scores, then weights, then code, then everything else and the entry before."""

from __future__ import annotations

from typing import Any

from uniavgen_bench.core.entry_files import Chain, Entry, EntryBody
from uniavgen_bench.core.hashing import sha256_json

START = "uniavgen-bench leaderboard entry 1"
"""The link before the first: no hash of another kind of file can stand in for one of an entry."""

WHAT = {
    "clips": "the clips (a hash, a sample or a row)",
    "scores": "the scores, the metrics or their parameters",
    "weights": "the weights",
    "code": "the version or hash of the code",
    "head": "the facts about the run (aggregates, suite, dataset, options, submitter, links, history)",
}
"""What each link covers, in their order."""


def chain_of(body: EntryBody) -> Chain:
    """Return the chain over an entry's content."""
    clips = _link("clips", START, body)
    scores = _link("scores", clips, body)
    weights = _link("weights", scores, body)
    code = _link("code", weights, body)
    return Chain(clips=clips, scores=scores, weights=weights, code=code, head=_link("head", code, body))


def broken_link(entry: Entry) -> str | None:
    """Return the name of the first link that does not fit its part of the entry and the link before it, or None."""
    before = START
    for name in WHAT:
        stored: str = getattr(entry.chain, name)
        if stored != _link(name, before, entry.body):
            return name
        before = stored
    return None


def _link(name: str, before: str, body: EntryBody) -> str:
    return sha256_json([name, before, _part(name, body)])


def _part(name: str, body: EntryBody) -> Any:
    if name == "clips":
        clips = [[s.id, [[c.sample, c.repeat, c.sha256] for c in s.clips]] for s in body.systems]
        return [[s.model_dump(mode="json") for s in body.samples], clips]
    if name == "scores":
        scores = [[s.id, [list(c.scores) for c in s.clips]] for s in body.systems]
        computed = {name: c.model_dump(mode="json") for name, c in body.computed.items()}
        return [[m.model_dump(mode="json") for m in body.metrics], computed, scores]
    if name == "weights":
        return [w.model_dump(mode="json") for w in body.weights]
    if name == "code":
        return body.code.model_dump(mode="json")
    rest = body.model_dump(mode="json", exclude={"samples", "metrics", "computed", "weights", "code"})
    for system in (rest["system"], *rest["controls"]):
        del system["clips"]
    return rest
