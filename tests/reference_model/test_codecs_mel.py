import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_model.codecs.griffin_lim import GriffinLimVocoder
from reference_model.codecs.mel import (
    RELEASED_MEL,
    MelParams,
    denormalise,
    hz_to_mel,
    log_mel,
    mel_basis,
    mel_to_hz,
    normalise,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def sine(hz: float, samples: int = 12_000, level: float = 0.5) -> torch.Tensor:
    seconds = torch.arange(samples, dtype=torch.float64) / RELEASED_MEL.sample_rate
    return (level * torch.sin(2 * math.pi * hz * seconds)).float()[None]


@pytest.mark.parametrize("hz", [110.0, 440.0, 1000.0, 3000.0, 7000.0])
def test_a_sine_is_loudest_in_the_band_around_its_frequency(hz: float) -> None:
    corners = mel_to_hz(torch.linspace(0.0, float(hz_to_mel(torch.tensor(8000.0))), RELEASED_MEL.bands + 2))
    loudest = log_mel(sine(hz))[0, :, 10:-10].mean(1).argmax().item()
    assert corners[loudest] < hz < corners[loudest + 2]


def test_ten_times_the_amplitude_adds_its_logarithm() -> None:
    quiet, loud = log_mel(sine(440.0, level=0.05)), log_mel(sine(440.0, level=0.5))
    band = loud[0].mean(1).argmax()
    assert torch.allclose(loud[0, band] - quiet[0, band], torch.tensor(math.log(10.0)), atol=1e-3)


def test_silence_is_the_floor_and_finite() -> None:
    silent = log_mel(torch.zeros(1, 4800))
    assert torch.isfinite(silent).all()
    assert silent.max() < math.log(2e-5)


@given(samples=st.integers(393, 5000))
@settings(max_examples=40, deadline=None)
def test_frames_are_whole_hops(samples: int) -> None:
    assert log_mel(torch.zeros(1, samples)).shape == (1, 80, samples // 240)


def test_each_filter_has_the_same_area_in_hz() -> None:
    bin_hz = RELEASED_MEL.sample_rate / RELEASED_MEL.window_length
    area = mel_basis().double().sum(1) * bin_hz
    # Narrow filters meet only two or three bins, wide ones many.
    assert torch.allclose(area[40:], torch.ones(40, dtype=torch.float64), atol=0.03)
    assert mel_basis()[:, math.ceil(8000.0 / bin_hz) :].eq(0).all()


def test_hz_and_mel_are_inverse_and_meet_at_one_kilohertz() -> None:
    hz = torch.linspace(0.0, 12_000.0, 500, dtype=torch.float64)
    assert torch.allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-6)
    assert hz_to_mel(torch.tensor(1000.0)).item() == pytest.approx(15.0)
    assert hz_to_mel(torch.tensor(6400.0)).item() == pytest.approx(42.0)


def test_normalising_is_undone_and_keeps_the_dtype() -> None:
    values = torch.randn(2, 80, 7, generator=torch.Generator().manual_seed(0)) * 2 - 5
    tokens = normalise(values)
    assert tokens.shape == (2, 7, 80)
    assert torch.allclose(denormalise(tokens), values, atol=1e-5)
    assert normalise(values.bfloat16()).dtype == torch.bfloat16
    assert normalise(torch.full((1, 80, 1), RELEASED_MEL.mean)).abs().max() < 1e-6


def test_rows_of_a_batch_are_independent() -> None:
    one, other = sine(300.0), sine(2000.0)
    assert torch.equal(log_mel(torch.cat([one, other]))[1:], log_mel(other))


@pytest.mark.parametrize(("shape", "message"), [((4800,), "must be"), ((1, 392), "more than 392")])
def test_wrong_waveforms_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_mel(torch.zeros(shape))


def test_griffin_lim_gives_back_the_mel_it_was_given() -> None:
    seconds = torch.arange(24_000) / 24_000
    voice = sum(torch.sin(2 * math.pi * 150.0 * k * seconds) / k for k in range(1, 12))
    waveform = (0.2 * voice * (1 + torch.sin(2 * math.pi * 3 * seconds)) / 2)[None]
    given_mel = log_mel(waveform)
    rebuilt = GriffinLimVocoder().decode(given_mel)
    assert rebuilt.shape == (1, 24_000)
    audible = given_mel > given_mel.max() - math.log(100.0)
    error = (log_mel(rebuilt) - given_mel)[audible].abs().mean()
    unphased = (log_mel(GriffinLimVocoder(iterations=0).decode(given_mel)) - given_mel)[audible].abs().mean()
    assert error < 0.15
    assert error < unphased / 2


def test_griffin_lim_is_the_same_in_any_batch() -> None:
    mels = log_mel(torch.cat([sine(200.0, 4800), sine(900.0, 4800)]))
    vocoder = GriffinLimVocoder(iterations=8)
    together = vocoder.decode(mels)
    assert torch.allclose(together[1:], vocoder.decode(mels[1:]), atol=1e-5)
    assert not torch.allclose(together[:1], together[1:], atol=1e-2)


def test_griffin_lim_keeps_silence_silent_and_within_range() -> None:
    vocoder = GriffinLimVocoder(iterations=8)
    assert vocoder.decode(log_mel(torch.zeros(1, 4800))).abs().max() < 1e-2
    assert vocoder.decode(torch.full((1, 80, 10), 4.0)).abs().max() <= 1.0


def test_griffin_lim_refuses_another_number_of_bands() -> None:
    with pytest.raises(ValueError, match="80"):
        GriffinLimVocoder().decode(torch.zeros(1, 64, 10))
    assert GriffinLimVocoder(MelParams(bands=64), iterations=2).decode(torch.zeros(1, 64, 10)).shape == (
        1,
        2400,
    )
