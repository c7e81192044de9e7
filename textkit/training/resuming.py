"""Training a network so that it can be gone on with, and going on with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from textkit.artifacts.folder import check_target
from textkit.errors import UsageError
from textkit.report import say
from textkit.streams.stream import Stream
from textkit.training import checkpoint, neural
from textkit.training.examples import Examples
from textkit.training.keeping import guarded
from textkit.training.partial import Partial, begun, continued
from textkit.training.run import Fitted, Plan, complete


def begin(stream: Stream, plan: Plan, collect: Callable[[Path], Examples]) -> None:
    """Train on what `collect` puts into a folder, and save the bundle."""
    with begun(plan.save, plan.force) as partial:
        examples = collect(partial.data)
        threads = settle_threads(plan.deterministic)
        stream = partial.keep(stream, plan, {"threads": threads, "torch": torch.__version__})
        _train(stream, plan, examples, partial)


def go_on(save: str, task: str | None, force: bool, changes: dict[str, Any]) -> None:
    """Go on with the unfinished training of `save`, with these of its settings changed. UsageError if it is of another task."""
    with continued(save) as partial:
        if partial.finished(save):
            say(f"{save} is complete: it was saved just before the process ended")
            return
        manifest = partial.load()
        plan: Plan = partial.plan(Plan, manifest, save, force)
        check_target(save, plan.force)
        if task not in (None, plan.task):
            raise UsageError(f"holds a training to {plan.task}, not to {task}", where=str(partial.folder))
        found = checkpoint.read_last(partial.checkpoints)
        changed = {} if found is None else found[1][1]["changed"]
        were = {**plan.training, **changed}
        if new := {name: value for name, value in changes.items() if were.get(name) != value}:
            say(f"changed to {_told(new)} from {_told({name: were.get(name, 'default') for name in new})}", **new)
        changed |= new
        plan = replace(plan, training={**plan.training, **changed})
        threads = settle_threads(plan.deterministic, manifest["threads"])
        made_by = {"threads": threads, "torch": torch.__version__}
        before = {name: manifest[name] for name in made_by}
        if made_by != before:
            say(f"going on with {_told(made_by)}, after {_told(before)}: the weights may come out slightly different")
        say(f"going on from step {found[0]}" if found else "starting anew: there is no checkpoint to go on from", step=found[0] if found else 0)
        examples = Examples.load(partial.data)
        _train(partial.stream(manifest), plan, examples, partial, None if found is None else found[1], changed)


def _told(settings: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _train(
    stream: Stream, plan: Plan, examples: Examples, partial: Partial, state: checkpoint.State | None = None, changed: dict[str, Any] | None = None
) -> None:
    """state: a snapshot to go on from. changed: what of the settings is not as it was at the beginning."""
    whole: Callable[..., Fitted] = neural.fit

    def fit(*given: Any) -> Fitted:
        fitted = whole(*given, watch=watch, state=state)
        fitted.manifest["threads"] = torch.get_num_threads()
        return fitted

    with guarded(partial, plan, changed or {}) as watch:
        complete(stream, plan, examples, fit, partial.finish)


def settle_threads(deterministic: bool, threads: int | None = None) -> int:
    """How many threads torch computes with; if the result must be the same bit for bit, `threads` of them and no operation that draws lots."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS is not
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(threads or torch.get_num_threads())
    return torch.get_num_threads()
