"""Tokenizers of other programs on their way in: a tokenizer.json, BERT's vocab.txt, GPT-2's vocab.json and merges.txt, a model folder.

Each becomes an artifact of ours in the cache, so that lineages, bundles and later stages know it like one that was learned
here. Files are read as data: nothing in them is executed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textkit.artifacts.folder import MANIFEST
from textkit.artifacts.store import Store
from textkit.errors import InputError
from textkit.report import say
from textkit.tokenizers.huggingface import FILE, load_tokenizer
from textkit.tokenizers.pretrained import plain, vocabulary_of

KIND, METHOD = "tokenizer", "pretrained"
ACCEPTED = (
    "give a folder that --save made, a tokenizer.json, BERT's vocab.txt, "
    "or a Hugging Face model folder with one of these or with vocab.json and merges.txt"
)
MADE = "transformers' AutoTokenizer.from_pretrained(...).save_pretrained(DIR) makes a tokenizer.json of it"
CONVERT = f"{ACCEPTED}; of a sentencepiece model {MADE}"
LARGEST = 1 << 29  # bytes
FOREIGN = (".model", ".bin", ".pkl", ".pickle", ".pt", ".pth", ".vocab", ".safetensors")
VOCAB_TXT, VOCAB_JSON, MERGES, SETTINGS = "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json"
BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
GPT2_SPECIALS = ("<|endoftext|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>")


def adopted(given: str | Path) -> Path:
    """The folder of an artifact of ours: the one given, or one in the cache that holds another program's tokenizer."""
    path = Path(given)
    if not path.exists():
        raise InputError("no such file or folder", where=str(path), fix=ACCEPTED)
    if (path / MANIFEST).exists():
        return path
    text = _text_of(path)

    def fill(draft: Path) -> dict[str, Any]:
        (draft / FILE).write_bytes(text)
        tokenizer = _loaded(draft / FILE, path)
        special = [token.content for _, token in sorted(tokenizer.get_added_tokens_decoder().items()) if token.special]
        size = len(vocabulary_of(tokenizer, str(path)))
        if off := plain(tokenizer):
            say(f"{path}: {' and '.join(off)} switched off: {_why(off)}")
        return {"kind": KIND, "method": METHOD, "config": {}, "vocabulary": {"size": size, "special_tokens": special}}

    return Path(Store().put(fill).path)


def _why(off: list[str]) -> str:
    reasons = (["the same text gives the same ids"] if "dropout" in off else []) + (["records stay whole"] if "truncation" in off else [])
    return ", and ".join(reasons + (["textkit pad fills them"] if "padding" in off else []))


def _loaded(file: Path, given: Path) -> Any:
    """The tokenizer; an error tells of the file that was given, not of our copy."""
    try:
        return load_tokenizer(file)
    except InputError as error:
        raise InputError(error.message, where=str(given), fix=ACCEPTED) from None


def _text_of(path: Path) -> bytes:
    """The tokenizer.json of what was given."""
    if path.is_dir():
        return _text_of_folder(path)
    if path.name == VOCAB_JSON or path.name == MERGES:
        return _gpt2(path.parent)
    if path.suffix == ".json":
        return _read(path)
    if path.suffix == ".txt":
        return _bert(path)
    raise InputError("is no tokenizer that textkit reads", where=str(path), fix=CONVERT if path.suffix in FOREIGN else ACCEPTED)


def _text_of_folder(folder: Path) -> bytes:
    ways: dict[str, Callable[[], bytes]] = {
        FILE: lambda: _read(folder / FILE),
        VOCAB_TXT: lambda: _bert(folder / VOCAB_TXT),
        VOCAB_JSON: lambda: _gpt2(folder),
    }
    for name, way in ways.items():
        if (folder / name).is_file():
            return way()
    foreign = any(file.suffix in FOREIGN for file in folder.iterdir())
    raise InputError("holds no tokenizer that textkit reads", where=str(folder), fix=CONVERT if foreign else ACCEPTED)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise InputError("too large for a tokenizer's file", where=str(file))
        data = file.read_bytes()
        data.decode()
    except UnicodeDecodeError:
        raise InputError("is binary, and no tokenizer that textkit reads", where=str(file), fix=ACCEPTED) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(file)) from None
    return data


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"damaged JSON ({error})", where=str(file)) from None
    if not isinstance(found, dict):
        raise InputError("a JSON object is due here", where=str(file))
    return found


def _settings(folder: Path, **kinds: type) -> dict[str, Any]:
    """What a tokenizer_config.json beside the file says of these settings, where it says it by the due type."""
    file = folder / SETTINGS
    found = _json(file) if file.is_file() else {}
    return {name: found[name] for name, kind in kinds.items() if isinstance(found.get(name), kind)}


def _bert(file: Path) -> bytes:
    """BERT's tokenizer over a list of pieces, one a line."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    lines = [line.removesuffix("\r") for line in _read(file).decode().removesuffix("\n").split("\n")]
    ids = {piece: i for i, piece in enumerate(lines)}  # of a piece that stands twice the later counts, as in BERT
    if "[UNK]" not in ids:
        raise InputError("has no line [UNK], so it is no vocabulary of BERT's", where=str(file), fix=ACCEPTED)
    lowercase, accents, chinese = _bert_settings(file, lines)
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens([name for name in BERT_SPECIALS if name in ids])
    if "[CLS]" in ids and "[SEP]" in ids:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    return (tokenizer.to_str(pretty=True) + "\n").encode()


def _bert_settings(file: Path, pieces: list[str]) -> tuple[bool, bool | None, bool]:
    """(lower-case, strip accents or None for as the case, part Chinese characters), from the file's neighbour or else the pieces."""
    said = _settings(file.parent, do_lower_case=bool, strip_accents=bool, tokenize_chinese_chars=bool)
    upper = any(re.fullmatch(r"\[.*\]|<.*>", piece) is None and piece != piece.lower() for piece in pieces)
    lowercase = said.get("do_lower_case", not upper)
    # stripping accents takes Hangul apart into jamo: pieces of whole syllables are of a tokenizer that does not
    whole = any("HANGUL SYLLABLE" in unicodedata.name(character, "") for piece in pieces for character in piece if character >= "가")
    accents = said.get("strip_accents", False if lowercase and whole else None)
    why = f"{SETTINGS} says so" if "do_lower_case" in said else f"{'some' if upper else 'no'} piece has an upper-case letter"
    stripped = lowercase if accents is None else accents
    what = f"{'lower-cases' if lowercase else 'keeps upper case'}{' and strips accents' if stripped else ''}"
    say(f"{file}: a tokenizer of BERT's that {what}, since {why}")
    return lowercase, accents, said.get("tokenize_chinese_chars", True)


def _gpt2(folder: Path) -> bytes:
    """The byte-level tokenizer of GPT-2 and RoBERTa over vocab.json and merges.txt."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    for name in (VOCAB_JSON, MERGES):
        if not (folder / name).is_file():
            raise InputError(f"{VOCAB_JSON} and {MERGES} go together, and {name} is missing", where=str(folder), fix=ACCEPTED)
        _read(folder / name)
    vocabulary = _json(folder / VOCAB_JSON)
    if not {*pre_tokenizers.ByteLevel.alphabet()} <= vocabulary.keys():
        raise InputError("the vocabulary lacks bytes, so it is not of GPT-2's or RoBERTa's kind", where=str(folder / VOCAB_JSON), fix=MADE)
    prefix = _settings(folder, add_prefix_space=bool).get("add_prefix_space", False)
    try:
        tokenizer = Tokenizer(models.BPE.from_file(str(folder / VOCAB_JSON), str(folder / MERGES)))
    except Exception as error:  # the library raises plain Exception for every fault of the files
        raise InputError(f"{VOCAB_JSON} and {MERGES} are damaged or do not fit each other ({error})", where=str(folder)) from None
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    specials = [name for name in GPT2_SPECIALS if name in vocabulary]
    tokenizer.add_special_tokens(specials)
    if {"<s>", "</s>"} <= {*specials}:
        sep, cls = (("</s>", vocabulary["</s>"]), ("<s>", vocabulary["<s>"]))
        tokenizer.post_processor = processors.RobertaProcessing(sep, cls, trim_offsets=True, add_prefix_space=prefix)
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return (tokenizer.to_str(pretty=True) + "\n").encode()
