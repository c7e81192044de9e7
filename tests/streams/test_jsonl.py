"""JSON Lines: records, blank lines, header and end lines, the user's field names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.streams.reading import LINEAGE, lines_of, put, records_of, stream_of, texts_of
from textkit.errors import InputError, UsageError
from textkit.streams import bytesource

HEADER = LINEAGE.header()


def stream(*records: str, end: int | None = None) -> str:
    count = len(records) if end is None else end
    return "\n".join([HEADER, *records, json.dumps({"textkit": {"end": count}}, separators=(",", ":")), ""])


NASTY = (
    '{"text":"a","n":123456789012345678901234567890,"x":1e400,"x":[1,"b",null,{"text":"inner"}]}',
    '{ "id" : 1.50 , "text" : "\u2028" }',
    r'{"text":"\u0041","half":"\ud800","slash":"\/"}',
    '{"id":"mixed","text":null}',
    '{"no text":[]}',
)


def test_records_come_out_byte_for_byte(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", stream(*NASTY))
    assert lines_of(path) == list(NASTY)


def test_blank_lines_are_skipped_and_counted_as_lines(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", '\n{"text":"a"}\r\n \t\r\n\n{"text":"b"}\n')
    (batch,) = stream_of(path).batches
    assert batch.lines().to_list() == ['{"text":"a"}', '{"text":"b"}']
    assert [batch.position(0), batch.position(1)] == [f"{path}:2", f"{path}:5"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text":"a"', "not a JSON object"),
        ('{"text":"a"},{"text":"b"}', "more text after the object"),
        ("plain", "not a JSON object"),
        ('{"textkit":{"version":1,"sta', "header or end line of textkit's is damaged"),
        ('{"textkit":{"version":1}}', "the lineage header is damaged"),
        ('{"textkit":{"version":"1","stages":[]}}', "the lineage header is damaged"),
        ('{"textkit":{"version":1,"stages":[{"stage":5}]}}', "the lineage header is damaged"),
        ('{"textkit":{"version":1,"stages":[{}]}}', "the lineage header is damaged"),
        ('{"textkit":{"end":"2"}}', "an end line of textkit's is damaged"),
        ('{"textkit":{"version":99,"stages":[]}}', "version 99, this textkit reads up to 1"),
    ],
)
@pytest.mark.parametrize("block", [16, 1 << 20])
def test_a_bad_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str, block: int) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", block)
    monkeypatch.setattr(bytesource, "READ", 8)
    path = put(tmp_path, "a.jsonl", '{"text":"a"}\n' * 6 + line + "\n" + '{"text":"a"}\n')
    with pytest.raises(InputError, match=re.escape(f"{path}:7: ") + ".*" + message):
        lines_of(path)


@pytest.mark.parametrize("header", [HEADER, json.dumps(json.loads(HEADER)), json.dumps(json.loads(HEADER), sort_keys=True), f" {HEADER} "])
def test_a_header_in_other_spelling_is_still_one(tmp_path: Path, header: str) -> None:
    read = stream_of(put(tmp_path, "a.jsonl", header + '\n{"text":"a"}\n{"textkit": {"end": 1}}\n'))
    assert read.lineage == LINEAGE
    assert sum(map(len, read.batches)) == 1
    assert read.ending.problem is None


@pytest.mark.parametrize(
    "line", ['{"textkit":{"version":1,"stages":[]},"text":"a"}', '{"textkit":{"end":1},"text":"a"}', '{"textkit":{"mine":1}}', '{"textkit":"x"}']
)
def test_a_record_of_the_users_with_our_key_is_a_record(tmp_path: Path, line: str) -> None:
    assert lines_of(put(tmp_path, "a.jsonl", '{"text":"x"}\n' + line + "\n")) == ['{"text":"x"}', line]


@pytest.mark.parametrize(
    ("line", "names", "record"),
    [
        ('{"document":"a","n":1e400}', {}, '{"text":"a","n":1e400}'),
        (r'{"review":"caf\u00e9"}', {}, r'{"text":"caf\u00e9"}'),
        ('{"meta":{"text":1},"comment":"a"}', {}, '{"meta":{"text":1},"text":"a"}'),
        ('{"text":"a","document":"b"}', {}, '{"text":"a","document":"b"}'),
        ('{"tokens":["a"],"document":"b"}', {}, '{"tokens":["a"],"document":"b"}'),
        ('{"body":"a","stars":5}', {"text": "body", "label": "stars"}, '{"text":"a","label":5}'),
        (r'{"\ubcf8\ubb38":"a"}', {"text": "본문"}, '{"text":"a"}'),
    ],
)
def test_the_users_names(tmp_path: Path, line: str, names: dict[str, str], record: str) -> None:
    assert lines_of(put(tmp_path, "a.jsonl", line + "\n"), names=names) == [record]


def test_a_named_field_that_no_record_has(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", '{"text":"a"}\n')
    with pytest.raises(InputError, match=re.escape(f"{path}:1: no record has a field 'body'")):
        lines_of(path, names={"text": "body"})


@pytest.mark.parametrize("said", ["names", "usual"])
def test_the_field_that_was_named_wins_and_the_other_steps_aside(tmp_path: Path, said: str) -> None:
    path = put(tmp_path, "a.jsonl", '{"text":"a","body":"b","n":1e400}\n')
    assert lines_of(path, **{said: {"text": "body"}}) == ['{"old_text":"a","text":"b","n":1e400}']


@pytest.mark.parametrize(
    ("line", "names", "due"),
    [
        ('{"text":"a","pair":"b","n":1e400}', {"text": "pair", "pair": "text"}, '{"pair":"a","text":"b","n":1e400}'),
        ('{"text":"a","pair":"b","x":"c"}', {"text": "x", "pair": "text"}, '{"pair":"a","old_pair":"b","text":"c"}'),
        ('{"text":"a","pair":"b","label":"c"}', {"text": "pair", "pair": "label", "label": "text"}, '{"label":"a","text":"b","pair":"c"}'),
    ],
)
def test_fields_may_swap_their_names(tmp_path: Path, line: str, names: dict[str, str], due: str) -> None:
    for order in (names, dict(reversed(names.items()))):
        assert lines_of(put(tmp_path, "a.jsonl", line + "\n"), names=order) == [due]


def test_one_field_is_not_two_of_ours(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one field is named for two of ours"):
        lines_of(put(tmp_path, "a.jsonl", '{"a":"b"}\n'), names={"text": "a", "pair": "a"})


def test_what_a_model_remembers_is_no_duty(tmp_path: Path) -> None:
    assert lines_of(put(tmp_path, "a.jsonl", '{"text":"a"}\n'), usual={"text": "body"}) == ['{"text":"a"}']


def test_blocks_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a.jsonl", stream(*NASTY * 5))
    monkeypatch.setattr(bytesource, "BLOCK", 50)
    monkeypatch.setattr(bytesource, "READ", 7)
    read = stream_of(path)
    assert [line for batch in read.batches for line in batch.lines()] == list(NASTY * 5)
    assert read.ending.problem is None


def test_only_what_a_stage_wants_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", '{"text":5,"tokens":["a"]}\n')
    assert records_of(path, wanted=("tokens",)) == [{"text": 5, "tokens": ["a"]}]
    with pytest.raises(InputError, match="'text' should be a string"):
        texts_of(path)


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_the_users_names_hold_for_all_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(bytesource, "BLOCK", block)
    monkeypatch.setattr(bytesource, "READ", 4)
    path = put(tmp_path, "a.jsonl", '{"id":1}\n{"document":"a"}\n{"document":"b","stars":"5"}\n{"id":2}\n')
    due = ['{"id":1}', '{"text":"a"}', '{"text":"b","label":"5"}', '{"id":2}']
    assert lines_of(path, names={"label": "stars"}) == due
    with pytest.raises(InputError, match=re.escape(f"{path}:1: no record has a field 'nothing'")):
        lines_of(path, names={"label": "nothing"})


def test_an_object_over_several_lines_is_told_of_whatever_the_file_is_called(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":1: not a JSON object .*; each line must be one whole \{...\}; jq -c \. makes it so"):
        records_of(put(tmp_path, "f", '{\n  "text": "a",\n  "x": 1\n}\n'))
    assert texts_of(put(tmp_path, "g", '{\n  x = "a";\n}\n')) == ["{", '  x = "a";', "}"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"a":1,"b":[NaN]}', "NaN is not JSON, in the value at column 12"),
        ('{"a":"b', "Unterminated string starting at column 6"),
        ('{"textkit":{"version":1}}', "the lineage header is damaged (it has no 'stages'); make the stream again"),
        ('{"textkit":{"version":1,"stages":5}}', "the lineage header is damaged (it is not of textkit's form); make the stream again"),
    ],
)
def test_messages_are_words(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        records_of(put(tmp_path, "f.jsonl", line + "\n"))
