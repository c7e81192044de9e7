"""Doc2Vec: what gensim learns, and vectors of records that do not depend on their neighbours, their order or the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from gensim.models import Doc2Vec as Gensim
from gensim.models import doc2vec as gensim_doc2vec

from textkit.embeddings.doc2vec import Doc2Vec, Inference
from textkit.embeddings.table import Table
from textkit.tokenizers.vocabulary import SPECIALS

FIRST = len(SPECIALS)
CORPUS = [["e", "d", "c", "b", "a"], ["e", "d", "c", "b"], ["e", "d", "c"], ["e", "d"], ["e", "e"]] * 20
each_kind = pytest.mark.parametrize("dm", [True, False], ids=["PV-DM", "PV-DBOW"])


def column(*rows: list[str]) -> pl.Series:
    return pl.Series("tokens", rows, dtype=pl.List(pl.String))


def learn(*rows: list[str], **config: Any) -> Table:
    settings = Doc2Vec.Config(**{"dim": 8, "min_count": 1, "epochs": 3, "subsample": 0.0, **config})
    return Doc2Vec(settings, threads=1).fit([column(*rows)])


def inference(table: Table) -> Inference:
    assert isinstance(table.documents, Inference)
    return table.documents


@each_kind
@pytest.mark.parametrize("hs", [True, False], ids=["hierarchical", "negative"])
def test_words_and_records_get_the_vectors_that_gensim_gives_them(dm: bool, hs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = learn(*CORPUS, dm=dm, hs=hs, seed=7, lr=0.05)
    file = tmp_path / "corpus"
    file.write_text("".join(" ".join(str(table.vocabulary.tokens.index(t)) for t in row) + "\n" for row in CORPUS))
    oracle = Gensim(
        corpus_file=str(file), vector_size=8, min_count=1, epochs=3, sample=0, dm=int(dm), dbow_words=1, seed=7, workers=1, alpha=0.05,
        hs=int(hs), negative=0 if hs else 5,
    )  # fmt: skip
    for code in range(FIRST, FIRST + 5):
        np.testing.assert_array_equal(table.vectors[code], oracle.wv[str(code)])
    words = [str(table.vocabulary.tokens.index(token)) for token in "edc"]
    random = np.random.RandomState()
    monkeypatch.setattr(inference(table)._model, "random", random)
    found = inference(table).vectors_of(column(["e", "d", "c"]))[0]
    random.seed(__import__("zlib").crc32(" ".join(words).encode(), 7))
    begun = inference(table).start(random)
    oracle.random = random
    monkeypatch.setattr(gensim_doc2vec, "pseudorandom_weak_vector", lambda *_, **__: begun)
    np.testing.assert_allclose(found, oracle.infer_vector(words), atol=1e-6)


@each_kind
def test_a_record_has_one_vector_whatever_is_beside_it(dm: bool) -> None:
    table = learn(*CORPUS, dm=dm)
    rows = [["a", "b"], ["e", "d", "new"], [], ["new"], ["e", "d"], ["a", "b"]]
    vectors = inference(table).vectors_of(column(*rows))
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(vectors[i], inference(table).vectors_of(column(row))[0])
    np.testing.assert_array_equal(vectors[1], vectors[4])
    assert vectors.any(1).tolist() == [True, True, False, False, True, True]


def test_records_of_one_topic_are_nearer_than_those_of_two() -> None:
    rng = np.random.default_rng(0)
    topics = [["cat", "dog", "horse", "cow"], ["red", "green", "blue", "pink"]]
    table = learn(*(rng.choice(topics[i % 2], 8).tolist() for i in range(300)), dm=False, epochs=20, dim=16, lr=0.05)
    vectors = inference(table).vectors_of(column(["cat", "dog", "cow"], ["horse", "cow", "cat"], ["red", "blue", "pink"], ["green", "pink", "blue"]))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    assert min(likeness[0, 1], likeness[2, 3]) > likeness[:2, 2:].max()


def test_a_long_record_is_inferred_of_all_its_words() -> None:
    table = learn(*CORPUS, epochs=2)
    longer = inference(table).vectors_of(column(["e"] * 10_000 + ["a"] * 500, ["e"] * 10_000))
    assert not np.allclose(longer[0], longer[1])


INFER = """
import sys, polars as pl
from textkit.embeddings.doc2vec import Doc2Vec
rows = [line.split() for line in sys.stdin.buffer.read().decode().split("\\n")]
column = pl.Series(rows, dtype=pl.List(pl.String))
table = Doc2Vec(Doc2Vec.Config(dim=8, min_count=2, epochs=2), 1).fit([column])
sys.stdout.buffer.write(table.vectors.tobytes() + table.documents.vectors_of(column[:40]).tobytes())
"""


def test_every_process_infers_the_same_bytes(corpora: Path) -> None:
    """gensim begins with Python's hash of the words, which each process seeds anew."""
    corpus = (corpora / "reviews_en_test.tsv").read_bytes()
    found = {
        subprocess.run(
            [sys.executable, "-c", INFER], input=corpus, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1
