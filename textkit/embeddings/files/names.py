"""Which form the name of a file of vectors means."""

from __future__ import annotations

from pathlib import Path

FORMS = ("word2vec", "word2vec-binary", "glove", "fasttext")
BINARY = ("word2vec-binary", "fasttext")
PACKED = ("gz", "bz2", "xz", "zst")


def form_of(path: str | None, is_table: bool = False) -> str | None:
    """GloVe's of x.glove and glove.6B.txt.gz, fastText's of x.fasttext.bin, and so on; None if it means no table.

    `is_table`: what is written is one in any case, so .txt is no plain text.
    """
    parts = [part for part in Path(path).name.lower().split(".") if part not in PACKED] if path else [""]
    kind = parts[-1] if len(parts) > 1 else ""
    if kind == "bin":
        return "fasttext" if "fasttext" in parts else "word2vec-binary"
    if kind == "glove" or (kind == "txt" and "glove" in parts):
        return "glove"
    return "word2vec" if kind in ("vec", "w2v") or (is_table and kind == "txt") else None
