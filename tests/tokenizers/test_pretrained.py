"""Tokenizers of other programs: the ids of the library, whatever the file; what is no tokenizer is one clear line."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.implementations import BertWordPieceTokenizer

from tests.conftest import Textkit
from tests.making import records_of, run
from textkit.errors import InputError, UsageError
from textkit.stage import restore
from textkit.tokenizers.huggingface import read_vocabulary
from textkit.tokenizers.pretrained import Pretrained
from textkit.tokenizers.stage import Tokenize

CORPUS = ["the film was great, the film was fun", "재밌게 봤다 정말 재밌다", "a café of the 90s: 漢字 👍🏽", "unaffable, unwanted running"] * 3
TEXTS = [
    *CORPUS[:4],
    "",
    " \t ",
    "[MASK] <s> <|endoftext|>",
    "x\x00y\u2028z\x1b",
    unicodedata.normalize("NFD", "재밌게 café"),
    "Q" * 300,
    "UPPER the Film",
]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "great", "un", "##aff", "##able", ",", "##s", "a", "cafe", "was", "fun"]


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=["<pad>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def word_level() -> Tokenizer:
    """Ids with gaps, tokens that were added to the model's, and settings that cut off and fill up."""
    tokenizer = Tokenizer(models.WordLevel({"the": 0, "film": 9, "<unk>": 3, "재밌게": 12}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<pad>"])
    tokenizer.add_tokens(["great", "film"])
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(pad_id=4, pad_token="<pad>", length=9)
    tokenizer.post_processor = processors.TemplateProcessing(single="<pad> $A", special_tokens=[("<pad>", 4)])
    return tokenizer


MAKERS = {"byte-level": byte_level, "unigram": unigram, "word-level": word_level}
each = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder of each tokenizer.json, one of GPT-2's two files, and vocab.txt."""
    folder = tmp_path_factory.mktemp("foreign")
    for name, make in MAKERS.items():
        (folder / name).mkdir()
        make().save(str(folder / name / "tokenizer.json"))
    (folder / "gpt2").mkdir()
    byte_level().model.save(str(folder / "gpt2"))
    (folder / "vocab.txt").write_text("\n".join(BERT) + "\n", encoding="utf-8")
    return folder


def library(file: Path) -> Tokenizer:
    """The oracle: as the library reads it, whole records, special tokens in a text as text."""
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def same(stage: Tokenize, oracle: Tokenizer, texts: list[str]) -> None:
    due = oracle.encode_batch(texts, add_special_tokens=False)
    found = records_of(run(texts, stage))
    assert [record["ids"] for record in found] == [one.ids for one in due]
    assert [record["tokens"] for record in found] == [[oracle.id_to_token(i) for i in one.ids] for one in due]


@each
@pytest.mark.parametrize("what", ["file", "folder"])
def test_ids_are_the_librarys(files: Path, name: str, what: str) -> None:
    file = files / name / "tokenizer.json"
    same(Tokenize.load(file if what == "file" else files / name), library(file), TEXTS)


@settings(max_examples=40)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_ids_are_the_librarys_on_any_text(files: Path, texts: list[str]) -> None:
    for name in MAKERS:
        file = files / name / "tokenizer.json"
        same(Tokenize.load(file), library(file), texts)


@each
def test_the_vocabulary_is_the_librarys(files: Path, name: str) -> None:
    oracle = library(files / name / "tokenizer.json")
    ids = oracle.get_vocab()
    due: list[str | None] = [None] * (max(ids.values()) + 1)
    for token, i in ids.items():
        due[i] = token
    assert read_vocabulary(files / name / "tokenizer.json") == due
    vocabulary = Tokenize.load(files / name).vocabulary
    assert vocabulary is not None
    assert vocabulary.column.to_list() == due


def test_added_tokens_get_the_ids_that_the_library_gives_them(tmp_path: Path) -> None:
    """Whatever the file says: the ones after the model's."""
    tokenizer = word_level()
    tokenizer.add_tokens(["more", "and more"])
    found = json.loads(tokenizer.to_str())
    for place, token in enumerate(found["added_tokens"]):
        token["id"] = 90 - place
    (tmp_path / "tokenizer.json").write_text(json.dumps(found))
    ids = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab()
    assert {token: i for i, token in enumerate(read_vocabulary(tmp_path / "tokenizer.json")) if token is not None} == ids


@pytest.mark.parametrize(
    ("name", "pad", "unk"), [("byte-level", "<|endoftext|>", None), ("unigram", "<pad>", "<unk>"), ("word-level", "<pad>", "<unk>")]
)
def test_padding_and_unknown_by_their_roles(files: Path, name: str, pad: str | None, unk: str | None) -> None:
    vocabulary = Tokenize.load(files / name).vocabulary
    assert vocabulary is not None
    found = [None if i is None else vocabulary.tokens[i] for i in (vocabulary.pad_id, vocabulary.unk_id)]
    assert found == [pad, unk]


def test_gpt2s_two_files_make_the_same_tokenizer(files: Path) -> None:
    same(Tokenize.load(files / "gpt2"), library(files / "byte-level" / "tokenizer.json"), TEXTS)
    same(Tokenize.load(files / "gpt2" / "vocab.json"), library(files / "byte-level" / "tokenizer.json"), TEXTS)


@pytest.mark.parametrize("more", [{}, {"do_lower_case": False}, {"do_lower_case": True, "strip_accents": False}, {"tokenize_chinese_chars": False}])
@pytest.mark.parametrize("pieces", [BERT, [*BERT, "Film"]], ids=["uncased", "cased"])
def test_a_vocab_txt_is_the_librarys_bert_tokenizer(tmp_path: Path, more: dict[str, Any], pieces: list[str]) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **more}))
    said = {"lowercase": more.get("do_lower_case", pieces is BERT), "strip_accents": more.get("strip_accents")}
    chinese = more.get("tokenize_chinese_chars", True)
    vocabulary = str(tmp_path / "vocab.txt")
    oracle = BertWordPieceTokenizer.from_file(vocabulary, handle_chinese_chars=chinese, **said)
    texts = [text for text in TEXTS if "[MASK]" not in text]
    due = [one.ids for one in oracle.encode_batch(texts, add_special_tokens=False)]
    assert [record["ids"] for record in records_of(run(texts, Tokenize.load(tmp_path)))] == due
    assert [record["ids"] for record in records_of(run(texts, Tokenize.load(vocabulary)))] == due


def test_hangul_stays_whole_where_the_pieces_are_syllables(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[UNK]\n영화\n##다\n", encoding="utf-8")
    (record,) = records_of(run(["영화 영화다"], Tokenize.load(tmp_path / "vocab.txt")))
    assert record["tokens"] == ["영화", "영화", "##다"]


def test_special_tokens_in_a_text_are_text(files: Path) -> None:
    (record,) = records_of(run(["a<|endoftext|>b"], Tokenize.load(files / "byte-level")))
    assert "<|endoftext|>" not in record["tokens"]


@each
def test_a_lineage_restores_it_without_the_file(files: Path, name: str, tmp_path: Path) -> None:
    stage = Tokenize.load(files / name)
    again = Tokenize.load(files / name / "tokenizer.json")
    assert stage.entry().identity == again.entry().identity
    due = records_of(run(TEXTS, stage))
    assert records_of(run(TEXTS, restore(stage.entry()))) == due
    stage.copy_to(tmp_path / "copy")
    assert (tmp_path / "copy" / "tokenizer.json").read_bytes() == (files / name / "tokenizer.json").read_bytes()
    assert records_of(run(TEXTS, Tokenize.load(tmp_path / "copy"))) == due


def test_a_text_that_the_model_cannot_cut_is_a_bad_record(textkit: Textkit) -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0}))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(textkit.folder / "tokenizer.json"))
    told = textkit("tokenize", "--load", "tokenizer.json", stdin="a\na b\n", code=3).stderr
    assert "has nothing for some of the text 'a b'" in told
    done = textkit("tokenize", "--load", "tokenizer.json", "--on-error", "skip", "--no-lineage", stdin="a\na b\na a\n")
    assert [json.loads(line)["ids"] for line in done.stdout.splitlines()] == [[0], [0, 0]]


def test_it_is_never_learned() -> None:
    with pytest.raises(UsageError, match="loaded, not learned; give --load a tokenizer"):
        Tokenize.of("pretrained")


def test_the_command_learns_nothing(textkit: Textkit) -> None:
    for more in ([], ["--save", "tok"]):
        told = textkit("tokenize", "--method", "pretrained", *more, stdin="a\n", code=2).stderr
        assert "loaded, not learned" in told


def test_a_chain_of_processes_and_a_bundle(textkit: Textkit, files: Path, made: Path) -> None:
    reviews = made / "reviews.tsv"
    train = "textkit pad --length 6 | textkit train classify --arch logreg --save model"
    script = f"textkit tokenize --load {files}/word-level/tokenizer.json {reviews} | {train}"
    told = textkit.shell(script).stderr
    assert told.count("truncation and padding switched off") == 1
    assert (textkit.folder / "model/stages/0-tokenize/tokenizer.json").is_file()
    assert len(textkit("predict", "model", reviews).stdout.splitlines()) == 40


def test_padding_without_a_token_for_it_says_what_it_takes(textkit: Textkit) -> None:
    Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?")).save(str(textkit.folder / "tokenizer.json"))
    done = textkit.shell("printf 'a\\n' | textkit tokenize --load tokenizer.json | textkit pad --length 2")
    assert "no token for padding: filling with id 0" in done.stderr
    assert '"ids":[0,0],"mask":[1,0]' in done.stdout


def write(folder: Path, name: str, data: str | bytes) -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / name


BAD: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("tokenizer.json", "", "not a tokenizer.json"),
    "damaged": ("tokenizer.json", '{"version":"1.0",', "not a tokenizer.json"),
    "a list": ("tokenizer.json", "[]", "not a tokenizer.json"),
    "no model": ("tokenizer.json", '{"version":"1.0"}', "not a tokenizer.json"),
    "another version": ("tokenizer.json", '{"version":"9.0","model":{}}', "Unknown tokenizer version '9.0'"),
    "nested": ("tokenizer.json", "[" * 100_000, "not a tokenizer.json"),
    "binary": ("tokenizer.json", b"\x80\x04\x95", "is binary"),
    "huge ids": (
        "tokenizer.json",
        '{"version":"1.0","model":{"type":"WordLevel","unk_token":"a","vocab":{"a":4294967295}}}',
        "vocabulary is damaged",
    ),
    "another JSON": ("config.json", '{"hidden_size": 3}', "not a tokenizer.json"),
    "sentencepiece": ("spiece.model", b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02", "no tokenizer that textkit reads"),
    "pickle": ("tok.bin", b"\x80\x04\x95", "no tokenizer that textkit reads"),
    "a text": ("vocab.txt", "the\nfilm\n", "no line [UNK]"),
    "a binary text": ("vocab.txt", b"\xff\xfe\x00", "is binary"),
    "only half": ("vocab.json", '{"a":0}', "merges.txt is missing"),
    "folder of other things": ("model/config.json", "{}", "holds no tokenizer"),
    "folder of sentencepiece": ("model/spiece.model", b"\n", "makes a tokenizer.json of it"),
    "folder with half": ("model/vocab.json", '{"a":0}', "merges.txt is missing"),
    "folder with a damaged file": ("model/tokenizer.json", "{", "not a tokenizer.json"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_tokenizer_is_one_line(case: str, tmp_path: Path) -> None:
    name, data, due = BAD[case]
    file = write(tmp_path, name, data)
    with pytest.raises(InputError) as caught:
        Tokenize.load(file.parent if "/" in name else file)
    assert due in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "/.new-" not in str(caught.value)  # of the file that was given, not of our copy
    assert len(str(caught.value)) < 600


def test_vocabulary_and_merges_that_do_not_fit(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.model.save(str(tmp_path))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nqq zz\n")
    with pytest.raises(InputError, match="damaged or do not fit each other"):
        Tokenize.load(tmp_path)
    (tmp_path / "vocab.json").write_text('{"low</w>": 0}')
    with pytest.raises(InputError, match="not of GPT-2's or RoBERTa's kind"):
        Tokenize.load(tmp_path)


def test_a_folder_of_another_artifact_and_one_that_is_not_there(made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a bundle, and a tokenizer is needed here"):
        Tokenize.load(made / "model")
    with pytest.raises(InputError, match="no such file or folder"):
        Tokenize.load(tmp_path / "gone")


def test_its_json_is_the_file(files: Path) -> None:
    file = files / "unigram" / "tokenizer.json"
    assert Pretrained.load(Pretrained.Config(), file).to_json() == file.read_text(encoding="utf-8").removesuffix("\n")


@settings(max_examples=60)
@given(place=st.floats(0, 1), byte=st.integers(0, 255), end=st.booleans())
def test_damaged_files_are_told_of_and_never_crash(files: Path, tmp_path_factory: pytest.TempPathFactory, place: float, byte: int, end: bool) -> None:
    data = bytearray((files / "word-level" / "tokenizer.json").read_bytes())
    at = min(len(data) - 1, int(place * len(data)))
    damaged = bytes(data[:at]) if end else bytes(data[:at]) + bytes([byte]) + bytes(data[at + 1 :])
    file = tmp_path_factory.mktemp("damaged") / "tokenizer.json"
    file.write_bytes(damaged)
    try:
        records_of(run(["the film"], Tokenize.load(file)))
    except InputError as error:
        assert str(error)


def test_dropout_is_off_and_why_is_said(textkit: Textkit) -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")], dropout=0.5))
    tokenizer.save(str(textkit.folder / "tokenizer.json"))
    done = textkit("tokenize", "--load", "tokenizer.json", "--no-lineage", stdin="ab\n" * 50)
    assert {json.loads(line)["ids"][0] for line in done.stdout.splitlines()} == {2}
    assert "dropout switched off: the same text gives the same ids\n" in done.stderr


def test_a_pattern_that_takes_too_many_attempts_is_an_error_of_the_record(textkit: Textkit) -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("(a+)+$"), "isolated")
    tokenizer.save(str(textkit.folder / "tokenizer.json"))
    told = textkit("tokenize", "--load", "tokenizer.json", stdin="a\n" + "a" * 40 + "b\n", code=3).stderr
    assert "the tokenizer has nothing for some of the text 'aaaa" in told
    assert "Traceback" not in told
