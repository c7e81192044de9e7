"""What the methods that learn subwords of counted words share: the words, their characters, and a model of the `tokenizers` library.

A method says how words are cut, and what it learns from how often each occurs; the corpus is gone through once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import polars as pl

from textkit.config import setting
from textkit.errors import UsageError
from textkit.report import say
from textkit.tokenizers.huggingface import Coming, Encoder, load_tokenizer
from textkit.tokenizers.normalizing import Normalizing, normalized, normalizer
from textkit.tokenizers.vocabulary import SPECIALS, Vocabulary, count_tokens

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

    Ints = np.ndarray[Any, Any]

S = TypeVar("S", bound="Subword")
SLICE = 1 << 12  # texts whose words are counted at once: cutting takes many times their memory
LETTERS = r"\p{L}\p{M}\p{N}"
SPACE = "▁"


@dataclass(frozen=True)
class Learning(Normalizing):
    vocab_size: int = setting(8000, "tokens in the vocabulary at the most; a small corpus gives fewer", least=8, most=10_000_000)
    min_frequency: int = setting(2, "a pair of pieces is merged if it occurs this often", least=1, most=2**31)
    add_special: tuple[str, ...] = setting((), "further special tokens, after [PAD] to </s>")
    add_bos_eos: bool = setting(False, "put <s> before a text and </s> after it")


@dataclass(frozen=True)
class Spelling(Learning):
    """Of the methods whose smallest pieces are characters."""

    character_coverage: float = setting(0.9995, "share of the corpus's characters to keep; others are [UNK]", above=0, most=1)
    limit_alphabet: int = setting(4000, "different characters to keep at the most", least=1)


class Subword:
    Config: ClassVar[type[Learning]] = Learning
    must_learn = True
    applied: tuple[str, ...] = ()
    words_stand_alone = False  # whether a word is cut the same when it is a text of its own

    def __init__(self, config: Any, file: Path | None = None) -> None:
        self.config = config
        self.vocabulary: Vocabulary | None = None
        if file is not None:
            self._use(load_tokenizer(file), file.read_text(encoding="utf-8").removesuffix("\n"))

    def pre_tokenizer(self) -> Any:
        """What cuts text into words, of the library."""
        raise NotImplementedError

    def words(self, text: pl.Series) -> pl.Series:
        """(B,) normalized text -> (B, T) words as `pre_tokenizer` cuts them."""
        raise NotImplementedError

    def decoder(self) -> Any:
        """What puts tokens together again, of the library."""
        raise NotImplementedError

    def model(self, words: pl.DataFrame) -> Any:
        """The model of the library that is learned from `words` (columns token, count)."""
        raise NotImplementedError

    @property
    def specials(self) -> list[str]:
        return [*SPECIALS, *self.config.add_special]

    def fit(self, texts: Iterable[pl.Series]) -> None:
        """Learn the vocabulary. Memory: the distinct words."""
        from tokenizers import Tokenizer

        self._check_specials()
        parts = (text.slice(start, SLICE) for text in texts for start in range(0, len(text), SLICE))
        words = count_tokens(self.words(normalized(part, self.config)) for part in parts)
        if not len(words):  # who calls says what there was instead
            self.vocabulary = Vocabulary(SPECIALS)
            return
        tokenizer = Tokenizer(self.model(words))
        tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer(self.config), self.pre_tokenizer(), self.decoder()
        tokenizer.add_special_tokens(self.specials)
        if self.config.add_bos_eos:
            tokenizer.post_processor = _around(tokenizer)
        json_text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=1)
        # the library reads a score's last digit otherwise than it writes it, and equal ways to cut a word would change places
        self._use(Tokenizer.from_str(json_text), json_text)

    def _check_specials(self) -> None:
        """A special token that words have as a piece would come out of plain text."""
        pre_tokenizer, taken = self.pre_tokenizer(), {*SPECIALS}
        for token in self.config.add_special:
            if token in taken:
                raise UsageError(f"the special token {token!r} is there already")
            taken.add(token)
            pieces = pre_tokenizer.pre_tokenize_str(token)
            if len(pieces) < 2 or token.strip() != token:
                raise UsageError(f"{token!r} can be no special token: a word of some text could spell it", fix="put it in angle brackets, as <sep>")

    def _use(self, tokenizer: Tokenizer, json_text: str) -> None:
        self._json, self._tokenizer = json_text, tokenizer
        tokenizer.encode_special_tokens = True  # "<s>" in someone's text is text, not a special token
        ids: dict[str, int] = tokenizer.get_vocab()
        tokens: list[str] = sorted(ids, key=ids.__getitem__)
        self.vocabulary = Vocabulary(tokens)
        self._encoder = Encoder(tokenizer, self.vocabulary, self._cut if self.words_stand_alone else None)

    def check_size(self, pieces: int) -> None:
        """Say so if what cannot be left out takes more than the vocabulary should have."""
        if pieces > self.config.vocab_size:
            say(f"the alphabet alone needs {pieces} tokens, more than --vocab-size {self.config.vocab_size}")

    def encode(self, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        """(B,) text -> (B, T) tokens, (B, T) ids."""
        assert self.vocabulary is not None, "learn or load first"
        return self._encoder(text)

    def later(self, text: pl.Series) -> Coming | None:
        """What `encode` gives, to be made when it is wanted; None if that would bring nothing."""
        return self._encoder.later(text)

    def _cut(self, text: pl.Series) -> pl.Series:
        return self.words(normalized(text, self.config))

    def to_json(self) -> str:
        return self._json

    def library(self) -> Tokenizer:
        return self._tokenizer

    @classmethod
    def load(cls: type[S], config: Any, file: Path) -> S:
        return cls(config, file)


def _around(tokenizer: Tokenizer) -> Any:
    from tokenizers.processors import TemplateProcessing

    specials = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    return TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> <s>:1 $B:1 </s>:1", special_tokens=specials)


class Characters:
    """The characters of counted words, one behind the other: `codes` (N,) with `weights` (N,), how often each word occurs.

    After each word, at `ends`, stands a 0 to keep words apart. With `as_bytes` the characters are the bytes of UTF-8.
    """

    def __init__(self, words: pl.DataFrame, as_bytes: bool = False) -> None:
        import numpy as np

        token = words["token"]
        ended = (token + "\0").str.join("").item()
        codes = np.frombuffer(ended.encode(), np.uint8) if as_bytes else np.frombuffer(ended.encode("utf-32-le"), np.uint32)
        self.codes = codes.astype(np.int32)
        lengths = (token.str.len_bytes() if as_bytes else token.str.len_chars()).to_numpy().astype(np.int64) + 1
        self.weights = np.repeat(words["count"].to_numpy().astype(np.int64), lengths)
        self.ends = np.cumsum(lengths) - 1

    def kept(self, config: Any) -> Ints:
        """The most frequent code points that make up the share of the text that is to be covered, in order."""
        import numpy as np

        weights = self.weights.copy()
        weights[self.ends] = 0
        counts = np.bincount(self.codes, weights=weights).astype(np.int64)
        codes = np.flatnonzero(counts)
        codes = codes[np.argsort(-counts[codes], kind="stable")]
        before = np.cumsum(counts[codes]) - counts[codes]
        return np.sort(codes[: config.limit_alphabet][before[: config.limit_alphabet] < config.character_coverage * int(counts.sum())])

    def first(self) -> Any:
        """(N,) whether a character is the first of its word."""
        import numpy as np

        first = np.zeros(len(self.codes) + 1, dtype=bool)
        first[0] = first[self.ends + 1] = True
        return first[:-1]

    def symbols(self, alphabet: Ints, base: int) -> Ints:
        """(N,) `base` and the rank in the alphabet of each character; -1 for those that are not in it and at the words' ends."""
        import numpy as np

        ranks = np.full(max(int(self.codes.max()), int(alphabet.max(initial=0))) + 1, -1, dtype=np.int32)
        ranks[alphabet] = np.arange(base, base + len(alphabet))
        symbols = ranks[self.codes]
        symbols[self.ends] = -1
        return symbols


def spaced_words(text: pl.Series) -> pl.Series:
    """(B,) texts -> (B, T) words as `spaced` cuts them: ▁ stands for the white space before a word."""
    joined = text.str.strip_chars().str.replace_all(rf"\s+{SPACE}?", SPACE)
    bare = (joined != "") & ~joined.str.starts_with(SPACE)
    begun = pl.select(pl.when(bare).then(SPACE + joined).otherwise(joined)).to_series()
    return begun.str.extract_all(rf"{SPACE}?[{LETTERS}]+|{SPACE}?[^{SPACE}{LETTERS}]+|{SPACE}")


def spaced() -> Any:
    """Words at white space, each begun with ▁ as in sentencepiece; runs of letters, marks and digits apart from other characters."""
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always", split=True),
            pre_tokenizers.Split(Regex(rf"{SPACE}?[{LETTERS}]+"), behavior="isolated"),
        ]
    )
