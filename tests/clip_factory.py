"""Synthetic clips for tests: a white flash exactly with a click, in every container, and files that are broken."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

DARK, WHITE = 24, 255
CLICK_SECONDS = 0.020


@dataclass(frozen=True)
class Format:
    """A container with its codecs. `delay`: samples that the sound encoder adds and the container cannot tell."""

    suffix: str
    video: str
    audio: str
    sample_format: str
    muxer: str | None = None
    delay: int = 0
    video_options: tuple[tuple[str, str], ...] = ()


FAST = (("preset", "ultrafast"), ("crf", "16"))
FORMATS = {
    "mp4-aac": Format(".mp4", "libx264", "aac", "fltp", video_options=FAST),
    "mp4-flac": Format(".mp4", "libx264", "flac", "s16", video_options=FAST),
    "mp4-mp3": Format(".mp4", "libx264", "libmp3lame", "fltp", video_options=FAST),
    "mp4-opus": Format(".mp4", "libx264", "libopus", "flt", video_options=FAST),
    "mov-pcm": Format(".mov", "libx264", "pcm_s16le", "s16", video_options=FAST),
    "webm-opus": Format(
        ".webm", "libvpx-vp9", "libopus", "flt", video_options=(("deadline", "realtime"), ("cpu-used", "8"))
    ),
    "mkv-aac": Format(".mkv", "libx264", "aac", "fltp", video_options=FAST),
    "mkv-flac": Format(".mkv", "ffv1", "flac", "s16"),
    "mpg-mp2": Format(".mpg", "mpeg2video", "mp2", "s16", muxer="vob", video_options=(("b", "2000000"),)),
    "mpg1-mp2": Format(".mpg", "mpeg1video", "mp2", "s16", muxer="mpeg", video_options=(("b", "2000000"),)),
    "ts-aac": Format(".ts", "libx264", "aac", "fltp", muxer="mpegts", video_options=FAST),
    "avi-mp3": Format(".avi", "mpeg4", "libmp3lame", "fltp", delay=1105, video_options=(("b", "2000000"),)),
    "avi-h264": Format(".avi", "libx264", "pcm_s16le", "s16", video_options=FAST),
    "avi-pcm": Format(".avi", "mpeg4", "pcm_s16le", "s16", video_options=(("b", "2000000"),)),
}
"""Every combination; tests take their ids from here."""


@dataclass(frozen=True)
class FlashBeep:
    """A clip with its truth: `flashes` and `beeps` are onset times in s of the clip's clock."""

    path: Path
    times: NDArray[np.float64]
    flashes: tuple[float, ...]
    beeps: tuple[float, ...]
    rate: int


def flash_and_beep(
    folder: Path,
    kind: str = "mp4-aac",
    *,
    times: Sequence[float] | None = None,
    fps: Fraction | int = 25,
    seconds: float = 3.0,
    at: Sequence[float] = (1.0, 2.0),
    beep_after: float = 0.0,
    size: tuple[int, int] = (128, 96),
    rate: int = 48_000,
    channels: int = 2,
    name: str | None = None,
    first_frame: int = 0,
    grain: int = 0,
    **video: Any,
) -> FlashBeep:
    """Write a dark clip with one white frame at each time of `at`, and a click `beep_after` s after each flash.

    `times` are frame times in s (default: `fps`); flashes are on the first frame not before each time of `at`.
    `first_frame` < 0 begins that many frames before zero, so that an edit list must hide them (mp4 only).
    `grain` adds noise of that amplitude, so that pictures take up bytes.
    `video` sets attributes of the video codec context, such as `max_b_frames`.
    """
    form, fps = FORMATS[kind], Fraction(fps)
    path = folder / (name or f"{kind}{form.suffix}")
    frame_times = np.asarray(times if times is not None else np.arange(round(seconds * fps)) / float(fps))
    flashes = tuple(float(frame_times[np.searchsorted(frame_times, t - 1e-6)]) for t in at)
    beeps = tuple(t + beep_after for t in flashes)
    base = Fraction(1, 90_000) if times is not None else 1 / fps
    ticks = [round(t / base) for t in frame_times]
    if first_frame:
        ticks = [*range(first_frame, 0), *ticks]
    white = {round(t / base) for t in flashes}
    sound = clicks(beeps, seconds, rate)
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", format=form.muxer) as out:
        pictures = out.add_stream(form.video, rate=fps, options=dict(form.video_options))
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        pictures.codec_context.time_base = base
        for key, value in video.items():
            setattr(pictures.codec_context, key, value)
        track = _Sound(out, form, sound, rate, channels)
        for tick in ticks:
            level = WHITE if tick in white else DARK
            image = np.full((size[1], size[0], 3), level, np.int16)
            if grain:
                image += noise.integers(-grain, grain + 1, image.shape, np.int16)
            frame = av.VideoFrame.from_ndarray(image.clip(0, 255).astype(np.uint8), format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = tick, base
            out.mux(pictures.encode(frame))
            track.write_until(float(tick * base) + 0.5)
        out.mux(pictures.encode(None))
        track.finish()
    return FlashBeep(path, frame_times, flashes, beeps, rate)


def clicks(at: Sequence[float], seconds: float, rate: int) -> NDArray[np.float32]:
    """Return a sound `[N]` with a burst of 20 ms of 1 kHz, of sudden onset, at each time in s."""
    sound = np.zeros(round(seconds * rate), np.float32)
    n = round(CLICK_SECONDS * rate)
    burst = 0.8 * np.cos(2 * np.pi * 1000 * np.arange(n) / rate)
    for t in at:
        i = round(t * rate)
        part = sound[max(0, i) : i + n]
        part[:] = burst[: len(part)]
    return sound


class _Sound:
    def __init__(self, out: Any, form: Format, sound: NDArray[np.float32], rate: int, channels: int) -> None:
        self.out, self.form, self.rate = out, form, rate
        self.layout = "mono" if channels == 1 else "stereo"
        self.sound = np.concatenate([sound[form.delay :], np.zeros(form.delay, np.float32)])
        self.channels = channels
        self.stream = out.add_stream(form.audio, rate=rate, layout=self.layout)
        self.stream.codec_context.format = form.sample_format
        self.done = 0

    def write_until(self, seconds: float) -> None:
        end = min(len(self.sound), int(seconds * self.rate))
        if end <= self.done:
            return
        rows = np.repeat(self.sound[None, self.done : end], self.channels, axis=0)
        if self.form.sample_format != "fltp":
            rows = rows.T.reshape(1, -1)
        if self.form.sample_format == "s16":
            rows = np.rint(rows * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(rows), format=self.form.sample_format, layout=self.layout
        )
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self.done, Fraction(1, self.rate)
        self.done = end
        self._mux(self.stream.encode(frame))

    def finish(self) -> None:
        self.write_until(len(self.sound) / self.rate + 1)
        self._mux(self.stream.encode(None))

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            if self.form.delay:
                shift = round(Fraction(self.form.delay, self.rate) / packet.time_base)
                packet.pts += shift
                packet.dts += shift
            self.out.mux_one(packet)


def variable_rate(folder: Path) -> FlashBeep:
    """Write an mp4 whose frames come 20 … 90 ms apart."""
    gaps = np.random.default_rng(7).uniform(0.020, 0.090, 60)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    times = np.round(times[times < 2.9] * 90_000) / 90_000
    return flash_and_beep(folder, "mp4-aac", times=times.tolist(), name="variable.mp4")


def film_rate(folder: Path, kind: str = "mp4-aac") -> FlashBeep:
    """Write a clip at 24000/1001 frames per second."""
    return flash_and_beep(folder, kind, fps=Fraction(24000, 1001), name=f"film{FORMATS[kind].suffix}")


def edit_list(folder: Path, hidden: int = 10) -> FlashBeep:
    """Write an mp4 whose edit list hides its first frames."""
    return flash_and_beep(folder, "mp4-flac", first_frame=-hidden, name="edited.mp4")


MATRICES = {
    0: (1, 0, 0, 1),
    -90: (0, 1, -1, 0),
    90: (0, -1, 1, 0),
    180: (-1, 0, 0, -1),
    "mirror": (-1, 0, 0, 1),
}
"""a, b, c, d of a display matrix (ISO/IEC 14496-12, `tkhd`) by counter-clockwise degrees."""


def turned(folder: Path, turn: int | str = 90) -> Path:
    """Write an mp4 as a phone does: coded 128x96, left half red, top left corner white, to be turned by a player.

    `turn` is a key of `MATRICES`; the matrix is written into the file by hand.
    """
    path = folder / f"turned{turn}.mp4"
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, :64, 0] = 200
    image[:32, :32] = 255
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options=dict(FAST))
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (v << 16 for v in MATRICES[turn])
    data[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def unknown_codec(folder: Path) -> Path:
    """Write an mp4 whose picture has a codec that nobody knows, with sound that is in order."""
    path = flash_and_beep(folder, "mp4-aac", name="unknown.mp4").path
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zz9z"))
    return path


def picture_only(folder: Path, *, frames: int = 25, size: tuple[int, int] = (128, 96), fps: int = 25) -> Path:
    """Write an mp4 without sound; with `frames=1` a clip of one picture."""
    path = folder / f"silent-{frames}.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps, options=dict(FAST))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for i in range(frames):
            level = DARK + i % 200
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), level, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = i, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def one_frame(folder: Path) -> Path:
    """Write a clip of one picture without sound."""
    return picture_only(folder, frames=1)


def sound_only(folder: Path, *, suffix: str = ".wav", rate: int = 16_000, seconds: float = 3.0) -> FlashBeep:
    """Write a file of clicks at 1 s and 2 s: .wav, .flac, .mp3, .m4a, .ogg or .opus."""
    codec, sample_format = {
        ".wav": ("pcm_s16le", "s16"),
        ".flac": ("flac", "s16"),
        ".mp3": ("libmp3lame", "fltp"),
        ".m4a": ("aac", "fltp"),
        ".ogg": ("libopus", "flt"),
    }[suffix]
    path = folder / f"sound{suffix}"
    beeps = (1.0, 2.0)
    with av.open(str(path), "w") as out:
        track = _Sound(out, Format(suffix, "", codec, sample_format), clicks(beeps, seconds, rate), rate, 1)
        track.finish()
    return FlashBeep(path, np.zeros(0), (), beeps, rate)


def zero_bytes(folder: Path) -> Path:
    """Write an empty file named .mp4."""
    path = folder / "empty.mp4"
    path.write_bytes(b"")
    return path


def text_named_mp4(folder: Path) -> Path:
    """Write a text named .mp4."""
    path = folder / "text.mp4"
    path.write_text("This is a letter, not a film.\n" * 200, encoding="utf-8")
    return path


def noise_named_mp4(folder: Path) -> Path:
    """Write random bytes named .mp4."""
    path = folder / "noise.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    return path


def truncated(source: Path, share: float = 0.5) -> Path:
    """Write the first part of a file beside it."""
    path = source.with_name(f"cut-{source.name}")
    data = source.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def copied(source: Path, name: str, *, keep: Sequence[str] = ("video", "audio"), title: str = "") -> Path:
    """Copy the packets of some kinds of streams into another file beside it, the index of an mp4 in front."""
    path = source.with_name(name)
    options = {"movflags": "+faststart"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(source)) as clip, av.open(str(path), "w", container_options=options) as out:
        if title:
            out.metadata["title"] = title
        copies = {s.index: out.add_stream_from_template(s) for s in clip.streams if s.type in keep}
        for packet in clip.demux([s for s in clip.streams if s.type in keep]):
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                out.mux_one(packet)
    return path


def index_in_front(source: Path) -> Path:
    """Copy an mp4 so that its index stands before its packets, as it must for a cut file to decode."""
    return copied(source, f"front-{source.name}")


def sound_blocks(
    folder: Path, blocks: Sequence[tuple[float, NDArray[np.float32]]], rate: int = 16_000
) -> Path:
    """Write a Matroska file of PCM blocks `[n]`, each with the time in s that it is said to begin at."""
    path = folder / "blocks.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        for start, samples in blocks:
            data = np.rint(samples * 32767).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
            for packet in stream.encode(frame):
                packet.pts = packet.dts = round(start * rate)
                packet.time_base = Fraction(1, rate)
                out.mux_one(packet)
    return path


def picture_times(folder: Path, milliseconds: Sequence[int]) -> Path:
    """Write a Matroska file of intra-coded pictures at just these times, of rising brightness."""
    path = folder / "times.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i, ms in enumerate(milliseconds):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 10 * i, np.uint8), format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 1000)
            for packet in stream.encode(frame):
                packet.pts = packet.dts = ms
                out.mux_one(packet)
    return path


def wav(folder: Path, samples: NDArray[np.float32], rate: int = 16_000, name: str = "float.wav") -> Path:
    """Write samples `[N]` or `[C, N]` as 32-bit floats, NaN and all."""
    from scipy.io import wavfile

    path = folder / name
    data = io.BytesIO()
    wavfile.write(data, rate, np.asarray(samples, np.float32).T)
    path.write_bytes(data.getvalue())
    return path


def nan_wav(folder: Path) -> Path:
    """Write a wav of floats with one NaN in its middle."""
    samples = clicks((0.5,), 1.0, 16_000)
    samples[9_000] = np.nan
    return wav(folder, samples, name="nan.wav")


def flashes_seen(times: NDArray[np.float64], brightness: NDArray[np.float64]) -> list[float]:
    """Return the times of the frames that are white."""
    return [float(t) for t, b in zip(times, brightness, strict=True) if b > (DARK + WHITE) / 2]


def clicks_heard(samples: NDArray[np.float32], rate: int, start: float = 0.0) -> list[float]:
    """Return the onset times in s of the bursts of a mono sound: where they fit the burst of `clicks` best."""
    from scipy.signal import correlate, find_peaks, hilbert

    fit = np.abs(hilbert(correlate(samples, _burst(rate), mode="valid")))
    peaks, _ = find_peaks(fit, height=0.5 * fit.max(), distance=round(0.2 * rate))
    return [start + float(p) / rate for p in peaks]


@functools.lru_cache(maxsize=8)
def _burst(rate: int) -> NDArray[np.float32]:
    return clicks((0.0,), CLICK_SECONDS, rate)
