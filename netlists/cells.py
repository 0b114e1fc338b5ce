"""The cells: junction, string, op-amp, rectifier and perceptron as subcircuits.

Cells refer to the deck's parameters by name; `cell_parameters` gives these with their units.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from circuits import CircuitParameters, NoiseParameters, NoiseString, OpAmpParameters
from circuits.activation import DiodeParameters, Kind
from circuits.exceptions import OPAMP, PartException, parts_of
from netlists.elements import (
    BehaviouralCurrent,
    Capacitor,
    Controlled,
    CurrentSource,
    Diode,
    Element,
    ForeignCell,
    ForeignInstance,
    Instance,
    Model,
    Parameter,
    Resistor,
    Subcircuit,
    VoltageSource,
)
from netlists.models import diode_cells, opamp_cells, require_shielded

OPAMP_PORTS = ("inp", "inn", "out", "vdd", "vss")
"""By which an op-amp's cell is known, whatever its name and level."""

_GAIN_NODE_CAPACITANCE = 10e-12  # F; any value serves: the currents scale with it
_FAST = 10e6  # Hz; beyond it a smaller capacitor keeps the input stage weak against the clamp
_CLAMP = "10"  # S; holds a saturated stage within microvolts of the limit, at rest as in motion
_START = "1e-9"  # V; keeps the clamp shut at the all-zero first guess of Newton's method
_TWO_PI = 6.28318531
_DEVICE = "RP", "TMR"  # parameters of a junction's cell
_DIVIDER = "rs"  # the one part of a neuron that is in its noise string


@dataclass(frozen=True)
class Own:
    """Which cells a neuron has of its own, because parts in them differ from the rest.

    Attributes:
        neuron: its name in that of a part, `n1_2`.
        differing: its parts that differ, as in `b`, and how.
        rectifier: names of the parts that its rectifier may have.
    """

    neuron: str = ""
    differing: Mapping[str, PartException] = field(default_factory=dict)
    rectifier: frozenset[str] = frozenset()

    def opamp(self, amplifier: str) -> str:
        """Name of the cell of one of its op-amps."""
        return f"opamp_{self.neuron}_{amplifier}" if amplifier in self.differing else "opamp"

    def noise_string(self) -> str:
        """Name of the cell of its noise string."""
        return f"noise_string_{self.neuron}" if _DIVIDER in self.differing else "noise_string"

    def activation(self) -> str:
        """Name of the cell of its rectifier."""
        inside = self.differing.keys() & self.rectifier
        return f"activation_{self.neuron}" if inside else "activation"

    def perceptron(self, *, hidden: bool) -> str:
        """Name of the cell that it is."""
        shared = "hidden_perceptron" if hidden else "output_perceptron"
        return f"{shared}_{self.neuron}" if self.differing.keys() - {_DIVIDER} else shared

    def ratio(self, part: str) -> float:
        """R of one of its resistors, or IS of one of its diodes, over that of the rest."""
        return (part in self.differing and self.differing[part].ratio) or 1.0

    def ohms(self, resistor: str, rest: str) -> str:
        """Value of one of its resistors.

        Args:
            resistor: its name in that of a part, as in `rf1`.
            rest: value of the rest, an expression over the deck's parameters.
        """
        if resistor not in self.differing:
            return rest
        return f"{self.ratio(resistor):.9g}*{rest}"

    def diode_model(self, diode: str, rest: DiodeParameters) -> str:
        """Name of the model of one of its diodes."""
        own = f"_{self.neuron}_{diode}" if diode in self.differing else ""
        return f"{_model_name(rest)}{own}"


SHARED = Own()
"""The cells that neurons without exceptions share."""


def own_cells_of(circuit: CircuitParameters, layer: int, neuron: int) -> Own:
    """What a neuron has of its own, numbered from 1 as in the deck."""
    name = f"n{layer}_{neuron}"
    activation, noise = circuit.activation, circuit.noise
    whole = parts_of(activation, noise, hidden=True)
    differing = {
        part: circuit.exceptions[f"{name}_{part}"]
        for part in whole
        if f"{name}_{part}" in circuit.exceptions
    }
    rectifier = whole.keys() - parts_of(activation, noise, hidden=False).keys()
    return Own(name, differing, frozenset(rectifier))


def control_nodes(layer: int, neuron: int, noise: NoiseParameters) -> tuple[str, ...]:
    """Nodes that say what a neuron's noise does, numbered from 1 as in the deck.

    `s…`: the state of each junction of its string; `z…`: the voltage of another source.
    """
    if noise.source != "string":
        return (f"z{layer}_{neuron}",)
    if noise.n_mtj == 1:
        return (f"s{layer}_{neuron}",)
    return tuple(f"s{layer}_{neuron}_{k}" for k in range(1, noise.n_mtj + 1))


def smtj_cell(*, unequal: bool) -> Subcircuit:
    """One junction; the voltage at `s` is its state. With `unequal` instances set RP and TMR."""
    own = (("RP", "MTJ_RP"), ("TMR", "MTJ_TMR"))
    r_p, tmr = ("RP", "TMR") if unequal else ("MTJ_RP", "MTJ_TMR")
    return Subcircuit(
        "smtj",
        ("p", "q", "s"),
        (
            BehaviouralCurrent(
                "j",
                "p",
                "q",
                f"v(p,q)/({{{r_p}}}*(1+v(s)*{{{tmr}}}/(1+(v(p,q)/{{MTJ_VH}})^2)))",
            ),
        ),
        "stochastic magnetic tunnel junction from p to q; v(s) = 0: parallel, 1: antiparallel",
        own if unequal else (),
    )


def noise_string_cell(noise: NoiseParameters, *, unequal: bool, own: Own = SHARED) -> Subcircuit:
    """Divider and junctions from its node `z` to ground.

    Args:
        noise: how many and how arranged.
        unequal: let instances say each junction's RP<k> and TMR<k>.
        own: which parts differ from those of the other neurons.
    """
    n = noise.n_mtj
    states = tuple(f"s{k}" for k in range(1, n + 1))
    chain = ["z", *(f"n{k}" for k in range(1, n)), "0"]
    junctions = tuple(
        Instance(
            f"j{k}",
            (*(chain[k - 1 : k + 1] if noise.arrangement == "series" else ("z", "0")), f"s{k}"),
            "smtj",
            parameters=(("RP", f"RP{k}"), ("TMR", f"TMR{k}")) if unequal else (),
        )
        for k in range(1, n + 1)
    )
    devices = tuple((f"{name}{k}", f"MTJ_{name}") for k in range(1, n + 1) for name in _DEVICE)
    divider = own.ohms(_DIVIDER, "R_S")
    return Subcircuit(
        own.noise_string(),
        ("z", *states, "vb"),
        (Resistor("s", "vb", "z", divider, "noise divider"), *junctions),
        f"{n} junction(s) in {noise.arrangement} under the divider resistor",
        devices if unequal else (),
    )


def noise_string(
    name: str,
    z: str,
    states: Sequence[str],
    string: NoiseString,
    *,
    unequal: bool,
    own: Own = SHARED,
) -> Instance:
    """A string in place; with `unequal` each junction carries its own values."""
    devices = _devices(string) if unequal else ()
    return Instance(name, (z, *states, "vb"), own.noise_string(), parameters=devices)


def _devices(string: NoiseString) -> tuple[tuple[str, float], ...]:
    return tuple(
        (f"{name}{k}", value)
        for k, junction in enumerate(string.junctions, start=1)
        for name, value in zip(_DEVICE, (junction.resistance_p, junction.tmr), strict=True)
    )


def foreign_cells(circuit: CircuitParameters) -> tuple[ForeignCell, ...]:
    """Cells of the circuit's models from files."""
    found = (*opamp_cells(circuit.opamp), *diode_cells(circuit.activation.rectifier))
    if found:
        require_shielded(found, (parameter.name for parameter in cell_parameters(circuit)))
    return found


def opamp_cell(opamp: OpAmpParameters, *, stiff: bool = False) -> Subcircuit:
    """Op-amp with pins in+, in−, output, supplies, at the level asked for.

    Args:
        opamp: parameters.
        stiff: its supplies are V_DD and V_SS whatever happens, which saves the simulator following
            them.
    """
    match opamp.level:
        case "ideal":
            body: tuple[Element, ...] = (Controlled("E", "1", "out", "0", "inp", "inn", "OA_A0"),)
        case "single-pole":
            body = (
                Controlled("G", "1", "0", "g", "inp", "inn", "OA_GM"),
                Resistor("0", "g", "0", "OA_R0"),
                Capacitor("0", "g", "0", "OA_C"),
                Controlled("E", "1", "out", "0", "g", "0", 1.0),
            )
        case "macro":
            body = _macro(stiff=stiff)
        case "file":
            cell = opamp_cells(opamp)[0]
            body = (
                _placed(opamp, cell),
                Controlled("E", "apart", "g", "0", "inp", "inn", 1.0, "what its inputs are apart"),
                Resistor("apart", "g", "0", 1e3),
            )
            return Subcircuit("opamp", OPAMP_PORTS, body, cell.comment)
    return Subcircuit("opamp", OPAMP_PORTS, body, f"{opamp.part}, {opamp.level} model")


def _placed(opamp: OpAmpParameters, cell: ForeignCell) -> ForeignInstance:
    """A model from a file, its pins where `OpAmpParameters.pins` says."""
    nodes = tuple(
        {"gnd": "0", "nc": f"nc{k}"}.get(pin, pin) for k, pin in enumerate(opamp.pins.split(), 1)
    )
    # Of what is in it the output's current is known: it comes from the supplies, as a macromodel's.
    return ForeignInstance(
        "m", nodes, cell.name, (("out", "0"),), ("inp", "inn", "vdd", "vss"), "model from a file"
    )


def own_opamp_cells(
    circuit: CircuitParameters, own: Own, *, stiff: bool = False
) -> Iterator[Subcircuit]:
    """The op-amps of a neuron that differ: the shared cell, with what its own numbers come to."""
    shared, rest = opamp_cell(circuit.opamp, stiff=stiff), _numbers(circuit.opamp)
    kinds = parts_of(circuit.activation, circuit.noise, hidden=True)
    for amplifier, exception in sorted(own.differing.items()):
        if kinds[amplifier] != OPAMP:
            continue
        numbers = _numbers(exception.applied(circuit.opamp))
        yield Subcircuit(
            own.opamp(amplifier),
            shared.ports,
            shared.elements,
            f"{shared.comment}; {own.neuron}_{amplifier} differs in {exception.described()}",
            tuple((name, value) for name, value in numbers.items() if value != rest[name]),
        )


def _numbers(opamp: OpAmpParameters) -> dict[str, float]:
    """What an op-amp's cell refers to of what may differ, in numbers; see `_opamp_parameters`."""
    capacitance = _gain_node_capacitance(opamp)
    transconductance = _TWO_PI * opamp.gbw * capacitance
    pole = {"OA_C": capacitance, "OA_GM": transconductance, "OA_R0": opamp.gain / transconductance}
    if opamp.level == "single-pole":
        return pole
    return {
        **pole,
        "OA_IMAX": opamp.slew_rate * capacitance,
        "OA_F2": opamp.second_pole,
        "OA_VOS": opamp.v_offset,
    }


def _gain_node_capacitance(opamp: OpAmpParameters) -> float:
    return _GAIN_NODE_CAPACITANCE * min(1.0, _FAST / opamp.gbw)


def _macro(*, stiff: bool) -> tuple[Element, ...]:
    # ngspice 39 puts a sum in braces into an expression without brackets of its own.
    if stiff:
        high, low = "({V_DD-OA_HEADROOM})", "({V_SS+OA_HEADROOM})"
    else:
        near, far = "({OA_HEADROOM/(V_DD-V_SS)})", "({1-OA_HEADROOM/(V_DD-V_SS)})"
        high, low = f"{far}*v(vdd)+{near}*v(vss)", f"{near}*v(vdd)+{far}*v(vss)"
    below, above = f"uramp({low}-v(g)-{_START})", f"uramp(v(g)-({high})-{_START})"
    # At rest the input stage works in its linear range, so that leaving the slew limit out of an
    # operating point changes nothing but this: Newton's method, which from a cold start loses
    # itself in a saturating stage, gets there. The limit, u/sqrt(1+u^2), is written as
    # sin(atan(u)), whose derivative costs the simulator less.
    linear = "{OA_GM}*v(ip,inn)"
    slewing = "{OA_IMAX}*sin(atan({OA_GM/OA_IMAX}*v(ip,inn)))"
    return (
        VoltageSource("os", "ip", "inp", "OA_VOS", comment="input offset"),
        BehaviouralCurrent(
            "in",
            "0",
            "g",
            f"(time > 0 ? {slewing} : {linear})",
            comment="input stage: gain, slew",
        ),
        BehaviouralCurrent(
            "clamp", "0", "g", f"{_CLAMP}*({below}-{above})", comment="kept within the rails"
        ),
        Resistor("0", "g", "0", "OA_R0", "DC gain"),
        Capacitor("0", "g", "0", "OA_C", "first pole"),
        Controlled("G", "2", "0", "p", "g", "0", 1e-3),
        Resistor("2", "p", "0", 1e3),
        Capacitor("2", "p", "0", "1e-3/(6.28318531*OA_F2)", "second pole"),
        Controlled("G", "out", "vss", "out", "p", "out", "1/OA_ROUT"),
        BehaviouralCurrent(
            "supply",
            "vdd",
            "vss",
            "uramp(v(p,out))/{OA_ROUT}",
            comment="what the output sources comes from vdd, what it sinks goes to vss",
        ),
        CurrentSource("q", "vdd", "vss", "OA_IQ", "quiescent current"),
    )


def diode_model(diode: DiodeParameters) -> Model | None:
    """The `.model` card, or nothing for an ideal diode and for a model from a file."""
    if diode.ideal or diode.model is not None:
        return None
    breakdown = () if diode.b_v == float("inf") else (("BV", diode.b_v), ("IBV", diode.i_bv))
    return Model(
        _model_name(diode),
        "D",
        (
            ("IS", diode.i_s),
            ("N", diode.n),
            ("RS", diode.r_s),
            ("CJO", diode.c_j0),
            ("VJ", diode.v_j),
            ("M", diode.m),
            ("TT", diode.t_t),
            ("EG", diode.e_g),
            ("XTI", diode.x_ti),
            *breakdown,
        ),
        diode.name,
    )


def own_diode_models(circuit: CircuitParameters, own: Own) -> Iterator[Model]:
    """The `.model` cards of a neuron's diodes that differ: the shared one, with an IS of its own.

    SPICE's area factor would scale the junction's capacitance and series resistance with IS.
    """
    diode = circuit.activation.rectifier
    shared = diode_model(diode)
    for part in circuit.activation.diodes:
        if part not in own.differing or shared is None:
            continue
        ratio = own.ratio(part)
        parameters = tuple(
            (name, value * ratio if name == "IS" else value) for name, value in shared.parameters
        )
        comment = f"{diode.name}; {own.neuron}_{part} has {ratio:g} times its IS"
        name = own.diode_model(part, diode)
        yield replace(shared, name=name, parameters=parameters, comment=comment)


def _model_name(diode: DiodeParameters) -> str:
    return "D_" + diode.name.replace("-", "_")


def _diode(name: str, anode: str, cathode: str, diode: DiodeParameters, own: Own) -> Element:
    if diode.model is not None:
        cell = diode_cells(diode)[0].name
        return ForeignInstance(name, (anode, cathode), cell, ((anode, cathode),))
    if diode.ideal:
        forward = f"1e3*uramp(v({anode},{cathode}))"
        return BehaviouralCurrent(name, anode, cathode, forward, "ideal diode, 1 mOhm")
    return Diode(name, anode, cathode, own.diode_model(f"d{name}", diode))


def _divider(diode: DiodeParameters, own: Own) -> tuple[Element, ...]:
    return (
        _diode("pos", "a", "dp", diode, own),
        Resistor("pos", "dp", "y", own.ohms("rpos", "R_POS"), "conducts for a > 0"),
        _diode("neg", "y", "dn", diode, own),
        Resistor("neg", "dn", "a", own.ohms("rneg", "R_NEG"), "conducts for a < 0"),
        *_buffered_load(own),
    )


def _buffered_load(own: Own) -> tuple[Element, ...]:
    """What ends every passive rectifier: the load at `y`, and the buffer that reads it."""
    return (
        Resistor("load", "y", "0", own.ohms("rload", "R_LOAD")),
        Instance("buf", ("y", "x", "x", "vdd", "vss"), own.opamp("buf"), "unity buffer"),
    )


def _precision(diode: DiodeParameters, own: Own) -> tuple[Element, ...]:
    return (
        Resistor("in", "a", "n1", own.ohms("rin", "R_RECT")),
        Instance("rect", ("0", "n1", "o1", "vdd", "vss"), own.opamp("rect"), "rectifies"),
        _diode("neg", "o1", "vn", diode, own),
        Resistor("fn", "vn", "n1", own.ohms("rfn", "R_RECT"), "vn = -a for a < 0, else 0"),
        _diode("pos", "vp", "o1", diode, own),
        Resistor("fp", "vp", "n1", own.ohms("rfp", "R_RECT"), "vp = -a for a > 0, else 0"),
        Resistor("sp", "vp", "n2", own.ohms("rsp", "R_RECT/SLOPE_POS")),
        Resistor("sn", "vn", "n2", own.ohms("rsn", "R_RECT/SLOPE_NEG")),
        Resistor("f2", "n2", "x", own.ohms("rfx", "R_RECT")),
        Instance("sum", ("0", "n2", "x", "vdd", "vss"), own.opamp("sum"), "adds both halves"),
    )


_Rectifier = Callable[[DiodeParameters, Own], tuple[Element, ...]]
_RECTIFIERS: Mapping[Kind, tuple[_Rectifier, str]] = {
    "diode-divider": (_divider, "divider with two diodes, buffered"),
    "precision": (_precision, "precision, diodes inside the feedback"),
}


def activation_cell(circuit: CircuitParameters, own: Own = SHARED) -> Subcircuit:
    """Leaky rectifier from `a` to `x`, with whatever amplifier makes its output stiff."""
    activation = circuit.activation
    body, what = _RECTIFIERS[activation.kind]
    return Subcircuit(
        own.activation(),
        ("a", "x", "vdd", "vss"),
        body(activation.rectifier, own),
        f"leaky rectifier: {what}",
    )


def rails(noise: NoiseParameters) -> tuple[str, ...]:
    """Supply nodes of a layer; only strings need a bias and a trim reference."""
    return ("vb", "vref", "vdd", "vss") if noise.source == "string" else ("vdd", "vss")


def perceptron_cell(
    noise: NoiseParameters, *, hidden: bool, unequal: bool, own: Own = SHARED
) -> Subcircuit:
    """Two summing amplifiers, the noise's injection, and for a hidden neuron the rectifier.

    Args:
        noise: its source.
        hidden: add the rectifier.
        unequal: let instances say their own trim resistor.
        own: which cells it does not share with the other neurons.
    """
    string = noise.source == "string"
    r_trim = own.ohms("ro", "RO" if unequal else "R_O")
    trim = Resistor("o", "vref", "sp", r_trim, "takes the noise's mean away")
    body: list[Element] = [
        Resistor("z", "z", "sp", own.ohms("rz", "R_Z"), "injects the noise"),
        *((trim,) if string else ()),
        Instance("a", ("0", "sp", "op", "vdd", "vss"), own.opamp("a"), "sums R+ inputs and noise"),
        Resistor("f1", "sp", "op", own.ohms("rf1", "R_F")),
        Resistor("f2", "op", "sn", own.ohms("rf2", "R_F")),
        Instance("b", ("0", "sn", "a", "vdd", "vss"), own.opamp("b"), "inverts, sums R- inputs"),
        Resistor("f3", "sn", "a", own.ohms("rf3", "R_F")),
    ]
    if hidden:
        body.append(Instance("act", ("a", "x", "vdd", "vss"), own.activation()))
    supplies = ("vref", "vdd", "vss") if string else ("vdd", "vss")
    ports = ("sp", "sn", "z", "a", *(("x",) if hidden else ()), *supplies)
    kind = "hidden" if hidden else "output"
    return Subcircuit(
        own.perceptron(hidden=hidden),
        ports,
        tuple(body),
        f"{kind} neuron: summing nodes sp (R+) and sn (R-), noise voltage z, pre-activation a"
        + (", output x" if hidden else ""),
        (("RO", "R_O"),) if string and unequal else (),
    )


def perceptron(
    name: str,
    nodes: Sequence[str],
    circuit: CircuitParameters,
    string: NoiseString,
    *,
    hidden: bool,
    own: Own = SHARED,
) -> Instance:
    """A neuron in place: summing nodes, noise voltage and outputs, to which it adds supplies."""
    supplies = [rail for rail in rails(circuit.noise) if rail != "vb"]
    trimmed = circuit.noise.source == "string" and circuit.smtj.spread
    return Instance(
        name,
        (*nodes, *supplies),
        own.perceptron(hidden=hidden),
        parameters=(("RO", string.r_trim),) if trimmed else (),
    )


def cell_parameters(circuit: CircuitParameters) -> tuple[Parameter, ...]:
    """The deck's parameters, in SI units, with unit and meaning."""
    return (
        Parameter("V_DD", circuit.v_dd, "V, positive supply"),
        Parameter("V_SS", circuit.v_ss, "V, negative supply"),
        Parameter("V_ONE", circuit.v_one, "V, input that stands for 1 in a bias"),
        Parameter("R_F", circuit.synapse.r_feedback, "ohm, feedback: w = R_F/R"),
        Parameter("R_Z", circuit.noise.r_inject, "ohm, noise injection"),
        *(string_parameters(circuit.noise_string()) if circuit.noise.source == "string" else ()),
        *_opamp_parameters(circuit.opamp),
        *_activation_parameters(circuit),
    )


def string_parameters(string: NoiseString) -> tuple[Parameter, ...]:
    """The parameters of strings like this one; the junctions' are those of its first."""
    noise, junction = string.parameters, string.junctions[0]
    return (
        Parameter("V_B", noise.v_bias, "V, bias of the noise dividers"),
        Parameter("V_REF", -noise.v_trim, "V, trim reference"),
        Parameter("R_S", noise.r_series, "ohm, noise divider"),
        Parameter("R_O", string.r_trim, "ohm, trims the noise's stationary mean to zero"),
        Parameter("MTJ_RP", junction.resistance_p, "ohm, parallel resistance, RA/area"),
        Parameter("MTJ_TMR", junction.tmr, "1, tunnel magnetoresistance at zero bias"),
        Parameter("MTJ_VH", junction.v_half, "V, bias at which TMR has halved"),
    )


def _opamp_parameters(opamp: OpAmpParameters) -> tuple[Parameter, ...]:
    if opamp.level == "file":
        return ()
    gain = Parameter("OA_A0", opamp.gain, "V/V, open-loop gain")
    if opamp.level == "ideal":
        return (gain,)
    pole = (
        gain,
        Parameter("OA_GBW", opamp.gbw, f"Hz, gain-bandwidth product ({opamp.part})"),
        Parameter("OA_C", _gain_node_capacitance(opamp), "F, capacitor of the gain node"),
        Parameter("OA_GM", "6.28318531*OA_GBW*OA_C", "S, input stage"),
        Parameter("OA_R0", "OA_A0/OA_GM", "ohm, gives the DC gain"),
    )
    if opamp.level == "single-pole":
        return pole
    return (
        *pole,
        Parameter("OA_SR", opamp.slew_rate, "V/s, slew rate"),
        Parameter("OA_IMAX", "OA_SR*OA_C", "A, most that the input stage delivers"),
        Parameter(
            "OA_F2", opamp.second_pole, f"Hz, second pole: {opamp.phase_margin:g} deg of margin"
        ),
        Parameter("OA_VOS", opamp.v_offset, "V, input offset"),
        Parameter("OA_IQ", opamp.i_quiescent, "A, supply current without load"),
        Parameter("OA_ROUT", opamp.r_out, "ohm, open-loop output resistance"),
        Parameter("OA_HEADROOM", opamp.headroom, "V, distance of the output from the rails"),
    )


def _activation_parameters(circuit: CircuitParameters) -> tuple[Parameter, ...]:
    activation = circuit.activation
    if not activation.passive:
        return (
            Parameter("R_RECT", activation.r_rectifier, "ohm, precision rectifier"),
            Parameter("SLOPE_POS", activation.positive_slope, "1, slope for a > 0"),
            Parameter("SLOPE_NEG", activation.negative_slope, "1, slope for a < 0"),
        )
    return (
        Parameter("R_LOAD", activation.r_load, "ohm, load of the rectifier"),
        Parameter("R_POS", activation.r_positive, "ohm, branch for a > 0"),
        Parameter("R_NEG", activation.r_negative, "ohm, branch for a < 0"),
    )
