"""A deck that breaks each electrical rule: the finding names the rule, the node and the part."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from circuits import CircuitParameters, Network
from circuits.errors import UserError
from netlists.build import build_deck
from netlists.deck import Deck, OperatingPoints
from netlists.elements import (
    BehaviouralCurrent,
    Capacitor,
    Controlled,
    CurrentSource,
    Element,
    Instance,
    Model,
    Note,
    Parameter,
    Resistor,
    StateTable,
    Subcircuit,
    VoltageSource,
)
from netlists.rules import Finding, Limits, check, require_sound, warnings_of
from netlists.spice import format_for_library
from netlists.stimulus import still

CIRCUIT = CircuitParameters()
LIMITS = Limits.of(CIRCUIT)
INPUT = VoltageSource("in", "in", "0", 1.0)
LOAD = Resistor("load", "in", "0", 1e3)


def deck(
    *elements: Element,
    cells: tuple[Subcircuit, ...] = (),
    parameters: tuple[Parameter, ...] = (),
    models: tuple[Model, ...] = (),
    probes: tuple[str, ...] = (),
) -> Deck:
    return Deck(
        title=("test",),
        parameters=parameters,
        models=models,
        subcircuits=cells,
        elements=elements,
        options=(),
        probes=probes,
        currents=(),
        analysis=OperatingPoints(()),
    )


def network_deck(circuit: CircuitParameters = CIRCUIT) -> Deck:
    """2-2-1, all weights ½."""
    network = Network((2, 2, 1))
    pairs = [circuit.synapse.program(np.full(network.synapse_shape(k), 0.5)) for k in (1, 2)]
    return build_deck(network, circuit, pairs, [("p", still(0.0, np.ones(2), np.zeros(3)))])


def altered(cell: str, name: str, element: Element | None, *, of: Deck | None = None) -> Deck:
    """The network's deck with one element of a cell (of the top level: "") replaced or removed."""
    of = of or network_deck()

    def changed(elements: tuple[Element, ...]) -> tuple[Element, ...]:
        at = [isinstance(e, Note) or e.kind + e.name != name for e in elements]
        assert at.count(False) == 1
        k = at.index(False)
        return (*elements[:k], *((element,) if element else ()), *elements[k + 1 :])

    if not cell:
        return replace(of, elements=changed(of.elements))
    cells = [
        replace(c, elements=changed(c.elements)) if c.name == cell else c for c in of.subcircuits
    ]
    return replace(of, subcircuits=tuple(cells))


def wire(cell: str, name: str, *, of: Deck | None = None, **pins: str) -> Deck:
    """The network's deck with pins of one instance connected elsewhere."""
    of = of or network_deck()
    cells = {c.name: c for c in of.subcircuits}
    elements = cells[cell].elements if cell else of.elements
    (instance,) = (e for e in elements if isinstance(e, Instance) and f"X{e.name}" == name)
    ports = cells[instance.subcircuit].ports
    nodes = tuple(pins.get(port, node) for port, node in zip(ports, instance.nodes, strict=True))
    assert nodes != instance.nodes
    return altered(cell, name, replace(instance, nodes=nodes), of=of)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def places(found: tuple[Finding, ...]) -> list[tuple[str, str, str, str]]:
    return [(f.severity, f.rule, f.node, f.part) for f in found]


def test_the_deck_that_is_broken_below_is_sound() -> None:
    assert check(network_deck(), LIMITS) == ()
    assert check(deck(INPUT, LOAD), LIMITS) == ()


# --- names -------------------------------------------------------------------------------------

LOUD = Resistor("LOAD", "in", "0", 1e3)


@pytest.mark.parametrize(
    ("broken", "part", "said"),
    [
        (deck(INPUT, LOAD, LOUD), "rload", "elements Rload and RLOAD"),
        (
            deck(INPUT, LOAD, cells=(Subcircuit("cell", ("in",), (LOAD, LOUD)),)),
            "rload in cell",
            "elements Rload and RLOAD",
        ),
        (
            deck(INPUT, LOAD, cells=(Subcircuit("cell", (), ()), Subcircuit("Cell", (), ()))),
            "cell",
            "subcircuits cell and Cell",
        ),
        (
            deck(INPUT, LOAD, parameters=(Parameter("R_F", 1.0, ""), Parameter("r_f", 1.0, ""))),
            "r_f",
            "parameters R_F and r_f",
        ),
        (
            deck(INPUT, LOAD, models=(Model("D_x", "D", ()), Model("d_X", "D", ()))),
            "d_x",
            "models D_x and d_X",
        ),
        (
            deck(INPUT, LOAD, cells=(Subcircuit("cell", ("a", "A"), ()),)),
            "a in cell",
            "ports a and A",
        ),
    ],
)
def test_names_that_spice_takes_for_one(broken: Deck, part: str, said: str) -> None:
    found = check(broken, LIMITS)
    assert places(found) == [("error", "clashing names", "", part)]
    assert found[0].message == f"the {said} are one name to SPICE; rename one"


def test_a_node_spelled_in_two_ways_is_a_warning() -> None:
    found = check(deck(INPUT, Resistor("load", "IN", "GND", 1e3)), LIMITS)
    assert places(found) == [("warning", "clashing names", "in", "rload")]
    assert found[0].message == "in and IN are one node to SPICE; write it one way"


def test_names_of_different_kinds_do_not_clash() -> None:
    cell = Subcircuit("LOAD", ("a",), (Resistor("in", "a", "0", 1e3),))
    ground = (Resistor("1", "in", "GND", 1e3), Resistor("2", "in", "gnd", 1e3))
    notes = (Note("x"), Note("x"))
    clean = deck(INPUT, LOAD, *ground, *notes, Instance("load", ("in",), "load"), cells=(cell,))
    assert check(clean, LIMITS) == ()


# --- cells, pins and values --------------------------------------------------------------------


def test_an_instance_of_no_known_cell() -> None:
    found = check(altered("activation", "Xbuf", Instance("buf", ("y", "x"), "opmap")), LIMITS)
    unknown = next(f for f in found if f.rule == "unknown cell")
    assert unknown.part == "xlayer1.xn1.xact.xbuf"
    assert unknown.like == ("xlayer1.xn2.xact.xbuf",)
    assert "is of no known cell opmap; there are smtj, noise_string, opamp, " in unknown.message


def test_a_cell_inside_itself() -> None:
    inner = Subcircuit("inner", ("a",), (Instance("1", ("a",), "outer"),))
    outer = Subcircuit("outer", ("a",), (Instance("2", ("a",), "inner"),))
    found = check(deck(INPUT, LOAD, Instance("o", ("in",), "outer"), cells=(inner, outer)), LIMITS)
    assert places(found) == [("error", "unknown cell", "", "xo.x2.x1")]
    assert "puts cell outer inside itself" in found[0].message


def test_loose_pins_of_broken_cells_are_found_as_well() -> None:
    inner = Subcircuit("inner", ("a",), (Instance("1", ("a",), "outer"),))
    outer = Subcircuit("outer", ("a",), (Instance("2", ("a",), "inner"),))
    broken = (Instance("o", ("n1",), "outer"), Instance("u", ("n2",), "unknown"))
    found = check(deck(INPUT, LOAD, *broken, cells=(inner, outer)), LIMITS)
    pins = [(f.node, f.part, f.message[:24]) for f in found if f.rule == "unconnected pin"]
    assert pins == [
        ("n1", "xo", "pin a touches nothing el"),
        ("n2", "xu", "a pin touches nothing el"),
    ]


def test_too_few_nodes_for_the_ports() -> None:
    few = Instance("buf", ("y", "x", "x", "vdd"), "opamp")
    found = check(altered("activation", "Xbuf", few), LIMITS)
    pins = next(f for f in found if f.rule == "unconnected pin")
    assert (pins.severity, pins.part) == ("error", "xlayer1.xn1.xact.xbuf")
    assert pins.message == (
        "connects 4 nodes to the 5 ports of opamp (inp, inn, out, vdd, vss); "
        "give a node for each port"
    )


def test_a_pin_at_a_misspelled_node() -> None:
    found = check(wire("", "Xlayer2", x1_2="x1_9"), LIMITS)
    assert places(found) == [("error", "unconnected pin", "x1_9", "xlayer2")]
    assert found[0].message == (
        "pin x1_2 touches nothing else; connect it, or mend the node's name"
    )


def test_one_end_of_a_resistor_left_loose() -> None:
    loose = Resistor("load", "y", "gdn", "R_LOAD")
    finding = only(check(altered("activation", "Rload", loose), LIMITS))
    place = ("error", "unconnected pin", "xlayer1.xn1.xact.gdn", "r.xlayer1.xn1.xact.rload")
    assert places((finding,)) == [place]
    assert "one end touches nothing else" in finding.message


@pytest.mark.parametrize("level", ["ideal", "single-pole", "macro"])
@pytest.mark.parametrize("pin", ["inp", "inn"])
def test_an_input_of_an_amplifier_left_hanging(level: str, pin: str) -> None:
    circuit = CircuitParameters.model_validate({"opamp": {"level": level}})
    broken = wire("hidden_perceptron", "Xb", of=network_deck(circuit), **{pin: "nowhere"})
    found = check(broken, Limits.of(circuit))
    assert places(found) == [("error", "unconnected pin", "xlayer1.xn1.nowhere", "xlayer1.xn1.xb")]
    assert f"pin {pin} touches nothing else" in found[0].message


@pytest.mark.parametrize("level", ["ideal", "single-pole", "macro"])
def test_an_output_of_an_amplifier_that_drives_nothing_is_a_warning(level: str) -> None:
    circuit = CircuitParameters.model_validate({"opamp": {"level": level}})
    spare = Instance("spare", ("x0_1", "nc", "nc", "vdd", "vss"), "opamp")
    of = network_deck(circuit)
    found = check(replace(of, elements=(*of.elements, spare)), Limits.of(circuit))
    assert places(found) == [("warning", "unconnected pin", "nc", "xspare")]
    assert "pin inn and out drives nothing" in found[0].message
    probed = replace(of, elements=(*of.elements, spare), probes=(*of.probes, "NC"))
    assert check(probed, Limits.of(circuit)) == ()


def test_a_value_that_no_parameters_give() -> None:
    found = check(altered("activation", "Rload", Resistor("load", "y", "0", "R_LAOD")), LIMITS)
    assert places(found) == [("error", "value unknown", "", "r.xlayer1.xn1.xact.rload")]
    assert found[0].message == (
        "there is no parameter R_LAOD; wanted arithmetic over numbers and the parameters in scope"
    )
    of = network_deck()
    loop = (*of.parameters, Parameter("LOOP", "2*LOOP", ""))
    found = check(replace(of, parameters=loop), LIMITS)
    assert places(found) == [("error", "value unknown", "", ".param LOOP")]


# --- nodes -------------------------------------------------------------------------------------


def test_a_node_that_is_only_sensed_floats() -> None:
    gain = Controlled("E", "gain", "out", "0", "open", "0", 2.0)
    meter = BehaviouralCurrent("meter", "in", "0", "1e-3*v(in,OPEN)")
    found = check(deck(INPUT, LOAD, gain, meter, Resistor("o", "out", "0", 1e3)), LIMITS)
    assert [(f.severity, f.rule, f.node, f.part) for f in found if f.severity == "error"] == [
        ("error", "floating node", "open", "egain")
    ]


def test_a_node_behind_capacitors_has_no_dc_path() -> None:
    coupled = altered("activation", "Rpos", Capacitor("pos", "dp", "m", 1e-9))
    cells = [
        replace(c, elements=(*c.elements, Capacitor("m", "m", "y", 1e-9)))
        if c.name == "activation"
        else c
        for c in coupled.subcircuits
    ]
    found = check(replace(coupled, subcircuits=tuple(cells)), LIMITS)
    assert places(found) == [
        ("error", "no DC path", "xlayer1.xn1.xact.m", "c.xlayer1.xn1.xact.cpos")
    ]
    assert found[0].like == ("c.xlayer1.xn2.xact.cpos",)


def test_a_current_source_alone_makes_no_path_and_the_island_is_named() -> None:
    island = (
        CurrentSource("bias", "0", "n1", 1e-6),
        Resistor("1", "n1", "n2", 1e3),
        Resistor("2", "n2", "n3", 1e3),
        Resistor("3", "n3", "n1", 1e3),
    )
    finding = only(check(deck(INPUT, LOAD, *island), LIMITS))
    assert places((finding,)) == [("error", "no DC path", "n1", "ibias")]
    assert "leads from it to ground (nor from n2, n3); connect it to" in finding.message


def test_supplies_that_are_missing_leave_the_rails_without_a_path() -> None:
    found = check(altered("", "Vdd", None), LIMITS)
    # Output stages fix the voltage of their outputs, not that of the rail they draw from.
    assert places(found) == [("error", "no DC path", "vdd", "b.xlayer1.xn1.xa.bsupply")]


def test_a_circuit_without_ground() -> None:
    found = check(deck(VoltageSource("in", "a", "b", 1.0), Resistor("l", "a", "b", 1.0)), LIMITS)
    assert places(found) == [("error", "no DC path", "a", "vin")]


# --- sources -----------------------------------------------------------------------------------


def test_a_source_with_both_ends_at_one_node() -> None:
    found = check(deck(INPUT, LOAD, VoltageSource("x", "in", "IN", 0.0)), LIMITS)
    assert ("error", "shorted source", "in", "vx") in places(found)
    found = check(wire("activation", "Xbuf", out="0"), LIMITS)
    shorted = next(f for f in found if f.rule == "shorted source")
    assert (shorted.node, shorted.part) == ("0", "xlayer1.xn1.xact.xbuf")


def test_two_sources_in_parallel() -> None:
    found = check(deck(INPUT, LOAD, VoltageSource("two", "0", "in", -1.0)), LIMITS)
    assert places(found) == [("error", "paralleled sources", "in", "vtwo")]
    assert "sets the voltage between 0 and in against vin; take one out" in found[0].message


def test_a_loop_of_sources_through_the_hierarchy() -> None:
    cell = Subcircuit("step", ("lo", "hi"), (Controlled("E", "1", "hi", "lo", "in", "0", 2.0),))
    cell = replace(cell, elements=(*cell.elements, Resistor("i", "in", "0", 1.0)))
    inside = (Instance("a", ("in", "mid"), "step"), VoltageSource("c", "mid", "0", 1.0))
    found = check(deck(INPUT, LOAD, *inside, cells=(cell,)), LIMITS)
    assert [(f.rule, f.part) for f in found] == [("paralleled sources", "vc")]
    assert "between mid and 0 against e.xa.e1, vin" in found[0].message


def test_a_state_table_against_a_source() -> None:
    of = network_deck()
    table = StateTable("states", ("s1_1", "s1_2"), "states.txt", 1e-8)
    found = check(replace(of, elements=(*of.elements, table)), LIMITS)
    assert places(found) == [("error", "paralleled sources", "s1_1", "astates")]


@pytest.mark.parametrize("level", ["ideal", "single-pole", "macro"])
def test_two_amplifiers_at_one_output(level: str) -> None:
    circuit = CircuitParameters.model_validate({"opamp": {"level": level}})
    broken = wire("layer1", "Xn2", of=network_deck(circuit), x="x1_1")
    found = check(broken, Limits.of(circuit))
    fight = only(tuple(f for f in found if f.severity == "error" and f.rule != "unconnected pin"))
    assert fight.rule == "paralleled sources"
    assert (fight.node, fight.part) == ("x1_1", "xlayer1.xn2.xact.xbuf")
    assert "against xlayer1.xn1.xact.xbuf" in fight.message


def test_an_amplifier_against_a_source() -> None:
    of = network_deck()
    forced = replace(of, elements=(*of.elements, VoltageSource("f", "a1_1", "0", 0.5)))
    found = check(forced, LIMITS)
    assert places(found) == [("error", "paralleled sources", "a1_1", "xlayer1.xn1.xb")]
    assert "against vf" in found[0].message


# --- resistors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ohms", [0.0, -1e3, 0.9e-3, 1.1e15, float("nan"), float("inf")])
def test_a_resistor_that_cannot_be(ohms: float) -> None:
    found = check(deck(INPUT, Resistor("load", "in", "0", ohms)), LIMITS)
    assert places(found) == [("error", "resistor out of range", "in", "rload")]
    assert "wanted 1 mΩ to 1e15 Ω" in found[0].message


@pytest.mark.parametrize("ohms", [1e-3, 1e15])
def test_a_resistor_at_the_ends_of_the_range(ohms: float) -> None:
    assert check(deck(INPUT, Resistor("load", "in", "0", ohms)), LIMITS) == ()


@pytest.mark.parametrize("ohms", [9.9e3, 10.1e6])
def test_a_weight_outside_its_range(ohms: float) -> None:
    found = check(altered("layer1", "Rn2_1", Resistor("n2_1", "x0_1", "sn2", ohms)), LIMITS)
    assert places(found) == [("error", "resistor out of range", "xlayer1.sn2", "r.xlayer1.rn2_1")]
    assert "wanted 10 kΩ to 10 MΩ; clip it, or widen circuit.synapse.r_min" in found[0].message


def test_what_stands_for_a_resistor_inside_an_amplifier_is_no_part() -> None:
    # The model's R0 is 9e15 Ω here, which nobody has to buy.
    slow = CircuitParameters.model_validate({"opamp": {"gbw": 1.0}})
    assert check(network_deck(slow), Limits.of(slow)) == ()


# --- what ngspice does with such decks ---------------------------------------------------------

ISLAND = (CurrentSource("bias", "0", "n1", 1e-6), *(Resistor(k, "n1", "n2", 1e3) for k in "12"))
OPEN_INPUT = (
    Controlled("E", "gain", "n1", "0", "open", "0", 2.0),
    Controlled("G", "meter", "n1", "0", "open", "n1", 1e-3),
)


@pytest.mark.parametrize(
    ("broken", "rule", "said"),
    [
        (deck(INPUT, LOAD, LOUD), "clashing names", "device already exists"),
        (
            deck(INPUT, LOAD, VoltageSource("x", "in", "in", 1.0)),
            "shorted source",
            "vx is a shorted VSRC",
        ),
        (
            deck(INPUT, LOAD, VoltageSource("two", "in", "0", 1.0)),
            "paralleled sources",
            "op simulation(s) aborted",
        ),
        (deck(INPUT, LOAD, *OPEN_INPUT), "floating node", "op simulation(s) aborted"),
        # Here ngspice gives a voltage nonetheless, after every convergence aid that it has,
        (deck(INPUT, LOAD, *ISLAND), "no DC path", "Transient op finished successfully"),
        # and here it takes 1 mΩ for 0 Ω without a word.
        (
            deck(INPUT, Resistor("s", "in", "n1", 1e3), Resistor("l", "n1", "0", 0.0)),
            "resistor out of range",
            "v(n1) = 9.9999",
        ),
    ],
)
def test_what_ngspice_makes_of_errors(broken: Deck, rule: str, said: str, tmp_path: Path) -> None:
    assert rule in {f.rule for f in check(broken, LIMITS) if f.severity == "error"}
    text = format_for_library(replace(broken, probes=("in", "n1"), options=(("noinit", ""),)))
    control = ".control\nop\nprint v(n1)\nquit\n.endc\n.end\n"
    (tmp_path / "deck.cir").write_text(text.replace(".end\n", control), encoding="ascii")
    done = subprocess.run(
        ["ngspice", "-b", "deck.cir"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said in done.stdout + done.stderr


# --- what becomes of findings ------------------------------------------------------------------


def test_like_parts_are_one_finding_and_the_line_names_three() -> None:
    twelve = tuple(Resistor(f"{k}", "in", "0", 0.0) for k in range(12))
    finding = only(check(deck(INPUT, *twelve), LIMITS))
    assert finding.part == "r0"
    assert finding.like == tuple(f"r{k}" for k in range(1, 12))
    assert str(finding).endswith("mend its value (likewise r1, r2, r3 and 8 more)")
    assert str(finding).startswith("resistor out of range: r0 at in: has 0 Ω, wanted 1 mΩ")


def test_errors_stop_with_a_line_each_and_warnings_do_not() -> None:
    warning = Finding("warning", "rule", "n", "w", "mild; mend it")
    errors = [Finding("error", "rule", "n", part, "bad; mend it") for part in ("a", "b")]
    require_sound([warning])
    assert warnings_of([warning, *errors]) == ("rule: w at n: mild; mend it",)
    with pytest.raises(UserError) as caught:
        require_sound([errors[0], warning, errors[1]])
    assert caught.value.args == ("rule: a at n: bad; mend it", "rule: b at n: bad; mend it")
    assert str(caught.value) == "rule: a at n: bad; mend it\nrule: b at n: bad; mend it"


def test_a_finding_for_json() -> None:
    finding = Finding("warning", "rule", "", "part", "message", ("other",))
    assert finding.to_dict() == {
        "severity": "warning",
        "rule": "rule",
        "node": None,
        "part": "part",
        "message": "message",
        "like": ["other"],
    }


def test_errors_come_before_warnings() -> None:
    found = check(deck(INPUT, Resistor("a", "IN", "0", 1.0), Resistor("b", "in", "0", 0.0)), LIMITS)
    assert [f.severity for f in found] == ["error", "warning"]
