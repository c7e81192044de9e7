"""What there is to tell of architectures: which there are; of one its settings, and how many parameters it has at a stated size."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from textkit import config
from textkit.registry import ARCHS

LABELS, VOCABULARY, FEATURES, LETTERS = 2, 20_000, 50_000, 100  # of the model whose parameters are counted


def facts_of_archs() -> dict[str, Any]:
    """All architectures, none of which is imported for it."""
    kinds = {name: "linear" if entry.target.startswith("textkit.classic.") else "network" for name, entry in ARCHS.items()}
    return {"kind": "archs", "archs": [{"name": name, "is": kinds[name], "help": entry.help} for name, entry in ARCHS.items()]}


def facts_of_arch(name: str, changes: tuple[str, ...] = ()) -> dict[str, Any]:
    """One architecture, with `changes` of its settings. UsageError if there is none of that name, or no such setting."""
    arch = ARCHS.find(name)
    settings = config.override(arch.Config(), changes)
    fields = [
        {"name": field, "type": kind, "default": default, "help": help, **_changed(default, getattr(settings, field))}
        for field, kind, default, help in config.describe(arch.Config)
    ]
    summary = (sys.modules[arch.__module__].__doc__ or "").strip()
    facts = {"kind": "arch", "name": name, "help": ARCHS[name].help, "about": summary, "settings": fields}
    if arch.engine == "classic":
        return {
            **facts,
            "is": "linear",
            "reads": ["vector", "features"],
            "parameters": {"total": FEATURES + 1, "features": FEATURES, "labels": LABELS},
        }
    return {**facts, "is": "network", "reads": [*arch.reads], "tags": arch.tokenwise, "parameters": _parameters(arch, settings)}


def _changed(default: Any, value: Any) -> dict[str, Any]:
    return {} if value == default else {"value": value}


def _parameters(arch: Any, settings: Any) -> dict[str, Any]:
    """How many there are, built without any memory for them."""
    import torch

    from textkit.nn.heads import Classifier
    from textkit.nn.inputs import Sizes

    sizes = Sizes(VOCABULARY, settings.embedding_dim, characters=LETTERS)
    with torch.device("meta"):
        model = Classifier(arch(settings, sizes), LABELS)
    counts = {name: parameter.numel() for name, parameter in model.named_parameters()}
    table = counts["encoder.embedding.tokens.weight"]
    shown = {name: value for name, value in dataclasses.asdict(sizes).items() if value}
    return {"total": sum(counts.values()), "token_embedding": table, "other": sum(counts.values()) - table, "labels": LABELS, **shown}


def print_archs(facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    from textkit.showing.picture import aligned

    console = Console(width=None if sys.stdout.isatty() else 120)
    if facts["kind"] == "archs":
        console.print(Text(aligned([(one["name"], one["is"], one["help"]) for one in facts["archs"]])), soft_wrap=True)
        console.print(Text("textkit show arch NAME tells its settings", style="dim"))
        return
    console.print(Text(f"{facts['name']}: {facts['help']}", style="bold"))
    console.print(Text(facts["about"]), soft_wrap=True)
    rows = [(f"{one['name']}={_said(one.get('value', one['default']))}", one["type"], one["help"]) for one in facts["settings"]]
    for title, text in (("reads", ", ".join(facts["reads"])), ("parameters", _counted(facts["parameters"]))):
        console.print(Text.assemble("\n" if title == "reads" else "", (f"{title:<12}", "cyan"), text), soft_wrap=True)
    console.print(Text("\n-s NAME=VALUE changes a setting:", style="cyan"))
    console.print(Text(aligned(rows)), soft_wrap=True)


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _counted(counts: dict[str, Any]) -> str:
    of = f"{counts['vocabulary']:,} tokens" if "vocabulary" in counts else f"{counts['features']:,} features"
    table = f", {counts['token_embedding']:,} of them token vectors" if "token_embedding" in counts else ""
    return f"{counts['total']:,}{table} (with {of} and {counts['labels']} labels)"
