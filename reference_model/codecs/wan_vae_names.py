"""Names of the Wan2.2 VAE: those of diffusers' `AutoencoderKLWan` to those of the official `.pth` file."""

import re

_STEMS = {
    "quant_conv": "conv1",
    "post_quant_conv": "conv2",
    "conv_in": "conv1",
    "norm_out": "head.0",
    "conv_out": "head.2",
    "mid_block.resnets.0": "middle.0",
    "mid_block.attentions.0": "middle.1",
    "mid_block.resnets.1": "middle.2",
}
_RESIDUAL = {
    "norm1": "residual.0",
    "conv1": "residual.2",
    "norm2": "residual.3",
    "conv2": "residual.6",
    "conv_shortcut": "shortcut",
}
_STAGE = re.compile(r"(down|up)_blocks\.(\d+)\.(?:resnets\.(\d+)|(?:down|up)sampler)\.(.+)")


def _inner(name: str) -> str:
    """Rename the parts of one residual block; other names (attention, resampling) are the same in both."""
    part, dot, rest = name.partition(".")
    return _RESIDUAL.get(part, part) + dot + rest


def official_vae_name(name: str, residual_blocks: int) -> str:
    """Official name of a diffusers parameter.

    `residual_blocks` is the number per encoder stage; a decoder stage has one more. The official file counts
    the resampling of a stage as the layer after its residual blocks.
    """
    half, _, rest = name.partition(".")
    if half not in ("encoder", "decoder"):
        return f"{_STEMS[half]}.{rest}"
    stage = _STAGE.fullmatch(rest)
    if stage is not None:
        direction, index, block, inner = stage.groups()
        plural = f"{direction}samples"
        resampling = residual_blocks if direction == "down" else residual_blocks + 1
        layer = resampling if block is None else int(block)
        return f"{half}.{plural}.{index}.{plural}.{layer}.{_inner(inner)}"
    for stem, official in _STEMS.items():
        if rest.startswith(f"{stem}."):
            return f"{half}.{official}.{_inner(rest.removeprefix(f'{stem}.'))}"
    raise ValueError(f"no official name is known for {name!r}")
