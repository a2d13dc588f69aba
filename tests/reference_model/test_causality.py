"""What may influence what: interactions, given parts, masks, windows."""

from dataclasses import replace

import pytest
import torch
from small_models import SIZE, inputs, silence_interactions, small_model, small_params, small_request

from reference_model.aligner import a2v_windows, v2a_weights
from reference_model.conditions import Conditions, Exchange, Prediction
from reference_model.face_modulation import mask_loss, weigh
from reference_model.guidance import Task
from reference_model.layers import RMSNorm
from reference_model.model import UniAVGen
from reference_model.params import ModelParams
from reference_model.pipeline import Sampling, gather, sample

QUICK = Sampling(steps=3)


def conditions(params: ModelParams, task: Task = "joint") -> Conditions:
    return gather([small_request(params, task)])


@torch.no_grad()
def run(
    model: UniAVGen, given: Conditions, exchange: Exchange = Exchange.BOTH, **change: torch.Tensor
) -> Prediction:
    video, audio, time = inputs(given, model.params)
    prediction: Prediction = model(
        change.get("video", video),
        change.get("audio", audio),
        time,
        given,
        exchange=exchange,
        face_masks="all",
    )
    return prediction


@torch.no_grad()
def moved(model: UniAVGen, exchange: Exchange = Exchange.BOTH) -> tuple[bool, bool]:
    """Whether audio reaches video, and video reaches audio."""
    given = conditions(model.params)
    video, audio, _ = inputs(given, model.params)
    base = run(model, given, exchange)
    other_audio = run(model, given, exchange, audio=audio + 1)
    other_video = run(model, given, exchange, video=video + 1)
    return (
        not torch.equal(base.video, other_audio.video),
        not torch.equal(base.audio, other_video.audio),
    )


@pytest.mark.parametrize("reach", ["ati", "sti", "sgi"])
@pytest.mark.parametrize("aligner", ["released", "paper"])
def test_each_direction_can_be_off(reach: str, aligner: str) -> None:
    def model(a2v: str, v2a: str) -> UniAVGen:
        return small_model(small_params(a2v=a2v, v2a=v2a, aligner=aligner))

    assert moved(model(reach, reach)) == (True, True)
    assert moved(model(reach, "none")) == (True, False)
    assert moved(model("none", reach)) == (False, True)
    assert moved(model("none", "none")) == (False, False)


@pytest.mark.parametrize("exchange", list(Exchange))
def test_exchange_of_a_pass(exchange: Exchange) -> None:
    assert moved(small_model(), exchange) == (exchange.a2v, exchange.v2a)


def test_silent_interactions_leave_both_branches_unchanged() -> None:
    model = small_model()
    alone = run(model, conditions(model.params), Exchange.NONE)
    together = run(model, conditions(model.params))
    assert not torch.allclose(alone.video, together.video)
    with torch.no_grad():
        silence_interactions(model)
    silent = run(model, conditions(model.params))
    assert torch.equal(silent.video, alone.video) and torch.equal(silent.audio, alone.audio)


@torch.no_grad()
@pytest.mark.parametrize("alignment", ["ati", "sti"])
@pytest.mark.parametrize("aligner", ["released", "paper"])
def test_a_frame_hears_its_window_and_nothing_else(alignment: str, aligner: str) -> None:
    model = small_model(small_params(a2v=alignment, aligner=aligner, window=1))
    block, index = model.a2v_blocks[0], 2
    plan = model._layout(*inputs(conditions(model.params), model.params)[:2], conditions(model.params))[0].a2v
    windows = a2v_windows(SIZE.frames, SIZE.tokens, alignment, aligner, 1)
    heard = set(windows.index[index][windows.valid[index]].tolist())
    shown = torch.randn(1, SIZE.frames * 4, 24)
    audio = torch.randn(1, SIZE.tokens, 16)
    base = block.update(shown, block.hear(audio, plan), None, plan)
    for token in range(SIZE.tokens):
        changed = audio.clone()
        changed[:, token] += 1
        update = block.update(shown, block.hear(changed, plan), None, plan)
        frames = (update - base).abs().amax(dim=(0, 2)).reshape(SIZE.frames, -1).amax(1)
        assert bool(frames[index] > 1e-6) == (token in heard)


@torch.no_grad()
@pytest.mark.parametrize("alignment", ["ati", "sti", "sgi"])
@pytest.mark.parametrize("aligner", ["released", "paper"])
def test_projecting_before_mixing_equals_mixing_before_projecting(alignment: str, aligner: str) -> None:
    model = small_model(small_params(v2a=alignment, aligner=aligner))
    given = conditions(model.params)
    video, audio, _ = inputs(given, model.params)
    plan = model._layout(video, audio, given)[0].v2a
    block = model.v2a_blocks[1]
    shown, heard = torch.randn(2, SIZE.frames * 4, 24), torch.randn(2, SIZE.tokens, 16)
    face = torch.rand(2, SIZE.frames * 4, 1)
    found = block.update(heard, block.see(shown, face, plan, SIZE.frames), plan)
    if alignment == "sgi":
        contexts = (shown * face)[:, None].expand(-1, SIZE.tokens, -1, -1)
    else:
        weights = v2a_weights(SIZE.frames, SIZE.tokens, alignment, aligner).float()
        per_frame = (shown * face).unflatten(1, (SIZE.frames, -1))
        contexts = torch.einsum("sf,bfnc->bsnc", weights, per_frame)
    q = block.queries(heard, plan.query_rotation)
    for token in range(SIZE.tokens):
        context = block.context(contexts[:, token], plan.key_rotation)
        scores = torch.einsum("bhd,bhnd->bhn", q[:, token], context.key) / q.shape[-1] ** 0.5
        expected = block.o(torch.einsum("bhn,bhnd->bhd", scores.softmax(-1), context.value).flatten(1))
        assert (found[:, token] - expected).abs().max() < 1e-5


@torch.no_grad()
def test_mask_of_ones_equals_no_face_modulation() -> None:
    model = small_model()
    for block in model.a2v_blocks:
        block.mask_head.head.weight.zero_()
        block.mask_head.head.bias.fill_(100.0)
    off = UniAVGen(replace(model.params, face_modulation="off")).eval()
    off.load_state_dict(model.state_dict())
    given = conditions(model.params)
    assert (run(model, given).video - run(off, given).video).abs().max() < 1e-6
    for block in model.a2v_blocks:
        block.mask_head.head.bias.fill_(0.0)
    assert (run(model, given).video - run(off, given).video).abs().max() > 1e-3


@torch.no_grad()
def test_even_modulation_keeps_each_frames_mean_and_tells_no_place() -> None:
    frames = torch.rand(2, 3, 4, 1)
    weights = weigh(frames.flatten(1, 2), "even", 3)
    assert weights is not None
    assert torch.allclose(weights.unflatten(1, (3, 4)), frames.mean(2, keepdim=True).expand_as(frames))
    model = small_model()
    even = UniAVGen(replace(model.params, face_modulation="even")).eval()
    even.load_state_dict(model.state_dict())
    given = conditions(model.params)
    assert (run(model, given).video - run(even, given).video).abs().max() > 1e-4
    for block in (*model.a2v_blocks, *even.a2v_blocks):
        block.mask_head.head.weight.zero_()
    assert (run(model, given).video - run(even, given).video).abs().max() < 1e-6
    assert (run(model, given).audio - run(even, given).audio).abs().max() < 1e-6


def test_masks_are_returned_and_can_be_supervised() -> None:
    model = small_model().requires_grad_(True)
    given = conditions(model.params)
    prediction = model(*inputs(given, model.params), given)
    assert [tuple(mask.shape) for mask in prediction.face_masks] == [(1, 4, 2, 2)] * 2
    target = torch.zeros(1, 4, 2, 2)
    loss = mask_loss(prediction.face_masks, target)
    expected = sum(float(mask.detach().square().mean()) for mask in prediction.face_masks) / 2
    assert float(loss.detach()) == pytest.approx(expected)
    loss.backward()
    assert float(model.a2v_blocks[0].mask_head.head.weight.grad.abs().sum()) > 0
    with pytest.raises(ValueError, match="differ in shape"):
        mask_loss(prediction.face_masks, torch.zeros(1, 4, 2, 3))
    with pytest.raises(ValueError, match="no face mask"):
        mask_loss((), target)


def test_every_parameter_but_the_padding_is_trained() -> None:
    for aligner in ("released", "paper"):
        model = small_model(small_params(aligner=aligner)).requires_grad_(True)
        given = conditions(model.params, "continuation")
        prediction = model(*inputs(given, model.params), given)
        (prediction.video.square().mean() + prediction.audio.square().mean()).backward()
        idle = {name for name, p in model.named_parameters() if p.grad is None or not bool(p.grad.any())}
        assert idle == {"audio_padding"}


@pytest.mark.parametrize("task", ["audio_driven", "continuation", "dubbing", "joint"])
def test_given_parts_come_back_unchanged(task: Task) -> None:
    model = small_model()
    request = small_request(model.params, task)
    clip = sample(model, [request], QUICK)[0]
    if request.given_audio is not None:
        assert torch.equal(clip.audio[: len(request.given_audio)], request.given_audio)
    given = request.reference_image if request.given_video is None else request.given_video
    assert torch.equal(clip.video[:, : given.shape[1]], given)
    if task != "audio_driven":
        tail = clip.audio[0 if request.given_audio is None else len(request.given_audio) :]
        assert len(tail) and torch.isfinite(tail).all()


def test_rms_runs_over_the_full_width() -> None:
    norm = RMSNorm(8, 1e-6)
    x = torch.randn(3, 8)
    assert torch.allclose(norm(x), x / x.square().mean(-1, keepdim=True).add(1e-6).sqrt(), atol=1e-6)


@torch.no_grad()
def test_time_of_given_audio() -> None:
    given = conditions(small_params(), "continuation")
    branch = small_model()
    token = UniAVGen(replace(branch.params, audio_time="token")).eval()
    token.load_state_dict(branch.state_dict())
    video, audio, time = inputs(given, branch.params)

    def audio_of(model: UniAVGen, at: float) -> torch.Tensor:
        silent = model(video, audio, time * 0 + at, given, exchange=Exchange.NONE)
        found: torch.Tensor = silent.audio
        return found

    assert torch.equal(audio_of(branch, 100.0), audio_of(branch, 900.0))
    assert not torch.allclose(audio_of(token, 100.0), audio_of(token, 900.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"video": torch.zeros(1, 4, 4, 4, 4)},
            r"video has shape \(1, 4, 4, 4, 4\), expected 1 x 5 x \? x \? x \?",
        ),
        ({"audio": torch.zeros(1, 61, 7)}, r"audio has shape \(1, 61, 7\), expected 1 x \? x 6"),
        ({"video": torch.zeros(1, 5, 4, 6, 4)}, "reference image has shape"),
    ],
)
def test_wrong_shapes_are_named(change: dict[str, torch.Tensor], message: str) -> None:
    model = small_model()
    with pytest.raises(ValueError, match=message):
        run(model, conditions(model.params), **change)
