"""What SyncNet sees and hears, and how its distances become LSE: the protocol of `syncnet-python`.

Frames on a 25 fps grid, face crops 224 x 224, MFCC at 100 per second, distances over shifts of +-15 frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import medfilt

from uniavgen_bench.analysis.artefacts import Crops, Float32, Float64, Int64, Speech, UInt8, WholeFrames

FPS = 25
CROP_SIDE = 224
CROP_SCALE = 0.40
SMOOTHING = 13
SHIFT = 15
MFCC_PER_FRAME = 4
GREY = 110


@dataclass(frozen=True)
class FrameGrid:
    """Frames on the 25 fps grid: grid steps `first` … `first + len(index) - 1`; `index` into the frames."""

    first: int
    index: Int64

    @property
    def start(self) -> float:
        """Time of the first grid step in s."""
        return self.first / FPS

    @property
    def end(self) -> float:
        """Time in s at which the last grid step ends."""
        return (self.first + len(self.index)) / FPS


def frame_grid(times: Float64) -> FrameGrid:
    """Put frames at `times` [n] s on the clip's 25 fps grid: each step takes the frame nearest in time.

    Steps before the first and after the last frame are left out (half a step of tolerance).
    """
    first = int(np.floor(times[0] * FPS + 0.5))
    last = int(np.floor(times[-1] * FPS + 0.5))
    grid = np.arange(first, last + 1) / FPS
    right = np.clip(np.searchsorted(times, grid), 1, max(len(times) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(times) - 1)
    nearest = np.where(grid - times[left] <= times[right] - grid, left, right)
    return FrameGrid(first=first, index=nearest.astype(np.int64))


def crop_squares(boxes: Float32, *, scale: float = CROP_SCALE, smoothing: int = SMOOTHING) -> Float64:
    """Turn face boxes `[n, 4]` on the 25 fps grid into the protocol's crops `[n, 4]`: x0, y0, x1, y1 in px.

    Half the longer side and the centre are median-smoothed over `smoothing` frames; the crop reaches `scale` of the
    half side beyond the face to the left and right and twice as far below it. Corners are whole px.
    """
    box = boxes.astype(np.float64)
    half = medfilt(np.maximum(box[:, 3] - box[:, 1], box[:, 2] - box[:, 0]) / 2, smoothing)
    centre_x = medfilt((box[:, 0] + box[:, 2]) / 2, smoothing)
    centre_y = medfilt((box[:, 1] + box[:, 3]) / 2, smoothing)
    wide, below = half * (1 + scale), half * (1 + 2 * scale)
    return np.floor(np.stack([centre_x - wide, centre_y - half, centre_x + wide, centre_y + below], axis=1))


def face_crops(crops: Crops, k: int, index: Int64, squares: Float64) -> UInt8:
    """Cut the protocol's crops `[n, 224, 224, 3]` BGR out of track `k`'s stored crops.

    `index` [n] into the track, `squares` [n, 4] in px of the picture. What lies outside the stored crop is grey.
    """
    import cv2

    out = np.empty((len(index), CROP_SIDE, CROP_SIDE, 3), dtype=np.uint8)
    decoded = -1
    image: UInt8 = np.empty(0, dtype=np.uint8)
    for n, (i, square) in enumerate(zip(index.tolist(), squares, strict=True)):
        if i != decoded:
            jpeg = np.frombuffer(crops.jpegs[k][i], np.uint8)
            image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), dtype=np.uint8)
            decoded = i
        centre_x, centre_y, side = (float(v) for v in crops.regions[k][i])
        per_px = crops.side / side
        scale_x, scale_y = (square[2:] - square[:2]) / CROP_SIDE * per_px
        left = (square[0] - (centre_x - side / 2)) * per_px
        top = (square[1] - (centre_y - side / 2)) * per_px
        # Pixel centres: output (0, 0) lies half an output pixel inside the crop's corner.
        matrix = np.array([[scale_x, 0, left + scale_x / 2 - 0.5], [0, scale_y, top + scale_y / 2 - 0.5]])
        out[n] = cv2.warpAffine(
            image,
            matrix,
            (CROP_SIDE, CROP_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(GREY, GREY, GREY),
        )
    return out


def whole_frames(whole: WholeFrames, index: Int64) -> UInt8:
    """Return whole pictures `[n, 224, 224, 3]` BGR of the frames `index` [n]."""
    import cv2

    decoded: dict[int, UInt8] = {}
    for i in set(index.tolist()):
        jpeg = np.frombuffer(whole.jpegs[i], np.uint8)
        decoded[i] = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.stack([decoded[i] for i in index.tolist()])


def sound_between(speech: Speech, start: float, end: float) -> Float32:
    """Return the samples between two times of the clip's clock; silence where the sound does not reach."""
    first = round((start - speech.start) * speech.rate)
    last = round((end - speech.start) * speech.rate)
    out = np.zeros(last - first, dtype=np.float32)
    inside = speech.samples[max(first, 0) : max(last, 0)]
    begin = max(-first, 0)
    out[begin : begin + len(inside)] = inside
    return out


def frames_heard(speech: Speech, start: float) -> int:
    """Return how many whole frames at 25 fps the sound covers from a time of the clip's clock on."""
    return int((speech.start + len(speech.samples) / speech.rate - start) * FPS + 1e-6)


def mfcc(samples: Float32) -> Float32:
    """Return 13 MFCC at 100 per second, `[13, M]`, of 16 kHz samples in -1 … 1, taken as 16-bit integers."""
    from python_speech_features import mfcc as reference_mfcc

    integers = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    return np.asarray(reference_mfcc(integers, 16_000), dtype=np.float32).T.copy()


def shifted_distances(lips: Float32, sound: Float32, shift: int = SHIFT) -> Float32:
    """Return Euclidean distances `[n, 2 shift + 1]` between lips `[n, D]` and sound `[n, D]`.

    Column c compares frame i with sound i + c - shift; beyond the edges the sound is a zero vector, which biases
    short clips: so does the protocol. 1e-6 is added to each difference, as torch's pairwise distance does.
    """
    n = len(lips)
    padded = np.pad(sound, ((shift, shift), (0, 0)))
    columns = [np.linalg.norm(lips - padded[c : c + n] + 1e-6, axis=1) for c in range(2 * shift + 1)]
    return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Lse:
    """LSE of one track.

    `confidence` LSE-C, `distance` LSE-D, `offset` in frames as the protocol prints it (15 - argmin; positive when
    the sound is ahead), `curve` [31] mean distance per shift, `framewise` [n] confidence over time.
    """

    confidence: float
    distance: float
    offset: int
    curve: Float32
    framewise: Float32


def lower_median(values: Float32) -> float:
    """Return the lower of the two middle values for an even count, as `torch.median` does."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def lse_of(distances: Float32) -> Lse:
    """Turn distances `[n, 31]` into LSE: minimum, and median minus minimum, of the mean over time."""
    curve = distances.mean(axis=0)
    best = int(curve.argmin())
    middle = lower_median(curve)
    return Lse(
        confidence=middle - float(curve[best]),
        distance=float(curve[best]),
        offset=distances.shape[1] // 2 - best,
        curve=curve,
        framewise=medfilt(middle - distances[:, best], 9).astype(np.float32),
    )
