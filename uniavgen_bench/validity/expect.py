"""What each metric is expected to do under known changes: the schema of `expectations/*.toml`, and who reads what."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from importlib.resources import files

from pydantic import Field, ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import Registry
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.spec import Artefact, Direction, Frozen, MetricSpec

GROUP = "uniavgen_bench.expectations"
"""Entry points by which a package adds a `Family` of its own."""

SEEN = (Artefact.FACES, Artefact.CROPS, Artefact.SPEAKER)
HEARD = (Artefact.SPEECH, Artefact.VOICE_ACTIVITY, Artefact.TRANSCRIPT)


class Expected(Frozen):
    """What every expectation may say of its failure.

    `admits`: words that one line of the metric's own `not_for` must hold where this fails; `admits_on`: the only set of
    clips whose failure they admit ("portrait world"), so that a limit of drawn heads excuses nothing on real clips.
    """

    admits: str = ""
    admits_on: str = ""


class Separates(Expected):
    """The unchanged clip scores better on `field` than the negative control `control`, in the field's direction.

    `auc`: the least that is asked; `better` takes the place of a direction that the field lacks. `refused`: reasons
    why the control may rightly have no number; else fewer than half of the controls with a number hold no claim.
    """

    field: str
    control: str
    auc: float = Field(default=0.75, gt=0.5, le=1.0)
    better: Direction | None = None
    refused: tuple[Reason, ...] = ()


class Follows(Expected):
    """An offset in ms moves with the sound: after the clip's own, at least `share` are within `within` ms."""

    field: str
    within: float = 80.0
    share: float = Field(default=0.9, gt=0, le=1)
    sign: int = 1


class Falls(Expected):
    """A field gets worse along a group of changes of growing dose (its size; where it has a sign, on both sides).

    In the median the strongest dose is worse than clean, and none on the way clearly better.
    """

    field: str
    along: str
    better: Direction | None = None


class Unmoved(Expected):
    """Changes that should not matter move a clip by at most `within` standard deviations between clips (median).

    `against`: a control whose median distance from the unchanged clip is the unit instead, for fields that are the
    same for every true clip and so have no spread between clips.
    """

    by: tuple[str, ...]
    fields: tuple[str, ...] = ()
    against: str = ""
    within: float = Field(default=0.5, gt=0)


class Answers(Expected):
    """What cannot be measured is refused: the headline, or one of `fields`, is missing for one of the reasons.

    `or_number`: a headline within one standard deviation between clips of the unchanged clip's is an answer too.
    """

    when: str
    reasons: tuple[Reason, ...]
    fields: tuple[str, ...] = ()
    or_number: bool = False


class Agrees(Frozen):
    """The rank correlation with a score that others published is at least `rho`, in the sign of `sign`."""

    field: str
    published: str
    rho: float | None = None
    sign: int = 1


class MetricExpectations(Frozen):
    """All that is expected of the metrics whose names match `name` (a pattern such as `lipsync.lse*`).

    `claims`: what it says that it measures, in a few words, for the verdict. `plain`: the family's `unmoved` is not
    asked. `own`: a further study, `module:function` (see `own_study`). `taught`: `module:function` that names the
    owners whose clips the weights were fitted on; they are left out (see `taught`).
    """

    name: str
    claims: str
    plain: bool = False
    separates: tuple[Separates, ...] = ()
    follows: tuple[Follows, ...] = ()
    falls: tuple[Falls, ...] = ()
    unmoved: tuple[Unmoved, ...] = ()
    answers: tuple[Answers, ...] = ()
    agrees: tuple[Agrees, ...] = ()
    own: str = ""
    taught: str = ""


class Family(Frozen):
    """One file: a family of metrics, what should move none of them, and what is expected of each."""

    family: str
    unmoved: tuple[Unmoved, ...] = ()
    metric: tuple[MetricExpectations, ...] = ()


def read_family(text: str, where: str) -> Family:
    """Read a file of expectations.

    Raises:
        InputError: it is no TOML, or does not fit the schema.
    """
    try:
        return Family.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: {error}") from None
    except ValidationError as error:
        raise InputError(f"{where}: {first_problem(error)}") from None


def families() -> tuple[Family, ...]:
    """Return what stands in the package, file by file, then what other packages add."""
    folder = files("uniavgen_bench.validity").joinpath("expectations")
    own = [
        read_family(file.read_text(encoding="utf-8"), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    ]
    others = Registry(GROUP, "family of expectations", Family)
    return (*own, *(family for _, family in others))


def expectations_for(
    spec: MetricSpec, registered: str, declared: Sequence[Family]
) -> MetricExpectations | None:
    """Return what is expected of a metric: the first entry that matches its name, with its family's defaults.

    What follows from what it reads is added: without a face or a sound, a metric that looks or listens refuses.
    Returns None for a metric that nothing is declared for: it is untested.
    """
    for family in declared:
        for entry in family.metric:
            if any(fnmatchcase(name, entry.name) for name in (registered, spec.id, spec.name)):
                unmoved = entry.unmoved if entry.plain else (*family.unmoved, *entry.unmoved)
                answers = (*_by_needs(spec.needs, {a.when for a in entry.answers}), *entry.answers)
                return entry.model_copy(update={"unmoved": unmoved, "answers": answers})
    return None


def _by_needs(needs: Iterable[Artefact], declared: set[str]) -> list[Answers]:
    read = set(needs)
    found = []
    if read & set(SEEN):
        found.append(Answers(when="no-face", reasons=(Reason.NO_FACE,)))
    if read & set(HEARD):
        found.append(Answers(when="no-sound", reasons=(Reason.NO_AUDIO,)))
        found.append(Answers(when="silence", reasons=(Reason.SILENT, Reason.NO_SPEECH)))
    return [answer for answer in found if answer.when not in declared]


def on_clips(expected: MetricExpectations, on: str) -> MetricExpectations:
    """Return the expectations for one set of clips: admissions that hold for other sets only are left out."""

    def here(asked: Expected) -> Expected:
        return asked.model_copy(update={"admits": ""}) if asked.admits_on not in ("", on) else asked

    kinds = ("separates", "follows", "falls", "unmoved", "answers")
    return expected.model_copy(update={kind: tuple(map(here, getattr(expected, kind))) for kind in kinds})


def changes_of(expected: MetricExpectations) -> tuple[str, ...]:
    """Return the names of all changes that a metric's expectations ask for, groups as `@group`."""
    names = [s.control for s in expected.separates]
    names += ["@offsets"] if expected.follows else []
    names += [f.along for f in expected.falls]
    names += [name for u in expected.unmoved for name in (*u.by, u.against) if name]
    names += [a.when for a in expected.answers]
    return tuple(dict.fromkeys(names))
