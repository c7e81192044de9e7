"""Bad records: which are left out, what is kept of them, what is told; and that no block with one passes as sound."""

from __future__ import annotations

import json
import random
from json import JSONDecodeError
from pathlib import Path

import pytest

from tests.conftest import Textkit
from textkit.errors import InputError
from textkit.streams import members
from textkit.streams.faults import Fault, Faults

GOOD = [r'{"text":"a film","x":1e400,"n":123456789012345678901234567890}', r'{"t\u0065xt" : "gr\u00e9at","x":"\ud800"}']
BAD: list[tuple[bytes, str]] = [
    (b'{"text":"a"', "not a JSON object"),
    (b'{"text":"a"},{"text":"b"}', "not a JSON object"),
    (b"[1]", "not a JSON object"),
    (b'{"text":5,"x":"\\u00e9"}', "'text' should be a string"),
    (b'{"text":"\\ud800"}', "half of a surrogate pair"),
    (b'{"label":"x"}', "the record has no 'text'"),
    (b'{"text":null}', "the record has no 'text'"),
    (b'{"text":"\xff\xfe"}', "not UTF-8"),
    (b'{"text":"a\x00b"}', "a NUL byte"),
    (b'{"text":"a","n":01}', "not a JSON object"),
]


def rejected(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def mixed() -> tuple[bytes, list[tuple[int, bytes, str]]]:
    """Good and bad lines in turn; the line, the text and the reason of each bad one."""
    lines, due = [], []
    for raw, reason in BAD:
        lines += [GOOD[0].encode(), raw, b"", GOOD[1].encode()]
        due.append((len(lines) - 2, raw, reason))
    return b"\n".join(lines) + b"\n", due


def test_each_kind_of_bad_record_is_left_out_counted_and_kept(textkit: Textkit) -> None:
    data, due = mixed()
    (textkit.folder / "in.jsonl").write_bytes(data)
    done = textkit("tokenize", "--reject", "bad", "--no-lineage", "in.jsonl")
    assert [line[: line.index(',"tokens"')] for line in done.stdout.split("\n")[:-1]] == [line.rstrip("}") for line in GOOD] * len(BAD)
    assert f"20 records, {len(BAD)} skipped in" in done.stderr
    found = sorted(rejected(textkit.folder / "bad"), key=lambda fault: int(fault["position"].split(":")[1]))
    assert [(fault["position"], fault["raw"]) for fault in found] == [
        (f"in.jsonl:{line}", raw.decode("utf-8", "backslashreplace")) for line, raw, _ in due
    ]
    assert all(reason in fault["reason"] for fault, (_, _, reason) in zip(found, due, strict=True))
    same = textkit("tokenize", "--on-error", "skip", "--no-lineage", "in.jsonl")
    assert same.stdout == done.stdout


def test_what_is_left_out_does_not_make_a_stream_with_an_end_line_incomplete(textkit: Textkit) -> None:
    header, end = '{"textkit":{"version":1,"stages":[]}}\n', '{"textkit":{"end":4}}\n'
    lines = ['{"text":"a"}\n', '{"text":5}\n', '{"text":"\xff"}\n', '{"text":"b"}\n']
    data = (header + "".join(lines) + end).encode("latin-1")
    done = textkit("tokenize", "--on-error", "skip", "-o", "out", stdin=data)
    assert "2 records, 2 skipped in" in done.stderr
    assert (textkit.folder / "out").read_text().endswith('{"textkit":{"end":2}}\n')
    cut = data.replace(b'{"text":"b"}\n', b"")
    assert "should hold 2 records" in textkit("tokenize", "--on-error", "skip", "-o", "out2", stdin=cut, code=3).stderr


@pytest.mark.parametrize(
    ("name", "data", "texts", "raws"),
    [
        ("a.txt", b"one\n\xff\nt\x00wo\n\nthree", ["one", "", "three"], ["\\xff", "t\x00wo"]),
        ("a.tsv", b"text\tlabel\na\tx\nshort\nb\ty\nlong\t1\t2\nc\t\xff\n", ["a", "b"], ["short", "long\t1\t2", "c\t\\xff"]),
        ("a.csv", b'text,label\r\na,x\r\nshort\r\n"b\r\nb",y\r\n1,2,3\r\n', ["a", "b\r\nb"], ["short", "1,2,3"]),
    ],
)
def test_bad_lines_of_text_and_tables(textkit: Textkit, name: str, data: bytes, texts: list[str], raws: list[str]) -> None:
    (textkit.folder / name).write_bytes(data)
    textkit("convert", name, code=3)
    done = textkit("convert", "--no-lineage", "--reject", "bad", name)
    assert [json.loads(line)["text"] for line in done.stdout.split("\n")[:-1]] == texts
    assert sorted(fault["raw"].rstrip("\r\n") for fault in rejected(textkit.folder / "bad")) == sorted(raws)
    assert f"{len(texts)} records, {len(raws)} skipped in" in done.stderr


def test_all_skipped_is_an_error_and_nothing_is_kept(textkit: Textkit) -> None:
    done = textkit("tokenize", "--reject", "bad", "-o", "out", stdin='{"text":1}\n{"text":2}\n', code=3)
    assert "all 2 records are bad" in done.stderr
    assert [path.name for path in textkit.folder.iterdir()] == ["bad"]
    assert len(rejected(textkit.folder / "bad")) == 2


LEARN = "".join(json.dumps({"text": f"{word} film", "label": word}) + "\n" for word in ["good", "bad"] * 10)


def test_learning_and_training_leave_out_too(textkit: Textkit) -> None:
    (textkit.folder / "in.jsonl").write_text(LEARN + '{"text":"no label"}\n{"text"\n{"text":"a","label":[]}\n')
    tokenized = textkit("tokenize", "--vocab-size", 20, "--save", "tok", "--on-error", "skip", "in.jsonl")
    assert "22 records, 1 skipped in" in tokenized.stderr
    trained = textkit("train", "classify", "--arch", "logreg", "--save", "model", "--reject", "bad", "in.jsonl")
    assert "20 records, 3 skipped in" in trained.stderr
    assert {fault["position"] for fault in rejected(textkit.folder / "bad")} == {"in.jsonl:21", "in.jsonl:22", "in.jsonl:23"}
    textkit("train", "classify", "--arch", "logreg", "--save", "model2", "in.jsonl", code=3)


def test_training_leaves_out_what_has_no_text(textkit: Textkit) -> None:
    textkit("train", "classify", "--arch", "logreg", "--save", "model", "--on-error", "skip", stdin=LEARN + '{"text":5,"label":"good"}\n')


def test_attempt_and_take() -> None:
    kept: list[bytes] = []
    faults = Faults(True, kept.append)
    faults.take([Fault(b"a\xffb", InputError("why", where="f:3", fix="so"))])
    assert kept == [b'{"position": "f:3", "reason": "why", "raw": "a\\\\xffb"}\n']
    assert faults.skipped == 1
    with pytest.raises(InputError, match="f:1: first"):
        Faults().take([Fault(b"", InputError("first", where="f:1")), Fault(b"", InputError("second"))])


# The fast way to be sure of a whole block

SEEDS = [
    b'{"text":"a","x":[1,{"b":null}],"n":1e400}\n{"text":"b"}\n',
    b'{"a":1}\n{"b":{"c":[true,false,-0.5E+2]}}\n{}\n',
    '{"text":"재밌다\u2028","k":"\\u00e9\\"}{\\\\"}\n{"x":{},"y":"},{"}\n'.encode(),
    b'{ "a" : 1 , "b" : [ ] }\n{"":""}\n',
]
JUNK = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b"\r", b"\r\n", b"\x00", b"\xff",
    b" ", b"0", b"-", b"1", b".", b"e", b"u", b"},{", b"}{", b"}\n{", b"NaN", b"Infinity",
    b"null", b"\t", b"\x0b", b"\xc2\xa0", b"\xef\xbb\xbf", b"\\ud800", b"\\x", b"//", b"'", b"\n\n", b"}\n", b"{}",
]  # fmt: skip


def is_object(line: bytes) -> bool:
    try:
        members.scan(line.decode())
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return False
    return b"\x00" not in line


def check_sound(block: bytes) -> bool:
    found = members.all_objects(block)
    if found is None:
        return False
    assert [line.encode() for line in found] == block.removesuffix(b"\n").split(b"\n"), block
    assert all(is_object(line.encode()) for line in found), block
    return True


def test_a_block_said_to_be_objects_is_one() -> None:
    draw = random.Random(7)
    sure = 0
    for _ in range(4000):
        block = draw.choice(SEEDS)
        for _ in range(draw.choice([1, 1, 1, 2, 3])):
            at, width = draw.randrange(len(block) + 1), draw.choice([0, 0, 1, 1, 2, 5])
            block = block[:at] + draw.choice(JUNK) + block[at + width :]
        sure += check_sound(block)
    assert sure > 60  # else nothing was tested


@pytest.mark.parametrize(
    "block",
    [
        b'{"a":1},{"b":2}\n',
        b'{"a":1}{"b":2}\n',
        b'{"a":1} {"b":2}\n',
        b'{"a":1},{"b":2}\n{"c":\n3}\n',
        b'{"a":\n1}\n',
        b'{"a":1},{"b":2}\n{"x":{}\n{}}\n',
        b'{"x":{}\n{}}\n',
        b'{"x":{}\n,"y":{}}\n{"a":1},{"b":2}\n',
        b'{"a":1}\r\n{"b":2}\r\n',
        b'{"a":1}\n\n{"b":2}\n',
        b'{"a":"\xff"}\n',
        b'{"a":"\x00"}\n',
        b'{"a":01}\n',
        b'{"a":1.}\n',
        b'{"a":NaN}\n',
        b'{"a":"\\x"}\n',
        b'{"a":"\\u12"}\n',
        b'{"a":"\t"}\n',
        b'{"a" 1}\n',
        b'{"a":1,}\n',
        b'{a:1}\n',
        b'{"a":[1 2]}\n',
        b'{"a":tru}\n',
        b'{"a":1}',
        b"{}{}\n",
        b"\n",
        b"",
    ],
)  # fmt: skip
def test_blocks_of_which_one_cannot_be_sure(block: bytes) -> None:
    assert not check_sound(block)
