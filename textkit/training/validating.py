"""--valid FILE: records to validate on, made ready by the stages that the training records went through."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from textkit.errors import InputError, LineageError
from textkit.stage import restore
from textkit.streams.faults import Faults
from textkit.streams.policy import screened
from textkit.streams.source import Inputs, check_exist, named_files, open_stream
from textkit.streams.stream import Stream
from textkit.training.examples import Usable


def made_ready(inputs: Inputs, stream: Stream, gold: str, weight: str | None) -> Stream:
    """The records of these inputs after the stages of `stream`: all of them of raw text, or those that they lack.

    gold: the column of what is to be learned; weight: the field that says what a record counts. LineageError if they come from other stages.
    """
    check_exist(inputs)
    where = ", ".join(named_files(inputs))
    faults = Faults(inputs.skip)
    found = open_stream(replace(inputs, reading=replace(inputs.reading, faults=faults, usual=stream.lineage.columns)), ("text", gold))
    found = replace(found, faults=faults)
    if found.peek() is None:
        raise InputError("nothing to validate on: there are no records", where=where)
    done = len(found.lineage.stages)
    if found.lineage.identity != stream.lineage.identity[:done]:
        difference = stream.lineage.difference(found.lineage)
        fix = "give raw text, or a stream of the same stages"
        raise LineageError(f"the records to train on and those to validate on were made by different chains: {difference}", where=where, fix=fix)
    for entry in stream.lineage.stages[done:]:
        stage = restore(entry, stream.near)
        found = screened(found, stage.needs) if faults.skip else found
        found = found.map(partial(faults.attempt, stage.apply), found.lineage.plus(entry))
    usable = Usable(weight, gold if gold != "label" else "")
    return found.map(partial(faults.attempt, usable.checked)) if faults.skip else found
