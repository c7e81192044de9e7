"""`train --dry-run`: what a training would be: the network's layers and shapes, its memory and time, and records as the model sees them."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from textkit.nn.inputs import Tokens, Vectors
from textkit.report import say, show
from textkit.tokenizers.vocabulary import Vocabulary
from textkit.training.devices import moved
from textkit.training.loop import Trainer
from textkit.training.starting import Start

TRIED = 2.0  # s of training by which the time is told
MOST = 50  # steps
SHOWN = 3  # records
WIDEST = 12  # tokens or numbers of a record


def tell(trainer: Trainer, start: Start, labels: list[str]) -> None:
    """All of it on stderr. labels: of the task. The trainer is used up."""
    rows = trainer.rows[:SHOWN]
    batch = moved(trainer.problem.batch(rows), trainer.device)
    show(layers(trainer, batch))
    show(records(batch, start.vocabulary, labels))
    _tell_plan(trainer)


def layers(trainer: Trainer, batch: Any) -> list[str]:
    """Each layer with weights: its name, kind, the shape that comes out of it for the first records, and how many weights."""
    model, shapes = trainer.model.eval(), dict[str, str]()
    named = [(name, module) for name, module in model.named_modules() if name and any(True for _ in module.parameters(recurse=False))]
    names = {module: name for name, module in named}

    def note(module: nn.Module, _: Any, out: Any) -> None:
        shapes.setdefault(names[module], _shape(out))

    hooks = [module.register_forward_hook(note) for _, module in named]
    with torch.inference_mode():
        trainer.problem.loss(model, batch)
    for hook in hooks:
        hook.remove()
    lines = [(name, type(module).__name__, shapes.get(name, ""), f"{_count(module, False):,}") for name, module in named]
    lines.append(("all", "", "", f"{_count(model):,}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {shape:<{widths[2]}}  {count:>{widths[3]}}" for name, kind, shape, count in lines]


def records(batch: tuple[Any, ...], vocabulary: Vocabulary | None, labels: list[str]) -> list[str]:
    """The first records as tokens with their ids, or as the numbers of their vectors, and what is to be learned of them."""
    inputs = next(part for part in batch if isinstance(part, Tokens | Vectors))
    targets = next(part for part in batch if isinstance(part, Tensor))
    return [f"  {_read(inputs, row, vocabulary)} -> {_gold(target, labels)}" for row, target in enumerate(targets)]


def _read(inputs: Any, row: int, vocabulary: Vocabulary | None) -> str:
    if isinstance(inputs, Tokens):
        assert vocabulary is not None, "ids have one"
        words = [f"{vocabulary.tokens[i]}/{i}" for i in inputs.ids[row, : inputs.lengths[row]].tolist()]
        told = _shortened(words, "tokens")
        return told if inputs.pair is None else f"{told} | {_read(inputs.pair, row, vocabulary)}"
    if inputs.columns is None:
        return _shortened([f"{value:.3g}" for value in inputs.values[row].tolist()], "numbers")
    part = slice(inputs.starts[row], inputs.starts[row + 1] if row + 1 < len(inputs.starts) else None)
    found = zip(inputs.columns[part].tolist(), inputs.values[part].tolist(), strict=True)
    return _shortened([f"{column}:{value:.3g}" for column, value in found], "features")


def _shortened(words: list[str], kind: str) -> str:
    return " ".join(words[:WIDEST]) + (f" ... {len(words)} {kind}" if len(words) > WIDEST else "")


def _gold(target: Tensor, labels: list[str]) -> str:
    """A record's label, its labels or the tags of its words."""
    if target.ndim == 0:
        return labels[int(target)]
    if target.dtype == torch.bool:
        return ", ".join(label for label, there in zip(labels, target.tolist(), strict=True) if there) or "none of the labels"
    return " ".join(labels[code] for code in target.tolist() if code >= 0)  # behind a record's end there is none


def _tell_plan(trainer: Trainer) -> None:
    weights = sum(parameter.numel() * parameter.element_size() for parameter in trainer.model.parameters())
    started, first = time.monotonic(), trainer.step
    trainer.advance(trainer.next_lr())  # the first takes longer: memory is claimed, kernels are chosen
    began = time.monotonic()
    while trainer.step - first < min(MOST, trainer.total) and time.monotonic() - started < TRIED:
        trainer.advance(trainer.next_lr())
    steps = max(1, trainer.step - first - 1)
    each = (time.monotonic() - (began if trainer.step - first > 1 else started)) / steps
    state = sum(
        value.numel() * value.element_size() for state in trainer.optimizer.state.values() for value in state.values() if isinstance(value, Tensor)
    )
    lengths = trainer.problem.lengths[trainer.rows]
    facts = {
        "steps": trainer.total, "seconds": round(each * trainer.total, 1), "weights": weights, "optimizer": state, "peak_memory": _peak(trainer),
        "longest": int(lengths.max()), "mean_length": round(float(np.mean(lengths)), 1),
        "padding": round(1 - trainer.sums.tokens / max(1, trainer.sums.cells), 4),
    }  # fmt: skip
    say(
        f"{trainer.total} step{'s' * (trainer.total != 1)} of {1000 * each:.0f} ms: {in_time(each * trainer.total)} without validation; "
        f"weights {in_bytes(weights)}, gradients as much, optimizer {in_bytes(state)}, peak memory so far {in_bytes(_peak(trainer))}; "
        f"records of {facts['mean_length']} on the mean, {facts['longest']} at most, {100 * facts['padding']:.1f} % padding",
        **facts,
    )


def _peak(trainer: Trainer) -> int:
    """Bytes of memory, of the GPU where there is one."""
    if trainer.device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def _count(module: nn.Module, whole: bool = True) -> int:
    return sum(parameter.numel() for parameter in module.parameters(recurse=whole))


def _shape(given: Any) -> str:
    tensor = given[0] if isinstance(given, tuple) else given
    return "x".join(map(str, tensor.shape)) if isinstance(tensor, Tensor) else ""


def in_time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def in_bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
