"""Analogies: a is to b as c is to which word? The nearest one to b - a + c is right or wrong (3CosAdd, Mikolov et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from textkit.errors import InputError
from textkit.evaluating.lexicon import Lexicon
from textkit.evaluating.pairs import lines_of
from textkit.searching.rows import unit

ASKED = np.array([-1.0, 1.0, 1.0])
LOOKED_AT = 5  # words of which the first that is not in the question, in whatever case, is the answer
QUESTION_FIX = "a line is four words, or a colon and the name of a section"


@dataclass
class Counts:
    """`known` questions are those whose four words are in the table; `correct_all` may be answered by subwords."""

    questions: int = 0
    known: int = 0
    by_subwords: int = 0  # questions more that could be asked, by subwords
    correct: int = 0
    correct_all: int = 0

    @property
    def accuracy(self) -> float | None:
        """Of the known questions."""
        return round(self.correct / self.known, 6) if self.known else None

    @property
    def accuracy_all(self) -> float | None:
        """Of all questions; those that could not be asked are wrong."""
        return round(self.correct_all / self.questions, 6) if self.questions else None

    def plus(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))

    def to_json(self) -> dict[str, Any]:
        coverage = round(self.known / self.questions, 6) if self.questions else None
        return {**vars(self), "accuracy": self.accuracy, "accuracy_all": self.accuracy_all, "coverage": coverage}


@dataclass(frozen=True)
class AnalogyReport:
    file: str
    sections: dict[str, Counts] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        total = Counts()
        for counts in self.sections.values():
            total = total.plus(counts)
        return total

    def to_json(self) -> dict[str, Any]:
        sections = {name: counts.to_json() for name, counts in self.sections.items()}
        return {"file": self.file, **self.total.to_json(), "sections": sections}


def measure_analogies(path: str, lexicon: Lexicon, encoding: str = "utf-8") -> AnalogyReport:
    """InputError if the file has no questions, or a line that is none."""
    sections, questions = _read(path, encoding)
    words = pl.Series("word", [word for question in questions for word in question], dtype=pl.String)
    vectors, rows, has = lexicon.vectors_of(words)
    rows, has = rows.reshape(-1, 4), has.reshape(-1, 4)
    known: np.ndarray = np.logical_and.reduce(rows >= 0, axis=1)
    asked: np.ndarray = np.logical_and.reduce(np.column_stack([has[:, :3], rows[:, 3] >= 0]), axis=1)  # what is looked for must be there to be found
    right = np.zeros(len(questions), bool)
    folded = lexicon.fold(words).to_numpy().reshape(-1, 4)
    right[asked] = _answer(lexicon, unit(vectors).reshape(len(questions), 4, -1)[asked], rows[asked], folded[asked])
    parts = {name: np.array([at == name for at in sections]) for name in dict.fromkeys(sections)}
    return AnalogyReport(path, {name: _counts(known[part], asked[part], right[part]) for name, part in parts.items()})


def _counts(known: np.ndarray, asked: np.ndarray, right: np.ndarray) -> Counts:
    numbers = (len(known), known.sum(), (asked & ~known).sum(), (right & known).sum(), right.sum())
    return Counts(*map(int, numbers))


def _answer(lexicon: Lexicon, units: np.ndarray, rows: np.ndarray, folded: np.ndarray) -> np.ndarray:
    """(Q, 4, D) words of length 1, (Q, 4) their rows and folded spellings -> (Q,) whether the answer is the fourth word."""
    sums = np.einsum("qwd,w->qd", units[:, :3], ASKED)
    found, _ = lexicon.words.rows.nearest(sums, LOOKED_AT, rows[:, :3], lexicon.stop)
    spelt = lexicon.fold(lexicon.words.words.gather(np.maximum(found, 0).ravel())).to_numpy().reshape(found.shape)
    own = (spelt[:, :, None] == folded[:, None, :3]).any(axis=2) | (found < 0)
    first = np.argmin(own, axis=1)  # 0, which is one of the question's, if all are
    right: np.ndarray = spelt[np.arange(len(spelt)), first] == folded[:, 3]
    return right


def _read(path: str, encoding: str) -> tuple[list[str], list[list[str]]]:
    """The section of each question, and its four words."""
    section = ""
    sections: list[str] = []
    questions: list[list[str]] = []
    for where, line in lines_of(path, encoding):
        if line.startswith(":"):
            section = line.removeprefix(":").strip()
            continue
        words = line.split("\t") if "\t" in line else line.split()
        if len(words) != 4:
            raise InputError(f"not a question: {line!r}", where=where, fix=QUESTION_FIX)
        sections.append(section)
        questions.append(words)
    if not questions:
        raise InputError("there are no questions", where=path, fix=QUESTION_FIX)
    return sections, questions
