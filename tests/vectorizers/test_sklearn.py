"""Features are scikit-learn's, over all options: the same columns, values within 1e-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.feature_selection import chi2 as sklearn_chi2

from textkit.config import override
from textkit.errors import InputError
from textkit.registry import VECTORIZERS
from textkit.streams.batch import Batch, Position
from textkit.vectorizers.columns import Columns
from textkit.vectorizers.fitting import Fitting
from textkit.vectorizers.reducing import Reduction, chi2
from textkit.vectorizers.vectorizer import Vectorizer

WORDS = ["a", "b", "A", "ab", "재밌다", "ΟΔΟΣ", "é", "x y", "", " ", "👍🏽", "\n", "the", "a\tb", "\x1c", "\u3000", "긴단어입니다"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=9), min_size=1, max_size=7)
DF = st.sampled_from([1, 2, 3, 0.2, 0.5, 1.0])


def batches(rows: list[list[str]], size: int) -> Iterator[Batch]:
    """Records with tokens, and the same joined as text."""
    frame = pl.DataFrame({"tokens": pl.Series(rows, dtype=pl.List(pl.String)), "text": pl.Series([" ".join(row) for row in rows], dtype=pl.String)})
    for start in range(0, len(rows), size):
        yield Batch(frame[start : start + size], Position("x", start + 1))


def matrix(parts: list[Any]) -> csr_matrix:
    from scipy.sparse import vstack

    for part in parts:
        assert part.offsets[-1] == len(part.values) == len(part.indices)
    return vstack([part.csr() for part in parts], format="csr")


def same(found: csr_matrix, due: Any) -> None:
    assert found.shape == due.shape
    due = csr_matrix(due)
    due.sort_indices()
    assert found.indptr.tolist() == due.indptr.tolist()
    assert found.indices.tolist() == due.indices.tolist()
    np.testing.assert_allclose(found.data, due.data, rtol=0, atol=1e-12)


def learn(method: str, rows: list[list[str]], size: int, *pairs: str, given: pl.Series | None = None) -> tuple[csr_matrix, Vectorizer]:
    """What learning gives for the records that it sees; what it gives for them once more must be the same."""
    method_class = VECTORIZERS.find(method)
    fitting = Fitting(method_class, override(method_class.Config(), pairs), given)
    for batch in batches(rows, size):
        fitting.add(batch)
    made = fitting.done()
    found = matrix(list(fitting.rows()))
    spelt: list[Any] = [Columns(columns.vocabulary) for columns in made.columns if columns.vocabulary is not None]  # none of them packed
    loaded = Vectorizer(method_class, made.config, spelt, made.learned)
    assert (found != matrix([made.rows(batch) for batch in batches(rows, size)])).nnz == 0
    again = matrix([loaded.rows(batch) for batch in batches(rows, size)])
    assert (found != again).nnz == 0
    return found, made


def of_sklearn(rows: list[list[str]], analyzer: str, low: int, high: int, lowercase: bool, stop_words: list[str], kind: Any, **more: Any) -> Any:
    texts = [" ".join(row) for row in rows]
    if analyzer != "word":
        return kind(analyzer=analyzer, ngram_range=(low, high), lowercase=lowercase, **more), texts
    prepared = [[token.lower() if lowercase else token for token in row] for row in rows]
    return kind(
        tokenizer=lambda row: row, preprocessor=lambda row: row, token_pattern=None, ngram_range=(low, high), stop_words=stop_words or None, **more
    ), prepared


@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")
@settings(max_examples=150, deadline=None)
@given(
    rows=TEXTS,
    size=st.integers(1, 7),
    analyzer=st.sampled_from(["word", "char", "char_wb"]),
    span=st.sampled_from([(1, 1), (1, 2), (2, 2), (2, 4), (3, 5), (5, 6)]),
    lowercase=st.booleans(),
    stop_words=st.sampled_from([[], ["a", "the"]]),
    min_df=DF,
    max_df=DF,
    max_features=st.sampled_from([None, 1, 3, 1000]),
    sublinear=st.booleans(),
    use_idf=st.booleans(),
    smooth=st.booleans(),
    norm=st.sampled_from(["l1", "l2", "none"]),
)
def test_tfidf(
    rows: list[list[str]], size: int, analyzer: str, span: tuple[int, int], lowercase: bool, stop_words: list[str], min_df: Any, max_df: Any,
    max_features: int | None, sublinear: bool, use_idf: bool, smooth: bool, norm: str,
) -> None:  # fmt: skip
    counting = {"min_df": min_df, "max_df": max_df, "max_features": max_features}
    weighing = {"sublinear_tf": sublinear, "use_idf": use_idf, "smooth_idf": smooth}
    pairs = [f"analyzer={analyzer}", f"ngram={span[0]},{span[1]}", f"lowercase={lowercase}", f"stop_words={','.join(stop_words)}", f"norm={norm}"]
    pairs += [f"{name}={value}" for name, value in (counting | weighing).items()]
    theirs, given = of_sklearn(
        rows, analyzer, *span, lowercase, stop_words, TfidfVectorizer, norm=None if norm == "none" else norm, **counting, **weighing
    )
    try:
        due = theirs.fit_transform(given)
    except ValueError:  # no term at all, none left, or bounds that exclude each other
        with pytest.raises(InputError):
            learn("tfidf", rows, size, *pairs)
        return
    found, made = learn("tfidf", rows, size, *pairs)
    same(found, due)
    assert made.names().to_list() == theirs.get_feature_names_out().tolist()


@pytest.mark.parametrize("method", ["counts", "binary"])
@settings(max_examples=40, deadline=None)
@given(rows=TEXTS, size=st.integers(1, 7), analyzer=st.sampled_from(["word", "char", "char_wb"]))
def test_counts_and_binary(method: str, rows: list[list[str]], size: int, analyzer: str) -> None:
    theirs, given = of_sklearn(rows, analyzer, 1, 2, True, [], CountVectorizer, binary=method == "binary")
    try:
        due = theirs.fit_transform(given)
    except ValueError:
        with pytest.raises(InputError, match="no terms"):
            learn(method, rows, size, f"analyzer={analyzer}", "ngram=1,2")
        return
    same(learn(method, rows, size, f"analyzer={analyzer}", "ngram=1,2")[0], due)


@settings(max_examples=60, deadline=None)
@given(
    rows=TEXTS, size=st.integers(1, 7), analyzer=st.sampled_from(["word", "char", "char_wb"]), columns=st.sampled_from([1, 2, 7, 1000, 2**31 - 1]),
    signed=st.booleans(), binary=st.booleans(), norm=st.sampled_from(["l1", "l2", "none"]),
)  # fmt: skip
def test_hashing(rows: list[list[str]], size: int, analyzer: str, columns: int, signed: bool, binary: bool, norm: str) -> None:
    theirs, given = of_sklearn(
        rows,
        analyzer,
        1,
        3,
        True,
        [],
        HashingVectorizer,
        n_features=columns,
        alternate_sign=signed,
        binary=binary,
        norm=None if norm == "none" else norm,
    )
    method = VECTORIZERS.find("hashing")
    pairs = (f"analyzer={analyzer}", "ngram=1,3", f"n_features={columns}", f"alternate_sign={signed}", f"binary={binary}", f"norm={norm}")
    made = Vectorizer(method, override(method.Config(), pairs))
    same(matrix([made.rows(batch) for batch in batches(rows, size)]), theirs.transform(given))


@settings(max_examples=40, deadline=None)
@given(rows=TEXTS, size=st.integers(1, 7))
def test_a_given_vocabulary(rows: list[list[str]], size: int) -> None:
    terms = ["b", "a", "재밌다", "a b", "nowhere"]
    theirs, given = of_sklearn(rows, "word", 1, 2, True, [], TfidfVectorizer, vocabulary=terms)
    same(learn("tfidf", rows, size, "ngram=1,2", given=pl.Series(terms))[0], theirs.fit_transform(given))


def test_analyzers_side_by_side() -> None:
    rows = [["a", "b"], ["재밌다", "the"], ["a"], []]
    found, made = learn("tfidf", rows, 3, "analyzer=word,char_wb", "ngram=1,2,2,3")
    parts = [of_sklearn(rows, name, low, high, True, [], TfidfVectorizer) for name, low, high in (("word", 1, 2), ("char_wb", 2, 3))]
    same(found, hstack([theirs.fit_transform(given) for theirs, given in parts]))
    assert {"word:a", "word:a b", "char_wb: a "} <= {*made.names()}


def test_selected_columns_are_those_of_select_k_best() -> None:
    rng = np.random.default_rng(3)
    rows = [[WORDS[i] for i in rng.integers(0, len(WORDS), 6)] for _ in range(60)]
    labels = ["xyz"[i] for i in rng.integers(0, 3, 60)]
    found, made = learn("tfidf", rows, 7, "ngram=1,2")
    due = SelectKBest(sklearn_chi2, k=9).fit(found, labels)
    parts = [made.rows(batch) for batch in batches(rows, 7)]
    kept = chi2(iter(parts), pl.Series(labels), 9)
    assert kept.tolist() == due.get_support(indices=True).tolist()
    reduction = Reduction(kept)
    same(matrix([reduction.select(part) for part in parts]), due.transform(found))
