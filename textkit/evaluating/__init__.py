"""Evaluating: predictions against labels, whether they come with the records or from a model.

scores.py        what needs probabilities: ROC-AUC, average precision, log loss, calibration error
collecting.py    from a stream to codes and scores
several.py       records that may have several labels
tags.py          records with a tag for each word
beside.py        another file of the same records: its labels, its predictions
resampling.py    confidence intervals, by the bootstrap
comparing.py     two models on the same records
worst.py         the records that went most wrong
gates.py         limits that a metric must keep
report.py        all that was found, and as JSON; tables.py shows it to people
"""

from textkit.evaluating.measuring import Wishes, measure, measure_any

__all__ = ["Wishes", "measure", "measure_any"]
