"""`train --dry-run` and `--find-lr`: what there is to know before a training. Nothing is saved."""

from __future__ import annotations

from dataclasses import replace

from textkit.registry import ARCHS, TASKS
from textkit.streams.stream import Stream
from textkit.training import finding, neural, planning
from textkit.training.examples import Examples
from textkit.training.loop import Trainer, introduce
from textkit.training.run import Plan, settings_of


def look(stream: Stream, plan: Plan, examples: Examples) -> None:
    assert plan.arch is not None, "chosen by now"
    task_class = TASKS.find(plan.task)
    settings, own = settings_of(plan.arch, task_class, plan.settings)
    task = task_class.of(examples, own)
    ready = neural.prepare(ARCHS.find(plan.arch), settings, task, examples, stream, plan)
    training = replace(ready.training, epochs=None, max_steps=finding.STEPS) if plan.find_lr else ready.training
    trainer = Trainer(ready.build, ready.problem, ready.rows, training)
    introduce(trainer)
    if plan.find_lr:
        finding.find(trainer)
    else:
        planning.tell(trainer, ready.start, task.labels)
