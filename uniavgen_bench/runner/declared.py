"""What a metric sees of a clip: the artefacts that it declares, because only those are part of its address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from uniavgen_bench.analysis.artefacts import (
    ClipArtefacts,
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
from uniavgen_bench.analysis.needs import RECIPES, Stream, with_reads
from uniavgen_bench.core.spec import Artefact, MetricSpec
from uniavgen_bench.media.decode import VideoFrame
from uniavgen_bench.media.probe import ClipFacts


class UndeclaredError(TypeError):
    """A metric read what it does not declare: its answer would be found again for clips that it does not fit."""


class DeclaredArtefacts:
    """The artefacts of a clip for one metric; reading another than it declares raises `UndeclaredError`."""

    def __init__(self, clip: ClipArtefacts, spec: MetricSpec) -> None:
        self._clip, self._spec = clip, spec
        self._allowed = frozenset(with_reads(spec.needs))

    @property
    def facts(self) -> ClipFacts:
        """What the container says of the streams that the metric reads; nothing of the file around them."""
        facts = replace(self._clip.facts, file_sha256="", problems=())
        streams = streams_of(self._spec)
        if Stream.VIDEO not in streams:
            facts = replace(
                facts, video_sha256=None, video_duration=None, fps=None, width=None, height=None, video_codec=None,
                video_start=None,
            )  # fmt: skip
        if Stream.AUDIO not in streams:
            facts = replace(
                facts, audio_sha256=None, audio_duration=None, audio_codec=None, audio_rate=None, audio_start=None
            )  # fmt: skip
        return facts

    @property
    def frames(self) -> Frames:
        """The frame clock and shots."""
        return self._declared(Artefact.FRAMES).frames

    @property
    def faces(self) -> Faces:
        """The face tracks."""
        return self._declared(Artefact.FACES).faces

    @property
    def crops(self) -> Crops:
        """The face crops of the tracks."""
        return self._declared(Artefact.CROPS).crops

    @property
    def thumbnails(self) -> Thumbnails:
        """Whole pictures at about 8 per second."""
        return self._declared(Artefact.THUMBNAILS).thumbnails

    @property
    def whole_frames(self) -> WholeFrames:
        """Every whole picture, squeezed to a square."""
        return self._declared(Artefact.WHOLE_FRAMES).whole_frames

    def pictures(self) -> Iterator[VideoFrame]:
        """Every picture at full size, decoded once more."""
        return self._declared(Artefact.PICTURES).pictures()

    @property
    def speech(self) -> Speech:
        """The sound at 16 kHz mono."""
        return self._declared(Artefact.SPEECH).speech

    @property
    def voice_activity(self) -> VoiceActivity:
        """Where speech is."""
        return self._declared(Artefact.VOICE_ACTIVITY).voice_activity

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self._declared(Artefact.TRANSCRIPT).transcript

    @property
    def speaker(self) -> Speaker:
        """The track taken for the speaker."""
        return self._declared(Artefact.SPEAKER).speaker

    @property
    def reference_speech(self) -> Speech:
        """The sample's reference audio, else its condition audio: both must be declared, and `speech` as well."""
        lacking = [f for f in ("reference_audio", "condition_audio") if f not in self._spec.sample_needs]
        if lacking:
            raise UndeclaredError(f"reads reference_speech, but its sample_needs lack {', '.join(lacking)}")
        return self._declared(Artefact.SPEECH).reference_speech

    def _declared(self, artefact: Artefact) -> ClipArtefacts:
        if artefact not in self._allowed:
            raise UndeclaredError(f"reads {artefact.value}, but its needs do not name it")
        return self._clip


def streams_of(spec: MetricSpec) -> list[Stream]:
    """Return the streams that a metric's artefacts come from: another sound leaves a picture's score as it is."""
    made_from = with_reads(spec.needs)
    return sorted({RECIPES[artefact].stream for artefact in made_from}) if made_from else list(Stream)
