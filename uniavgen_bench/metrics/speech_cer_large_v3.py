"""`speech.cer[large-v3@1]`: how much of the Chinese text that was asked for is heard, by Whisper large-v3."""

from __future__ import annotations

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Measurement
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, MetricSpec, Tier
from uniavgen_bench.metrics import speech_cer
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.speech_wer_large_v3 import LARGE_V3
from uniavgen_bench.weights.models import Models

SPEC = MetricSpec(
    id="speech.cer",
    version=1,
    protocol="large-v3",
    title="Character error rate of Chinese (Whisper large-v3)",
    summary="Edits between the Chinese characters asked for and those that Whisper large-v3 hears, per character "
    "asked for.",
    fields=speech_cer.FIELDS,
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("speech",),
    weights=(LARGE_V3.weight,),
    extra=speech_cer.EXTRA,
    floors=("shuffled-audio",),
    tier=Tier.PAPER,
    licence="Whisper: MIT; OpenCC: Apache-2.0",
    source="Radford et al., arXiv:2212.04356: model large-v3 (CTranslate2, beam 5, temperature 0, int8 on the CPU and "
    f"int8 with float16 on a GPU), told that the language is Chinese; {speech_cer.NORMALISATION}; alignment by jiwer. "
    "Talker-T2AV (arXiv:2604.23586) reports CER on its Chinese clips",
    deviations=speech_cer.DEVIATIONS,
    not_for=speech_cer.NOT_FOR,
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Recognise the clip's speech and compare it with `sample.speech`."""
    return speech_cer.measure_with(LARGE_V3, clip, sample, models)


METRIC = Metric(SPEC, measure, params=speech_cer.METRIC.params, settings=speech_cer.versions)
