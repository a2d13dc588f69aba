"""Metrics and systems of made-up runs, with the level, spread and step of each field's scores."""

from __future__ import annotations

from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier

LIPSYNC = MetricSpec(
    id="lipsync.mouth_audio",
    version=1,
    title="Lip sync from mouth shape and sound",
    summary="How well the shape of the lips follows the sound, and by how much the one runs ahead of the other.",
    fields=(
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0,
            high=1,
            meaning="peak of the correlation by lag minus its median",
        ),
        FieldSpec(
            name="offset",
            unit="ms",
            direction=Direction.ZERO,
            low=-600,
            high=600,
            meaning="lag of the best correlation",
            sign="negative: the audio runs ahead of the picture",
        ),
    ),
    needs=(Artefact.FACES, Artefact.SPEECH),
    weights=("lipsync-cca-1",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="canonical correlation of lip shape and mel energy; https://example.org/lipsync-paper",
    deviations=("not SyncNet: never compare it with LSE",),
    not_for=("profile views", "singing"),
)
LSE = MetricSpec(
    id="lipsync.lse",
    version=1,
    protocol="syncnet-python",
    title="LSE-C and LSE-D by SyncNet",
    summary="Confidence and distance of SyncNet v2 with the crop pipeline of syncnet_python.",
    fields=(
        FieldSpec(
            name="lse_c", unit="", direction=Direction.HIGHER, low=0, meaning="median minus minimum distance"
        ),
        FieldSpec(name="lse_d", unit="", direction=Direction.LOWER, low=0, meaning="minimum mean distance"),
    ),
    weights=("syncnet_v2", "sfd_face"),
    tier=Tier.PAPER,
    licence="research only",
    source="Chung and Zisserman, Out of time, ACCV-W 2016",
)
TIMBRE = MetricSpec(
    id="timbre.reference",
    version=1,
    title="Voice likeness to the reference",
    summary="Cosine of Resemblyzer's speaker embeddings of the clip and of the reference audio.",
    fields=(
        FieldSpec(
            name="similarity",
            unit="",
            direction=Direction.HIGHER,
            low=-1,
            high=1,
            meaning="cosine similarity",
        ),
    ),
    sample_needs=("reference_audio",),
    weights=("resemblyzer",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="Wan et al., Generalized end-to-end loss, ICASSP 2018",
)
WER = MetricSpec(
    id="speech.wer",
    version=1,
    title="Word error rate",
    summary="Whisper tiny.en against the text that should be heard, both normalised for English.",
    fields=(
        FieldSpec(name="wer", unit="", direction=Direction.LOWER, low=0, meaning="errors per reference word"),
        FieldSpec(
            name="words", unit="words", direction=Direction.NONE, low=0, meaning="words in the reference"
        ),
    ),
    weights=("whisper-tiny-en",),
    tier=Tier.EMBEDDED,
    licence="MIT",
    source="Radford et al., Robust speech recognition, 2022",
    deviations=("tiny.en instead of large-v3: absolute values are higher",),
)
DNSMOS = MetricSpec(
    id="audio.dnsmos",
    version=1,
    title="Speech quality, DNSMOS P.835",
    summary="Predicted opinion of the sound: overall, speech and background.",
    fields=(
        FieldSpec(
            name="overall", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="overall quality"
        ),
        FieldSpec(
            name="speech", unit="MOS", direction=Direction.HIGHER, low=1, high=5, meaning="speech quality"
        ),
    ),
    weights=("dnsmos-p835",),
    tier=Tier.EMBEDDED,
    licence="MIT",
    source="Reddy et al., DNSMOS P.835, ICASSP 2022",
)
MOTION = MetricSpec(
    id="video.motion",
    version=1,
    title="Motion by optical flow",
    summary="How much the picture moves, and whether the clip stands still.",
    fields=(
        FieldSpec(name="flow", unit="% of height/s", direction=Direction.NONE, low=0, meaning="mean flow"),
        FieldSpec(name="static", unit="", direction=Direction.LOWER, low=0, high=1, meaning="1 when still"),
    ),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="Farnebäck, Two-frame motion estimation, 2003",
)
METRICS = (LIPSYNC, LSE, TIMBRE, WER, DNSMOS, MOTION)
LEVELS = {
    ("lipsync.mouth_audio", "confidence"): (0.42, 0.11, 0.07),
    ("lipsync.mouth_audio", "offset"): (-20.0, 55.0, 10.0),
    ("lipsync.lse", "lse_c"): (5.2, 1.3, 0.8),
    ("lipsync.lse", "lse_d"): (8.9, 1.1, -0.6),
    ("timbre.reference", "similarity"): (0.74, 0.09, 0.05),
    ("speech.wer", "wer"): (0.16, 0.09, -0.05),
    ("speech.wer", "words"): (14.0, 4.0, 0.0),
    ("audio.dnsmos", "overall"): (3.0, 0.3, 0.2),
    ("audio.dnsmos", "speech"): (3.4, 0.25, 0.2),
    ("video.motion", "flow"): (4.0, 1.6, 1.0),
    ("video.motion", "static"): (0.2, 0.0, 0.0),
}
SYSTEMS = (
    SystemInfo(id="UniAVGen", use="precomputed"),
    SystemInfo(id="Ovi", use="precomputed"),
    SystemInfo(id="UniVerse-1", use="precomputed"),
    SystemInfo(id="F5-TTS → OmniAvatar", use="precomputed", label="F5-TTS → OmniAvatar"),
    SystemInfo(id="ground-truth", use="ground-truth", role=Role.UPPER_CONTROL),
    SystemInfo(id="shuffled-audio", use="shuffled-audio", role=Role.LOWER_CONTROL),
)
