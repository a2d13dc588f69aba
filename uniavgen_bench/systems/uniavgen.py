"""The system `uniavgen-nano`: the reference model at its smallest, trained on the portrait world; all five tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Task
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.given import Float32, sound_of, spoken_text
from uniavgen_bench.systems.system import Job, SystemPlugin
from uniavgen_bench.systems.uniavgen_options import (
    LATENT_STRIDE,
    Alignment,
    UniAVGenNanoOptions,
    check_masks,
    check_window,
)
from uniavgen_bench.systems.uniavgen_weights import files_sha256, nano_files

if TYPE_CHECKING:
    from reference_model import Nano, Sampling
    from reference_model.generate import Clip
    from reference_model.params import ModelParams

RATE, FPS = 24_000, 16


class UniAVGenNano:
    """Keeps the model loaded."""

    def __init__(self, options: UniAVGenNanoOptions) -> None:
        self._options = options
        self._loaded: tuple[str, Nano] | None = None
        self._identity: str | None = None

    def identity(self) -> str:
        """Return what beside options and seed makes the clips: the SHA-256 of the weights, or that they are not here.

        Clips of other weights are then made again.
        """
        if self._identity is None:
            try:
                self._identity = files_sha256(nano_files(self._options.weights, self._options.variant))
            except MissingError as error:
                return error.missing.reason.value
        return self._identity

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip; what the task gives whole, sound or picture, stands in it as it was given.

        Raises:
            MissingError: no weights, or the sample lacks what the task needs.
        """
        with one_thread():
            self._write(job, self._made(job))

    def _made(self, job: Job) -> Clip:
        sample = job.sample
        model = self._model(job.device)
        text = spoken_text(sample) if sample.task is not Task.AUDIO_DRIVEN else sample.speech or ""
        joined = sample.task is Task.JOINT_REF_AUDIO
        try:
            return model.generate(
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
        from reference_model.nano_model import read_variant_params
        from reference_model.params import read_params

        o = self._options
        files = nano_files(o.weights, o.variant)
        try:
            trained = (
                read_params(files.folder / "params.json")
                if files.variant is None
                else read_variant_params(files.variant)
            )
            params = rm.with_ablation(
                trained, a2v=o.a2v, v2a=o.v2a, window=o.window, face_modulation=o.face_modulation
            )
            _check_choices(o, trained, params)
            return rm.load(
                "nano", files.folder, variant=files.variant, video_codec=files.video_codec, params=params,
                device=device,
            )  # fmt: skip
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


def _check_choices(options: UniAVGenNanoOptions, trained: ModelParams, params: ModelParams) -> None:
    """Raise a ValueError for what only the file says: which windows there are, and whether masks were trained."""
    if options.window is not None:
        with _named("window"):
            check_window(options.window, params.interaction.a2v, params.interaction.aligner)
    if options.face_modulation is not None:
        with _named("face_modulation"):
            check_masks(options.face_modulation, trained.face_modulation)


@contextmanager
def _named(option: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{option} {error}") from error


def _task(task: Task | None) -> Any:
    if task is None:
        raise MissingError(Reason.NOT_GENERATED, "the dataset names no task")
    return task.value


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that a clip has the same bytes whatever the number of processes and threads of a run.

    Sums over more threads are added in another order; and processes that each use every core wait for one another.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


Level = Mapping[str, Any]


def _levels(*levels: tuple[str, Level]) -> dict[str, dict[str, Any]]:
    """Return the options that each level sets: none where all are the defaults, for that is the plain system."""
    return {name: {} if patch == _defaults(*patch) else dict(patch) for name, patch in levels}


def _defaults(*names: str) -> dict[str, Any]:
    return {name: UniAVGenNanoOptions.model_fields[name].default for name in names}


ALIGNMENTS: tuple[Alignment, ...] = ("ati", "sti", "sgi", "none")
SCALES = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
FACTORS: Mapping[str, Mapping[str, Level]] = {
    "interaction": _levels(
        ("on", {"a2v": None, "v2a": None}),
        ("to-video", {"v2a": "none"}),
        ("to-audio", {"a2v": "none", **_defaults("window")}),
        ("off", {"a2v": "none", "v2a": "none", **_defaults("window", "face_modulation")}),
    ),
    "a2v": _levels(
        ("trained", {"a2v": None}),
        *((name, {"a2v": name, **({} if name == "ati" else _defaults("window"))}) for name in ALIGNMENTS),
    ),
    "v2a": _levels(("trained", {"v2a": None}), *((name, {"v2a": name}) for name in ALIGNMENTS)),
    "face_modulation": _levels(
        ("on", {"face_modulation": None}),
        ("even", {"face_modulation": "even"}),
        ("off", {"face_modulation": "off"}),
    ),
    "guidance": _levels(
        ("ma_cfg", {"guidance": "ma_cfg"}),
        ("cfg", {"guidance": "cfg", **_defaults("share")}),
        ("none", {"guidance": "none", **_defaults("scale_video", "scale_audio", "share")}),
    ),
    "scale": _levels(*((f"{scale:g}", {"scale_video": scale, "scale_audio": scale}) for scale in SCALES)),
}
"""`interaction`: which branch hears the other; `scale`: both scales at once. Scales of one branch, `share`, `window`,
`steps` and `variant` are factors as options are. A level puts back to its default what it leaves without effect, so
that a system with other scales or another window can be varied."""

PLUGIN = SystemPlugin(
    name="uniavgen-nano",
    summary="the reference model, small, trained on the portrait world: picture and voice made together",
    make=UniAVGenNano,
    options=UniAVGenNanoOptions,
    factors=FACTORS,
    tasks=tuple(Task),
    fps="16",
    precision="float32",
)
