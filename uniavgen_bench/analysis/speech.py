"""The sound of a clip as every metric hears it: 16 kHz, mono, on the clip's clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Speech
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.decode import audio
from uniavgen_bench.media.errors import MediaError

SILENT_DBFS = -60.0
"""A sound whose loudest sample stays below this level (0 dBFS = full scale 1) is silent: 30 dB above the rounding
noise of 16-bit files, 30 dB below quiet speech."""


def load_speech(path: Path) -> Speech:
    """Decode the sound of a clip to 16 kHz mono (mean of the channels; soxr VHQ).

    Raises:
        MissingError: `no_audio`, `bad_audio` (NaN or infinite samples), `silent` (no sample reaches -60 dBFS), or
            `unreadable`.
    """
    try:
        sound = audio(path, rate=SPEECH_RATE, mono=True)
    except MediaError as error:
        raise MissingError(error.reason, error.detail) from error
    if sound.samples.size == 0:
        raise MissingError(Reason.NO_AUDIO, "the sound stream is empty")
    peak = float(np.abs(sound.samples).max())
    if peak < 10.0 ** (SILENT_DBFS / 20.0):
        level = f"{20.0 * np.log10(peak):.0f} dBFS" if peak > 0 else "digital silence"
        raise MissingError(Reason.SILENT, f"the loudest sample is at {level}, below {SILENT_DBFS:.0f} dBFS")
    return Speech(sound.samples, SPEECH_RATE, sound.start, sound.source_rate, sound.source_channels)
