"""Guidance, times and the Euler loop as pure functions, and requests that make no sense."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import SIZE, small_model, small_params, small_request

from reference_model.conditions import Exchange
from reference_model.guidance import Cfg, MaCfg, NoGuidance, Pass, combine, passes, task_exchange
from reference_model.params import nano, ti2v_5b
from reference_model.pipeline import Request, Sampling, sample
from reference_model.sampler import euler, step_sizes, timesteps


def test_modality_aware_guidance_has_two_phases() -> None:
    joint = task_exchange("joint", "released")
    plan = [passes(MaCfg(), joint, step, 50)[1] for step in range(50)]
    assert plan[:25] == [Pass(Exchange.NONE, "negative", 11)] * 25
    assert plan[25:] == [Pass(Exchange.BOTH, "negative", 11)] * 25
    assert {passes(MaCfg(), joint, step, 50)[0] for step in range(50)} == {Pass(Exchange.BOTH, "positive")}


def test_guidance_kinds() -> None:
    joint = task_exchange("joint", "released")
    assert passes(NoGuidance(), joint, 0, 10) == (Pass(Exchange.BOTH, "positive"),)
    assert passes(Cfg(), joint, 0, 10)[1] == Pass(Exchange.BOTH, "negative")
    pure = passes(MaCfg(unimodal_prompt="positive", skip_layer=None), joint, 0, 10)
    assert pure[1] == Pass(Exchange.NONE, "positive")
    assert passes(Cfg(skip_layer=0), joint, 0, 10)[1].skip_layer == 0


def test_released_reference_voice_is_deaf_and_the_paper_one_is_not() -> None:
    released = task_exchange("joint_ref_audio", "released")
    assert (released.conditional, released.null) == (Exchange.TO_VIDEO, Exchange.BOTH)
    assert task_exchange("joint_ref_audio", "paper").conditional is Exchange.BOTH
    with pytest.raises(ValueError, match="no task 'sing'"):
        task_exchange("sing", "paper")  # type: ignore[arg-type]


@given(scale=st.floats(-5, 5))
def test_guidance_is_the_line_through_both_passes(scale: float) -> None:
    conditional, null = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])
    assert torch.allclose(combine(conditional, null, 1.0), conditional)
    assert torch.allclose(combine(conditional, null, 0.0), null)
    assert torch.allclose(combine(null, null, scale), null)
    flipped = combine(null, conditional, 1 - scale)
    assert torch.allclose(combine(conditional, null, scale), flipped, atol=1e-4)


@given(steps=st.integers(1, 80), shift=st.floats(0.5, 12))
def test_times_fall_from_noise_to_data(steps: int, shift: float) -> None:
    times = timesteps(steps, shift)
    assert len(times) == steps + 1 and float(times[0]) == pytest.approx(1000) and float(times[-1]) == 0
    assert bool((times.diff() < 0).all())
    assert float(step_sizes(times).sum()) == pytest.approx(1, abs=1e-5)


def test_impossible_schedules_are_errors() -> None:
    for steps, shift in ((0, 5.0), (10, 0.0)):
        with pytest.raises(ValueError, match="at least one step"):
            timesteps(steps, shift)


def test_euler_follows_a_straight_flow_exactly() -> None:
    data, noise = torch.tensor([[3.0]]), torch.tensor([[-1.0]])
    video, audio = euler(lambda *_: (noise - data, None), noise, noise, timesteps(7, 3.0))
    assert torch.allclose(video, data, atol=1e-5) and torch.equal(audio, noise)


@pytest.mark.parametrize(
    ("task", "change", "message"),
    [
        ("joint_ref_audio", {"reference_audio": None}, "takes a reference audio"),
        ("joint", {"reference_audio": torch.zeros(4, 6)}, "takes no reference audio"),
        (
            "dubbing",
            {"given_video": None},
            r"whole video \(4 latent frames\) and no audio; got 0 given frames",
        ),
        ("audio_driven", {"given_audio": torch.zeros(62, 6)}, "up to 61 tokens"),
        ("continuation", {"given_audio": None}, "first part of the video"),
        ("joint", {"task": "sing"}, "no task 'sing'"),
    ],
)
def test_requests_that_make_no_sense(task: str, change: dict[str, object], message: str) -> None:
    request = small_request(small_params(), task)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        replace(request, **change)


def test_partly_given_audio_drives_the_video() -> None:
    model = small_model()
    request = small_request(model.params, "audio_driven")
    assert request.given_audio is not None
    half = replace(request, given_audio=request.given_audio[:30])
    clip = sample(model, [half], Sampling(steps=2))[0]
    assert torch.equal(clip.audio[:30], request.given_audio[:30])
    assert not torch.equal(clip.audio[30:], request.given_audio[30:])


def test_masks_and_progress_are_reported_when_asked_for() -> None:
    model, told = small_model(), []
    requests: list[Request] = [small_request(model.params, "joint", seed) for seed in (1, 2, 3)]
    how = Sampling(steps=2, batch=2, face_masks="last")
    clips = sample(model, requests, how, lambda done, due: told.append((done, due)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [tuple(mask.shape) for mask in clips[2].face_masks] == [(4, 2, 2)] * 2
    assert not torch.equal(clips[0].face_masks[0], clips[1].face_masks[0])
    assert sample(model, requests[:1], Sampling(steps=1))[0].face_masks == ()


def test_clip_lengths_of_the_presets() -> None:
    assert ti2v_5b().audio_tokens(21) == 506
    assert nano().audio_tokens(9) == 206
    assert SIZE.tokens == 61


def test_bfloat16_model_samples_close_to_fp32() -> None:
    model = small_model()
    request = small_request(model.params)
    exact = sample(model, [request], Sampling(steps=4))[0]
    rounded = sample(small_model().to(torch.bfloat16), [request], Sampling(steps=4))[0]
    assert rounded.video.dtype == torch.float32
    assert 0 < float((rounded.audio - exact.audio).abs().max()) < 0.3
