"""A sample does not depend on its neighbours: batch, order, worker, and what is kept over the steps."""

import multiprocessing
from dataclasses import replace

import pytest
import torch
from small_models import SIZE, inputs, small_model, small_params, small_request

from reference_model.denoise import Reuse
from reference_model.guidance import TASKS, Cfg, MaCfg, NoGuidance, Task
from reference_model.layout import Size
from reference_model.model import UniAVGen
from reference_model.params import InteractionParams, ModelParams
from reference_model.pipeline import Request, Sample, Sampling, gather, sample
from reference_model.sampler import draw_noise

# Rounding of other batch sizes, grown over the steps; latents are of order ten.
CLOSE = 5e-5
QUICK = Sampling(steps=4, guidance=MaCfg(skip_layer=1))


@pytest.fixture(scope="module")
def params() -> ModelParams:
    return small_params()


@pytest.fixture(scope="module")
def model(params: ModelParams) -> UniAVGen:
    return small_model(params)


def assert_same(found: Sample, expected: Sample, tolerance: float = CLOSE) -> None:
    assert (found.video - expected.video).abs().max() <= tolerance
    assert (found.audio - expected.audio).abs().max() <= tolerance


@pytest.mark.parametrize("variant", ["released", "paper", "sti", "sgi"])
@torch.no_grad()
def test_item_of_a_batch_equals_the_item_alone(variant: str) -> None:
    interaction: dict[str, object] = {"aligner": "paper"} if variant == "paper" else {}
    if variant in ("sti", "sgi"):
        interaction = {"a2v": variant, "v2a": variant}
    params = replace(small_params(**interaction), audio_time="branch" if variant == "released" else "token")
    model = small_model(params)
    # Texts of three different lengths in one batch.
    requests = [small_request(params, "continuation", seed) for seed in (1, 2, 3)]
    assert len({len(request.speech) for request in requests}) == 3
    batch = gather(requests)
    video, audio, time = inputs(batch, params)
    together = model(video, audio, time, batch)
    for item, request in enumerate(requests):
        one = slice(item, item + 1)
        alone = model(video[one], audio[one], time[one], gather([request]))
        assert (together.video[one] - alone.video).abs().max() < CLOSE
        assert (together.audio[one] - alone.audio).abs().max() < CLOSE
        for a, b in zip(together.face_masks, alone.face_masks, strict=True):
            assert (a[one] - b).abs().max() < CLOSE


@pytest.mark.parametrize("task", TASKS)
def test_clip_is_the_same_in_any_batch_and_order(model: UniAVGen, params: ModelParams, task: Task) -> None:
    requests = [small_request(params, task, seed) for seed in (5, 6, 7)]
    alone = [sample(model, [request], QUICK)[0] for request in requests]
    for order in ((0, 1, 2), (2, 0, 1)):
        made = sample(model, [requests[i] for i in order], QUICK)
        for place, i in enumerate(order):
            assert_same(made[place], alone[i])
    split = sample(model, requests, replace(QUICK, batch=2))
    assert_same(split[2], alone[2])


def test_sizes_and_tasks_may_be_mixed(model: UniAVGen, params: ModelParams) -> None:
    other = Size(frames=3, height=6, width=2, tokens=40)
    requests = [
        small_request(params, "joint", 1),
        small_request(params, "joint", 2, other),
        small_request(params, "dubbing", 3),
        small_request(params, "joint", 4),
    ]
    made = sample(model, requests, QUICK)
    assert [tuple(clip.video.shape) for clip in made] == [
        (5, 4, 4, 4),
        (5, 3, 6, 2),
        (5, 4, 4, 4),
        (5, 4, 4, 4),
    ]
    for request, clip in zip(requests, made, strict=True):
        assert_same(clip, sample(model, [request], QUICK)[0])


def _in_worker(request: Request) -> tuple[torch.Tensor, torch.Tensor]:
    torch.set_num_threads(1)
    torch.manual_seed(123)
    clip = sample(small_model(), [request], QUICK)[0]
    return clip.video.numpy(), clip.audio.numpy()  # type: ignore[return-value]


def test_clip_is_the_same_in_another_process(model: UniAVGen, params: ModelParams) -> None:
    request = small_request(params, "joint", 8)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        video, audio = pool.apply(_in_worker, (request,))
    assert_same(Sample(torch.as_tensor(video), torch.as_tensor(audio)), sample(model, [request], QUICK)[0])


def test_seed_decides_the_noise_and_the_global_generator_does_not(params: ModelParams) -> None:
    torch.manual_seed(1)
    first = draw_noise(params, SIZE, 2025)
    state = torch.get_rng_state()
    second = draw_noise(params, SIZE, 2025)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first[0], draw_noise(params, SIZE, 2026)[0])


def test_given_noise_replaces_the_seed(model: UniAVGen, params: ModelParams) -> None:
    request = small_request(params, "joint", 9)
    given = replace(request, seed=1, noise=draw_noise(params, SIZE, request.seed))
    assert_same(sample(model, [given], QUICK)[0], sample(model, [request], QUICK)[0], 0.0)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("guidance", [MaCfg(skip_layer=1), Cfg(), Cfg(skip_layer=2), NoGuidance()])
def test_what_is_kept_changes_nothing(
    model: UniAVGen, params: ModelParams, task: Task, guidance: MaCfg | Cfg | NoGuidance
) -> None:
    requests = [small_request(params, task, seed) for seed in (1, 2)]
    how = replace(QUICK, guidance=guidance)
    plain = sample(model, requests, replace(how, reuse=Reuse(given="always", passes="apart")))
    for kept, made in zip(sample(model, requests, how), plain, strict=True):
        assert_same(kept, made)


def test_dubbing_runs_the_video_once_per_prompt(model: UniAVGen, params: ModelParams) -> None:
    ran = {"video": 0, "audio": 0}

    def count(branch: str) -> object:
        def hook(*_: object) -> None:
            ran[branch] += 1

        return hook

    hooks = [
        model.blocks[0].register_forward_hook(count("video")),
        model.audio_blocks[0].register_forward_hook(count("audio")),
    ]
    sample(model, [small_request(params, "dubbing")], replace(QUICK, steps=10))
    for hook in hooks:
        hook.remove()
    assert ran == {"video": 2, "audio": 20}


@torch.no_grad()
def test_compiled_blocks_compute_the_same() -> None:
    params = replace(small_params(), layers=1, interaction=InteractionParams((0,)))
    batch = gather([small_request(params)])
    eager = small_model(params)(*inputs(batch, params), batch)
    compiled = small_model(params)
    # Traced and lowered like any backend, but not handed to a C++ compiler, which takes minutes.
    compiled.compile_blocks(backend="aot_eager")
    traced = compiled(*inputs(batch, params), batch)
    assert compiled.blocks[0]._compiled_call_impl is not None
    assert (traced.video - eager.video).abs().max() < CLOSE
    assert (traced.audio - eager.audio).abs().max() < CLOSE
