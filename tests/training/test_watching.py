"""What is shown of a training: lines to grep, bars that tell the shape of a curve."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from tests.training.test_trainer import trainer
from textkit.training.watching import BARS, MOST, Losses, curve, told


def test_an_evaluation_is_a_line_to_grep() -> None:
    entry = {"epoch": 2, "step": 40, "train_loss": 0.5, "valid_accuracy": 0.8125, "lr": 2e-05, "seconds": 1.234, "tokens_per_second": 999}
    assert told(entry) == "epoch=2 step=40 train_loss=0.5000 valid_accuracy=0.8125 lr=2e-05 seconds=1.2 tokens_per_second=999"


def test_a_curve_goes_from_the_lowest_bar_to_the_highest() -> None:
    assert curve([0, 1, 2, 3, 4, 5, 6, 7], 8) == [BARS]
    assert curve([7, 0], 8) == [BARS[-1] + BARS[0]]


def test_more_values_than_places_are_averaged() -> None:
    assert curve([0, 2, 8, 10, 3, 3], 3) == curve([1, 9, 3], 3)


def test_several_rows_stand_on_each_other() -> None:
    """The lowest fills one eighth of the lowest row, the highest all of both."""
    assert curve([0, 15], 2, rows=2) == [" █", "▁█"]


def test_flat_and_empty_curves() -> None:
    assert curve([3, 3], 5) == [BARS[0] * 2]
    assert curve([], 5, rows=2) == ["", ""]


def test_the_losses_of_a_long_training_become_means_of_equally_many_steps() -> None:
    losses = Losses()
    for step in range(MOST * 4):
        losses.add(float(step))
    assert len(losses.means) <= MOST
    gaps = np.diff(losses.means)
    assert (gaps == gaps[0]).all()
    assert losses.means[0] == np.mean(np.arange(gaps[0]))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_curve_of_the_loss_and_of_the_metric_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("textkit.report._mode", "bar")
    monkeypatch.setenv("TERM", "xterm")
    one = trainer()
    one.run()
    drawn = screen.getvalue()
    assert "15/15" in drawn
    assert re.search(rf"loss \d\.\d+ [{BARS}]+ [\d,]+ tokens/s", drawn)
    best = max(entry["valid_accuracy"] for entry in one.history)
    assert re.search(rf"valid accuracy \d\.\d+ [{BARS}]+ best {best:.4f} in epoch \d", drawn)


def test_in_a_log_there_is_a_line_for_each_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    one = trainer()
    one.run()
    lines = [line for line in capsys.readouterr().err.splitlines() if "train_loss=" in line]
    assert [line.split()[1] for line in lines] == ["epoch=1", "epoch=2", "epoch=3"]
