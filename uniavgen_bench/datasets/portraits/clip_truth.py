"""What is true of a clip, on disk: arrays per frame as safetensors, and everything with a name as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.spec import Frozen

from .face_state import CURVES, FaceState
from .phones import PhoneName
from .timeline import VISEME_OF, Timeline
from .truth import LANDMARKS, Truth

ARRAYS, FACTS = "truth.safetensors", "truth.json"


class PhoneTruth(Frozen):
    """A phone of the CMU dictionary (or SIL) from `start` to `end` in s, and the visemes that show it."""

    name: PhoneName
    start: float
    end: float
    stress: int
    visemes: tuple[str, ...]


class ClipFacts(Frozen):
    """truth.json.

    `pitch` and `tract` are the voice's mean pitch in Hz and the scale of its formants (adult man 1). `hurry`: how much
    faster than usual the sentence was spoken to fit the clip. `files`: SHA-256 of the other files of the truth, so that
    equal bytes of truth.json mean equal truths.
    """

    sample: str
    identity: int
    gender: str
    age: str
    domain: str
    emotion: str
    intensity: float
    speech: str
    reference_text: str
    caption: str
    fps: int
    frames: int
    size: int
    sample_rate: int
    speech_start: float
    speech_end: float
    hurry: float
    pitch: float
    tract: float
    phones: tuple[PhoneTruth, ...]
    files: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class ClipTruth:
    """The truth of a clip of T frames of S x S pixels.

    `mask` Bool [T, S, S]: pixels of the face. `landmarks` Float32 [T, L, 2]: columns and lines in pixels, named by
    `truth.LANDMARKS`. `opening`, `width` Float32 [T]: of the mouth's opening, over the distance between the eyes.
    `pose` Float32 [T, 3]: yaw, pitch, roll in radians. `face`: all that moved. `phone` Int64 [T]: index into
    `facts.phones` of what is spoken at the moment of the frame, i / fps s.
    """

    facts: ClipFacts
    mask: NDArray[np.bool_]
    landmarks: NDArray[np.float32]
    opening: NDArray[np.float32]
    width: NDArray[np.float32]
    pose: NDArray[np.float32]
    face: FaceState
    phone: NDArray[np.int64]

    @property
    def visemes(self) -> list[str]:
        """The viseme shown by each frame [T], before neighbours mix."""
        times = np.arange(self.facts.frames) / self.facts.fps
        shown = []
        for time, index in zip(times, self.phone, strict=True):
            phone = self.facts.phones[int(index)]
            share = (time - phone.start) / max(phone.end - phone.start, 1e-9)
            shown.append(phone.visemes[min(len(phone.visemes) - 1, int(share * len(phone.visemes)))])
        return shown


def phones_of_frames(timeline: Timeline) -> NDArray[np.int64]:
    """Return for every frame [T] the index of the phone that is spoken at its moment."""
    starts = np.array([phone.start for phone in timeline.phones])
    times = np.arange(timeline.recipe.form.frames) / timeline.recipe.form.fps
    return np.asarray(np.searchsorted(starts, times, side="right") - 1, np.int64)


def phone_truths(timeline: Timeline) -> tuple[PhoneTruth, ...]:
    """Return the phones with times rounded to 0.1 ms."""
    return tuple(
        PhoneTruth(
            name=p.name,
            start=round(p.start, 4),
            end=round(p.end, 4),
            stress=p.stress,
            visemes=VISEME_OF[p.name],
        )
        for p in timeline.phones
    )


def write_truth(
    folder: Path, timeline: Timeline, seen: Truth, facts: ClipFacts, others: Sequence[Path] = ()
) -> None:
    """Write `truth.safetensors`, and `truth.json` with its hash and that of `others`; equal truths, equal bytes."""
    from safetensors.numpy import save

    arrays: dict[str, NDArray[np.generic]] = {
        # Eight pixels a byte: the mask would otherwise be larger than the clip.
        "mask_bits": np.packbits(seen.mask, axis=-1),
        "landmarks": seen.landmarks,
        "opening": seen.opening,
        "width": seen.width,
        "pose": seen.pose,
        "face": np.stack([getattr(timeline.face, name) for name in CURVES]),
        "phone": phones_of_frames(timeline),
    }
    # One entry only: the library writes several in an order that changes from process to process.
    names = {"names": json.dumps({"face": CURVES, "landmarks": LANDMARKS})}
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomic(folder / ARRAYS, save(contiguous, metadata=names))
    hashes = {path.name: sha256_file(path) for path in (folder / ARRAYS, *others)}
    facts = facts.model_copy(update={"files": hashes})
    write_atomic(folder / FACTS, (facts.model_dump_json(indent=1) + "\n").encode())


def read_truth(folder: Path) -> ClipTruth:
    """Read the truth of a clip from its folder.

    Raises:
        InputError: a file is absent or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        facts = ClipFacts.model_validate_json((folder / FACTS).read_bytes())
        arrays = load((folder / ARRAYS).read_bytes())
        face = FaceState(**dict(zip(CURVES, arrays["face"], strict=True)))
        mask = np.unpackbits(arrays["mask_bits"], axis=-1, count=facts.size).astype(np.bool_)
        return ClipTruth(
            facts=facts,
            mask=mask,
            landmarks=arrays["landmarks"],
            opening=arrays["opening"],
            width=arrays["width"],
            pose=arrays["pose"],
            face=face,
            phone=arrays["phone"],
        )
    except ValidationError as error:
        raise InputError(f"{folder / FACTS} is damaged: {first_problem(error)}") from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"the truth in {folder} cannot be read: {error}") from error
