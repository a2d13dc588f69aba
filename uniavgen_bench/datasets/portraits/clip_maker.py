"""Makes the files of one clip: the true clip, its truth, the reference image, and the sounds that tasks give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.media.writing import Encoding

from .captions import caption
from .clip_truth import ClipFacts, phone_truths, write_truth
from .exact_math import Draws
from .head_params import Domain, stylised
from .idle_motion import frame_times, idle
from .recipe import LATENT_STRIDE, Recipe, head_of
from .render import HeadRenderer, Rendered
from .speech import SPEECH_RATE, Speech
from .timeline import Timeline, reference_speech, timeline_of
from .voices import voice_of

CLIP, IMAGE, SPEECH, REFERENCE = "clip.mp4", "image.png", "speech.wav", "reference.wav"
SILENT, PREFIX_VIDEO, PREFIX_AUDIO = "silent.mp4", "beginning.mp4", "beginning.wav"
ENCODING = Encoding(crf=12, preset="veryfast")
GIVEN_SHARE = 0.4
"""Share of a clip that the task `continuation` gives, about; a number of 4 n + 1 frames."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class MadeClip:
    """A clip in memory: its timeline, pictures UInt8 [T, S, S, 3] and truth, reference picture [S, S, 3] and sound."""

    timeline: Timeline
    seen: Rendered
    image: Pictures
    reference_text: str
    reference: Speech

    @property
    def facts(self) -> ClipFacts:
        """All that has a name."""
        recipe, voice = self.timeline.recipe, voice_of(head_of(self.timeline.recipe.identity))
        head = head_of(recipe.identity)
        drawn = stylised(head) if recipe.domain == "stylised" else head
        return ClipFacts(
            sample=recipe.name,
            identity=recipe.identity,
            gender=head.gender,
            age=head.age,
            domain=recipe.domain,
            emotion=recipe.emotion,
            intensity=recipe.intensity,
            speech=self.timeline.text,
            reference_text=self.reference_text,
            caption=caption(
                drawn, recipe.domain, recipe.emotion, recipe.intensity, Draws(recipe.seed, "caption")
            ),
            fps=recipe.form.fps,
            frames=recipe.form.frames,
            size=recipe.form.size,
            sample_rate=SPEECH_RATE,
            speech_start=round(self.timeline.start, 4),
            speech_end=round(self.timeline.end, 4),
            hurry=round(self.timeline.hurry, 4),
            pitch=round(voice.pitch, 2),
            tract=round(voice.tract, 4),
            phones=phone_truths(self.timeline),
        )


class ClipMaker:
    """Makes clips; keeps the last person ready to be drawn, so give it clips of one person in a row."""

    def __init__(self) -> None:
        self._key: tuple[int, int, Domain] | None = None
        self._renderer: HeadRenderer | None = None

    def make(self, recipe: Recipe) -> MadeClip:
        """Make one clip.

        Raises:
            InputError: no sentence fits, or a size that cannot be drawn.
            NotInstalledError: the extra `portraits` is not installed.
        """
        timeline = timeline_of(recipe)
        text, reference = reference_speech(recipe, timeline.text)
        renderer = self._ready(recipe)
        # The reference is another moment of the same person, calm and silent: no frame of the clip can be copied.
        rest = idle(recipe.seed >> 9, frame_times(1, recipe.form.fps))
        image = renderer.draw(rest).pictures[0]
        return MadeClip(timeline, renderer.draw(timeline.face), image, text, reference)

    def _ready(self, recipe: Recipe) -> HeadRenderer:
        key = (recipe.identity, recipe.form.size, recipe.domain)
        if self._renderer is None or self._key != key:
            self._renderer = HeadRenderer.build(head_of(recipe.identity), recipe.form.size, recipe.domain)
            self._key = key
        return self._renderer


def write_files(made: MadeClip, folder: Path) -> None:
    """Write the files that every task needs into a folder.

    Raises:
        MediaWriteError: a file cannot be written.
    """
    timeline = made.timeline
    sound = as_float(timeline.sound)
    write_clip(
        folder / CLIP, made.seen.pictures, timeline.recipe.form.fps, sound, SPEECH_RATE, encoding=ENCODING
    )
    write_picture(folder / IMAGE, made.image)
    write_wav(folder / SPEECH, sound, SPEECH_RATE)
    write_wav(folder / REFERENCE, as_float(made.reference.samples), SPEECH_RATE)
    write_truth(folder, timeline, made.seen.truth, made.facts, (folder / CLIP, folder / SPEECH))


def write_task_files(base: Path, folder: Path, task: Task, frames: int, fps: int) -> None:
    """Write what only one task gives, from the files in `base`: the silent clip, or the beginning of the clip."""
    if task is Task.DUBBING:
        copy_picture(base / CLIP, folder / SILENT, frames)
    if task is Task.CONTINUATION:
        from scipy.io import wavfile

        given = given_frames(frames)
        copy_picture(base / CLIP, folder / PREFIX_VIDEO, given)
        _, sound = wavfile.read(base / SPEECH)
        write_wav(folder / PREFIX_AUDIO, sound[: round(given / fps * SPEECH_RATE)], SPEECH_RATE)


def given_frames(frames: int) -> int:
    """Return how many frames of a clip the task `continuation` gives."""
    return LATENT_STRIDE * max(1, round((GIVEN_SHARE * frames - 1) / LATENT_STRIDE)) + 1


def as_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return samples in -1 … 1; nothing is lost."""
    return samples.astype(np.float32) / np.float32(32768)


def write_picture(path: Path, picture: Pictures) -> None:
    """Write a picture [H, W, 3] as PNG."""
    import cv2

    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    if not done:
        raise BenchError(f"{path} cannot be written as PNG")
    write_atomic(path, data.tobytes())


def copy_picture(source: Path, target: Path, frames: int) -> None:
    """Copy the first frames of a clip packet by packet, without its sound; needs a clip without B-frames."""
    import av

    options = {"movflags": "+faststart"}
    with (
        av.open(str(source)) as clip,
        av.open(str(target), mode="w", options=options) as out,
    ):
        stream = clip.streams.video[0]
        copy = out.add_stream_from_template(stream)
        left = frames
        for packet in clip.demux(stream):
            if packet.dts is None or left == 0:
                continue
            packet.stream = copy
            out.mux(packet)
            left -= 1


def in_order_of_people(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return recipes so that clips of one person and domain stand together."""
    return sorted(recipes, key=lambda r: (r.identity, r.domain, r.number))
