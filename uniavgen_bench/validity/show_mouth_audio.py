"""The tables of the validity study of `lipsync.mouth_audio`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from uniavgen_bench.metrics.lipsync_mouth_audio import MIN_CONFIDENCE
from uniavgen_bench.validity.mouth_audio_results import MouthAudioValidity
from uniavgen_bench.validity.sync_statistics import Estimate

COLUMNS = {
    "within_40": "≤ 40 ms",
    "within_80": "≤ 80 ms",
    "within_40_source": "≤ 40 ms, source",
    "within_80_source": "≤ 80 ms, source",
    "auc_near": "AUC near",
    "auc_confidence": "AUC confidence",
}


def shown(estimate: Estimate | None) -> str:
    """Render `0.62 [0.55, 0.70]`, or a dash."""
    if estimate is None:
        return "–"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def print_validity(result: MouthAudioValidity, console: Console | None = None) -> None:
    """Print the study."""
    to = console or Console()
    table = Table(
        title="lipsync.mouth_audio@1: sound shifted by -400 … 400 ms, and swapped sound", title_justify="left"
    )
    table.add_column("clips")
    table.add_column("n", justify="right")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for group in result.groups:
        table.add_row(
            group.kind, str(group.within_40.clips), *(shown(getattr(group, name)) for name in COLUMNS)
        )
    to.print(table)
    to.print(
        f"One bias of {result.common_bias_ms:+.0f} ms is taken out; 'source': the median of the other clips of the "
        "source instead. Intervals: 95 %, bootstrap over clips. Each clip is scored by a map fitted without the "
        "clips of its source's owner. AUC: true against swapped sound, by the value within 40 ms of the expected "
        "lag, or by the confidence."
    )
    agreement = Table(title="Spearman of the confidence with published LSE-C", title_justify="left")
    for title in ("clips", "n", "rank correlation", "on the driving speech", "given mouth movement"):
        agreement.add_column(title, justify="right")
    for name, plain, driven, partial in (
        ("all", result.lse, result.lse_on_driving_speech, result.lse_given_movement),
        (
            "without published zeros",
            result.lse_without_zeros,
            result.lse_on_driving_speech_without_zeros,
            result.lse_given_movement_without_zeros,
        ),
    ):
        agreement.add_row(name, str(plain.clips if plain else 0), shown(plain), shown(driven), shown(partial))
    to.print(agreement)
    sources = Table(title="Offset of each source (negative: sound ahead)", title_justify="left")
    for title in ("source", "kind", "clips", "median ms", f"confidence ≥ {MIN_CONFIDENCE:g}"):
        sources.add_column(title, justify="left" if title in ("source", "kind") else "right")
    for row in result.sources:
        sources.add_row(
            row.source, row.kind, str(row.clips), f"{row.median_ms:+.0f}", f"{row.measurable}/{row.clips}"
        )
    to.print(sources)
    steps = Table(title="What a least confidence does", title_justify="left")
    for title in ("confidence ≥", "clips kept", "swapped kept", "kept within 80 ms"):
        steps.add_column(title, justify="right")
    for step in result.thresholds:
        steps.add_row(
            f"{step.confidence:.2f}", f"{step.kept:.2f}", f"{step.swapped_kept:.2f}", f"{step.within_80:.2f}"
        )
    to.print(steps)
    missing = ", ".join(f"{count} {reason}" for reason, count in sorted(result.missing.items())) or "none"
    to.print(
        f"{result.clips} clips scored; not scored: {missing}. Shifting finished features instead of the waveform "
        f"gives the same offset within 20 ms in {100 * result.features_agree:.1f} % of the shifts."
    )
