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
from textkit.report import in_words, say
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
        manifest = partial.load()
        plan: Plan = partial.plan(Plan, manifest, save, force)
        check_target(save, plan.force)
        if task not in (None, plan.task):
            raise UsageError(f"holds a training to {plan.task}, not to {task}", where=str(partial.folder))
        if changed := {name: value for name, value in changes.items() if plan.training.get(name) != value}:
            were = {name: plan.training.get(name, "default") for name in changed}
            say(f"changed to {in_words(changed)} from {in_words(were)}", **changed)
        plan = replace(plan, training={**plan.training, **changes})
        threads = settle_threads(plan.deterministic, manifest["threads"])
        made_by = {"threads": threads, "torch": torch.__version__}
        before = {name: manifest[name] for name in made_by}
        if made_by != before:
            say(f"going on with {in_words(made_by)}, after {in_words(before)}: the weights may come out slightly different")
        _train(partial.stream(manifest), plan, Examples.load(partial.data), partial)


def _train(stream: Stream, plan: Plan, examples: Examples, partial: Partial) -> None:
    found = checkpoint.read_last(partial.checkpoints)
    if found is not None:
        say(f"going on from step {found[0]}", step=found[0])

    whole: Callable[..., Fitted] = neural.fit

    def fit(*given: Any) -> Fitted:
        fitted = whole(*given, watch=watch, state=None if found is None else found[1])
        fitted.manifest["threads"] = torch.get_num_threads()
        return fitted

    with guarded(partial, plan.save, plan.save_every) as watch:
        complete(stream, plan, examples, fit)


def settle_threads(deterministic: bool, threads: int | None = None) -> int:
    """How many threads torch computes with; if the result must be the same bit for bit, `threads` of them and no operation that draws lots."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS is not
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(threads or torch.get_num_threads())
    return torch.get_num_threads()
