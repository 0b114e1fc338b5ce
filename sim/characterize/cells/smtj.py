"""Magnetic tunnel junction, and the string of them that makes a node's noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, NoiseString
from circuits.smtj import AP, P
from netlists import cells
from netlists.elements import Instance, Resistor, VoltageSource
from sim.characterize.analysis import crossing
from sim.characterize.bench import Bench
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.errors import UserError

Array = NDArray[np.float64]

_NEAR_ZERO = 1e-3  # V; TMR at zero bias is stated here
_POINTS = 400  # of the resistance over bias
_EXACT = 1e-4  # of a closed form that has no approximation in it
_BY_LAW = "closed form"


def measure(conditions: Conditions) -> Measurement:
    """A junction on a source, and the string under its divider, loaded by R_z into a ground.

    Closed forms: `R_P (1 + s·TMR/(1 + (V/V_h)²))` (`circuits.smtj`), and Kirchhoff's laws at the
    divider (`circuits.string`). Dwell times and occupancy are these modules' laws alone: a deck's
    junction is told its state. A spread of devices is left out: this is the mean junction.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: the noise does not come from junctions.
    """
    missing = absent(conditions.circuit)
    if missing:
        raise UserError(f"cell smtj: {missing}")
    string = conditions.circuit.noise_string()
    divider = _Divider(conditions, string)
    junction, drawn = _junction(conditions, divider.bias(P), divider.bias(AP))
    return Measurement((*junction, *divider.figures(), *_dwells(string)), (drawn, divider.curve()))


def absent(circuit: CircuitParameters) -> str:
    """Why there is no such cell; nothing where there is one."""
    source = circuit.noise.source
    if source == "string":
        return ""
    return f"source {source} has no junctions; take --set circuit.noise.source=string"


def _junction(conditions: Conditions, bias_p: float, bias_ap: float) -> tuple[list[Figure], Curve]:
    device = conditions.circuit.smtj
    bench = Bench(
        circuit=conditions.circuit,
        solver=conditions.solver,
        cells=(cells.smtj_cell(unequal=False),),
        elements=(VoltageSource("s", "s", "0", 0.0), Instance("j", ("vb", "0", "s"), "smtj")),
        probes=("vb",),
        title="junction",
    )

    def resistance(state: int, bias: float) -> float:
        found = bench.operating_point({"s": state, "b": bias})
        return found["vb"] / found["i(b)"]

    figures: list[Figure] = []
    for state, name, at in ((P, "parallel", bias_p), (AP, "antiparallel", bias_ap)):
        for key, bias in (("zero", _NEAR_ZERO), ("bias", at)):
            figures.append(
                Figure(
                    f"r_{name}_{key}",
                    f"resistance, {name}",
                    "Ω",
                    resistance(state, bias),
                    f"at {1e3 * bias:.4g} mV",
                    device.resistance(state, bias),
                    rtol=_EXACT,
                )
            )
    for key, bias in (("zero", _NEAR_ZERO), ("bias", bias_ap)):
        figures.append(
            Figure(
                f"tmr_{key}",
                "tunnel magnetoresistance",
                "%",
                100 * (resistance(AP, bias) / resistance(P, bias) - 1),
                f"at {1e3 * bias:.4g} mV",
                100 * device.tmr / (1 + (bias / device.v_half) ** 2),
                rtol=_EXACT,
            )
        )
    # Even steps that leave out zero, where no current flows.
    bias = np.linspace(-2.0, 2.0, _POINTS) * device.v_half
    curves: dict[str, Array] = {}
    for state, name in ((P, "parallel"), (AP, "antiparallel")):
        found = bench.sweep("b", bias, {"s": state})
        curves[name] = found["vb"] / found["i(b)"]
    ratio = curves["antiparallel"] / curves["parallel"] - 1
    upper = bias > 0
    figures.append(
        Figure(
            "half_bias",
            "bias at which TMR has halved",
            "V",
            crossing(bias[upper], ratio[upper], ratio[upper][0] / 2),
            "",
            device.v_half,
            rtol=1e-3,
        )
    )
    return figures, Curve("resistance", "resistance over bias", "bias", "V", "Ω", bias, curves)


@dataclass(frozen=True)
class _Divider:
    conditions: Conditions
    string: NoiseString

    @property
    def bench(self) -> Bench:
        """The string in its divider; R_z leads to a ground in the summing node's place."""
        circuit = self.conditions.circuit
        states = tuple(f"s{k}" for k in range(1, circuit.noise.n_mtj + 1))
        return Bench(
            circuit=circuit,
            solver=self.conditions.solver,
            cells=(
                cells.smtj_cell(unequal=False),
                cells.noise_string_cell(circuit.noise, unequal=False),
            ),
            elements=(
                *(VoltageSource(name, name, "0", 0.0) for name in states),
                cells.noise_string("noise", "z", states, self.string, unequal=False),
                Resistor("z", "z", "0", "R_Z"),
            ),
            probes=("z",),
            title=f"string of {len(states)} in {circuit.noise.arrangement}",
        )

    def bias(self, state: int) -> float:
        """Of each junction where all are in one state, by the closed form, V."""
        level = float(self.string.levels[-1 if state == AP else 0])
        noise = self.conditions.circuit.noise
        return level / noise.n_mtj if noise.arrangement == "series" else level

    def at(self, antiparallel: int) -> tuple[float, float]:
        """V_z in V and the supply current in A with some junctions in AP."""
        n = self.conditions.circuit.noise.n_mtj
        found = self.bench.operating_point(
            {f"s{k}": float(k <= antiparallel) for k in range(1, n + 1)}
        )
        return found["z"], found["i(b)"]

    def figures(self) -> list[Figure]:
        """Levels, their distance, supply current and power."""
        noise, levels = self.conditions.circuit.noise, self.string.levels
        found: list[Figure] = []
        ends: list[float] = []
        n = noise.n_mtj
        for key, name, count in (("parallel", "parallel", 0), ("antiparallel", "antiparallel", n)):
            voltage, current = self.at(count)
            ends.append(voltage)
            expected = float(levels[count])
            drawn = (noise.v_bias - expected) / noise.r_series
            under = f"all {name}" if n > 1 else name
            found += [
                Figure(
                    f"level_{key}", "divider voltage", "V", voltage, under, expected, rtol=_EXACT
                ),
                Figure(
                    f"supply_current_{key}",
                    "supply current from V_B",
                    "A",
                    current,
                    under,
                    drawn,
                    rtol=_EXACT,
                ),
                Figure(
                    f"power_{key}",
                    "power from V_B",
                    "W",
                    current * noise.v_bias,
                    under,
                    drawn * noise.v_bias,
                    rtol=_EXACT,
                ),
            ]
        swing = float(levels[n] - levels[0])
        under = f"{n} in {noise.arrangement}, from all parallel to all antiparallel"
        found.append(
            Figure(
                "level_swing",
                "divider voltage, swing",
                "V",
                ends[1] - ends[0],
                under if n > 1 else "from parallel to antiparallel",
                swing,
                rtol=1e-3,
            )
        )
        return found

    def curve(self) -> Curve:
        """Divider voltage over the number of junctions in AP."""
        n = self.conditions.circuit.noise.n_mtj
        counts = np.arange(n + 1)
        voltages = np.array([self.at(int(k))[0] for k in counts])
        name = "junctions in antiparallel"
        return Curve(
            "levels", "divider voltage", name, "1", "V", counts.astype(float), {"V_z": voltages}
        )


def _dwells(string: NoiseString) -> list[Figure]:
    tau_p, tau_ap = string.dwell_times[0].tolist()
    return [
        Figure("dwell_parallel", "mean dwell, parallel", "s", tau_p, engine=_BY_LAW),
        Figure("dwell_antiparallel", "mean dwell, antiparallel", "s", tau_ap, engine=_BY_LAW),
        Figure(
            "occupancy",
            "occupancy of antiparallel",
            "1",
            float(string.occupancies[0]),
            engine=_BY_LAW,
        ),
    ]
