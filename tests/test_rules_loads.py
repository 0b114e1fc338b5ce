"""What amplifiers are asked for: closed forms, and the current that ngspice finds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import Bench

from circuits import CircuitParameters, Network
from netlists import cells
from netlists.build import build_deck
from netlists.deck import Deck, OperatingPoints
from netlists.elements import Diode, Element, External, Instance, Resistor, VoltageSource
from netlists.graph import flatten
from netlists.rules import Limits, check
from netlists.rules.driven import DrivenNetworks, Load
from netlists.stimulus import still

OTHER_BRANCH = 3e-3
"""Of the current through R_pos ∥ R_neg: a diode conducts without a drop, so that the branch which
the other diode blocks is counted as well. R_pos/R_neg here; for R_neg alone nothing is added."""

LIMITS = Limits(low=-2.4, high=2.2, signal=1.0, i_out=22e-3, r_min=10e3, r_max=10e6)
SUPPLIES = (VoltageSource("dd", "vdd", "0", 2.5), VoltageSource("ss", "vss", "0", -2.5))


def follower(name: str, out: str) -> tuple[Element, ...]:
    """An amplifier that repeats its input."""
    source = VoltageSource(f"in{name}", f"in{name}", "0", 0.5)
    return source, Instance(name, (f"in{name}", out, out, "vdd", "vss"), "opamp")


def bench_deck(*elements: Element) -> Deck:
    circuit = CircuitParameters()
    return Deck(
        title=("test",),
        parameters=cells.cell_parameters(circuit),
        models=(),
        subcircuits=(cells.opamp_cell(circuit.opamp),),
        elements=(*SUPPLIES, *follower("u", "out"), *elements),
        options=(),
        probes=("out",),
        currents=(),
        analysis=OperatingPoints(()),
    )


def load(*elements: Element) -> Load:
    flat = flatten(bench_deck(*elements))
    return DrivenNetworks(flat, flat.blocks).load("out")


V2, W2 = VoltageSource("v2", "v2", "0", 2.0), VoltageSource("w2", "0", "v2", 3.0)
VIRTUAL = Instance("v", ("0", "sum", "far", "vdd", "vss"), "opamp")


@pytest.mark.parametrize(
    ("elements", "wanted"),
    [
        ((Resistor("1", "out", "0", 500.0),), 2.4 / 500),
        ((Resistor("1", "out", "0", 500.0), Resistor("2", "0", "out", 1e3)), 2.4 * 3 / 1e3),
        # A source stands still: it draws most from the far rail.
        ((V2, Resistor("1", "out", "v2", 1e3)), (2.0 + 2.4) / 1e3),
        ((W2, Resistor("1", "out", "v2", 1e3)), (2.2 + 3.0) / 1e3),
        ((replace(V2, wave=External()), Resistor("1", "v2", "out", 1e3)), 4.6 / 1e3),
        # Another output may be at the other end of the swing, a virtual ground stays at 0 V.
        ((*follower("b", "y"), Resistor("1", "out", "y", 1e3)), 4.6 / 1e3),
        ((VIRTUAL, Resistor("1", "out", "sum", 1e3), Resistor("2", "sum", "far", 1e3)), 2.4e-3),
        # Star with 1, 2 and 3 kΩ: from the output to ground G1·G2/ΣG, to the other output G1·G3/ΣG.
        (
            (
                *follower("b", "y"),
                Resistor("1", "out", "m", 1e3),
                Resistor("2", "m", "0", 2e3),
                Resistor("3", "m", "y", 3e3),
            ),
            (2.4 / 2 + 4.6 / 3) / (1 + 1 / 2 + 1 / 3) / 1e3,
        ),
        # A ladder of 1 kΩ: the last two in series beside another, and one before them.
        (
            (
                Resistor("1", "out", "m", 1e3),
                Resistor("2", "m", "0", 1e3),
                Resistor("3", "m", "n", 1e3),
                Resistor("4", "0", "n", 1e3),
            ),
            2.4 / (1e3 + 1e3 * 2e3 / 3e3),
        ),
        # Nothing flows where nothing leads on.
        ((Resistor("1", "out", "m", 1e3), Resistor("2", "m", "n", 1e3)), 0.0),
        # Diodes, one way each: it delivers up to 2.2 V over 1 kΩ or takes in 2.4 V over 2 kΩ.
        (
            (
                Diode("1", "out", "p", "D"),
                Resistor("1", "p", "0", 1e3),
                Diode("2", "q", "out", "D"),
                Resistor("2", "q", "0", 2e3),
            ),
            2.2 / 1e3,
        ),
        # A clamp between known voltages is left out.
        ((Diode("1", "out", "vdd", "D"), Resistor("1", "out", "0", 1e3)), 2.4 / 1e3),
        # Resistors without a sensible value are another rule's.
        ((Resistor("1", "out", "0", 0.0), Resistor("2", "out", "0", math.nan)), 0.0),
    ],
)
def test_the_current_at_full_swing(elements: tuple[Element, ...], wanted: float) -> None:
    assert load(*elements).current(LIMITS.low, LIMITS.high) == pytest.approx(wanted, rel=1e-12)


def test_severities_from_signals_to_the_rails() -> None:
    def judged(ohms: float) -> list[tuple[str, str]]:
        found = check(bench_deck(Resistor("1", "out", "0", ohms)), LIMITS)
        return [(f.severity, f.part) for f in found]

    # 1 V / 22 mA is 45.5 Ω, 2.4 V / 22 mA is 109.1 Ω.
    assert judged(45.0) == [("error", "xu")]
    assert judged(46.0) == judged(109.0) == [("warning", "xu")]
    assert judged(110.0) == []


def test_the_line_names_amplifier_node_current_limit_and_remedy() -> None:
    elements = (Resistor("big", "out", "0", 200.0), Resistor("small", "out", "0", 50.0))
    (found,) = check(bench_deck(*elements), LIMITS)
    assert str(found) == (
        "amplifier overdriven: xu at out: signals of ±1 V ask it for up to 25 mA, it has 22 mA "
        "(circuit.opamp.i_out); raise what it drives, first rsmall, 50 Ω, or take a stronger "
        "amplifier"
    )


def test_the_worst_of_many_comes_first() -> None:
    circuit = CircuitParameters.model_validate({"synapse": {"r_feedback": "10k", "r_min": "1k"}})
    network = Network((1, 3, 200))
    weights = [np.ones((3, 1)), np.tile([0.5, 1.0, 0.7], (200, 1))]
    pairs = [circuit.synapse.program(w) for w in weights]
    deck = build_deck(network, circuit, pairs, [("p", still(0.0, np.ones(1), np.zeros(203)))])
    (found,) = check(deck, Limits.of(circuit))
    assert (found.part, found.node) == ("xlayer1.xn2.xact.xbuf", "x1_2")
    assert found.like == ("xlayer1.xn3.xact.xbuf", "xlayer1.xn1.xact.xbuf")
    # 200 pairs of 1/R_f and twice the floor 1/R_max, at 2.48 V.
    assert math.isclose(200 * 2.48 * (1 / 10e3 + 2 / 10e6), 49.70e-3, rel_tol=1e-4)
    assert "a full swing asks it for up to 49.7 mA" in found.message


def test_a_smallest_weight_that_one_output_cannot_drive_is_a_warning() -> None:
    circuit = CircuitParameters.model_validate({"synapse": {"r_min": 100.0}})
    pairs = [circuit.synapse.program(np.ones((1, 1)))] * 2
    network = Network((1, 1, 1))
    deck = build_deck(network, circuit, pairs, [("p", still(0.0, np.ones(1), np.zeros(2)))])
    (found,) = check(deck, Limits.of(circuit))
    assert (found.severity, found.part) == ("warning", "xlayer1.xn1.xact.xbuf")
    assert (
        "one weight at circuit.synapse.r_min, 100 Ω, would at full swing ask it for up to 24.8"
        in (found.message)
    )
    assert "raise r_min to 112.7 Ω or more" in found.message
    # With one layer, inputs drive the weights.
    single = build_deck(
        Network((1, 1)), circuit, pairs[:1], [("p", still(0.0, np.ones(1), np.zeros(1)))]
    )
    assert check(single, Limits.of(circuit)) == ()


def test_ideal_amplifiers_have_no_limit() -> None:
    circuit = CircuitParameters.model_validate(
        {"opamp": {"level": "ideal"}, "synapse": {"r_feedback": 1.0, "r_min": 0.1}}
    )
    pairs = [circuit.synapse.program(np.ones((1, 1)))]
    deck = build_deck(Network((1, 1)), circuit, pairs, [("p", still(0.0, np.ones(1), np.zeros(1)))])
    assert check(deck, Limits.of(circuit)) == ()


@pytest.mark.parametrize("volts", [1.0, -1.0])
def test_a_rectifiers_current_is_what_ngspice_finds(bench: Bench, volts: float) -> None:
    circuit = CircuitParameters.model_validate(
        {"activation": {"diode": "ideal", "r_load": 70, "r_positive": 30, "r_negative": 11e3}}
    )
    drive = VoltageSource("a", "a", "0", volts)
    library = bench(circuit, [drive, Instance("act", ("a", "x", "vdd", "vss"), "activation")])
    library.command("op")
    drawn = -library.vector("va#branch")[0]
    library.command("destroy all")
    # The same rectifier behind an amplifier.
    deck = bench_deck(Instance("act", ("out", "x", "vdd", "vss"), "activation"))
    deck = replace(
        deck,
        parameters=cells.cell_parameters(circuit),
        subcircuits=(*deck.subcircuits, cells.activation_cell(circuit)),
    )
    flat = flatten(deck)
    amplifiers = [block for block in flat.blocks if block.cell.name == "opamp"]
    found = DrivenNetworks(flat, amplifiers).load("out").current(min(volts, 0.0), max(volts, 0.0))
    assert found == pytest.approx(abs(drawn), rel=OTHER_BRANCH)
