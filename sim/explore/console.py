"""What a sweep says, on the console: the page's sentences and tables."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sim.report.blocks import Points, Prose, Section, Table

_ROWS = 25  # of a table, at most; the page has all


def print_sections(console: Console, sections: Sequence[Section], more: str) -> None:
    """Print what is neither drawn nor folded away.

    Args:
        console: to print to.
        sections: of the page.
        more: where the rest of a long table is.
    """
    for section in sections:
        console.print(Text(section.title, style="bold"))
        for block in section.shared:
            match block:
                case Prose(_, "criterion"):
                    pass  # how to read a chart
                case Prose():
                    console.print(Text(block.text), soft_wrap=True)
                case Points(items):
                    for item in items:
                        console.print(Text(f"  {item}"), soft_wrap=True)
                case Table():
                    _print_table(console, block, more)
        console.print()


def _print_table(console: Console, table: Table, more: str) -> None:
    drawn = RichTable(
        box=None, pad_edge=False, title=Text(table.caption), title_justify="left", title_style="dim"
    )
    for column in table.columns:
        drawn.add_column(Text(column.title), justify="right" if column.numeric else "left")
    for row in table.rows[:_ROWS]:
        drawn.add_row(*(Text(cell.text) for cell in row))
    console.print(drawn)
    if len(table.rows) > _ROWS:
        console.print(
            f"… {len(table.rows) - _ROWS:,} more rows in {more}", markup=False, soft_wrap=True
        )
