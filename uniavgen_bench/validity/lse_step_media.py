"""What other LSE pipelines do to pictures and sound: codecs, cuts from whole pictures, another face detector."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64, UInt8
from uniavgen_bench.analysis.face_detector import iou
from uniavgen_bench.media.decode import audio, video_frames
from uniavgen_bench.metrics.syncnet_features import CROP_SIDE, FPS, GREY

RATE = 16_000
ULTRAFACE_INPUT = (320, 240)
ULTRAFACE_SCORE = 0.6
SAME_FACE = 0.2
"""A detection belongs to a track when it overlaps its box by so much (IoU)."""


def pictures_at(path: Path, wanted: set[int]) -> Iterator[tuple[int, UInt8]]:
    """Yield the wanted frames of a clip by index, pictures [H, W, 3] RGB."""
    for frame in video_frames(path):
        if frame.index in wanted:
            yield frame.index, frame.image
        if frame.index >= max(wanted):
            return


def cut(picture: UInt8, square: Float64) -> UInt8:
    """Cut x0, y0, x1, y1 out of a picture [H, W, 3] and bring it to 224 px as the package does; outside is grey 110."""
    import cv2

    x0, y0, x1, y1 = (int(v) for v in square)
    pad = max(0, -x0, -y0, x1 - picture.shape[1], y1 - picture.shape[0])
    padded = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY))
    part = padded[y0 + pad : y1 + pad, x0 + pad : x1 + pad]
    return np.asarray(cv2.resize(part, (CROP_SIDE, CROP_SIDE)), dtype=np.uint8)


def through_xvid(crops: UInt8) -> UInt8:
    """Write crops [n, 224, 224, 3] BGR as MPEG-4 (XVID) at 25 fps, as the package does, and read them again."""
    import cv2

    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "crops.avi")
        fourcc = cv2.VideoWriter.fourcc(*"XVID")
        writer = cv2.VideoWriter(file, fourcc, FPS, (CROP_SIDE, CROP_SIDE))
        for crop in crops:
            writer.write(crop)
        writer.release()
        reader = cv2.VideoCapture(file)
        out = []
        while (read := reader.read())[0]:
            out.append(np.asarray(read[1], dtype=np.uint8))
        reader.release()
    if len(out) != len(crops):
        raise RuntimeError(f"wrote {len(crops)} crops as MPEG-4 and read {len(out)} again")
    return np.stack(out)


def through_aac(samples: Float32) -> Float32:
    """Encode 16 kHz sound as AAC at the encoder's own bit rate, as LatentSync does, and decode it again."""
    import av

    with TemporaryDirectory() as folder:
        file = Path(folder) / "sound.mp4"
        with av.open(str(file), "w") as container:
            stream = container.add_stream("aac", rate=RATE, layout="mono")
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
        sound = audio(file, rate=RATE).samples
    out = np.zeros_like(samples)
    out[: len(sound)] = sound[: len(out)]
    return out


class UltraFace:
    """The detector UltraFace RFB-320: another opinion of where a face is."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def box(self, picture: UInt8, near: Float32) -> Float32 | None:
        """Return the surest box [4] in px that overlaps `near`, or None; `picture` [H, W, 3] RGB."""
        import cv2

        small = cv2.resize(picture, ULTRAFACE_INPUT).astype(np.float32)
        tensor = ((small - 127) / 128).transpose(2, 0, 1)[None]
        scores, corners = self._session.run(None, {self._session.get_inputs()[0].name: tensor})
        height, width = picture.shape[:2]
        boxes = (corners[0] * np.array([width, height, width, height])).astype(np.float32)
        sure = scores[0, :, 1] * (iou(near, boxes) >= SAME_FACE)
        best = int(sure.argmax())
        return boxes[best] if sure[best] >= ULTRAFACE_SCORE else None
