"""TF-IDF: a term counts the more, the fewer records have it. Salton and Buckley 1988; the formulas are scikit-learn's.

tf * idf with idf = ln((1 + N) / (1 + df)) + 1, or ln(N / df) + 1 unsmoothed; each record then at length 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textkit.config import setting
from textkit.vectorizers.base import Choice, Method, Norm, normalized


class Tfidf(Method):
    @dataclass(frozen=True)
    class Config(Choice):
        sublinear_tf: bool = setting(False, "1 + ln(tf) instead of tf")
        use_idf: bool = setting(True, "weigh by inverse document frequency")
        smooth_idf: bool = setting(True, "as if one more record had every term")
        norm: Norm = setting("l2", "length of each record")

    config: Config

    @classmethod
    def learn(cls, config: Config, df: np.ndarray, records: int) -> dict[str, np.ndarray]:
        extra = int(config.smooth_idf)
        with np.errstate(divide="ignore"):  # a term of a given vocabulary may be in no record
            return {"idf": np.log((records + extra) / (df.astype(np.float64) + extra)) + 1.0} if config.use_idf else {}

    @classmethod
    def due(cls, config: Config, width: int) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        return {"idf": ("float64", (width,))} if config.use_idf else {}

    def weigh(self, counts: np.ndarray, indices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        values = np.log(counts) + 1.0 if self.config.sublinear_tf else counts.astype(np.float64)
        if self.config.use_idf:
            values *= self.learned["idf"][indices]
        return normalized(values, offsets, self.config.norm)
