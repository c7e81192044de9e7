"""Which form a file of vectors has, by its content, and the table in it."""

from __future__ import annotations

import re

from textkit.embeddings.files.binary import read_binary
from textkit.embeddings.files.fasttext import MAGIC, read_fasttext
from textkit.embeddings.files.records import format_of, read_records
from textkit.embeddings.files.text import Form, numbers_at_end, read_text
from textkit.embeddings.table import Table
from textkit.errors import InputError
from textkit.streams.bytesource import ByteSource

SAMPLE = 1 << 16  # bytes that tell text from binary
WIDEST = 32  # bytes of a number
LAST = 3  # numbers of a line that are looked at
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
HEADER = re.compile(rb"\s*([0-9]{1,12})[ \t]+([0-9]{1,6})\s*")
NUMERIC = re.compile(rb"[-+0-9.eEnaifNIAFt]+")  # what a number is made of, nan and infinity too
ACCEPTED = "word2vec's text or binary, GloVe, fastText's .vec or .bin, each gzipped or not, or records of embed --words"
PICKLE = "a pickle, which textkit never opens; with gensim write it by wv.save_word2vec_format(FILE)"
OTHERS = {
    b"PK\x03\x04": "a zip file; unpack it first",
    **{b"\x80" + bytes([protocol]): PICKLE for protocol in range(2, 6)},
    b"\x93NUMPY": "a matrix of numpy's, which names no words",
}


def read_table(path: str | None) -> tuple[Table, str]:
    """The table of a file, or of stdin, and the form's name. InputError if it is none or damaged."""
    source = ByteSource(path)
    try:
        return _read(source)
    finally:
        source.close()


def _read(source: ByteSource) -> tuple[Table, str]:
    if source.starts_with(MAGIC):
        return read_fasttext(source), "fasttext"
    for magic, what in OTHERS.items():
        if source.starts_with(magic):
            raise InputError(f"is {what}", where=source.name)
    if form := format_of(source):
        return read_records(source, form), f"{form} records"
    first = source.first_line(SAMPLE)
    header = HEADER.fullmatch(first)
    size, dim = (int(header[1]), int(header[2])) if header else (0, 0)
    after = source.peek(len(first) + 1 + max(SAMPLE, WIDEST * dim))[len(first) + 1 :]
    if header and not _is_a_vector(first, after):
        if not size or not dim:
            raise InputError("holds no word with a vector", where=source.name)
        if not _is_text(after, dim):
            return read_binary(source, size, dim), "word2vec-binary"
        return read_text(source, Form.of(after.partition(b"\n")[0], dim, size)), "word2vec"
    if numbers_at_end(first) < 2 or b"\x00" in first:
        raise _unknown(source)
    return read_text(source, Form.of(first, None, None)), "glove"


def _is_a_vector(first: bytes, after: bytes) -> bool:
    """Whether a first line of two whole numbers is a word that is a number and a vector of width 1, as the line after it."""
    return len(after.partition(b"\n")[0].split()) == 2 and int(first.split()[1]) != 1 and _is_text(after, 1)


def _is_text(after: bytes, dim: int) -> bool:
    """Whether what follows a header is text: a word and numbers, or anything without the control characters that floats are full of."""
    fields = after.partition(b"\n")[0].split()
    fields = fields[1:] if b"\n" in after else fields[1:-1]  # the sample may have cut the last one
    return bool(fields and all(NUMERIC.fullmatch(field) for field in fields[-min(LAST, dim) :])) or not CONTROL.search(after)


def _unknown(source: ByteSource) -> InputError:
    if not source.peek(1):
        return InputError("is empty", where=source.name, fix=f"give {ACCEPTED}")
    return InputError("is no table of vectors that textkit reads", where=source.name, fix=f"give {ACCEPTED}")
