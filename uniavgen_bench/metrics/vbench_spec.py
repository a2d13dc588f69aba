"""What the specs of the metrics after VBench share: source, deviations, and where they do not apply."""

from __future__ import annotations

from uniavgen_bench.core.spec import FieldSpec, MetricSpec, Tier

PROTOCOL = "vbench"
LONG_PIECE = 2.0
"""VBench-Long cuts clips into pieces of this many seconds for the three dimensions that are here."""

SOURCE = "Huang et al., VBench, CVPR 2024 (arXiv:2311.17982); definition of the package vbench 0.1.5"
DECODED = (
    "Pictures are decoded by FFmpeg through PyAV, upright and with square pixels; VBench reads them through decord or "
    "OpenCV, which leave both undone and round colours differently."
)
ONE_CLIP = (
    "The number is that of one clip, and means are over clips. VBench's own mean of consistency is weighted by frames "
    "on one GPU and by clips on several."
)
NOT_LONG = (
    f"comparison with VBench-Long, which cuts every clip into pieces of {LONG_PIECE:g} s at its scenes and takes the "
    "mean over pieces (for consistency mixed with DreamSim between pieces): here a clip is one piece, whatever its "
    "length, also at 5.0625 s, from where on VBench's authors advise VBench-Long"
)


def vbench_spec(
    *,
    name: str,
    title: str,
    summary: str,
    fields: tuple[FieldSpec, ...],
    needs: tuple[object, ...],
    weight: str,
    licence: str,
    method: str,
    deviations: tuple[str, ...],
    not_for: tuple[str, ...],
    floors: tuple[str, ...] = (),
) -> MetricSpec:
    """Build the spec of a metric after VBench; `method` names the network's own paper."""
    return MetricSpec.model_validate(
        {
            "id": name,
            "version": 1,
            "protocol": PROTOCOL,
            "title": title,
            "summary": summary,
            "fields": fields,
            "needs": needs,
            "weights": (weight,),
            "floors": floors,
            "tier": Tier.PAPER,
            "licence": licence,
            "source": f"{SOURCE}; network: {method}",
            "deviations": (*deviations, DECODED, ONE_CLIP),
            "not_for": (*not_for, NOT_LONG),
        }
    )
