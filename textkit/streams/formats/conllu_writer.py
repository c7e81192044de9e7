"""Records as CoNLL-U: the sentence as it was read, with today's tags, or a new one of tokens and tags."""

from __future__ import annotations

from typing import BinaryIO

import polars as pl

from textkit.errors import InputError
from textkit.streams.batch import Batch
from textkit.streams.formats.conllu_words import FIELDS, faulty, split_words

BREAKING = r"[\t\n\r\x00]"  # what no column can hold


class ConllUWriter:
    """A `conllu` string is written as it is if its words are the record's tokens, else only tokens and tags are.

    Tags go where the universal part of speech has its place.
    """

    marks_end = False

    def __init__(self, out: BinaryIO) -> None:
        self.out = out

    def write(self, batch: Batch) -> None:
        if not len(batch):
            return
        records = batch.read_ours("text", "tokens", "tags", "conllu").with_row_index("sentence")
        words = split_words(_lines(records))
        _demand_conllu(words, batch)
        listed = words.filter("is_word").group_by("sentence", maintain_order=True).agg(forms="FORM", upos="UPOS")
        records = records.join(listed, "sentence", "left", maintain_order="left").with_columns(pl.col("forms", "upos").fill_null([]))
        as_read = pl.col("conllu").fill_null("").str.contains(r"\S") & (pl.col("tokens").is_null() | (pl.col("tokens") == pl.col("forms")))
        records = records.with_columns(as_read=as_read).with_columns(tokens=pl.when("as_read").then("forms").otherwise("tokens"))
        demand_words(records, batch)
        old, new = records.filter("as_read"), records.filter(~pl.col("as_read"))
        sentences = pl.concat([_retagged(words.join(old, "sentence", "semi", maintain_order="left"), old), _built(new)])
        self.out.write(sentences.sort("sentence")["lines"].str.join("").item().encode())

    def finish(self, records: int, complete: bool) -> None:
        """CoNLL-U has no end mark."""


def _lines(records: pl.DataFrame) -> pl.DataFrame:
    """The lines of the records that have some, as `split_words` wants them; `sentence` is the record's row."""
    had = records.filter(pl.col("conllu").fill_null("").str.contains(r"\S"))
    lines = had.select("sentence", line=pl.col("conllu").str.strip_chars("\r\n").str.split("\n")).explode("line")
    return lines.with_columns(first=pl.col("sentence") != pl.col("sentence").shift(1, fill_value=len(records)))


def _demand_conllu(words: pl.DataFrame, batch: Batch) -> None:
    told = faulty(words.with_columns(number="sentence"))
    if len(told):
        row, _, message = told.row(0)
        fix = "mend it, or leave that field out (--drop conllu)"
        raise InputError(f"its 'conllu' is no sentence of CoNLL-U: {message}", where=batch.position(row), fix=fix)


def demand_words(records: pl.DataFrame, batch: Batch) -> None:
    """InputError at the first record that lacks tokens, has another number of tags, or has some that no column can hold."""
    odd = pl.element().is_null() | (pl.element() == "") | pl.element().str.contains(BREAKING)
    checks = {
        "tokens": pl.col("tokens").is_null(),
        "number": pl.col("tags").list.len() != pl.col("tokens").list.len(),
        "columns": pl.any_horizontal(pl.col("tokens", "tags").list.eval(odd).list.any()),
    }
    messages = {
        "tokens": ("the record has no 'tokens'", "run textkit tokenize first"),
        "number": ("as many tags as tokens are due", "leave the tags out (--drop tags), or make both anew"),
        "columns": ("a token or tag is empty or holds a tab or a line end", "tokenize the text anew, or use --to jsonl"),
    }
    for check, bad in records.select(pl.Expr.fill_null(bad, False).alias(check) for check, bad in checks.items()).to_dict().items():
        if bad.any():
            message, fix = messages[check]
            raise InputError(message, where=batch.position(bad.arg_true()[0]), fix=fix)


def _retagged(words: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """sentence, lines: those that were read. A line is put together anew only where the tag is another one."""
    tags = records.select(pl.coalesce("tags", "upos").alias("tag")).filter(pl.col("tag").list.len() > 0).explode("tag").to_series()
    place = words["is_word"].cum_sum().cast(pl.Int64) - 1  # of a word among all words
    due = tags.gather(pl.select(pl.when(words["is_word"]).then(place)).to_series())
    changed = (due != words["UPOS"]) & words["is_word"]
    line = pl.when(changed).then(pl.concat_str(*FIELDS[:3], due, *FIELDS[4:], separator="\t")).otherwise("line")
    return words.with_columns(line=line).group_by("sentence", maintain_order=True).agg(lines=pl.col("line").str.join("\n") + "\n\n")


def _built(records: pl.DataFrame) -> pl.DataFrame:
    """sentence, lines: new ones, of tokens and tags."""
    text = pl.coalesce("text", pl.col("tokens").list.join(" ")).str.replace_all(r"[\r\n\x00]", " ")
    head = records.select("sentence", head=pl.concat_str(pl.lit("# text = "), text, pl.lit("\n")))
    rows = records.filter(pl.col("tokens").list.len() > 0).select(
        "sentence",
        token="tokens",
        tag=pl.coalesce("tags", pl.col("tokens").list.eval(pl.lit("_"))),
        id=pl.int_ranges(1, pl.col("tokens").list.len() + 1),
    )
    rows = rows.explode("token", "tag", "id").with_columns(misc=_space_after(records))
    none = pl.lit("_")
    line = pl.concat_str("id", "token", none, "tag", *[none] * 5, "misc", separator="\t") + "\n"
    body = rows.with_columns(line=line).group_by("sentence", maintain_order=True).agg(body=pl.col("line").str.join(""))
    lines = pl.concat_str("head", pl.col("body").fill_null(""), pl.lit("\n"))
    return head.join(body, "sentence", "left", maintain_order="left").select("sentence", lines=lines)


def _space_after(records: pl.DataFrame) -> pl.Series:
    """Per token `SpaceAfter=No` or `_`: by the text, where text and tokens are the same but for white space.

    A token is followed by white space if as many other characters come before its end as before the end of a word
    of the text.
    """
    bare = pl.col("text").str.replace_all(r"\s", "") == pl.col("tokens").list.join("").str.replace_all(r"\s", "")
    found = records.select("sentence", "text", "tokens", found=bare.fill_null(False))
    words = _ends(found.filter("found").select("sentence", piece=pl.col("text").str.extract_all(r"\S+")))
    tokens = _ends(found.select("sentence", "found", piece="tokens"))
    spaced = tokens.join(words.with_columns(spaced=True), ["sentence", "end"], "left", maintain_order="left")["spaced"].fill_null(False)
    return pl.select(pl.when(tokens["found"] & ~spaced).then(pl.lit("SpaceAfter=No")).otherwise(pl.lit("_"))).to_series()


def _ends(pieces: pl.DataFrame) -> pl.DataFrame:
    """One row a piece, in `end` how many characters other than white space come before its end."""
    rows = pieces.filter(pl.col("piece").list.len() > 0).explode("piece")
    size = pl.col("piece").str.replace_all(r"\s", "").str.len_chars().cast(pl.Int64)
    return rows.with_columns(end=size.cum_sum().over("sentence")).drop("piece")
