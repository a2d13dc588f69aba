"""Metrics that need no weights, good ones and bad ones."""

from __future__ import annotations

import os
import time

import numpy as np

from uniavgen_bench.core.result import Curve, Evidence, Measurement, Score
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric


def spec(name, field, needs=(), low=None, high=None, **more):
    return MetricSpec(
        id=f"toy.{name}",
        version=1,
        title=name,
        summary=f"A toy: {name}.",
        fields=(FieldSpec(name=field, unit="", direction=Direction.NONE, low=low, high=high, meaning=field),),
        needs=needs,
        tier=Tier.EMBEDDED,
        licence="CC0-1.0",
        source="tests",
        **more,
    )


def loudness(clip, sample, models):
    power = float(np.mean(np.square(clip.speech.samples, dtype=np.float64)))
    return Measurement({"dbfs": Score(10 * np.log10(max(power, 1e-12)))})


def brightness(clip, sample, models):
    return Measurement({"frames": Score(float(len(clip.frames.times)))})


def marked(clip):
    """Tell the clip whose tone has 333 Hz; toy metrics misbehave only for that one."""
    spectrum = np.abs(np.fft.rfft(clip.speech.samples))
    return abs(int(spectrum.argmax()) * clip.speech.rate / len(clip.speech.samples) - 333) < 2


def crash(clip, sample, models):
    if marked(clip):
        os.abort()
    return Measurement({"ok": Score(1.0)})


def hang(clip, sample, models):
    if marked(clip):
        time.sleep(600)
    return Measurement({"ok": Score(1.0)})


def slow(clip, sample, models):
    time.sleep(0.2)
    return Measurement({"ok": Score(1.0)})


def raises(clip, sample, models):
    raise ValueError("a <b>bad</b> idea")


def outside(clip, sample, models):
    return Measurement({"share": Score(7.0)})


def peek(clip, sample, models):
    return Measurement({"seen": Score(float(sample.speech is not None))})


def tell(clip, sample, models):
    return Measurement({"ok": Score(1.0)}, Evidence(texts={"heard": "a tone"}))


def draw(clip, sample, models):
    return Measurement({"ok": Score(1.0)}, Evidence((Curve("level", "dB", (0.0, 1.0), (-3.0, -4.0)),)))


SPEECH, FRAMES = (Artefact.SPEECH,), (Artefact.FRAMES,)
LOUDNESS = Metric(spec("loudness", "dbfs", SPEECH), loudness)
BRIGHTNESS = Metric(spec("brightness", "frames", FRAMES), brightness)
CRASH = Metric(spec("crash", "ok", SPEECH), crash)
HANG = Metric(spec("hang", "ok", SPEECH), hang)
SLOW = Metric(spec("slow", "ok"), slow)
RAISE = Metric(spec("raise", "ok"), raises)
OUTSIDE = Metric(spec("outside", "share", low=0, high=1), outside)
PEEK = Metric(spec("peek", "seen"), peek)
TELL = Metric(spec("tell", "ok"), tell)
DRAW = Metric(spec("draw", "ok"), draw)
