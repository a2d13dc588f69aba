"""Figures of the model card of nano: curves of the losses, faces beside the truth, mel spectrograms. Small files."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import InputError

Pictures = NDArray[np.uint8]
MOST_BYTES = 300_000
COLOURS = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c")
WIDE, HIGH, LEFT, BOTTOM = 640, 260, 46, 34


@dataclass(frozen=True)
class TrainingLog:
    """What log.jsonl of a training folder says: lines of losses in their order, and those of validations."""

    folder: Path
    lines: tuple[dict[str, Any], ...]
    validations: tuple[dict[str, Any], ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages in their order."""
        return tuple(dict.fromkeys(str(line["stage"]) for line in self.lines))

    def series(self, loss: str) -> list[tuple[float, float]]:
        """Return (step over all stages, loss) wherever the loss was logged; a median of five lines."""
        found = [(float(x["total_steps"]), float(x[loss])) for x in self.lines if loss in x]
        values = [value for _, value in found]
        return [(step, float(np.median(values[max(0, i - 2) : i + 3]))) for i, (step, _) in enumerate(found)]


def read_log(folder: Path) -> TrainingLog:
    """Read log.jsonl of a training folder.

    Raises:
        InputError: there is none, or a line of it is damaged; the message names the line.
    """
    path = folder / "log.jsonl"
    if not path.is_file():
        raise InputError(f"{folder} holds no log.jsonl: it is no folder of a training")
    lines, validations = [], []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            known = isinstance(line, dict) and {"stage", "total_steps"} <= line.keys()
        except ValueError:
            known = False
        if not known:
            raise InputError(f"{path}:{number}: it is no line of a training's log")
        if line.get("what") == "validation":
            validations.append(line)
        elif "total" in line:
            lines.append(line)
    if not lines:
        raise InputError(f"{path} holds no losses yet")
    return TrainingLog(folder, tuple(lines), tuple(validations))


def loss_curves(log: TrainingLog, label: Callable[[str], str] = str) -> str:
    """Draw the losses of a training as SVG, on a logarithmic scale, stages parted by lines; `label` names a loss."""
    # Losses of one task, as joint.audio, stand in the mixed ones.
    logged = dict.fromkeys(n for x in log.lines for n in x)
    losses = [name for name in logged if name not in NOT_LOSSES and "." not in name]
    series = {name: points for name in losses if len(points := log.series(name)) > 1}
    values = [v for points in series.values() for _, v in points if v > 0]
    last = max(float(line["total_steps"]) for line in log.lines)
    low, high = (np.log10(min(values)), np.log10(max(values))) if values else (0.0, 1.0)
    span = max(high - low, 1e-6)

    def at(step: float, value: float) -> str:
        x = LEFT + (WIDE - LEFT - 10) * step / max(last, 1)
        y = 10 + (HIGH - BOTTOM - 10) * (high - np.log10(value)) / span
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
    ]
    for stage in log.stages:
        first = min(float(line["total_steps"]) for line in log.lines if line["stage"] == stage)
        x = LEFT + (WIDE - LEFT - 10) * first / max(last, 1)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="10" y2="{HIGH - BOTTOM}" stroke="#ccc"/>')
        parts.append(
            f'<text x="{x + 3:.1f}" y="{HIGH - BOTTOM + 14}" fill="#555">{html.escape(stage)}</text>'
        )
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        line = " ".join(at(step, value) for step, value in points if value > 0)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        named, at_side = html.escape(label(name)), f'x="{WIDE - 8}" y="{24 + 15 * i}" text-anchor="end"'
        parts.append(f'<text {at_side} fill="{colour}">{named}</text>')
    for value in (10**low, 10**high):
        y = 10 if value == 10**high else HIGH - BOTTOM
        parts.append(f'<text x="2" y="{y + 4}" fill="#555">{value:.3g}</text>')
    parts.append(f'<text x="{WIDE - 70}" y="{HIGH - 4}" fill="#555">{last:.0f} steps</text></svg>')
    return "\n".join(parts) + "\n"


NOT_LOSSES = frozenset({"stage", "step", "of", "total_steps", "what", "rate", "s/step", "total"})


def contact_sheet(clips: Mapping[str, Sequence[Path]], frames: int = 8, side: int = 96) -> Pictures:
    """Lay out one line of `frames` pictures for every clip, samples below each other, systems in their order."""
    import cv2

    from reference_model.media import read_frames

    lines = []
    for pair in zip(*clips.values(), strict=True):
        for path in pair:
            shown = read_frames(path).numpy()
            chosen = shown[np.linspace(0, len(shown) - 1, frames).round().astype(int)]
            small = [cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in chosen]
            lines.append(np.concatenate(small, axis=1))
    return np.concatenate(lines, axis=0)


def spectrograms(clips: Mapping[str, Sequence[Path]]) -> Pictures:
    """Draw log-mel spectrograms of clips: a line for each sample, a column for each system; low tones below."""
    import cv2

    from reference_model.codecs.mel import log_mel
    from reference_model.media import read_waveform

    lines = []
    for pair in zip(*clips.values(), strict=True):
        drawn = []
        for path in pair:
            mel = log_mel(read_waveform(path)[None])[0].numpy()
            grey = np.clip((mel + 9) / 10 * 255, 0, 255).astype(np.uint8)[::-1]
            colour = cv2.applyColorMap(cv2.resize(grey, (300, 120)), cv2.COLORMAP_MAGMA)[..., ::-1]
            drawn.append(cv2.copyMakeBorder(colour, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)))
        lines.append(np.concatenate(drawn, axis=1))
    return np.concatenate(lines, axis=0)


def write_jpg(path: Path, picture: Pictures, most: int = MOST_BYTES) -> Path:
    """Write RGB [H, W, 3] as JPEG of at most `most` bytes: less quality first, then fewer pixels."""
    import cv2

    while True:
        for quality in (90, 80, 70, 60):
            done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
            if not done:
                raise OSError(f"{path}: the picture cannot be encoded as JPEG")
            if len(data) <= most:
                write_atomic(path, data.tobytes())
                return path
        picture = cv2.resize(picture, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA).astype(np.uint8)
