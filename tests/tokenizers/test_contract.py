"""What every tokenizer of the registry must do."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.making import records_of, run
from textkit.artifacts.store import Store
from textkit.errors import InputError, UsageError
from textkit.registry import TOKENIZERS
from textkit.stage import restore
from textkit.tokenizers.splitting import Split
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.vocabulary import SPECIALS, UNK

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
METHODS = [name for name in TOKENIZERS if name != "pretrained" and (name != "morphs" or find_spec("kiwipiepy"))]  # that one learns nothing
each_method = pytest.mark.parametrize("method", METHODS)


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
    assert out[0]["ids"] == []


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
@pytest.mark.parametrize("texts", [[], ["", ""]], ids=["no records", "empty texts"])
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


@pytest.mark.parametrize("method", [name for name in METHODS if not TOKENIZERS.find(name).must_learn])
def test_without_a_vocabulary_it_adds_tokens_only(method: str) -> None:
    stream = run([{"text": "ab", "ids": [3]}], Tokenize.of(method))
    (entry,) = stream.lineage.stages
    assert entry.sha256 is None
    (record,) = due = records_of(stream)
    assert record.keys() == {"text", "tokens"}
    assert "".join(record["tokens"]) == "ab"
    assert records_of(run(["ab"], restore(entry))) == due


# What the tokenizers library makes of a tokenizer's file

FORMS = ("nfc", "nfkc", "nfd", "none")
COMBINATIONS = [
    dict(zip(("normalize", "lowercase", "strip_accents"), values, strict=True)) for values in itertools.product(FORMS, (False, True), (False, True))
]
PIECES = [
    *("the film", "Don't", "x_1", "3.14", "ΟΔΟΣ", "İ", "ﬁ", "Å", "é", "e\u0301", "½", "²", "_", "▁", "Ġ", "##a", "##"),
    *("재밌게 봤다", "\u1112\u1161\u11ab", "각\u11a8", "\u1100", "ㅋㅋ", "\uffa1\uffc2", "大韓民國", "映画。", "한", "글ㅏ"),
    *("👩‍👩‍👧‍👦", "👍🏽", "🏽", "🇰🇷", "🇰", "❤️‍🔥", "1️⃣", "\u200d", "\u200c", "\ufe0f", "\u0301", "\u302e", "मन्", "น้ำ", "ｶﾞ"),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\u3000",
        "\xa0",
        "\u2028",
        "\x85",
        "\x1c",
        "\x00",
        "\x07",
        "\u200b",
        "\ufeff",
        "\u0378",
        "\U000e0041",
        "\ue000",
    ),
    *("?!", "...", "~", "'", "’", "-", "[", "]", "<s>", "[PAD]", "[UNK]", "</s>", "<user>", "<", ">", "/"),
]
TEXTS = st.text(max_size=12) | st.lists(st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs"]), max_size=8).map("".join)
LEARNED = pl.Series("text", [*PIECES, " ".join(PIECES), "".join(PIECES), *CORPUS] * 2)


def fitted(method: str, **given: Any) -> Any:
    tokenizer_class = TOKENIZERS.find(method)
    tokenizer = tokenizer_class(tokenizer_class.Config(**given))
    tokenizer.fit([LEARNED])
    return tokenizer


def opened(tokenizer: Any) -> Tokenizer:
    library = Tokenizer.from_str(tokenizer.to_json())
    library.encode_special_tokens = True  # a text that spells a special token is text
    return library


class Learned(list[tuple[Any, Tokenizer]]):
    """A method's tokenizers, one for each combination of settings, and what the library makes of them."""

    def __init__(self, method: str) -> None:
        tokenizers = [fitted(method, **combination, add_special=("<user>",)) for combination in COMBINATIONS]
        super().__init__((tokenizer, opened(tokenizer)) for tokenizer in tokenizers)
        self.method = method

    def __repr__(self) -> str:  # theirs would bury what a failure says
        return self.method


@pytest.fixture(scope="module", params=METHODS)
def combinations(request: pytest.FixtureRequest) -> Learned:
    return Learned(request.param)


def known(tokens: list[list[str]], ids: list[list[int]]) -> list[list[str]]:
    """The tokens, but for those that the vocabulary lacks: the library shows text or [UNK] for them, as the model has it."""
    return [["[UNK]" if i == UNK else token for token, i in zip(*row, strict=True)] for row in zip(tokens, ids, strict=True)]


@given(st.lists(TEXTS, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(["", " ", "\t \u3000\n", "a" * 3000, "한" * 3000, "각\u0301" * 300, " " * 3000])
@example(["\u0301", "\u0301\u0301a \u0301", "x\u0323\u0301", "\u200d\u200d🏽", "🇰🇷🇰", "ΟΔΟΣ ΟΔΟΣ."])
@example(["<s> [PAD][UNK]", "[PAD]", "</s>", "<user> [MASK]", "a<s>b", "[UNK] x [UNK]", "<user>"])
@example(["\u1100\u1161\u11a8\u11a8", "가\u11a8", "\ua960\u1161", "\u1161\u1161", "가\u1161", "\u115f\u1160", "\ud7b0\ud7cb"])
@example(["\x00a\x07", "\x1c\x85", "a\ufeffb", "\u0378\U000e0041", "\ufffe\uffff", "\U0010ffff"])
def test_tokens_and_ids_are_those_of_the_library(combinations: Learned, texts: list[str]) -> None:
    for tokenizer, library in combinations:
        tokens, ids = tokenizer.encode(pl.Series("text", texts, dtype=pl.String))
        assert (len(tokens), tokens.dtype, ids.dtype) == (len(texts), pl.List(pl.String), pl.List(pl.Int32))
        given = [" ".join(row) for row in tokens] if combinations.method == "morphs" else texts  # its file takes text that is analysed
        due = library.encode_batch(given, add_special_tokens=False)
        assert ids.to_list() == [encoding.ids for encoding in due]
        assert known(tokens.to_list(), ids.to_list()) == known([encoding.tokens for encoding in due], ids.to_list())
        if not isinstance(tokenizer, Split):  # those keep the text of what is unknown
            assert {token for row, ids_ in zip(tokens, ids, strict=True) for token, i in zip(row, ids_, strict=True) if i == UNK} <= {"[UNK]"}
        assert {0, 2, 3, 4, 5, 6, 7}.isdisjoint(ids.explode().to_list())


@each_method
def test_its_object_of_the_library_is_its_file(method: str) -> None:
    tokenizer = fitted(method)
    if method == "morphs":
        with pytest.raises(UsageError, match="not parts of the text"):
            tokenizer.library()
        return
    texts = [*PIECES, "".join(PIECES)]
    due = opened(tokenizer).encode_batch(texts, add_special_tokens=False)
    found = tokenizer.library().encode_batch(texts, add_special_tokens=False)
    assert [(each.ids, each.offsets) for each in found] == [(each.ids, each.offsets) for each in due]


@each_method
def test_saved_and_loaded_it_is_the_same(method: str, tmp_path: Path) -> None:
    settings = {"normalize": "nfkc", "lowercase": True, "strip_accents": True, "add_special": ("<user>",), "add_bos_eos": True}
    tokenizer = fitted(method, **settings)
    file = tmp_path / "tokenizer.json"
    file.write_text(tokenizer.to_json() + "\n", encoding="utf-8")
    loaded = type(tokenizer).load(tokenizer.config, file)
    assert loaded.vocabulary.tokens == tokenizer.vocabulary.tokens
    assert loaded.to_json() == tokenizer.to_json()
    assert [column.to_list() for column in loaded.encode(LEARNED)] == [column.to_list() for column in tokenizer.encode(LEARNED)]


@each_method
def test_special_tokens_stand_first_and_the_file_puts_marks_around_a_text(method: str) -> None:
    tokenizer = fitted(method, add_special=("<user>", "<bot>"), add_bos_eos=True)
    assert tokenizer.vocabulary.tokens[:9] == [*SPECIALS, "<user>", "<bot>"]
    library = opened(tokenizer)
    assert library.encode("", add_special_tokens=True).ids == [5, 6]
    one, other = (library.encode(text, add_special_tokens=False).ids for text in ("the", "x"))
    assert library.encode("the", "x").ids == [5, *one, 6, 5, *other, 6]


@each_method
@pytest.mark.parametrize(("special", "problem"), [("<s>", "is there already"), ("x", "could spell it")])
def test_a_special_token_that_is_none_is_refused(method: str, special: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        fitted(method, add_special=(special,))


@each_method
def test_texts_without_any_record_are_no_texts(method: str) -> None:
    tokens, ids = fitted(method).encode(pl.Series("text", [], dtype=pl.String))
    assert (tokens.to_list(), ids.to_list()) == ([], [])


DIGESTS = """
import hashlib
from tests.tokenizers.test_contract import METHODS, fitted
for method in METHODS:
    print(method, hashlib.sha256(fitted(method).to_json().encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def elsewhere() -> list[dict[str, str]]:
    """What each method learns in other processes, where sets have another order and the libraries other numbers of threads."""
    others = [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    ]
    done = [subprocess.run([sys.executable, "-c", DIGESTS], env=os.environ | other, capture_output=True, text=True, check=True) for other in others]
    return [dict(line.split() for line in each.stdout.splitlines()) for each in done]


@each_method
def test_every_process_learns_the_same_bytes(method: str, elsewhere: list[dict[str, str]]) -> None:
    digest = hashlib.sha256(fitted(method).to_json().encode()).hexdigest()
    assert [digests[method] for digests in elsewhere] == [digest, digest]


@each_method
def test_a_saved_one_tells_other_programs_which_tokens_are_special(method: str, tmp_path: Path) -> None:
    learned(method, tmp_path / "tok")
    told = json.loads((tmp_path / "tok" / "tokenizer_config.json").read_text(encoding="utf-8"))
    roles = ("pad", "unk", "cls", "sep", "mask", "bos", "eos")
    theirs = Tokenizer.from_file(str(tmp_path / "tok" / "tokenizer.json"))
    assert [theirs.token_to_id(told[f"{role}_token"]) for role in roles] == [*range(7)]
