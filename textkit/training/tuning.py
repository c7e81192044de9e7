"""`train --tune`: the features, the model and its settings that do best in cross-validation on the training data alone.

The best is then trained on all records. Its command line is told, and what was tried is written down.
"""

from __future__ import annotations

import json
import shlex
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textkit.errors import UsageError
from textkit.registry import ARCHS, STAGES
from textkit.report import say
from textkit.stage import connect
from textkit.streams.sink import open_output
from textkit.streams.stream import Stream
from textkit.training.candidates import Candidate, space_of
from textkit.training.matrices import Clock
from textkit.training.run import Plan, train
from textkit.training.scoring import Records, Trial
from textkit.training.searching import Search

TRIALS = "trials.jsonl"  # in a bundle


@dataclass(frozen=True)
class Tune:
    """What --tune was asked for, and what of the user's command line belongs into the one that is told."""

    seconds: float
    metric: str | None = None  # None: accuracy, or micro F1 where records may have several labels
    trials: str | None = None  # the file to write them to
    source: tuple[str, ...] = ()  # words that name the input and say how to read it
    own: tuple[str, ...] = ()  # words for `train` besides model and settings
    fed: bool = False  # whether the records come from a command before, in one process
    clock: Clock = time.monotonic


@dataclass
class Tuned:
    """What was found, for the bundle."""

    facts: dict[str, Any]
    lines: list[str]

    @property
    def metrics(self) -> dict[str, float]:
        return {f"cv_{self.facts['metric']}": self.facts["mean"]} if "mean" in self.facts else {}

    def write(self, draft: Path) -> None:
        (draft / TRIALS).write_text("".join(self.lines), encoding="utf-8")


def check_tuned(plan: Plan) -> None:
    """UsageError now rather than after the data were read."""
    if plan.task != "classify":
        raise UsageError(f"--tune searches among linear models, and none does {plan.task}", fix="leave it out")
    if plan.arch and ARCHS.find(plan.arch).engine != "classic":
        raise UsageError(f"--tune searches among linear models, and {plan.arch} is a network", fix="leave out --arch or --tune")
    if plan.for_networks:
        raise UsageError(f"{plan.for_networks[0]} is for networks, and --tune searches among linear models", fix="leave it out")
    space_of(plan.arch, plan.settings, ())


def train_tuned(stream: Stream, plan: Plan, tune: Tune) -> None:
    """Search, then train the best on all records and save it. Nothing appears if that is broken off."""
    started = tune.clock()

    def tell(number: int, candidate: Candidate, trial: Trial) -> None:
        facts = about(number, candidate, trial, search.metric, tune)
        say(f"trial {number}: {search.metric} {trial.in_words()} ({candidate.told()})", **facts)

    with ExitStack() as files:
        out = files.enter_context(open_output(tune.trials)) if tune.trials else None
        records = Records(stream, plan, tune.clock)
        search = Search(records, plan, tune.seconds, tune.metric, tune.clock, started, tell)
        search.run()
        tuned, best = found(search, tune), search.choice
        chosen = replace(plan, arch=best.arch, settings=best.pairs, valid_split=plan.valid_split or 0.0, tuned=tuned)
        train(stream_for(best, records), chosen)
        for line in tuned.lines if out else ():
            out.write(line.encode())  # type: ignore[union-attr]
    conclude(search, tuned.facts, stream.faults.skipped)


def stream_for(best: Candidate, records: Records) -> Stream:
    """The stream that its model is trained on."""
    if best.features is None:
        return records.stream()
    return connect(records.stream(), STAGES.find("vectorize").of(best.method, best.features))


def about(number: int, candidate: Candidate, trial: Trial, metric: str, tune: Tune) -> dict[str, Any]:
    """A line of the trials."""
    scores: dict[str, Any] = {}
    if trial.scores:
        scores = {"folds": [round(score, 6) for score in trial.scores], "mean": round(trial.mean, 6)}
    if trial.deviation is not None:
        scores["std"] = round(trial.deviation, 6)
    how = {"stopped": True} if trial.stopped else {"error": trial.error} if trial.error else {}
    sizes = {"features": trial.width, "seconds": round(trial.seconds, 3)}
    command = {"command": command_line(candidate, tune)}
    return {"trial": number, **candidate.to_json(), "metric": metric, **scores, **sizes, **how, **command}


def found(search: Search, tune: Tune) -> Tuned:
    """What the best is, of how many, and all of them."""
    facts: dict[str, Any] = {"budget": tune.seconds, "trials": len(search.tried), "metric": search.metric}
    best = search.choice
    lines = [about(number, *tried, search.metric, tune) for number, tried in enumerate(search.tried.items(), 1)]
    if best in search.tried:
        own = about(0, best, search.tried[best], search.metric, tune)
        facts |= {name: own[name] for name in ("folds", "mean", "std") if name in own}
    facts["command"] = command_line(best, tune)
    return Tuned(facts, [json.dumps(one, ensure_ascii=False) + "\n" for one in lines])


def conclude(search: Search, facts: dict[str, Any], skipped: int) -> None:
    """Say what was found, whether the budget was kept, and the command line that makes it again."""
    best, seconds = search.choice, search.seconds
    if best in search.tried:
        drawn = f", drawn {search.rounds} times" if search.rounds > 1 else ""
        how = f"over {len(search.folds)} folds{drawn}" if len(search.folds) > 1 else f"on a tenth held out{drawn}"
        left_out = f" ({search.skipped} left out for lack of time)" if search.skipped else ""
        score = f"{search.metric} {search.tried[best].in_words()} {how}"
        if best == search.usual:
            score += ", by the defaults: nothing is clearly better"
        elif search.usual in search.tried:
            score += f" (defaults: {search.tried[search.usual].mean:.4f})"
        many = f"{len(search.tried)} trial{'s' * (len(search.tried) > 1)}"
        say(f"best of {many}{left_out}: {score}; chosen among many, so new texts may score a little lower", **facts)
    if seconds > search.budget:
        took = f"tuning and training took {seconds:.1f} s of {search.budget:g}"
        why = "a step was slower than those before it told" if search.tried else "the defaults alone take that"
        say(f"{took}: {why}", seconds=round(seconds, 3), budget=search.budget)
    # vectorize knows nothing of labels, so there it learns from the records that train skips for want of one
    again = "nearly the same again, since records were skipped" if skipped else "the same again"
    say(f"{again}: {facts['command']}", command=facts["command"])


def command_line(candidate: Candidate, tune: Tune) -> str:
    """What the user would have to type for this one."""
    stages = candidate.words()
    stages[-1] += tune.own
    if tune.fed:
        return " | ".join(["...", *(shlex.join(["textkit", *words]) for words in stages)])
    if len(stages) == 1:
        return shlex.join(["textkit", *stages[0], *tune.source])
    return shlex.join(["textkit", "pipe", " | ".join(map(shlex.join, stages)), *tune.source])
