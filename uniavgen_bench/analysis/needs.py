"""What each artefact is made from: its version, streams, weights, and the artefacts that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from uniavgen_bench.analysis import face_detector, landmarks
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.spec import Artefact, MetricSpec
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.weights.models import Models


class Stream(StrEnum):
    """A stream of a clip, whose hash is part of an artefact's address."""

    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True)
class Recipe:
    """Bump `version` whenever a change of code changes the artefact.

    `packages` carry a network or a decoder of their own, so their versions are part of the address.
    """

    version: int
    stream: Stream
    weights: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reads: tuple[Artefact, ...] = ()


FACE_WEIGHTS = (face_detector.WEIGHT, landmarks.WEIGHT)

RECIPES: Mapping[Artefact, Recipe] = {
    Artefact.FRAMES: Recipe(1, Stream.VIDEO),
    Artefact.THUMBNAILS: Recipe(1, Stream.VIDEO),
    Artefact.WHOLE_FRAMES: Recipe(1, Stream.VIDEO),
    Artefact.PICTURES: Recipe(1, Stream.VIDEO),
    Artefact.FACES: Recipe(1, Stream.VIDEO, FACE_WEIGHTS),
    Artefact.CROPS: Recipe(1, Stream.VIDEO, FACE_WEIGHTS),
    Artefact.SPEECH: Recipe(1, Stream.AUDIO),
    Artefact.VOICE_ACTIVITY: Recipe(1, Stream.AUDIO, packages=("faster-whisper",), reads=(Artefact.SPEECH,)),
    Artefact.TRANSCRIPT: Recipe(
        1,
        Stream.AUDIO,
        ("whisper-tiny.en",),
        ("faster-whisper", "ctranslate2"),
        reads=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    ),
    Artefact.SPEAKER: Recipe(
        1, Stream.VIDEO, reads=(Artefact.FRAMES, Artefact.FACES, Artefact.SPEECH, Artefact.VOICE_ACTIVITY)
    ),
}


def with_reads(artefacts: Iterable[Artefact]) -> list[Artefact]:
    """Return artefacts and all that they are made from, each once, in the order of `Artefact`."""
    found: set[Artefact] = set()
    waiting = list(artefacts)
    while waiting:
        artefact = waiting.pop()
        if artefact not in found:
            found.add(artefact)
            waiting += RECIPES[artefact].reads
    return [artefact for artefact in Artefact if artefact in found]


def needed_weights(specs: Iterable[MetricSpec]) -> list[str]:
    """Return the names of all weights that metrics load themselves or through the artefacts that they read."""
    names: dict[str, None] = {}
    for spec in specs:
        names |= dict.fromkeys(spec.weights)
        for artefact in with_reads(spec.needs):
            names |= dict.fromkeys(RECIPES[artefact].weights)
    return list(names)


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def artefact_versions(artefacts: Iterable[Artefact], models: Models) -> dict[str, list[object]]:
    """Return version and weight hashes of artefacts and of all that they are made from: part of a score's address.

    Nothing is loaded or computed.
    """
    return {
        artefact.value: [
            RECIPES[artefact].version,
            {name: models.weights.sha256(name) for name in RECIPES[artefact].weights},
            {name: _version(name) for name in RECIPES[artefact].packages},
        ]
        for artefact in with_reads(artefacts)
    }


def artefact_key(artefact: Artefact, facts: ClipFacts, models: Models) -> str:
    """Return the address of an artefact: what it is made from and how. A stranger's sound does not enter tracks."""
    made_from = with_reads([artefact])
    streams = {
        Stream.VIDEO.value: facts.video_sha256,
        Stream.AUDIO.value: facts.audio_sha256,
    }
    used = sorted({RECIPES[part].stream.value for part in made_from})
    return sha256_json(
        ["artefact", artefact.value, artefact_versions(made_from, models), {s: streams[s] for s in used}]
    )
