"""WordPiece: words are cut into the longest pieces that a learned vocabulary has, from left to right.

Schuster and Nakajima 2012; used in BERT (Devlin et al. 2019). Trained with the `tokenizers` library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from textkit.config import setting
from textkit.report import say
from textkit.tokenizers.huggingface import encode, load_tokenizer
from textkit.tokenizers.vocabulary import SPECIALS, UNK, Vocabulary, count_tokens

# What BertPreTokenizer leaves whole: anything between white space, ASCII symbols and punctuation. The library knows the
# punctuation of Unicode 8, in which two more characters were punctuation.
BETWEEN_PUNCTUATION = r"[^\s[\p{P}&&\p{Age:8.0}]\x{166D}\x{111C9}$+<=>^`|~]+"


class WordPiece:
    """NFC, a split at white space and punctuation as in BERT, then longest match. Accents and case are kept."""

    @dataclass(frozen=True)
    class Config:
        vocab_size: int = setting(8000, "tokens in the vocabulary at the most; a small corpus gives fewer", least=8, most=10_000_000)
        min_frequency: int = setting(2, "a pair of pieces is merged if it occurs this often", least=1, most=2**31)
        lowercase: bool = setting(False, "lower-case the text")
        character_coverage: float = setting(0.9995, "share of the corpus's characters to keep; words with others are [UNK]", above=0, most=1)
        limit_alphabet: int = setting(4000, "different characters to keep at the most", least=1)

    must_learn = True
    applied = ()

    def __init__(self, config: Config, file: Path | None = None) -> None:
        self.config = config
        self.vocabulary: Vocabulary | None = None
        if file is not None:
            self._use(file.read_text(encoding="utf-8"), file)

    def _use(self, json_text: str, file: Path | None = None) -> None:
        from tokenizers import Tokenizer

        self._json = json_text
        self._tokenizer = load_tokenizer(file) if file else Tokenizer.from_str(json_text)
        self._tokenizer.encode_special_tokens = True  # "<s>" in someone's text is text, not a special token
        self.vocabulary = Vocabulary(sorted(vocab := self._tokenizer.get_vocab(), key=vocab.__getitem__))

    def fit(self, texts: Iterable[pl.Series]) -> None:
        """Learn the vocabulary. `texts` is gone through twice: for the alphabet, and by the trainer."""
        from tokenizers import trainers

        alphabet, inner = self._alphabet(texts)
        # The trainer adds ##c pieces in the order of a hash map, so that ids differ from run to run
        # (huggingface/tokenizers#1794). Given as special tokens they stand fixed; _plain makes them plain again.
        fixed = [f"##{character}" for character in inner]
        trainer = trainers.WordPieceTrainer(
            vocab_size=max(self.config.vocab_size, len(SPECIALS) + len(fixed) + len(alphabet)),
            min_frequency=self.config.min_frequency,
            special_tokens=[*SPECIALS, *fixed],
            initial_alphabet=alphabet,
            limit_alphabet=len(alphabet),
            show_progress=False,
        )
        tokenizer = _untrained(self.config.lowercase)
        tokenizer.train_from_iterator((text.to_list() for text in texts), trainer)
        self._use(_plain(tokenizer.to_str()))
        if len(self.vocabulary or ()) > self.config.vocab_size:
            say(f"the alphabet alone needs {len(self.vocabulary or ())} tokens, more than --vocab-size {self.config.vocab_size}")

    def _alphabet(self, texts: Iterable[pl.Series]) -> tuple[list[str], list[str]]:
        """(characters to keep, those of them that occur inside a word), in the order of code points."""
        words = count_tokens(self._words(texts))
        characters = _count_characters(words["token"], words["count"])
        inner = _count_characters(words["token"].str.slice(1), words["count"])
        kept = characters.sort(["count", "token"], descending=[True, False]).head(self.config.limit_alphabet)
        before = kept["count"].cum_sum() - kept["count"]
        kept = kept.filter(before < self.config.character_coverage * int(characters["count"].sum()))
        return sorted(kept["token"]), sorted({*kept["token"]} & {*inner["token"]})

    def _words(self, texts: Iterable[pl.Series]) -> Iterator[pl.Series]:
        """(B, T) words and single punctuation marks, normalized as the tokenizer does."""
        normalizer = _untrained(self.config.lowercase).normalizer
        for text in texts:
            if self.config.lowercase:  # lower-casing is the library's: polars differs on 'ΟΔΟΣ'
                text = pl.Series([normalizer.normalize_str(line) for line in text], dtype=pl.String)
            else:
                text = text.str.normalize("NFC")
            yield text.str.extract_all(rf"{BETWEEN_PUNCTUATION}|\S")

    def encode(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """(B,) text -> (B, T) tokens, (B, T) ids."""
        assert self.vocabulary is not None, "learn or load first"
        return encode(self._tokenizer, self.vocabulary, text)

    def to_json(self) -> str:
        return self._json

    @classmethod
    def load(cls, config: Config, file: Path) -> WordPiece:
        return cls(config, file)


def _untrained(lowercase: bool):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIALS[UNK], max_input_chars_per_word=100))
    # NFC and no accent stripping: BERT's own normalizer takes Hangul apart into jamo
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else [])])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer


def _plain(json_text: str) -> str:
    """The tokenizer with only SPECIALS as special tokens."""
    tokenizer = json.loads(json_text)
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["content"] in SPECIALS]
    return json.dumps(tokenizer, ensure_ascii=False, indent=1)


def _count_characters(words: pl.Series, counts: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"token": words.str.split(""), "count": counts.cast(pl.UInt64)}).explode("token")
    return frame.filter(pl.col("token") != "").group_by("token").agg(pl.col("count").sum())
