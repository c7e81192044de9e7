"""CoNLL-U, the format of Universal Dependencies: ten columns a word, comments before, a blank line after a sentence.

A record is a sentence: text, tokens (the forms of the syntactic words), tags (their universal parts of speech) and
`conllu`, its lines as they were, so that lemmas, heads and comments are not lost on the way to CoNLL-U again. A
sentence whose words have no part of speech (all are `_`) has no tags. One that is comments only has no tokens and is
a record all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import polars as pl

from textkit.streams.batch import Batch, Position
from textkit.streams.bytesource import ByteSource
from textkit.streams.formats.base import Event, Reading, Writing
from textkit.streams.formats.conllu_words import FIELDS, faulty, split_words
from textkit.streams.formats.conllu_writer import ConllUWriter
from textkit.streams.formats.sentences import Sentences, sentence_blocks

COMMENT = re.compile(
    rb"#[ \t]*(newdoc|newpar|sent_id[ \t]*=.*|text[ \t]*=.*|global\.columns[ \t]*=.*|new(doc|par)[ \t]+id[ \t]*=.*)[ \t\r]*", re.DOTALL
)
TEXT = r"^#[ \t]*text[ \t]*= ?(.*)$"
FIX = "ten columns with single tabs between them, words numbered 1, 2, 3 ... in each sentence"


class ConllU:
    suffixes = (".conllu", ".conll-u")
    binary = False

    def proves(self, source: ByteSource) -> bool:
        first = source.first_line()
        cells = first.split(b"\t")
        return bool(COMMENT.fullmatch(first)) or (len(cells) == len(FIELDS) and re.fullmatch(rb"1(-[1-9][0-9]*)?", cells[0]) is not None)

    def read(self, source: ByteSource, reading: Reading) -> Iterator[Event]:
        for sentences in sentence_blocks(source, reading.faults):
            words = split_words(sentences.lines)
            frame, starts = _records(sentences, words), sentences.starts()
            told = faulty(words)
            if len(told):
                kept = sentences.leave_out(sentences.errors(told, FIX), reading.faults)
                frame, starts = frame.filter(kept), starts.filter(kept)
            yield Batch(frame, Position(source.name, starts), added=frozenset(frame.columns))

    def writer(self, out: BinaryIO, writing: Writing) -> ConllUWriter:
        return ConllUWriter(out)


def _records(sentences: Sentences, words: pl.DataFrame) -> pl.DataFrame:
    """One row a sentence: text, tokens, tags, conllu."""
    listed = words.filter("is_word").group_by("sentence", maintain_order=True).agg(tokens="FORM", tags="UPOS", untagged=(pl.col("UPOS") == "_").all())
    texts = _texts(words)
    lines = _whole_lines(sentences.lines)
    frame = pl.DataFrame({"sentence": pl.Series(range(len(lines)), dtype=words.schema["sentence"]), "conllu": lines})
    frame = frame.join(listed, "sentence", "left", maintain_order="left").join(texts, "sentence", "left", maintain_order="left")
    tags = pl.when(pl.col("untagged").fill_null(False).not_()).then(pl.col("tags").fill_null([]))
    frame = frame.select(pl.col("text").fill_null(""), pl.col("tokens").fill_null([]), tags.alias("tags"), "conllu")
    return frame.drop("tags") if frame["tags"].null_count() == len(frame) else frame


def _whole_lines(lines: pl.DataFrame) -> pl.Series:
    """Each sentence's lines as one string. No line is empty, so a blank one can divide them and nothing else."""
    line = pl.col("line").fill_null("\ufffd")
    parted = lines.select(pl.when("first").then("\n" + line).otherwise(line).str.join("\n")).item()
    return pl.Series(parted[1:].split("\n\n"))


def _texts(words: pl.DataFrame) -> pl.DataFrame:
    """sentence, text: what the comment says, else the words as they were written."""
    said = words.select("sentence", text=pl.when("is_comment").then(pl.col("line").str.extract(TEXT, 1)))
    said = said.drop_nulls().unique("sentence", keep="first", maintain_order=True)
    silent = words.join(said, "sentence", "anti", maintain_order="left")
    return pl.concat([said, _spelt(silent)])


def _spelt(words: pl.DataFrame) -> pl.DataFrame:
    """sentence, text from the forms: a range such as 1-2 stands for its words, SpaceAfter=No takes the space away."""
    surface = (pl.col("mark") == "-") | (pl.col("is_word") & (pl.col("low") > pl.col("covered")))
    glued = pl.col("MISC").fill_null("").str.contains(r"(?:^|\|)SpaceAfter=No(?:\||$)")
    pieces = words.filter(surface.fill_null(False)).select("sentence", text=pl.col("FORM") + pl.when(glued).then(pl.lit("")).otherwise(pl.lit(" ")))
    return pieces.group_by("sentence", maintain_order=True).agg(pl.col("text").str.join("").str.strip_suffix(" "))
