"""What the fuzzer starts from: small inputs of every format, as people and programs write them, and odd ones."""

from __future__ import annotations

import bz2
import datetime
import decimal
import gzip
import io
import lzma
from functools import cache
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.streams.reading import written
from textkit.streams.batch import Batch, Position

BOM = "\ufeff"
PLAIN = {
    "text": (
        "one line\nanother one, with a comma\n\n재밌게 봤다\n",
        "a\r\nb\r\n\r\nc",
        f"{BOM}a\tb\n  spaces  \nu\u2028v\x0bw\x85x\n",
        "bare\rreturn\n\r\r\n\n\nzero\x00byte\n",
        "w" * 3000 + "\nshort\n" + "긴 줄 " * 200 + "\n",
        "",
        "\n\n\n",
    ),
    "jsonl": (
        '{"text":"a b","label":"1"}\n{"text":"재밌게 봤다","label":2}\n{"text":"c","x":{"text":[1,{"y":null}]}}\n',
        '{"textkit":{"version":1,"stages":[{"stage":"tokenize","method":"words","config":{"lowercase":false}}]}}\n'
        '{"text":"a b","tokens":["a","b"]}\n{"text":"c","tokens":["c"]}\n{"textkit":{"end":2}}\n',
        f'{BOM}{{"document":"a","n":123456789012345678901234567890}}\r\n\r\n {{"document" : "b\\u00e9\\ud83d\\ude00", "x":1e400}} \r\n',
        '{"text":"a","text":"b","tex\\u0074":"c"}\n\n{"text":null,"ids":[1,2,30],"vector":[0.5,-1e-3]}\n{}\n{"h":"\\ud800"}\n',
        '{"text":"' + "long \\\\ \\" + '" ' * 2 + "word " * 600 + '"}\n{"text":"b"}',
    ),
    "json": (
        '[{"text":"a","label":"1"},{"text":"b, c","x":[1,{"y":"}]"}]}]\n',
        '[\n  {"text": "a\\n\\"b\\"", "n": 1.50},\n  {"text": "재밌게", "deep": [[], {}]}\n]\n',
        f"{BOM}[\r\n{{}},\r\n{{\"document\":\"x\"}} ]",
        "[]",
        "[ ]\n\n",
    ),
    "tsv": (
        "text\tlabel\ngood film\tpos\nbad film\tneg\n재밌게 봤다\tpos\n",
        "id\tdocument\tlabel\r\n1\ta, b\t0\r\n\r\n2\t\t1\r\n",
        f'{BOM}label\ttext\nx\t"quoted\ny\tq"q\n\nz\t',
        "text\na\n\nb\n",
        "sentence\tnote\n" + "long " * 300 + "\tn\nb\tc\n",
    ),
    "quoted": (
        'text\tlabel\n"a\tb"\tpos\n"c ""d"""\tneg\n"two\nlines"\tpos\n',
        'label\ttext\r\n1\t"x\r\ny"\r\n"2"\t""\r\n\r\n3\tplain\r\n',
    ),
    "csv": (
        'text,label\n"good, really",pos\n"say ""no""",neg\nplain,pos\n',
        'id,review,label\r\n1,"two\r\nlines",0\r\n2,,1\r\n\r\n3,"",x\r\n',
        "text;label\na, b;pos\nc;neg\n",
        f'{BOM}"text","n"\n"재밌게","1"\n"",""',
        "text\na\n\n\"\"\nb\n",
    ),
    "fasttext": (
        "__label__pos good film\n__label__neg bad film\n",
        "__label__a __label__b two labels\r\n\r\nno label\r\n__label__c\r\n",
        f"{BOM}__label__긍정\t재밌게 봤다\n __label__x  y\x0b__label__z\n__label__ empty __label__no\n",
    ),
    "conllu": (
        "# sent_id = 1\n# text = The dogs ran.\n1\tThe\tthe\tDET\tDT\t_\t2\tdet\t_\t_\n2\tdogs\tdog\tNOUN\tNNS\tNumber=Plur\t3\tnsubj\t_\t_\n"
        "3\tran\trun\tVERB\tVBD\t_\t0\troot\t_\tSpaceAfter=No\n4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_\n\n"
        "# text = Go\n1\tGo\tgo\tVERB\t_\t_\t0\troot\t_\t_\n\n",
        "# newdoc\n1-2\tdámelo\t_\t_\t_\t_\t_\t_\t_\t_\r\n1\tda\tdar\tVERB\t_\t_\t0\troot\t_\t_\r\n2\tmelo\tlo\tPRON\t_\t_\t1\tobj\t_\t_\r\n"
        "2.1\te\te\tX\t_\t_\t_\t_\t1:x\t_\r\n \r\n1\ta\t_\t_\t_\t_\t_\t_\t_\t_",
    ),
    "conll": (
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n. . O O\n",
        "나는\tO\n서울에\tB-LOC\n\n# id 1\n#\tO\nx\tB-X\r\n\r\n\r\ny\tO",
        "a O\nb B-X\n \nc O\n\n",
    ),
    "svmlight": (
        "+1 1:0.5 4:2 # good\n-1 3:-1.25\n\n0\n",
        "# made by hand\r\n1,3 qid:7 2:1e-3\t2147483648:.5\r\n 1:1\r\n2",
    ),
}  # fmt: skip
PACKERS = {".gz": lambda data: gzip.compress(data, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": None}


class Seed(NamedTuple):
    format: str  # as --from would say
    suffix: str  # of the file's name, that of the compression included
    data: bytes
    quotes: bool = False
    second: bytes | None = None  # of parallel files


@cache
def seeds() -> tuple[Seed, ...]:
    plain = [
        Seed("tsv" if kind == "quoted" else kind, ".tsv" if kind == "quoted" else f".{kind}", text.encode(), kind == "quoted")
        for kind, texts in PLAIN.items()
        for text in texts
    ]
    binary = [Seed("arrow", ".arrow", data) for data in arrows()] + [Seed("parquet", ".parquet", data) for data in parquets()]
    first = {seed.format: seed for seed in reversed(plain + binary)}
    packed = [first[kind]._replace(suffix=first[kind].suffix + suffix, data=pack(first[kind].data, suffix)) for kind in first for suffix in PACKERS]
    joined = [Seed("text", ".text.gz", pack(b"one\ntw", ".gz") + pack(b"o\nthree\n", ".gz") + bytes(9))]
    pairs = [Seed("text", ".text", one.data, second=other.data) for one, other in zip(plain[:5], (*plain[1:5], plain[0]), strict=True)]
    same = [Seed("text", ".text", seed.data, second=seed.data.upper()) for seed in plain[:4]]
    return (*plain, *binary, *packed, *joined, *pairs, *same)


def pack(data: bytes, suffix: str) -> bytes:
    packer = PACKERS[suffix]
    return packer(data) if packer else pa.Codec("zstd", 3).compress(data, asbytes=True)


def table() -> Any:
    """A column of every type that is read, and one of our own names for each kind of type."""
    day = datetime.date(2020, 1, 2)
    return pa.table(
        {
            "text": ["a", "재밌게", None],
            "label": pa.array(["x", "y", "x"]).dictionary_encode(),
            "ids": pa.array([[1, 2], [], [3]], pa.list_(pa.int32())),
            "vector": pa.array([[0.5, 1.5]] * 3, pa.list_(pa.float32(), 2)),
            "n": [1, None, 2**40],
            "flag": [True, False, None],
            "day": [day, None, day],
            "at": pa.array([datetime.datetime(2020, 1, 2, 3, 4, 5)] * 3, pa.timestamp("us", "UTC")),
            "cost": [decimal.Decimal("1.50")] * 3,
            "deep": [{"a": [{"b": "c"}]}, None, {"a": []}],
            "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
            "none": pa.nulls(3),
        }
    )


def arrows() -> list[bytes]:
    lines = ['{"text":"a","n":1e400,"tokens":["a"],"ids":[1]}', '{"text":"b","tokens":["b","c"],"ids":[2,3]}']
    ours = Batch(pl.DataFrame(), Position("f"), raw=pl.Series(lines))
    own = written([ours, ours], "arrow")
    found = [own, own + written([], "arrow") + own]
    for opened, compression in ((pa.ipc.new_stream, None), (pa.ipc.new_file, None), (pa.ipc.new_stream, "zstd"), (pa.ipc.new_file, "lz4")):
        sink = io.BytesIO()
        columns = table() if compression else table().select(["text", "ids", "n", "deep", "label"])
        with opened(sink, columns.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
            writer.write_table(columns, max_chunksize=2)
        found.append(sink.getvalue())
    return found


def parquets() -> list[bytes]:
    found = []
    for how in ({}, {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"}, {"compression": "zstd", "row_group_size": 1}):
        sink = io.BytesIO()
        pq.write_table(table() if how else table().select(["text", "ids", "n", "deep"]), sink, **how)
        found.append(sink.getvalue())
    return found
