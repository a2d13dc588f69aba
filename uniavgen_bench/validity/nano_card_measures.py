"""What the model card of nano measures beside the suites: PSNR of its codec, and whether a voice is nearest its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.metrics.timbre_reference import cosine, embedding, voiced_part
from uniavgen_bench.weights.models import Models


@dataclass(frozen=True)
class VoiceRank:
    """Of `clips` clips, `nearest` are nearer to their own reference voice than to that of each of `others` people.

    `left_out` of the clips have no voice to compare: they were not made, or are silent. They count as not nearest.
    """

    clips: int
    nearest: int
    others: int
    left_out: int

    @property
    def share(self) -> float | None:
        """The share of all clips that are nearest to their own voice."""
        return self.nearest / self.clips if self.clips else None


def clips_of(run: Path, system: str) -> list[tuple[ClipRecord, Path]]:
    """Return the clips of a system whose files are there, sorted by sample."""
    records = [r for r in RunDirectory(run).clips() if r.system == system and r.media is not None]
    found = [(r, run / str(r.media)) for r in sorted(records, key=lambda r: (r.sample.id, r.repeat))]
    return [(record, path) for record, path in found if path.is_file()]


def psnr(run: Path, system: str, truth: str) -> list[float]:
    """Return, in dB, by clip, the PSNR of a system's pictures to those of `truth`, over the frames that both have."""
    from reference_model.media import read_frames

    true = {record.sample.id: path for record, path in clips_of(run, truth)}
    found = []
    for record, path in clips_of(run, system):
        if record.sample.id not in true:
            continue
        a, b = (read_frames(p).numpy().astype(np.float64) for p in (path, true[record.sample.id]))
        n = min(len(a), len(b))
        error = float(np.mean((a[:n] - b[:n]) ** 2))
        found.append(10 * float(np.log10(255**2 / max(error, 1e-12))))
    return found


def voice_rank(run: Path, system: str, models: Models) -> VoiceRank:
    """Compare each clip's voice with its own reference voice and with those of all other people of the run."""
    store = Store(home() / "store")
    heard: list[tuple[str, Float32]] = []
    voices: dict[str, list[Float32]] = {}
    made = clips_of(run, system)
    planned = sum(record.system == system for record in RunDirectory(run).clips())
    left_out = planned - len(made)
    for record, path in made:
        clip = AnalysedClip(path, record.sample, store, models)
        person = record.sample.facts.get("identity", record.sample.id)
        try:
            given = clip.reference_speech
            reference = embedding(voiced_part(given, detect_voice(given, models), "the reference"), models)
            voices.setdefault(person, []).append(reference)
            own = embedding(voiced_part(clip.speech, clip.voice_activity, "the clip"), models)
            heard.append((person, own))
        except MissingError:
            left_out += 1
    return ranked(heard, voices, left_out)


def ranked(
    heard: Sequence[tuple[str, Float32]], voices: dict[str, list[Float32]], left_out: int = 0
) -> VoiceRank:
    """Count the voices [256] that lie nearer to their own person's than to any other's; `left_out` have none."""
    nearest = 0
    for person, voice in heard:
        own = max((cosine(voice, v) for v in voices.get(person, [])), default=-1.0)
        other = max(
            (cosine(voice, v) for name, group in voices.items() if name != person for v in group), default=1.0
        )
        nearest += own > other
    return VoiceRank(len(heard) + left_out, nearest, max(0, len(voices) - 1), left_out)
