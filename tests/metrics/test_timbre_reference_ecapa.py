"""`timbre.reference[ecapa@1]`: SpeechBrain's own network and features where installed, laws and reasons everywhere.

The checkpoint cannot be had everywhere: all numbers here come from seeded random weights of the true shapes. For the
comparison: `pip install --no-deps speechbrain==1.1.2` and `pip install hyperpyyaml joblib huggingface_hub`.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from ecapa_random import random_state
from hypothesis import given, settings
from hypothesis import strategies as st
from resemblyzer_sounds import vowels

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.timbre_reference_ecapa import METRIC, SPEC, WEIGHT, embedding
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models

RATE = 16_000


class Folder:
    """Weights that lie in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        if not (self.folder / name).is_file():
            raise MissingError(Reason.WEIGHTS, name)
        return self.folder / name

    def sha256(self, name: str) -> str:
        return name


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("weights")
    torch.save(random_state(), folder / WEIGHT)
    return Models(Folder(folder))


def sound(samples: np.ndarray) -> Speech:
    return Speech(np.asarray(samples, np.float32), RATE, 0.0, RATE, 1)


def measured(clip: Speech, reference: Speech, models: Models) -> Measurement:
    artefacts = SimpleNamespace(
        speech=clip, voice_activity=detect_voice(clip, models), reference_speech=reference
    )
    return METRIC.measure(artefacts, Sample(id="x"), models)


@pytest.fixture(scope="module")
def speechbrain():
    """The package's modules; torchaudio, which it asks for when it is imported, is not needed by them."""
    pytest.importorskip("huggingface_hub", reason="the package speechbrain is not installed")
    if importlib.util.find_spec("speechbrain") is None:
        pytest.skip("the package speechbrain is not installed")
    stub = None
    if importlib.util.find_spec("torchaudio") is None:
        stub = ModuleType("torchaudio")
        stub.__version__ = "2.8.0"
        stub.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = stub
    try:
        yield SimpleNamespace(
            network=importlib.import_module("speechbrain.lobes.models.ECAPA_TDNN").ECAPA_TDNN,
            fbank=importlib.import_module("speechbrain.lobes.features").Fbank,
            norm=importlib.import_module("speechbrain.processing.features").InputNormalization,
        )
    finally:
        if stub is not None:
            del sys.modules["torchaudio"]


@pytest.mark.parametrize("seconds", [0.3, 1.61, 4.0])
def test_the_package_itself_gives_the_same_features_and_embeddings(seconds, speechbrain, models):
    import torch

    from uniavgen_bench.metrics.ecapa_network import load_ecapa, mel_energies

    torch.set_num_threads(1)
    theirs = speechbrain.network(
        80,
        lin_neurons=192,
        channels=[1024, 1024, 1024, 1024, 3072],
        kernel_sizes=[5, 3, 3, 3, 1],
        dilations=[1, 2, 3, 4, 1],
        attention_channels=128,
    )
    theirs.load_state_dict(random_state(), strict=True)
    theirs.eval()
    features = speechbrain.fbank(n_mels=80)
    centre = speechbrain.norm(norm_type="sentence", std_norm=False)
    samples = torch.from_numpy(vowels(140.0, seconds, level=0.2))[None]
    ours = load_ecapa(models.weight(WEIGHT), "cpu")
    with torch.inference_mode():
        expected = centre(features(samples), torch.ones(1))
        assert (mel_energies(samples) - expected).abs().max() < 1e-5
        embedded = theirs(expected, torch.ones(1))[0]
        assert (ours.raw(mel_energies(samples)) - embedded).abs().max() < 1e-5 * embedded.abs().max()
        unit = torch.nn.functional.normalize(embedded, dim=1)
        assert (ours(mel_energies(samples)) - unit).abs().max() < 1e-5


def test_the_checkpoint_has_the_names_and_the_size_of_the_published_file():
    import torch

    state = random_state()
    assert len(state) == 231
    assert state["blocks.2.res2net_block.blocks.6.conv.conv.weight"].shape == (128, 128, 3)
    assert state["asp.tdnn.conv.conv.weight"].shape == (128, 9216, 1)
    assert state["asp_bn.norm.running_mean"].shape == (6144,)
    assert state["fc.conv.weight"].shape == (192, 6144, 1)
    numbers = sum(t.numel() * t.element_size() for t in state.values() if torch.is_tensor(t))
    # What is more in the file is the names and the padding of the archive.
    assert 0 < load_manifest()[WEIGHT].bytes - numbers < 200_000


@settings(max_examples=15)
@given(exponent=st.integers(-6, 2), seconds=st.floats(0.05, 0.6), seed=st.integers(0, 99))
def test_the_level_of_a_sound_does_not_matter_and_every_band_has_mean_zero(exponent, seconds, seed):
    import torch

    from uniavgen_bench.metrics.ecapa_network import mel_energies

    rng = np.random.default_rng(seed)
    samples = torch.from_numpy(rng.normal(0, 0.1, (1, int(seconds * RATE))).astype(np.float32))
    mels = mel_energies(samples)
    assert mels.shape == (1, samples.shape[1] // 160 + 1, 80)
    assert mels.mean(dim=1).abs().max() < 1e-3
    assert (mel_energies(samples * 2.0**exponent) - mels).abs().max() < 1e-3


def test_filters_cover_the_spectrum_and_are_narrower_above_their_centre():
    from uniavgen_bench.metrics.ecapa_network import mel_filters

    filters = mel_filters().numpy()
    assert filters.shape == (201, 80) and filters.min() == 0.0 and filters.max() <= 1.0
    assert (filters[1:-3].max(axis=1) > 0).all()
    centres = filters.argmax(axis=0)
    assert (np.diff(centres) >= 0).all()


def test_a_voice_is_itself_and_the_order_does_not_matter(models):
    low, high = sound(vowels(120.0, 3.0)), sound(vowels(160.0, 3.0))
    same = measured(low, low, models)
    assert set(same.scores) == {field.name for field in SPEC.fields}
    assert same.scores["similarity"].value == pytest.approx(1.0, abs=1e-5)
    assert same.scores["seconds_clip"].value > 1.2
    there, back = (measured(a, b, models).scores["similarity"].value for a, b in ((low, high), (high, low)))
    assert there == pytest.approx(back, abs=1e-6) and there < 0.999
    assert np.linalg.norm(embedding(low, models)) == pytest.approx(1.0, abs=1e-5)


def test_noise_silence_and_short_sounds_have_their_reason(models):
    voice = sound(vowels(120.0, 3.0))
    noise = sound(np.random.default_rng(0).normal(0, 0.1, 5 * RATE))
    brief = sound(vowels(180.0, 1.3)[: round(0.9 * RATE)])
    for clip, reference, reason in (
        (noise, voice, Reason.NO_SPEECH),
        (voice, noise, Reason.NO_SPEECH),
        (brief, voice, Reason.TOO_SHORT),
        (voice, brief, Reason.TOO_SHORT),
    ):
        with pytest.raises(MissingError) as caught:
            measured(clip, reference, models)
        assert caught.value.missing.reason is reason
        assert ("reference" in caught.value.missing.detail) == (clip is voice)


def test_without_weights_or_with_others_the_answer_is_missing_weights(tmp_path):
    import torch

    voice = SimpleNamespace(
        speech=sound(vowels(120.0, 2.0)),
        voice_activity=VoiceActivity(np.array([[0.0, 2.0]]), np.ones(63, np.float32), 0.032, 0.0),
    )
    with pytest.raises(MissingError) as caught:
        embedding(voice.speech, Models(Folder(tmp_path)))
    assert caught.value.missing.reason is Reason.WEIGHTS
    torch.save({"fc.conv.weight": torch.zeros(3)}, tmp_path / WEIGHT)
    with pytest.raises(MissingError, match="does not hold ECAPA-TDNN") as caught:
        embedding(voice.speech, Models(Folder(tmp_path)))
    assert caught.value.missing.reason is Reason.WEIGHTS
