"""The second simulator's binding: its dialect, its silence turned into errors, decks read back."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from make_golden import golden_decks

from circuits import CircuitParameters, Network
from netlists.control import read_control
from netlists.deck import Deck, OperatingPoints, Transient
from netlists.dialect import conditionals_called, for_neospice
from netlists.spice import format_deck, format_for_library
from sim.clock import Clock
from sim.engines import NeospiceEngine
from sim.errors import SimulationError, UserError
from sim.libngspice import get_library
from sim.neospice import get_neospice
from sim.schedule import open_schedule

DECKS = golden_decks()

# Expressions as (text, value at a = -1, b = 2); conditions are always in brackets of their own.
LEAVES = st.sampled_from([("a", -1.0), ("b", 2.0), ("0.5", 0.5), ("f(a,b)", 1.0)])


def grow(parts: st.SearchStrategy[tuple[str, float]]) -> st.SearchStrategy[tuple[str, float]]:
    sums = st.tuples(parts, parts).map(lambda p: (f"({p[0][0]}+{p[1][0]})", p[0][1] + p[1][1]))
    calls = st.tuples(parts, parts).map(lambda p: (f"f({p[0][0]},{p[1][0]})", p[0][1] + p[1][1]))
    choices = st.tuples(parts, parts, parts).map(
        lambda p: (
            f"({p[0][0]} > 0 ? {p[1][0]} : {p[2][0]})",
            p[1][1] if p[0][1] > 0 else p[2][1],
        )
    )
    return sums | calls | choices


def evaluated(expression: str) -> float:
    names = {
        "a": -1.0,
        "b": 2.0,
        "f": lambda x, y: x + y,
        "ternary_fcn": lambda condition, yes, no: yes if condition else no,
    }
    return eval(expression, {}, names)  # noqa: S307  # of the strategy's own making


@given(st.recursive(LEAVES, grow, max_leaves=12))
def test_conditions_become_calls_of_the_same_value(expression: tuple[str, float]) -> None:
    text, value = expression
    called = conditionals_called(text)
    assert "?" not in called
    assert evaluated(called) == value


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("2*v(a)", "2*v(a)"),
        ("v(a) > 0 ? 1 : 2", "ternary_fcn(v(a) > 0, 1, 2)"),
        ("a ? b : c ? d : e", "ternary_fcn(a, b, ternary_fcn(c, d, e))"),
        ("a ? b ? c : d : e", "ternary_fcn(a, ternary_fcn(b, c, d), e)"),
        ("(x ? {A/B} : 0)*(y ? 1 : 2)", "(ternary_fcn(x, {A/B}, 0))*(ternary_fcn(y, 1, 2))"),
    ],
)
def test_conditions_chain_and_nest(expression: str, wanted: str) -> None:
    assert conditionals_called(expression) == wanted


@pytest.mark.parametrize("expression", ["(a ? b : c", "a ? b : c)", "a ? b", "f(a ? b, c)"])
def test_a_broken_condition_is_refused(expression: str) -> None:
    with pytest.raises(UserError, match="expression"):
        conditionals_called(expression)


@pytest.mark.parametrize("name", ["deck_2_1_1", "precision_2_2_1"])
def test_ngspice_reads_the_translated_deck_as_the_same_circuit(name: str) -> None:
    """So what neospice is given is the circuit that ngspice is given, whatever it makes of it."""
    deck = DECKS[name]
    text = format_for_library(deck)
    translated = for_neospice(text)
    assert "?" in text
    assert "?" not in translated
    library = get_library()
    found = []
    for circuit in (text, translated):
        library.load(circuit)
        library.command("op")
        rest = [library.vector(probe)[0] for probe in deck.probes]
        library.command("tran 1e-6 1e-5 0 1e-6")
        found.append([*rest, *(library.vector(probe)[-1] for probe in deck.probes)])
        library.command("destroy all")
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    "line",
    [
        "Astates [ d1 ] table",
        "Vx b 0 external",
        ".include other.cir",
        ".control",
        "M1 d g s b nmos",
        "Sw a 0 c 0 switch",
    ],
)
def test_what_neospice_would_pass_over_is_refused(line: str) -> None:
    with pytest.raises(UserError, match="it has nothing for the line") as caught:
        for_neospice(f"* t\nV1 a 0 1\n{line}\n.end\n")
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("X1 a 0 nosuchcell", "unknown subcircuit"),
        ("R1 a 0 {NOSUCH}", "NOSUCH"),
        ("D1 a 0 NOSUCHMODEL", "NOSUCHMODEL"),
        ("B1 a 0 I = nosuch(v(a))", "unknown function 'nosuch'"),
        ("B1 a 0 I = nosuch*v(a)", "unknown identifier 'nosuch'"),
        ("R1 a 0", "Resistor requires"),
        ("V2 a 0 2", "failed to converge"),
    ],
)
def test_what_neospice_says_aside_is_an_error(line: str, said: str) -> None:
    simulator = get_neospice()
    with pytest.raises(SimulationError, match=r"^neospice: ") as caught:
        simulator.operating_point(f"* t\nV1 a 0 1\nR9 a 0 1\n{line}\n.end\n")
    assert said in str(caught.value)
    # Nothing is left behind: the next deck is solved.
    rest = simulator.operating_point("* t\nV1 a 0 1\nR1 a b 1\nR2 b 0 3\n.end\n")
    assert rest.voltage("b")[0] == pytest.approx(0.75, rel=tolerances.NINE_DIGITS)
    assert simulator.log == []


def test_a_result_that_is_not_there_says_so() -> None:
    rest = get_neospice().operating_point("* t\nV1 a 0 1\nR1 a 0 2\n.save v(a) i(V1)\n.end\n")
    assert rest.current("1")[0] == pytest.approx(-0.5, rel=tolerances.NINE_DIGITS)
    with pytest.raises(SimulationError, match="neospice has no result nosuch"):
        rest.voltage("nosuch")


def test_an_rc_circuit_charges_by_its_closed_form() -> None:
    """1 V through 1 kΩ into 1 nF from a step of 1 ps: 1 − e^(−t/1 µs)."""
    text = (
        "* t\nV1 a 0 DC 0 PWL(0 0 1e-12 1 3e-6 1)\nR1 a b 1000\nC1 b 0 1e-9\n"
        ".options method=gear reltol=1e-8 trtol=1 vntol=1e-12\n.save v(b)\n.end\n"
    )
    solution = get_neospice().transient(text, 3e-6, 1e-7)
    k = solution.position(3e-6)
    wanted = 1 - np.exp(-solution.time[k] / 1e-6)
    assert solution.voltage("b")[k] == pytest.approx(wanted, abs=tolerances.SINGLE_POLE_STEP)
    assert np.diff(solution.time).max() <= 1e-7 * (1 + 1e-9)
    with pytest.raises(SimulationError, match="no time point at the sampling instant 4e-06 s"):
        solution.position(4e-6)


def test_without_the_package_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[second-opinion\]'"):
        get_neospice.__wrapped__()


def test_a_failed_pass_keeps_deck_and_log(tmp_path: Path) -> None:
    circuit, network = CircuitParameters(), Network((2, 1))
    opamp = circuit.opamp.model_copy(update={"part": "x\nRbroken 1\n*"})
    broken = circuit.model_copy(update={"opamp": opamp})
    clock = Clock(1e-3, 10e-6, "op")
    engine = NeospiceEngine(network, broken, clock, keep=tmp_path / "kept")
    passes = open_schedule(network, circuit, clock, np.random.default_rng(0)).held(
        np.array([[0.2, 0.3]])
    )
    with pytest.raises(SimulationError, match="deck and log kept as") as caught:
        engine.run(passes)
    assert str(caught.value).startswith("neospice: ")
    assert "Rbroken 1" in (tmp_path / "kept" / "failed.cir").read_text()
    assert "Resistor" in (tmp_path / "kept" / "failed.log").read_text()
    assert (engine.tally.passes, engine.tally.failed) == (1, 1)


@pytest.mark.parametrize(("name", "deck"), DECKS.items(), ids=list(DECKS))
def test_a_decks_control_section_reads_back(name: str, deck: Deck) -> None:
    bare = read_control(format_deck(deck))
    assert bare.probes == deck.probes
    assert bare.circuit.split() == with_remark(deck).split(), name
    if isinstance(deck.analysis, Transient):
        assert isinstance(bare.analysis, Transient)
        wanted = deck.analysis
        assert [label for label, _ in bare.analysis.samples] == [s[0] for s in wanted.samples]
        np.testing.assert_allclose(
            [
                bare.analysis.stop,
                bare.analysis.max_step,
                *(t for _, t in bare.analysis.samples),
            ],
            [wanted.stop, wanted.max_step, *(t for _, t in wanted.samples)],
            rtol=tolerances.NINE_DIGITS,
        )
    else:
        assert isinstance(bare.analysis, OperatingPoints)
        assert bare.analysis == deck.analysis


def with_remark(deck: Deck) -> str:
    """The circuit alone, with the line that introduces the control section."""
    head, end, tail = format_for_library(deck).rpartition(".end")
    return f"{head}* What a bare run does: print every probe at each sampling instant.\n{end}{tail}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((".control", "* control"), "wanted one control section"),
        (("let k = 0", "meas tran x max v(a)"), "'meas tran x max v\\(a\\)' is no command"),
        (("let a1_1_p2", "let a1_1_p2 = v(z)\nlet b"), "is no command|the same nodes printed"),
    ],
)
def test_another_control_section_is_refused(change: tuple[str, str], said: str) -> None:
    text = format_deck(DECKS["parallel_1_1"])
    assert change[0] in text
    with pytest.raises(UserError, match=said):
        read_control(re.sub(re.escape(change[0]), change[1], text, count=1))
