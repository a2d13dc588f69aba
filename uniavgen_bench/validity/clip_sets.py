"""Folders of clips with a manifest, as validity studies and fits read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Missing, MissingError
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest
from uniavgen_bench.metrics.lipsync_mouth_audio import speaker_track
from uniavgen_bench.weights.models import Models

PERMITTED = re.compile(r"\b(Apache-2\.0|MIT|CC BY 4\.0|CC0)\b")
FORBIDDEN = re.compile(r"NC|none|no licence", re.IGNORECASE)


@dataclass(frozen=True)
class ListedClip:
    """A clip of a manifest. `source`: the repository that it comes from; `real`: a recording, not generated."""

    path: Path
    sample: Sample
    system: str
    source: str
    licence: str
    real: bool
    single_face: bool

    @property
    def owner(self) -> str:
        """Who published the source: two repositories of one owner may share systems and recordings."""
        return self.source.split("/")[0]

    @property
    def may_be_trained_on(self) -> bool:
        """Whether its licence allows weights fitted on it to be shipped, and one face is seen."""
        return self.single_face and licence_permits(self.licence)


def licence_permits(licence: str) -> bool:
    """Return whether a licence as a manifest states it is Apache-2.0, MIT, CC BY 4.0 or CC0."""
    return bool(PERMITTED.search(licence)) and not FORBIDDEN.search(licence)


def read_clips(root: Path, manifest: Path) -> list[ListedClip]:
    """Read the clips of a manifest with columns for source, licence and split.

    Raises:
        InputError: the manifest cannot be used, or lists no clips.
    """
    dataset = load_manifest(ManifestOptions(path=manifest, root=root))
    if not dataset.clips:
        raise InputError(f"{manifest} lists no clips", way_out="name a manifest with a column 'clip'")
    samples = {sample.id: sample for sample in dataset.samples}
    listed = []
    for clip in dataset.clips:
        facts = samples[clip.sample].facts
        listed.append(
            ListedClip(
                path=clip.path,
                sample=samples[clip.sample],
                system=clip.system,
                source=facts.get("source_repo") or clip.path.parent.name,
                licence=facts.get("licence", "none stated"),
                real=facts.get("split") == "real",
                single_face=facts.get("single_face", "yes") == "yes",
            )
        )
    return listed


@dataclass(frozen=True)
class TalkingFace:
    """The speaker's landmarks `[n, 468, 3]` at `times` [n] s, and the sound at 16 kHz from `sound_start` s.

    `driving`: for clips with a published LSE-C the speech that drove the clip, when it lies beside it (from 0 s).
    """

    clip: ListedClip
    times: Float64
    landmarks: Float32
    samples: Float32
    sound_start: float
    driving: Float32 | None = None


def talking_faces(
    clips: Iterable[ListedClip], store: Store, models: Models
) -> Iterator[TalkingFace | tuple[ListedClip, Missing]]:
    """Yield what the metric would look at, clip by clip, or why it would not look."""
    for clip in clips:
        analysed = AnalysedClip(clip.path, clip.sample, store, models)
        try:
            track = speaker_track(analysed)
            speech = analysed.speech
            times = analysed.frames.times[track.frames]
            driving = _driving_speech(analysed)
        except MissingError as error:
            yield clip, error.missing
        else:
            yield TalkingFace(clip, times, track.landmarks, speech.samples, speech.start, driving)


def _driving_speech(clip: AnalysedClip) -> Float32 | None:
    if "lse_c" not in clip.sample.published or clip.sample.condition_audio is None:
        return None
    try:
        return clip.reference_speech.samples
    except MissingError:
        return None
