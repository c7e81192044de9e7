"""What characters add to a token: the networks by their parts, spellings by hand, and records that only spelling tells apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tests.archs.making import RECORDS, TARGETS, TASK, WORDS, build, feed
from textkit.nn.characters import CharacterCNN, CharacterLSTM, CharacterNgrams, hashed, lengths_of
from textkit.nn.embedding import TokenEmbedding
from textkit.nn.inputs import Sizes, Tokens
from textkit.nn.settings import Reading
from textkit.tasks.classify_neural import Classifying, probabilities
from textkit.training import loop

torch.set_num_threads(1)  # tensors this small are only slowed down by more
SPELLINGS = torch.tensor([[0, 0, 0, 0], [2, 4, 3, 0], [2, 5, 6, 3], [2, 3, 0, 0]])
each_chars = pytest.mark.parametrize("chars", ["cnn", "lstm", "ngrams", "cnn+ngrams", "lstm+ngrams"])


def networks() -> list[Any]:
    torch.manual_seed(0)
    return [CharacterCNN(8, 5, 6, 0.0), CharacterLSTM(8, 5, 6, 0.0), CharacterNgrams(6, 50, 0.1)]


def test_a_spelling_is_the_same_whatever_stands_beside_it() -> None:
    wide = torch.cat([SPELLINGS, torch.zeros(4, 3, dtype=torch.int64)], dim=1)
    for network in networks():
        made = network(SPELLINGS)
        assert made.shape == (4, network.width) == (4, 6)
        assert made.isfinite().all()
        torch.testing.assert_close(network(wide), made, atol=1e-6, rtol=0)
        for row, n in enumerate(lengths_of(SPELLINGS)):
            torch.testing.assert_close(network(SPELLINGS[row : row + 1, :n])[0], made[row], atol=1e-6, rtol=0)


def test_ngrams_are_averaged() -> None:
    network = networks()[2]
    rows = hashed(SPELLINGS, 50)
    assert (rows[1] > 0).sum() == 3 + 2 + 1  # of three letters
    torch.testing.assert_close(network(SPELLINGS)[1], network.grams.weight[rows[1][rows[1] > 0]].mean(0))
    assert network(SPELLINGS)[0].abs().sum() == 0


def test_ngrams_are_hashed_by_their_letters_alone() -> None:
    """The hash FNV-1a of the length and the letters, as Python's whole numbers compute it."""

    def by_hand(letters: list[int]) -> int:
        number = len(letters)
        for letter in letters:
            number = (number ^ letter) * 0x100000001B3 % (1 << 64)
        return ((number - (1 << 64) if number >> 63 else number) >> 24) % 1000 + 1

    spelling = [2, 9, 5, 9, 5, 7, 4, 3]
    due = [by_hand(spelling[start : start + n]) for n in range(1, 7) for start in range(len(spelling) - n + 1)]
    assert hashed(torch.tensor([spelling]), 1000)[0].tolist() == due


@each_chars
def test_what_the_characters_tell_stands_beside_the_tokens_own_vector(chars: Any) -> None:
    torch.manual_seed(0)
    embedding = TokenEmbedding(Reading(chars=chars, char_hidden=6), Sizes(vocabulary=9, dim=4, characters=8)).eval()
    inputs = Tokens(torch.tensor([[7, 8], [8, 0]]), torch.tensor([2, 1]), torch.tensor([[1, 2], [2, 0]]), SPELLINGS)
    vectors = embedding(inputs)
    assert vectors.shape == (2, 2, embedding.width) == (2, 2, 4 + 6 * len(chars.split("+")))
    torch.testing.assert_close(vectors[..., :4], embedding.tokens(inputs.ids))
    assert embedding.characters is not None
    torch.testing.assert_close(vectors[0, 1, 4:], embedding.characters(SPELLINGS)[2])
    torch.testing.assert_close(vectors[0, 1], vectors[1, 0])


@each_chars
def test_a_network_learns_from_characters_alone(chars: str) -> None:
    """All tokens have one id, so that only their spelling tells the records apart."""
    made, _ = feed("ids", chars)
    assert made.ids is not None
    made.ids.flat = np.ones_like(made.ids.flat)
    rows = np.arange(len(RECORDS))
    settings = loop.Settings(epochs=50, batch_size=4, lr=0.02, precision="fp32")
    model, _ = loop.fit(lambda: build("lstm", chars=chars, dropout=0.0, hidden=16), Classifying(TASK, made, TARGETS), (rows, rows), settings)
    assert probabilities(model, made, rows).argmax(1).tolist() == TARGETS.tolist()


def test_the_words_of_a_batch_are_spelled_once_each() -> None:
    made, _ = feed("ids", "cnn")
    inputs = made.inputs(np.array([0, 1, 7]))  # of 7, 8, 9; 9, 8; nothing
    assert isinstance(inputs, Tokens) and inputs.forms is not None and inputs.spellings is not None
    assert inputs.forms.tolist() == [[1, 2, 3], [3, 2, 0], [0, 0, 0]]
    assert inputs.spellings.shape == (4, 2 + WORDS[[7, 8, 9]].str.len_chars().max())  # type: ignore[operator]
    assert inputs.spellings[0].tolist() == [0] * 4
    assert pl.Series(inputs.spellings[1:].tolist()).n_unique() == 3
