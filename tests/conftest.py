"""What all tests share: a cache of their own, and the command line as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from textkit import report

CORPORA = Path(__file__).parent.parent / "sample_corpora"
settings.register_profile("textkit", deadline=None)  # a loaded machine is no failure
settings.load_profile("textkit")
TEXTKIT = (sys.executable, "-m", "textkit")
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:  # as a shell leaves it to what runs in the background: tests send them
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or fills the user's own artifact cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TEXTKIT_CACHE", str(folder))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # tests run beside each other: threads would only fight for the cores
    return folder


class Textkit:
    """Runs `textkit ARGUMENTS` as a process in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, stdin: str | bytes = b"", code: int | None = 0, **more: object) -> subprocess.CompletedProcess[str]:
        """stdout and stderr as text; `code` is the exit code that is due (None: any). No traceback, whatever happens."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        command = [*TEXTKIT, *map(str, arguments)]
        done = subprocess.run(command, input=data, capture_output=True, cwd=self.folder, env=dict(os.environ), timeout=120, **more)  # type: ignore[call-overload]
        result = subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        assert "Traceback" not in result.stderr, result.stderr
        if code is not None:
            assert result.returncode == code, result.stderr
        return result

    def shell(self, script: str, code: int | None = 0, **more: object) -> subprocess.CompletedProcess[str]:
        """A bash script under `pipefail`, in which `textkit` is this textkit."""
        function = f'set -o pipefail; textkit() {{ "{sys.executable}" -m textkit "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", function + script], capture_output=True, cwd=self.folder, env=dict(os.environ), text=True, timeout=300, **more
        )  # type: ignore[call-overload]
        assert "Traceback" not in done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, done.stderr
        return done


@pytest.fixture(autouse=True)
def _own_name() -> None:
    """A command that ran within a test before leaves its name, and its --progress."""
    report.configure("auto", "textkit")


@pytest.fixture
def textkit(tmp_path: Path) -> Textkit:
    return Textkit(tmp_path)


@pytest.fixture
def corpora() -> Path:
    return CORPORA


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small things that many tests only read: reviews.tsv (40 records), tok (wordpiece), model (logreg)."""
    folder = tmp_path_factory.mktemp("made")
    lines = (CORPORA / "reviews_en.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "reviews.tsv").write_text("".join(lines[:41]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTKIT_CACHE", str(folder / "cache"))
        run = Textkit(folder)
        run("tokenize", "--method", "wordpiece", "--vocab-size", 200, "--save", "tok", "reviews.tsv")
        run("train", "classify", "--arch", "logreg", "--save", "model", "reviews.tsv")
    return folder
