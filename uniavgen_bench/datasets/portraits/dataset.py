"""The dataset `portraits`: procedural talking heads whose mouth, voice, identity and emotion are known."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin

from .clip_cache import ensure, folder_of, world_version
from .clip_maker import CLIP, IMAGE, PREFIX_AUDIO, PREFIX_VIDEO, REFERENCE, SILENT, SPEECH
from .clip_truth import FACTS, ClipFacts, ClipTruth, read_truth
from .recipe import DOMAIN_CHOICES, Recipe, draw_recipes, format_of
from .render import LARGEST, SMALLEST
from .sentences import GRAMMARS, SPLITS

MOST_SAMPLES = 100_000


class PortraitsOptions(Frozen):
    """Which clips: `domain` both is half plain, half stylised; `size` in pixels; `seconds` become 4 n + 1 frames.

    `seed` draws people, sentences and emotions; the people and sentences of the splits stay disjoint for every seed.
    `sentences`: `grid` (51 words, always six of them) or `free`.
    """

    split: str = "test"
    samples: int = Field(default=24, ge=1, le=MOST_SAMPLES)
    task: Task = Task.JOINT
    domain: str = "both"
    size: int = 128
    fps: int = Field(default=16, ge=8, le=60)
    seconds: float = Field(default=2.0, ge=1.5, le=12.0)
    seed: int = Field(default=2025, ge=0, lt=2**63)
    sentences: str = "grid"

    @field_validator("split")
    @classmethod
    def _known_split(cls, value: str) -> str:
        return _known("split", value, SPLITS)

    @field_validator("domain")
    @classmethod
    def _known_domain(cls, value: str) -> str:
        return _known("domain", value, DOMAIN_CHOICES)

    @field_validator("sentences")
    @classmethod
    def _known_grammar(cls, value: str) -> str:
        return _known("grammar", value, GRAMMARS)

    @field_validator("size")
    @classmethod
    def _drawable(cls, value: int) -> int:
        if not SMALLEST <= value <= LARGEST or value % 4:
            raise ValueError(f"cannot be {value}: a multiple of 4 from {SMALLEST} to {LARGEST}")
        return value

    def recipes(self) -> tuple[Recipe, ...]:
        """Return what the clips are made of."""
        form = format_of(self.size, self.fps, self.seconds)
        split = next(s for s in SPLITS if s == self.split)
        domain = next(d for d in DOMAIN_CHOICES if d == self.domain)
        grammar = next(g for g in GRAMMARS if g == self.sentences)
        return draw_recipes(split, self.samples, domain, grammar, form, self.seed)


def _known(kind: str, value: str, names: tuple[str, ...]) -> str:
    if value not in names:
        raise ValueError(str(unknown_name(kind, value, names)))
    return value


def load_portraits(options: PortraitsOptions, *, workers: int | None = None) -> Dataset:
    """Return the samples; their clips are made on the way where they are not here yet.

    `reference_audio` stands in every sample, so that a voice can be compared with it; only the task
    `joint_ref_audio` lets a system hear it.

    Raises:
        InputError: clips that cannot be made.
        NotInstalledError: the extra `portraits` is not installed.
    """
    recipes = options.recipes()
    folders = ensure(recipes, options.task, workers=workers)
    samples = tuple(_sample(r, f, options.task) for r, f in zip(recipes, folders, strict=True))
    facts = {
        "split": options.split,
        "samples": str(len(samples)),
        "identities": str(len({r.identity for r in recipes})),
        "world": world_version(),
    }
    return Dataset("portraits", samples, (), facts)


def _sample(recipe: Recipe, folder: Path, task: Task) -> Sample:
    facts = ClipFacts.model_validate_json((folder / FACTS).read_bytes())
    extra = folder_of(recipe, task)
    video = {Task.DUBBING: extra / SILENT, Task.CONTINUATION: extra / PREFIX_VIDEO}
    audio = {Task.AUDIO_DRIVEN: folder / SPEECH, Task.CONTINUATION: extra / PREFIX_AUDIO}
    return Sample(
        id=recipe.name,
        task=task,
        image=folder / IMAGE,
        caption=facts.caption,
        speech=facts.speech,
        reference_audio=folder / REFERENCE,
        reference_text=facts.reference_text,
        condition_audio=audio.get(task),
        condition_video=video.get(task),
        facts={
            "identity": f"person-{facts.identity}",
            "gender": facts.gender,
            "age": facts.age,
            "emotion": facts.emotion,
            "intensity": f"{facts.intensity:.2f}",
            "domain": facts.domain,
            "split": recipe.split,
            # Metrics against the truth find it here; no system but the control `ground-truth` reads it.
            "truth": str((folder / FACTS).absolute()),
        },
    )


def clip_of(sample: Sample) -> Path:
    """Return the true clip of a sample of this dataset.

    Raises:
        InputError: a sample of another dataset, or its clip is gone.
    """
    return _folder(sample) / CLIP


def truth_of(sample: Sample) -> ClipTruth:
    """Return what is true of a sample of this dataset; raises InputError as `clip_of`."""
    return read_truth(_folder(sample))


def _folder(sample: Sample) -> Path:
    folder = sample.image.parent if sample.image is not None else None
    if folder is None or not (folder / FACTS).is_file() or not (folder / CLIP).is_file():
        raise InputError(f"sample {sample.id!r} has no true clip: it is not of the dataset portraits")
    return folder


PLUGIN = DatasetPlugin(
    name="portraits",
    summary="procedural talking heads with the truth of every frame; made on this machine",
    options=PortraitsOptions,
    load=load_portraits,
)
