"""Two curves laid onto each other in time, and speech that is stretched as they ask.

Dynamic time warping with slopes from a half to two, and time stretching by overlapping pieces of the wave that fit
each other (WSOLA), so that pitch stays.

Sources: Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition", 1978 (symmetric
steps, P = 1); Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", 1993.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PIECE, SEARCH = 0.03, 0.008
"""Seconds of a piece of the wave, and how far from its place a better fitting one is looked for."""
UNEVEN = 0.15
"""Cost of a step that changes the pace, in squared standard deviations of the curves."""

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Path = list[tuple[int, int]]


def warping_path(cost: Float64, *, open_end: bool = False) -> Path:
    """Return pairs (i, j) of steps that belong together, from (0, 0) to (N - 1, M - 1), for costs [N, M].

    Between two pairs one index moves by one and the other by one or two. `open_end`: the path may end at any j of the
    last row, where its mean cost is least; empty when no such path exists.
    """
    rows, columns = cost.shape
    total = np.full((rows, columns), np.inf)
    came = np.zeros((rows, columns), np.int8)
    total[0, 0] = cost[0, 0]
    steps = ((1, 1), (1, 2), (2, 1))
    for i in range(1, rows):
        for j in range(1, columns):
            here = cost[i, j]
            options = (
                total[i - 1, j - 1] + 2 * here,
                total[i - 1, j - 2] + 2 * cost[i, j - 1] + here + UNEVEN if j > 1 else np.inf,
                total[i - 2, j - 1] + 2 * cost[i - 1, j] + here + UNEVEN if i > 1 else np.inf,
            )
            best = min(range(3), key=options.__getitem__)
            total[i, j], came[i, j] = options[best], best
    last = total[-1]
    at = rows - 1, int(np.argmin(last / (rows + np.arange(columns)))) if open_end else columns - 1
    if not np.isfinite(total[at]):
        return []
    path = [at]
    while at != (0, 0):
        step = steps[came[at]]
        at = at[0] - step[0], at[1] - step[1]
        path.append(at)
    return path[::-1]


def squared_distances(one: Float64, other: Float64) -> Float64:
    """Return the squared distances [N, M] of the rows of [N, D] and [M, D]."""
    found: Float64 = np.square(one[:, None] - other[None]).sum(axis=-1)
    return found


def standardised(curve: NDArray[np.floating]) -> Float64:
    """Return a curve [N, D] with mean 0 and standard deviation 1 over time; one that stands still gives zeros."""
    values = np.asarray(curve, np.float64)
    moved = values - values.mean(axis=0)
    done: Float64 = moved / np.maximum(values.std(axis=0), 1e-9)
    return done


def time_map(heard: NDArray[np.floating], seen: NDArray[np.floating]) -> Float64:
    """Return for every step of `seen` [M] the step of `heard` [N] that belongs to it, [M], smooth and never falling.

    Where no path with slopes from a half to two exists, both are laid end to end.
    """
    from scipy.ndimage import gaussian_filter1d

    even = np.linspace(0.0, len(heard) - 1.0, len(seen))
    path = warping_path(squared_distances(standardised(heard)[:, None], standardised(seen)[:, None]))
    if not path:
        return even
    pairs = np.array(path, np.float64)
    at: Float64 = np.interp(np.arange(len(seen)), pairs[:, 1], pairs[:, 0])
    smooth: Float64 = even + gaussian_filter1d(at - even, 3.0, mode="nearest")
    return np.maximum.accumulate(np.clip(smooth, 0.0, len(heard) - 1.0))


def stretched(samples: Float32, rate: int, times: Float64, step: float) -> Float32:
    """Play a sound [N] so that at i `step` s that is heard which was at `times[i]` s; pitch stays.

    Returns `round(len(times) * step * rate)` samples.
    """
    size = 2 * round(PIECE * rate / 2)
    hop, reach = size // 2, round(SEARCH * rate)
    length = round(len(times) * step * rate)
    window = np.hanning(size + 1)[:-1]
    padded = np.pad(samples.astype(np.float64), (size + reach, 2 * size + 2 * reach))
    out = np.zeros(length + 2 * size)
    follows = None
    for first in range(0, length + hop, hop):
        wanted = np.interp((first / rate), np.arange(len(times)) * step, times) * rate
        place = min(max(round(float(wanted)), 0), len(samples)) + reach + size - hop
        if follows is not None:
            around = padded[place - reach : place + reach + size]
            fits = np.correlate(around, follows, mode="valid")
            loud = np.sqrt(np.convolve(np.square(around), np.ones(size), mode="valid")) + 1e-6
            place += int(np.argmax(fits / loud)) - reach
        out[first : first + size] += window * padded[place : place + size]
        follows = padded[place + hop : place + hop + size]
    return np.asarray(out[hop : hop + length], np.float32)
