"""What is told while gensim learns: how far it has come, and a loss that goes down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import Word2Vec as Gensim

from textkit import report
from textkit.embeddings import watching
from textkit.embeddings.doc2vec import Doc2Vec
from textkit.embeddings.fasttext import FastText
from textkit.embeddings.watching import Sample
from textkit.embeddings.word2vec import Word2Vec

RNG = np.random.default_rng(0)
ROWS = pl.Series([(RNG.integers(0, 40, 12) + 40 * (i % 2)).astype(str).tolist() for i in range(3000)], dtype=pl.List(pl.String))
LINE = re.compile(r"learning: (\d+)/(\d+) words, \d+/s(?: loss (\d+\.\d+))?")


@pytest.mark.parametrize("method", [Word2Vec, FastText, Doc2Vec])
@pytest.mark.parametrize("threads", [1, 2])
def test_words_and_loss_are_told_while_it_learns(
    method: Any, threads: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.01)
    monkeypatch.setattr(watching, "SELDOM", 1)
    monkeypatch.setattr(report, "EVERY", 0.0)
    method(method.Config(dim=60, epochs=6, subsample=0.0), threads).fit([ROWS])
    lines = [match for line in capsys.readouterr().err.splitlines() if (match := LINE.search(line))]
    done = [int(match[1]) for match in lines]
    assert {int(match[2]) for match in lines} == {6 * 36_000}
    assert len({*done}) > 5
    assert done == sorted(done)
    assert 0 < done[0] < 6 * 36_000 / 2
    assert 6 * 36_000 / 2 < done[-1] <= 6 * 36_000
    losses = [float(match[3]) for match in lines if match[3]]
    assert bool(losses) == (method is not Doc2Vec)
    assert not losses or losses[-1] < losses[0]


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.01)
    monkeypatch.setattr(report, "EVERY", 0.0)
    with report.hushed():
        Word2Vec(Word2Vec.Config(dim=8), 1).fit([ROWS])
    assert not capsys.readouterr().err


def trained(tmp_path: Path, **more: Any) -> tuple[Gensim, Path]:
    file = tmp_path / "corpus"
    file.write_text("a b\n" * 5 + "b a\n" * 5)
    return Gensim(corpus_file=str(file), vector_size=4, min_count=1, workers=1, window=1, **more), file


@pytest.mark.parametrize("sg", [0, 1])
def test_the_loss_by_hand(sg: int, tmp_path: Path) -> None:
    """Of two words each is the other's only neighbour; a negative draw that is the right word is passed over."""
    model, file = trained(tmp_path, sg=sg, negative=1)
    model.syn1neg[:] = np.random.default_rng(1).normal(size=(2, 4))
    sample = Sample(model, file, file.stat().st_size)
    scores = model.wv.vectors @ model.syn1neg.T
    right = {word: np.log1p(np.exp(-scores[word, 1 - word])) for word in (0, 1)}
    wrong = {word: np.log1p(np.exp(scores[word, word])) for word in (0, 1)}
    words = [int(inputs[0]) for inputs in sample._inputs]
    negative = sample._negative[:, 0]
    due = [right[word] + (wrong[word] if drawn == word else 0) for word, drawn in zip(words, negative, strict=True)]
    assert {*words} == {0, 1}
    assert sample.loss() == pytest.approx(np.mean(due), rel=1e-4)


def test_the_loss_of_the_tree_by_hand(tmp_path: Path) -> None:
    model, file = trained(tmp_path, sg=1, hs=1, negative=0)
    model.syn1[:] = np.random.default_rng(1).normal(size=model.syn1.shape)
    sample = Sample(model, file, file.stat().st_size)
    due = []
    for inputs, word in zip(sample._inputs, sample._outputs, strict=True):
        right = 1 - model.wv.get_vecattr(int(word), "code")[0]
        score = model.wv.vectors[inputs[0]] @ model.syn1[0]
        due.append(np.log1p(np.exp(-score if right else score)))
    assert sample.loss() == pytest.approx(np.mean(due), rel=1e-4)


def test_a_corpus_of_single_words_has_no_loss(tmp_path: Path) -> None:
    model, file = trained(tmp_path)
    file.write_text("a\nb\n")
    assert Sample(model, file, 4).loss() is None
