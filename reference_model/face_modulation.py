"""Face-aware modulation: where in each frame the voice belongs (paper: face-aware modulation)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from reference_model.layers import Head, TimeEmbedding
from reference_model.params import FaceModulation


class MaskHead(Head):
    """One number in 0..1 per video token, modulated by the token's time."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__(width, 1, eps)

    def forward(self, x: Tensor, time: TimeEmbedding) -> Tensor:
        """Video tokens `[B, F*N, C]` -> mask `[B, F*N, 1]` in the dtype of x, sigmoid taken in fp32."""
        return torch.sigmoid(super().forward(x, time)).to(x.dtype)


def weigh(face: Tensor | None, modulation: FaceModulation, frames: int) -> Tensor | None:
    """The weight of each video token, from masks `[B, F*N, 1]`; None: all count whole.

    "even" gives every token of a frame the frame's mean mask: the interaction keeps its strength and loses its place.
    Trained masks are small on average, so that "off", which makes all of them 1, also makes it several times stronger.
    """
    if face is None or modulation == "off":
        return None
    if modulation == "on":
        return face
    by_frame = torch.unflatten(face, 1, (frames, -1))
    return by_frame.mean(2, keepdim=True).expand_as(by_frame).flatten(1, 2)


def mask_loss(face_masks: Sequence[Tensor], target: Tensor) -> Tensor:
    """Mean squared error of the masks of all interaction layers against the true face region, a scalar.

    face_masks: each `[B, F, h, w]`, as a prediction returns them; target `[B, F, h, w]` in 0..1, the share of each
    patch that is face. The paper adds it to the flow loss with a weight that decays from 0.1 to 0. ValueError if
    there is no mask or a shape differs.
    """
    if not face_masks:
        raise ValueError("no face mask to supervise: no interaction layer ran")
    for mask in face_masks:
        if mask.shape != target.shape:
            raise ValueError(
                f"face mask {tuple(mask.shape)} and target {tuple(target.shape)} differ in shape"
            )
    return torch.stack([(mask.float() - target.float()).square().mean() for mask in face_masks]).mean()
