"""What every tokenizer of the registry must do."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.errors import InputError
from textkit.registry import TOKENIZERS
from textkit.stage import restore
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.vocabulary import SPECIALS

NASTY = {
    "empty": "",
    "one character": "x",
    "Korean": "재밌게 봤다, 정말 재밌다!",
    "decomposed": unicodedata.normalize("NFD", "재밌게 café"),
    "emoji": "👩‍👩‍👧‍👦👍🏽🇰🇷❤️",
    "10,000 characters": "the film " * 1111 + "x",
    "a word of 10,000": "a" * 10_000,
    "control characters": "a\x00b\x07\x1b[0m\x7f\x85",
    "only spaces": " \t \u3000\xa0 ",
    "line separators": "a\u2028b\rc\x0b",
    "special tokens": "[PAD] <s> [MASK]",
    "right to left": "مُحَمَّدٌ שלום",
    "not characters": "\ufffe\uffff\ufffd",
}
CORPUS = ["the film was great, the film was fun", "재밌게 봤다 정말 재밌다", "a b c x [ ] < >"] * 3
each_method = pytest.mark.parametrize("method", TOKENIZERS)


def learned(method: str, folder: Path) -> Tokenize:
    stage = Tokenize.of(method, store=Store(str(folder)))
    run(CORPUS, stage)
    return stage


@each_method
def test_one_record_out_for_each_record_in(method: str, tmp_path: Path) -> None:
    stage = learned(method, tmp_path / "tok")
    out = records_of(run(NASTY.values(), Tokenize.load(tmp_path / "tok")))
    assert [record["text"] for record in out] == list(NASTY.values())
    size = len(stage.vocabulary or ())
    for record in out:
        assert len(record["tokens"]) == len(record["ids"])
        assert all(0 <= i < size for i in record["ids"])
    assert out[0]["ids"] == out[8]["ids"] == []


@each_method
def test_a_record_does_not_depend_on_its_neighbours(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok")
    together = records_of(run(NASTY.values(), Tokenize.load(tmp_path / "tok")))
    assert [records_of(run([text], Tokenize.load(tmp_path / "tok")))[0] for text in NASTY.values()] == together


@each_method
def test_composed_and_decomposed_text_give_the_same_ids(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok")
    both = [unicodedata.normalize(form, "재밌게 봤다 café") for form in ("NFC", "NFD")]
    first, second = records_of(run(both, Tokenize.load(tmp_path / "tok")))
    assert first["ids"] == second["ids"]


@each_method
def test_saved_and_loaded_it_gives_the_same(method: str, tmp_path: Path) -> None:
    stage = Tokenize.of(method, store=Store(str(tmp_path / "tok")))
    while_learning = run([*CORPUS, *NASTY.values()], stage)
    loaded = run([*CORPUS, *NASTY.values()], Tokenize.load(tmp_path / "tok"))
    assert records_of(loaded) == records_of(while_learning)
    assert loaded.lineage == while_learning.lineage


@each_method
def test_a_lineage_entry_restores_it(method: str, tmp_path: Path) -> None:
    stage = learned(method, tmp_path / "tok")
    restored = restore(stage.entry())
    due = records_of(run(NASTY.values(), Tokenize.load(tmp_path / "tok")))
    assert records_of(run(NASTY.values(), restored)) == due
    restored.copy_to(tmp_path / "copy")
    assert records_of(run(NASTY.values(), restore(stage.entry(), folder=tmp_path / "copy"))) == due


@each_method
def test_learning_twice_gives_the_same_artifact(method: str, tmp_path: Path) -> None:
    entries = [learned(method, tmp_path / name).entry() for name in ("first", "second")]
    assert entries[0].identity == entries[1].identity
    assert entries[0].sha256


@each_method
def test_special_tokens_have_the_first_ids(method: str, tmp_path: Path) -> None:
    vocabulary = learned(method, tmp_path / "tok").vocabulary
    assert vocabulary is not None
    assert vocabulary.tokens[: len(SPECIALS)] == list(SPECIALS)


@each_method
@pytest.mark.parametrize("texts", [[], ["", "  "]], ids=["no records", "empty texts"])
def test_nothing_to_learn_from_is_an_error(method: str, texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to learn a vocabulary from"):
        run(texts, Tokenize.of(method, store=Store(str(tmp_path / "tok"))))
    assert not (tmp_path / "tok").exists()


@each_method
def test_new_ids_replace_what_older_ones_left(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok")
    record = {"text": "the film", "ids": [99, 0], "mask": [1, 0], "type_ids": [0, 0], "mine": {"ids": [99]}}
    (out,) = records_of(run([record], Tokenize.load(tmp_path / "tok")))
    assert out["ids"] != [99, 0]
    assert out["mine"] == {"ids": [99]}
    assert not {"mask", "type_ids"} & out.keys()


def test_words_without_a_vocabulary_add_tokens_only() -> None:
    stream = run([{"text": "a b", "ids": [3]}], Tokenize.of("words"))
    (entry,) = stream.lineage.stages
    assert entry.sha256 is None
    assert records_of(stream) == [{"text": "a b", "tokens": ["a", "b"]}]
    assert records_of(run(["a b"], restore(entry))) == [{"text": "a b", "tokens": ["a", "b"]}]
