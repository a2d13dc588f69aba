"""`timbre.reference[ecapa@1]`: does the clip's voice sound like the reference voice, by SpeechBrain's ECAPA-TDNN."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Speech, VoiceActivity
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

WEIGHT = "ecapa-voxceleb"
MIN_SECONDS = 1.2
"""Seconds of speech: the bound of `timbre.reference@1`, so that both encoders are asked about the same clips."""
SAME_SPEAKER = 0.25
"""SpeechBrain's own threshold for one speaker, chosen on VoxCeleb."""


def _seconds(name: str, of: str) -> FieldSpec:
    meaning = f"speech that the voice detector finds in the {of}"
    return FieldSpec(name=name, unit="s", direction=Direction.NONE, low=MIN_SECONDS, meaning=meaning)


SPEC = MetricSpec(
    id="timbre.reference",
    version=1,
    protocol="ecapa",
    title="Voice likeness to the reference (ECAPA-TDNN)",
    summary="Cosine between the ECAPA-TDNN embeddings of the clip's sound and of the sample's reference audio.",
    fields=(
        FieldSpec(
            name="similarity",
            unit="cosine",
            direction=Direction.HIGHER,
            low=-1.0,
            high=1.0,
            meaning=f"1 = the same sound; SpeechBrain takes more than {SAME_SPEAKER} for one speaker (VoxCeleb)",
        ),
        _seconds("seconds_clip", "clip"),
        _seconds("seconds_reference", "reference"),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("reference_audio", "condition_audio"),
    weights=(WEIGHT,),
    floors=("shuffled-audio",),
    tier=Tier.PAPER,
    licence="Apache-2.0 (SpeechBrain); trained on VoxCeleb",
    source="Desplanques et al., arXiv:2005.07143; network, features and weights of SpeechBrain's "
    "spkrec-ecapa-voxceleb: 80 mel energies, mean of each band taken off per sound, the whole sound at once",
    deviations=(
        "Sound is decoded and resampled to 16 kHz (soxr) by the suite, the mean of the channels; SpeechBrain resamples "
        "by torchaudio. On 16 kHz samples the embeddings are the same.",
        f"A sound in which Silero VAD finds less than {MIN_SECONDS} s of speech has no score. What is embedded is the "
        "whole sound with its pauses, as in SpeechBrain.",
        "All voices in a sound go into one embedding: nothing tells the speaker from others.",
    ),
    not_for=(
        "audio-driven clips whose sound is the given audio: it measures only the copy",
        "continuation clips that begin with the reference itself: the copied part raises the number",
        "comparison with other encoders (timbre.reference@1): a cosine has no common scale",
        "a noisy or reverberant recording beside a clean one: the channel is embedded with the voice",
    ),
)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the clip's voice with the reference's."""
    given = clip.reference_speech
    seconds_reference = seconds_of_speech(detect_voice(given, models), "the reference audio")
    seconds_clip = seconds_of_speech(clip.voice_activity, "the clip")
    similarity = float(embedding(clip.speech, models) @ embedding(given, models))
    return Measurement(
        {
            "similarity": Score(min(1.0, max(-1.0, similarity))),
            "seconds_clip": Score(seconds_clip),
            "seconds_reference": Score(seconds_reference),
        },
        Evidence(),
    )


def seconds_of_speech(voice: VoiceActivity, of: str) -> float:
    """Return the seconds of speech in a sound; `of` names it in the reason.

    Raises:
        MissingError: `no_speech` when the voice detector found none, or `too_short` under 1.2 s.
    """
    if len(voice.segments) == 0:
        raise MissingError(Reason.NO_SPEECH, f"{of} has no speech")
    seconds = float((voice.segments[:, 1] - voice.segments[:, 0]).sum())
    if seconds < MIN_SECONDS:
        raise MissingError(Reason.TOO_SHORT, f"{of} has {seconds:.2f} s of speech, {MIN_SECONDS} needed")
    return seconds


def embedding(speech: Speech, models: Models) -> Float32:
    """Return the embedding [192] of length 1 of a sound; raises `MissingError(weights)`."""
    import torch

    from uniavgen_bench.metrics.ecapa_network import load_ecapa, mel_energies

    network = models.get(WEIGHT, lambda: load_ecapa(models.weight(WEIGHT), models.device))
    samples = torch.from_numpy(np.ascontiguousarray(speech.samples)).to(models.device)
    with torch.inference_mode():
        embedded: Float32 = network(mel_energies(samples[None]))[0].cpu().numpy()
    return embedded


METRIC = Metric(SPEC, measure, params=(("min_seconds", MIN_SECONDS),))
