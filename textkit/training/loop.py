"""The training loop of every neural architecture: batches in, gradients, one evaluation an epoch, the best kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import nn

from textkit.errors import InputError
from textkit.report import Progress, in_words, say
from textkit.training.batching import padding_share, shuffled_batches

Precision = Literal["auto", "fp32", "bf16"]


class Problem(Protocol):
    """A task bound to its N examples: all that the loop asks for. Rows are positions in the examples."""

    metric: str  # of `evaluate`, the higher the better: which epoch is kept
    lengths: np.ndarray  # (N,) by which batches are made

    def batch(self, rows: np.ndarray) -> Any:
        """The tensors of these records."""

    def loss(self, model: nn.Module, batch: Any) -> torch.Tensor:
        """The mean loss of a batch. Runs under autocast: losses are to be computed in fp32."""

    def evaluate(self, model: nn.Module, rows: np.ndarray) -> dict[str, float]:
        """Metrics over these records, `loss` among them."""


@dataclass(frozen=True)
class Settings:
    """How to train. Defaults are those of the command line."""

    epochs: int = 5
    batch_size: int = 64
    lr: float = 2e-3
    weight_decay: float = 0.01
    clip: float = 1.0  # largest norm of the gradient
    seed: int = 42
    precision: Precision = "auto"


def choose_precision(asked: Precision) -> torch.dtype:
    """bf16 where the processor multiplies it in hardware (two to four times as fast), else fp32."""
    if asked == "auto":
        asked = "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"
    return torch.bfloat16 if asked == "bf16" else torch.float32


def fit(
    build: Callable[[], nn.Module], problem: Problem, rows: tuple[np.ndarray, np.ndarray], settings: Settings
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """Train what `build` makes, on rows[0], choosing the epoch by rows[1]; returns it and the history, an entry an epoch.

    The same data, settings and thread count give the same weights.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = build()
    dtype = choose_precision(settings.precision)
    train_rows, valid_rows = rows
    steps = settings.epochs * len(shuffled_batches(train_rows, problem.lengths, settings.batch_size, np.random.default_rng(settings.seed)))
    optimizer = torch.optim.AdamW(_groups(model, settings.weight_decay), lr=settings.lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    parameters = sum(p.numel() for p in model.parameters())
    say(f"{len(train_rows)} records to train on, {len(valid_rows)} to validate, {parameters:,} parameters, {str(dtype).removeprefix('torch.')}")
    history: list[dict[str, Any]] = []
    best: dict[str, torch.Tensor] = {}
    for epoch in range(1, settings.epochs + 1):
        batches = shuffled_batches(train_rows, problem.lengths, settings.batch_size, rng)
        loss = _epoch(model, problem, batches, optimizer, schedule, settings.clip, dtype, epoch)
        measured = problem.evaluate(model.eval(), valid_rows) if len(valid_rows) else {}
        entry = {"epoch": epoch, "train_loss": round(loss, 6), "padding": round(padding_share(batches, problem.lengths), 4)}
        history.append(entry | {f"valid_{name}": value for name, value in measured.items()})
        say(in_words(history[-1]), **history[-1])
        if _is_best(history, problem.metric):
            best = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(best)
    return model.eval(), history


def best_epoch(history: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    """The entry with the best validation metric, of equals the one with the lowest loss; without validation the last."""
    key = f"valid_{metric}"
    return max(history, key=lambda entry: (entry[key], -entry["valid_loss"])) if key in history[-1] else history[-1]


def _is_best(history: list[dict[str, Any]], metric: str) -> bool:
    return best_epoch(history, metric) is history[-1]


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay is for matrices, not for biases and embeddings."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    decayed = [p for p in model.parameters() if p.dim() > 1 and id(p) not in embeddings]
    rest = [p for p in model.parameters() if p.dim() <= 1 or id(p) in embeddings]
    return [{"params": decayed, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def _epoch(
    model: nn.Module, problem: Problem, batches: list[np.ndarray], optimizer: torch.optim.Optimizer, schedule: Any,
    clip: float, dtype: torch.dtype, epoch: int,
) -> float:  # fmt: skip
    """One pass; returns the mean loss of its records."""
    model.train()
    total = records = 0.0
    with Progress(f"epoch {epoch}", sum(map(len, batches))) as progress:
        for rows in batches:
            batch = problem.batch(rows)
            with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                loss = problem.loss(model, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
            if not (loss.isfinite() and norm.isfinite()):  # before the step, which would make every weight NaN
                message = f"training diverged in epoch {epoch}: the loss is {loss.item()}, the gradient's norm {norm.item()}"
                raise InputError(message, fix="use a lower --lr")
            optimizer.step()
            schedule.step()
            total, records = total + loss.item() * len(rows), records + len(rows)
            progress.add(len(rows), f"loss {total / records:.4f}")
    return total / records
