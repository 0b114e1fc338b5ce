"""The leaky rectifier: the paper's two-diode divider, or a precision rectifier."""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius
from scipy.optimize import root_scalar
from scipy.special import wrightomega

from circuits.errors import UserError
from circuits.model_file import ModelReference, is_reference
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

_NOMINAL = 27.0  # °C; SPICE's TNOM
_KINK = 1e-6  # V around 0 in which the side that an ideal diode is on is left to rounding
_NEARBY = 1e-5  # V; beside an operating point, small against N V_T
_GAP = 1.1150877  # eV, of silicon at 27 °C, as SPICE has it


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
    model: ModelReference | None = Field(
        default=None,
        description=(
            "FILE:NAME, a SPICE library and the diode's name in it, in place of the parameters "
            "here; closed forms then do not know it"
        ),
    )

    def saturation_current(self, temperature: float) -> float:
        """IS at a temperature in °C, A.

        SPICE's law, `IS (T/T0)^(XTI/N) exp((T/T0 − 1) EG/(N V_T))` with V_T = kT/q, where
        T0 = 27 °C is the temperature at which the parameters hold as printed (ngspice 39 manual,
        junction diodes, and its diotemp.c).
        """
        ratio = (temperature + zero_Celsius) / (_NOMINAL + zero_Celsius)
        barrier = (ratio - 1) * self.e_g / self.thermal_voltage(temperature)
        return self.i_s * ratio ** (self.x_ti / self.n) * math.exp(barrier)

    def junction_potential(self, temperature: float) -> float:
        """VJ at a temperature in °C, V.

        SPICE's law, `VJ T/T0 + φ(T)` with `φ = −2 V_T (1.5 ln(T/T0) + (q/2k)(E0/T0 − E(T)/T))`. It
        takes the band gap E of silicon, `1.16 − 7.02e-4 T²/(T + 1108)` eV, for every diode (ngspice
        39, diotemp.c); a Schottky diode of little VJ comes below zero when hot.
        """
        kelvin, nominal = temperature + zero_Celsius, _NOMINAL + zero_Celsius
        over_k = elementary_charge / Boltzmann
        gap = 1.16 - 7.02e-4 * kelvin**2 / (kelvin + 1108)
        bent = 1.5 * math.log(kelvin / nominal) + over_k / 2 * (_GAP / nominal - gap / kelvin)
        return self.v_j * kelvin / nominal - 2 * kelvin / over_k * bent

    def thermal_voltage(self, temperature: float) -> float:
        """N V_T at a temperature in °C, V."""
        return self.n * Boltzmann * (temperature + zero_Celsius) / elementary_charge


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
    if is_reference(value):
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", value.rpartition(":")[2]).strip("_-")
        return {"name": name or "diode", "model": value}
    if value not in DIODES:
        raise ValueError(
            f"unknown diode {value!r}, wanted one of {', '.join(DIODES)}, or FILE:NAME"
        )
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
            f"a preset ({', '.join(DIODES)}), FILE:NAME of a SPICE library, or a table; left out: "
            "HSMS-2850, which needs no forward bias, for the divider, and 1N4148, which leaks "
            "little, for the precision one"
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
        return DIODES["HSMS-2850" if self.passive else "1N4148"]

    @property
    def passive(self) -> bool:
        """Whether it is diodes and resistors into R_load behind a unity buffer, node `y`."""
        return self.kind != "precision"

    @property
    def amplifiers(self) -> tuple[str, ...]:
        """Names of the op-amps in the rectifier."""
        return ("buf",) if self.passive else ("rect", "sum")

    @property
    def resistors(self) -> tuple[str, ...]:
        """Names of the resistors in the rectifier, as `circuits.exceptions` has them."""
        if self.passive:
            return ("rload", "rpos", "rneg")
        return ("rin", "rfn", "rfp", "rsp", "rsn", "rfx")

    @property
    def diodes(self) -> tuple[str, ...]:
        """Names of the diodes in the rectifier: conducts for a > 0, for a < 0."""
        return ("dpos", "dneg")

    @property
    def positive_slope(self) -> float:
        """Slope for a > 0 with diodes that do not drop, 1."""
        return self.r_load / (self.r_load + self.r_positive)

    @property
    def negative_slope(self) -> float:
        """Slope for a < 0 with diodes that do not drop, 1."""
        return self.r_load / (self.r_load + self.r_negative)

    @property
    def heaviest_loads(self) -> tuple[float, float]:
        """What it is as a load for a > 0 and for a < 0 with diodes that do not drop, Ω."""
        if not self.passive:
            return self.r_rectifier, self.r_rectifier
        return self.r_load / self.positive_slope, self.r_load / self.negative_slope

    def ideal_transfer(self, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Straight-line leaky rectifier, V to V, any shape."""
        return np.where(a > 0, self.positive_slope, self.negative_slope) * a

    def transfer(self, a: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
        """Static output with its real diodes and with amplifiers that are ideal.

        The root of Kirchhoff's current law; each branch's current is the closed form of a diode
        in series with a resistor. Breakdown is left out.

        Args:
            a: pre-activation, V, any shape.
            temperature: °C.

        Returns:
            V, same shape.

        Raises:
            UserError: the diode is a model from a file, which closed forms do not know.
        """
        if self.kind == "diode-divider":
            return self.divider_transfer(a, temperature)
        return self.precision_transfer(a, temperature)

    def _require_parameters(self) -> None:
        diode = self.rectifier
        if diode.model is not None:
            raise UserError(
                f"circuit.activation.diode: {diode.name} is a model of {diode.model.file}, and no "
                "closed form knows it; give a diode's parameters, or measure it in ngspice"
            )

    def divider_transfer(
        self, a: NDArray[np.float64], temperature: float = _NOMINAL
    ) -> NDArray[np.float64]:
        """Voltage across the load of the two-diode divider; arguments and returns as `transfer`."""
        self._require_parameters()
        if self.rectifier.ideal:
            return self.ideal_transfer(a)

        def solve(source: float) -> float:
            def surplus(y: float) -> float:
                forward = _branch_current(source - y, self.r_positive, self.rectifier, temperature)
                backward = _branch_current(y - source, self.r_negative, self.rectifier, temperature)
                return forward - backward - y / self.r_load

            return _root(surplus, min(0.0, source), max(0.0, source))

        return _each(solve, a)

    def input_resistances(self, a: float, temperature: float) -> tuple[float, float]:
        """Between what it is as a load, to small signals around an operating point.

        A passive one takes the current of its load, `f(a)/R_load`. With real diodes that is one
        resistance; around 0 V it is R_load behind all branches side by side, in each of them the
        diode's `N V_T/I_S` and R_S. With ideal diodes it has a kink at 0 V, on the two sides of
        which it is R_load over one slope or the other. The precision rectifier leads into a
        virtual ground through R_rect at low frequency; where its amplifier has little gain left
        for diodes that hardly conduct, it is less of a load, down to none.

        Args:
            a: pre-activation, V; within 1 µV of 0 ideal diodes are at their kink.
            temperature: °C.

        Returns:
            The lowest and the highest, Ω.
        """
        if not self.passive:
            return self.r_rectifier, math.inf
        self._require_parameters()
        if self.rectifier.ideal:
            forward, backward = self.heaviest_loads
            if abs(a) <= _KINK:
                return min(forward, backward), max(forward, backward)
            return (forward, forward) if a > 0 else (backward, backward)
        nearby = np.array([a - _NEARBY, a + _NEARBY])
        low, high = self.transfer(nearby, temperature).tolist()
        resistance = self.r_load * 2 * _NEARBY / (high - low)
        return resistance, resistance

    def precision_transfer(
        self, a: NDArray[np.float64], temperature: float = _NOMINAL
    ) -> NDArray[np.float64]:
        """Output of the precision rectifier; arguments and returns as `transfer`.

        Its unknown is the rectifying amplifier's output o. Toward both virtual grounds each half
        rests on `R_rect/(1 + slope)`; the halves' currents add up to the input's, `a/R_rect`.
        """
        self._require_parameters()
        if self.rectifier.ideal:
            return self.ideal_transfer(a)
        r_positive = self.r_rectifier / (1 + self.positive_slope)
        r_negative = self.r_rectifier / (1 + self.negative_slope)

        def halves(o: float) -> tuple[float, float]:
            positive = -r_positive * _branch_current(-o, r_positive, self.rectifier, temperature)
            return positive, r_negative * _branch_current(
                o, r_negative, self.rectifier, temperature
            )

        def solve(source: float) -> float:
            def surplus(o: float) -> float:
                return source + sum(halves(o))

            reach = 1.0 + 2 * abs(source)
            while surplus(-reach) * surplus(reach) > 0:
                reach *= 2
            positive, negative = halves(_root(surplus, -reach, reach))
            return -self.positive_slope * positive - self.negative_slope * negative

        return _each(solve, a)


def _each(solve: Callable[[float], float], a: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = np.asarray(a, dtype=np.float64)
    return np.array([solve(float(v)) for v in flat.ravel()]).reshape(flat.shape)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    if low == high:
        return low
    return float(root_scalar(function, bracket=(low, high), xtol=1e-15, rtol=1e-14).root)


def _branch_current(v: float, r: float, diode: DiodeParameters, temperature: float) -> float:
    """Current through a diode and a resistor in series, A.

    Shockley's equation with a resistor is solved by Wright's ω. Further backward than 3 N V_T
    SPICE takes `−IS (1 − (3 N V_T/(e u))³)` at a voltage −u (ngspice 39 manual, junction diodes).
    """
    resistance = r + diode.r_s
    thermal, i_s = diode.thermal_voltage(temperature), diode.saturation_current(temperature)
    bend = 3 * thermal
    if v < -bend - resistance * i_s * (1 - math.exp(-3)):
        u = bend
        for _ in range(100):
            left = (bend / math.e / u) ** 3
            # Convex and falling in u, so that Newton's method climbs to the root from below.
            step = (-v - u - resistance * i_s * (1 - left)) / (1 + 3 * resistance * i_s * left / u)
            u += step
            if step <= 1e-15 * u:
                break
        return (v + u) / resistance
    drive = (v + resistance * i_s) / thermal + math.log(resistance * i_s / thermal)
    return float(thermal / resistance * wrightomega(drive).real - i_s)
