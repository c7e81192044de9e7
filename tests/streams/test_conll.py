"""CoNLL-U, read and written, and CoNLL columns, read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.reading import put, records_of, stream_of, written
from textkit.errors import InputError
from textkit.streams import bytesource
from textkit.streams.batch import Batch, Position
from textkit.streams.faults import Faults
from textkit.streams.formats import sentences


def word(id: object, form: str, upos: str = "X", misc: str = "_", lemma: str = "l") -> str:
    return "\t".join([str(id), form, lemma, upos, "T", "F=1", "0", "dep", "_", misc])


def batch(*records: dict[str, Any]) -> Batch:
    return Batch(pl.DataFrame(), Position("f"), raw=pl.Series([json.dumps(record, ensure_ascii=False) for record in records]))


def conllu(*records: dict[str, Any]) -> str:
    return written([batch(*records)], "conllu").decode()


VAMOS = [
    "# newdoc id = d1",
    "# sent_id = 1",
    "# text = Vámonos al mar",
    word("1-2", "Vámonos", "_"),
    word(1, "Vamos", "VERB"),
    word(2, "nos", "PRON"),
    word("3-4", "al", "_"),
    word(3, "a", "ADP"),
    word(4, "el", "DET"),
    word(5, "mar", "NOUN"),
]
SUE = [  # no text comment; empty nodes
    "# sent_id = 2",
    word("0.1", "e0", "_"),
    word(1, "Sue", "PROPN"),
    word(2, "likes", "VERB"),
    word("2.1", "e1", "_"),
    word("2.2", "e2", "_"),
    word("3-4", "don't", "_", "Gloss=x|SpaceAfter=No"),
    word(3, "do", "AUX", "SpaceAfter=No"),
    word(4, "n't", "PART"),
    word(5, ".", "PUNCT", "SpaceAfter=No"),
]
KOREAN = ["# text = 이 20 000원은, # 아니다", word(1, "이", "DET"), word(2, "20 000원은", "NOUN"), word(3, "# 아니다", "ADJ")]
SAMPLE = "".join("\n".join(lines) + "\n\n" for lines in (VAMOS, SUE, KOREAN))
RECORDS = [
    {"text": "Vámonos al mar", "tokens": ["Vamos", "nos", "a", "el", "mar"], "tags": ["VERB", "PRON", "ADP", "DET", "NOUN"]},
    {"text": "Sue likes don't.", "tokens": ["Sue", "likes", "do", "n't", "."], "tags": ["PROPN", "VERB", "AUX", "PART", "PUNCT"]},
    {"text": "이 20 000원은, # 아니다", "tokens": ["이", "20 000원은", "# 아니다"], "tags": ["DET", "NOUN", "ADJ"]},
]
FULL = [{**record, "conllu": "\n".join(lines)} for record, lines in zip(RECORDS, (VAMOS, SUE, KOREAN), strict=True)]


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n \t\n"])
def test_conllu_is_read(tmp_path: Path, end: str) -> None:
    assert records_of(put(tmp_path, "a.conllu", "\n\n" + SAMPLE.rstrip("\n").replace("\n\n", "\n\t\n\n") + end)) == FULL
    assert records_of(put(tmp_path, "b.conllu", SAMPLE.replace("\n", "\r\n"))) == FULL


def test_records_stand_where_their_sentences_start(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conllu", "\n" + SAMPLE)
    (read,) = stream_of(path).batches
    assert [read.position(row) for row in range(3)] == [f"{path}:2", f"{path}:13", f"{path}:24"]


@pytest.mark.parametrize(
    "first", [word(1, "a"), word("1-2", "ab", "_"), "# newdoc", "# newpar id = p", "# sent_id = 1", "#text=a", "# global.columns = ID"]
)
def test_conllu_is_proven_by_its_first_line(tmp_path: Path, first: str) -> None:
    body = f"{first}\n" + (f"{word(1, 'a')}\n" if not first.startswith("1\t") else "") + word(2, "b") + "\n"
    assert records_of(put(tmp_path, "a.tsv", body))[0]["tokens"] == ["a", "b"]


@pytest.mark.parametrize(
    "first", ["# a comment", "# textual = x", "# newdocument", "## text = x", word(2, "a"), word("x", "a"), word(1, "a") + "\tb", "1\ta"]
)
def test_other_first_lines_prove_nothing(tmp_path: Path, first: str) -> None:
    assert records_of(put(tmp_path, "a.txt", f"{first}\n")) == [{"text": first}]


BAD = [
    (["1\ta"], 0, "2 fields where 10 are due"),
    ([word(1, "a"), "word"], 1, "1 field where 10 are due"),
    ([word(1, "a") + "\tb"], 0, "11 fields where 10 are due"),
    ([word(2, "a")], 0, "the id 2 is out of order"),
    ([word(1, "a"), word(1, "b")], 1, "the id 1 is out of order"),
    ([word(1, "a"), word(3, "b")], 1, "the id 3 is out of order"),
    ([word(0, "a")], 0, "the id 0 is out of order"),
    ([word("01", "a")], 0, "01 is no id of a word"),
    ([word("99999999999999999999", "a")], 0, "99999999999999999999 is no id of a word"),
    ([word("-1", "a")], 0, "-1 is no id of a word"),
    ([word("x", "a")], 0, "x is no id of a word"),
    ([word("", "a")], 0, "is no id of a word"),
    ([word("1-2", "ab"), word(1, "a")], 0, "the id 1-2 is out of order"),
    ([word("2-3", "ab"), word(1, "a"), word(2, "a"), word(3, "a")], 0, "the id 2-3 is out of order"),
    ([word("1-2", "ab"), word(1, "a"), word("2-3", "ab"), word(2, "a"), word(3, "a")], 2, "the id 2-3 is out of order"),
    ([word("1-2", "ab"), word("1-2", "ab"), word(1, "a"), word(2, "a")], 1, "the id 1-2 is out of order"),
    ([word(1, "a"), word("2-1", "ab"), word(2, "b")], 1, "the id 2-1 is out of order"),
    ([word("1.1", "e"), word(1, "a")], 0, "the id 1.1 is out of order"),
    ([word(1, "a"), word("1.2", "e")], 1, "the id 1.2 is out of order"),
    ([word(1, "a"), word("1.1", "e"), word("1.1", "e")], 2, "the id 1.1 is out of order"),
    ([word("0.1", "a"), word(1, "a"), word("0.2", "e")], 2, "the id 0.2 is out of order"),
    ([word(1, "")], 0, "an empty field"),
    ([word(1, "a", "")], 0, "an empty field"),
]


@pytest.mark.parametrize(("lines", "at", "message"), BAD)
def test_a_bad_sentence_is_one_bad_record_that_names_the_line(tmp_path: Path, lines: list[str], at: int, message: str) -> None:
    path = put(tmp_path, "a.conllu", f"{SAMPLE}# bad\n" + "\n".join(lines) + "\n\n" + SAMPLE)
    where = f"{path}:{SAMPLE.count(chr(10)) + 2 + at}"
    with pytest.raises(InputError, match=re.escape(f"{where}: {message}")):
        records_of(path)
    rejected: list[bytes] = []
    faults = Faults(skip=True, reject=rejected.append)
    assert records_of(path, faults=faults) == FULL + FULL
    assert faults.skipped == 1
    told = json.loads(rejected[0])
    assert (told["position"], told["raw"]) == (where, "\n".join(["# bad", *lines]))


def test_a_sentence_with_lines_that_are_no_text_is_one_bad_record(tmp_path: Path) -> None:
    bad = b"# x\n" + word(1, "a").encode() + b"\n" + word(2, "b").encode() + b"\xff\xfe\xff\nc\x00d\n3"
    path = put(tmp_path, "a.conllu", SAMPLE.encode() + bad + b"\n\n" + SAMPLE.encode())
    line = SAMPLE.count("\n") + 3
    with pytest.raises(InputError, match=re.escape(path)):
        records_of(path)
    rejected: list[bytes] = []
    faults = Faults(skip=True, reject=rejected.append)
    assert records_of(path, faults=faults) == FULL + FULL
    told = json.loads(rejected[0])
    assert faults.skipped == 1
    assert (told["position"], told["raw"]) == (f"{path}:{line}", bad.decode("utf-8", "backslashreplace"))
    assert "not UTF-8" in told["reason"]


def test_a_file_without_blank_lines_is_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "LONGEST", 1000)
    monkeypatch.setattr(bytesource, "BLOCK", 100)
    monkeypatch.setattr(bytesource, "READ", 100)
    path = put(tmp_path, "a.conllu", SAMPLE + "".join(word(i, "a") + "\n" for i in range(1, 100)))
    with pytest.raises(InputError, match=re.escape(f"{path}:{SAMPLE.count(chr(10)) + 1}: the sentence that starts here does not end")):
        records_of(path)


def test_a_sentence_over_many_blocks_takes_no_quadratic_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", 64)
    monkeypatch.setattr(bytesource, "READ", 64)
    path = put(tmp_path, "a.conllu", "".join(word(i, "a") + "\n" for i in range(1, 2001)))
    joined: list[int] = []
    concat = pl.concat
    monkeypatch.setattr(pl, "concat", lambda parts, **how: joined.append(1) or concat(parts, **how))
    assert len(records_of(path)[0]["tokens"]) == 2000
    assert len(joined) < 20


def test_what_has_no_tags_or_no_words(tmp_path: Path) -> None:
    bare = "# text = a b\n" + word(1, "a", "_") + "\n" + word(2, "b", "_") + "\n\n"
    empty = "# text = \n\n# sent_id = 2\n\n"
    assert [{**record, "conllu": ""} for record in records_of(put(tmp_path, "a.conllu", bare))] == [
        {"text": "a b", "tokens": ["a", "b"], "conllu": ""}
    ]
    tagged = records_of(put(tmp_path, "b.conllu", bare + empty + SAMPLE))
    assert [record["tags"] for record in tagged[:3]] == [None, [], []]
    assert [record["text"] for record in tagged[:3]] == ["a b", "", ""]
    assert tagged[3:] == FULL


# the writer


def test_what_was_read_is_written_byte_for_byte(tmp_path: Path) -> None:
    read = list(stream_of(put(tmp_path, "a.conllu", SAMPLE)).batches)
    assert written(read, "conllu").decode() == SAMPLE
    assert conllu(*FULL) == SAMPLE
    assert conllu(*({"conllu": record["conllu"] + "\n\n"} for record in FULL)) == SAMPLE


def test_new_tags_replace_the_old() -> None:
    new = [{**record, "tags": [f"N{i}" for i, _ in enumerate(record["tags"])]} for record in FULL]
    expected = SAMPLE
    for record in FULL:
        for i, (token, tag) in enumerate(zip(record["tokens"], record["tags"], strict=True)):
            expected = expected.replace(f"\t{token}\tl\t{tag}\t", f"\t{token}\tl\tN{i}\t")
    assert expected.count("\tN") == 13
    assert conllu(*new) == expected


def test_other_tokens_make_a_new_sentence() -> None:
    record = {"text": "Don't stop, 서울에서!", "tokens": ["Don", "'t", "stop", ",", "서울에서", "!"], "conllu": FULL[0]["conllu"]}
    misc = ["SpaceAfter=No", "_", "SpaceAfter=No", "_", "SpaceAfter=No", "_"]
    lines = [f"{i}\t{token}\t_\t_\t_\t_\t_\t_\t_\t{m}" for i, (token, m) in enumerate(zip(record["tokens"], misc, strict=True), 1)]
    assert conllu(record) == "\n".join(["# text = Don't stop, 서울에서!", *lines]) + "\n\n"


def test_new_sentences_between_old_ones_keep_the_order() -> None:
    new = "# text = x\n1\tx\t_\tN\t_\t_\t_\t_\t_\t_\n\n"
    mixed = conllu(FULL[0], {"tokens": ["x"], "tags": ["N"]}, FULL[1], {"text": "x", "tokens": ["x"], "tags": ["N"]}, FULL[2])
    parts = SAMPLE.split("\n\n")
    assert mixed == f"{parts[0]}\n\n{new}{parts[1]}\n\n{new}{parts[2]}\n\n"


def test_tokens_that_are_not_in_the_text_say_nothing_of_spaces() -> None:
    assert "SpaceAfter" not in conllu({"text": "Running fast", "tokens": ["run", "##ing", "fast"]})
    assert conllu({"text": "ab", "tokens": ["a", "b"]}, {"text": "c", "tokens": ["x", "y"]}).count("SpaceAfter=No") == 1


def test_a_record_without_tokens_stays_one(tmp_path: Path) -> None:
    data = conllu({"text": "", "tokens": []}, {"text": "a\r\nb", "tokens": []}, {"text": "c", "tokens": ["c"]})
    assert data.startswith("# text = \n\n# text = a  b\n\n# text = c\n1\tc\t")
    assert [(record["text"], record["tokens"]) for record in records_of(put(tmp_path, "a.conllu", data))] == [("", []), ("a  b", []), ("c", ["c"])]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a"}, "f:2: the record has no 'tokens'; run textkit tokenize first"),
        ({"text": "a", "conllu": ""}, "f:2: the record has no 'tokens'"),
        ({"tokens": ["a", "b"], "tags": ["X"]}, "f:2: as many tags as tokens are due"),
        ({**FULL[1], "tags": ["X"]}, "f:2: as many tags as tokens are due"),
        ({**FULL[1], "tags": []}, "f:2: as many tags as tokens are due"),
        ({"tokens": ["a\tb"]}, "f:2: a token or tag is empty or holds a tab or a line end"),
        ({"tokens": ["a", "b\n"]}, "f:2: a token or tag"),
        ({"tokens": ["a"], "tags": [""]}, "f:2: a token or tag"),
        ({"tokens": [""]}, "f:2: a token or tag"),
        ({"conllu": "my own words"}, "f:2: its 'conllu' is no sentence of CoNLL-U: 1 field where 10 are due"),
        ({"conllu": word(1, "a") + "\n\n" + word(1, "b")}, "f:2: its 'conllu' is no sentence"),
        ({"conllu": word(1, "a") + "\n" + word(1, "b")}, "f:2: its 'conllu' is no sentence .* the id 1 is out of order"),
        ({"conllu": 7}, "f:2: its 'conllu' is no sentence"),
        ({"conllu": ["a"]}, "f:2: 'conllu' should be a string"),
    ],
)
def test_what_conllu_cannot_hold_is_told_of(record: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        conllu(FULL[0], record)


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\x00")
token = st.one_of(st.sampled_from(["_", "#", "#x", "1", "a b", " ", "한국"]), st.text(characters, min_size=1, max_size=5))


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A record whose text is its tokens, with spaces between some of them."""
    tokens = draw(st.lists(token, max_size=5))
    spaces = [draw(st.sampled_from(["", " ", "\u3000 "])) for _ in tokens[1:]]
    tags = draw(st.lists(st.sampled_from(["NOUN", "X", "B-a b"]), min_size=len(tokens), max_size=len(tokens)))
    text = "".join(piece for pair in zip(tokens, [*spaces, ""], strict=False) for piece in pair)
    return {"text": text, "tokens": tokens, "tags": tags}


@settings(max_examples=40, deadline=None)
@given(made=st.lists(records(), min_size=1, max_size=4), block=st.integers(20, 200))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]], block: int) -> None:
    data = conllu(*made)
    folder = tmp_path_factory.mktemp("conllu")
    path, bare = (
        put(folder, "a.conllu", data),
        put(folder, "b.conllu", "".join(f"{line}\n" for line in data.split("\n")[:-1] if line[:6] != "# text")),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", block)
        read = records_of(path, format="conllu")
        spelt = records_of(bare, format="conllu")
    own = [{**record, "conllu": None, "tags": record.get("tags") or []} for record in read]
    assert own == [{**record, "conllu": None} for record in made]
    assert conllu(*read) == data
    # without the comment the text is there but for the kind of its white space: read off the SpaceAfter
    with_words = [record for record in made if record["tokens"] and not any(set(token) & set(" \u3000") for token in record["tokens"])]
    if len(with_words) == len(made):
        bare_texts = [re.sub("\u3000 ", " ", record["text"]) for record in made]
        assert [record["text"] for record in spelt if record["tokens"]] == bare_texts


# CoNLL columns


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("Ann\tB-PER\nruns\tO\n\nSeoul\tB-LOC\n", [("Ann runs", "B-PER O"), ("Seoul", "B-LOC")]),
        (
            "-DOCSTART- -X- -X- O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\n-DOCSTART- -X- -X- O\n\nX NNP I-NP O",
            [("EU rejects", "I-ORG O"), ("X", "O")],
        ),
        ("a O\n-DOCSTART- O\nb O\n", [("a", "O"), ("b", "O")]),
        ("a  x   O \n", [("a", "O")]),
        ("New York\tB-LOC\n# 1\tO\n", [("New York # 1", "B-LOC O")]),
        ("# id 1 of doc\na O\nb O\n\n# O\n# O\n\n# only a comment\n\n# two or\n# three lines\nc O\n", [("a b", "O O"), ("# #", "O O"), ("c", "O")]),
        ("# a comment\na\tO\n", [("a", "O")]),
        ("# O\n", [("#", "O")]),
        ("\n\n\t\na O\n \t \nb O\r\n\r\n", [("a", "O"), ("b", "O")]),
        ("서울\u3000에서\u00a0 O\n", [("서울\u3000에서\u00a0", "O")]),
        ("", []),
        ("-DOCSTART- O\n\n", []),
    ],
)
def test_conll(tmp_path: Path, data: str, expected: list[tuple[str, str]]) -> None:
    read = records_of(put(tmp_path, "a.conll", data))
    assert [(record["text"], " ".join(record["tags"])) for record in read] == expected
    assert [" ".join(record["tokens"]) for record in read] == [text for text, _ in expected]
    assert records_of(put(tmp_path, "a.txt", data), format="conll") == read


def test_conll_records_stand_at_their_first_token(tmp_path: Path) -> None:
    path = put(tmp_path, "a.iob", "-DOCSTART- O\n\n# a comment here\n# and one\na O\nb O\n\nc O\n")
    assert [read.position(row) for read in stream_of(path).batches for row in range(len(read))] == [f"{path}:5", f"{path}:8"]


@pytest.mark.parametrize(
    ("bad", "at", "message"),
    [
        ("x\ty\tz", 0, "3 columns where 2 are due"),
        ("x\tO\ny", 1, "1 column where 2 are due"),
        ("x\tO\n# late comment", 1, "1 column where 2 are due"),
        ("x\t", 0, "an empty token or tag"),
        ("x\tO\n\tO", 1, "an empty token or tag"),
    ],
)
def test_bad_conll_names_the_line(tmp_path: Path, bad: str, at: int, message: str) -> None:
    path = put(tmp_path, "a.bio", f"a\tO\n\nb\tO\n{bad}\n\nc\tO\n")
    with pytest.raises(InputError, match=re.escape(f"{path}:{4 + at}: {message}")):
        records_of(path)
    rejected: list[bytes] = []
    assert [record["text"] for record in records_of(path, faults=Faults(skip=True, reject=rejected.append))] == ["a", "c"]
    assert [json.loads(line)["raw"] for line in rejected] == [f"b\tO\n{bad}"]


@pytest.mark.parametrize("data", ["a\nb\n\nc\n", "a\t\nb\t\n", "-DOCSTART-\n\na\n", "# comment\n\na\n"])
def test_tokens_without_tags_are_told_of(tmp_path: Path, data: str) -> None:
    with pytest.raises(InputError, match=r"a\.conll:[123]: one column only: tokens without tags"):
        records_of(put(tmp_path, "a.conll", data))


@settings(max_examples=40, deadline=None)
@given(
    made=st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "#", "한국", "-", "\u3000", '"']), st.sampled_from(["O", "B-x", "#"])), min_size=1), min_size=1
    ),
    gap=st.sampled_from([" ", "  ", "\t"]),
    block=st.integers(4, 40),
)
def test_conll_over_block_borders(tmp_path_factory: pytest.TempPathFactory, made: list[list[tuple[str, str]]], gap: str, block: int) -> None:
    path = put(tmp_path_factory.mktemp("conll"), "a.conll", "\n".join("".join(f"{t}{gap}{tag}\n" for t, tag in rows) for rows in made))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytesource, "BLOCK", block)
        patch.setattr(bytesource, "READ", block)
        read = records_of(path)
    assert [list(zip(record["tokens"], record["tags"], strict=True)) for record in read] == made


def test_a_finished_sentence_of_a_live_pipe_goes_out_at_once() -> None:
    program = (
        "from textkit.streams.source import Inputs, open_stream\n"
        "for batch in open_stream(Inputs(format='conllu')).batches:\n"
        "    print(*batch.frame['text'], sep='|', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(SAMPLE + VAMOS[2] + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "|".join(record["text"] for record in RECORDS) + "\n"
        time.sleep(0.2)
        process.stdin.write("\n".join(VAMOS[3:]) + "\n")
        process.stdin.close()
        assert process.stdout.readline() == "Vámonos al mar\n"


def test_where_no_line_is_text_all_sentences_are_left_out(tmp_path: Path) -> None:
    path = put(tmp_path, "a.conll", b"\xff\tO\n\n\xfe\tO\nx\x00\tO\n")
    faults = Faults(skip=True)
    assert records_of(path, format="conll", faults=faults) == []
    assert faults.skipped == 2


@pytest.mark.parametrize(("format", "column"), [("conllu", "tokens"), ("conllu", "tags"), ("fasttext", "tokens"), ("fasttext", "labels")])
def test_a_tables_column_of_another_type_is_told_of(tmp_path: Path, format: str, column: str) -> None:
    (batch,) = stream_of(put(tmp_path, "f.csv", f"text,{column}\na b,a b\n")).batches
    with pytest.raises(InputError, match=f"f.csv:2: '{column}' should be a list of strings; leave the column out"):
        written([batch], format)
