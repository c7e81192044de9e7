"""What a reader should find in bytes, worked out line by line in plain Python, without what textkit uses to read them."""

from __future__ import annotations

import bz2
import csv
import io
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.streams.test_fasttext import by_hand
from tests.streams.test_svmlight import by_hand as svmlight_by_hand
from textkit.errors import InputError
from textkit.streams.formats.base import Reading
from textkit.streams.formats.table import column_names
from textkit.streams.lineage import CONTROL, Lineage, control_line

BAD = object()  # a record that must be told of
ANY = object()  # a record of which only the number is known


class Refused(Exception):
    """The input as a whole must be refused."""


class Unknown(Exception):
    """Nothing is known of what is due."""


def _members(make: Callable[[], Any], data: bytes) -> bytes:
    """What whole compressed members hold, of which zeros may follow each."""
    found = b""
    while data:
        member = make()
        found += member.decompress(data)
        if not member.eof:
            raise EOFError
        data = member.unused_data.lstrip(b"\x00")
    return found


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": partial(_members, partial(zlib.decompressobj, 31)),
    "bzip2": partial(_members, bz2.BZ2Decompressor),
    "xz": partial(_members, partial(lzma.LZMADecompressor, lzma.FORMAT_XZ)),
    "zstd": lambda data: pa.CompressedInputStream(io.BytesIO(data), "zstd").read(),
}


@dataclass(frozen=True)
class Expected:
    records: list[tuple[int, Any]]  # line, and the record's values, BAD or ANY
    loose: bool = False  # holds only where nothing was refused
    counted: bool = False  # holds only for how many were read and left out together

    @property
    def good(self) -> list[Any]:
        return [record for _, record in self.records if record is not BAD]

    @property
    def bad(self) -> list[int]:
        return [line for line, record in self.records if record is BAD]


def values(line: str) -> list[Any]:
    """The members' values of one JSON object, numbers by their spelling; ValueError if it is none."""

    def constant(name: str) -> Any:
        raise ValueError(name)

    found = json.loads(line, parse_int=str, parse_float=str, parse_constant=constant)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return list(found.values())


def expected(format: str, data: bytes, quotes: bool) -> Expected:
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data:
        return Expected([])
    if format in ("tsv", "csv"):
        return _table(data, format == "csv" or quotes, _mark(data) if format == "csv" else "\t")
    return ORACLES[format](data)


def _lines(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, text or BAD)"""
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        try:
            yield number, BAD if b"\x00" in line else line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            yield number, BAD


def _text(data: bytes) -> Expected:
    return Expected([(number, line if line is BAD else [line]) for number, line in _lines(data)])


def _fasttext(data: bytes) -> Expected:
    return Expected([(number, line if line is BAD else [*by_hand(line).values()]) for number, line in _lines(data)])


def _svmlight(data: bytes) -> Expected:
    found = ((number, line if line is BAD else _svmlight_record(line)) for number, line in _lines(data))
    return Expected([(number, record) for number, record in found if record is not None])


def _svmlight_record(line: str) -> Any:
    try:
        record = svmlight_by_hand(line)
    except ValueError:
        return BAD
    spelt = json.dumps(record and record["features"])
    return None if record is None else ANY if "e-" in spelt else values(json.dumps(record))  # 1e-7, where Python writes 1e-07


def parallel(first: bytes, second: bytes) -> Expected:
    one, two = ([*_lines(data.removeprefix(b"\xef\xbb\xbf"))] if data.removeprefix(b"\xef\xbb\xbf") else [] for data in (first, second))
    if len(one) != len(two):
        raise Refused
    return Expected([(number, BAD if BAD in (text, target) else [text, target]) for (number, text), (_, target) in zip(one, two, strict=True)])


def _jsonl(data: bytes) -> Expected:
    records: list[tuple[int, Any]] = []
    headers = []  # what stood before the records: equal lineages only
    for number, line in _lines(data):
        if line is BAD:
            records.append((number, BAD))
        elif line.strip(" \t\r") and (control := _control(line)) is not None:
            headers += [control] if isinstance(control, Lineage) else []
        elif line.strip(" \t\r"):
            records.append((number, _object(line)))
    return Expected(records, loose=bool(headers))


def _control(line: str) -> Any:
    try:
        return control_line(line, "") if re.search(CONTROL, line) else None
    except InputError:
        raise Refused from None


def _object(line: str) -> Any:
    try:
        return values(line)
    except RecursionError:
        raise Unknown from None
    except ValueError:
        return BAD


def _json(data: bytes) -> Expected:
    """Only of a whole array it is known which elements it has."""
    try:
        found = json.loads(data.decode(), parse_int=str, parse_float=str, parse_constant=values)
    except (ValueError, RecursionError):
        return Expected([(0, BAD)], loose=True)
    if not isinstance(found, list) or b"\x00" in data:
        raise Refused
    if b"textkit" in data:
        raise Unknown
    return Expected([(0, [*element.values()] if isinstance(element, dict) else BAD) for element in found])


def _mark(data: bytes) -> str:
    first = data.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    commas, semicolons = ([cell.removeprefix('"').removesuffix('"') for cell in first.split(mark)] for mark in ",;")
    known = Reading().known
    if len(commas) == 1 < len(semicolons) and not known(commas) and not known(semicolons):
        raise Unknown if '"' in first or "\r" in first else Refused
    return ";" if len(semicolons) > 1 and known(semicolons) and not known(commas) else ","


def _table(data: bytes, quotes: bool, mark: str) -> Expected:
    if quotes and re.search(rb"\r(?!\n)", data):
        raise Unknown
    if not (quotes and b'"' in data):
        return _named([(number, BAD if line is BAD else line.split(mark) if line else None) for number, line in _lines(data)])
    csv.field_size_limit(1 << 30)
    try:
        cells = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=mark, strict=True))
        return Expected(_named([(0, row or None) for row in cells]).records, loose=True)
    except (ValueError, csv.Error, Refused):
        return Expected([(0, BAD)], loose=True)


def _named(rows: list[tuple[int, Any]]) -> Expected:
    """Rows of cells, None where a line is empty, without the header and what is before it."""
    width = next((len(row) for _, row in rows if row is not BAD and row is not None), 1)
    rows = [(number, BAD if row is not None and row is not BAD and len(row) != width else row) for number, row in rows]
    at = next((at for at, (_, row) in enumerate(rows) if row is not None and row is not BAD), None)
    try:
        names, _, header = column_names([""] if at is None else rows[at][1], Reading(), "")
    except InputError:
        raise Refused from None
    empty = ["" if name == "text" or width == 1 else None for name in names]
    past = -1 if at is None or not header else at
    return Expected([(number, empty if row is None else row) for i, (number, row) in enumerate(rows) if row is BAD or i > past])


def _sentences(data: bytes) -> list[list[tuple[int, Any]]]:
    found: list[list[tuple[int, Any]]] = [[]]
    for number, line in _lines(data):
        if line is not BAD and not line.strip(" \t\r"):
            found.append([])
        else:
            found[-1].append((number, line))
    return [sentence for sentence in found if sentence]


def _conllu(data: bytes) -> Expected:
    return Expected([(sentence[0][0], ANY) for sentence in _sentences(data)], counted=True)


def _conll(data: bytes) -> Expected:
    if re.search(rb"(?m)^# |^-DOCSTART-", data):
        raise Unknown
    sentences = _sentences(data)
    first = next((line for sentence in sentences for _, line in sentence if line is not BAD), None)
    if first is None:
        raise Unknown
    tabs = "\t" in first.strip(" \t")
    width = len(_columns(first, tabs))
    if width == 1:
        raise Refused
    return Expected([(0, _sentence([line for _, line in sentence], tabs, width)) for sentence in sentences])


def _columns(line: str, tabs: bool) -> list[str]:
    return line.split("\t") if tabs else re.findall("[^ \t]+", line)


def _sentence(lines: list[Any], tabs: bool, width: int) -> Any:
    if BAD in lines:
        return BAD
    rows = [_columns(line, tabs) for line in lines]
    tokens, tags = [row[0] for row in rows], [row[-1] for row in rows]
    return BAD if any(len(row) != width for row in rows) or "" in tokens + tags else [" ".join(tokens), tokens, tags]


def _arrow(data: bytes) -> Expected:
    source = io.BytesIO(data)
    try:
        if data.startswith(b"ARROW1"):
            count = pa.ipc.open_file(source).read_all().num_rows
        else:
            count = sum(batch.num_rows for reader in _readers(source, len(data)) for batch in reader)
    except (pa.ArrowException, OSError):
        return Expected([(0, BAD)], loose=True)
    return Expected([(0, ANY)] * count, loose=True)


def _readers(source: Any, size: int) -> Iterator[Any]:
    while source.tell() < size:
        yield pa.ipc.open_stream(source)


def _parquet(data: bytes) -> Expected:
    try:
        return Expected([(0, ANY)] * pq.read_table(io.BytesIO(data)).num_rows, loose=True)
    except (pa.ArrowException, OSError):
        return Expected([(0, BAD)], loose=True)


ORACLES: dict[str, Callable[[bytes], Expected]] = {
    "text": _text,
    "fasttext": _fasttext,
    "svmlight": _svmlight,
    "jsonl": _jsonl,
    "json": _json,
    "conllu": _conllu,
    "conll": _conll,
    "arrow": _arrow,
    "parquet": _parquet,
}
