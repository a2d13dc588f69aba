"""A world small enough to train on in a test: squares that open and close while a tone sounds."""

import hashlib
import json
from pathlib import Path

import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from reference_model.codecs.nano_video import (
    NanoVideoCodec,
    NanoVideoParams,
    load_nano_video,
    save_nano_video,
)
from reference_model.nano_model import VIDEO_CODEC, video_codec_key
from reference_model.training.batches import Share
from reference_model.training.clips import EncodedClips, read_clips
from reference_model.training.config import RECIPES, TrainModel, read_recipe
from reference_model.training.encode import encode_shards
from reference_model.training.processes import Processes
from reference_model.training.shards import read_shards
from reference_model.training.train_model import TrainsModel

CPU = torch.device("cpu")
ALONE = Processes(Share(), CPU)
FRAMES, SIZE, RATE = 9, 32, 24_000
VOICES = (2_400, 13_200, 6_000)
"""Samples of the reference voices, one after the other."""
SAID = ("place blue at f two now", "set white in r three again", "lay red by k nine soon")


def write_world(folder: Path, clips: int = 6, shards: int = 2) -> Path:
    """Shards as the suite exports them: frames, sound, mask, lips, opening, texts, and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = torch.Generator().manual_seed(5)
    entries = []
    for number in range(shards):
        n = clips // shards
        opening = torch.rand(n, FRAMES, generator=draw)
        frames = (
            torch.randint(60, 90, (n, 1, SIZE, SIZE, 3), generator=draw)
            .expand(-1, FRAMES, -1, -1, -1)
            .clone()
        )
        frames[:, :, 20:24, 12:20] = (opening[..., None, None, None] * 200).long()
        time = torch.arange(FRAMES * RATE // 16) / RATE
        pitch = 120 + 200 * torch.rand(n, 1, generator=draw)
        tones = (torch.sin(2 * torch.pi * pitch * time) * 12_000).to(torch.int16)
        # Voices of several lengths, which are padded to different multiples of `REFERENCE_STEP`.
        spoken = torch.tensor([VOICES[(number + i) % len(VOICES)] for i in range(n)])
        mask = torch.zeros(n, FRAMES, SIZE, SIZE, dtype=torch.uint8)
        mask[:, :, 8:28, 8:24] = 1
        tensors = {
            "frames": frames.to(torch.uint8),
            "reference": frames[:, 0].to(torch.uint8),
            "audio": tones,
            "reference_audio": tones[:, : max(VOICES)].contiguous(),
            "reference_samples": spoken,
            "mask": mask,
            "opening": opening,
            "mouth": torch.tensor([12.0, 20.0, 20.0, 24.0]).expand(n, FRAMES, 4).contiguous(),
            "identity": torch.arange(n),
            "emotion": torch.zeros(n, dtype=torch.int64),
        }
        texts = {
            "id": [f"clip-{number}-{i}" for i in range(n)],
            "speech": [SAID[i % len(SAID)] for i in range(n)],
            "caption": [f"A portrait of a {'red' if i % 2 else 'blue'} square." for i in range(n)],
            "reference_text": [SAID[(i + 1) % len(SAID)] for i in range(n)],
        }
        path = folder / f"shard-{number}.safetensors"
        save_file(tensors, path, metadata={"clips": json.dumps({"texts": texts})})
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entries.append({"file": path.name, "clips": n, "sha256": digest})
    facts = {"frames": FRAMES, "fps": 16, "size": SIZE, "sample_rate": RATE}
    (folder / "index.json").write_text(json.dumps({"shards": entries, **facts}))
    return folder


def write_codec(path: Path, seed: int = 3) -> Path:
    """A codec whose transform is random: what it loses does not matter here."""
    torch.manual_seed(seed)
    codec = NanoVideoCodec(NanoVideoParams(latent=8, fine=8, coarse=8, group=8))
    save_nano_video(codec, path)
    return path


def tiny_recipe(folder: Path, **changes: object) -> TrainModel:
    """The recipe `tiny_test` with its paths in a folder, where world and codec are written if they are not there."""
    shards, codec = folder / "shards", folder / "video_codec.safetensors"
    if not codec.exists():
        write_world(shards)
        write_codec(codec)
    raw = yaml.safe_load((RECIPES / "tiny_test.yaml").read_text())
    raw |= {"shards": shards, "latents": folder / "latents", "video_codec": codec, "out": folder / "run"}
    raw |= changes
    path = folder / f"{Path(str(raw['out'])).name}.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(raw, default=str))))
    recipe = read_recipe(str(path))
    assert isinstance(recipe, TrainModel)
    return recipe


def inverted(shards: Path, listed: bool = True) -> None:
    """Put other pictures into shards of the same names."""
    for path in shards.glob("*.safetensors"):
        tensors = load_file(path)
        rewritten(path, frames=255 - tensors["frames"], reference=255 - tensors["reference"])
    if listed:
        relisted(shards)


def rewritten(path: Path, texts: object = None, **tensors: torch.Tensor | None) -> None:
    """Put other tensors or texts into a file of clips; None takes a tensor out."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    if texts is not None:
        metadata["clips"] = json.dumps({"texts": texts})
    kept = {name: tensor for name, tensor in (load_file(path) | tensors).items() if tensor is not None}
    save_file(kept, path, metadata=metadata)


def texts_of(path: Path) -> dict[str, list[str]]:
    """The texts of a file of clips."""
    with safe_open(path, "pt") as file:
        texts: dict[str, list[str]] = json.loads(file.metadata()["clips"])["texts"]
    return texts


def relisted(folder: Path) -> None:
    """Let the index of a folder list its files as they are now."""
    index = json.loads((folder / "index.json").read_text())
    for entry in index["shards"]:
        entry["sha256"] = hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
    (folder / "index.json").write_text(json.dumps(index))


def encoded(folder: Path, patch: tuple[int, int] = (2, 2)) -> EncodedClips:
    """Encode the shards of a folder that `tiny_recipe` filled."""
    codec = load_nano_video(folder / "video_codec.safetensors")
    key = video_codec_key(folder / "video_codec.safetensors")
    encode_shards(read_shards(folder / "shards"), folder / "latents", codec, key, patch, torch.device("cpu"))
    return read_clips(folder / "latents", key)


def write_nano(folder: Path) -> Path:
    """A folder of weights that `load("nano")` reads: tiny, random, every one of them matters."""
    recipe = tiny_recipe(folder)
    encoded(folder)
    objective = TrainsModel(recipe, torch.device("cpu"))
    draw = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in objective.module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=draw))
    out = folder / "nano"
    out.mkdir()
    objective.finish(objective.module.state_dict(), out)
    (out / VIDEO_CODEC).write_bytes(recipe.video_codec.read_bytes())
    return out


def trainer(world: Path, **changes: object) -> tuple[TrainModel, TrainsModel]:
    """A tiny recipe with changes, and what it trains."""
    recipe = tiny_recipe(world, **changes)
    return recipe, TrainsModel(recipe, CPU)
