"""svmlight's lines, which liblinear, libsvm, scikit-learn and xgboost read: `LABEL INDEX:VALUE INDEX:VALUE`.

Indices are one-based: the feature 0 of a record is written as 1, and read back as 0. Values have the fewest digits that
read back the same. A line's comment (from a # on) and its `qid:` are passed over.

Written labels that are numbers stand as they are. Others are numbered 0, 1, 2 in the order in which they first come,
and a line on stderr tells at the end which is which: liblinear takes no comments in its files. A record's `labels`
stand with commas between them, as scikit-learn reads them.

The first record decides whether labels are numbers, names or missing (all 0 then), since its line is written before
the others are seen. A record that does not go with that is a bad one: a 0 for a label that is missing among others
would be one of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.ragged import flatten, nest
from textkit.report import say
from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.faults import Fault, Faults
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.lines import line_blocks
from textkit.streams.formats.sparse import Codes, Rows, any_of, labels_of, not_rising, records_of, refuse, rows_of

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
SPACE = r"[ \t\r\x0b\x0c]"
LINE = rf"^(?:{NUMBER}(?:,{NUMBER})*)?(?:(?:^|{SPACE}+)qid:[0-9]+)?(?:(?:^|{SPACE}+)[0-9]+:{NUMBER})*$"
MOST = 2**31  # the largest index, one-based
SAID = 20  # labels in the line on stderr
LABELS_FIX = "make all labels numbers or all names, or leave them out with --drop label"
LINE_FIX = "see the line; indices begin with 1 and rise: scikit-learn writes them so with zero_based=False"


class SvmLight:
    suffixes = (".svmlight", ".libsvm")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        return False

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        for lines, number in line_blocks(source, reading.faults):
            body = lines.str.replace("#.*", "").str.strip_chars(" \t\r\x0b\x0c")
            kept = (body != "").fill_null(False)
            numbers = pl.int_range(number, number + len(lines), dtype=pl.Int64, eager=True).filter(kept)
            batch = _batch(lines.filter(kept), body.filter(kept), Position(source.name, numbers), reading.faults)
            if len(batch):
                yield batch

    def writer(self, out: BinaryIO, writing: Writing) -> SvmLightWriter:
        return SvmLightWriter(out)


def _batch(lines: pl.Series, body: pl.Series, place: Position, faults: Faults) -> Batch:
    """The records of lines that are no mere comments. `body` is what of each line counts."""
    shaped = body.str.contains(LINE)
    pairs, lengths = flatten(pl.select(pl.when(shaped).then(body.str.extract_all(r"[0-9]+:[^ \t\r\x0b\x0c]+"))).to_series())
    parts = pairs.str.split_exact(":", 1).struct.unnest()
    index = parts.to_series(0).cast(pl.Int64, strict=False)  # null: one that not even this holds
    value = parts.to_series(1).cast(pl.Float64)
    row = records_of(lengths)
    wrong = {
        "not a line of svmlight: LABEL INDEX:VALUE ...": ~shaped,
        "an index is not from 1 to 2147483648": any_of(~index.is_between(1, MOST).fill_null(False), row, len(body)),
        "the indices do not rise": any_of(not_rising(index, row), row, len(body)),
        "a value is no finite number": any_of(~value.is_finite(), row, len(body)),
    }
    good = ~pl.select(pl.any_horizontal(*wrong.values())).to_series()
    if not good.all():
        faults.take(_faults(lines, wrong, place))
    index = pl.select(pl.when(index.is_between(1, MOST)).then(index - 1)).to_series().cast(pl.Int32)
    features = pl.DataFrame({"indices": nest(index, lengths), "values": nest(value, lengths)}).to_struct("features")
    batch = _labelled(body.str.extract(rf"^({NUMBER}(?:,{NUMBER})*)(?:{SPACE}|$)"), features, place)
    return batch if good.all() else batch.filter(good)


def _faults(lines: pl.Series, wrong: dict[str, pl.Series], place: Position) -> Iterator[Fault]:
    messages = pl.select(pl.coalesce(pl.when(rows).then(pl.lit(message)) for message, rows in wrong.items())).to_series()
    for row in messages.is_not_null().arg_true():  # a loop over records: the bad ones
        yield Fault(lines[row].encode(), InputError(messages[row], where=place(row), fix=LINE_FIX))


def _labelled(label: pl.Series, features: pl.Series, place: Position) -> Batch:
    """Columns if every record has one label, else lines of JSON, whose members may differ between records."""
    frame = pl.DataFrame({"label": label, "features": features})
    several = frame["label"].str.contains(",", literal=True).fill_null(True)
    if not several.any():
        return Batch(frame, place, added=frozenset(frame.columns))
    labels = pl.col("label").str.split(",").fill_null([]).alias("labels")
    many, one = (pl.struct(columns, "features").struct.json_encode() for columns in (labels, "label"))
    return Batch(pl.DataFrame(), place, raw=frame.select(pl.when(several).then(many).otherwise(one)).to_series())


class SvmLightWriter:
    marks_end = False

    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self._kind = ""  # numbers, names or none, once a record shows it
        self._codes = Codes()

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        rows, labels = rows_of(batch), labels_of(batch)
        kind = self._kind or _kind(labels)
        _demand(batch, labels, kind)
        self._kind = kind
        shown = self._shown(labels)
        lines = pl.select(pl.concat_str(shown, _shown_pairs(rows, shown), pl.lit("\n")).str.join("")).item()
        self.out.write(lines.encode())

    def _shown(self, labels: pl.Series) -> pl.Series:
        """(B,) a record's labels as numbers, with commas between them; 0 where it lacks any."""
        names, lengths = flatten(labels)
        if self._kind == "names":
            names = self._codes.encode(names).cast(pl.String)
        joined = nest(names, lengths).list.join(",")
        return pl.select(pl.when(labels.is_not_null()).then(joined).otherwise(pl.lit("0"))).to_series()

    def finish(self, records: int, complete: bool) -> None:
        """Say what the numbers stand for."""
        codes = self._codes.of
        if codes:
            said = ", ".join(f"{code} {' '.join(name.split())}" for name, code in [*codes.items()][:SAID])
            more = f", … {len(codes)} in all" if len(codes) > SAID else ""
            say(f"labels as numbers: {said}{more}", labels=codes)


def _kind(labels: pl.Series) -> str:
    """What the first record shows that has a label, or lacks one: that of an empty list shows nothing."""
    shows = labels.filter((labels.list.len() > 0).fill_null(True))
    if not len(shows):
        return ""
    return "none" if shows[0] is None else "numbers" if _numbers(shows[:1].explode()).all() else "names"


def _numbers(names: pl.Series) -> pl.Series:
    return names.str.contains(f"^{NUMBER}$") & names.cast(pl.Float64, strict=False).is_finite().fill_null(False)


def _demand(batch: Batch, labels: pl.Series, kind: str) -> None:
    """BadRecords if records do not go with the first one."""
    if kind == "none":
        refuse(batch, (labels.list.len() > 0).fill_null(False), "the record has a label, and those before it have none", LABELS_FIX)
        return
    if kind:
        refuse(batch, labels.is_null(), "the record has no label, and those before it have one", LABELS_FIX)
    if kind == "numbers":
        names, lengths = flatten(labels)
        wrong = any_of(~_numbers(names), records_of(lengths), len(batch))
        refuse(batch, wrong, "the label is no number, and those before it are", LABELS_FIX)


def _shown_pairs(rows: Rows, shown: pl.Series) -> pl.Series:
    """(B,) ` 1:0.5 7:2`"""
    values = rows.values.cast(pl.String).str.strip_suffix(".0")
    pairs = pl.select(pl.concat_str(pl.lit(" "), rows.indices.cast(pl.Int64) + 1, pl.lit(":"), values)).to_series()
    joined = nest(pairs, rows.lengths).list.join("")
    # a line of nothing would be no record: a zero says the same as no feature
    return pl.select(pl.when((joined == "") & (shown == "")).then(pl.lit(" 1:0")).otherwise(joined)).to_series()
