"""Tables: TSV without quoting, and CSV as RFC 4180 has it.

A header line is taken for one if it has a name that textkit knows or that the user gave. Fields are counted in every
record: a reader that fills short rows with nulls loses data in silence.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource, nul_byte, undecodable
from textkit.streams.formats.base import ASIDE, Event, Reading, Writer, Writing
from textkit.streams.formats.lines import line_blocks

OURS = ("text", "label", "target", "pair")  # the columns of a table that textkit reads
Rows = tuple[pl.DataFrame, int | pl.Series]  # string columns, and the line (or lines) where the records start


def looks_like_header(cells: list[str], reading: Reading) -> bool:
    """Whether a first line names columns: `--header` says so, or a cell is a known name or one the user gave."""
    if reading.header is not None:
        return reading.header
    if reading.columns:
        return False
    return reading.known(cells)


def column_names(cells: list[str], reading: Reading, where: str) -> tuple[list[str], dict[str, str], bool]:
    """(names, mapping of ours to the user's, whether `cells` was a header) from the first record."""
    header = looks_like_header(cells, reading)
    names = list(reading.columns) or (cells if header else ["text"] if len(cells) == 1 else [])
    if not names:
        shown = ", ".join(cell[:20] for cell in cells[:6])
        fix = f"if that line is a header, say --text-field NAME (and --label-field NAME); if not, name all {len(cells)} with --columns"
        raise InputError(f"cannot tell which of the {len(cells)} columns ({shown}) is the text", where=where, fix=fix)
    if len(names) != len(cells):
        raise InputError(f"{len(cells)} fields, but --columns names {len(names)}", where=where)
    if len({*names}) < len(names):
        raise InputError(f"the header repeats a name ({', '.join(names)})", where=where, fix="give --columns with --header")
    mapping = map_names(names, reading, where)
    ours = {user: our for our, user in mapping.items()}
    aside = {our: f"{ASIDE}{our}" for our in mapping}  # --label-field topic, and there is a column label too
    return [ours.get(name, aside.get(name, name)) for name in names], mapping, header


def map_names(names: list[str], reading: Reading, where: str) -> dict[str, str]:
    """Our name -> the user's, where they differ."""
    remembered = {our: user for our, user in reading.usual.items() if user in names}
    mapping = {}
    for our, user in {**remembered, **reading.names}.items():
        if user not in names:
            raise InputError(f"no column is called {user!r}", where=where, fix=f"the columns are {', '.join(names)}")
        mapping[our] = user
    lower = {name.strip().lower(): name for name in names if name not in mapping.values()}
    for our in OURS:
        alias = reading.alias(our, lambda name: name in lower or name in names)
        if alias and our not in mapping and our not in names:
            mapping[our] = alias if alias in names else lower[alias]
    return {our: user for our, user in mapping.items() if our != user}


class Tsv:
    suffixes: tuple[str, ...] = (".tsv", ".tab")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        names: list[str] = []
        for frame, lines in self.rows(source, reading):
            if not names:
                place, first = Position(source.name, lines), _first_record(frame)
                names, mapping, header = column_names([cell or "" for cell in frame.row(first)], reading, place(first))
                if mapping:
                    yield mapping
                if header:  # and the empty lines before it
                    frame = frame[first + 1 :]
                    lines = lines + first + 1 if isinstance(lines, int) else lines[first + 1 :]
            frame.columns = names
            if "text" in names:  # an empty line has no other fields
                frame = frame.with_columns(pl.col("text").fill_null(""))
            yield Batch(frame, Position(source.name, lines), added=frozenset(names))

    def rows(self, source: ByteSource, reading: Reading) -> Iterator[Rows]:
        width, early = 0, pl.Series(dtype=pl.String)
        for lines, number in line_blocks(source, reading.faults):
            lines, number = pl.concat([early, lines.alias("")]), number - len(early)
            if not width and (lines == "").all():
                early = lines
                continue
            early = early[:0]
            counts = lines.str.count_matches("\t", literal=True) + 1
            width = width or counts.filter(lines != "")[0]
            check_widths(counts, lines == "", width, Position(source.name, number), "tabs")
            rows = lines.str.split_exact("\t", width - 1).struct.unnest()
            yield _empty(rows, lines == ""), number
        if len(early):
            yield pl.DataFrame({"": [None] * len(early)}, schema={"": pl.String}), 1

    def writer(self, out: BinaryIO, writing: Writing) -> Writer:
        raise InputError("tables cannot be written yet", fix="use --to jsonl, arrow or text")


class Csv(Tsv):
    suffixes = (".csv",)

    def rows(self, source: ByteSource, reading: Reading) -> Iterator[Rows]:
        width, number, early = 0, 1, b""
        for block in csv_blocks(source):
            block, early = early + block, b""
            if not width and not block.strip(b"\r\n"):
                early = block
                continue
            try:
                text = outside = block.decode()
            except UnicodeDecodeError:
                raise undecodable(block, number, source.name) from None
            if "\x00" in outside:
                raise nul_byte(block, number, source.name)
            outside = QUOTED_FIELD.sub(lambda quoted: "q" + "\x00" * quoted[0].count("\n"), outside)
            records = pl.Series(outside.removesuffix("\n").split("\n"))
            newlines = records.str.count_matches("\x00", literal=True) + 1
            starts = number + newlines.cum_sum() - newlines
            place = Position(source.name, starts)
            if '"' in outside:
                stray = records.str.contains('"', literal=True).arg_true()[0]
                fix = 'quote the whole field and write the quote in it as ""'
                raise InputError("a quote inside a field that is not quoted", where=place(stray), fix=fix)
            blank = records.str.strip_chars("\r") == ""
            counts = records.str.count_matches(",", literal=True) + 1
            width = width or counts.filter(~blank)[0]
            check_widths(counts, blank, width, place, "commas")
            if blank.any():
                yield _with_blank(read_csv(_without_blank(text, blank), width, int((~blank).sum()), place), blank), starts
            else:
                yield read_csv(block, width, len(records), place), starts
            number += int(newlines.sum())
        if early:
            starts = pl.Series(range(1, early.count(b"\n") + (not early.endswith(b"\n")) + 1))
            yield pl.DataFrame({"": [None] * len(starts)}, schema={"": pl.String}), starts


LONGEST_RECORD = 64 << 20  # bytes after which a quote is taken for one that is never closed

# a whole quoted field: from a field's start to a field's end
QUOTED_FIELD = re.compile(r'(?:(?<=[,\n])|\A)"[^"]*(?:""[^"]*)*"(?=,|\r?\n|\r?\Z)')


def _empty(frame: pl.DataFrame, blank: pl.Series) -> pl.DataFrame:
    """Null instead of empty text in the rows of empty lines."""
    return frame.with_columns(pl.when(~blank).then(pl.all())) if blank.any() else frame


def _first_record(frame: pl.DataFrame) -> int:
    """The first row that is no empty line; 0 if all are."""
    rows = frame.select(~pl.all_horizontal(pl.all().is_null())).to_series().arg_true()
    return rows[0] if len(rows) else 0


def _without_blank(text: str, blank: pl.Series) -> bytes:
    """A CSV block without its empty lines, on which polars' reader cannot be relied."""
    records = pl.Series(QUOTED_FIELD.sub(lambda quoted: quoted[0].replace("\n", "\x00"), text).removesuffix("\n").split("\n"))
    whole: str = (records.filter(~blank) + "\n").str.join("").item()
    return whole.replace("\x00", "\n").encode()


def _with_blank(frame: pl.DataFrame, blank: pl.Series) -> pl.DataFrame:
    """Rows of nulls put back where `blank` says that there were empty lines."""
    rows = (~blank).cum_sum().cast(pl.Int64) - 1
    return frame.select(pl.all().gather(pl.select(pl.when(~blank).then(rows)).to_series()))


def csv_blocks(source: ByteSource) -> Iterator[bytes]:
    """Blocks that end where a record ends: at a line end with no quote open."""
    rest, number = b"", 1
    for block in source.blocks():
        seen, block = len(rest), rest + block
        end = len(block) if block.count(b'"') % 2 == 0 else _last_closed_line(block, seen)
        if end:
            yield block[:end]
            number += block.count(b"\n", 0, end)
        rest = block[end:]
        if len(rest) > LONGEST_RECORD:
            break
    if rest:
        where = f"{source.name}:{number}"
        raise InputError("a quoted field that starts here is never closed", where=where, fix='a " inside a field is written ""')


def _last_closed_line(block: bytes, seen: int) -> int:
    """Where the last record ends in a block with an odd number of quotes (0: nowhere). None ends in what was `seen`."""
    end, is_open = len(block), True
    while end > seen and is_open:
        line = block.rfind(b"\n", 0, end - 1) + 1
        is_open ^= block.count(b'"', line, end) % 2 == 1
        end = line
    return 0 if is_open else end


def check_widths(counts: pl.Series, blank: pl.Series, width: int, place: Position, marks: str) -> None:
    """InputError at the first record that has other than `width` fields. An empty line is a record of empty text."""
    wrong = (counts != width) & ~blank
    if wrong.any():
        row = wrong.arg_true()[0]
        fix = f"see that line's {marks}, or read it as --from text"
        raise InputError(f"{counts[row]} field{'s' * (counts[row] != 1)} where {width} are due", where=place(row), fix=fix)


def read_csv(block: bytes, width: int, records: int, place: Position) -> pl.DataFrame:
    schema = {f"field_{i}": pl.String for i in range(width)}
    if not records:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        schema=schema,
        empty_string_is_null=False,
        extra_columns="raise",
    )
    if len(frame) != records:
        raise InputError(f"{records} records were counted and {len(frame)} read", where=place(0), fix="check the quotes")
    return frame
