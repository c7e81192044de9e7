"""Unigram: expectations and prunings by enumeration, the most probable cut, and a fit at least as good as the library's."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tokenizers import Tokenizer, models, normalizers, trainers

from tests.tokenizers.test_subword import encode, learn
from textkit.tokenizers.pruning import Unigrams, _digamma
from textkit.tokenizers.subword import Characters
from textkit.tokenizers.unigram import Unigram
from textkit.tokenizers.vocabulary import SPECIALS

WORDS = {"abab": 3, "abc": 2, "bca": 4, "c": 1, "aaab": 2}


def unigrams_of(words: dict[str, int], least: int = 2, longest: int = 4) -> Unigrams:
    characters = Characters(pl.DataFrame({"token": list(words), "count": list(words.values())}))
    letters = sorted({*"".join(words)})
    return Unigrams(characters.symbols(np.array([ord(letter) for letter in letters]), 0), characters.weights, letters, longest, least)


def cuts(word: str) -> list[list[str]]:
    places = range(1, len(word))
    ways = [way for count in range(len(word)) for way in combinations(places, count)]
    return [[word[start:stop] for start, stop in zip((0, *way), (*way, len(word)), strict=True)] for way in ways]


def test_it_begins_with_all_pieces_that_are_frequent_enough() -> None:
    unigrams = unigrams_of(WORDS, least=4)
    found = {unigrams._spell(i): unigrams.score[i] for i in range(len(unigrams.score))}
    parts = [word[i:j] for word, count in WORDS.items() for i in range(len(word)) for j in range(i + 1, len(word) + 1) for _ in range(count)]
    due = {part: parts.count(part) for part in parts if parts.count(part) >= 4 or len(part) == 1}
    total = sum(count * len(part) for part, count in due.items())
    assert found == pytest.approx({part: math.log(count * len(part) / total) for part, count in due.items()})


def test_expectations_are_those_of_all_cuts() -> None:
    unigrams = unigrams_of(WORDS)
    names = [unigrams._spell(i) for i in range(len(unigrams.score))]
    chance = dict(zip(names, np.exp(unigrams.score), strict=True))
    due = dict.fromkeys(names, 0.0)
    for word, count in WORDS.items():
        ways = {tuple(way): math.prod(chance.get(piece, 0.0) for piece in way) for way in cuts(word)}
        for way, probability in ways.items():
            for piece in way:
                if probability:
                    due[piece] += count * probability / sum(ways.values())
    assert dict(zip(names, unigrams._expect(unigrams._edges()), strict=True)) == pytest.approx(due)


def test_what_replaces_a_piece_is_the_most_probable_cut_of_others() -> None:
    unigrams = unigrams_of(WORDS)
    names = [unigrams._spell(i) for i in range(len(unigrams.score))]
    score = dict(zip(names, unigrams.score, strict=True))
    longer = np.arange(3, len(names))
    due = [max(sum(score.get(piece, -math.inf) for piece in way) for way in cuts(names[i]) if len(way) > 1) for i in longer]
    assert unigrams._replaced(longer) == pytest.approx(due)


def test_digamma() -> None:
    """digamma(1) is minus Euler's constant, and digamma(x + 1) = digamma(x) + 1 / x."""
    x = np.array([1.0, 0.5, 7.3, 8.3, 1e9])
    found = _digamma(x)
    assert found[:2] == pytest.approx([-0.5772156649015329, -1.9635100260214235], abs=1e-9)
    assert found[3] - found[2] == pytest.approx(1 / 7.3, abs=1e-9)
    assert found[4] == pytest.approx(math.log(1e9), abs=1e-8)


def test_long_words_are_learned_from_in_parts() -> None:
    unigrams = unigrams_of({"ab" * 500: 3, "a": 1})
    assert max(unigrams.lattice.offsets.tolist()) == 1001
    assert ("ab" * 2) in dict(unigrams.learn(10))


def test_the_cut_is_the_most_probable() -> None:
    learned = learn("unigram", ["low lower lowest newer newest widest"] * 20, vocab_size=40)
    model = learned.library()
    scores = dict(models_vocabulary(learned))
    for word in ("▁lowest", "▁newer", "▁lowidest"):
        best = max(sum(scores.get(piece, -math.inf) for piece in way) for way in cuts(word))
        assert sum(scores[token] for token in model.encode(word[1:]).tokens) == pytest.approx(best)


def models_vocabulary(learned: Unigram) -> list[tuple[str, float]]:
    return [(piece, score) for piece, score in json.loads(learned.to_json())["model"]["vocab"]]


def test_the_pieces_are_as_good_as_the_librarys(corpora: Path) -> None:
    """The corpus takes no more tokens than with what the library's trainer finds; it differs from run to run, hence the spare."""
    texts = [line for name in ("reviews_ko_test.tsv", "reviews_en_test.tsv") for line in (corpora / name).read_text(encoding="utf-8").split("\n")]
    learned = learn("unigram", texts, vocab_size=1100)
    library = Tokenizer(models.Unigram())
    library.normalizer, library.pre_tokenizer = normalizers.NFC(), Unigram(Unigram.Config()).pre_tokenizer()
    library.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=1100, show_progress=False, special_tokens=list(SPECIALS), unk_token="[UNK]")
    )
    ours, theirs = (sum(len(found.ids) for found in tokenizer.encode_batch(texts)) for tokenizer in (learned.library(), library))
    assert len(learned.vocabulary or ()) == library.get_vocab_size() == 1100
    assert ours <= 1.02 * theirs


def test_pieces_are_no_longer_than_they_may_be() -> None:
    learned = learn("unigram", max_piece_length=2)
    assert max(map(len, learned.vocabulary.tokens[len(SPECIALS) :])) == 2
    assert encode(learned, "재밌게")[0][0] != []


def test_what_was_learned_scores_as_its_file_does_when_loaded(corpora: Path) -> None:
    """To the last digit, on which it hangs how a run of one character is cut: ㄷㄷㄷ|ㄷㄷ or ㄷㄷ|ㄷㄷㄷ."""
    texts = (corpora / "reviews_ko_test.tsv").read_text(encoding="utf-8").split("\n")
    learned = learn("unigram", texts, vocab_size=1000)
    loaded = Tokenizer.from_str(learned.to_json())
    assert json.loads(learned.library().to_str())["model"] == json.loads(loaded.to_str())["model"]
