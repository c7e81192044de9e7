"""SAVE.partial: an unfinished training of a network, with all that it takes to go on with it but no input.

SAVE.partial/
  manifest.json     kind "partial": the plan and the lineage, sizes and sha256 of data/ and stages/; written when all of that is there
  lock              held by the process at work
  data/             the spooled training data (`spooling`)
  stages/0-tokenize/
  starting/         what else the plan names: word vectors, the model to begin with
  checkpoints/      (`checkpoint`)
  finished          the checksum of the bundle that is about to be put at SAVE
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from textkit import __version__
from textkit.artifacts import cache
from textkit.artifacts import folder as artifact
from textkit.artifacts.bundle import stage_folder
from textkit.errors import InputError, ResourceError, UsageError
from textkit.locking import held
from textkit.report import say
from textkit.streams.lineage import Entry, Lineage, from_json
from textkit.streams.stream import Stream

KIND = "partial"
LOCK = "lock"
FINISHED = "finished"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STARTING = ("embedding", "init_from")  # of a plan: folders
UNKEPT = ("save", "tuned")  # of a plan: where the result goes is asked again


@dataclass(frozen=True)
class Partial:
    """The folder of an unfinished training."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def exists(self) -> bool:
        return (self.folder / artifact.MANIFEST).exists()

    def keep(self, stream: Stream, plan: Any, facts: dict[str, Any]) -> Stream:
        """Put all that came before the training here, beside the data; returns the stream, which needs nothing else from now on.

        ResourceError if the disk is full.
        """
        try:
            for position, entry in enumerate(stream.lineage.stages):
                if entry.sha256 is not None:  # whole, where a bundle keeps of some what predicting needs
                    artifact.copy(cache.locate(entry, stream.near), stage_folder(self.folder, position, entry.stage))
            lineage = Lineage(tuple(self._entry(*numbered) for numbered in enumerate(stream.lineage.stages)), stream.lineage.columns)
            told = {name: value for name, value in vars(plan).items() if name not in UNKEPT}
            for name in STARTING:
                if told[name] is not None:
                    artifact.copy(Path(told[name]), self.folder / "starting" / name)
            artifact.seal(self.folder, {"kind": KIND, "plan": told, "lineage": lineage.to_json(), **facts})
            artifact.settle(self.folder)
        except OSError as error:
            raise artifact.unwritable(error, self.folder) from error
        return replace(stream, lineage=lineage)

    def _entry(self, position: int, entry: Entry) -> Entry:
        place = stage_folder(self.folder, position, entry.stage)
        return entry if entry.sha256 is None else replace(entry, artifact=str(place.absolute()))

    def finish(self, draft: Path) -> None:
        """Note which bundle the training ended in, before that is put at its place."""
        (self.folder / FINISHED).write_text(artifact.read_manifest(draft)["checksum"], encoding="utf-8")

    def finished(self, save: str) -> bool:
        """Whether the bundle is at its place already: a kill came before this folder was removed."""
        note, manifest = self.folder / FINISHED, Path(save) / artifact.MANIFEST
        return note.exists() and manifest.exists() and artifact.read_manifest(save)["checksum"] == note.read_text(encoding="utf-8")

    def load(self) -> dict[str, Any]:
        """The manifest, every file checked. InputError says what is wrong."""
        try:
            manifest = artifact.load(self.folder, KIND)
        except InputError as error:
            raise InputError(error.message, where=error.where, fix="train anew, with --save and --force") from None
        if manifest["version"] != __version__:
            say(f"{self.folder} was begun by textkit {manifest['version']}, and this is {__version__}: the weights may come out slightly different")
        return manifest

    def stream(self, manifest: dict[str, Any]) -> Stream:
        """What the data came from: its lineage, without records."""
        lineage = from_json(manifest["lineage"], str(self.folder))
        return Stream(replace(lineage, stages=tuple(self._entry(*numbered) for numbered in enumerate(lineage.stages))), iter(()))

    def plan(self, kind: type, manifest: dict[str, Any], save: str, force: bool) -> Any:
        """The plan as it was, with the result to go to `save`. InputError if this version of textkit has other ones."""
        told = dict(manifest["plan"])
        due = {*get_type_hints(kind)} - {*UNKEPT}
        if not {*told} <= due:
            names = ", ".join(sorted({*told} - due))
            raise InputError(f"was begun by another textkit ({manifest['version']}): {names}", where=str(self.folder), fix="go on with that one")
        told["force"] = force or told["force"]
        told |= {name: str(self.folder / "starting" / name) for name in STARTING if told[name] is not None}
        return kind(save=save, **{name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})


def beside(save: str) -> Partial:
    """Where the unfinished training of `save` lives."""
    path = Path(save)
    path = path.resolve() if path.name in ("", "..") else path
    return Partial(path.with_name(f"{path.name}.partial"))


def check(save: str, force: bool) -> None:
    """UsageError if a training of `save` was left unfinished that is not to be thrown away, or the folder is somebody else's."""
    partial = beside(save)
    if partial.folder.is_dir() and any(partial.folder.iterdir()) and not (partial.folder / LOCK).exists():
        raise UsageError("is not textkit's, and stands where an unfinished training lives", where=str(partial.folder), fix="move it away")
    if partial.exists() and not force:
        fix = f"go on with it by textkit train --resume {save}, or add --force to begin anew"
        raise UsageError("holds an unfinished training", where=str(partial.folder), fix=fix)


@contextmanager
def begun(save: str, force: bool) -> Iterator[Partial]:
    """A new folder to collect into, locked. It is removed when all is done, or when it ends with nothing to go on from."""
    check(save, force)
    partial = beside(save)
    with locked(partial):
        check(save, force)
        _clear(partial)
        try:
            partial.data.mkdir()
            partial.checkpoints.mkdir()
            yield partial
        except BaseException as error:
            if not any(partial.checkpoints.glob("[0-9]*/")):
                _remove(partial)
            if isinstance(error, OSError) and error.errno in FULL:
                raise artifact.unwritable(error, partial.folder) from error
            raise
        _remove(partial)


@contextmanager
def continued(save: str) -> Iterator[Partial]:
    """The folder of an unfinished training, locked. It is removed when all is done."""
    partial = beside(save)
    if not partial.exists():
        what = "the training of this is complete" if Path(save).exists() else "no such training"
        raise InputError(f"{what}: there is no {partial.folder} to go on with", where=save, fix="train it with --save")
    with locked(partial):
        for draft in partial.checkpoints.glob(".*.draft"):  # of a process that was killed while it wrote
            shutil.rmtree(draft, ignore_errors=True)
        yield partial
        _remove(partial)


@contextmanager
def locked(partial: Partial) -> Iterator[None]:
    try:
        partial.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"cannot be made ({error.strerror})", where=str(partial.folder)) from None
    with held(str(partial.folder / LOCK)) as free:
        if not free:
            raise UsageError("another process is training this", where=str(partial.folder), fix="wait for it, or give another --save")
        yield


def _remove(partial: Partial) -> None:
    """The lock goes last: it says whose the folder is."""
    with suppress(OSError):
        _clear(partial)
        (partial.folder / LOCK).unlink()
        partial.folder.rmdir()


def _clear(partial: Partial) -> None:
    """Empty the folder, but for the lock that is held. Without its manifest it is nothing to go on with."""
    (partial.folder / artifact.MANIFEST).unlink(missing_ok=True)
    for path in partial.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
