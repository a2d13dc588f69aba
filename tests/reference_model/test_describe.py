"""The costs that `describe` prints, against what torch counts and what the release is known to spend."""

from dataclasses import replace

import pytest
import torch
from small_models import SIZE, inputs, small_model, small_params, small_request
from torch.utils.flop_counter import FlopCounterMode

from reference_model.attention import plain
from reference_model.checkpoint import load_official
from reference_model.conditions import Exchange
from reference_model.describe import pass_costs
from reference_model.layout import Size
from reference_model.params import ti2v_5b
from reference_model.pipeline import gather


@pytest.mark.parametrize(
    ("height", "width", "here", "released"), [(46, 82, 362.2, 494.3), (46, 46, 165.0, 239.2)]
)
def test_full_size_pass(height: int, width: int, here: float, released: float) -> None:
    costs = pass_costs(ti2v_5b(), Size(21, height, width, 506))
    assert sum(cost.here for cost in costs) / 1e12 == pytest.approx(here, abs=0.1)
    assert sum(cost.released for cost in costs) / 1e12 == pytest.approx(released, abs=0.1)


@pytest.mark.parametrize("exchange", list(Exchange))
@pytest.mark.parametrize("kind", ["ati", "sti", "sgi"])
@torch.no_grad()
def test_costs_are_what_torch_counts(exchange: Exchange, kind: str) -> None:
    params = small_params(a2v=kind, v2a=kind)
    # The plain backend, because torch does not count fused attention on the CPU.
    model = load_official(small_model(params).state_dict(), params, attention=plain)
    given = gather([small_request(params)])
    counter = FlopCounterMode(display=False)
    with counter:
        model(*inputs(given, params), given, exchange=exchange)
    costs = pass_costs(params, SIZE, exchange=exchange, speech_length=given.speech.shape[1])
    # Embeddings, heads and masks are left out of the table; they are what remains.
    rest = counter.get_total_flops() - sum(cost.here for cost in costs)
    d, a, tokens = 24, 16, (SIZE.frames + 1) * 4
    heads = 2 * (tokens * d * 20 + SIZE.tokens * a * 6)
    embeddings = 2 * (tokens * 20 * d + SIZE.tokens * a * (6 + a) + 7 * d * (9 + d))
    speech = given.speech.shape[1] * 12 * 2 * (2 * 2 * 24 + a)
    convolutions = 2 * given.speech.shape[1] * 12 * 7 * 2
    masks = 2 * 2 * SIZE.frames * 4 * d * (exchange is not Exchange.NONE)
    assert rest == pytest.approx(embeddings + heads + speech + convolutions + masks, rel=0.02)


def test_ablations_cost_what_they_skip() -> None:
    params, size = ti2v_5b(), Size(21, 46, 82, 506)
    none = replace(params, interaction=replace(params.interaction, a2v="none", v2a="none"))
    assert {cost.name for cost in pass_costs(params, size)} - {
        cost.name for cost in pass_costs(none, size)
    } == {"A2V", "V2A"}
    silent = {cost.name: cost.here for cost in pass_costs(params, size, exchange=Exchange.NONE)}
    assert silent["A2V"] == silent["V2A"] == 0
