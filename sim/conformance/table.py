"""The suite's results as Markdown rows, as they stand in docs/second-opinion.md."""

import math
from collections.abc import Iterator, Sequence

from sim.conformance.cells import CellCase
from sim.conformance.decks import Opinions
from sim.conformance.networks import Answers

NETWORK_NOTE = (
    "largest |neospice - ngspice| over all pre-activations and outputs at all sampling instants, "
    "at two relative tolerances; settled: of the passes that no guard doubts; energy: relative "
    "difference of a pass, at the tighter tolerance; bare: largest |ngspice -b - ngspice|, and "
    "ideal: largest |mathematics - ngspice|, at the looser tolerance"
)
TOLERANCE_NOTE = (
    "largest differences over all samples of one network; they are those of samples taken while "
    "amplifiers move"
)
CELL_NOTE = (
    "largest |neospice - ngspice| of the printed voltages, and of each simulator against the "
    "closed form at the tighter tolerance"
)


def microvolts(volts: float) -> str:
    """Two digits in µV; a dash for what does not exist."""
    if math.isnan(volts):
        return "–"
    return "< 0.001" if abs(volts) < 1e-9 else f"{float(f'{1e6 * volts:.2g}'):g}"


def network_head(loose: float, tight: float) -> Iterator[str]:
    """Head of the networks' table."""
    yield (
        f"| network | fidelity | passes, settled | {loose:g}: settled, µV | {loose:g}: all, µV | "
        f"{tight:g}: all, µV | energy | bare, µV | ideal, mV |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"


def network_row(name: str, fidelity: str, loose: Answers, tight: Answers) -> str:
    """One network."""
    doubts = loose.engines["ngspice"].doubts
    energy = "–" if math.isnan(tight.energy_apart) else f"{tight.energy_apart:.0e}"
    row = (
        name,
        fidelity,
        f"{len(doubts)}, {int((doubts == 0).sum())}",
        microvolts(loose.settled_apart),
        microvolts(loose.apart),
        microvolts(tight.apart),
        energy,
        microvolts(loose.from_bare),
        f"{1e3 * loose.from_mathematics:.3g}",
    )
    return _row(row)


def tolerance_rows(answers: Sequence[Answers]) -> Iterator[str]:
    """One network over falling tolerances; the last one's ngspice stands for the true voltages."""
    true = answers[-1]
    yield (
        "| reltol | neospice - ngspice, µV | ngspice, from its last row, µV | neospice, from "
        "ngspice's last row, µV |"
    )
    yield "| --- | --- | --- | --- |"
    for one in answers:
        row = (
            f"{one.reltol:g}",
            microvolts(one.apart),
            microvolts(one.moved("ngspice", true)),
            microvolts(one.moved("neospice", true)),
        )
        yield _row(row)


def cell_head(loose: float, tight: float) -> Iterator[str]:
    """Head of the cells' table."""
    yield (
        f"| cell | voltages | {loose:g}, µV | {tight:g}, µV | ngspice - closed form, µV | "
        "neospice - closed form, µV |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"


def cell_row(case: CellCase, loose: Opinions, tight: Opinions) -> str:
    """One cell."""
    row = (
        case.name,
        str(len(tight.ngspice)),
        microvolts(loose.largest()),
        microvolts(tight.largest()),
        microvolts(from_closed_form(case, tight.ngspice)),
        microvolts(from_closed_form(case, tight.neospice)),
    )
    return _row(row)


def from_closed_form(case: CellCase, printed: dict[str, float]) -> float:
    """Largest distance from the closed form, V; NaN where there is none."""
    distances = [abs(printed[name] - volts) for name, volts in case.expected.items()]
    return max(distances, default=math.nan)


def deck_rows(loose: Opinions, tight: Opinions) -> Iterator[str]:
    """Every printed voltage of a deck."""
    yield "| name | ngspice, V | neospice, V | difference, µV | tightened, µV |"
    yield "| --- | --- | --- | --- | --- |"
    tightened = tight.differences()
    for name, difference in loose.differences().items():
        row = (
            name,
            f"{loose.ngspice[name]:.9g}",
            f"{loose.neospice[name]:.9g}",
            f"{1e6 * difference:.2g}",
            f"{1e6 * tightened[name]:.2g}",
        )
        yield _row(row)


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"
