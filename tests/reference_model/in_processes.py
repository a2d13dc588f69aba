"""What each process of `test_distributed.py` does: make clips with shares of the model, and write them down."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from small_models import small_model, small_params, small_request
from torch.distributed.tensor import DTensor

from reference_model.distributed import joined, load_shard, place, shard
from reference_model.guidance import TASKS, MaCfg, Task
from reference_model.pipeline import Request, Sampling, sample

QUICK = Sampling(steps=4, guidance=MaCfg(skip_layer=1))


def requests(number: int, task: Task) -> list[Request]:
    """Other samples in every process, two in a batch."""
    return [small_request(small_params(), task, seed) for seed in (number + 1, number + 11)]


def main(checkpoint: Path, out: Path) -> None:
    torch.set_num_threads(1)
    params, number = small_params(), place().number
    made: dict[str, torch.Tensor] = {}
    with joined("cpu", params) as mesh:
        for way in ("load", "shard"):
            model = load_shard(checkpoint, params, mesh) if way == "load" else shard(small_model(), mesh)
            shares = [weight.to_local() for weight in model.parameters() if isinstance(weight, DTensor)]
            kept = [share.untyped_storage() for share in shares]
            made[f"{way}/kept"] = torch.tensor(sum(storage.nbytes() for storage in kept))
            for task in TASKS if way == "load" else TASKS[:1]:
                for item, clip in enumerate(sample(model, requests(number, task), QUICK)):
                    made[f"{way}/{task}/{item}/video"] = clip.video.contiguous()
                    made[f"{way}/{task}/{item}/audio"] = clip.audio.contiguous()
    save_file(made, out / f"{number}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
