"""What a person sees of the answers."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from textkit.searching.picture import drawn


def seen(answer: dict[str, Any], width: int = 70) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(*drawn(answer, width), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_neighbours_with_bars() -> None:
    found = [{"word": "queen", "score": 0.75}, {"word": "[b]x[/b]", "score": -0.1}, {"word": "a\x1b[1m", "score": 1.0}]
    lines = seen({"query": "king - man", "neighbours": found})
    assert lines[0] == "king - man"
    assert [line.split()[:2] for line in lines[1:]] == [["queen", "0.7500"], ["[b]x[/b]", "−0.1000"], ["a\\u001b[1m", "1.0000"]]
    assert [line.count("█") for line in lines[1:]] == [18, 0, 24]
    assert not any("█" in line for line in seen({"query": "q", "neighbours": found}, 40))


def test_records() -> None:
    found = [{"record": 12, "text": "a film\nof two lines", "score": 0.5}, {"record": 3, "text": "", "score": 0.25}]
    lines = seen({"query": "film", "neighbours": found})
    assert lines[1].split(maxsplit=2) == ["12", "0.5000", "a film\\nof two lines"]
    assert lines[2].split()[:2] == ["3", "0.2500"]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"query": "cat dog", "similarity": -0.5}, "−0.5000  cat dog"),
        ({"query": "cat x", "similarity": None}, "no vector  cat x"),
        ({"query": "cat dog table", "odd_one_out": "table"}, "table  cat dog table"),
        ({"query": "x y z", "odd_one_out": None}, "no vector  x y z"),
    ],
)
def test_one_line(answer: dict[str, Any], line: str) -> None:
    assert seen(answer) == [line]


def test_no_answer() -> None:
    assert seen({"query": "x", "neighbours": []}) == ["x", "  no vector"]
    assert seen({"query": None, "neighbours": []}) == ['""', "  no vector"]
