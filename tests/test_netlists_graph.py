"""Decks without their hierarchy, against ngspice's own listing of the same deck."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tolerances
from conftest import Weights

from circuits import CircuitParameters, Network
from netlists.build import build_deck, control_names, resistor_names
from netlists.elements import (
    BehaviouralCurrent,
    Capacitor,
    Controlled,
    CurrentSource,
    Diode,
    Element,
    Parameter,
    Resistor,
    StateTable,
    VoltageSource,
)
from netlists.graph import Part, connections, flatten, sensed
from netlists.spice import format_for_library
from netlists.stimulus import still
from netlists.values import evaluate, evaluate_all

CIRCUITS = [
    {},
    {"activation": {"kind": "precision", "diode": "ideal"}, "opamp": {"level": "single-pole"}},
    {"noise": {"n_mtj": 3}, "smtj": {"spread_resistance": 0.1}, "opamp": {"level": "ideal"}},
    {"noise": {"n_mtj": 2, "arrangement": "parallel"}},
    {"noise": {"source": "gaussian"}},
]
LINE = re.compile(r"^ *\d+ : ([a-z]\S*) (\S+) (\S+)(.*)$", re.MULTILINE)


@pytest.mark.parametrize("parameters", CIRCUITS)
def test_parts_nodes_and_values_are_those_that_ngspice_lists(
    parameters: dict[str, object], weights: Weights, tmp_path: Path
) -> None:
    circuit = CircuitParameters.model_validate(parameters)
    network = Network((3, 2, 1), biases=True)
    pairs = [circuit.synapse.program(w) for w in weights(network, 5)]
    strings = circuit.noise_strings(network.neurons, np.random.default_rng(1))
    rest = still(0.0, np.zeros(3), np.zeros(len(control_names(network, circuit.noise))))
    deck = build_deck(network, circuit, pairs, [("p1", rest)], strings=strings)

    control = ".control\nset width=10000\nlisting expand\nquit\n.endc\n.end\n"
    (tmp_path / "deck.cir").write_text(format_for_library(deck).replace(".end\n", control))
    done = subprocess.run(
        ["ngspice", "-b", "deck.cir"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    listed = {name: (a, b, rest) for name, a, b, rest in LINE.findall(done.stdout)}
    flat = {part.name: part for part in flatten(deck).parts}
    assert len(flat) > 50
    assert flat.keys() == listed.keys()
    for name, (a, b, tail) in listed.items():
        part = flat[name]
        assert part.branches == ((a, b),)
        if isinstance(part.element, Resistor):
            assert part.value == pytest.approx(float(tail), rel=tolerances.NINE_DIGITS)
        elif isinstance(part.element, Controlled):
            assert part.senses == tuple(tail.split()[:2])
        elif isinstance(part.element, BehaviouralCurrent):
            assert part.senses == sensed(tail)


def test_weights_carry_the_names_by_which_they_are_altered(weights: Weights) -> None:
    network, circuit = Network((3, 2, 1), biases=True), CircuitParameters()
    pairs = [circuit.synapse.program(w) for w in weights(network, 5)]
    rest = still(0.0, np.zeros(3), np.zeros(3))
    flat = {p.name: p for p in flatten(build_deck(network, circuit, pairs, [("", rest)])).parts}
    for layer, made in enumerate(pairs, start=1):
        named = zip(resistor_names(layer, network), made.plus.flat, made.minus.flat, strict=True)
        for (plus, minus), r_plus, r_minus in named:
            assert (flat[plus].value, flat[minus].value) == (r_plus, r_minus)


@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("v(a,b)/({R}*(1+v(s)))", ("a", "b", "s")),
        ("(time > 0 ? {G}*V( ip , inn ) : 0)-uramp(v(g)-v(vdd))", ("ip", "inn", "g", "vdd")),
        ("2*v(a)+v(a)", ("a",)),
        ("i(vdd)*1e3 + dv(x)", ()),
    ],
)
def test_a_source_senses_the_nodes_that_its_expression_names(
    expression: str, nodes: tuple[str, ...]
) -> None:
    assert sensed(expression) == nodes


@pytest.mark.parametrize(
    ("element", "paths"),
    [
        (Resistor("1", "a", "b", 1.0), [("a", "b")]),
        (Diode("1", "a", "b", "D"), [("a", "b")]),
        (VoltageSource("1", "a", "b", 0.0), [("a", "b")]),
        (Controlled("E", "1", "a", "b", "c", "d", 1.0), [("a", "b")]),
        (StateTable("1", ("a", "b"), "f", 1e-8), [("a", "0"), ("b", "0")]),
        (Capacitor("1", "a", "b", 1.0), []),
        (CurrentSource("1", "a", "b", 1.0), []),
        (Controlled("G", "1", "a", "b", "c", "0", 1.0), []),
        (Controlled("G", "1", "a", "b", "a", "b", 1.0), [("a", "b")]),
        (BehaviouralCurrent("1", "a", "b", "v(c)"), []),
        (BehaviouralCurrent("1", "a", "b", "v(a,b)/(1+v(c))"), [("a", "b")]),
        # As an output stage: it fixes its output, not the supply that the current comes from.
        (BehaviouralCurrent("1", "a", "b", "uramp(v(c,b))"), [("b", "0")]),
        (BehaviouralCurrent("1", "0", "b", "v(b)"), [("0", "b")]),
    ],
)
def test_what_makes_a_path_at_rest(element: Element, paths: list[tuple[str, str]]) -> None:
    branches, senses = connections(element)
    assert list(Part("x", element, branches, senses, None, None).dc_paths()) == paths


def test_values_are_evaluated_over_parameters_in_any_order() -> None:
    values, reasons = evaluate_all(
        [
            Parameter("C", "A/b", ""),
            Parameter("A", "-2*(B - 1e-3)", ""),
            Parameter("B", 4.0, ""),
        ]
    )
    assert values == {"b": 4.0, "a": -2 * (4.0 - 1e-3), "c": -2 * (4.0 - 1e-3) / 4.0}
    assert reasons == {}
    assert evaluate("2*a+B", values) == pytest.approx(-11.996, rel=tolerances.ROUNDING)


def test_parameters_without_a_value_say_why() -> None:
    values, reasons = evaluate_all(
        [
            Parameter("OK", 1.0, ""),
            Parameter("A", "B", ""),
            Parameter("B", "A", ""),
            Parameter("Z", "OK/(OK-1)", ""),
        ]
    )
    assert values == {"ok": 1.0}
    assert reasons.keys() == {"A", "B", "Z"}
    assert reasons["A"] == "there is no parameter B"
    assert "float division by zero" in reasons["Z"]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("R_X/2", "there is no parameter R_X"),
        ("4k", "no arithmetic"),
        ("", "no arithmetic"),
        ("abs(-1)", "no arithmetic"),
        ("__import__('os').getcwd()", "no arithmetic"),
        ("'a'", "no arithmetic"),
        ("True", "no arithmetic"),
        ("1 if 1 else 2", "no arithmetic"),
    ],
)
def test_what_is_no_arithmetic_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        evaluate(expression, {})
