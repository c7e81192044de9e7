"""fastText's own .bin: settings, dictionary with counts, and one matrix of words and n-grams (versions 11 and 12).

A word's vector is the mean of its own row and the rows of its n-grams, as `fasttext print-word-vectors` gives it.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl

from textkit.embeddings.files.feed import LONGEST, Feed
from textkit.embeddings.files.gathering import Gathered, decoded
from textkit.embeddings.subwords import Subwords
from textkit.embeddings.table import Table
from textkit.errors import InputError, UsageError
from textkit.streams.bytesource import ByteSource

MAGIC = struct.pack("<i", 793712314)
VERSIONS = (11, 12)
SUPERVISED = 3
WIDEST, LONGEST_NGRAM = 1 << 16, 255  # numbers of a vector, characters of an n-gram; more is damage
END = "</s>"  # to fastText the end of a line: it has no n-grams
STEP = 1 << 14  # words whose n-grams are added up at once
SETTINGS = "12id"  # dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate, t
USUAL = {"ws": 5, "epoch": 5, "min_count": 1, "neg": 5, "word_ngrams": 1, "loss": 2, "model": 2}  # what is written: nothing here depends on it


class _Settings(NamedTuple):
    dim: int
    buckets: int
    min_n: int
    max_n: int


def read_fasttext(source: ByteSource) -> Table:
    """The table with its subwords. InputError if it is of another version, quantized or cut short."""
    feed = Feed(source)
    settings = _settings(feed)
    words, counts = _dictionary(feed)
    names = decoded(words)
    gathered = Gathered(source.name, settings.dim, len(words))
    own = gathered.room(len(names))
    subwords = _matrix(feed, settings, own)
    _past_output(feed)
    if subwords is not None:
        _average(names, own, subwords)
    gathered.named(names, own, lambda row: f"{source.name}: word {row + 1}")
    return gathered.table(counts, subwords)


def _settings(feed: Feed) -> _Settings:
    _, version = feed.unpack("ii")
    if version not in VERSIONS:
        told = f"a fastText model of version {version}, and those of 11 and 12 are read"
        raise InputError(told, where=feed.name, fix="make it again with fastText 0.9")
    dim, _, _, _, _, _, _, model, buckets, min_n, max_n, _, _ = feed.unpack(SETTINGS)
    if version == 11 and model == SUPERVISED:
        max_n = 0  # as fastText itself takes these
    if not 1 <= dim <= WIDEST or buckets < 0 or max_n > LONGEST_NGRAM:
        raise InputError("damaged: its settings make no sense", where=feed.name, fix="get the file again")
    return _Settings(dim, buckets, max(1, min_n), max_n)


def _dictionary(feed: Feed) -> tuple[list[bytes], np.ndarray]:
    """The words and how often each was seen; labels of a classifier are no words."""
    size, words, labels, _, pruned = feed.unpack("3iqq")
    if pruned >= 0:
        raise _quantized(feed.name)
    if not 0 <= words <= size or words + labels != size:
        raise InputError("damaged: the sizes of its dictionary do not agree", where=feed.name, fix="get the file again")
    names, counts, block, at = list[bytes](), list[int](), feed.part(), 0
    for _ in range(size):  # a loop: where an entry begins is known only when the one before is
        end = block.find(b"\x00", at)
        if end < 0 or end + 10 > len(block):
            rest = block[at:]
            block, at = feed.part(rest), 0
            end = block.find(b"\x00")
            if len(block) == len(rest) or not 0 <= end <= min(LONGEST, len(block) - 10):
                raise feed.cut()
        names.append(block[at:end])
        counts.append(int.from_bytes(block[end + 1 : end + 9], "little", signed=True))
        at = end + 10
    feed.give_back(block[at:])
    return names[:words], np.array(counts[:words], np.int64)


def _matrix(feed: Feed, settings: _Settings, own: np.ndarray) -> Subwords | None:
    """Fill (V, D) the words' own rows; what comes after them are the n-grams'."""
    if feed.unpack("?")[0]:
        raise _quantized(feed.name)
    rows, dim = feed.unpack("qq")
    if dim != settings.dim or rows != len(own) + settings.buckets:
        due = f"{len(own) + settings.buckets} x {settings.dim}"
        raise InputError(f"damaged: its matrix is {rows} x {dim}, and {due} is due", where=feed.name, fix="get the file again")
    feed.fill(own)
    if settings.max_n < settings.min_n or not settings.buckets:
        feed.skip(4 * dim * settings.buckets)
        return None
    subwords = Subwords(np.empty((settings.buckets, dim), np.float32), settings.min_n, settings.max_n)
    feed.fill(subwords.vectors)
    if not (np.isfinite(subwords.vectors.min()) and np.isfinite(subwords.vectors.max())):
        raise InputError("the vectors of its n-grams have a value that is no number (nan or inf)", where=feed.name)
    return subwords


def _past_output(feed: Feed) -> None:
    """Past the other side of the model, which nothing here needs: a file that was cut short shall not pass for whole."""
    if not feed.unpack("?")[0]:
        rows, dim = feed.unpack("qq")
        feed.skip(4 * max(0, rows) * max(0, dim))


def _quantized(name: str) -> InputError:
    fix = "give the .bin that it was made of"
    return InputError("a quantized fastText model (.ftz), which has no vectors of words to read", where=name, fix=fix)


def _average(names: pl.Series, own: np.ndarray, subwords: Subwords) -> None:
    """Make the words' own rows the means of them and of their n-grams', in their place."""
    for start in range(0, len(names), STEP):
        part, rows = names[start : start + STEP].fill_null(END), own[start : start + STEP]  # what is not UTF-8 is left out later
        sums, sizes = subwords.sums(part)
        plain = (part == END).to_numpy()
        sums[plain], sizes[plain] = 0, 0
        rows += sums
        rows /= (sizes + 1)[:, None].astype(np.float32)


def write_fasttext(out: BinaryIO, words: pl.Series, vectors: np.ndarray, counts: np.ndarray, subwords: Subwords | None) -> None:
    """A model that fastText and gensim read: its vectors are the table's, and it has learned nothing to go on training with."""
    if subwords is not None and subwords.jamo:
        raise UsageError("fastText's .bin knows no n-grams of jamo", fix="write a .vec, which has the words alone, or keep the folder")
    order = np.argsort(-counts, kind="stable")  # as fastText and gensim have them: the frequent ones first
    words, counts = words.gather(order), counts[order]
    buckets = 0 if subwords is None else len(subwords.vectors)
    low, high = (0, 0) if subwords is None else (subwords.min_n, subwords.max_n)
    dim = vectors.shape[1]
    out.write(MAGIC + struct.pack("<i" + SETTINGS, VERSIONS[-1], dim, *USUAL.values(), buckets, low, high, 100, 1e-4))
    out.write(struct.pack("<3iqq", len(words), len(words), 0, int(counts.sum()), -1))
    out.write(b"".join(word.encode() + struct.pack("<xqb", count, 0) for word, count in zip(words, counts.tolist(), strict=True)))
    out.write(struct.pack("<?qq", False, len(words) + buckets, dim))
    for start in range(0, len(words), STEP):
        out.write(_own(words[start : start + STEP], vectors[order[start : start + STEP]], subwords).astype("<f4", copy=False).tobytes())
    if subwords is not None:
        out.write(np.ascontiguousarray(subwords.vectors, "<f4").data)
    out.write(struct.pack("<?qq", False, len(words), dim))
    for start in range(0, len(words), STEP):
        out.write(bytes(4 * dim * min(STEP, len(words) - start)))


def _own(words: pl.Series, vectors: np.ndarray, subwords: Subwords | None) -> np.ndarray:
    """The rows of words of which, with their n-grams' rows, these vectors are the means."""
    if subwords is None:
        return vectors
    sums, sizes = subwords.sums(words)
    plain = (words == END).to_numpy()
    sums[plain], sizes[plain] = 0, 0
    own: np.ndarray = vectors * (sizes + 1)[:, None].astype(np.float32) - sums
    return own
