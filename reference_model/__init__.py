"""UniAVGen as a library: joint generation of a talking person's picture and voice.

Start with `params` (what the model is), `model` (the two branches), `pipeline` (the five tasks).
"""

from reference_model.checkpoint import CheckpointError, load_official, save
from reference_model.guidance import Cfg, MaCfg, NoGuidance
from reference_model.layout import Size
from reference_model.model import UniAVGen
from reference_model.nano_model import Nano, load, nano_sampling
from reference_model.params import ModelParams, nano, ti2v_5b, with_ablation
from reference_model.pipeline import Request, Sample, Sampling, sample

__all__ = [
    "Cfg",
    "CheckpointError",
    "MaCfg",
    "ModelParams",
    "Nano",
    "NoGuidance",
    "Request",
    "Sample",
    "Sampling",
    "Size",
    "UniAVGen",
    "load",
    "load_official",
    "nano",
    "nano_sampling",
    "sample",
    "save",
    "ti2v_5b",
    "with_ablation",
]
