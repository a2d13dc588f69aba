"""The cascades `F5-TTS -> X` for every audio-driven X: speech first, then a face for it, as in the paper's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from pydantic import create_model

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Missing, MissingError
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.mux import write_wav
from uniavgen_bench.systems.external import (
    f5_tts,
    hunyuanvideo_avatar,
    latentsync,
    ltx_2,
    meigen,
    musetalk,
    omniavatar,
    sadtalker,
    uniavgen_released,
    wan22_s2v,
    wav2lip,
)
from uniavgen_bench.systems.external.external import HOW_ONLY, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import ExternalSystem, external_plugin
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.system import Job, JobDone, SystemPlugin


class _CascadeOptions(Protocol):
    speech: f5_tts.F5TTSOptions
    video: ExternalOptions


class CascadeSystem:
    """F5-TTS and one audio-driven system; `speech` and `video` are their options."""

    def __init__(self, external: External, options: Any) -> None:
        both = cast(_CascadeOptions, options)
        self.speech = ExternalSystem(f5_tts.EXTERNAL, both.speech)
        self.video = ExternalSystem(external, both.video)

    @property
    def parts(self) -> tuple[ExternalSystem, ...]:
        """Both stages."""
        return self.speech, self.video

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def ready(self, samples: Sequence[Sample]) -> None:
        """Check both stages; raises `InputError`."""
        with _options_of("speech"):
            self.speech.ready(samples)
        with _options_of("video"):
            self.video.ready([s.model_copy(update={"task": Task.AUDIO_DRIVEN}) for s in samples])

    def identity(self) -> str:
        """Return what makes the clips of both stages."""
        return f"{self.speech.identity()} -> {self.video.identity()}"

    def checkouts(self) -> dict[str, str]:
        """Return the commits of both checkouts."""
        return self.speech.checkouts() | self.video.checkouts()

    def generate(self, job: Job) -> None:
        """Write one clip; raises `MissingError` with the reason."""
        problems: list[Missing] = []

        def done(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
            problems.extend([missing] if missing is not None else [])

        self.generate_many([job], job.out.with_suffix(".jobs"), done)
        if problems:
            raise MissingError(problems[0].reason, problems[0].detail)

    def generate_many(self, jobs: Sequence[Job], folder: Path, done: JobDone) -> None:
        """Speak all texts, then make the clips; sounds stay in `folder/speech`."""
        sounds = {i: folder / "speech" / f"{i:04d}.wav" for i in range(len(jobs))}
        spoken: dict[int, Mapping[str, Any]] = {}

        def heard(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
            if missing is None:
                spoken[index] = facts
            else:
                spoken.pop(index, None)
                done(index, Missing(missing.reason, f"speech: {missing.detail}"), facts)

        self.speech.generate_many(
            [replace(job, out=sounds[i]) for i, job in enumerate(jobs)], folder / "speech", heard
        )
        numbers = sorted(spoken)
        if not numbers:
            return

        def seen(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
            number = numbers[index]
            said = spoken[number]
            media = f"{facts.get('media', '')}; the speech: {said.get('media', '')}"
            done(number, missing, {**facts, "media": media, "speech": dict(said)})

        self.video.generate_many([_driven(jobs[n], sounds[n]) for n in numbers], folder / "video", seen)

    def shown(self, jobs: Sequence[Job], scratch: Path) -> list[Prepared | dict[str, Missing]]:
        """Prepare both stages; a tone stands for speech that is not there yet."""
        found = self.speech.shown(jobs, scratch / "speech")
        placeholder = scratch / "speech_to_come.wav"
        scratch.mkdir(parents=True, exist_ok=True)
        tone = (0.1 * np.sin(np.arange(4 * 24_000) / 20)).astype(np.float32)
        write_wav(placeholder, tone, 24_000)
        return found + self.video.shown([_driven(job, placeholder) for job in jobs], scratch / "video")


@contextmanager
def _options_of(stage: str) -> Iterator[None]:
    """Name the options of a stage in its errors as a suite has them: `options.video.at_once`."""
    try:
        yield
    except InputError as error:
        what, way_out = (
            text and text.replace("options.", f"options.{stage}.") for text in (error.what, error.way_out)
        )
        raise InputError(what or "", where=error.where, way_out=way_out) from None


def _driven(job: Job, sound: Path) -> Job:
    sample = job.sample.model_copy(update={"task": Task.AUDIO_DRIVEN, "condition_audio": sound})
    return replace(job, sample=sample)


def _cascade(external: External) -> SystemPlugin:
    name = f"f5-tts-{external.name}"
    options = create_model(
        f"F5TTSThen{external.options.__name__}", __base__=Frozen,
        speech=(f5_tts.F5TTSOptions, f5_tts.F5TTSOptions()),
        video=(external.options, ...),
    )  # fmt: skip
    options.__doc__ = f"`speech`: options of F5-TTS. `video`: options of {external.name}."
    facts = replace(
        external, name=name, title=f"F5-TTS, then {external.title}", tasks=f5_tts.EXTERNAL.tasks,
        licence=f"{f5_tts.EXTERNAL.licence}; {external.licence}",
    )  # fmt: skip
    plain = external_plugin(facts)
    how = frozenset(f"{part}.{key}" for part in ("speech", "video") for key in HOW_ONLY)
    return replace(plain, make=lambda given: CascadeSystem(external, given), options=options, how_only=how)


OMNIAVATAR = _cascade(omniavatar.EXTERNAL)
WAN22_S2V = _cascade(wan22_s2v.EXTERNAL)
LTX_2 = _cascade(ltx_2.EXTERNAL)
INFINITETALK = _cascade(meigen.INFINITETALK)
MULTITALK = _cascade(meigen.MULTITALK)
HUNYUANVIDEO_AVATAR = _cascade(hunyuanvideo_avatar.EXTERNAL)
UNIAVGEN = _cascade(uniavgen_released.EXTERNAL)
LATENTSYNC = _cascade(latentsync.EXTERNAL)
MUSETALK = _cascade(musetalk.EXTERNAL)
SADTALKER = _cascade(sadtalker.EXTERNAL)
WAV2LIP = _cascade(wav2lip.EXTERNAL)

ALL: tuple[SystemPlugin, ...] = (
    OMNIAVATAR, WAN22_S2V, LTX_2, INFINITETALK, MULTITALK, HUNYUANVIDEO_AVATAR, UNIAVGEN, LATENTSYNC, MUSETALK,
    SADTALKER, WAV2LIP,
)  # fmt: skip
