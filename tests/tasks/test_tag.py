"""Tagging as a task: labels and schemes, the split, losses and metrics, decoding, what predictions look like."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from textkit.archs.lstm import LSTM
from textkit.arrays import Ragged
from textkit.errors import InputError
from textkit.nn.crf import CRF
from textkit.nn.inputs import Sizes, Tokens
from textkit.tasks.feeding import Feed
from textkit.tasks.tag import Settings, Tag
from textkit.tasks.tag_neural import NONE, Tagging, Words, decoded, loss_of
from textkit.training import loop
from textkit.training.examples import Examples

torch.set_num_threads(1)
IOB2 = ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"]
PLAIN = Tag(["ADJ", "NOUN", "VERB"])
ENTITIES = Tag(IOB2, "IOB2")
CRFS = pytest.mark.parametrize("crf", [False, True])


def ragged(rows: list[list[int]]) -> Ragged:
    return Ragged.of(pl.Series(rows, dtype=pl.List(pl.Int32)))


def examples(tags: list[list[str]], **columns: Ragged) -> Examples:
    return Examples(ragged=columns, strings={"tags": pl.Series(tags, dtype=pl.List(pl.String))}, size=len(tags))


class Given(nn.Module):
    """Emissions that are what its table says of an id."""

    def __init__(self, table: Tensor, crf: CRF | None = None) -> None:
        super().__init__()
        self.table = nn.Parameter(table)
        self.output = nn.Linear(1, len(table))
        self.crf = crf

    def forward(self, inputs: Tokens, firsts: Tensor | None = None) -> Tensor:
        found = self.table[inputs.ids]
        return found if firsts is None else found.gather(1, firsts[:, :, None].expand(-1, -1, found.shape[2]))


def words(rows: list[list[int]], starts: list[list[int]] | None = None) -> Words:
    return Words(Feed(ragged(rows), 0), None if starts is None else ragged(starts))


def test_labels_are_sorted_and_targets_are_their_places() -> None:
    found = examples([["VERB", "NOUN"], [], ["ADJ"]])
    task = Tag.of(found, Settings())
    assert (task.labels, task.scheme, task.metric) == (["ADJ", "NOUN", "VERB"], None, "tag_accuracy")
    targets = task.targets(found)
    assert (targets.flat.tolist(), targets.offsets.tolist()) == ([2, 1, 0], [0, 2, 2, 3])


def test_the_scheme_is_that_of_the_labels_unless_the_records_do_not_keep_to_it() -> None:
    assert Tag.of(examples([["B-PER", "I-PER", "O"]]), Settings()).scheme == "IOB2"
    assert Tag.of(examples([["S-PER", "O"]]), Settings()).scheme == "IOBES"
    assert Tag.of(examples([["I-PER", "I-PER", "O"], ["I-PER", "B-PER"]]), Settings()).scheme is None


@pytest.mark.parametrize(("tags", "told"), [([["X", "X"], ["X"]], "all 3 words have the tag 'X'"), ([[], []], "no record has a word")])
def test_fewer_than_two_tags_are_an_error(tags: list[list[str]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Tag.of(examples(tags), Settings())


@given(st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.integers(0, 3))
def test_the_split_takes_its_share_and_leaves_one_to_train_on(size: int, share: float, seed: int) -> None:
    found = examples([["A"]] * size)
    train, valid = PLAIN.split(found, share, seed)
    assert sorted([*train, *valid]) == list(range(size))
    assert len(valid) == (min(size - 1, max(1, round(share * size))) if share else 0)
    assert valid.tolist() == PLAIN.split(found, share, seed)[1].tolist()


def test_the_loss_is_the_mean_cross_entropy_of_the_words() -> None:
    probabilities = torch.tensor([[[0.25, 0.5, 0.25], [0.125, 0.75, 0.125]], [[0.1, 0.1, 0.8], [0.9, 0.05, 0.05]]])
    targets = torch.tensor([[0, 1], [2, NONE]])
    found = loss_of(Given(torch.zeros(3, 3)), probabilities.log(), targets)
    assert float(found) == pytest.approx(-(math.log(0.25) + math.log(0.75) + math.log(0.8)) / 3)


def test_the_loss_of_a_crf_is_the_negative_log_likelihood_of_all_words() -> None:
    crf = CRF(3)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    emissions, path = torch.randn(1, 3, 3, generator=torch.Generator().manual_seed(2)), (2, 0, 1)

    def score(labels: tuple[int, ...]) -> float:
        inner = sum(float(crf.between[a, b]) for a, b in itertools.pairwise(labels))
        return inner + float(crf.start[labels[0]] + crf.end[labels[-1]]) + sum(float(emissions[0, i, label]) for i, label in enumerate(labels))

    with torch.no_grad():
        whole = sum(math.exp(score(labels)) for labels in itertools.product(range(3), repeat=3))
        found = loss_of(Given(torch.zeros(3, 3), crf), emissions, torch.tensor([path]))
        assert float(found) == pytest.approx((math.log(whole) - score(path)) / 3, abs=1e-5)


@CRFS
def test_a_batch_without_words_has_no_loss(crf: bool) -> None:
    model = Given(torch.zeros(3, 3), CRF(3) if crf else None)
    assert float(loss_of(model, torch.zeros(2, 1, 3), torch.full((2, 1), NONE)).detach()) == 0


@CRFS
@given(data=st.data())
@settings(max_examples=40)
def test_only_legal_tags_come_out_and_they_are_the_best_of_those(crf: bool, data: Any) -> None:
    """Against all sequences; also that there is a tag for each word, in the order of the records."""
    seed = data.draw(st.integers(0, 1000))
    rows = data.draw(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=4))
    random = torch.Generator().manual_seed(seed)
    chain = CRF(5) if crf else None
    with torch.no_grad():
        for parameter in chain.parameters() if chain else ():
            parameter.normal_(generator=random)
    model = Given(torch.randn(6, 5, generator=random) * 2, chain)
    codes, scores = decoded(ENTITIES, model, words(rows), np.arange(len(rows)), proba=True)
    assert codes.lengths.tolist() == [len(row) for row in rows]
    assert scores is not None
    assert len(scores) == len(codes.flat)
    for row, ids in enumerate(rows):
        found = tuple(codes.flat[codes.offsets[row] : codes.offsets[row + 1]].tolist())
        every = {path: value for path in itertools.product(range(5), repeat=len(ids)) if (value := legal_score(path, ids, model)) is not None}
        assert found in every
        assert every[found] == pytest.approx(max(every.values()), abs=1e-4)
        whole = sum(math.exp(value) for value in every.values())
        for place, label in enumerate(found):
            share = sum(math.exp(value) for path, value in every.items() if path[place] == label) / whole
            assert scores[codes.offsets[row] + place] == pytest.approx(share, abs=1e-4)


@torch.inference_mode()
def legal_score(path: tuple[int, ...], ids: list[int], model: Given) -> float | None:
    """None if an I-X follows anything but B-X or I-X."""
    tags = [IOB2[label] for label in path]
    for before, now in itertools.pairwise(["O", *tags]):
        if now.startswith("I-") and before[1:] != now[1:]:
            return None
    total = sum(float(model.table[token, label]) for token, label in zip(ids, path, strict=True))
    if model.crf is None or not path:
        return total
    inner = sum(float(model.crf.between[a, b]) for a, b in itertools.pairwise(path))
    return total + inner + float(model.crf.start[path[0]] + model.crf.end[path[-1]])


def test_a_word_of_several_tokens_is_read_at_its_first() -> None:
    model = Given(torch.eye(3) * 5)
    found, _ = decoded(PLAIN, model, words([[2, 0, 0, 1], [1, 2]], [[0, 1, 3], [1]]), np.arange(2), proba=False)
    assert (found.flat.tolist(), found.offsets.tolist()) == ([2, 0, 1, 2], [0, 3, 4])


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=5), st.integers(0, 5))
def test_as_many_tags_as_words_whatever_became_of_their_tokens(pieces: list[list[int]], cut: int) -> None:
    """Some words have no token, some records lost their end; pieces: tokens of each word of each record."""
    rows = [[1] * min(cut, sum(counts)) for counts in pieces]
    starts = [[sum(counts[:place]) for place in range(len(counts))] for counts in pieces]
    found, _ = decoded(PLAIN, Given(torch.eye(3)), words(rows, starts), np.arange(len(rows)), proba=False)
    assert found.lengths.tolist() == [len(counts) for counts in pieces]


@CRFS
@pytest.mark.parametrize("starts", [None, [[0, 2], [0], [], [1, 2]]])
def test_it_learns_records_by_heart_and_measures_itself_as_it_predicts(crf: bool, starts: list[list[int]] | None) -> None:
    rows = [[5, 6, 7], [8], [], [9, 6, 5]]
    gold = [["B-PER", "I-PER", "O"], ["O"], [], ["B-LOC", "I-LOC", "O"]] if starts is None else [["B-PER", "O"], ["O"], [], ["B-LOC", "I-LOC"]]
    columns = {} if starts is None else {"word_starts": ragged(starts)}
    found = examples(gold, **columns)
    task = Tag.of(found, Settings(crf=crf))
    problem = task.problem(found, Feed(ragged(rows), 0), np.arange(len(rows)))
    every = np.arange(len(rows))
    given = loop.Settings(epochs=60, batch_size=2, lr=0.02, precision="fp32")
    encoder = LSTM.Config(hidden=8, dropout=0.0)
    model, history = loop.fit(lambda: task.network(LSTM(encoder, Sizes(vocabulary=10, dim=6))), problem, (every, every), given)
    codes, _ = decoded(task, model, problem.words, every, proba=False)
    assert [task.labels[code] for code in codes.flat] == [tag for tags in gold for tag in tags]
    assert problem.evaluate(model, every)["tag_accuracy"] == 1.0
    best = loop.best_epoch(history, "f1_entity")
    assert best["valid_f1_entity"] == 1.0
    assert problem.evaluate(model, every)["loss"] == best["valid_loss"]


def test_the_loss_does_not_depend_on_how_records_are_batched() -> None:
    found = examples([["ADJ", "NOUN"], ["VERB"], ["NOUN", "NOUN", "ADJ"]])
    problem = PLAIN.problem(found, Feed(ragged([[1, 2], [0], [2, 2, 1]]), 0), np.arange(3))
    model = Given(torch.randn(3, 3, generator=torch.Generator().manual_seed(3)))
    together = problem.loss(model, problem.batch(np.arange(3)))
    alone = sum(float(problem.loss(model, problem.batch(np.array([row]))).detach()) * problem.weight(np.array([row])) for row in range(3))
    assert float(together.detach()) == pytest.approx(alone / problem.weight(np.arange(3)), abs=1e-6)
    assert problem.evaluate(model, np.arange(3))["loss"] == pytest.approx(float(together.detach()), abs=1e-5)


def test_tags_and_scores_are_lists_a_record() -> None:
    codes = ragged([[0, 2], [], [1]])
    made = {column.name: column.to_list() for column in PLAIN.columns(codes, np.array([0.1234567891, 0.5, 1.0]))}
    assert made == {"tags": [["ADJ", "VERB"], [], ["NOUN"]], "scores": [[0.123457, 0.5], [], [1.0]]}
    nothing = PLAIN.columns(ragged([]), None)
    assert [(column.name, column.dtype, len(column)) for column in nothing] == [("tags", pl.List(pl.String), 0)]


def test_its_description_rebuilds_it() -> None:
    for task in (PLAIN, ENTITIES, Tag(IOB2, "IOB2", Settings(crf=True))):
        assert Tag.from_json(task.to_json(), "here") == task
    for damaged, told in (({}, "no labels"), ({"labels": [1]}, "no labels"), ({"labels": ["A", "B"], "scheme": "IOB2"}, "scheme 'IOB2'")):
        with pytest.raises(InputError, match=told):
            Tag.from_json(damaged, "here")


def test_a_problem_is_what_the_loop_asks_for() -> None:
    problem = Tagging(PLAIN, words([[1, 2], [0]]), ragged([[0, 1], [2]]))
    targets, inputs, counts = problem.batch(np.array([0, 1]))
    assert (targets.tolist(), counts.tolist(), problem.lengths.tolist()) == ([[0, 1], [2, NONE]], [2, 1], [2, 1])
    assert inputs.ids.tolist() == [[1, 2], [0, 0]]
