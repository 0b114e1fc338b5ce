"""What `cell.json` holds, measured in ngspice at the configured temperature and supplies.

The curve of the rectifier comes from `sim.activation_curve`, the rest from benches of this package.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from circuits import CircuitParameters, NoiseString
from circuits.exceptions import PartException
from netlists import cells
from netlists.elements import Instance, VoltageSource
from sim import activation_curve
from sim.activation_curve import ActivationCurve
from sim.characterize.bench import Bench
from sim.characterize.cell_file import (
    CellFile,
    Noise,
    Offsets,
    Outputs,
    Rectifier,
    Resistors,
    Summing,
    SumPoint,
)
from sim.characterize.neuron import Neuron
from sim.characterize.sheet import Conditions
from sim.characterize.summing_pair import OVERDRIVE, RELTOL, SummingPair, injected_at
from sim.errors import UserError
from sim.libngspice import get_library

SUMS = ((1.0, 1.0), (16.0, 1.0), (1.0, 16.0), (64.0, 64.0), (512.0, 512.0))
"""R_f ΣG+ and R_f ΣG− at which gains are measured, the largest last."""

_AT_RAILS = (8.0, 8.0)  # R_f ΣG± there
_MILLIVOLT = 1e-3  # V; offset to both sides of the mean
_SIGNAL = 0.4  # of the nearer supply: pre-activation at which offsets in the rectifier are followed


def require_describable(circuit: CircuitParameters, spread: float) -> None:
    """Refuse what no one cell stands for.

    Args:
        circuit: to be characterised.
        spread: of the op-amps' offsets, V.

    Raises:
        UserError: op-amps without offsets are to have a spread.
    """
    if spread and circuit.opamp.level != "macro":
        raise UserError(
            f"--offset-spread: op-amps of level {circuit.opamp.level} have no offset; set "
            "circuit.opamp.level to macro, or leave it out"
        )


def undescribable(circuit: CircuitParameters) -> str:
    """Why one cell cannot stand for all; nothing where it can."""
    if circuit.exceptions:
        names = ", ".join(sorted(circuit.exceptions)[:3])
        return f"circuit.exceptions name single parts ({names}), and one cell stands for all"
    return ""


def measure_cell(
    conditions: Conditions,
    curve: ActivationCurve,
    versions: dict[str, str | None],
    *,
    spread: float = 0.0,
    steps: int | None = None,
) -> CellFile:
    """Measure the figures of one cell that stands for all.

    Args:
        conditions: the configured corner.
        curve: of the rectifier, as `sim.activation_curve.measure` found it there.
        versions: of everything that figures depend on.
        spread: standard deviation of the op-amps' input offsets, V; given.
        steps: conductances that a weight resistor can be set to; given, None for any.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: the supplies leave out one sign.
    """
    circuit = conditions.circuit
    engine = f"ngspice {get_library().version}"
    place = (
        f"{circuit.temperature:g} °C, supplies {circuit.v_ss:g} and {circuit.v_dd:g} V, "
        f"{circuit.opamp.part} op-amps ({circuit.opamp.level})"
    )
    activation = circuit.activation
    return CellFile(
        versions=versions,
        circuit=circuit,
        rectifier=Rectifier(
            engine=engine,
            conditions=f"{place}; DC sweep from limit to limit of the amplifier before",
            within_v=activation_curve.WITHIN,
            a_v=tuple(curve.a.tolist()),
            x_v=tuple(curve.x.tolist()),
            slope_positive=activation.positive_slope,
            slope_negative=activation.negative_slope,
        ),
        summing=_summing(conditions, engine, place),
        outputs=_outputs(conditions, engine, place),
        offsets=Offsets(
            engine=f"given; what follows the rectifier's: {engine}",
            conditions=f"{place}; a = ±{_signal(circuit):.3g} V",
            mean_v=_offset(circuit),
            spread_v=spread,
            followed=_followed(conditions),
        ),
        resistors=Resistors(
            engine="given",
            conditions="conductances even between both ends" if steps else "any conductance",
            r_feedback_ohm=circuit.synapse.r_feedback,
            r_min_ohm=circuit.synapse.r_min,
            r_max_ohm=circuit.synapse.r_max,
            steps=steps,
        ),
        noise=_noise(conditions, engine, place),
    )


def _summing(conditions: Conditions, engine: str, place: str) -> Summing:
    injected = injected_at(conditions)
    rows = [
        (pair, {name: pair.slope(name) for name in ("up", "un", "oa", "ob")})
        for pair in (SummingPair(conditions, sums, injected) for sums in SUMS)
    ]
    largest, found = rows[-1]
    k_second = -found["un"] / largest.weight
    k_first = found["up"] / largest.weight / k_second
    gains = tuple(
        n / (1 / k - 1) for n, k in zip(largest.noise_gains, (k_first, k_second), strict=True)
    )
    return Summing(
        engine=engine,
        conditions=f"{place}; small signals at rest",
        open_loop_gain_first=gains[0],
        open_loop_gain_second=gains[1],
        injected=injected,
        points=tuple(_point(pair, found, gains) for pair, found in rows),
    )


def _point(pair: SummingPair, found: dict[str, float], gains: tuple[float, ...]) -> SumPoint:
    plus, minus = pair.noise_gains
    one, two = 1 / (1 + plus / gains[0]), 1 / (1 + minus / gains[1])
    return SumPoint(
        sum_plus=pair.sums[0],
        sum_minus=pair.sums[1],
        gain_plus=found["up"] / pair.weight,
        gain_plus_closed=one * two,
        gain_minus=found["un"] / pair.weight,
        gain_minus_closed=-two,
        offset_first=found["oa"],
        offset_first_closed=-plus * one * two,
        offset_second=found["ob"],
        offset_second_closed=minus * two,
    )


def _outputs(conditions: Conditions, engine: str, place: str) -> Outputs:
    first = hidden = output = None
    if conditions.circuit.opamp.level == "macro":
        behind = SummingPair(conditions, _AT_RAILS, injected_at(conditions))
        first, hidden = behind.at_rails("up", "op"), behind.at_rails("un", "a")
        output = replace(behind, hidden=False).at_rails("un", "a")
    return Outputs(
        engine=engine,
        conditions=f"{place}; asked for {OVERDRIVE:g} times the supply",
        first_v=first,
        hidden_v=hidden,
        output_v=output,
    )


def _offset(circuit: CircuitParameters) -> float:
    return circuit.opamp.v_offset if circuit.opamp.level == "macro" else 0.0


def _signal(circuit: CircuitParameters) -> float:
    return _SIGNAL * min(circuit.v_dd, -circuit.v_ss)


def _followed(conditions: Conditions) -> dict[str, tuple[float, float]]:
    """By op-amp of the rectifier: its output over that op-amp's offset, a > 0 and a < 0, V/V."""
    circuit = conditions.circuit
    if circuit.opamp.level != "macro":
        return {}
    found = {}
    for name in circuit.activation.amplifiers:
        moved = [
            _outputs_with(conditions, name, _offset(circuit) + side * _MILLIVOLT)
            for side in (-1, 1)
        ]
        above, below = ((high - low) / (2 * _MILLIVOLT) for low, high in zip(*moved, strict=True))
        found[name] = (above, below)
    return found


def _outputs_with(conditions: Conditions, amplifier: str, offset: float) -> tuple[float, float]:
    """Outputs of a rectifier one of whose op-amps has another offset, a > 0 and a < 0, V."""
    name = f"n1_1_{amplifier}"
    circuit = conditions.circuit.model_copy(
        update={"exceptions": {name: PartException(v_offset=offset)}}
    )
    own = cells.own_cells_of(circuit, 1, 1)
    bench = Bench(
        circuit=circuit,
        solver=replace(conditions.solver, reltol=RELTOL),
        cells=(
            cells.opamp_cell(circuit.opamp),
            *cells.own_opamp_cells(circuit, own),
            cells.activation_cell(circuit, own),
        ),
        elements=(
            VoltageSource("a", "a", "0", 0.0),
            Instance("act", ("a", "x", "vdd", "vss"), own.activation()),
        ),
        probes=("x",),
        title="rectifier with an offset",
    )
    above, below = (bench.operating_point({"a": side * _signal(circuit)})["x"] for side in (1, -1))
    return above, below


def _noise(conditions: Conditions, engine: str, place: str) -> Noise:
    circuit = conditions.circuit
    neuron = Neuron(conditions, 0.0)
    rest = neuron.bench.operating_point(neuron.held)["a"]
    low, high = sorted(
        neuron.bench.operating_point(neuron.settings(control))["a"] - rest
        for control in neuron.controls_at_extremes
    )
    string = neuron.string
    found: dict[str, Any] = _of_string(string) if string else {"sigma_v": max(abs(low), abs(high))}
    return Noise(
        engine=f"closed form; lowest and highest: {engine}" if string else engine,
        conditions=f"{place}; all weights 0",
        source=circuit.noise.source,
        lowest_v=low,
        highest_v=high,
        **found,
    )


def _of_string(string: NoiseString) -> dict[str, Any]:
    levels = np.array(string.distinct_levels)
    nearest = np.abs(string.node_levels[:, None] - levels).argmin(1)
    shares = np.bincount(nearest, string.probabilities, len(levels))
    return {
        "sigma_v": string.sigma,
        "levels_v": tuple(levels.tolist()),
        "shares": tuple(shares.tolist()),
        "dwell_times_s": tuple(string.dwell_times[0].tolist()),
    }
