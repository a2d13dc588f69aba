"""A plain restatement of one released pass, for timing: nothing is shared, kept or skipped.

It reads the weights of our model and computes, as the release does, one time embedding per token, rotations in
complex128 for every call, the frame context of every audio token before its projection, and interactions that are
multiplied by zero where they are off. Attention uses the same fused kernel as ours.
"""

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.aligner import a2v_windows, v2a_weights
from reference_model.conditions import Conditions, Exchange
from reference_model.layers import unpatchify
from reference_model.model import UniAVGen
from reference_model.rope import axis_columns, turn


def rotate64(x: Tensor, table: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.double().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * table[:, None]).flatten(-2).to(x.dtype)


def grid_table(frames: Tensor, rows: int, columns: int, head_dim: int) -> Tensor:
    t, r, c = axis_columns(head_dim)
    shape = (len(frames), rows, columns)
    return torch.cat(
        (
            turn(frames, t)[:, None, None].expand(*shape, -1),
            turn(torch.arange(rows), r)[None, :, None].expand(*shape, -1),
            turn(torch.arange(columns), c)[None, None].expand(*shape, -1),
        ),
        dim=-1,
    ).flatten(0, 2)


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def heads(x: Tensor, count: int) -> Tensor:
    return x.unflatten(-1, (count, -1))


def softmax_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class ReleasedFormulas:
    def __init__(self, model: UniAVGen) -> None:
        self.model, self.params = model, model.params

    def __call__(
        self,
        video: Tensor,
        audio: Tensor,
        time: Tensor,
        given: Conditions,
        exchange: Exchange,
        skip_layer: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        m, p = self.model, self.params
        frames, tokens = video.shape[2], audio.shape[1]
        latent = torch.cat(
            (given.reference_image, given.given_video, video[:, :, given.given_frames :]), dim=2
        )
        patches = m.patch_embedding(latent)
        rows, columns = patches.shape[3:]
        n = rows * columns
        x = patches.flatten(2).transpose(1, 2)
        mel = (
            audio
            if given.given_audio is None
            else torch.cat((given.given_audio, audio[:, given.given_tokens :]), dim=1)
        )
        y = m.audio_embedding(mel)
        per_token = time[:, None].expand(-1, x.shape[1]).clone()
        per_token[:, : n * (1 + given.clean)] = 0
        e, e0 = self.times(per_token, m.time_embedding, m.time_projection)
        audio_time = torch.zeros_like(time) if given.given_tokens else time
        ea, ea0 = self.times(audio_time[:, None], m.time_embedding_audio, m.time_projection_audio)
        caption = functional.pad(given.caption, (0, 0, 0, p.caption_length - given.caption.shape[1]))
        caption = m.text_embedding_video(caption)
        speech = m.text_proj(m.text_embedding(given.speech))
        for layer in range(p.layers):
            if layer == skip_layer:
                continue
            video_table = grid_table(torch.arange(frames + 1), rows, columns, p.video.head_dim)
            audio_table = turn(torch.arange(y.shape[1]), p.audio.head_dim // 2)
            text_table = turn(torch.arange(speech.shape[1]), p.audio.head_dim // 2)
            y = self.block(m.audio_blocks[layer], y, ea0, audio_table, speech, text_table)
            x = self.block(m.blocks[layer], x, e0, video_table, caption, None)
            if layer in p.interaction.layers:
                index = p.interaction.layers.index(layer)
                shown = x[:, n:]
                mask = m.a2v_blocks[index].mask_head
                shift, scale = (mask.modulation[:, None] + e[:, n:, None]).unbind(2)
                face = torch.sigmoid(
                    mask.head(functional.layer_norm(shown, shown.shape[-1:], eps=p.eps) * (1 + scale) + shift)
                )
                to_video = self.a2v(m.a2v_blocks[index], shown, y, face, frames, rows, columns)
                to_audio = self.v2a(m.v2a_blocks[index], shown, y, face, frames, rows, columns)
                reached = n * (1 + given.clean)
                x = torch.cat(
                    (x[:, :reached], x[:, reached:] + float(exchange.a2v) * to_video[:, reached - n :]), 1
                )
                made = given.given_tokens
                y = torch.cat((y[:, :made], y[:, made:] + float(exchange.v2a) * to_audio[:, made:]), 1)
        out = unpatchify(self.head(m.head, x, e), rows, columns, p.patch[1:])
        return out[:, :, 1:], self.head(m.head_audio, y, ea)[:, -tokens:]

    def times(
        self, times: Tensor, embedding: torch.nn.Module, projection: torch.nn.Module
    ) -> tuple[Tensor, Tensor]:
        half = self.params.frequency // 2
        rates = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = times.double()[..., None] * rates
        e = embedding(torch.cat((angles.cos(), angles.sin()), -1).float())
        return e, projection(e).unflatten(-1, (6, -1))

    def block(
        self, b, x: Tensor, e0: Tensor, table: Tensor, text: Tensor, text_table: Tensor | None
    ) -> Tensor:
        eps = self.params.eps
        m = (b.modulation[:, None] + e0).unbind(2)
        u = functional.layer_norm(x, x.shape[-1:], eps=eps) * (1 + m[1]) + m[0]
        x = x + self.attention(b.self_attn, u, u, table, table) * m[2]
        q_table = None if text_table is None else table
        x = x + self.attention(b.cross_attn, b.norm3(x), text, q_table, text_table)
        u = functional.layer_norm(x, x.shape[-1:], eps=eps) * (1 + m[4]) + m[3]
        return x + b.ffn(u) * m[5]

    def attention(
        self, a, x: Tensor, context: Tensor, q_table: Tensor | None, k_table: Tensor | None
    ) -> Tensor:
        q = heads(norm(a.q(x), a.norm_q.weight, self.params.eps), a.heads)
        k = heads(norm(a.k(context), a.norm_k.weight, self.params.eps), a.heads)
        q = q if q_table is None else rotate64(q, q_table)
        k = k if k_table is None else rotate64(k, k_table)
        return a.o(softmax_attention(q, k, heads(a.v(context), a.heads)))

    def a2v(self, a, shown: Tensor, y: Tensor, face: Tensor, frames: int, rows: int, columns: int) -> Tensor:
        interaction, head_dim = self.params.interaction, self.params.video.head_dim
        index = a2v_windows(frames, y.shape[1], "ati", "released", interaction.window).index
        windows = torch.cat([y[:, chosen.tolist()] for chosen in index])
        per_frame = shown.unflatten(1, (frames, -1)).flatten(0, 1)
        table = turn(torch.arange(windows.shape[1]), head_dim // 2)
        table[:, axis_columns(head_dim)[0] :] = 1
        q = rotate64(
            heads(norm(a.q(per_frame), a.norm_q.weight, 1e-6), a.heads),
            grid_table(torch.zeros(1), rows, columns, head_dim),
        )
        k = rotate64(heads(norm(a.k(windows), a.norm_k.weight, 1e-6), a.heads), table)
        attended = softmax_attention(q, k, heads(a.v(windows), a.heads)).reshape(shown.shape)
        return a.o(attended * face)

    def v2a(self, a, shown: Tensor, y: Tensor, face: Tensor, frames: int, rows: int, columns: int) -> Tensor:
        seen = (shown * face).unflatten(1, (frames, -1))
        weights = v2a_weights(frames, y.shape[1], "ati", "released").float()
        order = weights.argsort(dim=1, descending=True)[:, :2]
        first, second = order.unbind(1)
        token = torch.arange(len(weights))
        context = (
            seen[:, first] * weights[token, first][:, None, None]
            + seen[:, second] * weights[token, second][:, None, None]
        ).flatten(0, 1)
        table = grid_table(torch.zeros(1), rows, columns, self.params.audio.head_dim)
        k = rotate64(heads(norm(a.k(context), a.norm_k.weight, 1e-6), a.heads), table)
        v = heads(a.v(context), a.heads)
        q = heads(norm(a.q(y), a.norm_q.weight, 1e-6), a.heads).flatten(0, 1)[:, None]
        return a.o(softmax_attention(q, k, v).reshape(y.shape))

    def head(self, h, x: Tensor, e: Tensor) -> Tensor:
        shift, scale = (h.modulation[:, None] + e[:, :, None]).unbind(2)
        return h.head(functional.layer_norm(x, x.shape[-1:], eps=self.params.eps) * (1 + scale) + shift)
