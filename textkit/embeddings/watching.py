"""How training goes on, told while gensim's threads are at work: words and words a second, and the loss."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from textkit.embeddings.corpus import Corpus
from textkit.report import Progress

EVERY = 0.5  # s
SELDOM = 10  # looks for each time that the loss is taken, some milliseconds
EXAMPLES = 500


class Watch:
    """A callback of gensim's and a thread that looks how far the corpus file has been read.

    gensim itself tells nothing before an epoch is over, and of FastText no loss at all. So the loss is taken of the model as
    it stands, on the same few hundred places of the corpus each time.
    """

    def __init__(self, model: Any, corpus: Corpus, epochs: int) -> None:
        self._model, self._corpus = model, corpus
        self._progress = Progress("learning", corpus.words * epochs, "words")
        self._stat = Path(corpus.path).stat()
        self._epoch = self._readers = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._sample: Sample | None = None

    def __enter__(self) -> Watch:
        self._progress.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._progress.__exit__()

    def loss(self) -> float | None:
        """Of the model as it is now; None where it cannot be told."""
        if hasattr(self._model, "dv"):  # documents have vectors of their own
            return None
        if self._sample is None:
            self._sample = Sample(self._model, Path(self._corpus.path), self._stat.st_size)
        return self._sample.loss()

    def _look(self) -> None:
        looks, note = 0, ""
        while not self._over.wait(EVERY):
            if looks % SELDOM == 0 and (loss := self.loss()) is not None:
                note = f"loss {loss:.4f}"
            looks += 1
            done = int((self._epoch + self._share()) * self._corpus.words)
            self._progress.add(max(0, done - self._progress.done), note)

    def _share(self) -> float:
        """How much of this epoch is done: each thread of gensim's reads its part of the file through a descriptor of its own."""
        part = self._stat.st_size / self._model.workers
        positions = self._positions()
        self._readers = max(self._readers, len(positions))
        finished = self._readers - len(positions)
        read = sum(position - min(position // part, self._model.workers - 1) * part for position in positions)
        return float(min(1.0, (read + finished * part) / max(1, self._stat.st_size)))

    def _positions(self) -> list[int]:
        mine, found = int(Path(self._corpus.path).name), []
        for file in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # closed since it was listed
                if int(file.name) != mine and os.path.samestat(file.stat(), self._stat):
                    found.append(int(Path("/proc/self/fdinfo", file.name).read_text().split()[1]))
        return found

    # What gensim calls.
    def on_train_begin(self, model: Any) -> None: ...

    def on_train_end(self, model: Any) -> None: ...

    def on_epoch_begin(self, model: Any) -> None: ...

    def on_epoch_end(self, model: Any) -> None:
        self._readers = 0
        self._epoch += 1


class Sample:
    """Places of a corpus at which the loss of a model is taken: a word, and its neighbours or one of them."""

    def __init__(self, model: Any, path: Path, size: int) -> None:
        self._model = model
        rng = np.random.default_rng(1)
        self._inputs: list[np.ndarray] = []
        outputs: list[int] = []
        with path.open("rb") as file:
            for offset in rng.integers(0, max(1, size), EXAMPLES):
                file.seek(int(offset))
                if offset:
                    file.readline()  # the rest of a line
                words = [model.wv.key_to_index[code] for code in file.readline().decode().split()]
                if len(words) > 1:
                    at, reach = int(rng.integers(len(words))), int(rng.integers(1, model.window + 1))
                    near = words[max(0, at - reach) : at] + words[at + 1 : at + 1 + reach]
                    self._inputs.append(np.array([words[at]] if model.sg else near))
                    outputs.append(int(rng.choice(near)) if model.sg else words[at])
        self._outputs = np.array(outputs, np.int64)
        if model.negative:
            draws = rng.integers(0, int(model.cum_table[-1]), (len(outputs), model.negative))
            self._negative = np.searchsorted(model.cum_table, draws)

    def loss(self) -> float | None:
        """The mean of the loss that training makes smaller; None if the corpus is too short to take it."""
        if not len(self._outputs):
            return None
        hidden = np.stack([np.mean([_vector(self._model.wv, word) for word in words], axis=0) for words in self._inputs])
        if not self._model.negative:
            return float(np.mean([self._of_path(vector, word) for vector, word in zip(hidden, self._outputs, strict=True)]))
        weights = self._model.syn1neg
        right = np.einsum("nd,nd->n", hidden, weights[self._outputs])
        wrong = np.einsum("nd,nkd->nk", hidden, weights[self._negative])
        wrong = np.where(self._negative == self._outputs[:, None], -np.inf, wrong)  # such a draw is passed over in training
        return float(np.mean(np.logaddexp(0, -right) + np.logaddexp(0, wrong).sum(1)))

    def _of_path(self, vector: np.ndarray, word: int) -> float:
        """Through the tree of the hierarchical softmax."""
        expandos = self._model.wv.expandos
        signs = 1 - 2 * expandos["code"][word].astype(np.float32)
        return float(np.logaddexp(0, -signs * (self._model.syn1[expandos["point"][word]] @ vector)).sum())


def _vector(wv: Any, word: int) -> np.ndarray:
    """What a word is represented by in training: its vector, with subwords the mean of it and theirs."""
    if getattr(wv, "buckets_word", None) is None:
        return np.asarray(wv.vectors[word])
    buckets = wv.buckets_word[word]
    return np.asarray((wv.vectors_vocab[word] + wv.vectors_ngrams[buckets].sum(0)) / (len(buckets) + 1))
