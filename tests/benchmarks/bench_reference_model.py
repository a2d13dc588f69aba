"""Seconds per step at a fixed mid-size on two cores, against a plain restatement of the released formulas.

On a machine that is busy with other things, `BENCH_THREADS=1` and `--benchmark-timer=time.process_time` measure one
core's own work.

The size keeps the shares of a full-size pass: the frame contexts of the audio are about 30 % of the operations (27 %
at 736x1312); 864 video tokens, 106 audio tokens.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pydoc import locate

import pytest
import torch
from released_formulas import ReleasedFormulas
from torch import Tensor

from reference_model.conditions import Conditions
from reference_model.denoise import denoise
from reference_model.guidance import MaCfg, Task, combine, passes, task_exchange
from reference_model.model import UniAVGen
from reference_model.params import BranchParams, InteractionParams, ModelParams, SpeechTextParams
from reference_model.pipeline import put_given
from reference_model.sampler import timesteps

PARAMS = ModelParams(
    video=BranchParams(384, 1792, 6),
    audio=BranchParams(192, 1120, 3),
    layers=4,
    interaction=InteractionParams(layers=(0, 2)),
    speech_text=SpeechTextParams(vocabulary=64, width=64),
    caption_length=64,
    caption_width=96,
)
FRAMES, HEIGHT, WIDTH, TOKENS = 5, 24, 24, 106
GUIDANCE = MaCfg(skip_layer=1)


@pytest.fixture(scope="module", autouse=True)
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "2")))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model() -> UniAVGen:
    torch.manual_seed(0)
    return UniAVGen(PARAMS).eval()


def conditions(task: Task) -> tuple[Conditions, Conditions]:
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(1, 48, 1, HEIGHT, WIDTH, generator=generator)
    whole = torch.randn(1, 48, FRAMES, HEIGHT, WIDTH, generator=generator)
    positive = Conditions(
        reference_image=image,
        caption=torch.randn(1, 20, PARAMS.caption_width, generator=generator),
        speech=torch.randint(0, 64, (1, 40), generator=generator),
        given_video=whole if task == "dubbing" else image,
    )
    negative = replace(
        positive,
        caption=torch.randn(1, 1, PARAMS.caption_width, generator=generator),
        speech=torch.tensor([[0] + [-1] * 9]),
    )
    return positive, negative


def noise() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    video = torch.randn(1, 48, FRAMES, HEIGHT, WIDTH, generator=generator)
    return video, torch.randn(1, TOKENS, 80, generator=generator)


def ours(model: UniAVGen, task: Task, steps: int, of: int) -> tuple[Tensor, Tensor]:
    positive, negative = conditions(task)
    times = timesteps(of, 5.0)[: steps + 1]
    guidance = replace(GUIDANCE, share=GUIDANCE.share * of / steps)
    exchange = task_exchange(task, "released")
    video, audio = denoise(model, *noise(), positive, negative, exchange, guidance, times)
    return put_given(video, audio, positive)


def released(model: UniAVGen, task: Task, steps: int, of: int) -> tuple[Tensor, Tensor]:
    positive, negative = conditions(task)
    video, audio = noise()
    plain, exchange, times = ReleasedFormulas(model), task_exchange(task, "released"), timesteps(of, 5.0)
    for step in range(steps):
        conditional, null = (
            plain(
                video,
                audio,
                times[step].expand(1),
                positive if planned.prompt == "positive" else negative,
                planned.exchange,
                planned.skip_layer,
            )
            for planned in passes(GUIDANCE, exchange, step, of)
        )
        dt = (times[step] - times[step + 1]) / 1000
        video = video - dt * combine(conditional[0], null[0], GUIDANCE.scale_video)
        audio = audio - dt * combine(conditional[1], null[1], GUIDANCE.scale_audio)
    return put_given(video, audio, positive)


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], float]:
    chosen = request.config.getoption("benchmark_timer")
    timer = locate(chosen) if isinstance(chosen, str) else chosen.target

    def least_of_two(function: Callable[[], object]) -> float:
        taken = []
        for _ in range(2):
            start = timer()
            function()
            taken.append(timer() - start)
        return min(taken)

    return least_of_two


@torch.no_grad()
@pytest.mark.parametrize("task", ["joint", "dubbing"])
def test_same_clip_as_the_released_formulas(
    model: UniAVGen, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in ("HEIGHT", "WIDTH"):
        monkeypatch.setitem(globals(), side, 8)
    for mine, plain in zip(ours(model, task, 2, 4), released(model, task, 2, 4), strict=True):
        assert (mine - plain).abs().max() < 2e-4


@torch.no_grad()
def test_joint_steps(benchmark, seconds, model: UniAVGen) -> None:  # type: ignore[no-untyped-def]
    # Two steps of four cross the middle: one with a unimodal null pass, one with plain guidance.
    def two_halves() -> None:
        ours(model, "joint", 1, 50)
        ours_second_half(model)

    plain = seconds(lambda: released(model, "joint", 2, 50))
    benchmark.pedantic(two_halves, rounds=2)
    benchmark.extra_info["released_seconds"] = plain
    benchmark.extra_info["times_faster"] = plain / benchmark.stats.stats.min


def ours_second_half(model: UniAVGen) -> None:
    positive, negative = conditions("joint")
    exchange, times = task_exchange("joint", "released"), timesteps(50, 5.0)[25:27]
    denoise(model, *noise(), positive, negative, exchange, replace(GUIDANCE, share=0.0), times)


@torch.no_grad()
def test_dubbing_loop_of_50_steps(benchmark, seconds, model: UniAVGen) -> None:  # type: ignore[no-untyped-def]
    # Every released step costs the same, so one of them stands for its loop.
    plain = seconds(lambda: released(model, "dubbing", 1, 50)) * 50
    benchmark.pedantic(lambda: ours(model, "dubbing", 50, 50), rounds=1)
    benchmark.extra_info["released_seconds"] = plain
    benchmark.extra_info["times_faster"] = plain / benchmark.stats.stats.min
