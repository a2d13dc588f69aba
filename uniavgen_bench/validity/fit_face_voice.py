"""Fit the reader of voices of `timbre.face_voice`, test the metric on other clips, and write the model card.

    python -m uniavgen_bench.validity.fit_face_voice TRAIN/clips.csv TEST/clips.csv

Clips of TRAIN whose licence permits it, and people of the portrait world's split `train`, are fitted on. A training
clip counts as a man's or a woman's voice where its face and its pitch say the same without doubt. Clips of TEST whose
sound is also in TRAIN are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.datasets.portraits.recipe import FIRST_IDENTITY, IDENTITIES
from uniavgen_bench.metrics.timbre_face_voice import READER_FILE, agreement
from uniavgen_bench.metrics.timbre_face_voice_voices import VoiceReader, save_reader
from uniavgen_bench.validity.clip_sets import licence_permits, read_clips
from uniavgen_bench.validity.face_voice_clips import (
    SAME_VOICE,
    MadeVoice,
    TalkingPerson,
    balanced,
    distinct_voices,
    fit_logistic,
    look_and_listen,
    made_voices,
)
from uniavgen_bench.validity.taught import OF_VOICES
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CARD = Path("reports") / "models" / "face_voice.md"
GENDER_RIDGE, AGE_RIDGE = 3e-4, 1e-5
FOLDS = 5
RESAMPLES = 1000
SEED = 20251116


@dataclass(frozen=True)
class Measured:
    """A statistic with its 95 % percentile bootstrap interval over clips."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Render as `0.93 [0.88, 0.97]`."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc(positive: Float64, negative: Float64) -> float:
    """Return the probability that a positive is above a negative; ties count half."""
    from scipy.stats import rankdata

    if not len(positive) or not len(negative):
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))
    count = len(positive)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(negative)))


def fit_reader(made: Sequence[MadeVoice], people: Sequence[TalkingPerson]) -> tuple[VoiceReader, int]:
    """Fit both logistic models; also return how many training clips had a sure gender.

    Synthetic and recorded voices weigh the same in the model of gender, and so do the classes within each. In the
    model of children recorded clips count as grown-ups, because none is known to be a child.
    """
    grown = [v for v in made if v.age != "child"]
    sure = [p for p in people if p.sure_gender is not None]
    male_made = np.array([v.gender == "male" for v in grown])
    male_real = np.array([bool(p.sure_gender) for p in sure])
    male = fit_logistic(
        stacked([*grown, *sure]),
        np.concatenate([male_made, male_real]),
        np.concatenate([balanced(male_made), balanced(male_real)]),
        GENDER_RIDGE,
    )
    return VoiceReader(male, fit_age(made, people, "child")), len(sure)


def fit_age(made: Sequence[MadeVoice], people: Sequence[TalkingPerson], age: str) -> Float64:
    """Fit a model of the voices of one age against all others."""
    wanted = np.array([v.age == age for v in made] + [False] * len(people))
    return fit_logistic(stacked([*made, *people]), wanted, balanced(wanted), AGE_RIDGE)


def stacked(voices: Sequence[MadeVoice | TalkingPerson]) -> Float64:
    """Return the embeddings [n, 256]."""
    return np.stack([v.voice for v in voices]).astype(np.float64)


def swapped_aucs(reader: VoiceReader, people: Sequence[TalkingPerson]) -> dict[str, Measured]:
    """Compare each clip's own match with the matches of its face and all other clips' voices, by kind of swap."""
    heard = [reader.read(p.voice) for p in people]
    table = np.array([[agreement(p.face, *voice).match for voice in heard] for p in people])
    male = np.array([p.face.male > 0.5 for p in people])
    other = male[:, None] != male[None]
    apart = ~np.eye(len(people), dtype=bool)
    kinds = {"all swaps": apart, "face of the other gender": apart & other, "same gender": apart & ~other}
    draw = np.random.default_rng(SEED)
    samples = [draw.integers(0, len(people), len(people)) for _ in range(RESAMPLES)]
    found = {}
    for name, chosen in kinds.items():
        values = []
        for index in [np.arange(len(people)), *samples]:
            part, kept = table[np.ix_(index, index)], chosen[np.ix_(index, index)]
            # A clip drawn twice is not swapped with itself.
            kept = kept & (index[:, None] != index[None])
            values.append(auc(table[index, index], part[kept]))
        # A draw of few people may hold no swap of a kind.
        low, high = np.nanquantile(values[1:], [0.025, 0.975])
        found[name] = Measured(values[0], float(low), float(high))
    return found


@dataclass(frozen=True)
class AgeHeard:
    """How well one age is told from the others by voice: AUC; at P = 0.5 the share found, and of false alarms."""

    auc: float
    found: float
    false: float


def age_heard(made: Sequence[MadeVoice], people: Sequence[TalkingPerson], age: str) -> AgeHeard:
    """Test a model of one age over folds of people; `people` are recorded clips that count as others."""
    fold = np.array([v.identity % FOLDS for v in made])
    wanted = np.array([v.age == age for v in made])
    logits = np.zeros(len(made))
    for k in range(FOLDS):
        weights = fit_age([v for v, f in zip(made, fold, strict=True) if f != k], people, age)
        logits[fold == k] = (
            stacked([v for v, f in zip(made, fold, strict=True) if f == k]) @ weights[:-1] + weights[-1]
        )
    return AgeHeard(
        auc(logits[wanted], logits[~wanted]),
        float((logits[wanted] > 0).mean()),
        float((logits[~wanted] > 0).mean()),
    )


def gathered(manifest: Path, models: Models, *, permitted: bool) -> list[TalkingPerson]:
    """Look at the clips of a manifest, one for each recording; what cannot be used is left out."""
    clips = [c for c in read_clips(manifest.parent, manifest) if not permitted or licence_permits(c.licence)]
    seen = [look_and_listen(clip.path, models) for clip in clips]
    return distinct_voices([one for one in seen if isinstance(one, TalkingPerson)])


def drawn_people(count: int, models: Models) -> list[tuple[TalkingPerson, bool]]:
    """Look at true clips of the portrait world, each with whether its person is male."""
    samples = load_portraits(PortraitsOptions(split="test", samples=count)).samples
    seen = [(look_and_listen(clip_of(s), models), s.facts["gender"] == "male") for s in samples]
    return [(one, male) for one, male in seen if isinstance(one, TalkingPerson)]


@dataclass(frozen=True)
class Results:
    """All numbers of the card. `counts` by what was counted; `swaps` and `drawn_swaps` AUC by kind of swap."""

    counts: dict[str, int]
    swaps: dict[str, Measured]
    drawn_swaps: dict[str, Measured]
    gender: float
    agree: float
    children: float
    drawn_face: float
    made_gender: float
    child: AgeHeard
    old: AgeHeard


def card_text(path: Path, r: Results) -> str:
    """Return the model card."""
    n = r.counts
    rows = "\n".join(f"| {name} | {value} | {r.drawn_swaps[name]} |" for name, value in r.swaps.items())
    return f"""# timbre.face_voice: the reader of voices

`{path.name}`, {path.stat().st_size} bytes, Apache-2.0, sha256
`{sha256_file(path)}`.
Two logistic models on the 256 numbers of a GE2E speaker embedding (Resemblyzer): P(male) of a grown-up's voice,
P(child). Faces are read by dlib's published networks, which are not fitted here. Made and measured by
`python -m uniavgen_bench.validity.fit_face_voice TRAIN/clips.csv TEST/clips.csv`.

**Fitted on** {n["sentences"]} sentences of {n["people"]} people of the portrait world's split `train` (eSpeak NG,
gender and age known), and {n["sure"]} of {n["train"]} distinct recordings of public demo clips under Apache-2.0 or MIT
(of {", ".join(sorted(OF_VOICES))}):
those whose face (P > 0.9) and pitch (under 165 Hz, over 170 Hz) say the same gender; nobody labelled them. Both sources
weigh the same; for children, recorded clips count as grown-ups.

**Tested on** {n["test"]} other clips, each with another sound (recordings and generators), and on {n["drawn"]}
clips of the portrait world's split `test`. Own pairs of face and voice against swapped ones: AUC of `match` with its
95 % interval (bootstrap over clips).

| swapped with | real and generated clips | portrait world |
|---|---|---|
{rows}

Half of all swaps have the same gender, so that no rubric of gender and age can do much better than 0.75 on all.
**The face networks read the drawn heads of the portrait world badly** (gender AUC {r.drawn_face:.2f}), so that the
metric is not valid there.

Voice against the face network's gender, on the same {n["test"]} clips: AUC {r.gender:.3f}, {r.agree:.1%} agree; some
disagree because the clip does (a reference voice of the other gender). Voices taken for a child's: {r.children:.1%}.

Voices of the portrait world: gender of grown-ups of the splits `val` and `test` AUC {r.made_gender:.3f}. Over {FOLDS}
folds of all people, child against the others: AUC {r.child.auc:.3f}, {r.child.found:.0%} found, {r.child.false:.1%}
false alarms. Old against the others: AUC {r.old.auc:.3f}, {r.old.found:.0%} found, {r.old.false:.1%} false alarms:
too weak, so that the metric does not use it.

**Not for**: identifying anybody; deciding about people; children's voices in real clips (none in the data is known to
be a child's, so that only false alarms were measured there); voices under music; languages were not balanced.
"""


def main(
    train: Annotated[Path, typer.Argument(help="Manifest of clips to fit on.", exists=True)],
    test: Annotated[Path, typer.Argument(help="Manifest of clips to test on.", exists=True)],
    portraits: Annotated[int, typer.Option(help="Clips of the portrait world to test on.", min=8)] = 24,
    out: Annotated[Path, typer.Option(help="Where the reader goes.")] = READER_FILE,
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = CARD,
) -> None:
    """Fit the reader of voices, test it, and write both it and its card."""
    try:
        models = Models(WeightLocator())
        people = gathered(train, models, permitted=True)
        others = [
            one
            for one in gathered(test, models, permitted=False)
            if not any(float(one.voice @ p.voice) > SAME_VOICE for p in people)
        ]
        made = {
            split: list(made_voices(range(first, first + IDENTITIES[split]), split, models))
            for split, first in FIRST_IDENTITY.items()
        }
        reader, sure = fit_reader(made["train"], people)
        drawn = drawn_people(portraits, models)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    save_reader(reader, out, {"clips": str(sure), "sentences": str(len(made["train"]))})
    everybody = [v for part in made.values() for v in part]
    unseen = [v for v in (*made["val"], *made["test"]) if v.age != "child"]
    heard = np.array([reader.read(v.voice)[0] for v in unseen])
    men = np.array([v.gender == "male" for v in unseen])
    read = np.array([reader.read(p.voice) for p in others])
    seen = np.array([p.face.male > 0.5 for p in others])
    faces = np.array([p.face.male for p, _ in drawn])
    drawn_men = np.array([male for _, male in drawn])
    results = Results(
        counts={
            "sentences": len(made["train"]), "people": IDENTITIES["train"], "sure": sure, "train": len(people),
            "test": len(others), "drawn": len(drawn),
        },
        swaps=swapped_aucs(reader, others),
        drawn_swaps=swapped_aucs(reader, [p for p, _ in drawn]),
        gender=auc(read[seen, 0], read[~seen, 0]),
        agree=float(((read[:, 0] > 0.5) == seen).mean()),
        children=float((read[:, 1] > 0.5).mean()),
        drawn_face=auc(faces[drawn_men], faces[~drawn_men]),
        made_gender=auc(heard[men], heard[~men]),
        child=age_heard(everybody, people, "child"),
        old=age_heard(everybody, [], "old"),
    )  # fmt: skip
    text = card_text(out, results)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(text, encoding="utf-8")
    typer.echo(text)
    typer.echo(f"{out}: sha256 {sha256_file(out)} (READER_SHA256 of timbre_face_voice.py must say so)")


if __name__ == "__main__":
    typer.run(main)
