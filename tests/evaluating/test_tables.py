"""What people see, at the widths of their terminals."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.making import stream_of
from textkit.evaluating import Wishes, measure
from textkit.evaluating.comparing import compare
from textkit.evaluating.report import Report
from textkit.evaluating.tables import print_tables, shown

KOREAN = ["긍정", "부정", "중립적인 의견"]
ODD = ["[red]x[/red]", "", "a label of many words, which is longer than anybody would want", "esc\x1b[31m\nline", *KOREAN]
MANY = [f"label {n:03d}" for n in range(40)]


def report(labels: list[str], records: int = 60, **wishes: Any) -> Report:
    draw = np.random.default_rng(3)
    found = []
    for values in draw.dirichlet(np.ones(len(labels)), records).round(6):
        best = labels[values.argmax()]
        pairs = [{"label": label, "score": score} for label, score in zip(labels, values, strict=True)]
        gold = best if draw.random() < 0.7 else labels[draw.integers(len(labels))]
        found.append({"text": "정말 재미있게 봤는데 [bold]결말이[/bold]\x1b[1m\n아쉬웠다", "label": gold, "prediction": best, "score": values.max()})
        found[-1]["predictions"] = pairs
    return measure(stream_of(found), wishes=Wishes(**wishes))


def printed(found: Report, width: int) -> list[str]:
    out = io.StringIO()
    print_tables(found, Console(file=out, width=width))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("labels", [KOREAN, ODD, MANY], ids=["korean", "odd", "many"])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(labels: list[str], width: int) -> None:
    found = report(labels, confidence=0.9, worst=3)
    lines = printed(found, width)
    assert max(map(cell_len, lines)) <= width
    assert not any("\x1b" in line for line in lines)
    text = "\n".join(lines)
    for row in found.labels().values():
        assert f"{row['precision']:.4f} │ {row['recall']:.4f} │ {row['f1']:.4f} │" in text
    for name in ("accuracy", "f1_macro", "log_loss"):
        assert f"{found.metrics[name]:.4f}" in text


def test_all_of_it_by_hand() -> None:
    records = [{"label": gold, "prediction": predicted, "score": 0.75} for gold, predicted in ("pp", "nn", "nn", "np")]
    assert printed(measure(stream_of(records), wishes=Wishes(worst=1)), 80) == [
        "4 records, 2 labels",
        "accuracy            0.7500",
        "balanced accuracy   0.8333",
        "macro F1            0.7333",
        "weighted F1         0.7667",
        "ROC-AUC             0.8333",
        "average precision   0.7083",
        "log loss            0.5623",
        "calibration error   0.0000",
        "",
        "╭──────────────────┬───────────┬────────┬────────┬─────────╮",
        "│ label            │ precision │ recall │     F1 │ support │",
        "├──────────────────┼───────────┼────────┼────────┼─────────┤",
        "│ n                │    1.0000 │ 0.6667 │ 0.8000 │       3 │",
        "│ p                │    0.5000 │ 1.0000 │ 0.6667 │       1 │",
        "├──────────────────┼───────────┼────────┼────────┼─────────┤",
        "│ macro average    │    0.7500 │ 0.8333 │ 0.7333 │       4 │",
        "│ weighted average │    0.8750 │ 0.7500 │ 0.7667 │       4 │",
        "╰──────────────────┴───────────┴────────┴────────┴─────────╯",
        "",
        "╭──────────────────┬───┬───╮",
        "│ gold \\ predicted │ n │ p │",
        "├──────────────────┼───┼───┤",
        "│ n                │ 2 │ 1 │",
        "│ p                │ 0 │ 1 │",
        "╰──────────────────┴───┴───╯",
        "",
        "The worst records",
        "<test>:4  n, predicted p 0.7500",
    ]


def test_columns_have_numbers_where_their_labels_would_be_too_wide() -> None:
    lines = printed(report(ODD), 60)
    head = next(line for line in lines if line.startswith("│ gold \\ predicted"))
    assert head.replace("│", " ").split()[3:] == [*"1234567"]
    assert any(line.startswith("│ 7 중립적인 의견 ") for line in lines)


def test_a_matrix_that_is_too_wide_is_not_printed() -> None:
    assert any("is too wide to print; --json has it." in line for line in printed(report(MANY, 400), 200))
    assert any("confusion matrix of 12 labels is too wide to print" in line for line in printed(report(MANY[:12]), 60))
    assert not any("too wide" in line for line in printed(report(MANY[:12]), 100))


def test_a_comparison_is_shown_with_its_verdict() -> None:
    found = report(KOREAN)
    gold, this = np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1])
    versus = compare(gold, this, gold, 3, ("old", "[new]"), 0.95, 42)
    text = "\n".join(printed(Report(found.counted, comparison=versus), 100))
    assert "│ [new]" in text
    assert "│  +0.2500 │" in text
    assert "[new] has the higher accuracy here, but that cannot be told from chance (McNemar p = 1)." in text


def test_labels_are_shown_as_they_are() -> None:
    assert [shown(label).plain for label in ("긍정", "", " ", "[b]", "a\tb", "x" * 50)] == ["긍정", '""', '" "', "[b]", "a\\tb", "x" * 39 + "…"]


def test_no_record_is_wrong() -> None:
    lines = printed(measure(stream_of([{"label": "a", "prediction": "a"}]), wishes=Wishes(worst=3)), 80)
    assert lines[-1] == "No record is wrong."
