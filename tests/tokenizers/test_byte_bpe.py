"""Byte-level BPE: GPT-2's own bytes, and every text comes back."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from tests.tokenizers.test_subword import CORPUS, encode, learn
from textkit.tokenizers.byte_bpe import byte_characters
from textkit.tokenizers.vocabulary import SPECIALS

PLAIN = learn("byte-bpe", normalize="none").library()
COMPOSED = learn("byte-bpe").library()


def test_the_bytes_are_those_of_the_library() -> None:
    letters = byte_characters()
    assert sorted(letters) == sorted(pre_tokenizers.ByteLevel.alphabet())
    assert [letters[byte] for byte in " \n!é".encode()] == ["Ġ", "Ċ", "!", "Ã", "©"]


@given(st.text(max_size=60) | st.lists(st.sampled_from([*CORPUS[:6], "  ", "\n", "\x00", "\u1112\u1161", "\U0010ffff"])).map("".join))
@settings(max_examples=200)
@example("  a  b \n\n c'll I'd  ")
def test_every_text_comes_back(text: str) -> None:
    assert PLAIN.decode(PLAIN.encode(text).ids) == text
    assert COMPOSED.decode(COMPOSED.encode(text).ids) == COMPOSED.normalizer.normalize_str(text)


def test_no_text_has_unknown_parts() -> None:
    assert 1 not in encode(learn("byte-bpe", ["x"]), "漢字 🏴 \ufffe")[1][0]


def test_it_learns_what_the_library_learns(corpora: Path) -> None:
    texts = [line for name in ("reviews_ko_test.tsv", "reviews_en_test.tsv") for line in (corpora / name).read_text(encoding="utf-8").split("\n")]
    texts = [line.replace("다", "다  ") for line in texts]  # runs of spaces
    learned = learn("byte-bpe", texts, vocab_size=1200)
    library = Tokenizer(models.BPE())
    library.normalizer, library.pre_tokenizer = normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1200, min_frequency=2, show_progress=False, special_tokens=list(SPECIALS), initial_alphabet=alphabet)
    library.train_from_iterator(texts, trainer)
    assert json.loads(learned.to_json())["model"] == json.loads(library.to_str())["model"]
