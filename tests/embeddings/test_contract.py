"""What every embedding of the registry must do."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.embeddings.stage import Embed
from textkit.embeddings.table import Table
from textkit.errors import InputError, UsageError
from textkit.registry import EMBEDDINGS
from textkit.stage import restore

TEXTS = ["the film was great 재밌게", "the cast was fun 봤다", "", "👍🏽 👍🏽 great", "a\u200db " * 50] * 6
LEARNED = [name for name in EMBEDDINGS if name != "pretrained"]  # which has tests of its own
each_method = pytest.mark.parametrize("method", LEARNED)


def learner(method: str, save: Path, pool: str = "mean") -> Embed:
    found: Any = EMBEDDINGS.find(method)
    settings = dataclasses.replace(found.Config(), dim=8)
    return Embed(method, settings, pool, learner=found(settings), store=Store(str(save)))


@each_method
def test_one_vector_of_the_width_asked_for_in_each_record(method: str, tmp_path: Path) -> None:
    records = records_of(run(TEXTS, learner(method, tmp_path / "vec")))
    assert [record["text"] for record in records] == TEXTS
    for record in records:
        assert len(record["vector"]) == 8
        assert len(record["ids"]) == len(record["tokens"])
        assert any(record["vector"]) == bool(record["tokens"])


@each_method
def test_saved_and_loaded_it_gives_the_same(method: str, tmp_path: Path) -> None:
    while_learning = run(TEXTS, learner(method, tmp_path / "vec"))
    loaded = run(TEXTS, Embed.load(tmp_path / "vec", "mean"))
    assert records_of(loaded) == records_of(while_learning)
    assert loaded.lineage == while_learning.lineage
    assert records_of(run(TEXTS, restore(loaded.lineage.stages[1]))) == records_of(run(TEXTS, Embed.load(tmp_path / "vec", "mean")))


@pytest.mark.parametrize("method", ["doc2vec", "lsa"])
def test_vectors_of_records_are_the_same_when_it_is_loaded(method: str, tmp_path: Path) -> None:
    while_learning = records_of(run(TEXTS, learner(method, tmp_path / "vec", "doc")))
    assert while_learning == records_of(run(TEXTS, Embed.load(tmp_path / "vec", "doc")))
    assert [any(record["vector"]) for record in while_learning] == [bool(record["tokens"]) for record in while_learning]
    assert {len(record["vector"]) for record in while_learning} == {8}
    assert while_learning[:5] == while_learning[5:10]
    assert while_learning[:1] == records_of(run(TEXTS[:1], Embed.load(tmp_path / "vec", "doc")))


@pytest.mark.parametrize("method", [name for name in LEARNED if name not in ("doc2vec", "lsa")])
def test_vectors_of_records_are_refused_where_there_are_none(method: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pool doc"):
        run(TEXTS, learner(method, tmp_path / "vec", "doc"))


@each_method
def test_learning_twice_gives_the_same_artifact(method: str, tmp_path: Path) -> None:
    lineages = [run(TEXTS, learner(method, tmp_path / name)).lineage for name in ("first", "second")]
    assert lineages[0] == lineages[1]


@each_method
def test_the_table_fits_its_vocabulary(method: str, tmp_path: Path) -> None:
    run(TEXTS, learner(method, tmp_path / "vec"))
    table = Table.load(tmp_path / "vec")
    assert table.vectors.shape == (len(table.vocabulary), 8)
    assert table.counts.shape == (len(table.vocabulary),)
    assert np.isfinite(table.vectors).all()


@each_method
@pytest.mark.parametrize("texts", [[], ["", " "]], ids=["no records", "empty texts"])
def test_nothing_to_learn_from_is_an_error(method: str, texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to learn"):
        run(texts, learner(method, tmp_path / "vec"))
    assert not (tmp_path / "vec").exists()
