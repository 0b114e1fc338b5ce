"""The attribution on the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from sim.attribute.attribution import Attribution
from sim.attribute.units import unit_of

_UNBOUNDED = 10_000  # columns, for the width that a table would like


def print_attribution(console: Console, found: Attribution) -> None:
    """Shares of each layer, then of all nodes; as many abreast as the console is wide."""
    scopes = range(len(found.scopes))
    sizes = range(len(scopes), 0, -1)
    abreast = next((size for size in sizes if _fits(console, found, size)), 1)
    for begin in scopes[::abreast]:
        table = attribution_table(found, scopes[begin : begin + abreast])
        console.print(table, soft_wrap=not console.is_terminal)
    console.print(
        "alone: its share, from the circuit as it was; moves: by how much outputs then change, "
        "rms; then: its share after all above it",
        soft_wrap=True,
        style="dim",
    )
    for effect in found.effects:
        if effect.missing is not None:
            console.print(f"no {effect.mechanism.title}: {effect.missing}", soft_wrap=True)
    for line in _origins(found):
        console.print(line, soft_wrap=True)


def attribution_table(found: Attribution, scopes: Sequence[int]) -> Table:
    """Mechanisms in causal order, and per scope three figures.

    Args:
        found: the attribution.
        scopes: indices of those shown.
    """
    number, unit = unit_of(found).number, unit_of(found).symbol
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(f"{unit}\n")
    for scope in scopes:
        for k, what in enumerate(("alone", "moves", "then")):
            head = found.scopes[scope] if k == 0 else ""
            table.add_column(f"{head}\n{what}", justify="right", no_wrap=True)
    for effect in found.effects:
        if effect.missing is None:
            figures = (effect.alone, effect.moves, effect.then)
            cells = [number(figure[scope]) for scope in scopes for figure in figures]
            table.add_row(effect.mechanism.title, *cells)
    left, total, together = [], [], []
    for scope in scopes:
        left += [
            number(found.left[scope]),
            number(found.left_rms[scope]),
            number(found.left[scope]),
        ]
        together += [number(found.interaction[scope]), "", ""]
        total += [number(found.total[scope])] * 3
    table.add_row("interaction", *together, style="dim")
    table.add_row("left over", *left, style="dim")
    table.add_row("deviation, rms", *total, style="bold")
    return table


def _fits(console: Console, found: Attribution, abreast: int) -> bool:
    scopes = range(len(found.scopes))
    wide = console.options.update(max_width=_UNBOUNDED)
    return all(
        Measurement.get(
            console, wide, attribution_table(found, scopes[begin : begin + abreast])
        ).maximum
        <= console.width
        for begin in scopes[::abreast]
    )


def _origins(found: Attribution) -> Iterator[str]:
    unit = unit_of(found)
    parts = [
        f"{scope}: {unit.part(here, total)}"
        for scope, here, total in zip(found.scopes, found.made_here, found.total, strict=False)
    ]
    yield f"made in the layer itself, not inherited: {', '.join(parts)}"
