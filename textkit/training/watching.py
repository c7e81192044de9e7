"""What is shown while a network trains: on a terminal its learning curve, in a log a line for each evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textkit.report import Progress, draws, in_words
from textkit.training.stopping import best_epoch, watched

if TYPE_CHECKING:
    from textkit.training.loop import Trainer

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40  # of a curve
MOST = 512  # means of the loss that are kept


@dataclass
class Sums:
    """Of the batches since the last evaluation."""

    loss: float = 0.0
    weight: float = 0.0
    tokens: int = 0
    cells: int = 0


def told(entry: dict[str, Any]) -> str:
    """An evaluation as a line to grep: `epoch=1 step=40 train_loss=0.6917 ...`."""
    return in_words(entry | {"lr": f"{entry['lr']:.3g}", "seconds": f"{entry['seconds']:.1f}"})


def curve(values: Sequence[float], width: int, rows: int = 1) -> list[str]:
    """Values as bars from the lowest to the highest, in lines of text; more of them than `width` are averaged."""
    if not len(values):
        return [""] * rows
    points = np.array([part.mean() for part in np.array_split(np.asarray(values, float), min(width, len(values)))])
    span = float(points.max() - points.min()) or 1.0
    heights = 1 + np.rint((points - points.min()) / span * (rows * len(BARS) - 1)).astype(int)
    levels = [np.clip(heights - below * len(BARS), 0, len(BARS)) for below in reversed(range(rows))]
    return ["".join((" " + BARS)[level] for level in line) for line in levels]


class Losses:
    """The loss over all steps so far in a few hundred means, however long the training is."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self._each, self._sum, self._count = 1, 0.0, 0  # steps in a mean, and those of the next one

    def add(self, loss: float) -> None:
        self._sum, self._count = self._sum + loss, self._count + 1
        if self._count == self._each:
            self.means.append(self._sum / self._count)
            self._sum, self._count = 0.0, 0
        if len(self.means) == MOST:
            self.means = np.asarray(self.means).reshape(-1, 2).mean(1).tolist()
            self._each *= 2


class View:
    """Shows a Trainer at work: a bar with the curves of loss and metric under it, or in a log a line now and then."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._losses, self._last = Losses(), Sums()
        self._tokens, self._started = 0, time.monotonic()
        self._progress = Progress("training", trainer.total, "steps", bar=False)
        self._bar: Any = None

    def __enter__(self) -> View:
        self._started = time.monotonic()
        if draws():
            self._bar, self._task = _bar(self._lines, self._trainer.total, self._trainer.step)
            self._bar.start()
        self._progress.done = self._trainer.step
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stepped(self) -> None:
        """A step is done."""
        sums, last = self._trainer.sums, self._last
        loss = (sums.loss - last.loss) / max(sums.weight - last.weight, 1e-12)
        self._losses.add(loss)
        self._tokens += sums.tokens - last.tokens
        self._last = sums
        if self._bar is not None:
            self._bar.advance(self._task)
        else:
            self._progress.add(1, f"loss {sums.loss / max(sums.weight, 1e-12):.4f} {self._rate()}")

    def evaluated(self) -> None:
        self._last = Sums()

    def _rate(self) -> str:
        return f"{self._tokens / max(1e-9, time.monotonic() - self._started):,.0f} tokens/s"

    def _lines(self) -> list[str]:
        """What stands under the bar."""
        means, metric = self._losses.means, self._trainer.metric
        lines = [f"loss {means[-1]:.4f} {curve(means, WIDTH)[0]} {self._rate()}"] if means else []
        values, _ = watched(self._trainer.history, metric)
        if values and f"valid_{metric}" in self._trainer.history[-1]:
            best = best_epoch(self._trainer.history, metric)
            lines.append(f"valid {metric} {values[-1]:.4f} {curve(values, WIDTH)[0]} best {best[f'valid_{metric}']:.4f} in epoch {best['epoch']}")
        return lines


def _bar(lines: Callable[[], list[str]], total: int, done: int) -> tuple[Any, Any]:
    """A bar of rich's with lines under it, which are asked for at each refresh."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Bar(RichProgress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            yield from map(Text, lines())

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("steps"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    return bar, bar.add_task("training", total=total, completed=done)
