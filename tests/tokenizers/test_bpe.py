"""BPE: merges by hand, by counting anew after each merge, and by the library; text comes back."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, trainers

from tests.tokenizers.test_subword import CORPUS, encode, learn
from textkit.tokenizers.bpe import BPE
from textkit.tokenizers.merging import Merges
from textkit.tokenizers.subword import Characters
from textkit.tokenizers.vocabulary import SPECIALS


def merges_of(words: dict[str, int], size: int = 10_000, least: int = 1, longest: int | None = None) -> list[tuple[str, str]]:
    characters = Characters(pl.DataFrame({"token": list(words), "count": list(words.values())}))
    alphabet = np.array(sorted({ord(character) for word in words for character in word}))
    merges = Merges(characters.symbols(alphabet, 0), characters.weights, [chr(code) for code in alphabet])
    merges.learn(size, least, longest)
    return list(merges.pairs)


def test_the_words_of_sennrich_by_hand() -> None:
    """low 5, lower 2, newest 6, widest 3, each with the mark of its end as in the paper, here a dot.

    es, st and t. occur 9 times each; of equal counts the pair with the older symbols is first: es, then t. (es is new),
    then both together. lo occurs 7 times, then low; of ne, ew and w + est. (6 each) ew, then new, then newest.
    """
    found = merges_of({"low.": 5, "lower.": 2, "newest.": 6, "widest.": 3}, least=6)
    assert found == [("e", "s"), ("t", "."), ("es", "t."), ("l", "o"), ("lo", "w"), ("e", "w"), ("n", "ew"), ("new", "est.")]


def recounted(words: dict[str, int], least: int) -> list[tuple[str, str]]:
    """The textbook's loop: count all pairs, merge the most frequent, begin again."""
    cut = {word: list(word) for word in words}
    ids = {character: i for i, character in enumerate(sorted({*"".join(words)}))}
    found: dict[tuple[str, str], None] = {}
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, pieces in cut.items():
            for pair in pairwise(pieces):
                pairs[pair] += words[word]
        if not pairs or max(pairs.values()) < least:
            return list(found)
        left, right = min(pairs, key=lambda pair: (-pairs[pair], ids[pair[0]], ids[pair[1]]))
        ids.setdefault(left + right, len(ids))
        found[left, right] = None
        for pieces in cut.values():
            place = 0
            while place < len(pieces) - 1:
                if (pieces[place], pieces[place + 1]) == (left, right):
                    pieces[place : place + 2] = [left + right]
                place += 1


@given(
    st.dictionaries(st.text("ab", min_size=1, max_size=12) | st.text("abcd", min_size=1, max_size=8), st.integers(1, 9), min_size=1, max_size=8),
    st.integers(1, 4),
)
@settings(max_examples=300)
@example({"aaaaa": 2, "aaaaaaaa": 1}, 1)
@example({"abcabc": 3, "bca": 3, "ab": 1, "bc": 2}, 1)
def test_merges_are_those_of_counting_anew(words: dict[str, int], least: int) -> None:
    assert merges_of(words, least=least) == recounted(words, least)


def test_pieces_do_not_get_longer_than_they_may() -> None:
    pairs = merges_of({"abcdabcd": 9, "abcde": 3}, longest=3)
    assert pairs
    assert max(len(left + right) for left, right in pairs) == 3


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_it_learns_what_the_library_learns(form: str, corpora: Path) -> None:
    texts = [line for name in ("reviews_ko_test.tsv", "reviews_en_test.tsv") for line in (corpora / name).read_text(encoding="utf-8").split("\n")]
    texts = [unicodedata.normalize(form, line) for line in texts]
    learned = learn("bpe", texts, vocab_size=1300)
    library = Tokenizer(models.BPE(unk_token="[UNK]"))
    library.normalizer, library.pre_tokenizer = normalizers.NFC(), BPE(BPE.Config()).pre_tokenizer()
    library.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=1300, min_frequency=2, show_progress=False, special_tokens=list(SPECIALS)))
    assert json.loads(learned.to_json())["model"] == json.loads(library.to_str())["model"]


TEXTS = st.lists(st.sampled_from([*" ,.()!<>[]_'", *"재밌게봤다unafbleéό", "👍", "🏽", "\t", "\u3000", "film", "\u0301"])).map("".join)


@given(TEXTS)
@settings(max_examples=60)
@pytest.mark.parametrize("method", ["bpe", "unigram"])
def test_text_of_known_characters_comes_back(method: str, text: str) -> None:
    library = LIBRARIES[method]
    composed = " ".join(pl.Series([text], dtype=pl.String).str.normalize("NFC").str.extract_all(r"\S+")[0])
    ids = library.encode(text, add_special_tokens=False).ids
    if 1 not in ids:
        assert library.decode(ids) == composed


LIBRARIES = {method: learn(method, [*CORPUS, "_ ( ) [ ] ! ' \u0301 \u0323"] * 2, vocab_size=200).library() for method in ("bpe", "unigram")}


def test_words_begin_with_the_mark_of_a_space() -> None:
    learned = learn("bpe", ["low lower lowest (low)"] * 5)
    assert encode(learned, " low\u3000 lowest,(low)")[0] == [["▁low", "▁lowest", "[UNK]", "(", "low", ")"]]


def test_unknown_characters_are_unk_or_bytes() -> None:
    assert encode(learn("bpe"), "un漢")[0][0][-1] == "[UNK]"
    learned = learn("bpe", byte_fallback=True, vocab_size=600)
    tokens, ids = encode(learned, "un漢 \x00")
    assert tokens[0][-5:] == ["<0xE6>", "<0xBC>", "<0xA2>", "▁", "<0x00>"]
    assert learned.library().decode(ids[0]) == "un漢 \x00"
    assert learned.vocabulary.tokens[7:10] == ["<0x00>", "<0x01>", "<0x02>"]


@given(st.text(st.characters(exclude_characters="▁", exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=60)
def test_with_bytes_every_text_comes_back(text: str) -> None:
    due = " ".join(pl.Series([FALLBACK.normalizer.normalize_str(text)]).str.extract_all(r"\S+")[0])
    assert FALLBACK.decode(FALLBACK.encode(text).ids) == due


FALLBACK = learn("bpe", byte_fallback=True, vocab_size=600).library()


def test_rare_characters_are_left_out() -> None:
    """Of 102 characters one is an x, and coverage 0.98 leaves it out; what it stood between is apart."""
    learned = learn("bpe", ["ab" * 6 + "a"] * 7 + ["axb"], character_coverage=0.98)
    assert encode(learned, "axb")[0] == [["▁", "a", "[UNK]", "b"]]
