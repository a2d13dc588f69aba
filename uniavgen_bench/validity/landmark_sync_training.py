"""Train the network of `lipsync.landmark_sync`: contrastive, on portraits first, then on clips; seeded.

Clips are not perfectly in sync and some are not at all. Twice during the second stage every clip is looked at with the
network as it is then: clips on which it is sure are shifted to their own best lag (relative to the median clip), and
the others are drawn four times less often. Portraits are in sync by construction and are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.metrics.landmark_sync_model import (
    LandmarkSyncModel,
    SyncStreams,
    lag_curve,
    mouth_inputs,
    pairs_that_count,
    sound_inputs,
)
from uniavgen_bench.metrics.landmark_sync_network import COMPONENTS, LandmarkSyncNetwork
from uniavgen_bench.metrics.mouth_audio_model import MAX_LAG, peak_of
from uniavgen_bench.metrics.mouth_shape import RATE

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TrainSettings:
    """Steps of both stages, and what a batch is. `shifts` in steps of 20 ms; a window is `window` such steps."""

    portrait_steps: int = 150
    steps: int = 400
    batch: int = 24
    window: int = 120
    portrait_share: float = 0.25
    rate: float = 2e-3
    weight_decay: float = 0.01
    shifts: tuple[int, ...] = tuple(range(-27, 28, 3))
    align_at: tuple[float, ...] = (0.4, 0.7)
    sure: float = 0.2
    max_offset_ms: float = 200.0
    noise_share: float = 0.3
    basis_ridge: float = 0.01
    seed: int = 20251122


@dataclass(frozen=True)
class Lesson:
    """A clip to learn from: its streams, and those of the same clip seen at about 16 fps where it has more."""

    name: str
    both: SyncStreams
    sparse: SyncStreams | None = None


@dataclass
class _Pupil:
    """A clip as the training sees it now: inputs, how far its sound is moved, how often it is drawn."""

    lesson: Lesson
    mouths: tuple[Float32, ...]
    shift: int = 0
    weight: float = 1.0


def shape_basis(lessons: Sequence[Lesson], ridge: float) -> Float64:
    """Return the first principal directions of lip shapes, scaled to about unit variance, `[3P, C]`."""
    seen = [lesson.both.mouth[lesson.both.seen].astype(np.float64) for lesson in lessons]
    covariance = np.sum([m.T @ m for m in seen], axis=0) / sum(map(len, seen))
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    # The sign of a direction is free: fix it, so that two fits give the same bytes.
    sign = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(COMPONENTS)])
    basis: Float64 = vectors * sign / np.sqrt(values + ridge * values[0])
    return basis


def train(
    clips: Sequence[Lesson],
    portraits: Sequence[Lesson],
    template: Float64,
    settings: TrainSettings | None = None,
    say: Progress = lambda text: None,
) -> LandmarkSyncModel:
    """Train on clips, after portraits when there are any.

    Raises:
        InputError: there are fewer clips than a batch holds.
    """
    use = settings or TrainSettings()
    if len(clips) < use.batch:
        raise InputError(f"{len(clips)} clips are too few to train on, {use.batch} needed")
    basis = shape_basis([*clips, *portraits], use.basis_ridge)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(use.seed)
        model = LandmarkSyncModel(template, basis, LandmarkSyncNetwork())
        drawn = [_pupil(lesson, basis) for lesson in clips]
        made = [_pupil(lesson, basis) for lesson in portraits]
        if len(made) >= use.batch and use.portrait_steps:
            _stage(model, [], made, use, use.portrait_steps, say)
        _stage(model, drawn, made, use, use.steps, say)
    model.network.eval()
    return model


def _pupil(lesson: Lesson, basis: Float64) -> _Pupil:
    both = [one for one in (lesson.both, lesson.sparse) if one is not None]
    return _Pupil(lesson, tuple(mouth_inputs(one.mouth, basis) for one in both))


def _stage(
    model: LandmarkSyncModel,
    clips: Sequence[_Pupil],
    portraits: Sequence[_Pupil],
    use: TrainSettings,
    steps: int,
    say: Progress,
) -> None:
    network = model.network
    rng = np.random.default_rng([use.seed, len(clips) > 0])
    optimiser = torch.optim.AdamW(network.parameters(), lr=use.rate, weight_decay=use.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, use.rate, total_steps=steps)
    of_portraits = use.batch if not clips else round(use.portrait_share * use.batch) if portraits else 0
    align_at = {round(share * steps) for share in use.align_at} if clips else set()
    total = 0.0
    for step in range(steps):
        if step in align_at:
            network.eval()
            _align(model, clips, use, say)
        network.train()
        chosen = [*_draw(clips, use.batch - of_portraits, rng), *_draw(portraits, of_portraits, rng)]
        loss = losses(network, *_batch(chosen, [*clips, *portraits], use, rng), use)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if (step + 1) % 100 == 0:
            say(f"step {step + 1} of {steps}: loss {total / 100:.3f}")
            total = 0.0


def _draw(pupils: Sequence[_Pupil], count: int, rng: np.random.Generator) -> list[_Pupil]:
    """Draw different clips, long ones more often."""
    if not count:
        return []
    weights = np.array([p.weight * np.sqrt(len(p.lesson.both.seen)) for p in pupils])
    chosen = rng.choice(len(pupils), min(count, len(pupils)), replace=False, p=weights / weights.sum())
    return [pupils[i] for i in chosen]


def _align(model: LandmarkSyncModel, clips: Sequence[_Pupil], use: TrainSettings, say: Progress) -> None:
    peaks = [peak_of(lag_curve(model, clip.lesson.both)) for clip in clips]
    sure = [p.confidence >= use.sure and abs(p.offset_ms) <= use.max_offset_ms for p in peaks]
    offsets = [p.offset_ms for p, s in zip(peaks, sure, strict=True) if s]
    middle = float(np.median(offsets)) if offsets else 0.0
    for clip, peak, kept in zip(clips, peaks, sure, strict=True):
        clip.shift = round((peak.offset_ms - middle) * RATE / 1000) if kept else 0
        clip.weight = 1.0 if kept else 0.25
    say(f"sure of {sum(sure)} of {len(clips)} clips, median offset {middle:+.0f} ms")


def _batch(
    chosen: Sequence[_Pupil], all_clips: Sequence[_Pupil], use: TrainSettings, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return mouths `[B, W, 2C]`, sounds `[B, W + 2 M, 40]`, and which pairs count at each shift `[B, L, W]`."""
    mouths, sounds, counts = [], [], []
    for pupil in chosen:
        variant = int(rng.random() < 0.3) if len(pupil.mouths) > 1 else 0
        mouth = pupil.mouths[variant]
        start = int(rng.integers(0, max(len(mouth) - use.window, 0) + 1))
        at = start + np.arange(use.window)
        inside = at < len(mouth)
        seen = inside & pupil.lesson.both.seen[np.minimum(at, len(pupil.lesson.both.seen) - 1)]
        mel, heard = _sound_at(pupil, start, use.window + 2 * MAX_LAG)
        if rng.random() < use.noise_share:
            other = all_clips[int(rng.integers(len(all_clips)))]
            noise, _ = _sound_at(other, int(rng.integers(0, 50)), len(mel))
            mel = _mixed(mel, noise, float(rng.uniform(3, 20)))
        part = mouth[np.minimum(at, len(mouth) - 1)] * np.exp(rng.normal(0, 0.2))
        part = part + rng.normal(0, 0.1, part.shape)
        part[~seen] = 0.0
        mouths.append(part.astype(np.float32))
        sounds.append(sound_inputs(mel, heard) + rng.normal(0, 0.15, (int(mel.shape[1]),)).astype(np.float32))
        counts.append(pairs_that_count(seen, heard, np.array(use.shifts), MAX_LAG))
    return (
        torch.from_numpy(np.stack(mouths)),
        torch.from_numpy(np.stack(sounds).astype(np.float32)),
        torch.from_numpy(np.stack(counts)),
    )


def _sound_at(pupil: _Pupil, start: int, length: int) -> tuple[Float32, np.ndarray]:
    both = pupil.lesson.both
    at = start + pupil.shift + np.arange(length)
    inside = (at >= 0) & (at < len(both.mel))
    at = np.clip(at, 0, len(both.mel) - 1)
    return both.mel[at], both.heard[at] & inside


def _mixed(mel: Float32, other: Float32, ratio_db: float) -> Float32:
    """Add the power of another clip's sound, its loudest `ratio_db` dB below this one's."""
    power = 10.0 ** (mel / 10.0) + 10.0 ** ((other - ratio_db) / 10.0)
    mixed: Float32 = (10.0 * np.log10(power)).astype(np.float32)
    return mixed


def losses(
    network: LandmarkSyncNetwork, mouth: Tensor, sound: Tensor, counts: Tensor, use: TrainSettings
) -> Tensor:
    """Return the sum of three losses: frames within the clip, clips within the batch, the shift among 19."""
    seen, heard = network(mouth, sound)
    scales = network.scales.exp().clamp(max=100.0)
    middle = use.shifts.index(0)
    valid = counts[:, middle]
    steps, size = seen.shape[1], len(seen)
    similar = torch.bmm(seen, heard.transpose(1, 2))

    place = torch.arange(steps)
    beside = (place[:, None] - place[None, :]).abs()
    # Neighbours of the right frame are neither right nor wrong.
    left_out = ((beside > 0) & (beside <= 2))[None] | (valid[:, None, :] < 0.5)
    own = (similar[:, :, MAX_LAG : MAX_LAG + steps] * scales[0]).masked_fill(left_out, -1e4)
    rows = own.log_softmax(dim=2).diagonal(dim1=1, dim2=2) + own.log_softmax(dim=1).diagonal(dim1=1, dim2=2)
    frames = -(rows * valid).sum() / valid.sum().clamp(min=1.0) / 2

    shifts = torch.tensor(use.shifts)
    at = (place + MAX_LAG)[None, :] + shifts[:, None]
    cosines = similar[:, place[None, :].expand_as(at), at]
    by_shift = (cosines * counts).sum(dim=-1) / counts.sum(dim=-1).clamp(min=1.0)
    target = torch.full((size,), middle)
    shift = nn.functional.cross_entropy(by_shift * scales[2], target)

    heard_here = heard[:, MAX_LAG : MAX_LAG + steps]
    weighted = seen * (valid / valid.sum(dim=1, keepdim=True).clamp(min=1.0))[..., None]
    across = torch.einsum("itd,jtd->ij", weighted, heard_here) * scales[1]
    clips = torch.arange(size)
    batch = (nn.functional.cross_entropy(across, clips) + nn.functional.cross_entropy(across.T, clips)) / 2
    return frames + batch + shift
