"""Asymmetric cross-modal interaction: audio to video and video to audio (paper section of that name).

Both directions first make a context (keys and values) from the one branch, then let the other attend to it, so
that the context of a branch that does not change over the sampling steps can be kept.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.attention import AttentionBackend, KeyValue, attend, split_heads
from reference_model.conditions import Memory
from reference_model.face_modulation import MaskHead
from reference_model.layers import Attention
from reference_model.layout import A2VLayout, V2ALayout
from reference_model.params import Convention
from reference_model.rope import rotate


@dataclass(frozen=True)
class Flow:
    """What flows in one pass: the geometry of each direction, or None; and whether faces are looked for."""

    # Quirk fixed: what is off is not computed; the release multiplies it by 0, which keeps a NaN alive.
    a2v: A2VLayout | None
    v2a: V2ALayout | None
    faces: bool
    frames: int
    memory: Memory


@dataclass(frozen=True)
class Said:
    """What the branches tell each other in one layer, the face mask `[B, F*N, 1]`, and the tokens' weights by it."""

    heard: KeyValue | None
    seen: tuple[KeyValue, ...] | None
    face: Tensor | None
    weight: Tensor | None


class AudioToVideo(Attention):
    """Each latent frame attends to a window of audio; the face mask says where in the frame it counts."""

    def __init__(
        self,
        video_width: int,
        audio_width: int,
        heads: int,
        eps: float,
        convention: Convention,
        backend: AttentionBackend,
    ) -> None:
        super().__init__(video_width, heads, eps, backend, context_width=audio_width)
        self.convention = convention
        self.mask_head = MaskHead(video_width, eps)

    def hear(self, audio: Tensor, layout: A2VLayout) -> KeyValue:
        """Windows of the target audio `[B, S, Ca]` as keys and values `[B*G, H, W, D]`.

        Tokens are projected once and gathered afterwards; projection and norm act on single tokens.
        """
        k = split_heads(self.norm_k(self.k(audio)), self.heads)[:, layout.index]
        v = split_heads(self.v(audio), self.heads)[:, layout.index]
        k = rotate(k.flatten(0, 1), layout.key_rotation)
        mask = None if layout.mask is None else layout.mask[:, None, None].repeat(len(audio), 1, 1, 1)
        return KeyValue(k.transpose(1, 2), v.flatten(0, 1).transpose(1, 2), mask)

    def update(self, video: Tensor, heard: KeyValue, face: Tensor | None, layout: A2VLayout) -> Tensor:
        """What the audio adds to video tokens `[B, F*N, C]`; face `[B, F*N, 1]` or None."""
        batch, tokens, _ = video.shape
        q = self.queries(video, layout.query_rotation)
        groups = len(layout.index)
        attended = attend(q.reshape(batch * groups, tokens // groups, *q.shape[2:]), heard, self.backend)
        attended = attended.reshape(batch, tokens, -1)
        if face is None:
            return self._out(attended)
        if self.convention == "paper":
            return self._out(attended) * face
        # Quirk kept: the mask acts before the output projection, so the projection's bias reaches every token.
        return self._out(attended * face)

    def _out(self, x: Tensor) -> Tensor:
        projected: Tensor = self.o(x)
        return projected


class VideoToAudio(Attention):
    """Each audio token attends to the latent frame, or the mix of two, that is seen when it sounds."""

    def see(self, video: Tensor, face: Tensor | None, layout: V2ALayout, frames: int) -> tuple[KeyValue, ...]:
        """Video tokens `[B, F*N, C]`, masked by face `[B, F*N, 1]`, as one context per group of the layout.

        Keys and values are projected per latent frame and mixed afterwards: the projections are affine, so
        W(sum w z) + b = sum w (W z) + b. The norm is not, and follows the mixing.
        """
        seen = video if face is None else video * face
        k, v = functional.linear(seen, self.k.weight), functional.linear(seen, self.v.weight)
        if not layout.groups:
            return (self._context(k + self.k.bias, v + self.v.bias, layout),)
        k, v = (torch.unflatten(x, 1, (frames, -1)).flatten(2) for x in (k, v))
        width = self.k.out_features
        contexts = []
        for group in layout.groups:
            weights = group.weights.to(k.dtype)
            mixed_k, mixed_v = (torch.unflatten(weights @ x, -1, (-1, width)).flatten(0, 1) for x in (k, v))
            contexts.append(self._context(mixed_k + self.k.bias, mixed_v + self.v.bias, layout))
        return tuple(contexts)

    def _context(self, k: Tensor, v: Tensor, layout: V2ALayout) -> KeyValue:
        k = rotate(split_heads(self.norm_k(k), self.heads), layout.key_rotation)
        return KeyValue(k.transpose(1, 2), split_heads(v, self.heads).transpose(1, 2))

    def update(self, audio: Tensor, seen: tuple[KeyValue, ...], layout: V2ALayout) -> Tensor:
        """What the video adds to target audio tokens `[B, S, Ca]`."""
        q = self.queries(audio, layout.query_rotation)
        if not layout.groups:
            attended = attend(q, seen[0], self.backend)
        else:
            answers = []
            for group, context in zip(layout.groups, seen, strict=True):
                asked = q[:, group.query].flatten(0, 1)
                answers.append(
                    attend(asked, context, self.backend).reshape(len(audio), -1, self.q.out_features)
                )
            attended = torch.cat(answers, dim=1).index_select(1, layout.answer)
        projected: Tensor = self.o(attended)
        return projected
