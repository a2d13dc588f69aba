"""A device without room for a batch: smaller batches, the same clips, and a word about it."""

import warnings
from dataclasses import replace

import pytest
import torch
from small_models import small_model, small_params, small_request

from reference_model.guidance import Cfg
from reference_model.model import UniAVGen
from reference_model.pipeline import Request, Sampling, SmallerBatchWarning, sample
from reference_model.repeatable import repeatable

# Conditional and null pass run together: a sample is two rows.
QUICK = Sampling(steps=4, guidance=Cfg())


@pytest.fixture
def requests() -> list[Request]:
    torch.set_num_threads(1)
    return [small_request(small_params(), "joint", seed) for seed in range(5)]


def with_room_for(monkeypatch: pytest.MonkeyPatch, model: UniAVGen, rows: int) -> list[int]:
    """Let passes of more rows than that fail, as on a small device; the list gets the rows of those that ran."""
    forward, ran = model.forward, []

    def limited(video: torch.Tensor, *rest: object, **more: object) -> object:
        if len(video) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        ran.append(len(video))
        return forward(video, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(model, "forward", limited)
    return ran


def test_a_batch_without_room_is_halved_and_told(
    monkeypatch: pytest.MonkeyPatch, requests: list[Request]
) -> None:
    model = small_model()
    whole = sample(model, requests, QUICK)
    ran = with_room_for(monkeypatch, model, 4)
    told: list[tuple[int, int]] = []
    with pytest.warns(SmallerBatchWarning) as said:
        made = sample(model, requests, QUICK, lambda done, due: told.append((done, due)))
    assert max(ran) == 4 and told[-1] == (12, 12)
    assert [str(w.message).partition(";")[0] for w in said] == ["no room on the device for a batch of 5"]
    for one, other in zip(made, whole, strict=True):
        assert (one.video - other.video).abs().max() < 5e-5 and (one.audio - other.audio).abs().max() < 5e-5


def test_a_single_sample_without_room_runs_its_passes_apart(
    monkeypatch: pytest.MonkeyPatch, requests: list[Request]
) -> None:
    model = small_model()
    whole = sample(model, requests[:2], QUICK)
    ran = with_room_for(monkeypatch, model, 1)
    with pytest.warns(SmallerBatchWarning, match="passes run one after the other"):
        made = sample(model, requests[:2], QUICK)
    assert set(ran) == {1}
    for one, other in zip(made, whole, strict=True):
        assert (one.video - other.video).abs().max() < 5e-5


@pytest.mark.parametrize("how", [QUICK, replace(QUICK, out_of_memory="raise")])
def test_no_room_at_all_is_an_error(
    monkeypatch: pytest.MonkeyPatch, requests: list[Request], how: Sampling
) -> None:
    model = small_model()
    with_room_for(monkeypatch, model, 0)
    with warnings.catch_warnings(), pytest.raises(torch.OutOfMemoryError):
        warnings.simplefilter("ignore", SmallerBatchWarning)
        sample(model, requests, how)


def test_repeatable_refuses_kernels_without_an_order_and_puts_the_choice_back() -> None:
    with repeatable():
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(ValueError, match="no order"), repeatable():
        raise RuntimeError(
            "x does not have a deterministic implementation: no order. Turn it off. More words"
        )
    with pytest.raises(RuntimeError, match="other"), repeatable():
        raise RuntimeError("other")
