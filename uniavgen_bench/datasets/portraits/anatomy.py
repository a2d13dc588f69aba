"""Where things are in a head: the places that the surface, the features drawn on it, and the truth share.

Units: the head of a mean adult is 2 high, from the chin at y = -1 to the crown at y = 1; x points to the
picture's right, y up, z to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.datasets.portraits.head_params import Domain, HeadParams


@dataclass(frozen=True)
class Anatomy:
    """Positions and sizes in head units."""

    eye_x: float
    eye_y: float
    eye_half: float
    lid_up: float
    lid_low: float
    ball_radius: float
    ball_z: float
    iris_radius: float
    brow_y: float
    brow_half: float
    nose_y: float
    nose_z: float
    mouth_y: float
    mouth_half: float
    lip_up: float
    lip_low: float
    chin_y: float
    jaw_drop: float
    neck_pivot: tuple[float, float, float] = (0.0, -0.78, -0.18)

    @property
    def eye_distance(self) -> float:
        """Return the distance between the two eye centres, the unit of mouth opening."""
        return 2 * self.eye_x


def anatomy_of(head: HeadParams, domain: Domain) -> Anatomy:
    """Derive the places from an identity's parameters (already in its domain's form)."""
    eye_y = 0.0 + head.eye_height
    size = head.eye_size
    nose_y = eye_y - 0.37 * head.nose_length
    chin_y = -0.97 * head.length
    mouth_y = nose_y + (chin_y - nose_y) * (0.40 if domain == "plain" else 0.42)
    # Even thin lips are seen at 128 pixels.
    full = 0.52 + 0.52 * max(head.lips_full, 0.72)
    return Anatomy(
        eye_x=0.302 * head.eye_spacing * head.width,
        eye_y=eye_y,
        eye_half=0.160 * size,
        lid_up=0.080 * size * head.eye_round,
        lid_low=0.052 * size * head.eye_round,
        ball_radius=0.20 * size,
        ball_z=0.575,
        iris_radius=(0.091 if domain == "plain" else 0.108) * size,
        brow_y=eye_y + 0.13 + 0.10 * size + head.brow_height,
        brow_half=0.185 * (0.5 + 0.5 * size),
        nose_y=nose_y,
        nose_z=0.90,
        mouth_y=mouth_y,
        mouth_half=0.245 * head.lips_width,
        lip_up=0.060 * full,
        lip_low=0.082 * full,
        chin_y=chin_y,
        jaw_drop=0.215 * head.length,
    )
