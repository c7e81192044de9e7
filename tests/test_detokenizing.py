"""`detokenize`: ids and tokens back to text, and the share of texts that come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.conftest import Textkit
from tests.making import records_of, run, stream_of
from textkit.artifacts.store import Store
from textkit.detokenizing import Detokenize, round_trip
from textkit.errors import InputError, LineageError
from textkit.padding import Pad
from textkit.registry import TOKENIZERS
from textkit.stage import Stage, connect, restore
from textkit.streams.lineage import Lineage
from textkit.tokenizers.index import Index
from textkit.tokenizers.stage import Tokenize

TEXTS = ["the film was great", "재밌게 봤다 정말", "the the film", ""] * 3


@pytest.fixture(scope="module")
def toks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with words, wordpiece, and bytes: a byte-level tokenizer.json of another program."""
    folder = tmp_path_factory.mktemp("toks")
    for method in ("words", "wordpiece"):
        run(TEXTS, Tokenize.of(method, TOKENIZERS.find(method).Config(min_frequency=1), Store(str(folder / method))))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=["<pad>"], show_progress=False))
    (folder / "bytes").mkdir()
    tokenizer.save(str(folder / "bytes" / "tokenizer.json"))
    return folder


def outputs(records: Any, *stages: Stage) -> list[str]:
    return [record["output"] for record in records_of(run(records, *stages))]


@pytest.mark.parametrize("name", ["words", "wordpiece", "bytes"])
def test_texts_come_back(toks: Path, name: str) -> None:
    assert outputs(TEXTS, Tokenize.load(toks / name), Detokenize()) == TEXTS


@settings(max_examples=40)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_text_comes_back_from_bytes(toks: Path, texts: list[str]) -> None:
    assert outputs(texts, Tokenize.load(toks / "bytes"), Detokenize()) == texts


@pytest.mark.parametrize("name", ["wordpiece", "bytes"])
def test_ids_are_decoded_as_the_library_does(toks: Path, name: str) -> None:
    oracle = Tokenizer.from_file(str(toks / name / "tokenizer.json"))
    ids = [list(range(start, oracle.get_vocab_size(), 7)) for start in range(20)]
    for skip in (True, False):
        due = oracle.decode_batch([[i for i in row if i != 0] for row in ids], skip_special_tokens=skip)  # 0 is padding
        assert outputs([{"ids": row} for row in ids], Detokenize(Tokenize.load(toks / name), skip)) == due


@pytest.mark.parametrize("name", ["words", "wordpiece", "bytes"])
def test_tokens_alone_are_joined_as_their_ids_are(toks: Path, name: str) -> None:
    stream = run(TEXTS, Tokenize.load(toks / name))
    stream = connect(stream.map(lambda batch: batch.drop(["ids"])), Detokenize())
    assert [record["output"] for record in records_of(stream)] == TEXTS


def test_words_without_a_vocabulary() -> None:
    assert outputs(["Hello,  world!"], Tokenize.of("words"), Detokenize()) == ["Hello , world !"]


@pytest.mark.parametrize("side", ["post", "pre"])
def test_padding_is_left_out(toks: Path, side: str) -> None:
    padded = run(TEXTS, Tokenize.load(toks / "words"), Pad(Pad.Config(6, pad=side)))  # type: ignore[arg-type]
    records = records_of(connect(padded, Detokenize(skip_special=False)))
    assert [record["output"] for record in records] == TEXTS
    without_mask = [{"ids": record["ids"]} for record in records]
    assert outputs(without_mask, Detokenize(Tokenize.load(toks / "words"), skip_special=False)) == TEXTS


def test_the_mask_tells_padding_from_a_token_of_the_same_id(toks: Path) -> None:
    record = {"ids": [0, 7, 0], "mask": [1, 1, 0]}
    stage = Tokenize.load(toks / "words")
    assert stage.vocabulary is not None
    assert outputs([record], Detokenize(stage, skip_special=False)) == [f"[PAD] {stage.vocabulary.tokens[7]}"]


def test_special_tokens_are_left_out_or_kept(toks: Path) -> None:
    record = {"ids": [5, 7, 6]}
    token = Tokenize.load(toks / "words").vocabulary.tokens[7]  # type: ignore[union-attr]
    assert outputs([record], Detokenize(Tokenize.load(toks / "words"))) == [token]
    assert outputs([record], Detokenize(Tokenize.load(toks / "words"), skip_special=False)) == [f"<s> {token} </s>"]


def test_ids_of_an_index() -> None:
    stream = run(["b a", "a b a"], Tokenize.of("words"), Index(Index.Config(min_frequency=1)))
    stream = connect(stream.map(lambda batch: batch.drop(["tokens"])), Detokenize())
    assert [record["output"] for record in records_of(stream)] == ["b a", "a b a"]


@pytest.mark.parametrize("bad", [999_999, -1])
def test_an_id_that_nobody_has_is_a_bad_record(toks: Path, bad: int) -> None:
    with pytest.raises(InputError, match=rf"<test>:2: id {bad} is not in the vocabulary of \d+ tokens"):
        outputs([{"ids": [7]}, {"ids": [7, bad, 5]}], Detokenize(Tokenize.load(toks / "words")))


def test_ids_in_a_gap_are_bad(tmp_path: Path) -> None:
    Tokenizer(models.WordLevel({"a": 0, "b": 5}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="id 3 is not in the vocabulary of 2 tokens"):
        outputs([{"ids": [3]}], Detokenize(Tokenize.load(tmp_path)))


@pytest.mark.parametrize("record", [{"ids": [7]}, {"tokens": ["a"]}])
def test_ids_and_tokens_of_unknown_origin_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(LineageError, match="nothing tells which tokenizer made the tokens; name the tokenizer with --load"):
        outputs([record], Detokenize())


def test_ids_of_another_vocabulary_are_refused(toks: Path) -> None:
    with pytest.raises(LineageError, match="and not of tokenize wordpiece"):
        outputs(TEXTS, Tokenize.load(toks / "words"), Detokenize(Tokenize.load(toks / "wordpiece")))
    with pytest.raises(LineageError, match="the ids are of an unknown vocabulary"):
        outputs([{"ids": [3]}], Detokenize(Tokenize.of("words")))


def test_a_record_without_tokens_is_told_of(toks: Path) -> None:
    for stage in (Detokenize(), Detokenize(Tokenize.load(toks / "words"))):
        with pytest.raises(InputError, match="the record has no 'tokens'; run textkit tokenize first"):
            outputs(["a text"], stage)


def test_a_lineage_restores_it(toks: Path, tmp_path: Path) -> None:
    record = {"ids": [5, 7]}
    stage = Detokenize(Tokenize.load(toks / "words"), skip_special=False)
    due = outputs([record], stage)
    assert outputs([record], restore(stage.entry())) == due
    stage.copy_to(tmp_path / "copy")
    assert outputs([record], restore(stage.entry(), folder=tmp_path / "copy")) == due
    skipping = Detokenize(Tokenize.load(toks / "words"))
    assert Lineage((stage.entry(),)) != Lineage((skipping.entry(),))


def test_the_round_trip_is_counted_exactly_and_up_to_white_space() -> None:
    texts = ["one two", "one  two", "e\u0301t\u00e9", "x,y"]
    detokenize = Detokenize()
    trip = round_trip(connect(run(texts, Tokenize.of("words")), detokenize), detokenize)
    # as composed text the third comes back; of the others white space is lost or comes in
    assert (trip.records, trip.exact, trip.spaced) == (4, 2, 4)
    assert [(one["text"], one["output"]) for one in trip.differing] == [("one  two", "one two"), ("x,y", "x , y")]


def test_words_that_are_unknown_do_not_come_back(toks: Path) -> None:
    detokenize = Detokenize()
    trip = round_trip(connect(run(["the film", "the zebra"], Tokenize.load(toks / "words")), detokenize), detokenize)
    assert (trip.exact, trip.spaced) == (1, 1)
    assert trip.to_json() == {
        "records": 2,
        "exact": 0.5,
        "up_to_white_space": 0.5,
        "differing": [{"position": "<test>:2", "text": "the zebra", "output": "the"}],
    }


def test_a_lower_casing_tokenizer_owes_lower_case(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[UNK]\nthe\nfilm\n", encoding="utf-8")
    detokenize = Detokenize()
    trip = round_trip(connect(run(["The Film"], Tokenize.load(tmp_path / "vocab.txt")), detokenize), detokenize)
    assert trip.exact == 1


def test_no_records_and_lists_of_none(toks: Path) -> None:
    assert outputs([], Detokenize()) == []
    stream = connect(stream_of([{"ids": []}]), Detokenize(Tokenize.load(toks / "bytes")))
    (batch,) = stream.batches
    assert batch.frame["output"].dtype == pl.String
    assert batch.frame["output"].to_list() == [""]


def test_the_pipe_of_a_shell(textkit: Textkit, toks: Path) -> None:
    (textkit.folder / "in.txt").write_text("the film\n재밌게 봤다\n")
    for name in ("words", "wordpiece", "bytes/tokenizer.json"):
        script = f"textkit tokenize --load {toks}/{name} in.txt | textkit pad --length 9 | textkit detokenize --to text"
        assert textkit.shell(script).stdout == "the film\n재밌게 봤다\n"
    assert textkit.shell("textkit tokenize in.txt | textkit detokenize -o out.txt; cat out.txt").stdout == "the film\n재밌게 봤다\n"


def test_records_keep_what_they_had_and_get_no_header(textkit: Textkit, toks: Path) -> None:
    (textkit.folder / "in.jsonl").write_text('{"text":"the film","n":1e400,"output":"old"}\n')
    (line,) = textkit.shell(f"textkit tokenize --load {toks}/words in.jsonl | textkit detokenize").stdout.splitlines()
    assert '"n":1e400' in line
    assert json.loads(line)["output"] == "the film"
    lines = textkit.shell(f"textkit tokenize --load {toks}/words in.jsonl | textkit detokenize --lineage").stdout.splitlines()
    assert [stage["stage"] for stage in json.loads(lines[0])["textkit"]["stages"]] == ["tokenize", "detokenize"]
    pipe = textkit.shell(
        f"textkit tokenize --load {toks}/words in.jsonl | textkit detokenize --lineage --keep-special | textkit show --pipeline"
    ).stdout
    assert pipe == f"textkit tokenize --load {toks}/words | textkit detokenize --keep-special --lineage\n"


def test_bad_ids_stop_the_run_or_are_skipped(textkit: Textkit, toks: Path) -> None:
    (textkit.folder / "in.jsonl").write_text('{"ids":[7]}\n{"ids":[7,99999]}\n{"ids":"x"}\n')
    told = textkit("detokenize", "--load", toks / "words", "--limit", 2, stdin='{"ids":[7]}\n{"ids":[7,99999]}\n', code=3).stderr
    assert "<stdin>:2: id 99999 is not in the vocabulary" in told
    done = textkit("detokenize", "--load", toks / "words", "--reject", "bad.jsonl", "in.jsonl")
    assert len(done.stdout.splitlines()) == 1
    assert [json.loads(line)["position"] for line in (textkit.folder / "bad.jsonl").read_text().splitlines()] == ["in.jsonl:3", "in.jsonl:2"]


def test_check_prints_the_rate(textkit: Textkit, toks: Path) -> None:
    (textkit.folder / "in.txt").write_text("the film\nthe zebra\nthe  film\nthe film\n")
    tokenize = f"textkit tokenize --load {toks}/words in.txt"
    said = textkit.shell(f"{tokenize} | textkit detokenize --check").stdout.splitlines()
    assert said[0] == "4 records: 50.00 % came back exactly, 75.00 % up to white space"
    assert said[1:4] == ["<stdin>:3", "  text    'the zebra'", "  output  'the'"]
    found = json.loads(textkit.shell(f"{tokenize} | textkit detokenize --check --json").stdout)
    assert (found["records"], found["exact"], len(found["differing"])) == (4, 0.5, 2)
    assert (
        textkit.shell(f"textkit pipe 'tokenize --load {toks}/words | detokenize --check --json' in.txt").stdout
        == json.dumps(
            {**found, "differing": [{**one, "position": f"in.txt:{row}"} for one, row in zip(found["differing"], (2, 3), strict=True)]},
            ensure_ascii=False,
        )
        + "\n"
    )


def test_check_takes_no_half_input_and_no_options_of_output(textkit: Textkit, toks: Path) -> None:
    (textkit.folder / "in.txt").write_text("the film\nthe zebra\n")
    told = textkit.shell(f"textkit tokenize --load {toks}/words in.txt | head -n 2 | textkit detokenize --check", code=None).stderr
    assert "--partial" in told
    assert "--to does not go with --check" in textkit("detokenize", "--check", "--to", "text", stdin="", code=2).stderr
    assert "--json goes with --check" in textkit("detokenize", "--json", stdin="", code=2).stderr


def test_empty_input(textkit: Textkit) -> None:
    assert textkit("detokenize", stdin="").stdout == ""
    assert textkit("detokenize", "--check", "--json", stdin="").stdout == '{"records": 0, "differing": []}\n'
