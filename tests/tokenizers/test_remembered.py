"""What is remembered is what the library says, for any text."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from textkit.tokenizers import remembered
from textkit.tokenizers.huggingface import Encoder
from textkit.tokenizers.remembered import END, Remembered, looks_past_spaces
from textkit.tokenizers.vocabulary import Vocabulary
from textkit.tokenizers.wordpiece import BETWEEN_PUNCTUATION

CORPUS = ["the quick brown fox, the lazy dog.", "재밌게 봤다! 정말 재밌다", "naïve café — 漢字 テスト 😀👍🏽", "don't (stop) a/b #1 3.14"]


def tokenizer(pre_tokenizer: Any = None, normalizer: Any = None) -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizer or normalizers.NFC(), pre_tokenizer or pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=120, min_frequency=1, special_tokens=["[PAD]", "[UNK]"], show_progress=False)
    )
    made.encode_special_tokens = True
    return made


LIBRARY = tokenizer()
IDS = LIBRARY.get_vocab()
VOCABULARY = Vocabulary(sorted(IDS, key=IDS.__getitem__))


def words(text: pl.Series) -> pl.Series:
    return text.str.normalize("NFC").str.extract_all(rf"{BETWEEN_PUNCTUATION}|\S")


ODD = st.sampled_from(
    [" ", "  ", "\t", "\n", "\u3000", "\x85", END, "\x00", "\u0301", "\u1102\u1161", "[UNK]", "##a", ",", "\u200d", "a" * 120, "\ufffd", "\ufeff"]
)
TEXTS = st.lists(st.one_of(st.sampled_from(CORPUS), ODD, st.text(st.characters(codec="utf-8"), max_size=4)), max_size=8).map("".join)


@pytest.mark.parametrize("split", [None, words])
@settings(max_examples=150, deadline=None)
@given(batches=st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_ids_and_tokens_are_the_librarys(split: Any, batches: list[list[str]]) -> None:
    encoder = Encoder(LIBRARY, VOCABULARY, split)
    for texts in batches:
        due = LIBRARY.encode_batch(texts, add_special_tokens=False)
        tokens, ids = encoder(pl.Series(texts))
        assert ids.to_list() == [one.ids for one in due]
        assert tokens.to_list() == [one.tokens for one in due]
        later = encoder.later(pl.Series(texts))
        if later is None:
            assert any(END in text for text in texts)
        else:
            assert [json.loads("{" + line + "}") for line in later.members()] == [{"tokens": one.tokens, "ids": one.ids} for one in due]


def test_the_library_sees_each_word_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = Remembered._by_beginnings
    monkeypatch.setattr(Remembered, "_by_beginnings", lambda self, words: seen.extend(words) or real(self, words))
    encoder = Encoder(LIBRARY, VOCABULARY, words)
    for text in ("dog, fox dog", "fox. (dog) cat"):
        encoder(pl.Series([text, text]))
    assert seen == ["dog", ",", "fox", ".", "(", ")", "cat"]


def test_a_split_other_than_the_librarys_is_noticed() -> None:
    made = Remembered(LIBRARY, VOCABULARY.column, lambda text: text.str.extract_all(r"\S+"))  # leaves punctuation at its word
    texts = ["dog, fox.", "(dog)"]
    found = made.texts(pl.Series(texts))
    assert found is not None
    assert found.ids().to_list() == [one.ids for one in LIBRARY.encode_batch(texts, add_special_tokens=False)]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "LARGEST", 20)
    made = Remembered(LIBRARY, VOCABULARY.column)
    for number in range(50):
        texts = [f"the dog {number}", "fox"]
        found = made.texts(pl.Series(texts))
        assert found is not None
        assert found.ids().to_list() == [one.ids for one in LIBRARY.encode_batch(texts, add_special_tokens=False)]
        assert len(made._pieces.made) < 20


PAST = {
    "BERT": (tokenizer(), False),
    "BERT's normalizer": (tokenizer(normalizer=normalizers.BertNormalizer()), False),
    "white space": (tokenizer(pre_tokenizers.Whitespace()), False),
    "metaspace in words": (
        tokenizer(pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])),
        False,
    ),
    "metaspace before the first": (
        tokenizer(pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="first")])),
        True,
    ),
    "bytes": (tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False)), True),
    "metaspace": (tokenizer(pre_tokenizers.Metaspace()), True),
    "replacing": (tokenizer(normalizer=normalizers.Replace("a b", "c")), True),
    "stripping": (tokenizer(normalizer=normalizers.Strip()), True),
}


@pytest.mark.parametrize("name", PAST)
def test_what_looks_past_spaces(name: str) -> None:
    made, past = PAST[name]
    assert looks_past_spaces(json.loads(made.to_str())) is past


def test_added_tokens_and_truncation_look_past_spaces() -> None:
    added = tokenizer()
    added.add_tokens(["quick brown"])
    cut = tokenizer()
    cut.enable_truncation(3)
    assert looks_past_spaces(json.loads(added.to_str())) and looks_past_spaces(json.loads(cut.to_str()))


@pytest.mark.parametrize("name", PAST)
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_either_way_the_result_is_the_librarys(name: str, texts: list[str]) -> None:
    made = PAST[name][0]
    ids = made.get_vocab()
    found = Encoder(made, Vocabulary(sorted(ids, key=ids.__getitem__)))(pl.Series(texts))[1]
    assert found.to_list() == [one.ids for one in made.encode_batch(texts, add_special_tokens=False)]
