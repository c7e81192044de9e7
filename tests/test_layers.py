"""Imports point upward only: each module imports at its top what is on its own layer or nearer to the ground."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import textkit

HOUSE = Path(textkit.__file__).parent

# From the ground up. A name stands for the module or the package and all that is in it.
LAYERS = [
    ["errors", "registry", "config", "report", "locking", "streams", "artifacts", "ragged", "arrays", "memory", "stage", "runner"],
    ["tokenizers", "vectorizers", "embeddings", "padding", "detokenizing", "classic", "metrics"],
    ["nn", "archs", "tasks", "training", "decoding"],
    ["predicting", "searching", "evaluating", "showing", "splitting"],
    ["options", "piping"],
    ["commands"],
    ["cli", "__main__"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# What every start pays for: the standard library and click.
START = ["cli", "options", "registry", "errors", "report", *(f"commands.{path.stem}" for path in (HOUSE / "commands").glob("*.py"))]


def module_path(name: str) -> Path:
    path = HOUSE / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def modules() -> list[str]:
    paths = sorted(path.relative_to(HOUSE).with_suffix("") for path in HOUSE.rglob("*.py"))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__init__" or len(path.parts) > 1]


def top_level_imports(name: str) -> list[tuple[int, str]]:
    """(line, dotted module) of what is imported when the module is, `if TYPE_CHECKING` left out."""
    found = []
    pending: list[ast.stmt] = list(ast.parse(module_path(name).read_text(encoding="utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def test_every_module_has_its_layer() -> None:
    assert {name.partition(".")[0] for name in modules()} <= LEVEL.keys()


@pytest.mark.parametrize("name", modules())
def test_imports_point_upward_only(name: str) -> None:
    own = LEVEL[name.partition(".")[0]]
    for line, target in top_level_imports(name):
        package, _, rest = target.partition(".")
        layer = LEVEL.get(rest.partition(".")[0], 0) if package == "textkit" else 0
        assert layer <= own, f"textkit/{name}, line {line}: {target} is on a higher layer"


@pytest.mark.parametrize("name", START)
def test_start_imports_the_standard_library_and_click(name: str) -> None:
    allowed = {*sys.stdlib_module_names, "click"}
    for line, target in top_level_imports(name):
        package, _, rest = target.partition(".")
        light = package in allowed or (package == "textkit" and rest.partition(".")[0] in {"__version__", *START})
        assert light, f"textkit/{name}, line {line}: {target} is imported at every start"


GENSIMS_CHILDREN = ("embeddings.composing",)  # classes that are made of gensim's, imported by the function that needs them


@pytest.mark.parametrize("name", modules())
def test_heavy_libraries_are_imported_where_they_are_used(name: str) -> None:
    """torch only at a top of its own layer; gensim, scikit-learn, scipy and the like at no top at all."""
    heavy = {"torch", "gensim", "sklearn", "scipy", "pyarrow", "tokenizers", "rich", "safetensors"}
    packages = {target.partition(".")[0] for _, target in top_level_imports(name)}
    own = {"gensim"} if name in GENSIMS_CHILDREN else {"torch"} if LEVEL[name.partition(".")[0]] == LEVEL["nn"] else set()
    assert packages & heavy <= own


def test_the_test_sees_an_import_inside_a_try_and_not_one_inside_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "HOUSE", tmp_path)
    source = "try:\n    import torch\nexcept ImportError:\n    pass\nclass A:\n    import scipy\n\ndef f():\n    import gensim\n"
    guarded = "if TYPE_CHECKING:\n    import polars\nelse:\n    import numpy\n"
    (tmp_path / "some.py").write_text(source + guarded)
    assert {target for _, target in top_level_imports("some")} == {"torch", "scipy", "numpy"}
