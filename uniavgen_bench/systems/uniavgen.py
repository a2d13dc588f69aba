"""The system `uniavgen-nano`: the reference model at its smallest, trained on the portrait world; all five tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.given import Float32, sound_of, spoken_text
from uniavgen_bench.systems.system import Job, SystemPlugin

if TYPE_CHECKING:
    from reference_model import Nano, Sampling
    from reference_model.generate import Clip

RATE, FPS, LATENT_STRIDE = 24_000, 16, 4
Alignment = Literal["ati", "sti", "sgi", "none"]


class UniAVGenNanoOptions(Frozen):
    """`weights`: a folder (None: those of the package); `variant`: a file that an ablation trained, put over them.

    `frames`: of a clip whose length the task leaves open, 4 n + 1. `a2v`, `v2a`, `window`, `face_modulation`: ablations
    without training; None leaves them as trained. `guidance` and what follows: how to sample.
    """

    weights: Path | None = None
    variant: Path | None = None
    frames: int = Field(default=33, ge=5, le=241)
    a2v: Alignment | None = None
    v2a: Alignment | None = None
    window: int | None = Field(default=None, ge=0, le=64)
    face_modulation: Literal["on", "off"] | None = None
    guidance: Literal["ma_cfg", "cfg", "none"] = "ma_cfg"
    scale_video: float = Field(default=2.0, ge=0, le=20)
    scale_audio: float = Field(default=2.0, ge=0, le=20)
    share: float = Field(default=0.5, ge=0, le=1)
    steps: int = Field(default=16, ge=1, le=200)

    @field_validator("frames")
    @classmethod
    def _whole_latents(cls, value: int) -> int:
        if (value - 1) % LATENT_STRIDE:
            raise ValueError(f"must be 4 n + 1, got {value}")
        return value


class UniAVGenNano:
    """Keeps the model loaded."""

    def __init__(self, options: UniAVGenNanoOptions) -> None:
        self._options = options
        self._loaded: tuple[str, Nano] | None = None

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip; what the task gives whole, sound or picture, stands in it as it was given.

        Raises:
            MissingError: no weights, or the sample lacks what the task needs.
        """
        sample = job.sample
        model = self._model(job.device)
        text = spoken_text(sample) if sample.task is not Task.AUDIO_DRIVEN else sample.speech or ""
        joined = sample.task is Task.JOINT_REF_AUDIO
        try:
            clip = model.generate(
                sample.image if sample.condition_video is None else None,
                speech=text,
                caption=sample.caption or "",
                task=_task(sample.task),
                video=sample.condition_video,
                audio=sample.condition_audio,
                reference_audio=sample.reference_audio if joined else None,
                reference_speech=(sample.reference_text or "") if joined else None,
                frames=self._frames(job),
                seed=job.seed % 2**63,
                sampling=self._sampling(),
            )
        except ValueError as error:
            raise MissingError(Reason.NOT_GENERATED, str(error)) from error
        self._write(job, clip)

    def _write(self, job: Job, clip: Clip) -> None:
        frames = clip.frames.numpy()
        sound: Float32 = clip.samples.numpy().astype(np.float32) / np.float32(32768)
        if job.sample.task is Task.AUDIO_DRIVEN and job.sample.condition_audio is not None:
            sound = sound_of(job.sample.condition_audio, RATE)
        write_clip(job.out, list(frames), FPS, sound, RATE)

    def _frames(self, job: Job) -> int:
        """How many frames the clip has: as many as what is given lasts, else as the options say."""
        sample = job.sample
        if sample.task is Task.DUBBING and sample.condition_video is not None:
            from reference_model.media import read_frames

            return len(read_frames(sample.condition_video))
        if sample.task is Task.AUDIO_DRIVEN and sample.condition_audio is not None:
            seconds = len(sound_of(sample.condition_audio, RATE)) / RATE
            # A mel frame of rounding is not worth a latent of silence.
            return LATENT_STRIDE * max(1, int(np.ceil((seconds * FPS - 1) / LATENT_STRIDE - 0.05))) + 1
        return self._options.frames

    def _model(self, device: str) -> Nano:
        if self._loaded is None or self._loaded[0] != device:
            self._loaded = device, self._load(device)
        return self._loaded[1]

    def _load(self, device: str) -> Nano:
        import reference_model as rm
        from reference_model.nano_model import HERE, read_variant_params
        from reference_model.params import read_params

        o = self._options
        try:
            described = (o.weights or HERE) / "params.json"
            trained = read_variant_params(o.variant) if o.variant is not None else read_params(described)
            params = rm.with_ablation(
                trained, a2v=o.a2v, v2a=o.v2a, window=o.window, face_modulation=o.face_modulation
            )
            return rm.load("nano", o.weights, variant=o.variant, params=params, device=device)
        except (OSError, ValueError) as error:
            raise MissingError(Reason.WEIGHTS, f"uniavgen-nano: {error}") from error

    def _sampling(self) -> Sampling:
        import reference_model as rm
        from reference_model.nano_model import nano_sampling

        o = self._options
        kinds: dict[str, rm.MaCfg | rm.Cfg | rm.NoGuidance] = {
            "ma_cfg": rm.MaCfg(o.scale_video, o.scale_audio, o.share, None),
            "cfg": rm.Cfg(o.scale_video, o.scale_audio),
            "none": rm.NoGuidance(),
        }
        return replace(nano_sampling(o.steps), guidance=kinds[o.guidance])


def _task(task: Task | None) -> Any:
    if task is None:
        raise MissingError(Reason.NOT_GENERATED, "the dataset names no task")
    return task.value


FACTORS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "interaction": {
        "on": {},
        "to-video": {"v2a": "none"},
        "to-audio": {"a2v": "none"},
        "off": {"a2v": "none", "v2a": "none"},
    },
    "face_modulation": {"on": {"face_modulation": "on"}, "off": {"face_modulation": "off"}},
    "guidance": {"ma_cfg": {"guidance": "ma_cfg"}, "cfg": {"guidance": "cfg"}, "none": {"guidance": "none"}},
}

PLUGIN = SystemPlugin(
    name="uniavgen-nano",
    summary="the reference model, small, trained on the portrait world: picture and voice made together",
    make=UniAVGenNano,
    options=UniAVGenNanoOptions,
    factors=FACTORS,
)
