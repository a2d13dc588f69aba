"""What all prompt sets share: options, the check of what was read against what is documented, and the dataset."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError, field_validator

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin, FinishedClip
from uniavgen_bench.datasets.manifest import confined, fact_outside
from uniavgen_bench.datasets.picture_header import check_picture

from .items import Item, sample_id
from .local_copy import exists

CLIP_NAME = "clip_name"
"""The fact that holds the name, without ending, under which the set's own scorer looks for a sample's clip."""
CATEGORY = "category"


class PromptSetOptions(Frozen):
    """Options of every prompt set. `path`: the local copy.

    `task`: what its samples are for; default: the suite's task, and without one the samples name none.
    `strict`: refuse a copy whose counts differ from the documented ones, instead of saying so.
    `clips`: a folder of finished clips, called by the samples' ids or by the names that the set's own scorer uses.
    """

    card: ClassVar[SetCard]
    path: Path
    task: Task | None = None
    strict: bool = False
    clips: Path | None = None

    @field_validator("task")
    @classmethod
    def _served(cls, value: Task | None) -> Task | None:
        if value is not None and value not in cls.card.tasks:
            serves = ", ".join(cls.card.tasks) or cls.card.serves
            raise ValueError(f"cannot be served: {cls.card.title} serves {serves}")
        return value


@dataclass
class Reading:
    """What is gathered while a local copy is read: samples with their places, counts by category, and notes.

    `also`: documented counts that are no category, and so no part of the total. `expected`: the documented counts of
    what was asked for (default: the card's).
    """

    options: PromptSetOptions
    file: Path
    placed: dict[str, tuple[Sample, Where]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    also: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    expected: Mapping[str, int] | None = None

    def add(self, item: Item, id: str, where: Where, /, **fields: Any) -> None:
        """Add a sample.

        Raises:
            InputError: a second sample of that id, a picture that is none, a fact that names a file outside of the
                set, or a value that a sample cannot hold.
        """
        sample_id(id, where)
        if id in self.placed:
            first = self.placed[id][1]
            what = f"the sample {id!r} stands at {first.file}:{first.line} already"
            raise InputError(what, where=where, way_out="give each sample one id")
        if fields.get("image") is not None:
            check_picture(fields["image"], item.where())
        root = self.options.path if self.options.path.is_dir() else self.options.path.parent
        outside = fact_outside(fields.get("facts") or {}, root)
        if outside is not None:
            said = fields["facts"][outside]
            raise InputError(f"{said[:80]!r} names a file outside of {root}", where=item.where())
        try:
            self.placed[id] = (Sample(id=id, task=self.options.task, **fields), where)
        except ValidationError as error:
            raise InputError(first_problem(error), where=item.where()) from None

    def dataset(self, name: str) -> Dataset:
        """Return the dataset.

        Raises:
            InputError: nothing was read, or `strict` and the counts differ from the documented ones.
        """
        card = self.options.card
        if not self.placed:
            way_out = " ".join(self.notes) or f"expected: {card.layout}"
            raise InputError("holds no sample for this task", where=Where(self.file), way_out=way_out)
        differing = self._differing(card.counts if self.expected is None else self.expected)
        if differing and self.options.strict:
            way_out = f"{card.get}; or leave strict out"
            raise InputError(
                f"differs from the documented set: {differing}", where=Where(self.file), way_out=way_out
            )
        notes = (
            [f"this copy of {card.title} differs from the documented set: {differing}"] if differing else []
        )
        samples = tuple(sample for sample, _ in self.placed.values())
        clips = self._clips(samples)
        facts = {
            "dataset": name,
            "licence": card.licence,
            "citation": card.citation,
            "home": card.home,
            "facts_read_at": card.read_at,
            "samples": str(len(samples)),
        }
        return Dataset(name, samples, clips, facts, (*notes, *self.notes))

    def _differing(self, expected: Mapping[str, int]) -> str:
        found = {**self.counts, **self.also, "total": sum(self.counts.values())}
        return ", ".join(
            f"{name} {found.get(name, 0):,} instead of {count:,}"
            for name, count in expected.items()
            if found.get(name, 0) != count
        )

    def _clips(self, samples: Iterable[Sample]) -> tuple[FinishedClip, ...]:
        folder = self.options.clips
        if folder is None:
            return ()
        if not folder.is_dir():
            raise InputError("no such folder", where=Where(folder), way_out="dataset.clips names the clips")
        found: dict[Path, FinishedClip] = {}
        for sample in samples:
            where = self.placed[sample.id][1]
            names = (sample.id, sample.facts.get(CLIP_NAME, sample.id))
            paths = [confined(f"{name}.mp4", folder, where) for name in names]
            path = paths[0] if exists(paths[0]) else paths[1]
            if path in found:
                what = f"{found[path].sample!r} and {sample.id!r} have one clip name, {path.name}"
                way_out = f"lay the clips under their ids: {folder.name}/{sample.id}.mp4"
                raise InputError(what, where=where, way_out=way_out)
            found[path] = FinishedClip(folder.resolve().name, sample.id, path)
        absent = [path for path in found if not exists(path)]
        if absent:
            first = absent[0].relative_to(folder.resolve()).as_posix()
            self.notes.append(
                f"{len(absent)} of {len(found)} clips are not in {folder.name}, the first: {first}"
            )
        return tuple(found.values())


@dataclass(frozen=True)
class SpokenLine:
    """What one speaker says."""

    speaker: str | None
    text: str


def spoken(item: Item, key: str) -> tuple[SpokenLine, ...]:
    """Return what is said, from an object `{speaker, text}` or a list of them; lines without words are left out.

    Raises:
        InputError: another type.
    """
    lines = ((part.optional("speaker"), part.optional("text")) for part in item.objects(key))
    return tuple(SpokenLine(speaker, text) for speaker, text in lines if text)


def speech_fields(lines: tuple[SpokenLine, ...]) -> tuple[str | None, dict[str, str]]:
    """Return the text that should be heard, in the order of the lines, and what is known of its speakers."""
    if not lines:
        return None, {}
    facts = {"speakers": str(len({line.speaker for line in lines}))}
    names = [line.speaker for line in lines if line.speaker]
    if len(lines) > 1:
        pairs = [[line.speaker or "", line.text] for line in lines]
        facts["speech_lines"] = json.dumps(pairs, ensure_ascii=False)
    elif names:
        facts["speaker"] = names[0]
    return " ".join(line.text for line in lines), facts


def language_of(text: str | None) -> str:
    """Return the language that the script of a text shows: ja, ko, zh, else en (which Latin letters do not tell)."""
    text = text or ""
    if re.search("[\u3040-\u30ff]", text):
        return "ja"
    if re.search("[\uac00-\ud7af]", text):
        return "ko"
    return "zh" if re.search("[\u3400-\u9fff]", text) else "en"


def facts_of(**facts: str | None) -> dict[str, str]:
    """Return the facts that are there."""
    return {name: value for name, value in facts.items() if value}


def prompt_set(name: str, options: type[PromptSetOptions], load: Callable[[Any], Dataset]) -> DatasetPlugin:
    """Return the plugin of a prompt set; what it serves and says of itself is its card."""
    card = options.card
    return DatasetPlugin(name, f"{card.title}: {card.serves}", options, load, card.tasks, card)
