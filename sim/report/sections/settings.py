"""Every parameter, those first that are not the defaults."""

from collections.abc import Sequence

from sim.report.blocks import Block, Cell, Column, Fold, Listing, Part, Prose, Section, Table
from sim.report.model.settings import Setting, settings_of
from sim.results import Run


def section(runs: Sequence[Run]) -> Section:
    """Tables for each run, and its config.toml."""
    return Section(
        "settings",
        "Settings",
        "Settings",
        parts=tuple(Part(k, _blocks(run)) for k, run in enumerate(runs)),
    )


def _blocks(run: Run) -> list[Block]:
    settings = settings_of(run)
    changed = [one for one in settings if one.differs and not one.inside]
    inside = [one for one in settings if one.differs and one.inside]
    text = (run.path / "config.toml").read_text(encoding="utf8", errors="replace")
    first: Block = Prose("All parameters are the defaults of the task.")
    if changed:
        first = _table("Parameters that are not the default of the task", changed)
    rest = [one for one in settings if not one.differs]
    caption = "Parameters of a part in which it is not the default one"
    return [
        first,
        *([Fold("What is inside parts named above", (_table(caption, inside),))] if inside else []),
        Fold(f"The other {len(rest)} parameters", (_table("Parameters at their defaults", rest),)),
        Listing("config.toml", text),
    ]


def _table(caption: str, settings: Sequence[Setting]) -> Table:
    columns = (Column("parameter"), Column("value"), Column("default"), Column("meaning"))
    rows = tuple(
        (Cell(one.path), Cell(one.value), Cell(one.default), Cell(one.means)) for one in settings
    )
    return Table(caption, columns, rows)
