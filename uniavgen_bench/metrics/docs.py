"""docs/metrics.md: every metric of the package with its facts, its weights, and what tests found of it.

python -m uniavgen_bench.metrics.docs docs/metrics.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.run_files import MetricComputed
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.core.validity_files import (
    MetricValidity,
    RunValidity,
    ValidityCheck,
    outdated,
    packaged_validity,
)
from uniavgen_bench.metrics.catalogue import registry, value_range
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.reasons import reasons_of
from uniavgen_bench.weights.manifest import Manifest, load_manifest

FAMILIES: Mapping[str, str] = {
    "lipsync": "Lip sync",
    "timbre": "Timbre",
    "emotion": "Emotion",
    "speech": "Speech",
    "audio": "Sound",
    "video": "Picture",
    "judge": "Judges",
    "portraits": "Against the truth of the portrait world",
}
BETTER = {
    Direction.HIGHER: "higher",
    Direction.LOWER: "lower",
    Direction.ZERO: "closer to 0",
    Direction.NONE: "a fact",
}


def built_in() -> dict[str, Metric]:
    """Return the metrics of this package by the name that they are registered under."""
    metrics = registry()
    own = [n for n, points in metrics.points().items() if points[0].value.startswith("uniavgen_bench.")]
    return {name: metrics.load(name) for name in sorted(own)}


def text_of(metrics: Mapping[str, Metric], weights: Manifest, validity: RunValidity | None) -> str:
    """Return the whole document."""
    parts = [_head(metrics, validity), _reasons()]
    families = dict.fromkeys([*FAMILIES, *(m.spec.id.split(".")[0] for m in metrics.values())])
    for family in families:
        chosen = {n: m for n, m in metrics.items() if m.spec.id.split(".")[0] == family}
        if chosen:
            parts.append(f"## {FAMILIES.get(family, family)}\n")
            parts += [_metric(name, metric, weights, validity) for name, metric in chosen.items()]
    return "\n".join(parts).rstrip() + "\n"


def _head(metrics: Mapping[str, Metric], validity: RunValidity | None) -> str:
    rows = [
        (
            f"[`{m.spec.name}`](#{anchor(m.spec.name)})", m.spec.title, f"`{m.spec.headline.name}`",
            BETTER[m.spec.headline.direction], m.spec.tier.value, standing_of(m, validity),
        )
        for m in metrics.values()
    ]  # fmt: skip
    tested = ""
    if validity is not None and validity.version:
        tested = (
            f"\nTested on {' and '.join(validity.clips.values())} with uniavgen-bench {validity.version} on "
            f"{validity.made[:10]} by\n\n    {validity.command}\n"
        )
    return (
        "# Metrics\n\n"
        "Written by `python -m uniavgen_bench.metrics.docs docs/metrics.md` from the metrics' own specifications and "
        "the tests that come with the package; do not edit it by hand.\n\n"
        "A metric answers with a finite number for every field, or says why there is none. Numbers of different names "
        "(version and protocol included) are never compared. Tier `embedded`: its weights come with packages, or it "
        "needs none; `paper`: the method that papers name.\n\n"
        + _table(("metric", "measures", "headline", "better", "tier", "tests"), rows)
        + tested
        + "\nWhat the word under *tests* means: `valid`: every judged claim holds, and nothing else failed. `valid "
        "with limits`: the claims hold, something else failed. `undecided`: too few clips. `not valid`: a claim "
        "failed, and the metric's own text says that it is not for this. `contradicts its specification`: a claim "
        "failed that its text makes. `no numbers here`: its weights or inputs were not there, or it broke; the "
        "verdict says what. `untested`: nothing is "
        "declared or nothing was run. `outdated`: tested with other code or weights. A missing value never helps: a "
        "claim does not hold where a change leaves fewer than half of the clips their number, and with fewer than six "
        "clusters of clips it stays open.\n\n"
        "`uniavgen-bench validate` makes these tests on the portrait world, and with `--clips FOLDER` on finished "
        "clips; `--out RUN` puts them beside the numbers of a run. What a metric should and should not do is declared "
        "in `uniavgen_bench/validity/expectations/*.toml`, an entry for each metric; packages add a `Family` by an "
        'entry point of the group `uniavgen_bench.expectations`. `own = "module:function"` names a study of a '
        "metric's own; `taught` names whose clips its weights were fitted on, and those are left out.\n"
    )


def _reasons() -> str:
    rows = [(f"`{reason.value}`", REASON_TEXT[reason]) for reason in Reason]
    return (
        "## Why a number may be missing\n\nThe list is closed: no metric gives another reason. "
        "Beside what its entry names, every metric lacks a number for a file that cannot be read, and where making or "
        "scoring a clip fails.\n\n" + _table(("reason", "meaning"), rows)
    )


def _metric(name: str, metric: Metric, weights: Manifest, validity: RunValidity | None) -> str:
    spec = metric.spec
    fields = [
        (
            f"`{f.name}`",
            f.unit or "–",
            value_range(f),
            BETTER[f.direction],
            f.meaning + (f"; {f.sign}" if f.sign else ""),
        )
        for f in spec.fields
    ]
    needs = [*(f"`{n.value}`" for n in spec.needs), *(f"`sample.{n}`" for n in spec.sample_needs)]
    facts = [
        ("name in suites", f"`{name}`"),
        ("source", spec.source),
        ("licence", spec.licence),
        ("reads", ", ".join(needs) or "nothing"),
        ("may be missing for", ", ".join(f"`{r.value}`" for r in reasons_of(metric)) or "nothing of its own"),
        ("floors", ", ".join(f"`{floor}`" for floor in spec.floors) or "none"),
    ]  # fmt: skip
    facts += [("extra", f"`{spec.extra}`")] if spec.extra else []
    parts = [f"### `{spec.name}`\n\n**{spec.title}.** {spec.summary}\n"]
    parts.append(_table(("field", "unit", "range", "better", "meaning"), fields))
    parts.append("\n".join(f"- {key}: {value}" for key, value in facts) + "\n")
    parts.append(_weights(spec.weights, weights))
    parts.append(_list("Differs from the source", spec.deviations))
    parts.append(_list("Not valid for", spec.not_for))
    parts.append(_validity(metric, validity))
    return "\n".join(part for part in parts if part)


def _weights(names: Sequence[str], weights: Manifest) -> str:
    if not names:
        return ""
    lines = []
    for name in names:
        weight = weights[name]
        only = ", for research only" if weight.research_only else ""
        lines.append(
            f"`{name}`: SHA-256 `{weight.sha256}`, {weight.bytes / 1e6:.1f} MB, {weight.licence}{only}"
        )
    return _list("Weights", lines)


def _validity(metric: Metric, validity: RunValidity | None) -> str:
    found, why = current(metric, validity)
    if found is None:
        return f"Tests: {why}.\n"
    rows = [
        (
            c.name,
            "–" if c.passed is None else "held" if c.passed else "**failed**",
            _measured(c),
            c.expected,
            c.detail,
        )
        for c in found.checks
    ]
    table = _table(("check", "outcome", "measured", "expected", "detail"), rows) if rows else ""
    return f"Tests: {found.verdict}\n\n{table}".rstrip() + "\n"


def current(metric: Metric, validity: RunValidity | None) -> tuple[MetricValidity | None, str]:
    """Return the tests of a metric if they are of its present code and weights, else why there are none."""
    found = validity.of(metric.spec.name) if validity is not None else None
    if found is None:
        return None, "untested"
    computed = MetricComputed(code=metric.code, params=found.computed.params if found.computed else {})
    manifest = load_manifest().by_name
    why = outdated(found, computed, {n: manifest[n].sha256 for n in metric.spec.weights if n in manifest})
    return (None, f"outdated ({why})") if why else (found, "")


def standing_of(metric: Metric, validity: RunValidity | None) -> str:
    """Return the verdict on a metric in a word or two."""
    found, why = current(metric, validity)
    return why if found is None else found.standing or "untested"


def _measured(check: ValidityCheck) -> str:
    if check.value is None:
        return "–"
    text = f"{check.value:.3g}"
    if check.low is not None and check.high is not None:
        text += f" [{check.low:.3g}, {check.high:.3g}]"
    unit = f" {check.unit}" if check.unit else ""
    return f"{text}{unit}, {check.clips} clips" if check.clips is not None else text + unit


def anchor(name: str) -> str:
    """Return the anchor that GitHub gives a heading in code style."""
    return "".join(c for c in name.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def _list(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"- {line}\n" for line in lines)
    return f"{title}:\n\n{items}" if items else ""


def main(arguments: Sequence[str]) -> int:
    """Write the document to the path that is given, or to the terminal."""
    try:
        text = text_of(built_in(), load_manifest(), packaged_validity())
        if arguments:
            write_atomic(Path(arguments[0]), text.encode())
        else:
            sys.stdout.write(text)
    except BenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
