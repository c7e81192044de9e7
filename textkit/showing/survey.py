"""What there is to tell of a stream: counts over all of its records, gathered batch by batch.

Memory does not grow with the records but for 8 bytes each, which tell how many texts stand twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from textkit.errors import InputError
from textkit.padding import real_ids
from textkit.stage import ids_owner, vocabulary_of
from textkit.streams import values
from textkit.streams.batch import Batch
from textkit.streams.columns import dtype_of
from textkit.streams.stream import Opened, Stream

POINTS = {"min": 0, "p5": 5, "median": 50, "p95": 95, "p99": 99, "max": 100}  # per cent of the records
BALANCED = ("label", "labels", "tags", "prediction")  # columns whose values are counted
KINDS = {'"': "string", "t": "boolean", "f": "boolean", "n": "null", "[": "list", "{": "object"}  # by a JSON value's first character
INNER = {"string": "strings", "number": "numbers", "boolean": "booleans", "null": "nulls", "list": "lists", "object": "objects"}


class Counts:
    """How often each value occurs."""

    def __init__(self, dtype: Any) -> None:
        self._counts = pl.DataFrame(schema={"value": dtype, "count": pl.Int64})

    def add(self, found: pl.Series) -> None:
        new = found.drop_nulls().alias("value").value_counts(name="count").cast({"count": pl.Int64})
        self._counts = pl.concat([self._counts, new]).group_by("value").agg(pl.col("count").sum())

    def by_count(self) -> dict[Any, int]:
        return dict(self._counts.sort(["count", "value"], descending=[True, False]).iter_rows())

    def by_value(self) -> pl.DataFrame:
        return self._counts.sort("value")


class Lengths:
    """Percentiles and mean of lengths, from how often each occurs."""

    def __init__(self) -> None:
        self._counts = Counts(pl.Int64)

    def add(self, lengths: pl.Series) -> None:
        self._counts.add(lengths.cast(pl.Int64))

    def facts(self) -> dict[str, Any]:
        table = self._counts.by_value()
        seen = table["count"].cum_sum()
        total = int(table["count"].sum())
        if not total:
            return {}
        found = {name: _reached(table["value"], seen, percent) for name, percent in POINTS.items()}
        mean = float((table["value"] * table["count"]).sum()) / total
        return {**found, "mean": round(mean, 2), "histogram": _histogram(table)}


def _reached(lengths: pl.Series, seen: pl.Series, percent: int) -> int:
    """The least length that so many of a hundred records do not exceed. `seen`: how many are of each length or less."""
    due = max(1, -(-percent * int(seen[-1]) // 100))
    return int(lengths[int((seen < due).sum())])


BARS = 24  # of a histogram


def _histogram(table: pl.DataFrame) -> list[list[int]]:
    """[from, to, records] of steps of equal width up to the 99th percentile or so; the last one has all that are longer."""
    seen = table["count"].cum_sum()
    most = _reached(table["value"], seen, 99)
    least = int(table["value"][0])
    width = max(1, -((least - most - 1) // BARS))
    steps = table.with_columns(step=((pl.col("value").clip(upper_bound=most) - least) // width)).group_by("step").agg(pl.col("count").sum())
    counts = dict(steps.iter_rows())
    last = max(counts)
    ends = [least + (step + 1) * width - 1 for step in range(last)] + [int(table["value"][-1])]
    return [[least + step * width, end, counts.get(step, 0)] for step, end in enumerate(ends)]


class Texts:
    """Empty ones, those that stand twice, those whose characters are not composed."""

    def __init__(self) -> None:
        self.records = self.empty = self.uncomposed = self.decomposed = 0
        self._hashes: list[pl.Series] = []

    def add(self, texts: pl.Series) -> None:
        self.records += len(texts)
        self.empty += int((texts.str.strip_chars() == "").sum())
        self._hashes.append(texts.hash(seed=1))
        wide = texts.filter(texts.str.len_bytes() != texts.str.len_chars())  # ASCII is composed
        odd = wide.filter(wide != wide.str.normalize("NFC"))
        self.uncomposed += len(odd)
        self.decomposed += int((odd == odd.str.normalize("NFD")).sum())

    def facts(self) -> dict[str, int]:
        distinct = pl.concat(self._hashes).n_unique() if self._hashes else 0
        return {"records": self.records, "empty": self.empty, "repeated": self.records - distinct, "not_nfc": self.uncomposed, "nfd": self.decomposed}


class Columns:
    """Which members or columns records have, and values of which types."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, int]] = {}

    def add(self, batch: Batch) -> None:
        for name in (name for name in batch.frame.columns if name in batch.added):
            self._count(name, _kind_of(batch.frame.schema[name]), len(batch) - batch.frame[name].null_count())
        if batch.raw is not None and len(batch):
            last = values.top_members(batch.raw).unique(["row", "key"], keep="last", maintain_order=True)
            kinds = last.select("key", kind=_kind(pl.col("value"))).group_by("key", "kind", maintain_order=True).len()
            order = last["key"].unique(maintain_order=True)
            for name, kind, count in kinds.sort(pl.col("key").replace_strict(order, range(len(order)))).iter_rows():
                self._count(name, kind, count)

    def _count(self, name: str, kind: str, count: int) -> None:
        kinds = self._found.setdefault(name, {})
        if count:
            kinds[kind] = kinds.get(kind, 0) + count

    def facts(self) -> dict[str, Any]:
        return {"columns": {name: sum(kinds.values()) for name, kinds in self._found.items()}, "types": self._found}


def _kind(value: pl.Expr) -> pl.Expr:
    """The type of a JSON value, a list with that of its first item."""
    outer = value.str.head(1).replace_strict(KINDS, default="number")
    inner = value.str.extract(r"^\[\s*([^\]\s])", 1).replace_strict(KINDS, default="number")
    of = pl.concat_str(pl.lit("list of "), inner.replace(INNER))
    return pl.when((outer == "list") & value.str.contains(r"^\[\s*[^\]\s]")).then(of).otherwise(outer)


def _kind_of(dtype: Any) -> str:
    if isinstance(dtype, pl.List):
        return f"list of {INNER['list' if isinstance(dtype.inner, pl.List) else _kind_of(dtype.inner)]}"
    if isinstance(dtype, pl.Struct):
        return "object"
    return "string" if dtype == pl.String else "boolean" if dtype == pl.Boolean else "number"


class Unknown:
    """How many ids are those of the unknown token, where the vocabulary can be found."""

    def __init__(self, stream: Stream) -> None:
        self.ids = self.unknown = 0
        owner = ids_owner(stream.lineage)
        try:
            self._id = None if owner is None else vocabulary_of(owner, stream.near).unk_id
        except InputError:  # the artifact is not on this machine, or damaged: only this count is missing then
            self._id = None

    def add(self, batch: Batch) -> None:
        if self._id is not None and batch.has_whole("ids"):
            flat = real_ids(batch).drop_nulls().explode().drop_nulls()
            self.ids += len(flat)
            self.unknown += int((flat == self._id).sum())

    def facts(self) -> dict[str, Any]:
        return {} if self._id is None or not self.ids else {"ids": {"count": self.ids, "unknown": self.unknown}}


def facts_of_stream(stream: Stream, name: str, encoding: str = "utf-8") -> dict[str, Any]:
    """Counts over all records."""
    records = 0
    columns, texts, unknown = Columns(), Texts(), Unknown(stream)
    lengths = {"characters": Lengths(), "tokens": Lengths()}
    balance = {column: Counts(pl.String) for column in BALANCED}
    for batch in stream.batches:
        records += len(batch)
        columns.add(batch)
        unknown.add(batch)
        if batch.has("text"):
            texts.add(batch.ours("text").drop_nulls())
            lengths["characters"].add(batch.ours("text").drop_nulls().str.len_chars())
        if batch.has("tokens"):
            lengths["tokens"].add(batch.ours("tokens").drop_nulls().list.len())
        for column, counts in balance.items():
            if batch.has(column):
                found = batch.ours(column)
                counts.add(found.drop_nulls().explode() if isinstance(dtype_of(column), pl.List) else found)
    counted = {column: counts.by_count() for column, counts in balance.items()}
    return {
        "path": name,
        "kind": "stream",
        "records": records,
        "inputs": [_facts_of_input(one, encoding) for one in stream.opened],
        **columns.facts(),
        "lengths": {what: told for what, one in lengths.items() if (told := one.facts())},
        **({"texts": texts.facts()} if texts.records else {}),
        **unknown.facts(),
        "labels": counted.pop("label"),
        "values": {column: counts for column, counts in counted.items() if counts},
        "complete": stream.ending.problem is None,
        "lineage": stream.lineage.to_json(),
    }


def _facts_of_input(one: Opened, encoding: str) -> dict[str, Any]:
    path = Path(one.name)
    facts: dict[str, Any] = {"name": one.name, "format": one.format}
    facts |= {"compression": one.compression} if one.compression else {}
    binary = one.format in ("arrow", "parquet")
    facts |= {} if binary else {"encoding": encoding.lower()}
    if path.is_file():
        facts["size"] = path.stat().st_size
        facts |= {"schema": schema_of(path)} if binary and not one.compression else {}
    return facts


def schema_of(path: Path) -> dict[str, str]:
    """Column -> its type, as the file itself says."""
    import pyarrow as pa

    with path.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith(b"PAR1"):
            import pyarrow.parquet

            schema = pyarrow.parquet.read_schema(file)
        else:
            schema = pa.ipc.open_file(file).schema if magic == b"ARROW1" else pa.ipc.open_stream(file).schema
        return {field.name: str(field.type) for field in schema}
