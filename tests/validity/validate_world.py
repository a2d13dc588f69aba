"""A small world for `validate`: clips that beep at a known moment, and metrics whose worth is known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from clip_factory import clicks

from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.validity.perturb import StudyClip

RATE = 16_000

MODULE = '''
"""Metrics of known worth."""

import hashlib

import numpy as np

from uniavgen_bench.core.result import Measurement, MissingError, Reason, Score
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.validity.expect import Falls, Family, Follows, MetricExpectations, Separates, Unmoved


def spec(name, not_for=()):
    fields = (
        FieldSpec(name="in_place", unit="", direction=Direction.HIGHER, meaning="beeps at whole seconds"),
        FieldSpec(name="offset_ms", unit="ms", direction=Direction.ZERO, meaning="of the beeps"),
    )
    return MetricSpec(
        id=f"fake.{name}", version=1, title=name, summary=name, fields=fields, needs=(Artefact.SPEECH,),
        tier=Tier.EMBEDDED, licence="none", source="a test", not_for=not_for,
    )


def onset(clip):
    speech = clip.speech
    loud = np.abs(speech.samples) > 0.3 * np.abs(speech.samples).max()
    if not loud.any():
        raise MissingError(Reason.SILENT)
    return speech.start + float(np.argmax(loud)) / speech.rate


def both(offset):
    return Measurement({"in_place": Score(-abs(offset)), "offset_ms": Score(offset)})


def valid(clip, sample, models):
    return both(1000 * (onset(clip) - 1.0))


def blind(clip, sample, models):
    onset(clip)
    return both(float(int(hashlib.sha256(str(clip.facts.video_sha256).encode()).hexdigest()[:6], 16) % 97))


def noisy(clip, sample, models):
    seed = int(hashlib.sha256(clip.speech.samples.tobytes()).hexdigest()[:8], 16)
    return both(float(np.random.default_rng(seed).normal(0, 300)))


VALID, NOISY = Metric(spec("valid"), valid), Metric(spec("noisy"), noisy)
BLIND = Metric(spec("blind"), blind)
HONEST = Metric(spec("honest", ("sound: it looks at the picture only",)), blind)
NEW = Metric(spec("new"), valid)


def expected(name, admits=""):
    return MetricExpectations(
        name=f"fake.{name}",
        claims="when it beeps",
        separates=(Separates(field="in_place", control="sound+240ms", admits=admits),),
        follows=(Follows(field="offset_ms", within=40, admits=admits),),
        falls=(Falls(field="in_place", along="@offsets", admits=admits),),
    )


FAMILY = Family(
    family="fakes",
    unmoved=(Unmoved(by=("@loudness",)),),
    metric=tuple(expected(name) for name in ("valid", "blind", "noisy")) + (expected("honest", "picture only"),),
)
'''

POINTS = """[uniavgen_bench.metrics]
fake.valid = validate_fakes:VALID
fake.blind = validate_fakes:BLIND
fake.noisy = validate_fakes:NOISY
fake.honest = validate_fakes:HONEST
fake.new = validate_fakes:NEW

[uniavgen_bench.expectations]
fakes = validate_fakes:FAMILY
"""


def install(folder: Path) -> Path:
    """Lay a package of fake metrics into a folder; put it on the path to install it."""
    (folder / "validate_fakes.py").write_text(MODULE, encoding="utf-8")
    info = folder / "validate_fakes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: validate-fakes\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    return folder


def beeping_clips(folder: Path, count: int) -> list[Path]:
    """Write clips `person/clip.mp4` of 2.5 s that beep near 1 s, each by another few ms."""
    rng = np.random.default_rng(5)
    paths = []
    for i in range(count):
        level = np.uint8(40 + 20 * i)
        frames = [np.full((48, 64, 3), level + j % 8, np.uint8) for j in range(20)]
        beep = 1.0 + float(rng.uniform(-0.015, 0.015))
        sound = 0.3 * clicks((beep,), 2.5, RATE) + 1e-4 * rng.standard_normal(round(2.5 * RATE))
        path = folder / f"person{i}" / "clip.mp4"
        path.parent.mkdir(parents=True)
        write_clip(path, frames, 8, sound.astype(np.float32), RATE)
        paths.append(path)
    return paths


def study_clips(paths: list[Path]) -> tuple[StudyClip, ...]:
    """Return clips of a study, each of its own cluster."""
    from uniavgen_bench.core.sample import Sample

    return tuple(StudyClip(Sample(id=path.parent.name), path, path.parent.name) for path in paths)
