"""The artefacts of one clip: computed when first read, kept in the store, at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from uniavgen_bench.analysis.artefact_files import AnyArtefact, DamagedError, decode, encode
from uniavgen_bench.analysis.artefacts import (
    Crops,
    Faces,
    Frames,
    Speaker,
    Speech,
    Thumbnails,
    Transcript,
    VoiceActivity,
    WholeFrames,
)
from uniavgen_bench.analysis.clip_facts import kept_facts
from uniavgen_bench.analysis.needs import (
    FACE_WEIGHTS,
    RECIPES,
    Stream,
    artefact_key,
    artefact_versions,
    with_reads,
)
from uniavgen_bench.core.result import Missing, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.decode import VideoFrame, video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.weights.models import Models

__all__ = ["AnalysedClip", "artefact_versions"]

TRANSIENT = frozenset({Reason.WEIGHTS, Reason.NOT_INSTALLED, Reason.TIMEOUT, Reason.CRASHED, Reason.FAILED})
"""Reasons that may be gone at the next run, so they are not kept."""

VIDEO_PASS = (Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.THUMBNAILS, Artefact.WHOLE_FRAMES)
"""What one decode of the pictures gives; the whole frames only when they are asked for."""

Kind = TypeVar("Kind", bound=AnyArtefact)


class AnalysedClip:
    """A clip whose artefacts come from the store, or are computed and put there.

    `seconds` holds what was computed in this process: by artefact, and `video_pass` for all that one decode gave.
    """

    def __init__(self, path: Path, sample: Sample, store: Store, models: Models) -> None:
        self.path, self.sample = path, sample
        self.seconds: dict[str, float] = {}
        self._store, self._models = store, models
        self._known: dict[Artefact, AnyArtefact | Missing] = {}
        self._whole = False

    def ensure(self, artefacts: Sequence[Artefact]) -> None:
        """Compute and keep what a set of metrics reads; whatever is missing is told when it is read."""
        wanted = [artefact for artefact in with_reads(artefacts) if artefact is not Artefact.PICTURES]
        self._whole = Artefact.WHOLE_FRAMES in wanted and not self.has(Artefact.WHOLE_FRAMES)
        if not {Artefact.FACES, Artefact.CROPS} & set(wanted):
            for artefact in {Artefact.FRAMES, Artefact.THUMBNAILS} & set(wanted):
                self._find(artefact, lambda: self._look(faces=False))
        for artefact in wanted:
            self._made(artefact)

    def has(self, artefact: Artefact) -> bool:
        """Tell whether an artefact is there without computing anything."""
        return artefact in self._known or self._load(artefact) is not None

    @cached_property
    def facts(self) -> ClipFacts:
        """What the container says, kept by the hash of the file; raises `unreadable`."""
        return kept_facts(self.path, self._store)

    @property
    def frames(self) -> Frames:
        """The frame clock and shots."""
        return self._read(Artefact.FRAMES, Frames)

    @property
    def faces(self) -> Faces:
        """The face tracks; raises `no_face` when there is none."""
        faces = self._read(Artefact.FACES, Faces)
        if not faces.tracks:
            raise MissingError(Reason.NO_FACE)
        return faces

    @property
    def crops(self) -> Crops:
        """The face crops of the tracks; raises `no_face` when there is none."""
        crops = self._read(Artefact.CROPS, Crops)
        if not crops.jpegs:
            raise MissingError(Reason.NO_FACE)
        return crops

    @property
    def thumbnails(self) -> Thumbnails:
        """Whole pictures at about 8 per second."""
        return self._read(Artefact.THUMBNAILS, Thumbnails)

    @property
    def whole_frames(self) -> WholeFrames:
        """Every whole picture, squeezed to a square."""
        return self._read(Artefact.WHOLE_FRAMES, WholeFrames)

    def pictures(self) -> Iterator[VideoFrame]:
        """Decode the clip once more and yield every picture at full size; raises `no_video` or `unreadable`."""
        absent = self._absent_stream(Artefact.PICTURES)
        if absent is not None:
            raise MissingError(absent.reason, absent.detail)
        try:
            yield from video_frames(self.path, threads=self._models.threads)
        except MediaError as error:
            raise MissingError(error.reason, error.detail) from error

    @property
    def speech(self) -> Speech:
        """The sound at 16 kHz mono; raises `no_audio`, `bad_audio` or `silent`."""
        return self._read(Artefact.SPEECH, Speech)

    @property
    def voice_activity(self) -> VoiceActivity:
        """Where speech is; `segments` may be empty."""
        return self._read(Artefact.VOICE_ACTIVITY, VoiceActivity)

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self._read(Artefact.TRANSCRIPT, Transcript)

    @property
    def speaker(self) -> Speaker:
        """The track taken for the speaker; raises `no_face`, or `several_speakers` when it cannot be told."""
        return self._read(Artefact.SPEAKER, Speaker)

    @cached_property
    def reference_speech(self) -> Speech:
        """The sample's reference audio (else its condition audio) at 16 kHz mono; raises `no_reference`."""
        path = self.sample.reference_audio or self.sample.condition_audio
        if path is None:
            raise MissingError(Reason.NO_REFERENCE, "the sample names no reference audio")
        try:
            return AnalysedClip(path, self.sample, self._store, self._models).speech
        except MissingError as error:
            raise MissingError(Reason.NO_REFERENCE, f"{path.name}: {error.missing}") from error

    def _read(self, artefact: Artefact, kind: type[Kind]) -> Kind:
        value = self._made(artefact)
        if isinstance(value, Missing):
            raise MissingError(value.reason, value.detail)
        if not isinstance(value, kind):
            raise TypeError(f"{artefact} is a {type(value).__name__}")
        return value

    def _made(self, artefact: Artefact) -> AnyArtefact | Missing:
        if artefact in VIDEO_PASS:
            return self._find(artefact, lambda: self._look_for(artefact))
        makers: dict[Artefact, Callable[[], AnyArtefact]] = {
            Artefact.SPEECH: self._make_speech,
            Artefact.VOICE_ACTIVITY: self._make_voice_activity,
            Artefact.TRANSCRIPT: self._make_transcript,
            Artefact.SPEAKER: self._make_speaker,
        }
        return self._find(artefact, lambda: self._timed(artefact, makers[artefact]))

    def _find(self, artefact: Artefact, make: Callable[[], None]) -> AnyArtefact | Missing:
        """Return an artefact from memory, from the store, or by `make`, which puts it into both."""
        if artefact not in self._known:
            absent = self._absent_stream(artefact)
            kept = absent or self._load(artefact)
            if kept is None:
                make()
            else:
                self._known[artefact] = kept
        return self._known[artefact]

    def _absent_stream(self, artefact: Artefact) -> Missing | None:
        try:
            facts = self.facts
        except MissingError as error:
            return error.missing
        if RECIPES[artefact].stream is Stream.VIDEO and facts.video_sha256 is None:
            return Missing(Reason.NO_VIDEO)
        if RECIPES[artefact].stream is Stream.AUDIO and facts.audio_sha256 is None:
            return Missing(Reason.NO_AUDIO)
        return None

    def _load(self, artefact: Artefact) -> AnyArtefact | Missing | None:
        data = self._store.get(artefact_key(artefact, self.facts, self._models))
        if data is None:
            return None
        try:
            return decode(data)
        except DamagedError:
            return None

    def _keep(self, artefact: Artefact, value: AnyArtefact | Missing) -> None:
        self._known[artefact] = value
        if not (isinstance(value, Missing) and value.reason in TRANSIENT):
            self._store.put(artefact_key(artefact, self.facts, self._models), encode(value))

    def _timed(self, artefact: Artefact, make: Callable[[], AnyArtefact]) -> None:
        before = sum(self.seconds.values())
        started = time.perf_counter()
        try:
            value: AnyArtefact | Missing = make()
        except MissingError as error:
            value = error.missing
        except MediaError as error:
            value = error.missing
        others = sum(self.seconds.values()) - before
        self.seconds[artefact.value] = time.perf_counter() - started - others
        self._keep(artefact, value)

    def _look(self, *, faces: bool) -> None:
        """Decode the pictures once, and keep all that comes of it."""
        from uniavgen_bench.analysis.video_pass import analyse_video

        started = time.perf_counter()
        try:
            seen = analyse_video(self.path, self._models, faces=faces, whole=self._whole)
        except MediaError as error:
            for artefact in VIDEO_PASS:
                self._keep(artefact, error.missing)
            return
        self.seconds["video_pass"] = self.seconds.get("video_pass", 0.0) + time.perf_counter() - started
        self._keep(Artefact.FRAMES, seen.frames)
        self._keep(Artefact.THUMBNAILS, seen.thumbnails)
        if seen.whole is not None:
            self._keep(Artefact.WHOLE_FRAMES, seen.whole)
            self._whole = False
        if faces:
            self._keep(Artefact.FACES, seen.faces)
            self._keep(Artefact.CROPS, seen.crops)

    def _look_for(self, artefact: Artefact) -> None:
        """Make an artefact of the video pass, and the others with it: later metrics will ask for them."""
        if artefact is Artefact.WHOLE_FRAMES:
            self._whole = True
            self._look(faces=False)
            return
        try:
            for name in FACE_WEIGHTS:
                self._models.weight(name)
        except MissingError as error:
            if artefact in (Artefact.FACES, Artefact.CROPS):
                self._keep(artefact, error.missing)
            else:
                self._look(faces=False)
        else:
            self._look(faces=True)

    def _make_speech(self) -> Speech:
        from uniavgen_bench.analysis.speech import load_speech

        return load_speech(self.path)

    def _make_voice_activity(self) -> VoiceActivity:
        from uniavgen_bench.analysis.voice_activity import detect_voice

        return detect_voice(self.speech, self._models)

    def _make_transcript(self) -> Transcript:
        from uniavgen_bench.analysis.transcript import transcribe

        return transcribe(self.speech, self.voice_activity, self._models)

    def _make_speaker(self) -> Speaker:
        from uniavgen_bench.analysis.speaker import choose_speaker

        faces, frames = self.faces, self.frames
        try:
            speech, voice = self.speech, self.voice_activity
        except MissingError as error:
            if error.missing.reason in TRANSIENT:
                raise
            return choose_speaker(frames, faces, None, None)
        return choose_speaker(frames, faces, speech, voice)
