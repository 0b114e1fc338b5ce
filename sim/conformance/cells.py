"""The suite's single cells: decks of one cell each, and their closed forms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuits import CircuitParameters
from circuits.activation import DIODES
from netlists import cells
from netlists.build import SolverSettings
from netlists.control import printed_name
from netlists.deck import Deck, OperatingPoints, Transient
from netlists.elements import Element, Instance, Pwl, Resistor, VoltageSource
from netlists.stimulus import EDGE

_STEP = (-1.0, 1.0)  # V
_LEAD = 1e-6  # s before the step
_AFTER = (0.1e-6, 0.3e-6, 1e-6, 2e-6, 5e-6)  # s after its beginning
_MAX_STEP = 50e-9
_SWEEP = (-1.5, -0.5, -0.05, 0.0, 0.05, 0.5, 1.5)  # V


@dataclass(frozen=True)
class CellCase:
    """A cell and what its deck is to print.

    Attributes:
        name: what the case stands for.
        deck: of the cell alone.
        expected: closed form, V by printed name; empty where there is none.
    """

    name: str
    deck: Deck
    expected: dict[str, float]


def _deck(
    circuit: CircuitParameters,
    elements: Sequence[Element],
    probe: str,
    analysis: Transient | OperatingPoints,
    reltol: float,
) -> Deck:
    model = cells.diode_model(circuit.activation.rectifier)
    supplies = (("dd", "V_DD"), ("ss", "V_SS"), ("b", "V_B"))
    return Deck(
        title=("danp-cosim: one cell",),
        parameters=cells.cell_parameters(circuit),
        models=(model,) if model else (),
        subcircuits=(
            cells.smtj_cell(unequal=False),
            cells.noise_string_cell(circuit.noise, unequal=False),
            cells.opamp_cell(circuit.opamp),
            cells.activation_cell(circuit),
        ),
        elements=(
            *elements,
            *(VoltageSource(name, f"v{name}", "0", value) for name, value in supplies),
        ),
        options=SolverSettings(reltol=reltol).options(circuit.temperature),
        probes=(probe,),
        currents=(),
        analysis=analysis,
    )


def _rectifier(circuit: CircuitParameters, reltol: float) -> CellCase:
    """Static transfer at ideal op-amps against the root of Kirchhoff's law."""
    activation = circuit.activation
    elements = (
        VoltageSource("in", "a", "0", 0.0),
        Instance("cell", ("a", "x", "vdd", "vss"), "activation"),
    )
    points = OperatingPoints(tuple((f"p{k}", (("in", v),)) for k, v in enumerate(_SWEEP)))
    outputs = activation.transfer(np.array(_SWEEP), circuit.temperature)
    return CellCase(
        f"{activation.kind}, {activation.rectifier.name}, {circuit.temperature:g} °C",
        _deck(circuit, elements, "x", points, reltol),
        {printed_name("x", f"p{k}"): float(v) for k, v in enumerate(outputs)},
    )


def _string(circuit: CircuitParameters, reltol: float) -> CellCase:
    """Divider voltage in every configuration of the junctions against its closed form."""
    string = circuit.noise_string()
    states = [f"s{k}" for k in range(1, circuit.noise.n_mtj + 1)]
    elements = (
        *(VoltageSource(s, s, "0", 0.0) for s in states),
        Instance("cell", ("z", *states, "vb"), "noise_string"),
        Resistor("z", "z", "0", "R_Z"),
    )
    points = tuple(
        (f"p{k}", tuple(zip(states, configuration.astype(float).tolist(), strict=True)))
        for k, configuration in enumerate(string.configurations)
    )
    return CellCase(
        f"string of {circuit.noise.n_mtj} junction(s), {circuit.noise.arrangement}",
        _deck(circuit, elements, "z", OperatingPoints(points), reltol),
        {printed_name("z", f"p{k}"): float(v) for k, v in enumerate(string.levels)},
    )


def _follower(circuit: CircuitParameters, reltol: float) -> CellCase:
    """Step response of a unity-gain buffer; of a single pole against its closed form."""
    low, high = _STEP
    instants = [_LEAD + after for after in _AFTER]
    stop = instants[-1]
    wave = Pwl(((0.0, low), (_LEAD, low), (_LEAD + EDGE, high), (stop, high)))
    strobe = Pwl(((0.0, 0.0), *((t, float(k % 2 == 0)) for k, t in enumerate(instants))))
    elements = (
        VoltageSource("in", "a", "0", low, wave),
        VoltageSource("strobe", "strobe", "0", 0.0, strobe),
        Instance("cell", ("a", "x", "x", "vdd", "vss"), "opamp"),
        Resistor("load", "x", "0", 20e3),
    )
    samples = tuple((f"p{k}", t) for k, t in enumerate(instants))
    expected: dict[str, float] = {}
    if circuit.opamp.level == "single-pole":
        gain = circuit.opamp.gain
        tau = gain / (1 + gain) / (2 * np.pi * circuit.opamp.gbw)
        # Of a ramp of length EDGE: the step's exponential, averaged over the ramp.
        left = tau / EDGE * np.expm1(EDGE / tau) * np.exp(-np.array(_AFTER) / tau)
        outputs = gain / (1 + gain) * (high - (high - low) * left)
        expected = {printed_name("x", f"p{k}"): float(v) for k, v in enumerate(outputs)}
    return CellCase(
        f"buffer, {circuit.opamp.level}, step of {high - low:g} V",
        _deck(circuit, elements, "x", Transient(stop, _MAX_STEP, samples), reltol),
        expected,
    )


def _circuit(**parts: dict[str, object]) -> CircuitParameters:
    return CircuitParameters.model_validate(parts)


def cell_cases(reltol: float) -> tuple[CellCase, ...]:
    """Every cell alone, at a relative tolerance."""
    ideal: dict[str, object] = {"level": "ideal"}
    rectifiers = [("diode-divider", diode) for diode in DIODES] + [("precision", "1N4148")]
    return (
        *(
            _rectifier(_circuit(opamp=ideal, activation={"kind": kind, "diode": diode}), reltol)
            for kind, diode in rectifiers
        ),
        _rectifier(CircuitParameters.model_validate({"opamp": ideal, "temperature": 85}), reltol),
        *(
            _string(_circuit(noise={"n_mtj": n, "arrangement": arrangement}), reltol)
            for n, arrangement in ((1, "series"), (3, "series"), (2, "parallel"))
        ),
        *(
            _follower(_circuit(opamp={"level": level}), reltol)
            for level in ("single-pole", "macro")
        ),
    )
