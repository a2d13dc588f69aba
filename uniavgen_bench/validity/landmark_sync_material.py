"""What `lipsync.landmark_sync` is trained and measured on: talking faces of clips, and portraits of exported shards."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64, UInt8
from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh
from uniavgen_bench.analysis.needs import FACE_WEIGHTS
from uniavgen_bench.analysis.tracks import FaceFollower
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.landmark_sync_model import SyncStreams, sync_streams
from uniavgen_bench.metrics.mouth_audio_model import mouth_stream
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace
from uniavgen_bench.validity.landmark_sync_training import Lesson
from uniavgen_bench.weights.models import Models

PORTRAITS = "portraits"
LOOK_VERSION = 1
"""Bump it whenever a change of code changes what is found in a shard."""
SPARSE_FPS = 16.0
PORTRAIT_FPS, PORTRAIT_RATE = 16, 24_000


def streams_of(face: TalkingFace, template: Float64) -> SyncStreams:
    """Return mouth and sound of a face on one clock."""
    mouth = mouth_stream(face.times, face.landmarks, template)
    return sync_streams(mouth, face.samples, face.sound_start)


def lesson_of(face: TalkingFace, template: Float64) -> Lesson:
    """Return a clip to learn from, and the same at 16 fps where it has clearly more."""
    both = streams_of(face, template)
    thin = sparse_frames(face.times)
    if len(thin) > 0.8 * len(face.times):
        return Lesson(face.clip.sample.id, both)
    few = replace(face, times=face.times[thin], landmarks=face.landmarks[thin])
    return Lesson(face.clip.sample.id, both, streams_of(few, template))


def sparse_frames(times: Float64, fps: float = SPARSE_FPS) -> np.ndarray:
    """Return the indices of the frames that a clip of `fps` would have, the first and the last among them."""
    grid = np.arange(times[0], times[-1], 1.0 / fps)
    at = np.clip(np.searchsorted(times, grid - 1e-6), 0, len(times) - 1)
    return np.unique([*at.tolist(), 0, len(times) - 1])


def portrait_faces(folder: Path, limit: int, store: Store, models: Models) -> list[TalkingFace]:
    """Return the faces of the first `limit` shards of an export of portraits, by name; kept in the store.

    Raises:
        InputError: there are no shards.
    """
    shards = sorted(folder.glob("shard-*.safetensors"))[:limit]
    if not shards:
        raise InputError(
            f"{folder} holds no shards of portraits",
            way_out="uniavgen-bench dataset export portraits FOLDER --set split=train --set samples=640",
        )
    return [face for shard in shards for face in _faces_of_shard(shard, store, models)]


def _faces_of_shard(shard: Path, store: Store, models: Models) -> Iterator[TalkingFace]:
    weights = [sha256_file(models.weight(name)) for name in FACE_WEIGHTS]
    key = sha256_json(["portrait-landmarks", LOOK_VERSION, sha256_file(shard), weights])
    kept = store.get(key)
    if kept is None:
        kept = _looked_at(shard, models)
        store.put(key, kept)
    with np.load(io.BytesIO(kept)) as arrays:
        times = np.arange(arrays["landmarks"].shape[1]) / PORTRAIT_FPS
        rows = zip(
            arrays["names"].tolist(), arrays["found"], arrays["landmarks"], arrays["sound"], strict=True
        )
        for name, found, landmarks, sound in rows:
            if found:
                yield TalkingFace(_portrait(shard, name), times, landmarks, sound, 0.0)


def _portrait(shard: Path, name: str) -> ListedClip:
    return ListedClip(
        path=shard,
        sample=Sample(id=name),
        system=PORTRAITS,
        source=f"{PORTRAITS}/{shard.stem}",
        licence="Apache-2.0",
        real=False,
        single_face=True,
    )


def _looked_at(shard: Path, models: Models) -> bytes:
    import soxr
    from safetensors import safe_open

    with safe_open(str(shard), "np") as file:
        names = json.loads(file.metadata()["clips"])["texts"]["id"]
        frames, audio = file.get_tensor("frames"), file.get_tensor("audio")
    found: list[bool] = []
    landmarks: list[Float32] = []
    sound: list[Float32] = []
    for pictures, samples in zip(frames, audio, strict=True):
        points = _landmarks(pictures, models)
        found.append(points is not None)
        landmarks.append(np.zeros((len(pictures), 468, 3), np.float32) if points is None else points)
        heard = soxr.resample(samples.astype(np.float32) / 32768, PORTRAIT_RATE, SPEECH_RATE)
        sound.append(heard.astype(np.float32))
    arrays: dict[str, Any] = {
        "names": np.array(names),
        "found": np.array(found),
        "landmarks": np.stack(landmarks),
        "sound": np.stack(sound),
    }
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _landmarks(pictures: UInt8, models: Models) -> Float32 | None:
    """Return the landmarks `[T, 468, 3]` of the face in pictures `[T, S, S, 3]` when it is followed throughout."""
    follower = FaceFollower(load_face_detector(models), load_face_mesh(models))
    times = np.arange(len(pictures)) / PORTRAIT_FPS
    for frame, (time, picture) in enumerate(zip(times, pictures, strict=True)):
        for _ in follower.push(frame, float(time), picture, new_shot=frame == 0):
            pass
    for _ in follower.finish():
        pass
    tracks = follower.tracks(times)
    if not tracks or len(tracks[0][1].frames) < len(pictures):
        return None
    return tracks[0][1].landmarks


def minutes(faces: Sequence[TalkingFace]) -> float:
    """Return how long the faces are seen together, in minutes."""
    return sum(float(face.times[-1] - face.times[0]) for face in faces) / 60
