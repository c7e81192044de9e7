"""Going on with an embedding: old words keep what they have learned, new words come, and what cannot change is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.conftest import Textkit
from textkit.artifacts import folder
from textkit.embeddings.table import KIND, Table, describe
from textkit.embeddings.word2vec import Word2Vec
from textkit.errors import UsageError
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary

FIRST = len(SPECIALS)
OLD = [["e", "d", "c", "b", "a"], ["e", "d", "c", "b"], ["e", "d", "c"]] * 20
NEW = [["e", "x", "y"], ["x", "rare"]] * 4 + [["once", "e"]]


def column(*rows: list[str]) -> pl.Series:
    return pl.Series("tokens", rows, dtype=pl.List(pl.String))


def learn(*rows: list[str], old: Table | None = None, **config: Any) -> Table:
    settings = Word2Vec.Config(**{"dim": 8, "min_count": 1, "epochs": 2, "subsample": 0.0, **config})
    return Word2Vec(settings, 1, old).fit([column(*rows)])


def row_of(table: Table, token: str) -> np.ndarray:
    return np.asarray(table.vectors[table.vocabulary.tokens.index(token)])


def test_old_words_stay_new_ones_come_and_counts_add_up() -> None:
    old = learn(*OLD)
    table = learn(*NEW, old=old, min_count=2)
    counts = dict(zip(table.vocabulary.tokens, table.counts.tolist(), strict=True))
    assert {name: counts[name] for name in counts if name not in SPECIALS} == {"e": 65, "d": 60, "c": 60, "b": 40, "a": 20, "x": 8, "y": 4, "rare": 4}
    for token in "dcba":  # which the new text does not have
        np.testing.assert_array_equal(row_of(table, token), row_of(old, token))
    assert not np.array_equal(row_of(table, "e"), row_of(old, "e"))


def test_without_the_output_side_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    learn(*NEW, old=learn(*OLD))
    assert "was not kept (-s keep_output=true does)" in capsys.readouterr().err
    learn(*NEW, old=learn(*OLD, hs=True, keep_output=True), hs=True)
    assert "depends on all words" in capsys.readouterr().err


def test_with_the_output_side_it_goes_on_as_if_it_had_not_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    old = learn(*OLD, keep_output=True)
    capsys.readouterr()
    table = learn(*OLD, old=old, lr=1e-6, min_lr=1e-7, keep_output=True)
    assert table.output is not None
    np.testing.assert_allclose(table.output, old.output, atol=1e-3)
    np.testing.assert_allclose(table.vectors, old.vectors, atol=1e-3)
    assert "output side" not in capsys.readouterr().err


def test_another_width_is_refused() -> None:
    with pytest.raises(UsageError, match="dim=8, which cannot become 9"):
        learn(*NEW, old=learn(*OLD), dim=9)


TOKENS = "".join(f'{{"tokens":["{first}","{second}"]}}\n' for first, second in [("film", "great"), ("movie", "fun")] * 10)
MORE = '{"tokens":["film","sequel"]}\n' * 10


@pytest.mark.parametrize("learned", [["--method", "word2vec", "--cbow"], ["--method", "fasttext", "--min-n", "2", "--subword", "jamo"]], ids="_".join)
def test_the_command_takes_method_and_settings_from_the_old_one(textkit: Textkit, tmp_path: Path, learned: list[str]) -> None:
    textkit("embed", *learned, "--dim", "4", "--save", "old", stdin=TOKENS)
    textkit("embed", "--update", "old", "--save", "new", "--epochs", "2", stdin=MORE)
    old, new = (folder.load(tmp_path / name, KIND) for name in ("old", "new"))
    assert new["method"] == old["method"] == learned[1]
    changed = {name for name, value in new["config"].items() if value != old["config"].get(name)}
    assert changed == {"epochs", "updated", "bucket"} & {*new["config"]}  # which is a number now
    assert new["config"]["updated"] == old["sha256"]
    assert new.get("subwords") == old.get("subwords")
    assert {*Table.load(tmp_path / "new").vocabulary.tokens} == {*SPECIALS, "film", "great", "movie", "fun", "sequel"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--update", "old", "--dim", "5"], "dim=4, which cannot become 5"),
        (["--update", "old", "--method", "word2vec"], "which word2vec would lose"),
        (["--update", "old", "--method", "lsa"], "lsa cannot go on"),
        (["--update", "old", "--subword", "jamo"], "subword=char, which cannot become jamo"),
        (["--load", "old", "--update", "old"], "--update goes with learning"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_gone_on_with_is_refused(textkit: Textkit, arguments: list[str], message: str) -> None:
    textkit("embed", "--method", "fasttext", "--dim", "4", "--save", "old", stdin=TOKENS)
    assert message in textkit("embed", *arguments, stdin=MORE, code=2).stderr


def test_the_file_of_another_program_can_be_gone_on_with(textkit: Textkit, tmp_path: Path) -> None:
    (tmp_path / "old.vec").write_text("2 4\nfilm 1 0 0 0\nold 0 1 0 0\n")
    textkit("embed", "--update", "old.vec", "--dim", "4", "--save", "new", stdin=MORE)
    new = Table.load(tmp_path / "new")
    assert {*new.vocabulary.tokens} == {*SPECIALS, "film", "old", "sequel"}
    assert row_of(new, "old").tolist() == [0, 1, 0, 0]


def test_a_pipe_that_cannot_make_it_is_not_printed(textkit: Textkit, tmp_path: Path) -> None:
    textkit("embed", "--dim", "4", "--save", "old", stdin=TOKENS)
    (tmp_path / "out.jsonl").write_text(textkit("embed", "--update", "old", "--save", "new", stdin=MORE).stdout)
    assert "--load new" in textkit("show", "--pipeline", "out.jsonl").stdout
    shutil.rmtree(tmp_path / "new")
    assert "it went on with the embedding" in textkit("show", "--pipeline", "out.jsonl", code=3).stderr


def test_vectors_of_another_program_can_be_gone_on_with(textkit: Textkit, tmp_path: Path) -> None:
    table = Table(Vocabulary([*SPECIALS, "film", "old"]), np.eye(9, 4, dtype=np.float32), np.array([0] * 7 + [1, 1], np.int64))
    (tmp_path / "old").mkdir()
    table.save(tmp_path / "old")
    folder.seal(tmp_path / "old", {"kind": KIND, "method": "pretrained", "config": {}, **describe(table)})
    textkit("embed", "--update", "old", "--save", "new", stdin=MORE)
    assert folder.load(tmp_path / "new", KIND)["method"] == "word2vec"
    new = Table.load(tmp_path / "new")
    assert {*new.vocabulary.tokens} == {*SPECIALS, "film", "old", "sequel"}
    np.testing.assert_array_equal(row_of(new, "old"), table.vectors[8])
