"""Finished clips matched to samples: by id, by prompt, or by a rule for file names; and what did not match."""

from __future__ import annotations

import fnmatch
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from uniavgen_bench.core.errors import InputError, Where, nearest
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.tables import read_rows

Match = Literal["id", "prompt", "name"]
CLIPS = frozenset({".mp4", ".mov", ".m4v", ".mpg", ".mpeg", ".webm", ".mkv", ".avi"})
TABLES = frozenset({".csv", ".tsv", ".jsonl"})
SIZED = re.compile(r"_\d+x\d+(?:_\d+)*$")
"""What is put behind a prompt in a file's name: size, seed, number of the process (Ovi)."""
CUTS = frozenset({50, 64, 80, 100, 120, 128, 150, 200, 250, 255})
"""Characters after which prompts are cut in file names: 50 by Ovi and Wan2.2, round numbers by others."""
LEAST = 8
"""A prompt with fewer letters and digits says too little to match by."""
NAMED = ("id", "slug", "index", "number", "repeat", "task", "caption", "caption50", "speech", "language")
"""Placeholders of a rule for names: `index` counts samples from 0, `number` from 1; `caption50` is the caption's first
50 characters with underscores for spaces."""


@dataclass(frozen=True)
class Matched:
    """Clips by sample and repeat; samples without a clip, files without a sample, and files with several samples."""

    clips: Mapping[tuple[str, int], Path]
    samples_without: tuple[str, ...]
    files_without: tuple[str, ...]
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def note(self, system: str, show: int = 3) -> str:
        """Return one sentence on what matched and what did not."""
        have = len({sample for sample, _ in self.clips})
        parts = [f"{system}: {have} of {have + len(self.samples_without)} samples have a clip"]
        if self.samples_without:
            parts.append(f"none for {_some(self.samples_without, show)}")
        if self.files_without:
            parts.append(f"files of no sample: {_some(self.files_without, show)}")
        if self.several:
            parts.append(f"files that fit several samples: {_some(tuple(self.several), show)}")
        return "; ".join(parts)


def _some(names: Sequence[str], show: int) -> str:
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return ", ".join(names[:show]) + more


def checked_rule(text: str) -> str:
    """Return a rule for file names whose placeholders are known.

    Raises:
        ValueError: an unknown placeholder, with the nearest known one, or a form that its value does not have.
    """
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if name not in NAMED:
            close = nearest(name, NAMED)
            hint = f"did you mean {{{close}}}?" if close else "known: " + ", ".join(NAMED)
            raise ValueError(f"unknown placeholder {{{name}}}: {hint}")
        number = name in ("index", "number", "repeat")
        if conversion or (form and not (number and re.fullmatch(r"0?\d*d?", form))):
            raise ValueError(f"{{{name}:{form}}} has an unknown form: numbers take {{index:04d}}")
    return text


def match_clips(
    clips: Path, samples: Sequence[Sample], *, match: Match = "id", name: str = "{id}", repeats: int = 1
) -> Matched:
    """Match the clips of a folder, or of a table with a column `clip`, to samples.

    A table matches by its column `sample`, or by `prompt` with `match="prompt"`; a column `repeat` numbers repeats.

    Raises:
        InputError: no such folder or table, no clip in it, a bad row, or two clips for one sample and repeat.
    """
    if clips.is_file() and clips.suffix.lower() in TABLES:
        return _of_table(clips, samples, match, repeats)
    if not clips.is_dir():
        raise InputError("no such folder or table of clips", where=Where(clips))
    files = [p for p in sorted(clips.rglob("*")) if p.suffix.lower() in CLIPS and not p.name.startswith(".")]
    if not files:
        raise InputError(
            "holds no clip", where=Where(clips), way_out=f"clips end in {', '.join(sorted(CLIPS))}"
        )
    fits = {
        "id": lambda: _by_rules(clips, files, samples, ("{id}", "{slug}"), repeats),
        "name": lambda: _by_rules(clips, files, samples, (name,), repeats),
        "prompt": lambda: _by_prompt(clips, files, samples),
    }[match]()
    return _settled(clips, files, samples, fits)


Fits = Iterator[tuple[Path, str, int]]
"""A file, a sample that it fits, and the repeat."""


def _by_rules(
    root: Path, files: Sequence[Path], samples: Sequence[Sample], rules: Sequence[str], repeats: int
) -> Fits:
    plain = {path: path.relative_to(root).as_posix() for path in files}
    whole: dict[str, list[Path]] = {}
    for path, relative in plain.items():
        stem = relative.removesuffix(path.suffix)
        for known in {relative, stem, path.name, path.stem}:
            whole.setdefault(known, []).append(path)
    for index, sample in enumerate(samples):
        for repeat in range(repeats):
            for rule in rules:
                numbered = repeats == 1 or "{repeat" in rule
                text = _named(rule if numbered else f"{rule}_{{repeat}}", sample, index, repeat)
                found = whole.get(text, []) if "*" not in text else [
                    p for p, relative in plain.items()
                    if any(fnmatch.fnmatchcase(named, _only_stars(text)) for named in (relative, p.name))
                ]  # fmt: skip
                for path in dict.fromkeys(found):
                    yield path, sample.id, repeat


def _only_stars(text: str) -> str:
    """Return a pattern in which only `*` is special."""
    return re.sub(r"([\[\]?])", r"[\1]", text)


def _named(rule: str, sample: Sample, index: int, repeat: int) -> str:
    caption = " ".join((sample.caption or "").split())
    values: dict[str, Any] = {
        "id": sample.id, "slug": slug(sample.id), "index": index, "number": index + 1, "repeat": repeat,
        "task": sample.task.value if sample.task else "", "caption": caption,
        "caption50": caption[:50].replace(" ", "_"), "speech": sample.speech or "", "language": sample.language,
    }  # fmt: skip
    return rule.format(**values)


def _by_prompt(root: Path, files: Sequence[Path], samples: Sequence[Sample]) -> Fits:
    """Match whole prompts first; the beginning of one only where the name has a length at which prompts are cut."""
    prompts = {s.id: [said for said in _prompts(s) if len(said) >= LEAST] for s in samples}
    for path in files:
        names = dict.fromkeys((path.stem, SIZED.sub("", path.stem)))
        fits: list[str] = []
        for name in names:
            if not fits:
                fits = [s for s, known in prompts.items() if _letters(name) in known]
        if not fits:
            cut = [_letters(name) for name in names if len(name) in CUTS]
            fits = [
                sample
                for sample, known in prompts.items()
                if any(said.startswith(name) for said in known for name in cut if len(name) >= LEAST)
            ]
        for sample in fits:
            yield path, sample, 0


def _prompts(sample: Sample) -> tuple[str, ...]:
    caption, speech = _letters(sample.caption or ""), _letters(sample.speech or "")
    return caption + speech, caption, speech


def _letters(text: str) -> str:
    """Return letters and digits alone, in lower case, whatever the script."""
    return "".join(c for c in text.casefold() if c.isalnum())


def _settled(root: Path, files: Sequence[Path], samples: Sequence[Sample], fits: Fits) -> Matched:
    of_file: dict[Path, dict[tuple[str, int], None]] = {}
    for path, sample, repeat in fits:
        of_file.setdefault(path, {})[sample, repeat] = None
    clips: dict[tuple[str, int], Path] = {}
    several: dict[str, tuple[str, ...]] = {}
    for path, keys in of_file.items():
        if len(keys) > 1:
            several[path.relative_to(root).as_posix()] = tuple(sample for sample, _ in keys)
            continue
        (key,) = keys
        if key in clips:
            raise InputError(
                f"{clips[key].name} and {path.name} both fit the sample {key[0]!r}", where=Where(root),
                way_out="match: name with a rule that tells them apart",
            )  # fmt: skip
        clips[key] = path
    have = {sample for sample, _ in clips}
    return Matched(
        clips,
        tuple(s.id for s in samples if s.id not in have),
        tuple(p.relative_to(root).as_posix() for p in files if p not in of_file),
        several,
    )


def _of_table(table: Path, samples: Sequence[Sample], match: Match, repeats: int) -> Matched:
    columns, rows = read_rows(table)
    column = "prompt" if match == "prompt" else "sample"
    for wanted in ("clip", column):
        if wanted not in columns:
            close = nearest(wanted, columns)
            raise InputError(
                f"has no column {wanted!r}", where=Where(table, 1),
                way_out=f"is it {close!r}?" if close else f"columns: {', '.join(columns)}",
            )  # fmt: skip
    known = _known(samples, match)
    clips: dict[tuple[str, int], Path] = {}
    unused: list[str] = []
    several: dict[str, tuple[str, ...]] = {}
    for row in rows:
        where = Where(table, row.line)
        said, file, repeat = (str(row.cells.get(c, "")) for c in (column, "clip", "repeat"))
        if not file:
            raise InputError("the row names no clip", where=where)
        if repeat and not repeat.isdecimal():
            raise InputError(f"{repeat!r} is not a whole number", where=where)
        path = (table.parent / file).resolve()
        if not path.is_relative_to(table.parent.resolve()):
            raise InputError(f"{file!r} leads out of {table.parent}", where=where)
        fits = known.get(_letters(said) if match == "prompt" else said, ())
        number = int(repeat or 0)
        if not fits or number >= repeats:
            unused.append(file)
        elif len(fits) > 1:
            several[file] = fits
        elif (fits[0], number) in clips:
            raise InputError(
                f"a second clip for the sample {fits[0]!r}", where=where, way_out="number them by repeat"
            )
        else:
            clips[fits[0], number] = path
    several |= _shared(clips, table.parent.resolve())
    clips = {
        key: path
        for key, path in clips.items()
        if path.relative_to(table.parent.resolve()).as_posix() not in several
    }
    have = {sample for sample, _ in clips}
    return Matched(clips, tuple(s.id for s in samples if s.id not in have), tuple(unused), several)


def _known(samples: Sequence[Sample], match: Match) -> dict[str, tuple[str, ...]]:
    """Return the samples of each text that a row of a table may name."""
    known: dict[str, tuple[str, ...]] = {}
    for sample in samples:
        names = {s for s in _prompts(sample) if len(s) >= LEAST} if match == "prompt" else {sample.id}
        for name in names:
            known[name] = (*known.get(name, ()), sample.id)
    return known


def _shared(clips: Mapping[tuple[str, int], Path], root: Path) -> dict[str, tuple[str, ...]]:
    """Return the files that stand in a table for several samples or repeats: one clip is the work of one sample."""
    users: dict[str, list[str]] = {}
    for (sample, _), path in clips.items():
        users.setdefault(path.relative_to(root).as_posix(), []).append(sample)
    return {file: tuple(names) for file, names in users.items() if len(names) > 1}
