"""Models from outside in ngspice: the built-in model's voltages where the numbers are its own."""

import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Weights, run_bare

from circuits import CircuitParameters, Network, OpAmpParameters, ResistorPairs
from circuits.activation import DIODES
from circuits.errors import UserError
from netlists import cells
from netlists.build import SolverSettings, build_deck
from netlists.export import main as build
from netlists.models import with_models
from netlists.models.diode import spice_number
from netlists.models.library import parse_library
from netlists.models.lines import read_lines, split_lines
from netlists.pyspice import to_pyspice
from netlists.rules import Limits, check
from netlists.spice import format_deck
from netlists.stimulus import still
from sim import activation_curve
from sim.attribute.command import main as attribute
from sim.characterize.command import main as characterize
from sim.clock import Clock
from sim.engine import Readout
from sim.engines import NeospiceEngine, NgspiceEngine
from sim.engines.reduced import ReducedEngine
from sim.guards import Doubt
from sim.libngspice import get_library
from sim.passes import NO_JUMPS, Passes
from sim.preparation import set_up
from sim.run import main as run
from sim.schedule import open_schedule
from sim.settings import load_config

NETWORK = Network((2, 2, 1))
CLOCK = Clock(1e-3, 10e-6, "aperture")
FIGURES = OpAmpParameters()  # of which the file below is the single-pole model
_C = 10e-12

VENDOR = f"""* A macromodel as makers publish them: SPICE elements, POLY sources, an own cell
* connections:  in+ in- V+ V- out
.SUBCKT AMP 1 2 3 4 5
G1 0 6 POLY(1) 1 2 0 {{GM}}
R6 6 0 {{10**(GAIN/20)/GM}}
C6 6 0 10P
X1 6 5 BUFFER PARAMS: K=1
IQ 3 4 {{IQ}}
.ENDS
.PARAM GM={2 * math.pi * FIGURES.gbw * _C!r}
.PARAM GAIN={FIGURES.open_loop_gain} IQ={{0}}
.SUBCKT BUFFER a b PARAMS: K=2
E1 b 0 a 0 {{K}}
.ENDS

* The same between clamps, with pins in another order, one of them without a use
.SUBCKT CLAMPED out gone inn inp vm vp
G1 0 6 inp inn {{GM}}
R6 6 0 {{10**(GAIN/20)/GM}}
C6 6 0 10P
Dp 6 c1 DC
Vp vp c1 0.7
Dn c2 6 DC
Vn c2 vm 0.7
E1 out 0 6 0 1
.MODEL DC D(IS=1E-12
+ RS=1)
.ENDS
.SUBCKT HUNGRY 1 2 3 4 5
Xa 1 2 3 4 5 AMP
IQ 3 4 DC 230U
.ENDS
"""

MODEL_WITHIN = 1e-6
"""V; the single-pole model and the file that states it agree so far: ngspice solves both circuits
to reltol 1e-6 of a volt at most, and the numbers agree to nine digits or more."""

DIODE_LIB = """* the BAT54: by parameters that are known here, by more, and as a subcircuit
.MODEL SAME D(IS=2.117E-7 N=1.016 RS=2.637 CJO=11.14P VJ=.2013 M=.3868
+ EG=0.69 XTI=2 BV=36V IBV=1.196U)
.MODEL MORE D IS=2.117E-7 N=1.016 RS=2.637 CJO=11.14P VJ=.2013 M=.3868 EG=0.69 XTI=2 BV=36
+ IBV=1.196U FC=0.5
.SUBCKT CELL A K
D1 A K SAME
.ENDS
.MODEL TRANSISTOR NPN(BF=100)
.MODEL WRONG D(N=-1)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "vendor.lib"
    path.write_text(VENDOR, encoding="utf8")
    return path


@pytest.fixture
def diodes(tmp_path: Path) -> Path:
    path = tmp_path / "diodes.lib"
    path.write_text(DIODE_LIB, encoding="utf8")
    return path


def circuit(level: str, **settings: object) -> CircuitParameters:
    opamp = {"level": level} | {k: v for k, v in settings.items() if k in {"pins", "v_offset"}}
    rest = {k: v for k, v in settings.items() if k not in opamp}
    return with_models(CircuitParameters.model_validate({"opamp": opamp, **rest}))


def simulated(
    c: CircuitParameters,
    weights: Weights,
    scale: float = 1.0,
    kind: type[NgspiceEngine | ReducedEngine] = NgspiceEngine,
) -> Readout:
    """Twelve passes under noise, some with flips in their aperture."""
    rng = np.random.default_rng(5)
    passes = open_schedule(NETWORK, c, CLOCK, rng).draw(rng.uniform(-1, 1, (12, 2)))
    engine = kind(NETWORK, c, CLOCK, solver=SolverSettings(reltol=1e-6))
    engine.write([scale * w for w in weights(NETWORK, 3)])
    return engine.run(passes)


def nodes(readout: Readout) -> np.ndarray:
    return np.hstack([*readout.pre, *readout.outputs])


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_a_file_that_states_the_single_pole_model_has_its_voltages(
    kind: str, library: Path, weights: Weights
) -> None:
    activation = {"kind": kind}
    own = simulated(circuit("single-pole", activation=activation), weights)
    foreign = simulated(circuit(f"{library}:AMP", activation=activation), weights)
    assert np.ptp(nodes(own)) > 0.1  # V; there is something to compare
    np.testing.assert_allclose(nodes(foreign), nodes(own), rtol=0, atol=MODEL_WITHIN)
    assert np.isnan(own.energy).all()
    assert np.isfinite(foreign.energy).all()
    assert not foreign.doubts.any()


def test_the_reduced_engine_takes_models_from_files(
    library: Path, diodes: Path, weights: Weights
) -> None:
    c = circuit(f"{library}:HUNGRY", activation={"diode": f"{diodes}:MORE"})
    # As it reaches another process: by its parameters alone.
    sent = CircuitParameters.model_validate_json(c.model_dump_json())
    explicit, reduced = simulated(c, weights), simulated(sent, weights, kind=ReducedEngine)
    np.testing.assert_allclose(nodes(reduced), nodes(explicit), rtol=0, atol=MODEL_WITHIN)
    np.testing.assert_array_equal(reduced.doubts, explicit.doubts)


def test_energy_comes_from_the_models_supply_pins(library: Path, weights: Weights) -> None:
    idle = simulated(circuit(f"{library}:AMP"), weights)
    hungry = simulated(circuit(f"{library}:hungry"), weights)
    drawn = 8 * 5.0 * 230e-6 * CLOCK.t_pass  # two neurons of three amplifiers, one of two; J
    np.testing.assert_allclose(hungry.energy - idle.energy, drawn, rtol=1e-6)


def test_pins_in_another_order_and_a_rail_that_shows(library: Path, weights: Weights) -> None:
    pins = "out nc inn inp vss vdd"
    c = circuit(f"{library}:CLAMPED", pins=pins)
    own = simulated(circuit("single-pole"), weights, scale=0.5)
    clamped = simulated(c, weights, scale=0.5)
    np.testing.assert_allclose(nodes(clamped), nodes(own), rtol=0, atol=MODEL_WITHIN)
    assert not clamped.doubts.any()
    # The clamps begin at 1.8 V and let no more than 0.5 V beyond that through; there a doubt says
    # so.
    driven = simulated(c, weights)
    largest = np.abs(nodes(simulated(circuit("single-pole"), weights))).max(axis=1)
    assert np.abs(nodes(driven)).max() < 2.3
    assert (largest > 2.4).sum() > 1
    assert (largest < 1.7).sum() > 1
    assert (driven.doubts[largest > 2.4] & Doubt.RAIL).all()
    assert not driven.doubts[largest < 1.7].any()


def test_the_deck_is_flat_and_runs_on_its_own(
    library: Path, diodes: Path, tmp_path: Path, weights: Weights
) -> None:
    c = circuit(f"{library}:AMP", activation={"diode": f"{diodes}:CELL"})
    library.unlink()
    diodes.unlink()
    pairs = [c.synapse.program(w) for w in weights(NETWORK, 3)]
    rest = still(0.0, np.array([0.5, -0.3]), np.zeros(NETWORK.neurons))
    deck = build_deck(NETWORK, c, pairs, [("p1", rest)])
    assert not [finding for finding in check(deck, Limits.of(c)) if finding.severity == "error"]
    text = format_deck(deck)
    assert ".include" not in text.lower()
    assert "AMP of vendor.lib, SHA-256" in text
    (tmp_path / "deck.cir").write_text(text, encoding="ascii")
    printed = run_bare(tmp_path, "deck.cir")
    clock = Clock(1e-3, 10e-6, "op")
    engine = NgspiceEngine(NETWORK, c, clock)
    engine.write(weights(NETWORK, 3))
    controls = np.zeros((1, NETWORK.neurons))
    quiet = (NO_JUMPS,) * NETWORK.neurons
    found = engine.run(Passes(np.array([[0.5, -0.3]]), controls, (quiet,), controls))
    bare = [printed[f"{name}_p1"] for name in ("a1_1", "a1_2", "x1_1", "x1_2", "a2_1")]
    measured = np.hstack([found.pre[0][0], found.outputs[0][0], found.pre[1][0]])
    np.testing.assert_allclose(bare, measured, rtol=0, atol=MODEL_WITHIN)


def test_a_name_of_a_model_clashes_with_none_of_the_deck(tmp_path: Path, weights: Weights) -> None:
    path = tmp_path / "clash.lib"
    text = VENDOR.replace("AMP", "opamp").replace("BUFFER", "layer1").replace("GAIN", "R_F")
    path.write_text(text.replace("GM", "V_DD"), encoding="utf8")
    own = simulated(circuit("single-pole"), weights)
    foreign = simulated(circuit(f"{path}:opamp"), weights)
    np.testing.assert_allclose(nodes(foreign), nodes(own), rtol=0, atol=MODEL_WITHIN)


def test_a_model_does_not_come_by_the_decks_own_parameters(tmp_path: Path) -> None:
    path = tmp_path / "lacks.lib"
    path.write_text(
        ".subckt LACKS 1 2 3 4 5\nE1 5 0 1 2 {10*R_F}\nR_Z 1 2 1k\n.ends\n"
        ".subckt HAS 1 2 3 4 5\n.param R_F=1e4\n.func f(R_Z) {R_Z*V_DD}\n.param V_DD=1\n"
        "E1 5 0 1 2 {10*f(R_F)}\nB1 6 0 V={v(V_SS)}\nR_Z V_SS 6 1k\n.ends\n",
        encoding="utf8",
    )
    assert len(cells.foreign_cells(circuit(f"{path}:HAS"))) == 1
    with pytest.raises(UserError, match=r"LACKS of lacks\.lib.*asks for the parameter r_f, which"):
        cells.foreign_cells(circuit(f"{path}:LACKS"))


def test_a_diode_of_known_parameters_is_one_of_ours(diodes: Path) -> None:
    read = circuit("macro", activation={"diode": f"{diodes}:SAME"}).activation.rectifier
    assert read == DIODES["BAT54"].model_copy(update={"name": "SAME"})
    assert spice_number("11.14P") == pytest.approx(11.14e-12)
    assert spice_number("1MEG") == 1e6
    assert spice_number("1Mohm") == 1e-3
    assert spice_number("36V") == 36


def test_a_diode_of_ltspice_is_one_of_ours_without_its_ratings(
    tmp_path: Path, weights: Weights
) -> None:
    path = tmp_path / "ltspice.lib"
    path.write_text(
        f"{DIODE_LIB}.MODEL RATED D(IS=2.117E-7 N=1.016 RS=2.637 CJO=11.14P VJ=.2013 M=.3868\n"
        "+ EG=0.69 XTI=2 BV=36V Iave=200m Vpk=30 mfg=OnSemi type=Schottky Irms = 1 IBV=1.196U)\n"
        ".SUBCKT INSIDE A K\n.MODEL DX D(IS=2.117E-7 N=1.016 RS=2.637 CJO=11.14P VJ=.2013\n"
        "+ M=.3868 EG=0.69 XTI=2 BV=36 IBV=1.196U Vpk=30 mfg=Vishay type=silicon)\n"
        ".MODEL QX NPN(BF=100 Vceo=40 Icrating=200m mfg=NXP)\nD1 A K DX\nQ1 0 0 0 QX\n.ENDS\n",
        encoding="utf8",
    )
    read = circuit("macro", activation={"diode": f"{path}:RATED"}).activation.rectifier
    assert read == DIODES["BAT54"].model_copy(update={"name": "RATED"})
    own = simulated(circuit("macro", activation={"diode": "BAT54"}), weights)
    inside = simulated(circuit("macro", activation={"diode": f"{path}:INSIDE"}), weights)
    np.testing.assert_allclose(nodes(inside), nodes(own), rtol=0, atol=MODEL_WITHIN)


def test_a_diode_of_a_file_is_held_against_the_temperature_too(diodes: Path) -> None:
    with pytest.raises(UserError, match=r"circuit: activation\.diode SAME: at 125 °C SPICE's law"):
        circuit("macro", activation={"diode": f"{diodes}:SAME"}, temperature=125.0)


@pytest.mark.parametrize("name", ["MORE", "CELL"])
def test_other_diodes_are_cells_of_the_same_voltages(
    name: str, diodes: Path, weights: Weights
) -> None:
    # FC is at its default, so that all three are one diode.
    own = circuit("macro", activation={"diode": "BAT54"})
    foreign = circuit("macro", activation={"diode": f"{diodes}:{name}"})
    assert cells.diode_model(foreign.activation.rectifier) is None
    one, other = nodes(simulated(own, weights)), nodes(simulated(foreign, weights))
    np.testing.assert_allclose(other, one, rtol=0, atol=MODEL_WITHIN)
    with pytest.raises(UserError, match="no closed form knows it"):
        foreign.activation.transfer(np.array([0.5]), 27.0)
    with pytest.raises(UserError, match="no closed form knows it"):
        foreign.activation.input_resistances(0.5, 27.0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NONE", "no diode NONE; there are SAME, MORE, WRONG, CELL"),
        ("TRANSISTOR", "TRANSISTOR is no diode, wanted a .model of type D"),
        ("WRONG", "line 10: .model WRONG, n: Input should be greater than 0"),
    ],
)
def test_what_is_no_diode_is_refused(name: str, said: str, diodes: Path) -> None:
    with pytest.raises(UserError) as caught:
        circuit("macro", activation={"diode": f"{diodes}:{name}"})
    assert said in str(caught.value)


def test_a_run_with_models_from_files_is_repeated_without_them(
    library: Path, diodes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["--layers", "2,2,1", "--epochs", "1", "--samples", "4", "--quiet"]
    models = ["--opamp", f"{library}:AMP", "--diode", f"{diodes}:MORE"]
    assert run([*arguments, *models, "--out", str(out)]) == 0, capsys.readouterr().err
    library.unlink()  # the run folder has all that it takes
    diodes.unlink()
    again = set_up(load_config(out / "config.toml", None, {}))
    assert again.config.to_toml() == (out / "config.toml").read_text(encoding="utf8")
    with np.load(out / "weights.npz", allow_pickle=False) as saved:
        pairs = [ResistorPairs(saved[f"r_plus{k}"], saved[f"r_minus{k}"], 0) for k in (1, 2)]
    rest = still(0.0, np.zeros(2), np.zeros(NETWORK.neurons))
    deck = format_deck(build_deck(NETWORK, again.circuit, pairs, [("p1", rest)]))
    cells_of = [
        text.partition("* layer 1")[0].partition(".param")[2]
        for text in (deck, (out / "network.cir").read_text(encoding="utf8"))
    ]
    assert cells_of[0] == cells_of[1]
    assert ".subckt di0_more" in cells_of[0]
    config = tomllib.loads((out / "config.toml").read_text(encoding="utf8"))
    assert config["circuit"]["opamp"]["model"]["text"].startswith(".subckt AMP 1 2 3 4 5\n")
    assert json.loads((out / "summary.json").read_text(encoding="utf8"))["finished"]
    assert all(math.isfinite(volts) for volts in run_bare(out, "network.cir").values())
    # What rests on closed forms or on figures of the op-amp says that it cannot do with a file.
    assert attribute([str(out)]) == 2
    assert "AMP is a model of" in capsys.readouterr().err
    assert characterize(["--config", str(out / "config.toml")]) == 2
    assert "has no closed forms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--opamp", "none.lib:AMP"], "circuit.opamp.model: none.lib: there is no such model file"),
        (["--opamp", "none.lib:"], "wanted FILE:NAME"),
        (["--opamp", "none.lib:a b"], "should match pattern"),
        (["--opamp", "x\n.control:AMP"], "should match pattern"),
        (["--set", "circuit.opamp.level=file"], "wanted a model, as FILE:NAME"),
        (["--set", "circuit.opamp.pins=inp inn vdd vss vss"], "pins"),
        (["--set", "circuit.opamp.pins=1 2 3 4 5"], "should match pattern"),
        (["--diode", "none.lib:D1"], "there is no such model file"),
        (["--diode", "none"], "nor FILE:NAME"),
    ],
)
def test_wrong_references_get_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert said in complaint


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "LIMIT(#,-1,1)": lambda x: min(max(x, -1), 1),
    "limit (#, 1, -1)": lambda x: min(max(x, -1), 1),
    "limit(-#,LOW,-LOW)": lambda x: min(max(-x, -1), 1),  # LOW is limited itself
    "if(#>0,2,if(#<-1,3,4))": lambda x: 2 if x > 0 else 3 if x < -1 else 4,
    "pwr(#,3)": lambda x: abs(x) ** 3,
    "PWRS(#,3)": lambda x: math.copysign(abs(x) ** 3, x),
    "stp(#)": lambda x: float(x >= 0),
    "arctan(#)": math.atan,
    "int(#)": math.trunc,
    "limit(pwrs(#,2)-if(#<0,1,2),-3,#+stp(#))*2": lambda x: (
        2 * min(max(math.copysign(x * x, x) - (1 if x < 0 else 2), -3), x + (x >= 0))
    ),
    "own(#)": lambda x: min(max(x, -1.5), 1.5),
}
"""Calls of functions as PSpice's reference guide has them, and what they come to, by hand."""

VALUES = (-2.6, -0.4, 0.0, 0.7, 2.3)


def test_functions_of_pspice_have_their_values_in_elements_and_parameters(tmp_path: Path) -> None:
    count = len(FUNCTIONS)
    outs = [f"{kind}{k}" for k in range(count) for kind in "ep"]
    pins = " ".join(f"{out}_#" for out in [*outs, "code"])
    body = [
        f".param v{k}={{{call.replace('#', 'X')}}}\nEp{k} p{k} 0 VALUE={{v{k}}}\n"
        f"Ee{k} e{k} 0 VALUE={{{call.replace('#', 'V(in)')}}}"
        for k, call in enumerate(FUNCTIONS)
    ]
    code = ".model LIM limit(gain=1 out_lower_limit=-2 out_upper_limit=2)\nA1 in code LIM"
    path = tmp_path / "functions.lib"
    path.write_text(
        ".param LOW={limit(-7,-1,1)}\n.func own(x) {limit(x,-1.5,1.5)}\n"
        f".subckt CELL in {' '.join(outs)} code PARAMS: X=0\n"
        + "\n".join([*body, code, ".ends", ""]),
        encoding="utf8",
    )
    decks, found = [], []
    for _ in range(2):
        library = parse_library(read_lines(path), "functions.lib")
        text = "\n".join([*library.statements(library.subckt("CELL"), {"cell": "CELL"}), ""])
        again = parse_library(split_lines(text, "text"), "text")
        assert "\n".join([*again.statements(again.subckt("CELL"), {"cell": "CELL"}), ""]) == text
        instances = [
            f"V{n} in{n} 0 {x}\nX{n} in{n} {pins.replace('#', str(n))} CELL X={x}"
            for n, x in enumerate(VALUES)
        ]
        decks.append("\n".join(["* functions", text, *instances, ".end", ""]))
        get_library().load(decks[-1])
        get_library().command("op")
        found.append(
            [
                [get_library().latest(f"{out}_{n}") for out in [*outs, "code"]]
                for n in range(len(VALUES))
            ]
        )
    assert decks[0] == decks[1]
    assert found[0] == found[1]
    wanted = [
        [*(float(f(x)) for f in FUNCTIONS.values() for _ in "ep"), min(max(x, -2), 2)]
        for x in VALUES
    ]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-9, atol=1e-9)


def test_an_op_amp_that_limits_its_output_is_the_same_in_every_run(
    tmp_path: Path, weights: Weights
) -> None:
    path = tmp_path / "limiting.lib"
    text = VENDOR.replace("E1 b 0 a 0 {K}", "E1 b 0 VALUE={LIMIT(K*V(a),10,-10)}")
    path.write_text(text, encoding="utf8")
    first, second = (simulated(circuit(f"{path}:AMP"), weights) for _ in range(2))
    np.testing.assert_array_equal(nodes(first), nodes(second))
    own = simulated(circuit("single-pole"), weights)  # of which nothing comes near 10 V
    np.testing.assert_allclose(nodes(first), nodes(own), rtol=0, atol=MODEL_WITHIN)


def test_what_cannot_do_with_models_from_files_says_so(library: Path) -> None:
    c = circuit(f"{library}:AMP")
    with pytest.raises(UserError, match=r"circuit\.opamp: AMP is a model of .*neospice"):
        NeospiceEngine(NETWORK, c, CLOCK)
    with pytest.raises(UserError, match=r"circuit\.opamp: AMP is a model of .*measured curve"):
        activation_curve.measure(c, SolverSettings())


def test_pyspice_gets_the_text_of_models(library: Path, weights: Weights) -> None:
    c = circuit(f"{library}:AMP")
    pairs = [c.synapse.program(w) for w in weights(NETWORK, 3)]
    rest = still(0.0, np.zeros(2), np.zeros(NETWORK.neurons))
    text = str(to_pyspice(build_deck(NETWORK, c, pairs, [("p1", rest)])))
    assert ".subckt oa0_amp 1 2 3 4 5" in text
    assert "Xm inp inn vdd vss out oa0_amp" in text


def test_the_build_command_takes_files_too(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deck = tmp_path / "deck.cir"
    assert build(["--opamp", f"{library}:AMP", "--fidelity", "op", "-o", str(deck)]) == 0
    assert ".subckt oa0_amp 1 2 3 4 5" in deck.read_text(encoding="ascii")
    assert build(["--opamp", f"{library}:BUFFER"]) == 2
    assert "has 2 pins (a b), got 5" in capsys.readouterr().err


def test_figures_that_a_file_decides_have_no_exceptions(library: Path) -> None:
    with pytest.raises(ValueError, match="gbw is not in the file model"):
        circuit(f"{library}:AMP", exceptions={"n1_1_a": {"gbw": 1e6}})
