"""WordPiece: longest match by hand, the library's own ids, and the same bytes in every process."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, trainers
from tokenizers.pre_tokenizers import BertPreTokenizer

from textkit.tokenizers.vocabulary import SPECIALS
from textkit.tokenizers.wordpiece import BETWEEN_PUNCTUATION, WordPiece

CORPUS = [
    "재밌게 봤다, 정말 재밌다",
    "안 봤다면 후회했을 영화",
    "unaffable and unhappy",
    "The FILM was unwatchable!",
    "ΟΔΟΣ οδός",
    "café 3.14 👍🏽",
] * 3


def learn(corpus: list[str] = CORPUS, **config: object) -> WordPiece:
    wordpiece = WordPiece(WordPiece.Config(**{"vocab_size": 300, "character_coverage": 1.0, **config}))  # type: ignore[arg-type]
    wordpiece.fit([pl.Series(corpus[:5]), pl.Series(corpus[5:])])
    return wordpiece


def encode(wordpiece: WordPiece, *texts: str) -> tuple[list[list[str]], list[list[int]]]:
    tokens, ids = wordpiece.encode(pl.Series(texts, dtype=pl.String))
    return tokens.to_list(), ids.to_list()


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lowercase"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[WordPiece, Tokenizer]:
    wordpiece = learn(lowercase=request.param)
    file: Path = tmp_path_factory.mktemp("wordpiece") / "tokenizer.json"
    file.write_text(wordpiece.to_json(), encoding="utf-8")
    library = Tokenizer.from_file(str(file))
    library.encode_special_tokens = True  # a text that spells a special token is text
    return wordpiece, library


@given(st.lists(st.text(max_size=20) | st.lists(st.sampled_from([*CORPUS[:6], " ", ".", "봤", "\u0301", "un", "X"])).map("".join), max_size=4))
@settings(max_examples=60)
@example(["", "   ", "ΟΔΟΣ ΟΔΟΣ.", "unaffably\x00\x1c", "재" * 101, "[PAD] <s>"])
def test_tokens_and_ids_are_those_of_the_library(both: tuple[WordPiece, Tokenizer], texts: list[str]) -> None:
    wordpiece, library = both
    tokens, ids = encode(wordpiece, *texts)
    due = library.encode_batch(texts, add_special_tokens=False)
    assert ids == [encoding.ids for encoding in due]
    assert tokens == [encoding.tokens for encoding in due]


def test_longest_match_by_hand(tmp_path: Path) -> None:
    """The example of BERT's own documentation: of un, una, ##ff, ##aff, ##able the longest piece wins from the left."""
    whole = json.loads(learn().to_json())
    pieces = ["un", "##aff", "##able", "##ff", "##a", "a", "##b"]
    whole["model"]["vocab"] = {token: i for i, token in enumerate([*SPECIALS, *pieces])}
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(whole))
    wordpiece = WordPiece.load(WordPiece.Config(), file)
    assert encode(wordpiece, "unaffable", "una", "unb able", "a") == (
        [["un", "##aff", "##able"], ["un", "##a"], ["un", "##b", "[UNK]"], ["a"]],
        [[7, 8, 9], [7, 11], [7, 13, 1], [12]],
    )


def test_special_tokens_come_first_and_only_they_are_special() -> None:
    whole = json.loads(learn().to_json())
    vocabulary = whole["model"]["vocab"]
    assert [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])][:7] == list(SPECIALS)
    assert [token["content"] for token in whole["added_tokens"]] == list(SPECIALS)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))


def test_a_text_that_spells_special_tokens_gets_none_of_their_ids() -> None:
    _, (ids,) = encode(learn([*CORPUS, "<s> [PAD] [MASK]"] * 2), "a <s> [PAD] [CLS]")
    assert {0, *range(2, len(SPECIALS))}.isdisjoint(ids)


def test_decomposed_hangul_is_composed_and_not_taken_apart() -> None:
    wordpiece = learn()
    text = "재밌게 봤다"
    composed, decomposed = encode(wordpiece, text), encode(wordpiece, unicodedata.normalize("NFD", text))
    assert composed == decomposed
    assert "".join(composed[0][0]).replace("##", "") == "재밌게봤다"
    assert not any("\u1100" <= character <= "\u11ff" for token in wordpiece.vocabulary.tokens for character in token)  # type: ignore[union-attr]


def test_accents_and_case_are_kept_unless_asked() -> None:
    assert "".join(encode(learn(), "café FILM")[0][0]).replace("##", "") == "caféFILM"
    assert "".join(encode(learn(lowercase=True), "café FILM")[0][0]).replace("##", "") == "caféfilm"


def test_the_size_is_a_limit_that_a_small_corpus_does_not_reach() -> None:
    small, tight = learn(vocab_size=8000), learn(vocab_size=120)
    assert len(small.vocabulary or ()) < 300
    assert len(tight.vocabulary or ()) == 120


def test_an_alphabet_larger_than_the_size_is_kept_whole(capsys: pytest.CaptureFixture[str]) -> None:
    wordpiece = learn(vocab_size=10)
    assert "more than --vocab-size 10" in capsys.readouterr().err
    assert "[UNK]" not in encode(wordpiece, CORPUS[0])[0][0]


def test_rare_characters_are_left_to_unk() -> None:
    """Of 100 characters 98 are a or b; coverage 0.98 leaves the two others out."""
    wordpiece = learn(["ab" * 7] * 7 + ["x y"], character_coverage=0.98)
    assert encode(wordpiece, "ab x y")[0][0][-2:] == ["[UNK]", "[UNK]"]


def test_words_are_cut_where_the_library_cuts_them() -> None:
    """Else the trainer would meet inner characters that were not fixed beforehand, and number them as it likes."""
    odd = [chr(i) for i in range(sys.maxunicode) if unicodedata.category(chr(i))[0] in "PSMZC" and not 0xD800 <= i < 0xE000]
    texts = pl.Series([f"a{character}b" for character in odd if unicodedata.category(character) not in ("Cn", "Co")])
    library = BertPreTokenizer()
    assert texts.str.extract_all(rf"{BETWEEN_PUNCTUATION}|\S").to_list() == [[piece for piece, _ in library.pre_tokenize_str(text)] for text in texts]


def test_it_learns_what_the_library_learns(corpora: Path) -> None:
    """The library's own trainer numbers the inner characters in the order of a hash map (huggingface/tokenizers#1794).

    Given to it as special tokens they stand fixed, and it learns the same in each run: the same as we.
    """
    texts = [line for name in ("reviews_ko_test.tsv", "reviews_en_test.tsv") for line in (corpora / name).read_text(encoding="utf-8").split("\n")]
    wordpiece = learn(texts, vocab_size=1500)
    inner = [token for token in wordpiece.vocabulary.tokens if token.startswith("##") and len(token) == 3]  # type: ignore[union-attr]
    library = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    library.normalizer, library.pre_tokenizer = normalizers.NFC(), BertPreTokenizer()
    library.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=1500, min_frequency=2, show_progress=False, special_tokens=[*SPECIALS, *inner])
    )
    vocabulary = library.get_vocab()
    assert wordpiece.vocabulary.tokens == sorted(vocabulary, key=vocabulary.__getitem__)  # type: ignore[union-attr]
    assert len(vocabulary) == 1500
