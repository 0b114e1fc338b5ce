"""What a cell's data sheet is made of: corners, figures of merit, curves."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conditions:
    """What a cell is measured under: one corner.

    Attributes:
        circuit: parameters of every part, at the corner's temperature and supplies.
        nominal: as configured; what is chosen once, such as trim resistors, is chosen for these.
        network: layers and biases.
        solver: accuracy.
        temperature: °C.
        supply: factor on the op-amps' supplies v_dd and v_ss, 1.
    """

    circuit: CircuitParameters
    nominal: CircuitParameters
    network: Network
    solver: SolverSettings
    temperature: float
    supply: float

    @property
    def typical(self) -> bool:
        """Whether temperature and supplies are as configured."""
        return self.temperature == self.nominal.temperature and self.supply == 1.0


@dataclass(frozen=True)
class Figure:
    """One figure of merit at one corner.

    Attributes:
        key: unique within a cell, as in `closed_loop_gain`.
        name: for people.
        unit: SI, "1" for none.
        value: NaN where it does not exist, such as the bandwidth of an ideal amplifier.
        conditions: that hold besides the corner's.
        expected: closed form for the same conditions; None where there is none.
        rtol: how far value and closed form may be apart before the sheet marks it, of the closed
            form, 1.
        atol: likewise and in addition, in the figure's unit.
        engine: who made the value: "ngspice", or "closed form".
    """

    key: str
    name: str
    unit: str
    value: float
    conditions: str = ""
    expected: float | None = None
    rtol: float = 0.01
    atol: float = 0.0
    engine: str = "ngspice"

    @property
    def deviates(self) -> bool:
        """Whether the value is further from its closed form than the tolerances say."""
        if self.expected is None or math.isnan(self.expected):
            return False
        return not abs(self.value - self.expected) <= self.rtol * abs(self.expected) + self.atol


@dataclass(frozen=True)
class Curve:
    """Curves over one axis, that a figure draws and a CSV holds.

    Attributes:
        key: unique within a cell, as in `dc_transfer`.
        title: for people.
        x_name: of the axis.
        x_unit: SI, "1" for none.
        y_unit: likewise, of all curves.
        x: shape (T,).
        y: by name, shape (T,) each.
        log_x: the axis is logarithmic.
    """

    key: str
    title: str
    x_name: str
    x_unit: str
    y_unit: str
    x: Array
    y: dict[str, Array]
    log_x: bool = False

    def __post_init__(self) -> None:
        """Refuse curves that are not all over the one axis.

        Raises:
            ValueError: shapes differ.
        """
        for name, values in self.y.items():
            if values.shape != self.x.shape:
                raise ValueError(
                    f"curve {self.key}: {name} has shape {values.shape}, its axis {self.x.shape}"
                )


@dataclass(frozen=True)
class Measurement:
    """What was found in one cell at one corner."""

    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...]
