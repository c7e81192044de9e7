"""`textkit convert`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from textkit.errors import UsageError
from textkit.options import INPUT, LINEAGE_ON, OUTPUT, SAVE, inputs_from, option, outputs_from, refuse_terminal, subcommand, typed

FORMS = ("word2vec", "word2vec-binary", "glove", "fasttext")
OWN = (
    option("--format", "form", type=click.Choice(FORMS), help="Of word vectors: the form of FILE, if its name does not tell."),
    *SAVE[1:],  # --force
)


@subcommand(*OWN, *INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Turn one format into another.

    Records and their fields stay as they are. Parquet and Arrow give each field a type if all of its values are of
    one; a field of mixed types becomes its JSON text.

    Word vectors, of a folder that embed saved or of another program's file, go to a file called *.vec or *.w2v
    (word2vec's text; of a folder *.txt too), *.bin (word2vec's binary), *.glove or glove.*.txt, *.fasttext.bin, to a
    folder DIR/, or to records. A file is taken for vectors if its name says so, in one of these ways, or that of the
    output does; --from text reads its lines instead. The folder's slash may be left out where FILE's name is such.

    \b
    textkit convert reviews.tsv -o reviews.parquet
    textkit convert reviews.tsv --sample 10 --keep text,label --to csv
    textkit convert glove.6B.100d.txt -o vec/
    textkit convert vec -o vectors.bin
    """
    from textkit.embeddings.files.names import form_of
    from textkit.runner import Job

    saved = _saved(given["files"])
    table = saved or _named_so(given)
    folder = _is_folder(given, table and not saved)
    form = given["form"] or (form_of(given["output"], is_table=table) if given["to"] is None and not folder else None)
    if table or form or folder:
        return _convert_vectors(given, form, saved, folder)
    for flag in typed("force"):
        raise UsageError(f"{flag} replaces a folder of vectors, and files are always replaced")
    return Job(inputs_from(given), outputs=replace(outputs_from(given), typed=True))


def _saved(files: tuple[str, ...]) -> bool:
    """Whether an artifact is to be converted, and not a stream."""
    return any(Path(file).is_dir() for file in files)


def _named_so(given: dict[str, Any]) -> bool:
    """Whether the one input is called as a file of vectors is, and nothing says that it is a stream."""
    from textkit.embeddings.files.names import form_of

    return len(given["files"]) == 1 and given["from_"] is None and form_of(given["files"][0]) is not None


def _is_folder(given: dict[str, Any], foreign: bool) -> bool:
    """Whether the vectors go to a folder; those of another program do so to a bare name too, as of --save."""
    output = given["output"]
    if output is None or output == "-":
        return False
    bare = foreign and not given["to"] and not given["form"] and not Path(output).suffix and not Path(output).exists()
    return bool(output.endswith("/") or Path(output).is_dir() or bare)


def _convert_vectors(given: dict[str, Any], form: str | None, saved: bool, folder: bool) -> Any:
    if given["parallel"] or len(given["files"]) > 1:
        raise UsageError("one table of vectors is converted at a time")
    _refuse_flags_of_records(to_records=form is None and not folder)
    refuse_terminal(given["files"])
    path = next((file for file in given["files"] if file != "-"), None)
    if form is None and not folder:
        return _records(given, str(path))
    from textkit.embeddings import converting

    if folder and form:
        raise UsageError("--format is for a file, and a folder is textkit's own form")
    if folder and saved:
        raise UsageError("is a folder of textkit's already", where=path, fix="copy it with cp -r")
    if folder:
        converting.to_folder(path, given["output"].rstrip("/") or "/", given["force"])
    else:
        converting.to_file(path, given["output"], str(form))
    return None


def _records(given: dict[str, Any], path: str) -> Any:
    from textkit.embeddings.converting import nothing
    from textkit.embeddings.stage import Embed
    from textkit.embeddings.words import Words
    from textkit.runner import Job

    return Job(nothing(), (Words(Embed.load(path)),), replace(outputs_from(given), typed=True, lineage=False))


def _refuse_flags_of_records(to_records: bool) -> None:
    for parameter in click.get_current_context().command.params:
        section = getattr(parameter, "section", "")
        unfit = section == "Input" or (section == "Output" and parameter.name != "output" and not to_records)
        for flag in typed(parameter.name or "") if unfit else ():
            raise UsageError(f"{flag} is for records, and here a table of word vectors is converted")
