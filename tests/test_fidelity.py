"""What a filter does not know it does not touch: every member of the user's own comes out byte for byte."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import Textkit
from tests.making import REVIEWS, run, stream_of, trained
from textkit.artifacts.store import Store, Stored
from textkit.detokenizing import Detokenize
from textkit.embeddings.pooling import Pooling
from textkit.embeddings.stage import Embed
from textkit.embeddings.word2vec import Word2Vec
from textkit.padding import Pad
from textkit.predicting import Predict
from textkit.registry import STAGES, TOKENIZERS
from textkit.stage import Stage, connect
from textkit.streams.columns import COLUMNS, TEXT_ALIASES, dtype_of
from textkit.streams.sink import Outputs, Written
from textkit.streams.source import Inputs, open_stream
from textkit.streams.stream import Stream
from textkit.tokenizers.index import Index
from textkit.tokenizers.stage import Tokenize
from textkit.tokenizers.vocabulary import Vocabulary
from textkit.vectorizers.hashing import Hashing
from textkit.vectorizers.stage import Vectorize
from textkit.vectorizers.tfidf import Tfidf

# The oracle: a small reader of its own, on Python's decoder.

DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
Members = list[tuple[str, str, Any]]  # key, the member as it is spelt, value


def members_of(line: str) -> Members:
    found, at = [], line.index("{") + 1
    while line[at] != "}":
        if line[at] in " \t\r\n,":
            at += 1
            continue
        key, end = DECODER.raw_decode(line, at)
        value_at = line.index(":", end) + 1
        while line[value_at] in " \t\r\n":
            value_at += 1
        value, end = DECODER.raw_decode(line, value_at)
        found.append((key, line[at:end], value))
        at = end
    assert line[at + 1 :].strip(" \t\r") == ""
    return found


def last(members: Members, key: str) -> Any:
    return {name: value for name, _, value in members}.get(key)


# Records of all kinds that JSON has.

NUMBERS = ("123456789012345678901234567890", "1e400", "-0", "-0.0", "1E+2", "1.50", "0.1e-7", "-9007199254740993", "2147483648")
STRINGS = (
    r'"\ud800"', r'"\udc00x"', r'"\u0000"', r'"\/\b\f\n\r\t"', '"\u2028\x85\u2029\x7f"', r'"\"text\":1,"', '"재밌다 😀"', r'"{[,:"', r'"\\"',
    r'", \"ids\":[1]"', r'"\u00e9\u00E9é"', r'"},{"', '"1"', '"null"', '""', '"[1]"', r'"{\"textkit\":{\"end\":1}}"', r'"\\\""',
)  # fmt: skip
DEEP = "[" * 100 + "]" * 100
DEEP_OBJECT = '{"text":' * 100 + "1" + "}" * 100
KEYS = (
    '""', '"textkit"', r'"\u0061"', '"a"', '"_json"', r'"\"text\""', '"본문"', r'"\ubcf8\ubb38"', '"a/b"', r'"a\/b"', '" text"', '"Text"',
    r'"\ud800"', '"text.a"', '"titel"', '"id"',
)  # fmt: skip
TYPED = {  # members of ours, as a stage reads them
    "ids": ("[1,2]", "[ 3 , 0 ]"),
    "mask": ("[1,1]", "[ 1,0 ]"),
    "type_ids": ("[0]", "null"),
    "tokens": ('["a","b"]', '[ "\\u00e9"]', "[]"),
    "tags": ('["X" ]', "[]", "null"),
    "prediction": ('"good"', r'"\u0067"', "null"),
    "score": ("0.5", "1", "1e-7", "null"),
    "label": ('"x"', "1.50", "123456789012345678901234567890", "null", '"a\\u0062"'),
}

space = st.sampled_from(["", "", "", "", " ", "\t ", "\r", "  \t\r "])
strings = st.one_of(
    st.sampled_from(STRINGS), st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)), st.text(max_size=3).map(json.dumps)
)
scalars = st.one_of(strings, st.sampled_from([*NUMBERS, "null", "true", "false", "[]", "{}", DEEP, DEEP_OBJECT]), st.integers().map(str))
keys = st.one_of(st.sampled_from([*KEYS, '"text"', r'"\u0069ds"', '"tokens"', '"x"']), strings)  # in nested objects any will do


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.builds(lambda parts, gap: f"[{gap}{f'{gap},'.join(parts)}{gap}]", st.lists(inner, max_size=3), space)
    pairs = st.lists(st.tuples(keys, space, inner), max_size=3)
    return st.one_of(lists, pairs.map(lambda found: "{" + ",".join(f"{key}{gap}:{gap}{value}" for key, gap, value in found) + "}"))


values = st.recursive(scalars, nested, max_leaves=5)


def is_own(key: str) -> bool:
    name = json.loads(key)
    return dtype_of(name) is None and name not in TEXT_ALIASES


own_keys = st.one_of(st.sampled_from(KEYS), strings.filter(is_own))
own = st.tuples(own_keys, values)


def spelt(name: str) -> st.SearchStrategy[str]:
    """A key as people write it, or with its first letter escaped."""
    return st.sampled_from([f'"{name}"', f'"{name}"', f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"'])


def ours(name: str, last_values: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """The member once or several times; the last one counts, so only that must be of the due type."""
    before = st.lists(st.tuples(spelt(name), values), max_size=1)
    return st.builds(lambda more, key, value: [*more, (key, value)], before, spelt(name), last_values)


texts = st.one_of(
    st.sampled_from([r'"caf\u00e9 \/ \ud83d\ude00"', '"a\u2028b"', '""', r'"a\u0000"']),
    st.text(max_size=12).map(lambda t: json.dumps(t, ensure_ascii=False)),
)


@st.composite
def lines(draw: st.DrawFn, typed: tuple[str, ...]) -> str:
    groups = [[member] for member in draw(st.lists(own, max_size=5))] + [draw(ours("text", texts))]
    groups += [draw(ours(name, st.sampled_from(TYPED[name]))) for name in typed]
    members = [member for group in draw(st.permutations(groups)) for member in group]
    parts = [f"{draw(space)}{key}{draw(space)}:{draw(space)}{value}{draw(space)}" for key, value in members]
    return draw(space) + "{" + ",".join(parts) + "}" + draw(st.sampled_from(["", "", " ", "\t"]))


@st.composite
def inputs(draw: st.DrawFn) -> list[str]:
    """Lines of which all or none have a member of ours: `pad` takes ids that some records lack for bad."""
    typed = tuple(draw(st.lists(st.sampled_from(list(TYPED)), unique=True, max_size=4)))
    return draw(st.lists(lines(typed), min_size=1, max_size=5))


# The filters, and which members of the input each replaces or takes away.


def present(records: list[Members], *names: str) -> set[str]:
    """Of these, the members that any record has."""
    return {name for name in names if any(last(record, name) is not None for record in records)}


OUTDATED = ("ids", "mask", "type_ids", "word_starts")


def no_tokens(records: list[Members]) -> set[str]:
    """What goes if the text is tokenized on the way, since there are no tokens."""
    return set() if present(records, "tokens") else {"tokens", *present(records, *OUTDATED)}


@dataclass
class Filter:
    stages: Callable[[Path], list[Stage]]
    replaced: Callable[[list[Members]], set[str]]
    command: str | None = None
    outputs: Outputs = Outputs()


def vocabulary() -> Index:
    return Index(Index.Config(), Vocabulary.build(pl.DataFrame({"token": ["a", "film"], "count": [3, 2]}), None, 1), Stored("nowhere", "0" * 64))


def embedded(records: list[Members]) -> set[str]:
    gone = no_tokens(records)
    return gone | (set() if present(records, "ids") - gone else {"ids"})


def padded(records: list[Members]) -> set[str]:
    ids = present(records, "ids")
    gone = set() if ids else no_tokens(records)  # either will do
    return gone | {"tokens"} | present(records, "tags") | ({"ids", "mask"} if ids else set())


def detokenized(records: list[Members]) -> set[str]:
    return {"tokens", "ids", "output", *present(records, *OUTDATED)}


CHARACTERS = partial(Vectorize.of, "hashing", Hashing.Config(analyzer=("char_wb",), ngram=(2, 3)))
FILTERS = {
    "tokenize": Filter(lambda made: [Tokenize.of("words")], lambda records: {"tokens", *present(records, *OUTDATED)}, "tokenize"),
    "tokenize wordpiece": Filter(
        lambda made: [Tokenize.load(made / "tok")], lambda records: {"tokens", "ids", *present(records, *OUTDATED)}, "tokenize --load tok"
    ),
    "index": Filter(lambda made: [vocabulary()], lambda records: no_tokens(records) | {"ids"}, None),
    "embed": Filter(lambda made: [Embed.load(made / "vec")], embedded, "embed --load vec"),
    "embed pooled": Filter(
        lambda made: [Embed.load(made / "vec", "mean")], lambda records: embedded(records) | {"vector"}, "embed --load vec --pool mean"
    ),
    "embed tokens": Filter(
        lambda made: [Embed.load(made / "vec", Pooling(token_vectors=True))],
        lambda records: embedded(records) | {"token_vectors"},
        "embed --load vec --tokens --force",
    ),
    "pad": Filter(lambda made: [Pad(Pad.Config(3))], padded, "pad --length 3"),
    "vectorize": Filter(lambda made: [CHARACTERS()], lambda records: {"features"}, "vectorize --method hashing --analyzer char_wb --ngram 2,3"),
    "vectorize terms": Filter(lambda made: [Vectorize.load(made / "bag", terms=True)], lambda records: {"terms"}, "vectorize --load bag --terms"),
    "detokenize": Filter(lambda made: [Tokenize.load(made / "tok"), Detokenize()], detokenized, None),
    "predict": Filter(lambda made: [Predict.load(made / "model")], lambda records: {"prediction", "score"}, "predict model"),
    "convert": Filter(lambda made: [], lambda records: set(), "convert"),
    "keep": Filter(lambda made: [], lambda records: set(), "convert --keep text,x", outputs=Outputs(keep=("text", "a", "x", "본문"))),
    "drop": Filter(
        lambda made: [Tokenize.of("words")],
        lambda records: {"", "text", "a", "tokens", *present(records, *OUTDATED)},
        None,
        Outputs(drop=("text", "a", "")),
    ),
}


def test_all_stages_are_here() -> None:
    assert {*STAGES} <= {name.partition(" ")[0] for name in FILTERS}


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tok (wordpiece), vec (word2vec) and model (logreg)."""
    folder = tmp_path_factory.mktemp("things")
    settings = Word2Vec.Config(dim=4, min_count=1, epochs=1)
    wordpiece = Tokenize.of("wordpiece", TOKENIZERS.find("wordpiece").Config(min_frequency=1), Store(str(folder / "tok")))
    run(REVIEWS, wordpiece)
    run(REVIEWS, Vectorize.of("tfidf", Tfidf.Config(analyzer=("char_wb",), ngram=(2, 3)), store=Store(str(folder / "bag"))))
    run(REVIEWS, Embed("word2vec", settings, "none", learner=Word2Vec(settings), store=Store(str(folder / "vec"))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTKIT_CACHE", str(folder / "cache"))
        trained(stream_of(REVIEWS), folder / "model", arch="logreg")
    return folder


def read(folder: Path, data: bytes, wanted: tuple[str, ...] = ()) -> Stream:
    (folder / "in").write_bytes(data)
    return open_stream(Inputs((str(folder / "in"),)), wanted)


def written(stream: Stream, outputs: Outputs) -> bytes:
    out = io.BytesIO()
    writer = Written(out, outputs, stream.lineage)
    for batch in stream.batches:
        writer.write(batch)
    writer.finish(complete=True)
    return out.getvalue()


def filtered(folder: Path, name: str, data: bytes, to: str = "jsonl") -> bytes:
    one = FILTERS[name]
    stages = one.stages(folder)
    there = {key for line in data.decode().split("\n") if line for key, _, _ in members_of(line)}
    keep = one.outputs.keep and tuple(key for key in one.outputs.keep if key in there)  # a field that no record has is an error
    stream = read(folder, data, stages[0].needs if stages else ())
    for stage in stages:
        stream = connect(stream, stage)
    return written(stream, Outputs(format=to, keep=keep, drop=one.outputs.drop))


def records_in(output: bytes) -> list[Members]:
    return [members_of(line) for line in output.decode().removesuffix("\n").split("\n")[1:-1]]  # but header and end line


def check(before: list[Members], after: list[Members], replaced: set[str], kept: tuple[str, ...] | None = None) -> None:
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        due = [text for key, text, _ in one if key not in replaced and (kept is None or key in kept)]
        assert [text for _, text, _ in other][: len(due)] == due
        added = [key for key, _, _ in other[len(due) :]]
        assert len({*added}) == len(added)
        assert {*added} <= NEW | replaced


NEW = {"tokens", "ids", "mask", "vector", "prediction", "score", "tags", "word_starts"}
ODD = [
    r'{"text":"a film","n":123456789012345678901234567890,"n":1e400,"n":-0,"x":[null,{"ids":"\ud800","t\u0065xt":1E+2}],"":{"":""},"\/":"\/"}',
    '{ "textkit" : {"version":1,"stages":[]} ,"t\\u0065xt"\t: "a\u2028b" , "x" : ' + DEEP + ' , "\u2028":"\x85" } ',
    r'{"x":"text","tex":true,"text":5,"text":"\u00e9\/","ids":[1],"\u0069ds":[2,3],"y":[],"y":"\\"}',
]


def each_filter(block: list[str], run_one: Callable[[str, bytes], list[Members]], compare: Callable[..., None]) -> None:
    """Every filter on one block: making up records takes longer than filtering them."""
    before = [members_of(line) for line in block]
    for name, one in FILTERS.items():
        try:
            compare(before, run_one(name, "\n".join(block).encode() + b"\n"), one.replaced(before), one.outputs.keep)
        except Exception as error:
            error.add_note(f"by {name}")
            raise


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(block=inputs())
@example(block=ODD[:2])
@example(block=ODD[2:])
@example(block=['{"text":"caf\\u00e9 \\/","ids":[1,2],"mask":[1,1],"tokens":["a","b"],"tags":["X" ]}'])
def test_members_pass_byte_for_byte(things: Path, block: list[str]) -> None:
    each_filter(block, lambda name, data: records_in(filtered(things, name, data)), check)


def check_arrow(before: list[Members], after: list[Members], replaced: set[str], kept: tuple[str, ...] | None) -> None:
    """The user's own members as they were, ours by their values: those travel as columns."""
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        due = [text for key, text, _ in one if key not in replaced | {*COLUMNS} and (kept is None or key in kept)]
        assert [text for key, text, _ in other if key not in {*COLUMNS} | replaced] == due
        for key in {key for key, _, _ in one} & {*COLUMNS} - replaced - {"score"}:
            assert last(other, key) == (last(one, key) if kept is None or key in kept else None)


def through_arrow(folder: Path, name: str, data: bytes) -> list[Members]:
    arrow = filtered(folder, name, data, to="arrow")
    return records_in(written(read(folder, arrow), Outputs()))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(block=inputs())
@example(block=ODD[:2])
@example(block=ODD[2:])
def test_members_of_the_users_pass_an_arrow_stream_byte_for_byte(things: Path, block: list[str]) -> None:
    each_filter(block, lambda name, data: through_arrow(things, name, data), check_arrow)


def test_records_of_nothing_but_the_users_own_fields_pass_an_arrow_stream(things: Path) -> None:
    lines = ['{"a":1}', '{"b":"x"}']
    assert [text for record in through_arrow(things, "convert", "\n".join(lines).encode()) for _, text, _ in record] == ['"a":1', '"b":"x"']


def test_text_that_looks_like_a_mark_of_ours_passes_an_arrow_stream(things: Path) -> None:
    line = r'{"text":"a","x":"\u0000number:5"}'
    assert r'"x":"\u0000number:5"' in [text for _, text, _ in through_arrow(things, "convert", line.encode())[0]]


COMMANDS = {name: one.command for name, one in FILTERS.items() if one.command}


@pytest.mark.parametrize("name", COMMANDS)
def test_as_a_process(things: Path, name: str) -> None:
    before = [members_of(line) for line in ODD[:2]]
    after = Textkit(things)(*COMMANDS[name].split(), "--lineage", stdin="\n".join(ODD[:2])).stdout.encode()
    check(before, records_in(after), FILTERS[name].replaced(before), FILTERS[name].outputs.keep)
