"""Parts that differ from the rest, against closed forms of the stages that they sit in."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.exceptions import amplifier_names
from netlists.build import SolverSettings, amplifier_paths
from netlists.deck import Deck
from netlists.elements import Instance
from netlists.export import random_deck
from netlists.pyspice import to_pyspice
from netlists.spice import format_deck, format_for_library
from sim.clock import Clock
from sim.config import RunConfig
from sim.engine import Readout
from sim.engines import NgspiceEngine
from sim.libngspice import get_library
from sim.passes import NO_JUMPS, Jumps, Passes
from sim.run import main as run
from sim.settings import load_config

Array = NDArray[np.float64]
R_F, R_Z, R_MAX = 100e3, 1e6, 10e6
TIGHT = SolverSettings(reltol=1e-7)
AT_REST = Clock(100e-6, 50e-6, "aperture")

FINITE_GAIN = 1e-4
"""Of the shift: a loop of about 10 over a gain of 5.6e5 takes 2e-5."""

ONE_POLE = 2e-3
"""Of the jump. The other amplifier, a thousand times as fast, lags by a thousandth of the time
constant; the jump's edge of 10 ns adds half its length, 1/600 of it."""


def circuit(exceptions: dict[str, object], **more: object) -> CircuitParameters:
    """A source that is a voltage, so that R_z alone joins the weights at the summing node."""
    parts = {"noise": {"source": "gaussian"}, **more}
    return CircuitParameters.model_validate({"exceptions": exceptions, **parts})


def weights(network: Network) -> list[Array]:
    rng = np.random.default_rng(5)
    shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
    return [rng.uniform(-0.9, 0.9, shape) for shape in shapes]


def run_once(
    network: Network,
    c: CircuitParameters,
    clock: Clock = AT_REST,
    *,
    age: float | None = None,
    step: float = 1.0,
) -> Readout:
    """One pass at fixed inputs; the noise source jumps from −`step` to +`step` V at `age` s."""
    controls = np.full((1, network.neurons), 0.0 if age is None else step)
    jump = NO_JUMPS if age is None else Jumps(np.array([age]), np.array([-step]))
    inputs = np.linspace(-0.3, 0.5, network.layers[0])[np.newaxis]
    passes = Passes(inputs, controls, ((jump,) * network.neurons,), 0.1 * controls)
    engine = NgspiceEngine(network, c, clock, solver=TIGHT)
    engine.write(weights(network))
    return engine.run(passes)


def conductance(row: Array, sign: int) -> float:
    """Σ G± of a neuron's weights, S: `G± = 1/R_max + max(±w, 0)/R_f`."""
    return float(np.sum(1 / R_MAX + np.maximum(sign * row, 0) / R_F))


@pytest.mark.parametrize("offset", [5e-3, -3e-3])
@pytest.mark.parametrize("amplifier", ["a", "b"])
def test_an_offset_comes_out_times_the_noise_gain_of_its_stage(
    amplifier: str, offset: float
) -> None:
    """`V_os (1 + R_f ΣG)`, ΣG at the amplifier's summing node; `a`'s is inverted by `b` once."""
    network = Network((3, 2))
    plain = run_once(network, circuit({}))
    faulty = run_once(network, circuit({f"n1_2_{amplifier}": {"v_offset": offset}}))
    row = weights(network)[0][1]
    if amplifier == "a":
        wanted = -offset * (1 + R_F * (conductance(row, 1) + 1 / R_Z))
    else:
        wanted = offset * (1 + R_F * (conductance(row, -1) + 1 / R_F))
    moved = faulty.pre[0][0] - plain.pre[0][0]
    assert moved[1] == pytest.approx(wanted, rel=FINITE_GAIN)
    assert abs(moved[0]) < tolerances.SAME_DECK


def test_a_buffers_offset_comes_out_as_it_is() -> None:
    network = Network((2, 3, 1))
    plain = run_once(network, circuit({}))
    faulty = run_once(network, circuit({"n1_3_buf": {"v_offset": 4e-3}}))
    moved = faulty.outputs[0][0] - plain.outputs[0][0]
    assert moved[2] == pytest.approx(4e-3, rel=FINITE_GAIN)
    assert np.abs(moved[:2]).max() < tolerances.SAME_DECK
    # The next layer sees it times its weight.
    wanted = weights(network)[1][0, 2] * 4e-3
    assert faulty.pre[1][0, 0] - plain.pre[1][0, 0] == pytest.approx(wanted, rel=FINITE_GAIN)


def test_an_offset_in_the_precision_rectifier_comes_out_times_its_noise_gain() -> None:
    """By Kirchhoff's laws with an ideal diode: `V_os (1 + s)(1 + t/(1 + t))`.

    s is the slope of the half that conducts, t the idle one's. That hangs between both summing
    nodes: its middle rests at `V_os t/(1 + t)`, which the rectifying amplifier takes out of the
    other half.
    """
    parts = {"kind": "precision", "diode": "ideal", "r_positive": "2k", "r_negative": "30k"}
    exceptions: dict[str, object] = {"n1_1_sum": {"v_offset": 3e-3}}
    network = Network((1, 1, 1))
    plain = circuit({}, activation=parts)
    before = run_once(network, plain)
    after = run_once(network, circuit(exceptions, activation=parts))
    s, t = plain.activation.positive_slope, plain.activation.negative_slope
    if before.pre[0][0, 0] < 0:
        s, t = t, s
    wanted = 3e-3 * (1 + s) * (1 + t / (1 + t))
    assert after.outputs[0][0, 0] - before.outputs[0][0, 0] == pytest.approx(wanted, rel=1e-3)


def test_a_slow_amplifier_slows_its_own_neuron_by_its_own_pole() -> None:
    """Single pole: `a` reaches its end as `exp(−t/τ)`, τ = (1 + R_f ΣG)/(2π GBW)."""
    gbw, step = 100e3, 1.0
    network = Network((2, 2))
    opamp = {"level": "single-pole", "gbw": 100e6}
    row = weights(network)[0][1]
    tau = (1 + R_F * (conductance(row, -1) + 1 / R_F)) / (2 * np.pi * gbw)
    plain = circuit({}, opamp=opamp)
    slow = circuit({"n1_2_b": {"gbw": gbw}}, opamp=opamp)
    settled = run_once(network, slow, step=step, age=40 * tau, clock=Clock(1e-3, 60 * tau, "full"))
    for age in (0.5 * tau, 1.5 * tau):
        clock = Clock(1e-3, 20 * tau, "aperture")
        late = run_once(network, slow, clock, age=age, step=step)
        fast = run_once(network, plain, clock, age=age, step=step)
        jump = 2 * step * R_F / R_Z
        missing = settled.pre[0][0, 1] - late.pre[0][0, 1]
        assert missing == pytest.approx(jump * np.exp(-age / tau), abs=ONE_POLE * jump)
        assert abs(late.pre[0][0, 0] - fast.pre[0][0, 0]) < tolerances.SAME_SAMPLE


@pytest.mark.parametrize("level", ["single-pole", "macro"])
def test_exceptions_for_every_op_amp_are_another_op_amp(level: str) -> None:
    figures: dict[str, float] = {"gbw": 400e3, "open_loop_gain": 60.0}
    if level == "macro":
        figures |= {"v_offset": 2e-3, "slew_rate": 0.1e6}
    network = Network((2, 2, 1))
    names = amplifier_names(network, CircuitParameters().activation)
    common = circuit({}, opamp={"level": level, **figures})
    single = circuit(dict.fromkeys(names, figures), opamp={"level": level})
    for age in (None, 1e-6):
        one, other = (run_once(network, c, age=age) for c in (common, single))
        for a, b in zip((*one.pre, *one.outputs), (*other.pre, *other.outputs), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerances.SAME_DECK)
    unlike = run_once(network, circuit({}, opamp={"level": level}), age=1e-6)
    assert np.abs(one.pre[0] - unlike.pre[0]).max() > 1e-3


EXCEPTIONS: dict[str, object] = {
    "n1_2_b": {"v_offset": 5e-3},
    "n1_2_buf": {"gbw": 500e3, "slew_rate": 1e6},
    "n2_1_a": {"open_loop_gain": 80},
}


def decks(stretch: float = 10e-6) -> tuple[Deck, Deck]:
    """Without and with exceptions."""
    network = Network((2, 2, 1))
    own = CircuitParameters.model_validate({"exceptions": EXCEPTIONS})
    plain = random_deck(network, CircuitParameters(), stretch, 3)
    return plain, random_deck(network, own, stretch, 3)


def test_exceptions_add_cells_and_name_them_where_they_are_used() -> None:
    plain, own = decks()
    added = [cell.name for cell in own.subcircuits if cell not in plain.subcircuits]
    assert added == [
        "opamp_n1_2_b", "opamp_n1_2_buf", "activation_n1_2", "hidden_perceptron_n1_2",
        "opamp_n2_1_a", "output_perceptron_n2_1", "layer1", "layer2",
    ]  # fmt: skip
    text = format_deck(own)
    for suffix in ("_n1_2_buf", "_n1_2_b", "_n1_2", "_n2_1_a", "_n2_1"):
        text = text.replace(f"perceptron{suffix}", "perceptron").replace(
            f"activation{suffix}", "activation"
        )
        text = text.replace(f"opamp{suffix} ;", "opamp ;")
    missing = set(format_deck(plain).splitlines()) - set(text.splitlines())
    assert not missing
    assert "* MCP601, macro model; n1_2_b differs in v_offset 0.005 V" in text
    assert ".subckt opamp_n1_2_b inp inn out vdd vss OA_VOS=0.005\n" in text


def test_every_named_op_amp_is_in_its_place() -> None:
    _, own = decks()
    network, c = Network((2, 2, 1)), CircuitParameters()
    names = amplifier_names(network, c.activation)
    for name, path in zip(names, amplifier_paths(network, c), strict=True):
        assert cell_at(own, path) == (f"opamp_{name}" if name in EXCEPTIONS else "opamp")


def cell_at(deck: Deck, path: str) -> str:
    """Name of the cell that an instance is of, by ngspice's name of the instance."""
    cells = {cell.name: cell.elements for cell in deck.subcircuits}
    elements, name = deck.elements, ""
    for part in path.split("."):
        inside = [e for e in elements if isinstance(e, Instance)]
        name = next(e.subcircuit for e in inside if f"x{e.name}" == part)
        elements = cells[name]
    return name


SCRIPT = """
import logging, sys
from PySpice.Spice.NgSpice.Shared import NgSpiceShared
from netlists.export import random_deck
from netlists.pyspice import to_pyspice
from circuits import CircuitParameters, Network
from sim.libngspice import find_library
logging.disable(logging.CRITICAL)
NgSpiceShared.LIBRARY_PATH = find_library()
circuit = CircuitParameters.model_validate_json(sys.argv[1])
deck = random_deck(Network((2, 2, 1)), circuit, 0.0, 3)
analysis = to_pyspice(deck).simulator(temperature=27, nominal_temperature=27).operating_point()
print(*(repr(float(analysis[node][0])) for node in deck.probes))
"""


def test_pyspice_has_them_too() -> None:
    c = CircuitParameters.model_validate({"exceptions": EXCEPTIONS})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, c.model_dump_json(exclude_none=True)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    found = []
    for deck in decks(0.0):
        library = get_library()
        library.load(format_for_library(deck))
        library.command("op")
        found.append([float(library.vector(node)[0]) for node in deck.probes])
        library.command("destroy all")
    plain, own = found
    # Nine digits of a number in the deck, all of them in PySpice's.
    np.testing.assert_allclose([float(v) for v in done.stdout.split()], own, rtol=1e-6, atol=1e-8)
    assert np.abs(np.subtract(own, plain)).max() > 1e-3
    assert ".subckt opamp_n1_2_b " in str(to_pyspice(decks()[1]))


def test_a_configuration_with_exceptions_survives_its_file(tmp_path: Path) -> None:
    assigned = ("circuit.exceptions.n1_2_b.v_offset=5m", "circuit.exceptions.n1_2_b.gbw=1M")
    config = load_config(None, None, {}, assignments=assigned)
    assert config.circuit.exceptions["n1_2_b"].figures == {"v_offset": 5e-3, "gbw": 1e6}
    path = tmp_path / "run.toml"
    path.write_text(config.to_toml(), encoding="utf8")
    again = load_config(path, None, {}, assignments=("circuit.exceptions.n2_1_a.gbw=1k",))
    assert again.circuit.exceptions.keys() == {"n1_2_b", "n2_1_a"}
    assert RunConfig().complete().circuit.exceptions == {}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("n9_1_b.v_offset=5m", "no part n9_1_b in 2,2,2,1; its neurons are n1_1, n1_2, n2_1,"),
        ("n1_3_b.v_offset=5m", "no part n1_3_b in 2,2,2,1; its neurons are n1_1, n1_2, n2_1"),
        (
            "n3_1_buf.gbw=1M",
            "no part n3_1_buf in 2,2,2,1: n3_1 is an output neuron and has a, b, rz, rs, ro, rf1,",
        ),
        ("n1_1_rect.gbw=1M", "n1_1_rect: wanted n<layer>_<neuron>_<part>, as in n1_2_b, with a"),
        ("n1_1_B.gbw=1M", "n1_1_B: wanted n<layer>_<neuron>_<part>"),
        ("n0_1_b.gbw=1M", "n0_1_b: wanted n<layer>_<neuron>_<part>"),
        ("n1_1_b.r_out=1", "r_out: no such parameter; there are v_offset, gbw, open_loop_gain,"),
        (
            "n1_1_b.gbw=-1",
            "--set circuit.exceptions.n1_1_b.gbw: input should be greater than or equal to 1",
        ),
        ("n1_1_b=5m", "--set circuit.exceptions.n1_1_b: wanted a section of parameters, got '5m'"),
    ],
)
def test_exceptions_for_what_is_not_there_are_refused(
    typed: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--set", f"circuit.exceptions.{typed}"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "--activation precision --set circuit.exceptions.n1_1_buf.gbw=1M",
            "with a part of a, b, rect, sum, rz,",
        ),
        ("--opamp ideal --set circuit.exceptions.n1_1_b.gbw=1M", "gbw is not in the ideal model"),
        (
            "--opamp single-pole --set circuit.exceptions.n1_1_b.v_offset=1m",
            "v_offset is not in the single-pole model; set circuit.opamp.level to macro",
        ),
        ("--set circuit.exceptions=5", "circuit.exceptions: wanted a section of parameters"),
        ("--engine ideal --set circuit.exceptions.n9_1_b.gbw=1M", "no part n9_1_b in 2,2,2,1"),
    ],
)
def test_exceptions_that_a_circuit_has_no_use_for_are_refused(
    options: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(options.split()) == 2
    assert expected in capsys.readouterr().err


def test_an_empty_exception_is_refused() -> None:
    with pytest.raises(ValueError, match="n1_1_b: wanted one or more of v_offset, gbw"):
        CircuitParameters.model_validate({"exceptions": {"n1_1_b": {}}})
