"""Explanations: their numbers make up the decision value, the terms are the strongest, and a terminal shows them."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tests.classic.making import Problem, problems, sparse
from tests.classic.test_linear import MODELS
from tests.conftest import TEXTKIT, Textkit
from textkit.arrays import Sparse
from textkit.classic.explaining import Explainer, strongest
from textkit.classic.linear import Linear
from textkit.showing.reasons import drawn

ODD = ['"', "\\", "a\nb", "한글", '{"t":1}', "", "\x1b[0m", "\u2028"]


def explained(model: Linear, x: Sparse, labels: Any, names: list[str] | None = None, top: int = 10) -> list[dict[str, Any]]:
    terms = pl.Series(names or [f"t{i}" for i in range(x.width)])
    return [json.loads(line) for line in Explainer(model, terms, top).explain(x, np.array(labels))]


def test_two_labels_by_hand() -> None:
    """Values 2, 1 and 4 times weights 0.5, 1 and -0.25: 1, 1 and -1; the bias -1 speaks for the first label."""
    model = Linear(np.array([[0.5], [1.0], [-0.25]]), np.array([-1.0]), 2)
    x = sparse(np.array([[2.0, 1.0, 4.0], [2.0, 1.0, 4.0], [0.0, 0.0, 0.0]]))
    second, first, nothing = explained(model, x, [1, 0, 0])
    assert second == {"for": {"t0": 1.0, "t1": 1.0}, "against": {"t2": -1.0}, "other": 0.0, "bias": -1.0}
    assert first == {"for": {"t2": 1.0}, "against": {"t0": -1.0, "t1": -1.0}, "other": 0.0, "bias": 1.0}
    assert nothing == {"for": {}, "against": {}, "other": 0.0, "bias": 1.0}
    assert explained(model, x, [1, 0, 0], top=1)[1] == {"for": {"t2": 1.0}, "against": {"t0": -1.0}, "other": -1.0, "bias": 1.0}


def test_of_three_labels_what_is_added_to_all_of_them_says_nothing() -> None:
    weights, bias = np.array([[-5.0, -7.0, -6.0], [-9.0, -9.0, -9.0]]), np.array([1.0, 2.0, 6.0])
    (found,) = explained(Linear(weights, bias, 3), sparse(np.array([[1.0, 1.0]])), [0])
    assert found == {"for": {"t0": 1.0}, "against": {}, "other": 0.0, "bias": -2.0}
    (alone,) = explained(Linear(weights, bias, 3, multi=True), sparse(np.array([[1.0, 1.0]])), [0])
    assert alone == {"for": {}, "against": {"t1": -9.0, "t0": -5.0}, "other": 0.0, "bias": 1.0}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("multi", [False, True])
@given(problems(kinds=(False,)), st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_all_numbers_together_are_the_decision_value(kind: Any, multi: bool, problem: Problem, top: int) -> None:
    assert isinstance(problem.x, Sparse)
    targets = np.eye(problem.labels, dtype=bool)[problem.targets] if multi else problem.targets
    model = kind.fit(problem.x, targets, problem.labels, kind.Config(), 1)
    scores = model.scores(problem.x)
    mean = scores.mean(1) if problem.labels > 2 and not multi else np.zeros(len(scores))
    best = scores.argmax(1)
    for row, found in enumerate(explained(model, problem.x, best, top=top)):
        for_it, against = [*found["for"].values()], [*found["against"].values()]
        assert sum([*for_it, *against, found["other"], found["bias"]]) == pytest.approx(scores[row, best[row]] - mean[row], abs=1e-4)
        assert for_it == sorted(for_it, reverse=True)
        assert against == sorted(against)
        assert len(for_it) <= top
        assert len(against) <= top
        assert min(for_it, default=1) > 0 > max(against, default=-1)
        assert len({*found["for"], *found["against"]}) == len(for_it) + len(against)


@given(st.lists(st.lists(st.integers(-3, 3), max_size=6), min_size=1, max_size=6), st.integers(1, 4))
def test_the_strongest_of_each_row(rows: list[list[int]], top: int) -> None:
    lengths = np.array([len(row) for row in rows])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values, row = np.array([value for one in rows for value in one], float), np.repeat(np.arange(len(rows)), lengths)
    due = []
    for number, one in enumerate(rows):
        order = sorted((place for place, value in enumerate(one) if value > 0), key=lambda place, one=one: (-one[place], place))
        due += [offsets[number] + place for place in order[:top]]
    assert strongest(values, row, offsets, top).tolist() == due


def test_any_term_is_a_key() -> None:
    model = Linear(np.arange(1.0, len(ODD) + 1)[:, None], np.zeros(1), 2)
    (found,) = explained(model, sparse(np.ones((1, len(ODD)))), [1], names=ODD)
    assert found["for"] == {term: float(number) for number, term in enumerate(ODD, 1)}


# on a terminal

RECORD = {
    "text": "의자 삐걱거리는 소리에 짜증나서 \x1b[31m미칠 지경입니다. Not the " + "x" * 60,
    "prediction": "불만",
    "score": 0.5,
    "explanation": {
        "for": {"word:짜증나서": 1.0, "char_wb: 짜증": 0.25, "word:" + "긴" * 50: 0.125, "word:지경입니다 .": 0.1},
        "against": {"word:not the": -0.5, "char_wb:자 ": -0.001},
        "other": 0.01, "bias": -0.02,
    },
}  # fmt: skip


def rendered(record: dict[str, Any], width: int, analyzers: tuple[str, ...] = ("word", "char_wb"), colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="truecolor" if colour else None, highlight=False)
    console.print(*drawn(record, analyzers, console), sep="\n")
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal(width: int) -> None:
    lines = rendered(RECORD, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[0] == "불만  0.500"
    assert "\x1b" not in "".join(lines)
    assert any(line.split()[:2] == ["짜증나서", "+1.000"] for line in lines)
    assert any(("█" in line) == (width > 40) for line in lines if "짜증나서" in line)
    assert " ".join(lines).replace("  ", " ").rstrip().endswith("other terms +0.010, bias −0.020, sum +0.964")


def test_terms_are_coloured_in_the_text() -> None:
    shown = rendered(RECORD, 200, colour=True).splitlines()[1]
    assert "\x1b[1;32m짜증나서\x1b[0m" in shown
    assert "\x1b[31mNot the\x1b[0m" in shown
    assert "\x1b[31m자\x1b[0m" in shown
    assert "\x1b[32m지경입니다.\x1b[0m" in shown  # two tokens side by side
    assert "⟨001B⟩[31m" in shown  # what the text holds itself is no colour


def test_a_word_within_another_is_another() -> None:
    record = {**RECORD, "text": "nothing not", "explanation": {"for": {"not": 1.0}, "against": {}, "other": 0, "bias": 0}}
    assert "nothing \x1b[1;32mnot\x1b[0m" in rendered(record, 80, ("word",), colour=True)


def test_several_labels_or_none() -> None:
    one = RECORD["explanation"]
    several = {"text": "a b", "predictions": [{"label": "x", "score": 1.0}, {"label": "y", "score": 0.5}], "explanation": [one, one]}
    lines = rendered(several, 80).splitlines()
    assert "x  1.000" in lines
    assert "y  0.500" in lines
    assert rendered({"text": "a b", "predictions": [], "explanation": []}, 80).splitlines() == ["no label", "a b"]


# as a command


def predicted(textkit: Textkit, *words: object, **more: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in textkit("predict", *words, **more).stdout.splitlines()]


def test_predict_tells_why_and_all_else_is_as_without(textkit: Textkit, made: Path) -> None:
    told = predicted(textkit, made / "model", made / "reviews.tsv", "--explain", "--top", 3)
    plain = predicted(textkit, made / "model", made / "reviews.tsv")
    assert [{name: value for name, value in record.items() if name != "explanation"} for record in told] == plain
    for record in told:
        found = record["explanation"]
        assert [*found] == ["for", "against", "other", "bias"]
        assert len(found["for"]) <= 3
        odds = sum([*found["for"].values(), *found["against"].values(), found["other"], found["bias"]])
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(record["score"], abs=1e-5)
    texts = "".join(json.dumps({"explanation": 1, "text": record["text"]}) + "\n" for record in plain)
    again = predicted(textkit, made / "model", "--explain", "--top", 3, stdin=texts)
    assert [record["explanation"] for record in again] == [record["explanation"] for record in told]


def test_several_labels_are_each_explained(textkit: Textkit) -> None:
    lines = [json.dumps({"text": text, "labels": labels}) for text, labels in [("a b", ["x"]), ("b c", ["y", "x"]), ("c d", ["y"]), ("e", [])] * 5]
    textkit("pipe", "vectorize --method binary | train classify --arch svm --save m", stdin="\n".join(lines) + "\n")
    for words in ((), ("-k", 2)):
        for record in predicted(textkit, "m", "--explain", *words, stdin="b c\ne\n"):
            assert len(record["explanation"]) == len(record["predictions"]) == (2 if words or record["text"] == "b c" else 0)
            for label, found in zip(record["predictions"], record["explanation"], strict=True):
                total = sum([*found["for"].values(), *found["against"].values(), found["other"], found["bias"]])
                assert total == pytest.approx(label["score"], abs=1e-5)


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ("vectorize --method hashing | train classify --arch logreg", "columns by hash have no names"),
        ("vectorize --svd 2 | train classify --arch logreg", "the numbers of a vector, which the model weighs, have no names"),
        ("vectorize | convert --no-lineage | train classify --arch svm", "nothing says which terms the features are that it was trained on"),
    ],
)
def test_what_cannot_be_explained_is_told_at_once(textkit: Textkit, made: Path, chain: str, why: str) -> None:
    textkit("pipe", f"{chain} --save m", made / "reviews.tsv")
    told = textkit("predict", "m", "--explain", "no such file", code=2).stderr
    assert told == (
        f"textkit predict: error: m: --explain tells terms, and {why}; linear models of text, of tokens or of vectorize can be explained, "
        "but for hashing and --svd\n"
    )


def test_a_terminal_gets_colours_and_what_asks_for_records_gets_these(textkit: Textkit, made: Path) -> None:
    def on_terminal(*words: str) -> str:
        master, terminal = pty.openpty()
        done = subprocess.run([*TEXTKIT, *words], stdout=terminal, stderr=subprocess.PIPE, input=b"a great film\n", timeout=60, cwd=made)
        os.close(terminal)
        found = os.read(master, 1 << 16).decode()  # little enough to wait in the terminal
        os.close(master)
        assert done.returncode == 0, done.stderr
        return found

    shown = on_terminal("predict", "model", "--explain", "--top", "2")
    assert "\x1b[32mfor" in shown
    assert "other terms" in shown
    assert on_terminal("pipe", "predict model --explain --top 2") == shown
    for words in (
        ("predict", "model", "--explain", "--to", "jsonl"),
        ("predict", "model", "--explain", "--json"),
        ("pipe", "predict model --explain | convert --no-lineage"),
    ):
        assert json.loads(on_terminal(*words).splitlines()[0])["explanation"]["for"]


def test_top_and_json_are_for_explanations(textkit: Textkit, made: Path) -> None:
    assert "--json goes with --explain" in textkit("predict", made / "model", "--json", stdin="a\n", code=2).stderr
    assert "exclude each other" in textkit("predict", made / "model", "--explain", "--json", "--to", "csv", stdin="a\n", code=2).stderr
    assert "--top goes with --explain" in textkit("predict", made / "model", "--top", 3, stdin="a\n", code=2).stderr
