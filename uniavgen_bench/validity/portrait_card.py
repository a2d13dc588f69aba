"""How well the models of the portrait metrics do on people that they were not fitted on, and their model card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.portrait_models import EMOTIONS, EmotionReaders, FaceProjection

DOMAINS = ("plain", "stylised")


@dataclass(frozen=True)
class Portrait:
    """What is fitted and tested on of a clip: expression [D], prosody [4], looks of clip and of reference image [E]."""

    sample: Sample
    expression: Float64
    prosody: Float64
    looks: Float64
    reference: Float64

    @property
    def emotion(self) -> int:
        """Index into `EMOTIONS`."""
        return EMOTIONS.index(self.sample.facts["emotion"])


@dataclass(frozen=True)
class Tested:
    """Results on other people. `face`, `voice`: what was read [n, 6]; `asked` [n]; `domain` [n].

    `likeness` [n, n]: clip i against reference image j; `same`, `comparable` [n, n]: one person; two people of one
    gender and one domain.
    """

    asked: np.ndarray
    domain: np.ndarray
    face: Float64
    voice: Float64
    likeness: Float64
    same: np.ndarray
    comparable: np.ndarray
    people: int

    @classmethod
    def of(cls, readers: EmotionReaders, projection: FaceProjection, others: Sequence[Portrait]) -> Tested:
        """Read the clips of some people."""
        facts = [one.sample.facts for one in others]
        identity, kind = (
            np.array([f["identity"] for f in facts]),
            np.array([f["gender"] + f["domain"] for f in facts]),
        )
        same = identity[:, None] == identity[None]
        return cls(
            asked=np.array([one.emotion for one in others]),
            domain=np.array([f["domain"] for f in facts]),
            face=np.stack([readers.of_face(one.expression) for one in others]),
            voice=np.stack([readers.of_voice(one.prosody) for one in others]),
            likeness=np.array([[projection.likeness(a.looks, b.reference) for b in others] for a in others]),
            same=same,
            comparable=~same & (kind[:, None] == kind[None]),
            people=len(set(identity)),
        )

    def accuracy(self, read: Float64, domain: str | None = None) -> float:
        """Return the share of clips whose emotion is read rightly."""
        rows = np.ones(len(self.asked), np.bool_) if domain is None else self.domain == domain
        return float((read[rows].argmax(axis=1) == self.asked[rows]).mean())

    def auc(self, domain: str | None = None) -> float:
        """Return the probability that a clip is nearer to its own person's image than to a comparable other's."""
        from scipy.stats import mannwhitneyu

        rows = np.ones(len(self.asked), np.bool_) if domain is None else self.domain == domain
        own = self.likeness[rows][self.same[rows]]
        other = self.likeness[rows][self.comparable[rows]]
        return float(mannwhitneyu(own, other).statistic) / (len(own) * len(other))


def card_text(
    tested: Tested,
    files: Sequence[Path],
    how: str,
    world: str,
    clips: int,
    people: int,
    left_out: Sequence[str],
) -> str:
    """Write the model card."""
    count = len(tested.asked)
    rows = [
        f"| {name} | {len(tested.domain) if d is None else int((tested.domain == d).sum())} | "
        f"{tested.accuracy(tested.face, d):.2f} | {tested.accuracy(tested.voice, d):.2f} | {tested.auc(d):.3f} |"
        for name, d in (("both", None), *((d, d) for d in DOMAINS))
    ]
    own, other = tested.likeness[tested.same], tested.likeness[tested.comparable]
    reasons = Counter(reason.split(":")[0] for reason in left_out)
    lines = [
        "# portrait_emotion_v1, portrait_identity_v1",
        "",
        "The linear models of `portraits.emotion@1` and `portraits.identity@2`: discriminants of expression (landmarks "
        "against those of the calm reference image) and of prosody (loudness, brightness, pitch spread), and a "
        "projection of the colours of the aligned face. No network, no picture, no sound inside.",
        "",
        *(
            f"- File: `uniavgen_bench/metrics/data/{f.name}`, {f.stat().st_size} bytes, sha256 `{sha256_file(f)}`"
            for f in files
        ),
        "- Licence: Apache-2.0",
        "- Made by: `python -m uniavgen_bench.validity.fit_portraits`, deterministic",
        f"- Settings: {how}",
        f"- Fitted on {clips} clips of {people} people of the split `train` of the dataset `portraits`",
        f"- The world of the clips: `{world}`",
        f"- Tested on {count} clips of {tested.people} people of the split `test`; nobody is in both",
        "- Not used: " + (", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items())) or "none"),
        "",
        "| domain | clips | accuracy of the face | accuracy of the voice | AUC of the face's identity |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "Accuracy is over six emotions (chance 0.17). AUC compares each clip with the reference images of its own "
        "person and of other people of the same gender and domain: "
        f"own {own.mean():.2f} on average, others {other.mean():.2f}.",
        "",
        *confusion("face", tested.face, tested.asked),
        *confusion("voice", tested.voice, tested.asked),
        "The models know only this world: its drawing, and the prosody that it gives to eSpeak NG. Voices of this "
        "world have one loudness per emotion, so loudness alone tells most of them apart. They say nothing of real "
        "people, and must be fitted again when drawing or voices change.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def confusion(name: str, read: Float64, asked: np.ndarray) -> list[str]:
    """Lay out which emotion was read for which, in clips."""
    taken = read.argmax(axis=1)
    counts = [
        [int(((asked == i) & (taken == j)).sum()) for j in range(len(EMOTIONS))] for i in range(len(EMOTIONS))
    ]
    rows = [
        f"| {emotion} | {' | '.join(map(str, row))} |" for emotion, row in zip(EMOTIONS, counts, strict=True)
    ]
    return [f"| {name}: asked for, read as | {' | '.join(EMOTIONS)} |", "|---" * 7 + "|", *rows, ""]
