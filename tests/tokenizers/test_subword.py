"""What holds for every method that learns subwords: the library's own ids, special tokens, limits, the same bytes in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from textkit.errors import UsageError
from textkit.registry import TOKENIZERS
from textkit.tokenizers.huggingface import config_json
from textkit.tokenizers.vocabulary import SPECIALS

METHODS = ("wordpiece", "bpe", "byte-bpe", "unigram")
each_method = pytest.mark.parametrize("method", METHODS)
CORPUS = [
    "재밌게 봤다, 정말 재밌다",
    "안 봤다면 후회했을 영화",
    "unaffable and  unhappy",
    "The FILM was unwatchable! (don't)",
    "ΟΔΟΣ οδός\tcafé 3.14 👍🏽",
    "<s> [PAD] ▁ ##a",
] * 3
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"lowercase": True, "strip_accents": True},
    {"normalize": "nfkc", "add_special": ("<sep>", "<한 국>")},
    {"normalize": "nfd", "max_piece_length": 3},
    {"normalize": "none", "add_bos_eos": True},
)


def learn(method: str, corpus: list[str] = CORPUS, **config: Any) -> Any:
    cls = TOKENIZERS.find(method)
    whole = {} if method == "byte-bpe" else {"character_coverage": 1.0}
    tokenizer = cls(cls.Config(**{"vocab_size": 400, **whole, **config}))
    tokenizer.fit([pl.Series(corpus[:5], dtype=pl.String), pl.Series(corpus[5:], dtype=pl.String)])
    return tokenizer


def encode(tokenizer: Any, *texts: str) -> tuple[list[list[str]], list[list[int]]]:
    tokens, ids = tokenizer.encode(pl.Series(texts, dtype=pl.String))
    return tokens.to_list(), ids.to_list()


@pytest.fixture(scope="module", params=[(method, variant) for method in METHODS for variant in VARIANTS], ids=str)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Tokenizer]:
    method, variant = request.param
    learned = learn(method, **variant)
    file: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    file.write_text(learned.to_json(), encoding="utf-8")
    library = Tokenizer.from_file(str(file))
    library.encode_special_tokens = True  # a text that spells a special token is text
    return type(learned).load(learned.config, file), library


PARTS = [*CORPUS[:6], " ", "\u3000", ".", "봤", "\u0301", "un", "X", "▁", "\u1112\u1161\u11ab", "ﾊﾝ", "漢", "👩‍👩‍👧", "\x00", "\u0378", "<sep>"]


@given(st.lists(st.text(max_size=20) | st.lists(st.sampled_from(PARTS)).map("".join), max_size=4))
@settings(max_examples=30)
@example(["", "   ", "ΟΔΟΣ ΟΔΟΣ.", "unaffably\x00\x1c", "재" * 101, "[PAD] <s>", "\u0301a \u0301"])
def test_tokens_and_ids_are_those_of_the_library(both: tuple[Any, Tokenizer], texts: list[str]) -> None:
    learned, library = both
    tokens, ids = encode(learned, *texts)
    due = library.encode_batch(texts, add_special_tokens=False)
    assert ids == [encoding.ids for encoding in due]
    # of what is unknown, the library's Unigram gives the text
    assert tokens == [["[UNK]" if i == 1 else token for i, token in zip(encoding.ids, encoding.tokens, strict=True)] for encoding in due]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=5).map("".join))
@settings(max_examples=60)
@example("a  b")
@example(" a \n\nb  ")
@example("\u2028\u2028x ▁▁y ▁")
@each_method
def test_words_are_cut_for_learning_where_the_library_cuts_them(method: str, text: str) -> None:
    cls = TOKENIZERS.find(method)
    tokenizer = cls(cls.Config())
    found = tokenizer.words(pl.Series([text], dtype=pl.String))[0].to_list()
    due = [piece for piece, _ in tokenizer.pre_tokenizer().pre_tokenize_str(text)]
    if method == "byte-bpe":
        letters = sys.modules[cls.__module__].byte_characters()
        found = ["".join(letters[byte] for byte in word.encode()) for word in found]
    assert found == due


@each_method
def test_special_tokens_come_first_and_only_they_are_special(method: str) -> None:
    learned = learn(method, add_special=("<sep>", "<|end|>"))
    whole = json.loads(learned.to_json())
    first = [*SPECIALS, "<sep>", "<|end|>"]
    assert learned.vocabulary.tokens[: len(first)] == first
    assert [token["content"] for token in whole["added_tokens"]] == first
    assert all(token["special"] for token in whole["added_tokens"])
    assert len({*learned.vocabulary.tokens}) == len(learned.vocabulary) == learned.library().get_vocab_size()


@each_method
def test_a_text_that_spells_special_tokens_gets_none_of_their_ids(method: str) -> None:
    learned = learn(method, [*CORPUS, "<s> [PAD] [MASK] <sep>"] * 2, add_special=("<sep>",))
    _, (ids,) = encode(learned, "a <s> [PAD] [CLS]x</s> <sep>")
    assert {0, *range(2, len(SPECIALS) + 1)}.isdisjoint(ids)


@each_method
@pytest.mark.parametrize("token", ["sep", "[PAD]", "§", " <a>", ""])
def test_a_special_token_that_text_could_spell_is_refused(method: str, token: str) -> None:
    with pytest.raises(UsageError, match="special token"):
        learn(method, add_special=(token,))


@each_method
def test_the_ends_of_a_text_are_marked_where_it_is_asked_for(method: str) -> None:
    learned = learn(method, add_bos_eos=True)
    tokens = learned.library().encode("the film").tokens
    assert (tokens[0], tokens[-1]) == ("<s>", "</s>")
    assert tokens[1:-1] == learned.library().encode("the film", add_special_tokens=False).tokens
    assert "<s>" not in learn(method).library().encode("the film").tokens


@each_method
def test_decomposed_hangul_is_composed_and_not_taken_apart(method: str) -> None:
    learned = learn(method)
    text = "재밌게 봤다"
    composed, decomposed = encode(learned, text, unicodedata.normalize("NFD", text))[1]
    assert composed == decomposed
    assert learned.library().decode(composed) == text
    assert not any("\u1100" <= character <= "\u11ff" for token in learned.vocabulary.tokens for character in token)


@each_method
def test_the_size_is_a_limit_that_a_small_corpus_does_not_reach(method: str) -> None:
    small, tight = learn(method, vocab_size=8000), learn(method, vocab_size=280)
    assert len(small.vocabulary) < 600
    assert len(tight.vocabulary) <= 280


@each_method
@pytest.mark.parametrize("corpus", [["x"], ["a b", "", "c"], ["한"], ["ab" * 30_000], ["\x00"], ["aaaaaaa"] * 5])
def test_tiny_and_odd_corpora_are_learned_from(method: str, corpus: list[str]) -> None:
    learned = learn(method, corpus)
    (ids,) = encode(learned, corpus[0])[1]
    assert ids
    assert 1 not in ids or method == "wordpiece"  # a word of more than 100 characters is [UNK] there


@each_method
@pytest.mark.parametrize("corpus", [[], [""]])
def test_of_nothing_only_special_tokens_come(method: str, corpus: list[str]) -> None:
    assert learn(method, corpus).vocabulary.tokens == list(SPECIALS)


@each_method
def test_an_alphabet_larger_than_the_size_is_kept_whole(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    learned = learn(method, vocab_size=10)
    assert "more than --vocab-size 10" in capsys.readouterr().err
    assert "[UNK]" not in encode(learned, CORPUS[0])[0][0]


LEARN = """
import sys, polars as pl
from textkit.registry import TOKENIZERS
cls = TOKENIZERS.find(sys.argv[1])
texts = pl.Series(sys.stdin.buffer.read().decode().split("\\n"))
if sys.argv[2] == "1":
    texts = texts.reverse()
learned = cls(cls.Config(vocab_size=1200))
learned.fit([texts[:1000], texts[1000:]])
sys.stdout.buffer.write(learned.to_json().encode())
"""


@each_method
def test_every_process_learns_the_same_bytes(method: str, corpora: Path) -> None:
    """The library's trainers do not: of WordPiece the ids, of Unigram the scores differ from run to run."""
    corpus = b"\n".join((corpora / name).read_bytes() for name in ("reviews_ko_test.tsv", "reviews_en_test.tsv"))
    learned = {
        subprocess.run(
            [sys.executable, "-c", LEARN, method, seed],
            input=corpus,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "RAYON_NUM_THREADS": threads,
                "POLARS_MAX_THREADS": threads,
                "TOKENIZERS_PARALLELISM": parallel,
            },
        ).stdout
        for seed, threads, parallel in (("0", "1", "false"), ("1", "2", "true"), ("2", "4", "true"))
    }
    assert len(learned) == 1
    assert len(json.loads(learned.pop())["model"]["vocab"]) == 1200


@each_method
def test_transformers_gives_the_same_ids(method: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    learned = learn(method)
    (tmp_path / "tokenizer.json").write_text(learned.to_json(), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(config_json([]), encoding="utf-8")
    theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    for text in (*CORPUS[:5], "an unseen filming 봤어"):
        assert theirs(text, add_special_tokens=False)["input_ids"] == encode(learned, text)[1][0]
