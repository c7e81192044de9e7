"""The lines of CoNLL-U sentences in columns, and which of them break the rules."""

from __future__ import annotations

import polars as pl

from textkit.streams.formats.sentences import counted

FIELDS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
ID = r"^(0|[1-9][0-9]{0,8})(?:([-.])([1-9][0-9]{0,8}))?$"


def split_words(lines: pl.DataFrame) -> pl.DataFrame:
    """`lines` (line, sentence, first) with the ten fields and what the ids say.

    low, mark, high: of an id `8`, `1-2` or `8.1`; is_word, is_comment; last: the word so far in the sentence (0 before
    the first); covered: where the latest range ends (0: there was none); tabs: how many there are.
    """
    line = pl.col("line")
    fields = lines["line"].str.split_exact("\t", len(FIELDS) - 1).struct.rename_fields(FIELDS).struct.unnest()
    ids = fields["ID"].str.extract_groups(ID).struct.rename_fields(["low", "mark", "high"]).struct.unnest()
    rows = pl.concat([lines, fields, ids], how="horizontal")
    rows = rows.with_columns(
        pl.col("low", "high").cast(pl.Int64),
        is_comment=line.str.starts_with("#").fill_null(False),
        is_word=pl.col("low").is_not_null() & pl.col("mark").is_null(),
        tabs=line.str.count_matches("\t", literal=True),
    )
    start = pl.when("first").then(0)
    last = pl.when("is_word").then("low").otherwise(start).forward_fill()
    covered = pl.when(pl.col("mark") == "-").then("high").otherwise(start).forward_fill()
    return rows.with_columns(last=last, covered=covered)


def faulty(rows: pl.DataFrame) -> pl.DataFrame:
    """number, sentence, message of the lines that break a rule."""
    wide = pl.col("tabs") == len(FIELDS) - 1
    filled = (pl.col("FORM") != "") & (pl.col("UPOS") != "")
    ordered = rows.select(good=_in_order()).to_series()
    good = pl.col("is_comment") | (wide & filled & ordered)
    bad = rows.with_columns(good=good.fill_null(False)).filter(~pl.col("good"))
    message = (
        pl.when(~wide)
        .then(counted("field", pl.col("tabs") + 1, len(FIELDS)))
        .when(pl.col("low").is_null())
        .then(pl.concat_str("ID", pl.lit(" is no id of a word")))
        .when(~filled)
        .then(pl.lit("an empty field, where _ is due"))
        .otherwise(pl.concat_str(pl.lit("the id "), "ID", pl.lit(" is out of order")))
    )
    return bad.select("number", "sentence", message=message)


def _in_order() -> pl.Expr:
    """Words count on from the last one; a range starts at the next word and ends in its sentence, and `8.1` follows 8."""
    low, high, mark, last = pl.col("low"), pl.col("high"), pl.col("mark"), pl.col("last")
    before = pl.when("first").then(0).otherwise(last.shift(1))  # the last word before this line
    end_before = pl.when("first").then(0).otherwise(pl.col("covered").shift(1))
    total = pl.when(pl.col("first").shift(-1, fill_value=True)).then(last).backward_fill()  # words in the sentence
    goes_on = (mark.shift(1) == ".").fill_null(False) & ~pl.col("first")
    return (
        pl.when(mark.is_null())
        .then(low == before + 1)
        .when(mark == "-")
        .then((low == before + 1) & (high >= low) & (high <= total) & (low > end_before))
        .otherwise((low == before) & (high == pl.when(goes_on).then(high.shift(1) + 1).otherwise(1)))
    )
