"""`index`: ids for tokens that came without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.making import records_of, run
from textkit.errors import InputError
from textkit.stage import restore
from textkit.tokenizers.index import Index
from textkit.tokenizers.vocabulary import SPECIALS

RECORDS: list[dict[str, Any] | str] = [{"tokens": ["b", "a", "b"]}, {"tokens": []}, {"tokens": ["a", "rare"]}]


def test_ids_by_a_vocabulary_of_the_tokens_themselves() -> None:
    stage = Index(Index.Config())
    stream = run(RECORDS, stage)
    assert [record["ids"] for record in records_of(stream)] == [[8, 7, 8], [], [7, 1]]
    assert stage.vocabulary is not None
    assert stage.vocabulary.tokens == [*SPECIALS, "a", "b"]


def test_where_every_token_is_rare_all_are_taken() -> None:
    assert [record["ids"] for record in records_of(run([{"tokens": ["x", "y"]}], Index(Index.Config())))] == [[7, 8]]


@pytest.mark.parametrize(("records", "why"), [([], "no records"), ([{"tokens": []}] * 2, "every text is empty")], ids=["none", "empty"])
def test_nothing_to_index_is_an_error(records: list[dict[str, list[str]]], why: str) -> None:
    with pytest.raises(InputError, match=why):
        run(records, Index(Index.Config()))


def test_its_lineage_entry_restores_it_from_the_cache_and_from_a_copy(tmp_path: Path) -> None:
    stream = run(RECORDS, Index(Index.Config()))
    due, (entry,) = records_of(stream), stream.lineage.stages
    restored = restore(entry)
    assert records_of(run(RECORDS, restored)) == due
    restored.copy_to(tmp_path / "copy")
    assert records_of(run(RECORDS, restore(entry, folder=tmp_path / "copy"))) == due
    assert restored.entry().identity == entry.identity


def test_the_same_tokens_give_the_same_artifact() -> None:
    first, second = (run(RECORDS, Index(Index.Config())).lineage for _ in range(2))
    assert first == second
