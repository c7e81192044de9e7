"""`--pipeline`: the pipe of a shell that would make a stream or a bundle again, from its lineage."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from textkit.artifacts import cache
from textkit.artifacts.folder import read_manifest
from textkit.errors import InputError
from textkit.registry import ARCHS, COMMANDS, EMBEDDINGS, TOKENIZERS, VECTORIZERS
from textkit.stage import owns_ids, vocabulary_of
from textkit.streams.columns import TEXT_ALIASES
from textkit.streams.lineage import Entry, Lineage, from_json
from textkit.tokenizers.applying import NAMES as APPLYING
from textkit.tokenizers.applying import Applying
from textkit.tokenizers.stopwords import LISTS, stop_words

METHODS = {"tokenize": TOKENIZERS, "embed": EMBEDDINGS, "vectorize": VECTORIZERS}
REPEATED = ("analyzer", "ngram", "stop_words")  # settings of vectorize that are not spelt as their value


def pipeline_of_stream(lineage: Lineage, near: tuple[Path, ...]) -> str:
    """The pipe whose output is such a stream, given the same input."""
    if not lineage.stages:
        raise InputError("no stage of textkit's made it, or its header is lost, so there is no pipe to print")
    return _shell(_with_names(_stages(lineage, near), lineage))


def pipeline_of_bundle(facts: dict[str, Any]) -> str:
    """The pipe that trains such a model, given the same data."""
    if facts["kind"] != "bundle":
        raise InputError(f"a {facts['kind']} has no pipe: it is one stage's", where=facts["path"], fix="see its settings with textkit show")
    lineage = from_json(facts["lineage"], facts["path"])
    folder = Path(facts["path"])
    chain = Lineage(tuple(entry for entry in lineage.stages if entry.stage != "index"), lineage.columns)  # which train adds itself
    return _shell(_with_names([*_stages(chain, (folder,)), _train(facts, chain)], chain))


def _shell(stages: Iterable[list[str]]) -> str:
    return " | ".join(shlex.join(["textkit", *words]) for words in stages)


def _with_names(stages: list[list[str]], lineage: Lineage) -> list[list[str]]:
    """The first stage says what the input's columns are called, where they would not be found."""
    for our, user in lineage.columns.items():
        if our in ("text", "label", "target", "pair") and user != our and not (our == "text" and user in TEXT_ALIASES):
            stages[0] = [*stages[0], f"--{our}-field", user]
    return stages


def _stages(lineage: Lineage, near: tuple[Path, ...]) -> list[list[str]]:
    before: list[Entry] = []
    found = []
    for entry in lineage.stages:
        found.append(_words(entry, before, near))
        before.append(entry)
    return found


def _words(entry: Entry, before: list[Entry], near: tuple[Path, ...]) -> list[str]:
    """A stage's command line: applying what it learned, if that is still there, else learning it again."""
    if entry.stage == "pad":
        return ["pad", *_pad(entry, before, near)]
    place = None if entry.sha256 is None else _place(entry, near)
    if entry.stage == "predict":
        if place is None:
            raise InputError(f"the model {entry.artifact} that made it is not on this machine", fix="bring it here")
        return ["predict", str(place), *_options("predict", _of_predict(entry.config)), "--lineage"]
    if entry.stage == "detokenize":
        load = [] if place is None or any(other.sha256 == entry.sha256 for other in before) else ["--load", str(place)]
        return ["detokenize", *load, *_options("detokenize", {"skip_special": entry.config.get("skip_special", True)}), "--lineage"]
    if entry.stage not in METHODS:
        raise InputError(f"no command makes the stage {entry.label} alone", fix="train adds it")
    applied = _of_tokens(entry) if entry.stage == "tokenize" else _of_embed(entry.config)
    applied += ["--terms"] if entry.config.get("terms") else []
    if place is not None:
        return [entry.stage, "--load", str(place), *applied]
    return [entry.stage, *_learning(entry), *applied]


def _of_predict(settings: dict[str, Any]) -> dict[str, Any]:
    """What predict tells besides the label."""
    told = {"k": settings.get("k"), "proba": settings.get("proba")}
    return told if settings.get("explain") is None else {**told, "explain": True, "top": settings["explain"]}


def _of_embed(settings: dict[str, Any]) -> list[str]:
    """What embed puts into records."""
    of_tokens = bool(settings.get("token_vectors"))  # which only --force lets out as JSON
    return _options("embed", {**{name: settings.get(name) for name in ("pool", "oov", "unit", "sif_a")}, "tokens": of_tokens, "force": of_tokens})


def _of_tokens(entry: Entry) -> list[str]:
    """What tokenize does with any method's tokens."""
    settings = Applying.of(entry.config, "the lineage").unusual()
    if "stop_words" in settings:
        settings["stop_words"] = _list_of(settings["stop_words"])
    return _options("tokenize", settings)


def _list_of(words: list[str]) -> str:
    """What the list of these stop words is called."""
    name = next((name for name in LISTS if list(stop_words(name)) == words), None)
    if name is None:
        raise InputError("its stop words came from a file, which the pipe would need", fix="see the words in the lineage")
    return name


def _of_terms(config: dict[str, Any]) -> list[str]:
    """What vectorize makes terms of, where it is not words alone."""
    analyzers, spans = config["analyzer"], config["ngram"]
    words = [word for name in analyzers if analyzers != ["word"] for word in ("--analyzer", name)]
    words += [word for low, high in zip(spans[::2], spans[1::2], strict=True) if spans != [1, 1] for word in ("--ngram", f"{low},{high}")]
    return [*words, "--stop-words", _list_of(config["stop_words"])] if config["stop_words"] else words


def _place(entry: Entry, near: tuple[Path, ...]) -> Path | None:
    """Where the artifact is, its hash the one of the lineage."""
    try:
        place = cache.locate(entry, near)
        return place if read_manifest(place)["sha256"] == entry.sha256 else None
    except InputError:  # not on this machine, or damaged
        return None


def _learning(entry: Entry) -> list[str]:
    if entry.config.get("updated"):
        raise InputError(f"it went on with the embedding {entry.config['updated']}, which the pipe would need", fix="bring what was learned here")
    registry = METHODS[entry.stage]
    method = registry.find(entry.method or "", where="the lineage")
    usual = next(parameter.default for parameter in COMMANDS.find(entry.stage).params if parameter.name == "method")
    words = ["--method", entry.method or ""] if entry.method != usual else []
    if entry.stage == "vectorize":
        words += _of_terms(entry.config)
    words += _settings(entry.stage, method.Config, {name: value for name, value in entry.config.items() if name not in REPEATED})
    return words if entry.sha256 is None else [*words, "--save", _free_name(entry.artifact or entry.stage, entry)]


def _free_name(hint: str, entry: Entry) -> str:
    """A folder to save to, called as it was: one in the cache after its stage, and none that is there already."""
    return _free(entry.stage if Path(hint).name == entry.sha256 or "stages" in Path(hint).parts else Path(hint).name)


def _settings(command: str, config: type[Any], found: dict[str, Any]) -> list[str]:
    """Those settings that differ from the default: as options, or -s where there are none."""
    known = {parameter.name: parameter.default for parameter in COMMANDS.find(command).params}
    mine = {field.name: field.default for field in fields(config) if field.name in found and field.name not in APPLYING}
    changed = {name: found[name] for name, usual in mine.items() if found[name] != (list(usual) if isinstance(usual, tuple) else usual)}
    # what is an option's usual value may not be the method's
    options = {name: value for name, value in changed.items() if name in known and value != known[name]}
    return _options(command, options) + [word for name, value in changed.items() if name not in options for word in ("-s", f"{name}={value}")]


def _options(command: str, given: dict[str, Any]) -> list[str]:
    """Values of parameters as one types them; None and a flag's usual state are not typed."""
    words: list[str] = []
    for parameter in COMMANDS.find(command).params:
        value = given.get(parameter.name or "")
        if value is None or value == parameter.default:
            continue
        if getattr(parameter, "is_flag", False):
            words += parameter.opts[-1:] if value else parameter.secondary_opts[-1:]
        else:
            words += [parameter.opts[-1], ",".join(value) if isinstance(value, list) else str(value)]
    return words


def _pad(entry: Entry, before: list[Entry], near: tuple[Path, ...]) -> list[str]:
    settings = entry.config
    words = _options("pad", {name: settings.get(name) for name in ("length", "pad", "truncate")})
    return words if settings.get("pad_id", 0) == _own_pad_id(before, near) else [*words, "--pad-id", str(settings["pad_id"])]


def _own_pad_id(before: list[Entry], near: tuple[Path, ...]) -> int:
    """What pad would fill with of itself."""
    owner = next((entry for entry in reversed(before) if owns_ids(entry)), None)
    try:
        return 0 if owner is None else vocabulary_of(owner, near).fill_id
    except InputError:  # its vocabulary is not on this machine; one that textkit learns has [PAD] first
        return 0


def _train(facts: dict[str, Any], chain: Lineage) -> list[str]:
    arch = ARCHS.find(facts["arch"], where=facts["path"])
    settings = dict(facts["config"])
    if any(entry.stage == "embed" for entry in chain.stages):
        settings.pop("embedding_dim", None)  # the vectors' own
    calibrated = {"proba": facts.get("model", {}).get("link") == "platt"}
    training = {name: facts.get("training", {}).get(name) for name in ("epochs", "batch_size", "lr", "precision")}
    words = ["train", facts["task"], "--arch", facts["arch"], *_options("train", {**training, **calibrated, "seed": facts["seed"]})]
    return [*words, *_settings("train", arch.Config, settings), "--save", _free(Path(facts["path"]).name)]


def _free(name: str) -> str:
    return next(free for number in range(1, 1000) if not Path(free := name if number == 1 else f"{name}-{number}").exists())
