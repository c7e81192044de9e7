"""Members of raw JSON lines: the fast reader equals the exact one, and what is not ours stays byte for byte."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textkit.errors import InputError
from textkit.streams import edits, members
from textkit.streams.batch import Batch, Position

OURS = ("text", "label", "ids", "tokens", "vector", "score")
ODD_NUMBERS = ("123456789012345678901234567890", "1e400", "-0", "1.50", "1E+2", "0.1", "2147483648", "-1")
ODD_STRINGS = (r'"\ud800"', r'"\u0000"', r'"\/\b\f"', '"\u2028\x85"', r'"\"text\":1,"', '"재밌다 😀"', r'"{[,:"', r'"\\"', r'", \"ids\":[1]"')
ODD_KEYS = (*(json.dumps(name) for name in OURS), r'"te\u0078t"', r'"\u0069ds"', '"a"', '""', r'"\"text\""', '"본문"', r'"\ubcf8\ubb38"')

space = st.sampled_from(["", "", "", " ", "\t ", "\r"])
strings = st.one_of(
    st.sampled_from(ODD_STRINGS), st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)), st.text(max_size=3).map(json.dumps)
)
numbers = st.one_of(st.sampled_from(ODD_NUMBERS), st.integers(-(2**33), 2**33).map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr))
plain = st.one_of(strings, numbers, st.sampled_from(["null", "true", "false", "[]", "{}"]))


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda parts, gap: f"[{gap}{f'{gap},'.join(parts)}{gap}]", st.lists(items, max_size=3), space)


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(space, st.one_of(st.sampled_from(ODD_KEYS), strings), space, space, values, space)
    joined = st.lists(member.map(lambda m: f"{m[0]}{m[1]}{m[2]}:{m[3]}{m[4]}{m[5]}"), max_size=5)
    return joined.map(lambda parts: "{" + ",".join(parts) + "}")


values = st.recursive(plain, lambda inner: st.one_of(lists(inner), objects(inner)), max_leaves=4)
lines = objects(values)


def place(row: int) -> str:
    return f"f:{row + 1}"


def exactly(line: str, name: str) -> object:
    try:
        return members.read_exactly(line, (name,), "f:1").get(name)
    except InputError as error:
        return str(error)


def fast(line: str, name: str) -> object:
    try:
        return members.parse(pl.Series([line]), (name,), place)[0][name].to_list()[0]
    except InputError as error:
        return str(error)


@settings(max_examples=100, deadline=None)
@given(line=lines, name=st.sampled_from(OURS))
def test_parse_is_exact(line: str, name: str) -> None:
    due = exactly(line, name)
    if name == "vector" and isinstance(due, list):
        due = pl.Series(due, dtype=pl.Float32).to_list()
    assert fast(line, name) == due


@settings(max_examples=100, deadline=None)
@given(line=lines, at=st.integers(0, 200), junk=st.sampled_from(["", "{", "}", '"', ",", ":", "\\", "1", "\x00", "\u00a0", "} {", "},{"]))
def test_a_damaged_line_is_found_as_the_exact_reader_finds_it(line: str, at: int, junk: str) -> None:
    at = min(at, len(line) - 1)
    broken = line[:at] + junk + line[at + 1 :]
    whole = '{"text":"a"}'
    found = []
    for read in (
        lambda: [members.read_exactly(x, ("text",), "") for x in (broken, whole)],
        lambda: members.parse(pl.Series([broken, whole]), ("text",), place),
    ):
        try:
            read()
            found.append(True)
        except InputError:
            found.append(False)
    assert found[0] == found[1], broken


def is_refused(line: str, name: str) -> bool:
    try:
        return members.read_exactly(line, (name,), "") is None
    except InputError:
        return True


@settings(max_examples=100, deadline=None)
@given(block=st.lists(lines, min_size=1, max_size=4), name=st.sampled_from(OURS))
def test_put_replaces_one_member_and_keeps_the_others(block: list[str], name: str) -> None:
    batch = Batch(pl.DataFrame(), Position("f"), raw=pl.Series(block))
    new = pl.Series(name, [None] * len(block), dtype=members.dtype_of(name))
    if any(is_refused(line, name) for line in block):
        with pytest.raises(InputError):
            batch.put(new)
        return
    after = batch.put(new).lines().to_list()
    for line, result in zip(block, after, strict=True):
        kept = [line[m.start : m.end] for m in members.scan(line) if m.key != name]
        assert [result[m.start : m.end] for m in members.scan(result)] == [*kept, f'"{name}":null']


@settings(max_examples=60, deadline=None)
@given(line=lines)
def test_scan_agrees_with_json(line: str) -> None:
    found = members.scan(line)
    pairs = json.loads(line, object_pairs_hook=list)
    assert [json.loads("{" + line[m.start : m.end] + "}", object_pairs_hook=list) for m in found] == [[pair] for pair in pairs]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('{"text":"a","text":"b"}', "text", "b"),
        (r'{"text":"a","te\u0078t":"b"}', "text", "b"),
        ('{"text":"a","x":1e400}', "text", "a"),
        ('{"text":"a","x":[1,"b",{"c":null}]}', "text", "a"),
        ('{"meta":{"text":"inner"}}', "text", None),
        ('{"meta":{"text":"inner"},"text":"outer"}', "text", "outer"),
        ('{"text":null}', "text", None),
        (r'{"text":"\ud83d\ude00"}', "text", "😀"),
        (r'{"text":"a\u0000b"}', "text", "a\x00b"),
        (r'{"text":"a","x":"\ud800"}', "text", "a"),
        ('{"label":1.50}', "label", "1.50"),
        ('{"label":123456789012345678901234567890}', "label", "123456789012345678901234567890"),
        ('{"label":-0}', "label", "-0"),
        ('{"ids":[]}', "ids", []),
        ('{"ids":[2147483647]}', "ids", [2147483647]),
        ('{"score":1e-7}', "score", 1e-7),
        ('{"features":{"indices":[3],"values":[1]}}', "features", {"indices": [3], "values": [1.0]}),
        ('{"title":12}', "title", "12"),
    ],
)
def test_values(line: str, name: str, value: object) -> None:
    assert fast(line, name) == value
    assert exactly(line, name) == value


@pytest.mark.parametrize(
    ("line", "name", "message"),
    [
        ('{"text":"a"},{"text":"b"}', "text", "more text after the object"),
        ('{"text":"a"', "text", "expected"),
        (r'{"text":"\ud800"}', "text", "surrogate"),
        ('{"ids":[1.5]}', "ids", "'ids' should be a list of numbers"),
        ('{"ids":[2147483648]}', "ids", "'ids' should be a list of numbers"),
        ('{"ids":[1,null]}', "ids", "'ids' should be a list of numbers"),
        ('{"ids":["1"]}', "ids", "'ids' should be a list of numbers"),
        ('{"ids":[true]}', "ids", "'ids' should be a list of numbers"),
        ('{"text":5}', "text", "'text' should be a string"),
        ('{"text":["a"]}', "text", "'text' should be a string"),
        ('{"label":true}', "label", "'label' should be a string"),
        ('{"tokens":"a b"}', "tokens", "'tokens' should be a list of strings"),
        ('{"tokens":[5]}', "tokens", "'tokens' should be a list of strings"),
        ('{"score":1e400}', "score", "'score' should be a number"),
        ('{"vector":[1e39]}', "vector", "'vector' should be a list of numbers"),
        ('{"vector":[1' + "0" * 60 + "]}", "vector", "'vector' should be a list of numbers"),
        ('{"text":NaN}', "text", "NaN is not JSON"),
        ('["text"]', "text", "expected {"),
        ("5", "text", "expected {"),
        ('{"text":"a\tb"}', "text", "control character"),
        ('{"text":"a","x":' + "[" * 100_000 + "]" * 100_000 + "}", "text", "nested too deeply"),
    ],
)
def test_bad_records_are_told_of_with_their_place(line: str, name: str, message: str) -> None:
    good = '{"a":1}'
    with pytest.raises(InputError, match=r"^f:2: .*" + message):
        members.parse(pl.Series([good, line, good]), (name,), place)


def test_an_object_over_two_lines_is_refused() -> None:
    with pytest.raises(InputError, match="f:1: not a JSON object"):
        members.parse(pl.Series(['{"text":', '"a"}']), ("text",), place)


def test_two_objects_on_a_line_do_not_make_up_for_one_on_two_lines() -> None:
    with pytest.raises(InputError, match="f:1"):
        members.parse(pl.Series(['{"text":"a"},{"text":"b"}', '{"text":"c","x":{}', "{}}"]), ("text",), place)


@pytest.mark.parametrize("name", ["본문", "a/b", 'say "x"', "a\\b", "new\nline", "a.b*", "my text", "$1"])
@pytest.mark.parametrize("ascii", [True, False])
def test_any_key_of_the_users_can_be_named(name: str, ascii: bool) -> None:
    line = json.dumps({name: "v", "other": [1]}, ensure_ascii=ascii)
    raw = pl.Series([line, line.replace("/", r"\/")])
    assert members.has_key(raw, name)
    assert [json.loads(x) for x in edits.rename(raw, {name: "text"}, place)] == [{"text": "v", "other": [1]}] * 2


def test_a_nested_key_is_not_the_records() -> None:
    raw = pl.Series(['{"meta":{"text":1},"document":"caf\\u00e9"}'])
    assert not members.has_key(raw, "text")
    assert members.has_key(raw, "document")


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("{}", '{"ids":[1]}'),
        ("{ }", '{ "ids":[1]}'),
        ('{"a":1}', '{"a":1,"ids":[1]}'),
        ('{"a":{"b":{}}}', '{"a":{"b":{}},"ids":[1]}'),
        ('{"a":1 } \t', '{"a":1 ,"ids":[1]}'),
    ],
)
def test_splice_goes_before_the_last_brace(line: str, due: str) -> None:
    assert members.splice(pl.Series([line]), pl.DataFrame({"ids": [[1]]})).to_list() == [due]


def test_has_is_of_our_type() -> None:
    lines = ['{"tokens":"mine","ids":[1],"mask":null}', '{"tokens":5,"ids":"x","own":"y"}', '{"vector":[1e400]}']
    batch = Batch(pl.DataFrame({"tags": ["x"] * 3}), Position("f"), raw=pl.Series(lines), added=frozenset({"tags"}))
    assert [name for name in ("tokens", "ids", "mask", "vector", "tags", "own", "text") if batch.has(name)] == ["ids", "own"]
    assert not batch.has_whole("ids")
    with pytest.raises(InputError, match="f:2: 'ids' should be a list of numbers"):
        batch.read("ids")
    with pytest.raises(InputError, match="f:2: not a JSON object"):
        Batch(pl.DataFrame(), Position("f"), raw=pl.Series(['{"tokens":5}', '{"tokens":'])).has("tokens")


def test_put_writes_members_in_the_same_order_with_and_without_raw_lines() -> None:
    frame = pl.DataFrame({"text": ["a"], "ids": [[1]], "label": ["x"]}, schema_overrides={"ids": pl.List(pl.Int32)})
    columns = Batch(frame, Position("f"), added=frozenset(frame.columns))
    raw = Batch(pl.DataFrame(), Position("f"), raw=columns.lines())
    new = pl.Series("ids", [[2]], dtype=pl.List(pl.Int32))
    assert columns.put(new).lines().to_list() == raw.put(new).lines().to_list() == ['{"text":"a","label":"x","ids":[2]}']


def test_escaped_letters_are_no_work_for_the_exact_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "read_exactly", None)
    assert members.parse(pl.Series([r'{"text":"caf\u00e9 \u00c0"}']), ("text",), place)[0]["text"].to_list() == ["café À"]
