"""Contact sheets: many small pictures on one, to look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.expression import with_emotion
from uniavgen_bench.datasets.portraits.face_state import EMOTIONS, REST, FaceState, resting, states_of
from uniavgen_bench.datasets.portraits.head_params import DOMAINS, HAIR_STYLES, Domain, sample_head
from uniavgen_bench.datasets.portraits.idle_motion import frame_times, talking
from uniavgen_bench.datasets.portraits.render import HeadRenderer, render
from uniavgen_bench.datasets.portraits.visemes import MOUTH_CURVES, TARGETS, VISEMES, Sound, Viseme

Sheet = Literal["identities", "emotions", "visemes", "styles", "talking", "poses"]
SHEETS: tuple[Sheet, ...] = get_args(Sheet)
Pictures = NDArray[np.uint8]


def tiled(pictures: list[Pictures], across: int, gap: int = 4) -> Pictures:
    """Lay pictures [S, S, 3] out in rows on white."""
    size = pictures[0].shape[0]
    down = -(-len(pictures) // across)
    sheet = np.full((down * (size + gap) + gap, across * (size + gap) + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        line, column = divmod(index, across)
        top, left = gap + line * (size + gap), gap + column * (size + gap)
        sheet[top : top + size, left : left + size] = picture
    return sheet


def identities(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show one frame of many identities, each held a little differently."""
    shown = []
    for seed in seeds:
        state = with_emotion(talking(seed, [], frame_times(1, 25.0)), "happy", 0.35)
        still = replace(state, blink=np.zeros(1, np.float32))
        shown.append(render(sample_head(seed), still, size, domain).pictures[0])
    return tiled(shown, 8)


def emotions(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show every emotion at full intensity, one identity a row."""
    shown: list[Pictures] = []
    for seed in seeds:
        renderer = HeadRenderer.build(sample_head(seed), size, domain)
        shown.extend(
            renderer.draw(with_emotion(resting(1), emotion, 1.0)).pictures[0] for emotion in EMOTIONS
        )
    return tiled(shown, len(EMOTIONS))


def held_visemes() -> FaceState:
    """Give one frame per viseme, held at its target."""
    return states_of(
        replace(REST, **{name: getattr(TARGETS[viseme], name) for name in MOUTH_CURVES}) for viseme in VISEMES
    )


def visemes(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show every viseme, one identity a row."""
    shown: list[Pictures] = []
    for seed in seeds:
        shown.extend(render(sample_head(seed), held_visemes(), size, domain).pictures)
    return tiled(shown, len(VISEMES))


def styles(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show every hair style on the identities, in turn."""
    shown = []
    for index, style in enumerate(HAIR_STYLES):
        head = sample_head(seeds[index % len(seeds)])
        shown.append(render(replace(head, hair_style=style), resting(1), size, domain).pictures[0])
    return tiled(shown, 8)


def speech(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show twelve successive frames of speech at 12.5 frames a second, one identity a row."""
    said: list[Sound] = []
    order: tuple[Viseme, ...] = ("PP", "aa", "nn", "oh", "FF", "ih", "SS", "ou", "TH", "E")
    for index, viseme in enumerate(order):
        said.append(Sound(viseme, 0.05 + 0.09 * index, 0.14 + 0.09 * index))
    shown: list[Pictures] = []
    for index, seed in enumerate(seeds):
        state = talking(
            seed, said, frame_times(12, 12.5), emotion=EMOTIONS[index % len(EMOTIONS)], intensity=0.6
        )
        shown.extend(render(sample_head(seed), state, size, domain).pictures)
    return tiled(shown, 12)


def poses(size: int, domain: Domain, seeds: range) -> Pictures:
    """Show turned, nodding and tilted heads, blinks and glances, one identity a row."""
    held = states_of(
        [
            replace(REST, yaw=-0.45), replace(REST, yaw=-0.22, gaze_x=0.6), replace(REST, yaw=0.22, pitch=0.15),
            replace(REST, yaw=0.45), replace(REST, pitch=-0.2), replace(REST, pitch=0.25, gaze_y=-0.4),
            replace(REST, roll=0.2, blink=0.5), replace(REST, roll=-0.2, blink=1.0),
        ]
    )  # fmt: skip
    shown: list[Pictures] = []
    for seed in seeds:
        shown.extend(render(sample_head(seed), held, size, domain).pictures)
    return tiled(shown, 8)


def draw_sheet(sheet: Sheet, size: int, domain: Domain, seeds: range) -> Pictures:
    """Draw one sheet as RGB [H, W, 3]."""
    made = {
        "identities": identities, "emotions": emotions, "visemes": visemes,
        "styles": styles, "talking": speech, "poses": poses,
    }  # fmt: skip
    return made[sheet](size, domain, seeds)


def write_png(path: Path, picture: Pictures) -> None:
    """Write RGB [H, W, 3] as PNG; raises OSError when the file cannot be written."""
    import cv2

    done, data = cv2.imencode(".png", picture[..., ::-1])
    if not done:
        raise OSError(f"{path}: the picture cannot be encoded as PNG")
    path.write_bytes(data.tobytes())


def write_sheets(folder: Path, *, size: int = 128, seeds: range = range(24)) -> list[Path]:
    """Write all sheets in both domains to a folder; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for domain in DOMAINS:
        for sheet in SHEETS:
            part = seeds if sheet in ("identities", "styles") else seeds[:4]
            path = folder / f"{sheet}-{domain}.png"
            write_png(path, draw_sheet(sheet, size, domain, part))
            written.append(path)
    return written
