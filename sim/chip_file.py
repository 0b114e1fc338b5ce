"""`chip.csv` in a run's folder: every figure that was drawn for its parts."""

import csv
import io
from collections.abc import Iterable

from circuits.mismatch import ChipRow

NAME = "chip.csv"
"""A row a figure."""

HEADER = ("part", "quantity", "unit", "nominal", "value", "deviate")
"""Columns; what they hold is said in `circuits.chip.ChipRow`."""


def format_chip(rows: Iterable[ChipRow]) -> str:
    """The file's text; numbers to the last bit."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        numbers = (repr(number) for number in (row.nominal, row.value, row.deviate))
        writer.writerow((row.part, row.quantity, row.unit, *numbers))
    return table.getvalue()
