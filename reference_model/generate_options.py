"""Options of the command `generate`: each of them changes the clip, or is refused with the reason."""

from pathlib import Path

import torch

from reference_model.atomic import check_writable
from reference_model.codecs.speech_text import Language, SpeechVocabulary, speech_symbols
from reference_model.guidance import Cfg, Guidance, MaCfg, NoGuidance, Task, task_exchange
from reference_model.params import Alignment, Convention, FaceModulation, ModelParams, with_ablation
from reference_model.pipeline import Sampling
from reference_model.place import no_device


def chosen_guidance(
    kind: str,
    usual: Guidance,
    scale_video: float | None,
    scale_audio: float | None,
    share: float | None,
    skip_layer: int | None,
) -> Guidance:
    """The guidance of a kind, with what is None as usual. ValueError for an option that the kind does not use."""
    assert isinstance(usual, MaCfg)
    given = {"scale-video": scale_video, "scale-audio": scale_audio, "skip-layer": skip_layer, "share": share}
    used = {"ma_cfg": set(given), "cfg": set(given) - {"share"}, "none": set[str]()}[kind]
    for name, value in given.items():
        if value is not None and name not in used:
            raise ValueError(f"--{name} has no effect with guidance {kind}; leave it out")
    video = usual.scale_video if scale_video is None else scale_video
    audio = usual.scale_audio if scale_audio is None else scale_audio
    skip = usual.skip_layer if skip_layer is None else skip_layer if skip_layer >= 0 else None
    if kind == "ma_cfg":
        return MaCfg(video, audio, usual.share if share is None else share, skip)
    return Cfg(video, audio, skip) if kind == "cfg" else NoGuidance()


def chosen_params(
    trained: ModelParams,
    task: Task,
    sampling: Sampling,
    *,
    a2v: Alignment | None,
    v2a: Alignment | None,
    window: int | None,
    aligner: Convention | None,
    face_modulation: FaceModulation | None,
) -> ModelParams:
    """The params with the ablations that were asked for. ValueError for one that changes nothing in this task."""
    params = with_ablation(
        trained, a2v=a2v, v2a=v2a, window=window, aligner=aligner, face_modulation=face_modulation
    )
    exchange = task_exchange(task, sampling.convention)
    to_video = exchange.conditional.a2v or exchange.null.a2v
    to_audio = exchange.conditional.v2a or exchange.null.v2a
    for name, value, flows in (("a2v", a2v, to_video), ("window", window, to_video), ("v2a", v2a, to_audio)):
        if value is not None and not flows:
            branch = "sound" if name == "v2a" else "picture"
            raise ValueError(
                f"--{name} has no effect in task {task}, where nothing flows to the {branch}; leave it out"
            )
    if window is not None:
        _require_window(window, params)
    reach = params.interaction
    silent = (reach.a2v == "none" or not to_video) and (reach.v2a == "none" or not to_audio)
    for name, choice in (("aligner", aligner), ("face-modulation", face_modulation)):
        if choice is not None and silent:
            raise ValueError(
                f"--{name} has no effect where nothing flows: a2v is {reach.a2v}, v2a {reach.v2a}; leave it out"
            )
    return params


def _require_window(window: int, params: ModelParams) -> None:
    a2v, aligner = params.interaction.a2v, params.interaction.aligner
    if a2v != "ati":
        raise ValueError(f"--window has no effect where a2v is {a2v}: only ati has a window; leave it out")
    if aligner == "released" and window % 2 == 0:
        names = f"{window - 1} or {window + 1}" if window else "1"
        raise ValueError(f"--window must be odd: {window} reaches just as far as {window + 1}; name {names}")


def require_known_symbols(vocabulary: SpeechVocabulary, language: Language, **texts: str | None) -> None:
    """Raise a ValueError that names what a vocabulary lacks of texts; the model would take it for spaces."""
    for name, text in texts.items():
        if unknown := vocabulary.unknown(speech_symbols(text or "", language)):
            shown = f"{' '.join(map(repr, unknown[:8]))}{' ...' if len(unknown) > 8 else ''}"
            option = name.replace("_", "-")
            raise ValueError(
                f"--{option} holds what nano cannot say: {shown}; it knows printable ASCII alone"
            )


def require_speech(task: Task, speech: str) -> None:
    """Raise a ValueError where a task makes a voice that has nothing to say."""
    if task != "audio_driven" and not speech.strip():
        raise ValueError(f"task {task} needs --speech: what is said")


def require_device(name: str) -> None:
    """Raise a ValueError where torch cannot compute on a device; in one line, of the many that torch prints."""
    try:
        # The device `meta` has tensors, but none of them has values.
        torch.ones(1, device=name).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(no_device(name, error)) from error


def require_mp4(output: Path) -> None:
    """Raise a ValueError where a clip could not be written: another ending, or a folder that may not be written to."""
    if output.suffix != ".mp4" or output.is_dir():
        raise ValueError(f"the output is an .mp4 file, got {output}")
    check_writable(output)
