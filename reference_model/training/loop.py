"""The loop: stages, learning rate, gradients, average, checkpoints and log of any objective."""

import hashlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from reference_model.training.config import TIMED_STEPS, Run, Schedule
from reference_model.training.objective import Objective
from reference_model.training.processes import Processes
from reference_model.training.progress_table import Watcher, watching
from reference_model.training.state import CHECKPOINT, Average, Progress, read_state, write_state

OVERRUN = 1.2
"""A stage with `minutes` ends at this multiple of them, whatever it planned: the machine got slower."""


def learning_rate(stage: Schedule, step: int, planned: int) -> float:
    """The rate of a step of `planned` ones: linear warm-up, then a cosine to `final_share`."""
    warm = min(1.0, (step + 1) / stage.warmup) if stage.warmup else 1.0
    along = max(0.0, (step - stage.warmup) / max(1, planned - stage.warmup))
    falling = stage.final_share + (1 - stage.final_share) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))
    return stage.learning_rate * warm * falling


def trained(module: nn.Module, stage: Schedule) -> dict[str, nn.Parameter]:
    """The parameters of a stage by name; all others stop asking for gradients.

    Raises:
        ValueError: a beginning that no name has.
    """
    chosen = {}
    for beginning in stage.trainable:
        if not any(name.startswith(beginning) for name, _ in module.named_parameters()):
            raise ValueError(f"stage {stage.name}: no parameter begins with {beginning!r}")
    for name, parameter in module.named_parameters():
        asked = not stage.trainable or name.startswith(stage.trainable)
        parameter.requires_grad_(asked)
        if asked:
            chosen[name] = parameter
    return chosen


def told_steps(stages: Sequence[Schedule]) -> str:
    """How many steps stages take together; with minutes they may be fewer."""
    steps = sum(stage.steps for stage in stages)
    return str(steps) if all(stage.minutes is None for stage in stages) else f"at most {steps}"


class Loop:
    """One run of one recipe."""

    def __init__(
        self, run: Run, stages: tuple[Schedule, ...], objective: Objective, here: Processes, data_key: str
    ) -> None:
        self._run, self._stages, self._objective, self._here = run, stages, objective, here
        told = run.model_dump_json(exclude={"out", "device", "threads", "every"})
        self._fingerprint = hashlib.sha256(f"{told} {data_key}".encode()).hexdigest()
        self._average = Average(run.optimiser.ema)
        self._progress = Progress()
        self._optimiser: torch.optim.Optimizer | None = None
        self.kept = 0
        """The step of all stages that a run which is cut off now goes on from."""

    @property
    def step(self) -> int:
        """The step of all stages that the run is at."""
        return self._progress.total

    def go(self, restart: bool = False) -> dict[str, Tensor]:
        """Train, or go on where the folder's checkpoint was; returns the averaged weights.

        Raises:
            ValueError: the checkpoint is damaged or of another recipe.
        """
        module = self._objective.module
        torch.manual_seed(self._run.seed)
        state = None if restart else read_state(self._run.out, self._fingerprint)
        self._average.reset(module)
        if state is not None:
            module.load_state_dict(state["module"])
            self._average.weights = {n: t.to(self._here.device) for n, t in state["average"].items()}
            self._progress = Progress(**state["progress"])
            self.kept = self.step
            if self._here.first and not self._done():
                Console().print(f"goes on at step {self.step} of {told_steps(self._stages)}", highlight=False)
        self._run.out.mkdir(parents=True, exist_ok=True)
        if not self._here.first:
            self._stages_from(state, None)
        else:
            with watching(self._run.out, self._progress.total) as watcher:
                self._stages_from(state, watcher)
            self._objective.finish(self._average.weights, self._run.out)
        self._here.barrier()
        return self._average.weights

    def _stages_from(self, state: dict[str, Any] | None, watcher: Watcher | None) -> None:
        for number in range(self._progress.stage, len(self._stages)):
            stage = self._stages[number]
            parameters = trained(self._objective.module, stage)
            own = self._run.optimiser
            self._optimiser = torch.optim.AdamW(
                list(parameters.values()),
                lr=stage.learning_rate,
                betas=own.betas,
                weight_decay=own.weight_decay,
            )
            if state is not None and number == state["progress"]["stage"]:
                self._optimiser.load_state_dict(state["optimiser"])
            else:
                self._progress = Progress(stage=number, total=self._progress.total)
            self._stage(number, stage, list(parameters.values()), self._optimiser, watcher)
        # A run that is started again once it is done does nothing.
        self._progress.stage = len(self._stages)

    def _stage(
        self,
        number: int,
        stage: Schedule,
        parameters: list[nn.Parameter],
        optimiser: torch.optim.Optimizer,
        watcher: Watcher | None,
    ) -> None:
        module, at, every = self._here.wrapped(self._objective.module), self._progress, self._run.every
        if stage.minutes is None:
            at.planned = stage.steps
        sums: dict[str, list[float]] = {}
        started, before = time.perf_counter(), at.seconds
        told = (at.step, before)
        while not self._over(stage):
            losses, what = self._step(module, number, stage, parameters, optimiser)
            at.step, at.total = at.step + 1, at.total + 1
            at.seconds = before + time.perf_counter() - started
            self._average.update(self._objective.module, at.total)
            for name, value in losses.items():
                sums.setdefault(name, []).append(value)
            settled = self._settle(stage)
            last = self._over(stage)
            if watcher is None:
                continue
            if at.step % every.log == 0 or last:
                spent = (at.seconds - told[1]) / (at.step - told[0])
                watcher.tell(self._entry(stage, optimiser, sums, what, spent))
                sums, told = {}, (at.step, at.seconds)
            self._look(watcher, stage, last)
            if at.step % every.checkpoint == 0 or last or settled:
                write_state(
                    self._run.out, self._fingerprint, self._objective.module, self._average, optimiser, at
                )
                self.kept = at.total

    def _step(
        self,
        module: nn.Module,
        number: int,
        stage: Schedule,
        parameters: list[nn.Parameter],
        optimiser: torch.optim.Optimizer,
    ) -> tuple[dict[str, float], str]:
        at, here = self._progress, self._here
        # Until its length is settled a stage is warming up, where the length plays no part.
        planned = at.planned or stage.steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(stage, at.step, planned)
        inputs, what = self._objective.inputs(number, at.step, min(1.0, at.step / planned), here.share)
        with torch.autocast(here.device.type, torch.bfloat16, enabled=self._run.precision == "bf16"):
            losses: dict[str, Tensor] = module(*inputs)
        self._refuse_not_finite(losses["total"], "loss", stage)
        optimiser.zero_grad(set_to_none=True)
        # A step may reach nothing that is trained: interactions alone, where none flows.
        if losses["total"].requires_grad:
            torch.autograd.backward(losses["total"])
            norm = torch.nn.utils.clip_grad_norm_(parameters, self._run.optimiser.clip)
            # Before the step: what a checkpoint keeps is still good.
            self._refuse_not_finite(norm, "gradient", stage)
            optimiser.step()
        return here.mean({name: value.detach() for name, value in losses.items()}), what

    def _refuse_not_finite(self, value: Tensor, what: str, stage: Schedule) -> None:
        if torch.isfinite(value):
            return
        path = self._run.out / CHECKPOINT
        kept = f"{path} stays as it was" if path.is_file() else "there is no checkpoint yet"
        raise ValueError(
            f"stage {stage.name}, step {self._progress.step}: the {what} is not finite; {kept}; "
            "lower the learning rate and use --restart"
        )

    def _settle(self, stage: Schedule) -> bool:
        """Settle the length of a stage with `minutes` once enough steps were timed; whether it was settled now."""
        at = self._progress
        if at.planned or at.step < TIMED_STEPS or stage.minutes is None:
            return False
        fit = int(stage.minutes * 60 / (self._here.agreed(at.seconds) / at.step))
        at.planned = max(at.step, min(stage.steps, fit))
        return True

    def _done(self) -> bool:
        at = self._progress
        return at.stage == len(self._stages) - 1 and bool(at.planned) and at.step >= at.planned

    def _over(self, stage: Schedule) -> bool:
        at = self._progress
        late = stage.minutes is not None and self._here.agreed(at.seconds) > OVERRUN * stage.minutes * 60
        return at.step >= (at.planned or stage.steps) or late

    def _look(self, watcher: Watcher, stage: Schedule, last: bool) -> None:
        at, every = self._progress, self._run.every
        if every.validation and (at.step % every.validation == 0 or last):
            found = self._objective.validate(self._average.weights)
            if found:
                watcher.tell(
                    {
                        "stage": stage.name,
                        "step": at.step,
                        "total_steps": at.total,
                        "what": "validation",
                        **found,
                    }
                )
        if every.samples and (at.step % every.samples == 0 or last):
            self._objective.show(self._average.weights, self._run.out / "samples", at.total)

    def _entry(
        self,
        stage: Schedule,
        optimiser: torch.optim.Optimizer,
        sums: dict[str, list[float]],
        what: str,
        spent: float,
    ) -> dict[str, Any]:
        at = self._progress
        means = {name: sum(values) / len(values) for name, values in sums.items()}
        return {
            "stage": stage.name,
            "step": at.step,
            "of": at.planned or stage.steps,
            "total_steps": at.total,
            "what": what,
            **means,
            "rate": float(optimiser.param_groups[0]["lr"]),
            "s/step": spent,
        }


def make_repeatable(run: Run, folder: Path) -> None:
    """Set threads and seeds; refuse a folder that is a file."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder to train in")
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
