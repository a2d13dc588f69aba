"""The system `uniavgen-nano`: what a task gives in, a clip or a reason out."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save
from training_world import FRAMES, SAID, SIZE, write_nano

from reference_model import nano_model
from reference_model.media import read_frames, read_waveform
from reference_model.nano_model import VARIANT, weights_sha256
from reference_model.training.config import TrainModel, read_recipe
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.runner.clip_work import ClipWork, WorkerConfig
from uniavgen_bench.runner.make_clip import _system, make_clip
from uniavgen_bench.systems.system import Job
from uniavgen_bench.systems.uniavgen import FACTORS, PLUGIN, UniAVGenNano
from uniavgen_bench.systems.uniavgen_options import UniAVGenNanoOptions
from uniavgen_bench.systems.uniavgen_weights import nano_files

SECONDS = FRAMES / 16


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_nano(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    picture = np.full((SIZE, SIZE, 3), 120, np.uint8)
    cv2.imwrite(str(folder / "image.png"), picture)
    sound = (0.3 * np.sin(np.arange(round(SECONDS * 24_000)) / 15)).astype(np.float32)
    write_wav(folder / "speech.wav", sound, 24_000)
    write_clip(folder / "silent.mp4", [picture] * FRAMES, 16)
    return Sample(
        id="one", image=folder / "image.png", speech=SAID[0], caption="A square.", task=Task.JOINT,
        condition_audio=folder / "speech.wav", condition_video=folder / "silent.mp4",
    )  # fmt: skip


def made(weights: Path, sample: Sample, out: Path, **options: object) -> Path:
    chosen = UniAVGenNanoOptions.model_validate({"weights": weights, "steps": 2, "frames": FRAMES, **options})
    PLUGIN.make(chosen).generate(Job(sample, 0, 5, out))
    return out


@pytest.mark.parametrize("task", [Task.JOINT, Task.DUBBING, Task.AUDIO_DRIVEN])
def test_a_clip_is_as_long_as_what_is_given(
    weights: Path, sample: Sample, tmp_path: Path, task: Task
) -> None:
    kept = {Task.DUBBING: "condition_video", Task.AUDIO_DRIVEN: "condition_audio"}.get(task)
    given = {
        name: getattr(sample, name) if name == kept else None
        for name in ("condition_video", "condition_audio")
    }
    clip = made(weights, sample.model_copy(update={"task": task, **given}), tmp_path / "clip.mp4")
    assert read_frames(clip).shape == (FRAMES, 128, 128, 3)
    assert len(read_waveform(clip)) / 24_000 == pytest.approx(SECONDS, abs=0.05)


def test_what_a_sample_or_the_machine_lacks_is_a_reason(
    weights: Path, sample: Sample, tmp_path: Path
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    with pytest.raises(MissingError) as error:
        made(tmp_path / "nowhere", alone, tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.WEIGHTS
    with pytest.raises(MissingError) as error:
        made(weights, alone.model_copy(update={"speech": None}), tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.NO_TRANSCRIPT
    with pytest.raises(MissingError) as error:
        made(weights, alone.model_copy(update={"image": None}), tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.NOT_GENERATED
    assert not (tmp_path / "clip.mp4").exists()


def test_every_level_of_every_factor_is_a_choice_of_options(
    weights: Path, sample: Sample, tmp_path: Path
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    for factor, levels in FACTORS.items():
        first, *_, last = levels.values()
        assert first == {} or factor == "scale"
        plain, other = (
            read_frames(made(weights, alone, tmp_path / f"{factor}-{i}.mp4", **patch))
            for i, patch in enumerate(({}, last))
        )
        assert not torch.equal(plain, other), factor
        for patch in levels.values():
            UniAVGenNanoOptions.model_validate(patch)


def test_the_level_that_is_the_default_is_the_plain_system() -> None:
    plain = UniAVGenNanoOptions()
    for factor, levels in FACTORS.items():
        same = [name for name, patch in levels.items() if UniAVGenNanoOptions.model_validate(patch) == plain]
        assert len(same) == 1 and levels[same[0]] == {}, factor


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("interaction_sti_stu", "did you mean 'interaction_sti_sti'"),
        ("face_fix", "did you mean 'face_fixed'"),
        ("qqqq", "there are: interaction_sgi_sgi"),
    ],
)
def test_unknown_variant_names_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        UniAVGenNanoOptions.model_validate({"variant": name})


@pytest.mark.parametrize(
    ("gone", "variant", "said"),
    [
        ("model.safetensors", None, "train nano_cpu"),
        ("video_codec.safetensors", None, "train nano_codec"),
        ("", "face_fixed", "train ablation_face_fixed"),
        ("", "elsewhere/variant.safetensors", "save: trained"),
    ],
)
def test_an_absent_file_says_what_trains_it(
    weights: Path, tmp_path: Path, gone: str, variant: str | None, said: str
) -> None:
    folder = shutil.copytree(weights, tmp_path / "nano")
    if gone:
        (folder / gone).unlink()
    with pytest.raises(MissingError, match=said) as error:
        nano_files(folder, variant)
    assert error.value.missing.reason is Reason.WEIGHTS and "\n" not in str(error.value)


def test_the_way_to_an_absent_variant_ends_where_it_is_looked_for(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(weights, tmp_path / "my nano")
    monkeypatch.chdir(tmp_path)
    for attempt in range(2):
        with pytest.raises(MissingError) as error:
            nano_files(folder, "face_fixed")
        command, *copying = str(error.value).split(": ")[-1].split(" && ")
        assert command == "python -m reference_model train ablation_face_fixed"
        assert ("mkdir" in copying[0]) == (attempt == 0), "only where the folder is not there"
        recipe = read_recipe("ablation_face_fixed")
        assert isinstance(recipe, TrainModel) and recipe.init is not None
        assert f"over the same model.safetensors in {recipe.init}" in str(error.value)
        write_variant(weights, tmp_path / recipe.out / VARIANT)
        for line in copying:
            subprocess.run(shlex.split(line), check=True)
        assert nano_files(folder, "face_fixed").variant == folder / "ablations" / "face_fixed.safetensors"
        (folder / "ablations" / "face_fixed.safetensors").unlink()


def write_variant(weights: Path, path: Path, **params: object) -> Path:
    """A variant whose interaction is the folder's, larger; its header may say other params."""
    tensors = {n: 3.0 * t for n, t in load_file(weights / "model.safetensors").items() if n.startswith("a2v")}
    path.parent.mkdir(parents=True, exist_ok=True)
    own = json.loads((weights / "params.json").read_text())
    header = {"params": json.dumps(own | params), "base": weights_sha256(weights)}
    path.write_bytes(save(tensors, metadata=header))
    return path


def test_a_variant_goes_over_the_weights_of_its_folder(weights: Path, sample: Sample, tmp_path: Path) -> None:
    folder = shutil.copytree(weights, tmp_path / "nano")
    path = write_variant(weights, folder / "ablations" / "face_fixed.safetensors")
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    plain = read_frames(made(folder, alone, tmp_path / "plain.mp4"))
    named = read_frames(made(folder, alone, tmp_path / "named.mp4", variant="face_fixed"))
    by_path = read_frames(made(folder, alone, tmp_path / "path.mp4", variant=str(path)))
    assert torch.equal(named, by_path) and not torch.equal(named, plain)
    assert nano_files(folder, "face_fixed").video_codec == folder / "video_codec.safetensors"


def test_a_variant_that_does_not_fit_is_a_reason(weights: Path, sample: Sample, tmp_path: Path) -> None:
    folder = shutil.copytree(weights, tmp_path / "nano")
    path = write_variant(weights, folder / "ablations" / "face_fixed.safetensors")
    tensors = {name: tensor[:1] for name, tensor in load_file(path).items()}
    header = {"params": (weights / "params.json").read_text(), "base": weights_sha256(weights)}
    path.write_bytes(save(tensors, metadata=header))
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    with pytest.raises(MissingError, match="does not fit: a2v_blocks") as error:
        made(folder, alone, tmp_path / "clip.mp4", variant="face_fixed")
    assert error.value.missing.reason is Reason.WEIGHTS and "\n" not in str(error.value)


@pytest.mark.parametrize(("window", "said"), [(4, "window must be odd: 4 reaches just as far as 5"), (5, "")])
def test_weights_that_a_folder_names_say_what_a_window_is(
    weights: Path, sample: Sample, tmp_path: Path, window: int, said: str
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    if not said:
        assert made(weights, alone, tmp_path / "clip.mp4", window=window).is_file()
        return
    with pytest.raises(MissingError, match=said):
        made(weights, alone, tmp_path / "clip.mp4", window=window)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("off", "face_modulation has no effect: the weights were trained with off"),
        ("even", "face_modulation cannot be even"),
    ],
)
def test_a_variant_that_a_path_names_says_whether_it_knows_masks(
    weights: Path, sample: Sample, tmp_path: Path, choice: str, said: str
) -> None:
    path = write_variant(weights, tmp_path / "own.safetensors", face_modulation="off")
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    with pytest.raises(MissingError, match=said) as error:
        made(weights, alone, tmp_path / "clip.mp4", variant=str(path), face_modulation=choice)
    assert error.value.missing.reason is Reason.WEIGHTS


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"frequency": None}, "frequency: input should be a valid integer"),
        ({"layers": 10**9}, "layers: input should be less than"),
        ({"eps": 1e-3}, "is of another model than .*: they differ in eps"),
    ],
)
def test_a_header_that_is_damaged_is_a_reason(
    weights: Path, sample: Sample, tmp_path: Path, damage: dict[str, object], said: str
) -> None:
    path = write_variant(weights, tmp_path / "own.safetensors", **damage)
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    with pytest.raises(MissingError, match=said) as error:
        made(weights, alone, tmp_path / "clip.mp4", variant=str(path))
    assert error.value.missing.reason is Reason.WEIGHTS and "\n" not in str(error.value)


def test_clips_are_known_by_the_bytes_of_their_weights(weights: Path, tmp_path: Path) -> None:
    def identity(folder: Path) -> str:
        return UniAVGenNano(UniAVGenNanoOptions(weights=folder)).identity()

    folder = shutil.copytree(weights, tmp_path / "copy")
    assert identity(folder) == identity(weights) and len(identity(folder)) == 64
    write_variant(weights, folder / "model.safetensors")
    assert identity(folder) != identity(weights)
    assert identity(tmp_path / "nowhere") == "weights"


def test_the_number_of_threads_changes_no_byte(
    weights: Path, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    seen: list[int] = []
    plain = nano_model.generate

    def watched(*arguments: object) -> object:
        seen.append(torch.get_num_threads())
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(nano_model, "generate", watched)
    clips = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            clips.append(made(weights, alone, tmp_path / f"{threads}.mp4").read_bytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(1)
    assert seen == [1, 1] and clips[0] == clips[1]


def test_a_clip_of_other_weights_is_made_again(weights: Path, sample: Sample, tmp_path: Path) -> None:
    folder = shutil.copytree(weights, tmp_path / "nano")
    options = UniAVGenNanoOptions(weights=folder, steps=1, frames=FRAMES).model_dump_json()
    config = WorkerConfig(tmp_path, tmp_path / "store", (), (("uniavgen-nano", options),), "cpu", 1, "none")
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    work = ClipWork(ClipKey(system="nano", sample="one"), alone, None, 0, seed=5)

    def made_now() -> tuple[str, int]:
        _system.cache_clear()
        path = make_clip(config, work)
        return str(json.loads(path.with_suffix(".json").read_text())["identity"]), path.stat().st_mtime_ns

    first, again = made_now(), made_now()
    assert first == again
    write_trained = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").write_bytes(save({n: 0.5 * t for n, t in write_trained.items()}))
    other = made_now()
    assert other[0] != first[0] and other[1] > first[1]
