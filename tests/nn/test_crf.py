"""The CRF against sums over all label sequences, written out."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from textkit.nn.crf import CRF, Chain, log_marginals, log_partition, score, viterbi

torch.set_num_threads(1)
LENGTHS = [4, 1, 3, 2]
LABELS = 3


def case(seed: int) -> tuple[Tensor, Tensor, Chain]:
    """emissions (4, 4, 3), mask (4, 4), a chain; what stands behind a record's end is large, so that it is seen if it counts."""
    random = torch.Generator().manual_seed(seed)
    emissions = torch.randn(4, 4, LABELS, generator=random) * 2
    mask = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
    emissions[~mask] = 50.0
    return emissions, mask, Chain(*(torch.randn(size, generator=random) for size in ((LABELS,), (LABELS, LABELS), (LABELS,))))


def by_hand(emissions: Tensor, path: tuple[int, ...], chain: Chain) -> float:
    """The score of one record's labels, term by term. emissions: (N, C)."""
    total = float(chain.start[path[0]] + chain.end[path[-1]])
    total += sum(float(emissions[word, label]) for word, label in enumerate(path))
    return total + sum(float(chain.between[a, b]) for a, b in itertools.pairwise(path))


def scores(emissions: Tensor, length: int, chain: Chain) -> dict[tuple[int, ...], float]:
    """Of all label sequences of a record."""
    return {path: by_hand(emissions, path, chain) for path in itertools.product(range(LABELS), repeat=length)}


@pytest.mark.parametrize("seed", range(5))
def test_score_partition_best_path_and_marginals_are_those_of_all_sequences(seed: int) -> None:
    emissions, mask, chain = case(seed)
    partition, paths, marginals = log_partition(emissions, mask, chain), viterbi(emissions, mask, chain), log_marginals(emissions, mask, chain).exp()
    for row, length in enumerate(LENGTHS):
        every = scores(emissions[row], length, chain)
        whole = sum(math.exp(value) for value in every.values())
        assert float(partition[row]) == pytest.approx(math.log(whole), abs=1e-4)
        assert tuple(paths[row, :length].tolist()) == max(every, key=every.__getitem__)
        for word, label in itertools.product(range(length), range(LABELS)):
            share = sum(math.exp(value) for path, value in every.items() if path[word] == label) / whole
            assert float(marginals[row, word, label]) == pytest.approx(share, abs=1e-5)


def test_the_score_of_given_labels_is_its_terms() -> None:
    emissions, mask, chain = case(7)
    labels = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 0], [1, 1, 0, 2], [0, 2, 2, 2]])
    found = score(emissions, labels, mask, chain)
    for row, length in enumerate(LENGTHS):
        assert float(found[row]) == pytest.approx(by_hand(emissions[row], tuple(labels[row, :length].tolist()), chain), abs=1e-5)


def test_labels_behind_the_end_may_be_anything() -> None:
    emissions, mask, chain = case(1)
    labels = torch.zeros(4, 4, dtype=torch.int64)
    assert torch.equal(score(emissions, labels, mask, chain), score(emissions, labels.masked_fill(~mask, -100), mask, chain))


def test_a_record_without_words_has_the_score_and_the_log_partition_0() -> None:
    emissions, mask, chain = case(2)
    mask[1] = False
    labels = torch.zeros(4, 4, dtype=torch.int64)
    assert score(emissions, labels, mask, chain)[1] == log_partition(emissions, mask, chain)[1] == 0


def test_the_gradient_of_the_log_partition_is_the_marginals() -> None:
    emissions, mask, chain = case(3)
    emissions.requires_grad_()
    log_partition(emissions, mask, chain).sum().backward()  # type: ignore[no-untyped-call]
    assert emissions.grad is not None
    torch.testing.assert_close(emissions.grad[mask], log_marginals(emissions.detach(), mask, chain).exp()[mask], atol=1e-5, rtol=1e-4)
    assert (emissions.grad[~mask] == 0).all()


def test_long_records_do_not_overflow() -> None:
    emissions, chain = torch.full((1, 2000, LABELS), 3.0), CRF(LABELS)()
    mask = torch.ones(1, 2000, dtype=torch.bool)
    assert float(log_partition(emissions, mask, chain).detach()) == pytest.approx(2000 * (3 + math.log(LABELS)), rel=1e-5)
