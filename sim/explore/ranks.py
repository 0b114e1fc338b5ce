"""Which part, or which drawn parameter, moves a figure: rank correlation over chips or draws."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from circuits.activation import ActivationParameters
from circuits.activation import Kind as RectifierKind
from circuits.exceptions import OPAMP, parts_of
from circuits.noise import NoiseParameters
from sim.explore.factors import CHIP, DRAW
from sim.explore.opened import Sweep
from sim.explore.significance import LEVEL, holm

Array = NDArray[np.float64]

FEWEST = 10
"""Chips or draws from which on ranks are compared."""

DEVIATE, PART = "deviate", "part"

_FIGURES = {"v_offset": "op-amp offset", "gbw": "op-amp GBW"}

_KINDS: Mapping[str, str] = {
    part: kind
    for rectifier in get_args(RectifierKind)
    for part, kind in parts_of(
        ActivationParameters(kind=rectifier), NoiseParameters(source="string"), hidden=True
    ).items()
}
"""Every part that a neuron may have."""

_JUNCTION = re.compile(r"j[1-9]\d*")
_WEIGHT = re.compile(r"w[1-9]\d*_[1-9]\d*_(b|[1-9]\d*)_[pn]")


@dataclass(frozen=True)
class Ranked:
    """How a part or a parameter goes with a figure.

    Attributes:
        name: of the part and its quantity, or of the parameter.
        kind: to which it belongs.
        signed: Spearman's ρ of its value.
        sized: Spearman's ρ of its distance from nominal, whichever way; NaN of a parameter.
        p: the smaller p-value of the two, after Holm over all tests of the table.
    """

    name: str
    kind: str
    signed: float
    sized: float
    p: float

    @property
    def strength(self) -> float:
        """The larger of the two in magnitude."""
        return float(np.nanmax(np.abs([self.signed, self.sized])))

    @property
    def by_size(self) -> bool:
        """Whether the distance from nominal tells more than the value."""
        return bool(abs(self.sized) > abs(self.signed))

    @property
    def shown(self) -> float:
        """The ρ of larger magnitude."""
        return self.sized if self.by_size else self.signed

    @property
    def significant(self) -> bool:
        """Whether it is at the family's level."""
        return bool(self.p <= LEVEL)


def kind_of(part: str) -> str:
    """What kind of part a figure of a chip is of, by its name, as in `n1_2_a.v_offset`.

    Args:
        part: part and quantity, as `circuits.chip.ChipRow` has them.
    """
    name, _, quantity = part.rpartition(".")
    if name == "chip":
        return "resistor tolerance common to the chip"
    if _WEIGHT.fullmatch(name):
        return "weight resistor"
    element = name.rpartition("_")[2]
    if _JUNCTION.fullmatch(element):
        return "junction"
    kind = _KINDS.get(element, "other part")
    return _FIGURES.get(quantity, kind) if kind == OPAMP else kind


def response(sweep: Sweep, measure: str, along: str) -> Array:
    """Mean rank of each chip, or of each draw, among those at the same settings and seed.

    Args:
        sweep: the points.
        measure: the figure.
        along: `chip` or `draw`.

    Returns:
        Between 0 and 1, shape (chips or draws,); NaN where no point is done.
    """
    values = sweep.values(measure)
    if along == CHIP:
        table = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    else:
        at = sweep.levels[DRAW]
        table = np.stack([values[at == k].ravel() for k in range(int(at.max()) + 1)])
    return mean_rank(table)


def mean_rank(table: Array) -> Array:
    """Ranks within every column, from 0 to 1, and their mean over each row; (rows,).

    Args:
        table: shape (rows, columns); NaN where there is no figure.
    """
    from scipy.stats import rankdata  # noqa: PLC0415  # half a second, where it is needed

    ranks = rankdata(table, axis=0, nan_policy="omit")
    there = np.isfinite(table)
    counts = there.sum(axis=0)
    scaled = np.where(there, (ranks - 0.5) / np.maximum(counts, 1), 0.0)
    with np.errstate(invalid="ignore"):
        return scaled.sum(axis=1) / there.sum(axis=1)


def deviates_of(sweep: Sweep) -> tuple[tuple[str, ...], Array]:
    """Names of the parts that were drawn, and their deviates, (chips, parts); NaN where lacking."""
    if DEVIATE not in sweep.data.variables or not sweep.chips:
        return (), np.empty((sweep.chips, 0))
    found = sweep.data[DEVIATE].transpose(CHIP, PART)
    names = found[PART].to_numpy()
    decoded = np.char.decode(names, "utf8") if names.dtype.kind == "S" else names.astype(str)
    return tuple(decoded.tolist()), found.to_numpy().astype(float)


def rank_parts(names: Sequence[str], deviates: Array, response: Array) -> list[Ranked]:
    """Parts by how strongly they go with a figure; the strongest first.

    Args:
        names: of the parts.
        deviates: of each chip, (chips, parts).
        response: of each chip, (chips,).
    """
    rho, p_values = spearman(np.hstack([deviates, np.abs(deviates)]), response)
    signed, sized = np.split(rho, 2)
    best = np.fmin(*np.split(holm(p_values), 2))
    found = [
        Ranked(name, kind_of(name), float(a), float(b), float(p))
        for name, a, b, p in zip(names, signed, sized, best, strict=True)
        if np.isfinite(a) or np.isfinite(b)
    ]
    return sorted(found, key=lambda one: -one.strength)


def rank_draws(sweep: Sweep, measure: str) -> list[Ranked]:
    """Parameters drawn at random by how strongly they go with a figure; the strongest first."""
    drawn = [f for f in sweep.factors if f.kind == DRAW and f.numbers is not None]
    if not drawn:
        return []
    table = np.column_stack([np.asarray(f.numbers) for f in drawn])
    correlations, p_values = spearman(table, response(sweep, measure, DRAW))
    found = [
        Ranked(f.name, "parameter", float(rho), np.nan, float(p))
        for f, rho, p in zip(drawn, correlations, holm(p_values), strict=True)
        if np.isfinite(rho)
    ]
    return sorted(found, key=lambda one: -one.strength)


def spearman(columns: Array, y: Array) -> tuple[Array, Array]:
    """Spearman's ρ of each column with y, and its p-value by Student's t.

    Args:
        columns: shape (n, columns).
        y: shape (n,).

    Returns:
        Over the rows where both are there; NaN with fewer than `FEWEST`, or where all are alike.
    """
    from scipy.stats import rankdata, t  # noqa: PLC0415  # half a second, where it is needed

    rho, p = np.full((2, columns.shape[1]), np.nan)
    there = np.isfinite(columns) & np.isfinite(y)[:, None]
    patterns, belongs = np.unique(there, axis=1, return_inverse=True)
    for k, rows in enumerate(patterns.T):
        mine = np.flatnonzero(belongs.ravel() == k)
        count = int(rows.sum())
        if count < FEWEST:
            continue
        a = rankdata(columns[np.ix_(rows, mine)], axis=0) - (count + 1) / 2
        b = rankdata(y[rows]) - (count + 1) / 2
        sizes = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.clip(np.where(sizes > 0, b @ a / sizes, np.nan), -1.0, 1.0)
            score = np.abs(found) * np.sqrt((count - 2) / (1 - found**2))
        rho[mine], p[mine] = found, 2 * t.sf(score, count - 2)
    return rho, p
