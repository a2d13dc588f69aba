"""Artefacts as bytes: safetensors, with their texts and numbers as JSON in the header. Nothing is executed on reading.

Lists of JPEGs are one array of bytes and one of offsets.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import (
    Crops,
    Faces,
    Frames,
    Speaker,
    SpeakerChoice,
    Speech,
    Thumbnails,
    Track,
    Transcript,
    VoiceActivity,
    WholeFrames,
    Word,
)
from uniavgen_bench.core.result import Missing, Reason

AnyArtefact = (
    Frames | Faces | Crops | Thumbnails | WholeFrames | Speech | VoiceActivity | Transcript | Speaker
)
Arrays = dict[str, NDArray[Any]]

TRACK_FIELDS = ("frames", "boxes", "scores", "landmarks", "presence")


class DamagedError(ValueError):
    """Bytes are not an artefact; they are treated as absent."""


def encode(value: AnyArtefact | Missing) -> bytes:
    """Turn an artefact, or the reason why there is none, into bytes."""
    from safetensors.numpy import save

    arrays, facts = _taken_apart(value)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps({"kind": type(value).__name__, **facts}, ensure_ascii=False, allow_nan=False)
    return save(contiguous, metadata={"artefact": text})


def decode(data: bytes) -> AnyArtefact | Missing:
    """Turn bytes back.

    Raises:
        DamagedError: the bytes are not what `encode` makes.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        length = int.from_bytes(data[:8], "little")
        facts = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["artefact"])
        return _put_together(facts.pop("kind"), load(data), facts)
    except (SafetensorError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DamagedError(f"not an artefact: {error}") from error


def _taken_apart(value: AnyArtefact | Missing) -> tuple[Arrays, dict[str, Any]]:
    match value:
        case Missing():
            return {}, {"reason": value.reason.value, "detail": value.detail}
        case Frames():
            return {"times": value.times, "shots": value.shots}, {
                "width": value.width,
                "height": value.height,
            }
        case Faces():
            arrays = {
                f"{name}.{k}": getattr(track, name)
                for k, track in enumerate(value.tracks)
                for name in TRACK_FIELDS
            }
            return arrays, {"tracks": len(value.tracks)}
        case Crops():
            crops: Arrays = {f"regions.{k}": region for k, region in enumerate(value.regions)}
            for k, jpegs in enumerate(value.jpegs):
                crops |= _joined(jpegs, f".{k}")
            return crops, {"side": value.side, "tracks": len(value.jpegs)}
        case Thumbnails():
            return {"frames": value.frames, "times": value.times, **_joined(value.jpegs, "")}, {}
        case WholeFrames():
            return _joined(value.jpegs, ""), {"side": value.side}
        case Speech():
            facts = asdict(value)
            return {"samples": facts.pop("samples")}, facts
        case VoiceActivity():
            facts = asdict(value)
            return {name: facts.pop(name) for name in ("segments", "probability")}, facts
        case Transcript():
            return {}, asdict(value)
        case Speaker():
            return {}, {"track": value.track, "choice": value.choice.value, "evidence": list(value.evidence)}


def _put_together(kind: str, arrays: Arrays, facts: dict[str, Any]) -> AnyArtefact | Missing:
    match kind:
        case "Missing":
            return Missing(Reason(facts["reason"]), str(facts["detail"]))
        case "Frames":
            return Frames(arrays["times"], facts["width"], facts["height"], arrays["shots"])
        case "Faces":
            return Faces(
                tuple(Track(**{n: arrays[f"{n}.{k}"] for n in TRACK_FIELDS}) for k in range(facts["tracks"]))
            )
        case "Crops":
            numbers = range(facts["tracks"])
            jpegs = tuple(_parted(arrays, f".{k}") for k in numbers)
            return Crops(facts["side"], jpegs, tuple(arrays[f"regions.{k}"] for k in numbers))
        case "Thumbnails":
            return Thumbnails(arrays["frames"], arrays["times"], _parted(arrays, ""))
        case "WholeFrames":
            return WholeFrames(facts["side"], _parted(arrays, ""))
        case "Speech":
            return Speech(samples=arrays["samples"], **facts)
        case "VoiceActivity":
            return VoiceActivity(segments=arrays["segments"], probability=arrays["probability"], **facts)
        case "Transcript":
            return Transcript(words=tuple(Word(**word) for word in facts.pop("words")), **facts)
        case "Speaker":
            return Speaker(facts["track"], SpeakerChoice(facts["choice"]), tuple(facts["evidence"]))
        case _:
            raise DamagedError(f"unknown kind {kind!r}")


def _joined(parts: Sequence[bytes], suffix: str) -> Arrays:
    ends = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    return {f"jpegs{suffix}": np.frombuffer(b"".join(parts), dtype=np.uint8), f"offsets{suffix}": ends}


def _parted(arrays: Arrays, suffix: str) -> tuple[bytes, ...]:
    blob, ends = arrays[f"jpegs{suffix}"].tobytes(), arrays[f"offsets{suffix}"].tolist()
    if ends[0] != 0 or ends[-1] != len(blob) or sorted(ends) != ends:
        raise DamagedError("the offsets do not fit the bytes")
    return tuple(blob[a:b] for a, b in itertools.pairwise(ends))
