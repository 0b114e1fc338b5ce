"""What keeps a circuit from its mathematics, one mechanism after the other.

The order is causal: a cause stands before what shows it. Weight resistors come first: those that
are not what was asked of their devices, their own tolerance included, then what their range does,
since what leaks through R_max can drive amplifiers to their rails. Other resistors, and diodes,
that are off their nominal values come next, as they set what amplifiers amplify. Output resistance
comes before the rails, as a loaded output stops short of them. Rails come before diodes: a diode's
drop makes an amplifier reach further, but wide rails alone mend what that does. Bandwidth and slew
rate come before the flips, which only an amplifier that takes time feels. What a junction loses at
bias is known to the mathematics, and the solver makes up what is left.

Each mechanism takes its cause away everywhere, in op-amps that differ from the rest too, and leaves
all else as it is. How far "away" goes is set by what a simulator still solves well:

* gain 160 dB: at more, the sixteenth digit of an input voltage shows in the output;
* output resistance 10 mΩ;
* supplies 40 times as wide;
* GBW 10 GHz with its second pole as far up, slew rate 1 V/ps: gone within a flip's edge;
* reltol a hundredth, 1e-9 at least, and trtol 1 at most.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from circuits.activation import DIODES
from netlists.build import SolverSettings
from sim.attribute.variant import Case, Variant

_R_MIN = 1e-3  # Ω
_GAIN = 160.0  # dB
_R_OUT = 10e-3  # Ω
_SUPPLIES = 40.0
_GBW = 10e9  # Hz
_SLEW_RATE = 1e12  # V/s
_V_HALF = 1e6  # V
_FINEST, _TIGHTER, _TRTOL = 1e-9, 100.0, 1.0


@dataclass(frozen=True)
class Mechanism:
    """One reason why a circuit is not its mathematics.

    Attributes:
        key: short name, for files.
        title: for people.
        ideal: the same without it.
        missing: why a circuit does not have it, in words; None where it has.
    """

    key: str
    title: str
    ideal: Callable[[Variant], Variant]
    missing: Callable[[Case], str | None]


def _as_asked(case: Case) -> str | None:
    pairs = zip(case.real.pairs, case.real.as_asked, strict=True)
    same = all(
        np.array_equal(held.plus, asked.plus) and np.array_equal(held.minus, asked.minus)
        for held, asked in pairs
    )
    return "every weight resistor is what was asked for, within R_min and R_max" if same else None


def _no_limits(case: Case) -> str | None:
    fits = math.isinf(case.circuit.synapse.r_max) and not case.clipped
    return "r_max is inf, and no weight is clipped" if fits else None


def _high_gain(variant: Variant) -> Variant:
    return variant.with_opamps(open_loop_gain=max(_GAIN, variant.circuit.opamp.open_loop_gain))


def _ideal_level(case: Case) -> str | None:
    return "op-amps of level ideal" if case.circuit.opamp.level == "ideal" else None


def _not_modelled(case: Case) -> str | None:
    level = case.circuit.opamp.level
    return None if level == "macro" else f"op-amps of level {level} have none"


def _no_offset(case: Case) -> str | None:
    exceptions = case.circuit.exceptions.values()
    offsets = (case.circuit.opamp.v_offset, *(exception.v_offset for exception in exceptions))
    return _not_modelled(case) or (None if any(offsets) else "every offset is 0 V")


def _wide_rails(variant: Variant) -> Variant:
    circuit = variant.circuit
    return variant.with_circuit(v_dd=_SUPPLIES * circuit.v_dd, v_ss=_SUPPLIES * circuit.v_ss)


def _ideal_diodes(variant: Variant) -> Variant:
    activation = variant.circuit.activation
    return variant.with_circuit(activation=activation.model_copy(update={"diode": DIODES["ideal"]}))


def _no_diodes(case: Case) -> str | None:
    if not case.hidden:
        return "no hidden neurons, so no rectifiers"
    if case.calibrated:
        return "the calibrated twin has the rectifier's curve"
    return "the diodes are ideal" if case.circuit.activation.rectifier.ideal else None


def _at_rest(case: Case) -> str | None:
    if case.clock.fidelity == "op":
        return "fidelity op: operating points take no time"
    return None if case.clock.fidelity == "full" else _without_jumps(case)


def _without_jumps(case: Case) -> str | None:
    if case.clock.fidelity == "op":
        return "fidelity op: operating points take no time"
    if case.real.passes.count_jumps():
        return None
    return "the noise is held off" if case.held_off else "no flip or jump falls into these passes"


def _no_bias_dependence(case: Case) -> str | None:
    source = case.circuit.noise.source
    if source != "string":
        return f"source {source} has no junctions"
    return "the noise is held off" if case.held_off else None


def _solved_better(variant: Variant) -> Variant:
    solver = variant.solver
    reltol = max(solver.reltol / _TIGHTER, _FINEST)
    return replace(variant, solver=SolverSettings(reltol, min(solver.trtol, _TRTOL)))


MECHANISMS = (
    Mechanism("write-back", "write-back errors", lambda v: replace(v, pairs=v.as_asked), _as_asked),
    Mechanism(
        "resistors",
        "R_max leakage and clipping",
        lambda v: v.with_range(_R_MIN, math.inf),
        _no_limits,
    ),
    Mechanism(
        "tolerance",
        "resistors and diodes off nominal",
        Variant.with_nominal_parts,
        lambda case: None if case.differing("ratio") else "every resistor and diode is nominal",
    ),
    Mechanism("gain", "finite gain", _high_gain, _ideal_level),
    Mechanism("offset", "input offset", lambda v: v.with_opamps(v_offset=0.0), _no_offset),
    Mechanism(
        "loading",
        "output loading",
        lambda v: v.with_circuit(opamp=v.circuit.opamp.model_copy(update={"r_out": _R_OUT})),
        _not_modelled,
    ),
    Mechanism("rails", "rails", _wide_rails, _not_modelled),
    Mechanism("diode", "diode knee and drop", _ideal_diodes, _no_diodes),
    Mechanism(
        "bandwidth",
        "bandwidth and settling",
        lambda v: v.with_opamps(gbw=max(_GBW, v.circuit.opamp.gbw)),
        lambda case: _ideal_level(case) or _at_rest(case),
    ),
    Mechanism(
        "slew",
        "slew rate",
        lambda v: v.with_opamps(slew_rate=max(_SLEW_RATE, v.circuit.opamp.slew_rate)),
        lambda case: _not_modelled(case) or _at_rest(case),
    ),
    Mechanism(
        "flips",
        "flips inside the aperture",
        lambda v: replace(v, passes=v.passes.still()),
        _without_jumps,
    ),
    Mechanism(
        "tmr",
        "TMR's dependence on bias",
        lambda v: v.with_half_bias(_V_HALF),
        _no_bias_dependence,
    ),
    Mechanism("solver", "solver tolerance", _solved_better, lambda _: None),
)
"""In causal order."""
