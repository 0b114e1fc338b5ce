"""Corners: ends of what a circuit meets in the field, and of what its parts may be."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuits import CircuitParameters
from circuits.mismatch import TYPICAL
from circuits.opamp import LACKING
from sim.characterize.corners import SUPPLIES, TEMPERATURES
from sim.config import RunConfig
from sim.errors import UserError
from sim.settings import changed

NOMINAL = "nominal"

GROUPS: Mapping[str, tuple[str, ...]] = {
    "temperature": ("cold", "hot"),
    "supply": ("low", "high"),
    "parts": ("slow", "fast"),
}
"""Built-in corners by what they are about; `nominal` is always beside them."""

_COLD, _HOT = TEMPERATURES[:2]  # the industrial range; cells are characterised there too
_LOW, _, _HIGH = SUPPLIES
_SIGMAS = 3.0  # of `TYPICAL`, for slow and fast parts: what 99.7 % of them are within

_RESISTORS = (
    ("synapse", ("r_feedback", "r_min", "r_max")),
    ("activation", ("r_load", "r_positive", "r_negative", "r_rectifier")),
    ("noise", ("r_series", "r_inject")),
)


@dataclass(frozen=True)
class Corner:
    """What a corner changes of a configuration.

    Attributes:
        name: of the corner.
        values: settings by path.
        direction: of parts: −1 slow, +1 fast, 0 as configured.
        supply: factor on both supplies.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    direction: int = 0
    supply: float = 1.0

    def apply(self, config: RunConfig) -> RunConfig:
        """The configuration at this corner; parts and supplies relative to what it has.

        Raises:
            UserError: the circuit is not possible there.
        """
        settings = dict(self.values)
        circuit = config.circuit
        if self.supply != 1:
            settings["circuit.v_dd"] = circuit.v_dd * self.supply
            settings["circuit.v_ss"] = circuit.v_ss * self.supply
        if self.direction:
            settings |= _parts(circuit, self.direction)
        names = {path: f"corner {self.name}: {path}" for path in settings}
        return changed(config, settings, names) if settings else config

    def describe(self, config: RunConfig) -> str:
        """What it changes of a configuration, in one line."""
        settings = dict(self.values)
        if self.supply != 1:
            settings["supplies"] = f"×{self.supply:g}"
        if self.direction:
            word = "slow" if self.direction < 0 else "fast"
            return f"{word} parts, {_SIGMAS:g} standard deviations: {_told(config, self.direction)}"
        return ", ".join(f"{path} {value}" for path, value in settings.items()) or "as configured"


_BUILT_IN = {
    NOMINAL: Corner(NOMINAL),
    "cold": Corner("cold", {"circuit.temperature": _COLD}),
    "hot": Corner("hot", {"circuit.temperature": _HOT}),
    "low": Corner("low", supply=_LOW),
    "high": Corner("high", supply=_HIGH),
    "slow": Corner("slow", direction=-1),
    "fast": Corner("fast", direction=1),
}


def built_in(names: Sequence[str], where: str) -> tuple[Corner, ...]:
    """Built-in corners by their names or their groups', `nominal` first.

    Raises:
        UserError: there is none of such a name.
    """
    taken = [NOMINAL]
    for name in names:
        if name not in GROUPS and name not in _BUILT_IN:
            known = ", ".join((*GROUPS, *_BUILT_IN))
            raise UserError(f"{where}: no corner {name!r}; there are {known}")
        taken += [one for one in GROUPS.get(name, (name,)) if one not in taken]
    return tuple(_BUILT_IN[name] for name in taken)


def _parts(circuit: CircuitParameters, direction: int) -> dict[str, Any]:
    """Parts of a chip that is slow (−1) or fast (+1) in all of them.

    Slow: op-amps of little bandwidth and slew rate, which both go with the current of their input
    stage; large resistors, which charge the same capacitances; diodes of small IS, which need more
    forward voltage; junctions of large resistance and barrier, which flip seldom, and little TMR,
    which makes little noise.
    """
    factors = _factors(direction)
    found: dict[str, Any] = {}
    for figure in ("gbw", "slew_rate"):
        if figure not in LACKING[circuit.opamp.level]:
            value = getattr(circuit.opamp, figure) * factors["op-amps"]
            found[f"circuit.opamp.{figure}"] = value
    for section, names in _RESISTORS:
        for name in names:
            value = getattr(getattr(circuit, section), name) * factors["resistors"]
            found[f"circuit.{section}.{name}"] = value
    for path, value in _written_to(circuit).items():
        found[path] = value * factors["resistors"]
    diode = circuit.activation.rectifier
    if not diode.ideal and diode.model is None:
        changed_diode = diode.model_dump(exclude_none=True) | {"i_s": diode.i_s * factors["IS"]}
        found["circuit.activation.diode"] = changed_diode
    if circuit.noise.source == "string":
        smtj = circuit.smtj
        found["circuit.smtj.resistance_area"] = smtj.resistance_area * factors["R_P"]
        found["circuit.smtj.tmr"] = smtj.tmr * factors["TMR"]
        for name in ("barrier_p", "barrier_ap"):
            found[f"circuit.smtj.{name}"] = getattr(smtj, name) * factors["barriers"]
    return found


def _written_to(circuit: CircuitParameters) -> dict[str, float]:
    """Resistances of the devices behind the weights; an E-series has its values and no others."""
    devices, where = circuit.write_back, "circuit.write_back"
    match devices.device:
        case "digipot":
            found = {f"{where}.digipot.r_ab": devices.digipot.r_ab}
            fixed = devices.digipot.r_fixed  # left out it is as synapse.r_min, a part like others
            return found if fixed is None else found | {f"{where}.digipot.r_fixed": fixed}
        case "rram-weak-reset":
            return {f"{where}.rram.r_refresh": devices.rram.r_refresh}
        case _:
            return {}


def _factors(direction: int) -> dict[str, float]:
    def spread(name: str) -> float:
        return direction * _SIGMAS * TYPICAL[name]

    resistors = math.hypot(
        spread("circuit.mismatch.resistor_tolerance"),
        spread("circuit.mismatch.resistor_tracking"),
    )
    return {
        "op-amps": 1 + spread("circuit.mismatch.gbw"),
        "resistors": 1 - direction * resistors,
        "IS": math.exp(spread("circuit.mismatch.diode_is")),
        "R_P": 1 - spread("circuit.smtj.spread_resistance"),
        "TMR": 1 + spread("circuit.smtj.spread_tmr"),
        "barriers": 1 - spread("circuit.smtj.spread_barrier"),
    }


def _told(config: RunConfig, direction: int) -> str:
    changes = _parts(config.circuit, direction)
    concerned = {
        "op-amps": "circuit.opamp.gbw",
        "resistors": "circuit.synapse.r_feedback",
        "IS": "circuit.activation.diode",
        "R_P": "circuit.smtj.resistance_area",
        "TMR": "circuit.smtj.tmr",
        "barriers": "circuit.smtj.barrier_p",
    }
    factors = _factors(direction)
    return ", ".join(
        f"{name} ×{factors[name]:.3g}" for name, path in concerned.items() if path in changes
    )
