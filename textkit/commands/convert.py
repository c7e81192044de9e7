"""`textkit convert`"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textkit.options import INPUT, LINEAGE_ON, OUTPUT, inputs_from, outputs_from, subcommand


@subcommand(*INPUT, *OUTPUT, *LINEAGE_ON)
def command(**given: Any) -> Any:
    """Turn one format into another.

    Records and their fields stay as they are. Parquet and Arrow give each field a type if all of its values are of
    one; a field of mixed types becomes its JSON text.

    \b
    textkit convert reviews.tsv -o reviews.parquet
    textkit convert reviews.tsv --sample 10 --keep text,label --to csv
    """
    from textkit.runner import Job

    return Job(inputs_from(given), outputs=replace(outputs_from(given), typed=True))
