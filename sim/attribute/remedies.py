"""What would make a mechanism smaller, in words."""

from collections.abc import Callable, Mapping, Sequence

from circuits.quantities import format_quantity
from sim.attribute.variant import Case

_NAMED = 6  # parts in a sentence, at most


def _write_back(case: Case) -> str:
    write_back, mismatch = case.circuit.write_back, case.circuit.mismatch
    parts = []
    if write_back.device != "ideal":
        parts.append(f"take devices that hold weights closer than {write_back.device} does")
    if write_back.read_noise:
        parts.append("take devices of less circuit.write_back.read_noise")
    if write_back.drift:
        parts.append("write again sooner, or take devices of less circuit.write_back.drift")
    if mismatch.resistor_tolerance or mismatch.resistor_tracking:
        parts.append(
            "take weight resistors of less circuit.mismatch.resistor_tolerance and tracking"
        )
    return ", and ".join(parts)


def _resistors(case: Case) -> str:
    synapse = case.circuit.synapse
    parts = []
    if case.clipped:
        parts.append(
            f"take a smaller circuit.synapse.r_min (now {_ohms(synapse.r_min)}, "
            f"{case.clipped} weights clipped) or smaller weights"
        )
    if synapse.r_max != float("inf"):
        parts.append(f"take a larger circuit.synapse.r_max (now {_ohms(synapse.r_max)})")
    return ", and ".join(parts)


def _ohms(value: float) -> str:
    return format_quantity(value, "Ω")


def _tolerance(case: Case) -> str:
    return f"take parts of less tolerance{_which(case, 'ratio')}"


def _gain(case: Case) -> str:
    which = _which(case, "open_loop_gain")
    return f"take op-amps with more circuit.opamp.open_loop_gain{which}, or smaller weights"


def _offset(case: Case) -> str:
    named = case.differing("v_offset")
    rest = case.circuit.opamp.v_offset
    each = [
        f"{name} ({format_quantity(case.circuit.exceptions[name].v_offset or 0.0, 'V')})"
        for name in named
    ]
    parts = each if len(each) <= _NAMED else [_listed(each)]
    if rest:
        parts.append(f"{'the other' if named else 'all'} op-amps ({format_quantity(rest, 'V')})")
    return f"trim the offset of {' and '.join(parts)}"


def _loading(case: Case) -> str:
    now = _ohms(case.circuit.opamp.r_out)
    return f"take op-amps with less circuit.opamp.r_out (now {now}), or larger resistors throughout"


def _rails(case: Case) -> str:
    circuit = case.circuit
    return (
        "keep weights and inputs smaller, or take a wider supply "
        f"(circuit.v_ss and v_dd, now {circuit.v_ss:g} and {circuit.v_dd:g} V)"
    )


def _diode(case: Case) -> str:
    activation = case.circuit.activation
    if activation.kind == "precision":
        return (
            f"take a diode that drops and leaks less than the {activation.rectifier.name} "
            "(circuit.activation.diode)"
        )
    return (
        "take --activation precision, or let the mathematics know the rectifier "
        "(--activation-curve)"
    )


def _bandwidth(case: Case) -> str:
    now = format_quantity(case.circuit.opamp.gbw, "Hz")
    which = _which(case, "gbw")
    return f"take op-amps with more circuit.opamp.gbw (now {now}{which}), {_more_time(case)}"


def _slew(case: Case) -> str:
    now = format_quantity(case.circuit.opamp.slew_rate, "V/s")
    which = _which(case, "slew_rate")
    return f"take op-amps with more circuit.opamp.slew_rate (now {now}{which}), {_more_time(case)}"


def _flips(case: Case) -> str:
    return f"take faster op-amps (circuit.opamp.gbw), {_more_time(case)}"


def _more_time(case: Case) -> str:
    slower = "or noise that jumps less often"
    if case.circuit.noise.source == "string":
        slower = "or junctions that flip less often (circuit.smtj.barrier_p and barrier_ap)"
    if case.clock.fidelity == "full":
        return f"a longer --t-pass (now {format_quantity(case.clock.t_pass, 's')}), {slower}"
    return slower


def _which(case: Case, figure: str) -> str:
    named = case.differing(figure)
    return f"; {_listed(named)} differ" if named else ""


def _listed(names: Sequence[str]) -> str:
    more = f", … {names[-1]}" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _tmr(_: Case) -> str:
    return "bias the junctions less (circuit.noise.v_bias)"


def _solver(case: Case) -> str:
    return f"set simulation.reltol below {case.real.solver.reltol:g}"


REMEDIES: Mapping[str, Callable[[Case], str]] = {
    "write-back": _write_back,
    "resistors": _resistors,
    "tolerance": _tolerance,
    "gain": _gain,
    "offset": _offset,
    "loading": _loading,
    "rails": _rails,
    "diode": _diode,
    "bandwidth": _bandwidth,
    "slew": _slew,
    "flips": _flips,
    "tmr": _tmr,
    "solver": _solver,
}
"""By mechanism."""
