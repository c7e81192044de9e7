"""FastText: the vectors are gensim's, no character is lost on the way, and new words get those of their n-grams."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import FastText as Gensim
from gensim.models.fasttext import FastTextKeyedVectors, ft_ngram_hashes
from gensim.models.fasttext_inner import ft_hash_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from textkit.artifacts import folder
from textkit.embeddings.fasttext import MOST, FastText, buckets_for
from textkit.embeddings.subwords import Subwords, ngrams
from textkit.embeddings.table import KIND, Table, describe
from textkit.errors import InputError, UsageError
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

FIRST = len(SPECIALS)
CORPUS = [["eins", "zwei", "drei", "vier", "영화"], ["eins", "zwei", "drei", "vier"], ["eins", "zwei", "drei"], ["eins", "zwei"], ["eins"] * 2] * 20


def column(*rows: list[str]) -> pl.Series:
    return pl.Series("tokens", rows, dtype=pl.List(pl.String))


def learn(*rows: list[str], old: Table | None = None, **config: Any) -> Table:
    settings_ = FastText.Config(**{"dim": 8, "min_count": 1, "epochs": 2, "subsample": 0.0, **config})
    return FastText(settings_, 1, old).fit([column(*rows)])


def row_of(table: Table, token: str) -> np.ndarray:
    return np.asarray(table.vectors[table.vocabulary.tokens.index(token)])


def as_gensim(subwords: Subwords) -> FastTextKeyedVectors:
    oracle = FastTextKeyedVectors(subwords.vectors.shape[1], subwords.min_n, subwords.max_n, len(subwords.vectors))
    oracle.vectors_ngrams = subwords.vectors
    return oracle


@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
@pytest.mark.parametrize("hs", [True, False], ids=["hierarchical", "negative"])
def test_vectors_are_those_gensim_learns_from_the_words_themselves(sg: bool, hs: bool, tmp_path: Path) -> None:
    table = learn(*CORPUS, sg=sg, hs=hs, seed=7, epochs=3, lr=0.05, bucket=50, min_n=2, max_n=4)
    file = tmp_path / "corpus"
    file.write_text("".join(" ".join(row) + "\n" for row in CORPUS))
    oracle = Gensim(
        corpus_file=str(file), vector_size=8, min_count=1, epochs=3, sample=0, sg=int(sg), hs=int(hs), negative=0 if hs else 5, seed=7,
        workers=1, alpha=0.05, bucket=50, min_n=2, max_n=4,
    )  # fmt: skip
    for token in {*CORPUS[0]}:
        np.testing.assert_allclose(row_of(table, token), oracle.wv[token], atol=1e-6)
    made, known = table.vectors_of(pl.Series(["sieben", "einsam", "영화가"]))
    assert known.all()
    np.testing.assert_allclose(made, [oracle.wv[word] for word in ("sieben", "einsam", "영화가")], atol=1e-6)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=150)
def test_hashes_are_those_of_gensim(words: list[str], min_n: int, more: int) -> None:
    hashes, sizes = (np.concatenate(part) for part in zip(*ngrams(pl.Series(words), min_n, min_n + more), strict=True))
    due = [ft_ngram_hashes(word, min_n, min_n + more, 1 << 32) for word in words]
    assert sizes.tolist() == [len(each) for each in due]
    assert hashes.tolist() == [number for each in due for number in each]


def test_vectors_of_words_that_are_not_in_the_vocabulary_are_gensim_s(caplog: pytest.LogCaptureFixture) -> None:
    subwords = Subwords(np.random.default_rng(0).normal(size=(1000, 5)).astype(np.float32), 4, 6)
    words = ["walking", "걸었다", "a", "walking", "👍🏽", "", "x y", "naïveté"] * 700  # more than are made at once
    vectors, known = subwords.vectors_of(pl.Series(words))
    oracle = as_gensim(subwords)
    with caplog.at_level(logging.CRITICAL):
        due = {word: oracle.get_vector(word) for word in {*words}}
    np.testing.assert_allclose(vectors, [due[word] for word in words], rtol=1e-5, atol=1e-6)
    assert known[:8].tolist() == [True, True, False, True, True, False, True, True]
    assert not vectors[~known].any()


def test_jamo_by_hand() -> None:
    """갔다 is ㄱ ㅏ ㅆ ㄷ ㅏ and a mark for the final that is not there; other scripts stay as they are."""
    sign = {"갔다": "\u1100\u1161\u11bb\u1103\u1161\u11a7", "é갸x": "é\u1100\u1163\u11a7x", "ㅋㅋ": "ㅋㅋ", "힣": "\u1112\u1175\u11c2"}
    for word, letters in sign.items():
        [(hashes, sizes)] = ngrams(pl.Series([word]), 3, 5, jamo=True)
        assert hashes.tolist() == ft_ngram_hashes(letters, 3, 5, 1 << 32)
        assert sizes.tolist() == [len(hashes)]
    [(composed, _)], [(decomposed, _)] = (ngrams(pl.Series([word]), 3, 5, jamo=True) for word in ("먹다", "\u1106\u1165\u11a8\u1103\u1161"))
    assert composed.tolist() == decomposed.tolist()


@pytest.mark.parametrize("syllables", [1, 2, 3])
def test_syllables_stand_beside_the_jamo(syllables: int) -> None:
    """Of each word, behind its n-grams of jamo, those of whole characters in which there is Hangul."""
    words = ["갔다", "abc", "", "a갸", "갔다"]
    [(hashes, sizes)] = ngrams(pl.Series(words), 3, 5, jamo=True, syllables=syllables)
    due = []
    for word in words:
        [(letters, _)] = ngrams(pl.Series([word]), 3, 5, jamo=True)
        marked, spans = f"<{word}>", []
        for start in range(len(marked)):
            spans += [marked[start:stop] for stop in range(start + 1, min(start + syllables, len(marked)) + 1)]
        own = [span for span in spans if any("가" <= letter <= "힣" for letter in span)]
        due.append([*letters.tolist(), *(ft_hash_bytes(span.encode()) for span in own)])
    assert hashes.tolist() == [number for each in due for number in each]
    assert sizes.tolist() == [len(each) for each in due]


def test_jamo_let_conjugated_forms_share_n_grams() -> None:
    def shared(jamo: bool) -> int:
        [(hashes, sizes)] = ngrams(pl.Series(["봤다", "봤어"]), 3, 6, jamo)
        return len({*hashes[: sizes[0]].tolist()} & {*hashes[sizes[0] :].tolist()})

    assert shared(jamo=False) == 0
    assert shared(jamo=True) == len(["<ㅂㅏ", "ㅂㅏㅆ", "<ㅂㅏㅆ"])


def test_buckets_have_room_for_the_n_grams_of_the_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    table = learn(*CORPUS, bucket="auto")
    distinct = len({number for word in CORPUS[0] for number in ft_ngram_hashes(word, 3, 6, 1 << 32)})
    assert table.subwords is not None
    assert 2 * distinct <= len(table.subwords.vectors) < 4 * distinct
    first, *_ = capsys.readouterr().err.splitlines()
    assert f"5 words and {len(table.subwords.vectors)} buckets" in first
    assert [buckets_for(np.arange(n, dtype=np.uint32)) for n in (1, 2, 3, 4, 5, 1024, 1025)] == [2, 4, 8, 8, 16, 2048, 4096]
    assert buckets_for(np.arange(MOST, dtype=np.uint32)) == MOST


def test_white_space_inside_tokens_does_not_split_them_and_is_hashed_as_it_is() -> None:
    odd = ["a b", "a\u3000b", "a\xa0b", "a\u2028b", "a\x85b", "a\x1cb", "a\tb"]
    table = learn(*[[*odd, "a", "b"]] * 5)
    assert {*odd, "a", "b"} == {*table.vocabulary.tokens[FIRST:]}
    assert (table.counts[FIRST:] == 5).all()
    assert table.subwords is not None
    for word in ("a bc", "xa\u3000b"):
        np.testing.assert_allclose(table.vectors_of(pl.Series([word]))[0][0], as_gensim(table.subwords).get_vector(word), rtol=1e-5, atol=1e-7)


def test_long_records_lose_no_token() -> None:
    assert learn(["ab", "cd"] * 6_000 + ["last"]).counts.tolist()[FIRST:] == [6_000, 6_000, 1]


def test_without_n_grams_there_are_no_subwords() -> None:
    table = learn(*CORPUS, max_n=0)
    assert table.subwords is None
    assert table.vectors_of(pl.Series(["eins", "einsam"]))[1].tolist() == [True, False]


def saved(path: Path, table: Table) -> Path:
    path.mkdir()
    table.save(path)
    folder.seal(path, {"kind": KIND, **describe(table)})
    return path


def test_saved_and_loaded_new_words_have_the_same_vectors(tmp_path: Path) -> None:
    table = learn(*CORPUS, subword="jamo", keep_output=True)
    again = Table.load(saved(tmp_path / "vec", table))
    words = pl.Series(["eins", "영화가", "sieben"])
    np.testing.assert_array_equal(again.vectors_of(words)[0], table.vectors_of(words)[0])
    assert table.output is not None
    np.testing.assert_array_equal(again.output, table.output)


@pytest.mark.parametrize("damage", [{"min_n": 0}, {"max_n": 2}, {"bucket": 3}, {"jamo": 1}, {"min_n": None}], ids=str)
def test_a_manifest_that_does_not_fit_the_subwords_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    table, place = learn(*CORPUS), tmp_path / "vec"
    place.mkdir()
    table.save(place)
    said = describe(table)
    folder.seal(place, {"kind": KIND, **said, "subwords": {**said["subwords"], **damage}})
    with pytest.raises(InputError, match=r"subwords|tensor"):
        Table.load(place)


def test_rows_for_another_vocabulary_are_made_of_subwords_where_there_is_no_other() -> None:
    table = learn(*CORPUS)
    rows = table.rows_for(Vocabulary([*SPECIALS, "einsam", "eins", ""]), seed=3)
    np.testing.assert_array_equal(rows[FIRST], table.vectors_of(pl.Series(["einsam"]))[0][0])
    np.testing.assert_array_equal(rows[FIRST + 1], row_of(table, "eins"))
    assert not rows[0].any()
    assert table.subwords is not None
    assert not np.allclose(rows[1], table.subwords.vectors_of(pl.Series(["[UNK]"]))[0][0])


def test_from_a_pipe_it_learns_what_it_learns_from_a_file(textkit: Textkit, corpora: Path, tmp_path: Path) -> None:
    arguments = ("embed", "--method", "fasttext", "--dim", "8", "--min-count", "2", "--save")
    file = corpora / "reviews_en_test.tsv"
    textkit(*arguments, "by-file", file)
    textkit(*arguments, "by-pipe", "--from", "tsv", stdin=file.read_bytes())
    first, second = (folder.load(tmp_path / name, KIND) for name in ("by-file", "by-pipe"))
    assert first["sha256"] == second["sha256"]


def test_going_on_begins_where_the_old_one_ended() -> None:
    """With no learning to speak of, old words keep their vectors and new ones are made of n-grams that are known."""
    old = learn(*CORPUS, keep_output=True)
    assert old.subwords is not None
    more = [["eins", "einsam"], ["neun", "zwei"]] * 3
    table = learn(*more, old=old, lr=1e-7, min_lr=1e-8, bucket=len(old.subwords.vectors))
    assert {*table.vocabulary.tokens[FIRST:]} == {*CORPUS[0], "einsam", "neun"}
    for token in CORPUS[0]:
        np.testing.assert_allclose(row_of(table, token), row_of(old, token), atol=1e-4)
    assert table.counts[table.vocabulary.tokens.index("eins")] == old.counts[FIRST] + 3
    with pytest.raises(UsageError, match="min_n=3, which cannot become 2"):
        learn(*more, old=old, min_n=2)


def test_its_size_is_told_once_though_it_begins_again(capsys: pytest.CaptureFixture[str]) -> None:
    learn(["ab", "cd"], subsample=1e-9)
    assert capsys.readouterr().err.count("buckets of n-grams") == 1
