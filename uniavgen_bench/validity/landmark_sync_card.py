"""The model card of `lipsync.landmark_sync`: what it was trained on, and all that was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from uniavgen_bench.metrics.landmark_sync_model import MODEL_FILE, MODEL_SHA256
from uniavgen_bench.metrics.lipsync_landmark_sync import MIN_CONFIDENCE, SPEC
from uniavgen_bench.validity.landmark_sync_conditions import CRF, Agreement, Measured
from uniavgen_bench.validity.landmark_sync_statistics import (
    Seen,
    SyncStudy,
    auc_confidence,
    auc_near,
    common_bias,
    over_sources,
    published,
    rated,
    seen_in,
    within,
)
from uniavgen_bench.validity.landmark_sync_trials import trial_lines
from uniavgen_bench.validity.show_mouth_audio import shown
from uniavgen_bench.validity.sync_statistics import spearman

HEAD = "| metric | clips | n | ≤ 40 ms | ≤ 80 ms | ≤ 40 ms, source | ≤ 80 ms, source | AUC in place | AUC confidence |"
COLUMNS: tuple[Callable[[Sequence[Seen]], float], ...] = (
    within(40, own=False),
    within(80, own=False),
    within(40, own=True),
    within(80, own=True),
    auc_near,
    auc_confidence,
)
SHORT = "| metric | clips | n | ≤ 80 ms | AUC in place | AUC confidence |"
SHORT_COLUMNS = (within(80, own=True), auc_near, auc_confidence)
PLAIN = "| metric | clips | n | ≤ 40 ms | ≤ 80 ms | AUC in place | AUC confidence |"
PLAIN_COLUMNS = (within(40, own=False), within(80, own=False), auc_near, auc_confidence)
THRESHOLDS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)


def card_text(found: Measured) -> str:
    """Write the card."""
    bias = common_bias(found.studies)
    return "\n".join(
        [
            "# landmark_sync_v1",
            "",
            f"The network of the metric `{SPEC.name}`: two small encoders along time, one of lip and jaw landmarks "
            "(16 principal components and their rates), one of 40 mel bands, both at 50 Hz. No image and no sound "
            "inside. It is not SyncNet.",
            "",
            *_file_lines(),
            "",
            "## On clips that the weights did not see",
            "",
            "Sound shifted by -400 … 400 ms, and the sound of six clips of other sources. Every clip is scored by "
            "weights trained without the clips of its source's owner (and of other owners: they are left out in "
            f"{found.groups} groups, so these weights learned from fewer clips than the shipped ones); clips of owners "
            f"that are not trained on by the shipped weights. One bias of {bias:+.0f} ms is taken out; 'source': the "
            "median of the other clips of the source instead. Intervals: 95 %, bootstrap over sources and clips "
            "within them.",
            "",
            *_table(HEAD, _by_kind(found), COLUMNS),
            "",
            f"Not scored: {', '.join(f'{n} {r}' for r, n in sorted(found.missing.items())) or 'none'}.",
            "",
            "## Agreement with published LSE-C and LSE-D",
            "",
            "Spearman of the confidence with SyncNet's scores as MoCha published them (one source: intervals over "
            "clips; clips published as 0 are left out). 'Driving speech': the metric hears the denoised speech that "
            "SyncNet heard. 'Given movement': with the spread of the mouth's opening taken out.",
            "",
            *_published(found),
            "",
            "## Portraits",
            "",
            "Clips of 2 s of the portrait world's split `test`: other people than those trained on. Their zero is "
            "exact, so no bias is taken out.",
            "",
            *_table(PLAIN, _people(found), PLAIN_COLUMNS),
            "",
            "## Without portraits",
            "",
            "The same training with and without procedural heads, on the clips of one group of owners that were left "
            "out, and on portraits (whose people neither saw).",
            "",
            *_table(PLAIN, _ablation(found), PLAIN_COLUMNS),
            "",
            "## Length, halves, encoding",
            "",
            *_table(SHORT, _lengths(found), SHORT_COLUMNS),
            "",
            "| two measurements | n | Spearman of confidence | median before | median after | offsets within 40 ms |",
            "|---|---|---|---|---|---|",
            _agreement("first against last 3 s of a clip", found.halves),
            _agreement(f"as it is against H.264 at CRF {CRF} and AAC at 64 kbit/s", found.encoded),
            "",
            "The same file gives the same numbers, whatever stands beside it in a batch.",
            "",
            "## Where it holds",
            "",
            *_facts(found.studies),
            "",
            "## What a least confidence does",
            "",
            f"The metric states an offset from {MIN_CONFIDENCE:g} on.",
            "",
            *_thresholds(found.studies, bias),
            "",
            "## Offset of each source (negative: sound ahead)",
            "",
            *_sources(found.studies),
            "",
            "## What else was tried",
            "",
            *trial_lines(),
            "",
            "## Limits",
            "",
            "Generated clips come from several talking-head systems, so the network may favour the way these move the "
            "mouth; a system may occur under two owners. Most speech is English. It was not checked for groups of "
            "speakers. Sizes and losses are those of the recipe that was there before; what else was chosen by these "
            "very clips is the least confidence.",
            "",
        ]
    )


def _file_lines() -> list[str]:
    from safetensors import safe_open

    with safe_open(str(MODEL_FILE), "np") as file:
        facts: dict[str, str] = json.loads(file.metadata()["facts"])
    rows = [
        f"| {name.removeprefix('source ')} | {value} |"
        for name, value in sorted(facts.items())
        if name.startswith("source ")
    ]
    portraits = facts.get("portraits")
    return [
        f"- File: `uniavgen_bench/metrics/data/{MODEL_FILE.name}`, {MODEL_FILE.stat().st_size} bytes, sha256 "
        f"`{MODEL_SHA256}`",
        "- Licence: Apache-2.0",
        "- Made by: `python -m uniavgen_bench.validity.fit_landmark_sync`, one thread, seeded",
        f"- Settings: {facts['settings']}",
        f"- Portrait shards: {facts.get('portrait shards', 'none')} (`dataset export portraits --set split=train "
        "--set samples=2048`)",
        "",
        "| source | licence | clips | minutes | recordings |",
        "|---|---|---|---|---|",
        *rows,
        *([f"| portraits (procedural heads) | Apache-2.0 | {portraits} | 0 |"] if portraits else []),
    ]


def _by_kind(found: Measured) -> list[tuple[str, str, Sequence[Seen]]]:
    rows: list[tuple[str, str, Sequence[Seen]]] = []
    methods = [("landmark_sync", found.studies), ("mouth_audio", found.linear)]
    for kind, keep in (("real", (True,)), ("generated", (False,)), ("all", (True, False))):
        for name, studies in methods:
            # A source's own offset and the common one are those of all clips, also where a part is shown.
            seen = seen_in(studies, common_bias(studies))
            part = [s for s, one in zip(seen, studies, strict=True) if one.clip.real in keep]
            rows.append((name, kind, part))
    return rows


def _people(found: Measured) -> list[tuple[str, str, Sequence[Seen]]]:
    pairs = (("landmark_sync", found.people), ("mouth_audio", found.people_linear))
    return [(name, PEOPLE, seen_in(studies, 0.0)) for name, studies in pairs if studies]


def _ablation(found: Measured) -> list[tuple[str, str, Sequence[Seen]]]:
    rows: list[tuple[str, str, Sequence[Seen]]] = []
    for kind, keep in (("real", True), ("generated", False)):
        for name, studies in (("with", found.with_portraits), ("without", found.without_portraits)):
            seen = seen_in(studies, common_bias(studies)) if studies else []
            part = [s for s, one in zip(seen, studies, strict=True) if one.clip.real is keep]
            rows.append((f"{name} portraits", kind, part))
    if found.people_without:
        rows.append(("with portraits", PEOPLE, seen_in(found.people, 0.0)))
        rows.append(("without portraits", PEOPLE, seen_in(found.people_without, 0.0)))
    return rows


PEOPLE = "portraits"


def _lengths(found: Measured) -> list[tuple[str, str, Sequence[Seen]]]:
    whole = [("landmark_sync", "whole", seen_in(found.studies, common_bias(found.studies)))]
    cuts = [
        ("landmark_sync", f"middle {seconds:g} s", seen_in(studies, common_bias(studies)))
        for seconds, studies in sorted(found.by_length.items())
        if studies
    ]
    return [*cuts, *whole]


def _table(
    head: str,
    rows: Sequence[tuple[str, str, Sequence[Seen]]],
    columns: Sequence[Callable[[Sequence[Seen]], float]],
) -> list[str]:
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for name, kind, seen in rows:
        if seen:
            cells = [shown(over_sources(seen, statistic)) for statistic in columns]
            lines.append(f"| {name} | {kind} | {len(seen)} | {' | '.join(cells)} |")
    return lines


def _published(found: Measured) -> list[str]:
    lines = [
        "| metric | score | n | as it is | driving speech | given movement |",
        "|---|---|---|---|---|---|",
    ]
    for name, studies in (
        ("landmark_sync", found.studies),
        ("mouth_audio", found.linear),
    ):
        seen = seen_in(studies, common_bias(studies)) if studies else []
        for which, title in (("lse_c", "LSE-C"), ("lse_d", "LSE-D")):
            chosen, driven = rated(seen, which), rated(seen, which, driven=True)
            if len(chosen) > 4:
                cells = (
                    over_sources(chosen, published(which)),
                    over_sources(driven, published(which, driven=True)) if len(driven) > 4 else None,
                    over_sources(chosen, published(which, partial=True)),
                )
                lines.append(f"| {name} | {title} | {len(chosen)} | {' | '.join(map(shown, cells))} |")
    return lines


def _agreement(name: str, found: Agreement) -> str:
    return (
        f"| {name} | {found.clips} | {found.spearman:.2f} | {found.before:.2f} | {found.after:.2f} | "
        f"{found.within_40:.2f} |"
    )


def _facts(studies: Sequence[SyncStudy]) -> list[str]:
    """Split the clips at the terciles of each fact."""
    seen = seen_in(studies, common_bias(studies))
    confidence = np.array([s.confidence for s in seen])
    names = ("seconds", "distance of the eyes' outer corners, px", "head turned, degrees", "fps")
    lines = [
        "| fact | Spearman with confidence | third | n | median confidence | ≤ 80 ms, source | AUC in place |",
        "|---|---|---|---|---|---|---|",
    ]
    for column, name in enumerate(names):
        values = np.array([s.facts[column] for s in studies])
        edges = np.unique(np.quantile(values, [1 / 3, 2 / 3]).round(1))
        thirds = np.digitize(values, edges)
        for third in np.unique(thirds):
            at = np.flatnonzero(thirds == third)
            part = [seen[i] for i in at]
            shares = within(80, own=True)(part), auc_near(part)
            span = f"{values[at].min():.1f} … {values[at].max():.1f}"
            lines.append(
                f"| {name} | {spearman(values, confidence):+.2f} | {span} | {len(at)} | "
                f"{np.median(confidence[at]):.2f} | {shares[0]:.2f} | {shares[1]:.2f} |"
            )
    return lines


def _thresholds(studies: Sequence[SyncStudy], bias: float) -> list[str]:
    seen = seen_in(studies, bias)
    swapped = np.concatenate([s.swapped_confidence for s in seen])
    lines = ["| confidence ≥ | clips kept | swapped kept | kept within 80 ms |", "|---|---|---|---|"]
    for least in THRESHOLDS:
        kept = [s for s in seen if s.confidence >= least]
        share = within(80, own=False)(kept) if kept else float("nan")
        lines.append(
            f"| {least:.2f} | {len(kept) / len(seen):.2f} | {(swapped >= least).mean():.2f} | {share:.2f} |"
        )
    return lines


def _sources(studies: Sequence[SyncStudy]) -> list[str]:
    lines = ["| source | kind | clips | median ms | measurable |", "|---|---|---|---|---|"]
    for source, real in sorted({(s.clip.source, s.clip.real) for s in studies}):
        chosen = [s for s in studies if (s.clip.source, s.clip.real) == (source, real)]
        median = float(np.median([s.offset for s in chosen]))
        sure = sum(s.confidence >= MIN_CONFIDENCE for s in chosen)
        kind = "real" if real else "generated"
        lines.append(f"| {source} | {kind} | {len(chosen)} | {median:+.0f} | {sure} |")
    return lines
