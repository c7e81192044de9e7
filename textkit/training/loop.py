"""The training loop of every neural architecture: batches in, gradients, evaluations, the best kept.

All that a run has come to stands in its Trainer: one that is restored from a snapshot, taken at any moment, goes on bit for bit.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from textkit.errors import InputError, UsageError
from textkit.report import say
from textkit.streams.ahead import ahead
from textkit.training import optimizers, schedules
from textkit.training.batching import Step, cells_of, steps_of
from textkit.training.devices import Device, Precision, choose_device, choose_precision, moved, name_of, random_state, set_random_state
from textkit.training.stopping import best_epoch, is_best, stale, watched
from textkit.training.watching import Sums, View, told

__all__ = ["Diverged", "Problem", "Settings", "Trainer", "best_epoch", "fit"]

Build = Callable[[], nn.Module]
Rows = tuple[np.ndarray, np.ndarray]  # to train on, and to validate
History = list[dict[str, Any]]
Snapshot = tuple[dict[str, Tensor], dict[str, Any]]  # tensors, and what JSON can hold


LOST = 1e4  # nats of loss, and there is nothing to come back to: the right answer's probability is e^-10000


class Problem(Protocol):
    """A task bound to its N examples: all that the loop asks for. Rows are positions in the examples.

    It may also have `weight(rows) -> float`, what these records count together in the mean: otherwise each counts 1.
    """

    metric: str  # of `evaluate`: which evaluation is kept, unless the user names another
    lengths: np.ndarray  # (N,) by which batches are made

    def batch(self, rows: np.ndarray) -> Any:
        """The tensors of these records: something with `to(device)`, or a tuple of such. Another thread calls it: nothing is drawn at random."""

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The mean loss of a batch in nats, each part by its weight. Runs under autocast: losses are to be computed in fp32."""

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        """Metrics over these records, `loss` among them. Calls the model as `model(...)`, batch by batch."""


@dataclass(frozen=True)
class Settings:
    """How to train. Task, data and command line choose other values. None: what is usual for the optimizer."""

    epochs: int | None = 5  # None: as many as max_steps needs
    batch_size: int | Literal["full"] = 64  # full: one step an epoch, of all records
    lr: float | None = None
    weight_decay: float | None = None
    clip: float = 1.0  # largest norm of the gradient; 0: any
    seed: int = 42
    precision: Precision = "auto"
    device: Device = "auto"
    optimizer: str = "adamw"
    schedule: str = "linear"
    warmup: float | None = None  # steps, or below 1 a share of them
    batch_tokens: int = 0  # if not 0: batches by padded tokens rather than by records
    accumulate: int = 1  # batches in a step
    max_steps: int | None = None
    max_time: float | None = None  # s
    early_stop: int = 0  # evaluations without a better one after which to stop; 0: never
    metric: str | None = None  # None: the task's own
    eval_every: int | None = None  # steps; None: an epoch

    def completed(self) -> Settings:
        """With the optimizer's usual values."""
        kind = optimizers.OPTIMIZERS[self.optimizer]
        lr, decay = kind.lr if self.lr is None else self.lr, kind.decay if self.weight_decay is None else self.weight_decay
        return replace(self, lr=lr, weight_decay=decay)


class Diverged(InputError):
    """The loss is beyond all bounds, or it or the gradient is no number any more. The weights are those before that step."""


class Trainer:
    """A training, step by step.

    watch: called after each step, between the batches of a step and before each batch that is evaluated; it may raise to break off.
    A snapshot taken then, or whenever no step is just changing the weights, is the state after the last whole step: what was begun
    after it, be it a step or an evaluation, is done again.
    """

    def __init__(self, build: Build, problem: Problem, rows: Rows, settings: Settings, watch: Callable[[Trainer], None] | None = None) -> None:
        self.settings = settings = settings.completed()
        self.problem, (self.rows, self.valid_rows) = problem, rows
        self.metric = settings.metric or problem.metric
        self.device = choose_device(settings.device)
        self.dtype = choose_precision(settings.precision, self.device)
        torch.manual_seed(settings.seed)
        self.model = build().to(self.device)
        assert settings.lr is not None and settings.weight_decay is not None, "completed"
        self.optimizer = optimizers.make(settings.optimizer, self.model, settings.lr, settings.weight_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)  # type: ignore[attr-defined]
        self.epochs = sys.maxsize if settings.epochs is None else settings.epochs
        self.epoch, self.position, self.step = 1, 0, 0  # the running epoch, its steps that are done, all that are
        self.lr = 0.0  # of the last step
        self.sums, self.history = Sums(), History()
        self.best: dict[str, Tensor] = {}
        self._random = random_state(self.device)
        self._watch = watch or (lambda trainer: None)
        self._plan: list[Step] = []
        self._made: Iterator[Any] | None = None
        self._before, self._started = 0.0, time.monotonic()
        self._open()
        self._usual = len(self._plan)  # steps of the first epoch; of batches by tokens others may have some more or less
        self.total = min(self.epochs * self._usual, settings.max_steps or sys.maxsize)
        self.warmup = schedules.warmup_steps(settings.warmup, settings.schedule, self.total)
        self.view = View(self)

    # What it has come to.

    @property
    def seconds(self) -> float:
        """Of training, those before it was resumed included."""
        return self._before + time.monotonic() - self._started

    def next_lr(self) -> float:
        """Of the next step: epochs are equal parts of the schedule, however many steps they have."""
        assert self.settings.lr is not None, "completed"
        done = (self.epoch - 1) * self._usual + self.position * self._usual / len(self._plan)
        found = self.settings.lr * schedules.factor(self.settings.schedule, done, self.total, self.warmup)
        return found * schedules.plateau(*watched(self.history, self.metric)) if self.settings.schedule == "plateau" else found

    @property
    def reason(self) -> str | None:
        """Why to stop now; None: go on."""
        settings = self.settings
        if self.epoch > self.epochs:
            return "all epochs are done"
        if settings.max_steps is not None and self.step >= settings.max_steps:
            return f"{settings.max_steps} steps are done"
        if settings.max_time is not None and self.step and self.seconds >= settings.max_time:
            return f"{settings.max_time:g} s are over"
        if settings.early_stop and stale(self.history, self.metric) >= settings.early_stop:
            return f"{self.metric} has not become better for {settings.early_stop} evaluation{'s' * (settings.early_stop > 1)}"
        return None

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The state after the last whole step: tensors, which are the live ones (write or copy them before going on), and JSON."""
        tensors = {f"model.{name}": tensor.detach() for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"random.{name}": state for name, state in self._random.items()}
        others: dict[str, dict[str, Any]] = {}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items() if isinstance(value, Tensor)}
            others[str(number)] = {name: value for name, value in state.items() if not isinstance(value, Tensor)}
        facts = {
            "epoch": self.epoch, "position": self.position, "step": self.step, "sums": asdict(self.sums), "history": list(self.history),
            "seconds": self.seconds, "lr": self.lr, "optimizer": others, "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        return tensors, facts

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from a snapshot of a Trainer with the same problem, rows and settings."""
        self.model.load_state_dict(_under("model.", tensors))
        self.best = {name: tensor.clone() for name, tensor in _under("best.", tensors).items()}
        self._random = _under("random.", tensors)
        set_random_state(self._random)
        states = {int(number): dict(state) for number, state in facts["optimizer"].items()}
        for name, tensor in _under("optimizer.", tensors).items():
            number, _, key = name.partition(".")
            states[int(number)][key] = tensor.clone()
        self.optimizer.load_state_dict({"state": states, "param_groups": self.optimizer.state_dict()["param_groups"]})
        if facts["scaler"]:
            self.scaler.load_state_dict(facts["scaler"])
        self.epoch, self.position, self.step = facts["epoch"], facts["position"], facts["step"]
        self.sums, self.history, self.lr = Sums(**facts["sums"]), list(facts["history"]), facts["lr"]
        self._before, self._started = facts["seconds"], time.monotonic()
        self._open()

    # Going on.

    def run(self) -> None:
        """Train until it is time to stop."""
        self._check()
        with self.view:
            try:
                while True:
                    if self._due():
                        self._evaluate()
                    elif (reason := self.reason) is not None:
                        if self.step < self.total and self.epoch <= self.epochs:
                            say(f"stopping in epoch {self.history[-1]['epoch']}: {reason}", reason=reason)
                        break
                    else:
                        self.advance(self.next_lr())
            finally:
                self._close()

    def result(self) -> nn.Module:
        """The model with the weights of the best evaluation, for predicting."""
        if self.best:
            self.model.load_state_dict(self.best)
        return self.model.cpu().eval()

    def _check(self) -> None:
        """UsageError now rather than after an epoch."""
        if not len(self.valid_rows):
            if self.settings.early_stop or self.settings.metric:
                flag = "--early-stop" if self.settings.early_stop else "--metric"
                raise UsageError(f"{flag} needs records to validate on", fix="give --valid-split or --valid FILE")
        elif self.settings.metric and not self.history:
            found = self.problem.evaluate(self.model.eval(), self.valid_rows[:8])
            set_random_state(self._random)
            if self.settings.metric not in found:
                raise UsageError(f"--metric {self.settings.metric}: it is not measured", fix=f"there are {', '.join(found)}")

    def _due(self) -> bool:
        """Whether to evaluate now: at the end, and every so often, unless that was done at this step."""
        if not self.step or (self.history and self.history[-1]["step"] == self.step):
            return False
        every = self.settings.eval_every
        return (self.position == 0 if every is None else self.step % every == 0) or self.reason is not None

    def advance(self, lr: float) -> None:
        """One step at this learning rate: the gradient of its batches, and the weights changed. Diverged if there is none."""
        if self._made is None:
            rest = (rows for step in self._plan[self.position :] for rows in step)
            self._made = ahead(map(self.problem.batch, rest))
        step = self._plan[self.position]
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        sums = self._gradient(step)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._random = random_state(self.device)
        self.sums, self.step, self.position, self.lr = sums, self.step + 1, self.position + 1, lr
        if self.position == len(self._plan):
            self.epoch, self.position = self.epoch + 1, 0
            self._open()
        self.view.stepped()
        self._watch(self)

    def _gradient(self, step: Step) -> Sums:
        """The gradient of the mean loss over a step's batches, clipped; returns the sums with them. Diverged if it is no number."""
        assert self._made is not None, "opened"
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        weights = [float(getattr(self.problem, "weight", len)(rows)) for rows in step]
        whole, sums = max(sum(weights), 1e-12), replace(self.sums)
        for number, (rows, weight) in enumerate(zip(step, weights, strict=True)):
            if number:
                self._watch(self)
            batch = moved(next(self._made), self.device)
            with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
                loss = self.problem.loss(self.model, batch)
            self.scaler.scale(loss if len(step) == 1 else loss * (weight / whole)).backward()  # type: ignore[no-untyped-call]
            value = loss.item()
            if not value < LOST:  # or no number
                self._diverged(f"the loss is {value:g}")
            sums.loss, sums.weight = sums.loss + value * weight, sums.weight + weight
            sums.tokens, sums.cells = sums.tokens + int(self.problem.lengths[rows].sum()), sums.cells + cells_of(rows, self.problem.lengths)
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip or float("inf")))
        if not np.isfinite(norm) and not self.scaler.is_enabled():  # which passes over a step whose gradient is too large for fp16
            self._diverged(f"the gradient's norm is {norm}")
        return sums

    def _diverged(self, why: str) -> None:
        """Before the step, which would make every weight NaN."""
        message = f"training diverged in epoch {self.epoch}, step {self.step + 1}: {why}"
        fix = f"use a lower --lr than {self.settings.lr:g}, or --warmup" if self.step else "the numbers that it reads are too large: scale them"
        raise Diverged(message, fix=fix)

    def _evaluate(self) -> None:
        """Measure, write the history, keep the weights if they are the best."""
        sums, spent = self.sums, self.seconds - (self.history[-1]["seconds"] if self.history else 0.0)
        measured = self._measured() if len(self.valid_rows) else {}
        entry = {
            "epoch": self.epoch - (self.position == 0), "step": self.step, "train_loss": round(sums.loss / max(sums.weight, 1e-12), 6),
            "padding": round(1 - sums.tokens / max(1, sums.cells), 4), **{f"valid_{name}": value for name, value in measured.items()},
            "lr": self.lr, "seconds": round(self.seconds, 3),
            "tokens_per_second": round(sums.tokens / max(1e-3, spent)),
        }  # fmt: skip
        self.history.append(entry)
        self.sums = Sums()
        if measured and is_best(self.history, self.metric):
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        say(told(entry), **entry)
        self.view.evaluated()
        self._watch(self)

    def _measured(self) -> dict[str, float]:
        """Metrics of the validation rows; as nothing of it counts for training, nothing that is drawn in it does."""
        hook = self.model.register_forward_pre_hook(lambda *_: self._watch(self))
        try:
            return self.problem.evaluate(self.model.eval(), self.valid_rows)
        finally:
            hook.remove()
            set_random_state(self._random)

    def _open(self) -> None:
        """Lay out the running epoch, from where it stands."""
        self._close()
        given = self.settings
        if self.epoch <= self.epochs:
            lengths, sizes = self.problem.lengths, (given.batch_size, given.batch_tokens, given.accumulate)
            self._plan = steps_of(self.rows, lengths, (given.seed, self.epoch), *sizes)

    def _close(self) -> None:
        """Let the thread go that makes batches ahead."""
        if self._made is not None:
            self._made.close()  # type: ignore[attr-defined]
            self._made = None


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def fit(
    build: Build, problem: Problem, rows: Rows, settings: Settings, watch: Callable[[Trainer], None] | None = None, state: Snapshot | None = None
) -> tuple[nn.Module, History]:
    """Train what `build` makes, on rows[0], choosing the weights by rows[1]; returns it and the history, an entry an evaluation.

    watch: as of Trainer. state: a snapshot to go on from. The same data, settings and thread count give the same weights.
    """
    trainer = Trainer(build, problem, rows, settings, watch)
    if state is not None:
        trainer.restore(*state)
    introduce(trainer)
    trainer.run()
    return trainer.result(), trainer.history


def introduce(trainer: Trainer) -> None:
    """Say what is going to be done."""
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    records = f"{len(trainer.rows)} record{'s' * (len(trainer.rows) != 1)} to train on, {len(trainer.valid_rows)} to validate"
    where = f"{name_of(trainer.dtype)} on {trainer.device.type}"
    say(f"{records}, {parameters:,} parameters, {where}", parameters=parameters, precision=name_of(trainer.dtype), device=trainer.device.type)
    if trainer.warmup > trainer.total:
        say(f"the warm-up takes {trainer.warmup} steps, and the training ends after {trainer.total}: the learning rate will not come to its peak")
