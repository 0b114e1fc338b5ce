"""The leaky rectifier: the paper's two-diode divider, or a precision rectifier."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius
from scipy.optimize import root_scalar
from scipy.special import wrightomega

from circuits.quantities import (
    Ampere,
    ElectronVolt,
    Farad,
    Ohm,
    Parameters,
    Ratio,
    Second,
    Volt,
)

Kind = Literal["diode-divider", "precision"]


class DiodeParameters(Parameters):
    """A SPICE junction diode, or an ideal one that conducts forward without a drop."""

    name: str = Field(description="name of the part", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    ideal: bool = Field(
        default=False, description="conducts forward without a drop, blocks backward"
    )
    i_s: Ampere = Field(default=1e-14, gt=0, description="saturation current IS, A")
    n: Ratio = Field(default=1.0, gt=0, description="emission coefficient N, 1")
    r_s: Ohm = Field(default=0.0, ge=0, description="series resistance RS, Ω")
    c_j0: Farad = Field(default=0.0, ge=0, description="junction capacitance at zero bias CJO, F")
    v_j: Volt = Field(default=1.0, gt=0, description="junction potential VJ, V")
    m: Ratio = Field(default=0.5, gt=0, lt=1, description="grading coefficient M, 1")
    t_t: Second = Field(default=0.0, ge=0, description="transit time TT, s")
    e_g: ElectronVolt = Field(default=1.11, gt=0, description="activation energy EG, eV")
    x_ti: Ratio = Field(default=3.0, ge=0, description="temperature exponent of IS, XTI, 1")
    b_v: Volt = Field(
        default=float("inf"),
        gt=0,
        allow_inf_nan=True,
        description="breakdown voltage BV, V; inf for none",
    )
    i_bv: Ampere = Field(default=1e-3, gt=0, description="current at breakdown IBV, A")


# SPICE parameters as their makers print them.
DIODES = {
    d.name: d
    for d in (
        # Avago (Broadcom) data sheet HSMS-285x, zero-bias detector.
        DiodeParameters(
            name="HSMS-2850", i_s=3e-6, n=1.06, r_s=25, c_j0=0.18e-12, v_j=0.35, m=0.5,
            e_g=0.69, x_ti=2, b_v=3.8, i_bv=3e-4,
        ),
        # Avago (Broadcom) data sheet HSMS-286x.
        DiodeParameters(
            name="HSMS-2860", i_s=5e-8, n=1.08, r_s=5, c_j0=0.18e-12, v_j=0.65, m=0.5,
            e_g=0.69, x_ti=2, b_v=7.0, i_bv=1e-4,
        ),
        # Nexperia's model of the BAT54.
        DiodeParameters(
            name="BAT54", i_s=2.117e-7, n=1.016, r_s=2.637, c_j0=11.14e-12, v_j=0.2013, m=0.3868,
            e_g=0.69, x_ti=2, b_v=36, i_bv=1.196e-6,
        ),
        # Nexperia's model of the 1N4148.
        DiodeParameters(
            name="1N4148", i_s=4.352e-9, n=1.906, r_s=0.6458, c_j0=0.7048e-12,
            v_j=0.869, m=0.03, t_t=3.48e-9, b_v=110, i_bv=1e-4,
        ),
        DiodeParameters(name="ideal", ideal=True),
    )
}  # fmt: skip


def _diode_by_name(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in DIODES:
        raise ValueError(f"unknown diode {value!r}, wanted one of {', '.join(DIODES)}")
    return DIODES[value]


class ActivationParameters(Parameters):
    """The leaky rectifier behind the summing amplifier of a hidden neuron."""

    kind: Kind = Field(
        default="diode-divider",
        description=(
            "diode-divider: two diodes into a load (paper, §II.C); "
            "precision: diodes inside an op-amp's feedback, no dead zone"
        ),
    )
    diode: Annotated[DiodeParameters | None, BeforeValidator(_diode_by_name)] = Field(
        default=None,
        description=(
            f"a preset ({', '.join(DIODES)}) or a table; left out: HSMS-2850, which needs no "
            "forward bias, for the divider, and 1N4148, which leaks little, for the precision one"
        ),
    )
    r_load: Ohm = Field(default=20e3, ge=1e-3, description="load of the divider R_load, Ω")
    r_positive: Ohm = Field(
        default=200.0, ge=1e-3, description="branch that conducts for a > 0, R_pos, Ω"
    )
    r_negative: Ohm = Field(
        default=180e3, ge=1e-3, description="branch that conducts for a < 0, R_neg, Ω"
    )
    r_rectifier: Ohm = Field(
        default=20e3, ge=1e-3, description="resistors of the precision rectifier, Ω"
    )

    @property
    def rectifier(self) -> DiodeParameters:
        """Both diodes."""
        if self.diode is not None:
            return self.diode
        return DIODES["HSMS-2850" if self.kind == "diode-divider" else "1N4148"]

    @property
    def positive_slope(self) -> float:
        """Slope for a > 0 with diodes that do not drop, 1."""
        return self.r_load / (self.r_load + self.r_positive)

    @property
    def negative_slope(self) -> float:
        """Slope for a < 0 with diodes that do not drop, 1."""
        return self.r_load / (self.r_load + self.r_negative)

    def ideal_transfer(self, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Straight-line leaky rectifier, V to V, any shape."""
        return np.where(a > 0, self.positive_slope, self.negative_slope) * a

    def divider_transfer(
        self, a: NDArray[np.float64], temperature: float = 27.0
    ) -> NDArray[np.float64]:
        """Static output of the two-diode divider with its real diodes.

        The root of Kirchhoff's current law at the load; each branch's current is the closed form
        of a diode in series with a resistor (Wright omega). Breakdown is left out.

        Args:
            a: pre-activation, V, any shape.
            temperature: °C; at 27 °C the SPICE parameters hold as printed.

        Returns:
            Voltage across the load, V, same shape.
        """
        if self.rectifier.ideal:
            return self.ideal_transfer(a)

        def surplus(y: float, source: float) -> float:
            forward = _branch_current(source - y, self.r_positive, self.rectifier, temperature)
            backward = _branch_current(y - source, self.r_negative, self.rectifier, temperature)
            return forward - backward - y / self.r_load

        def solve(source: float) -> float:
            low, high = min(0.0, source), max(0.0, source)
            if low == high:
                return 0.0
            bracket = (low, high)
            solution = root_scalar(surplus, (source,), bracket=bracket, xtol=1e-15, rtol=1e-14)
            return float(solution.root)

        flat = np.asarray(a, dtype=np.float64)
        return np.array([solve(float(v)) for v in flat.ravel()]).reshape(flat.shape)


def _branch_current(v: float, r: float, diode: DiodeParameters, temperature: float) -> float:
    """Current through a diode and a resistor in series, A."""
    resistance = r + diode.r_s
    thermal = diode.n * Boltzmann * (temperature + zero_Celsius) / elementary_charge
    drive = (v + resistance * diode.i_s) / thermal + np.log(resistance * diode.i_s / thermal)
    return float(thermal / resistance * wrightomega(drive).real - diode.i_s)
