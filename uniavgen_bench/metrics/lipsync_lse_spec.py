"""What the specs of all LSE protocols share: licence, weights, and where every one departs from its own chain."""

from __future__ import annotations

from uniavgen_bench.core.spec import Artefact, FieldSpec, MetricSpec, SampleField, Tier

WEIGHTS = "syncnet-v2"
FACE_NEEDS = (Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.SPEECH)
LICENCE = "code: Apache-2.0; weights: published for research by their authors, licence not stated"

BY_TIME = "Frames go to 25 fps by their presentation times (nearest frame), not by ffmpeg -r 25."
SHARED_CROPS = (
    "Crops are cut from stored JPEGs of the shared pass, 256 px for about twice the face; the protocol's own losses "
    "({losses}) are not reproduced."
)
SHARED_SOUND = "The sound is resampled to 16 kHz by soxr, not by ffmpeg's swresample."
SIGN = (
    "offset_frames is what the code computes: positive when the sound is ahead. A reply in the original project's "
    "issue 65 says the opposite; delayed copies of its own example (issue 2) agree with the code."
)
NO_SPEECH = "sound without speech: music gets numbers too, because nothing asks whether anybody speaks"
OTHER_PROTOCOLS = "comparison with LSE of another protocol: pre-processing alone moves LSE-C by up to 1.7"


def lse_spec(
    *,
    protocol: str,
    title: str,
    fields: tuple[FieldSpec, ...],
    source: str,
    deviations: tuple[str, ...],
    not_for: tuple[str, ...],
    needs: tuple[Artefact, ...] = FACE_NEEDS,
    sample_needs: tuple[SampleField, ...] = (),
    floors: tuple[str, ...] = ("shuffled-audio",),
) -> MetricSpec:
    """Build the spec of `lipsync.lse` under one protocol."""
    return MetricSpec(
        id="lipsync.lse",
        version=1,
        protocol=protocol,
        title=title,
        summary="How near SyncNet's embeddings of mouth and sound are, and how clearly one shift between them is best.",
        fields=fields,
        needs=needs,
        sample_needs=sample_needs,
        weights=(WEIGHTS,),
        floors=floors,
        tier=Tier.PAPER,
        licence=LICENCE,
        source=f"Chung and Zisserman, ACCV-W 2016; {source}",
        deviations=(*deviations, BY_TIME, SHARED_SOUND, SIGN),
        not_for=(*not_for, NO_SPEECH, OTHER_PROTOCOLS),
    )
