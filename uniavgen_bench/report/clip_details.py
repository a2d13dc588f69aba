"""What a clip's page shows beside its scores: evidence, transcripts, notes, the sample's facts and the container's."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import ClipRecord, EvidenceData, RunDirectory
from uniavgen_bench.report.links import file_name, is_path
from uniavgen_bench.report.transcript import Piece, compare


@dataclass(frozen=True)
class Transcript:
    """What a metric heard, beside what should be heard."""

    metric: str
    pieces: tuple[Piece, ...]


def evidence_of(run: RunDirectory, record: ClipRecord | None) -> tuple[list[EvidenceData], str]:
    """Return the evidence of a clip, and the reason why it cannot be read, or an empty text."""
    if record is None or record.evidence is None:
        return [], ""
    try:
        return run.evidence(record), ""
    except InputError as error:
        return (
            [],
            "the evidence file is gone" if "no such file" in error.what else "the evidence cannot be read",
        )
    except ValidationError:
        return [], "the evidence file is damaged"


COMPARED = (
    ("asked for, normalised", "heard, normalised"),
    ("asked for", "heard"),
    ("reference", "hypothesis"),
)
"""Names of texts that are compared word by word, the pair that a score was made of first."""


def _pair(item: EvidenceData) -> tuple[str, str] | None:
    return next((pair for pair in COMPARED if item.texts.keys() >= set(pair)), None)


def transcripts(evidence: list[EvidenceData]) -> list[Transcript]:
    """Return the transcripts of all metrics that heard one, compared with what should be heard."""
    pairs = ((item, _pair(item)) for item in evidence)
    return [
        Transcript(item.metric, tuple(compare(item.texts[pair[0]], item.texts[pair[1]])))
        for item, pair in pairs
        if pair
    ]


def notes(evidence: list[EvidenceData]) -> list[tuple[str, str, str]]:
    """Return the remaining texts as (metric, name, text)."""
    return [
        (item.metric, name, text)
        for item in evidence
        for name, text in item.texts.items()
        if name not in (_pair(item) or ())
    ]


def sample_facts(record: ClipRecord | None) -> list[tuple[str, str]]:
    """Return the rows about the sample; files are named without their folders."""
    if record is None:
        return []
    sample = record.sample
    rows = [(name, value) for name, value in sample.facts.items() if not is_path(value)]
    if sample.task:
        rows.insert(0, ("task", sample.task.value.replace("_", " ")))
    rows.append(("language", sample.language))
    rows += [
        (name, path.name)
        for name, path in (
            ("reference image", sample.image),
            ("reference audio", sample.reference_audio),
            ("condition audio", sample.condition_audio),
            ("condition video", sample.condition_video),
        )
        if path
    ]
    return rows


def container_facts(record: ClipRecord | None) -> list[tuple[str, str]]:
    """Return the rows about the clip's file."""
    if record is None:
        return []
    rows = [("file", file_name(record.source))]
    if record.duration is not None:
        rows.append(("length", f"{record.duration:.2f} s"))
    if record.width and record.height:
        rows.append(("picture", f"{record.width} × {record.height}"))
    if record.fps:
        rows.append(("frame rate", f"{record.fps:.3f}".rstrip("0").rstrip(".") + " fps"))
    if record.audio_rate:
        rows.append(("sound", f"{record.audio_rate / 1000:g} kHz"))
    if record.sha256:
        rows.append(("sha256", record.sha256))
    return rows
