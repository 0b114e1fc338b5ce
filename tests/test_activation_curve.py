"""The calibrated twin: the curve as measured, its file, its gradient, and how close it comes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from learning import (
    Activation,
    ActivationFunction,
    Backpropagation,
    MeasuredActivation,
    Model,
    forward,
    init_model,
    loss_gradient,
)
from netlists import cells
from netlists.build import SolverSettings
from netlists.elements import Instance, VoltageSource
from sim import activation_curve, cosim
from sim.activation_curve import WITHIN, ActivationCurve, CurveFile
from sim.alignment import measure_alignment
from sim.characterize.bench import Bench
from sim.clock import Clock
from sim.compare import Comparison, compare
from sim.engines import IdealEngine, NgspiceEngine
from sim.engines.circuit import CircuitEngine
from sim.errors import UserError
from sim.guards import Doubt
from sim.passes import split_layers
from sim.run import main as run
from sim.schedule import open_schedule
from sim.settings import load_config

pytestmark = pytest.mark.usefixtures("undrawn")

torch.set_num_threads(1)  # the machine is shared, and the arrays are small

Array = NDArray[np.float64]
SOLVER = SolverSettings()
TIGHT = SolverSettings(reltol=1e-9)
CURVE = MeasuredActivation(np.array([-2.0, -0.5, 0.3, 1.0]), np.array([-0.4, -0.1, 0.2, 1.3]))
"""Slopes 0.2, 0.375 and 11/7: no two alike, and none through zero."""


def circuit_of(**settings: object) -> CircuitParameters:
    return CircuitParameters.model_validate(settings)


def cell_bench(circuit: CircuitParameters) -> Bench:
    return Bench(
        circuit,
        TIGHT,
        (cells.opamp_cell(circuit.opamp), cells.activation_cell(circuit)),
        (
            VoltageSource("a", "a", "0", 0.0),
            Instance("cell", ("a", "x", "vdd", "vss"), "activation"),
        ),
        ("a", "x"),
        "test",
    )


def function(curve: ActivationCurve) -> MeasuredActivation:
    return MeasuredActivation(curve.a, curve.x)


def written(path: Path, curve: ActivationCurve) -> str:
    activation_curve.write(path, curve, ["a test"])
    return str(path)


def default_curve() -> ActivationCurve:
    return activation_curve.measure(CircuitParameters(), SOLVER)


def straight_curve() -> ActivationCurve:
    circuit = CircuitParameters()
    a = np.array([-2.0, 0.0, 3.0])
    return ActivationCurve(a, circuit.activation.ideal_transfer(a))


def set_up(path: str | None = None, **overrides: Any) -> cosim.Setup:
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    return cosim.set_up(load_config(None, None, settings | {"simulation.activation_curve": path}))


# --- measured in ngspice -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({}, 700),
        ({"temperature": 85.0, "activation": {"diode": "1N4148"}}, 900),
        ({"activation": {"kind": "precision"}}, 60),
        ({"opamp": {"level": "single-pole"}, "activation": {"r_load": "5k"}}, 700),
        # Two lines; where the macromodel's supplies clip a sum, one corner more.
        ({"activation": {"kind": "precision", "diode": "ideal"}}, 8),
        ({"opamp": {"level": "ideal"}, "activation": {"diode": "ideal"}}, 3),
    ],
)
def test_straight_lines_between_the_points_stay_within_the_stated_error(
    settings: dict[str, object], most: int
) -> None:
    circuit = circuit_of(**settings)
    curve = activation_curve.measure(circuit, SOLVER)
    macro = circuit.opamp.level == "macro"
    low, high = (curve.a[1], curve.a[-2]) if macro else (curve.a[0], curve.a[-1])
    # 2,843 steps on either side, which no grid of the measurement's own lines up with.
    for ends in ((low, 0.0), (0.0, high), (-0.05, 0.05)):
        found = cell_bench(circuit).sweep("a", np.linspace(*ends, 2844))
        assert np.abs(function(curve)(found["a"]) - found["x"]).max() < WITHIN
    assert len(curve.a) <= most
    # Fewer points would not do: every third one left out shows, where there is more than a line.
    if len(curve.a) > 20:
        fewer = MeasuredActivation(curve.a[::3], curve.x[::3])
        assert np.abs(fewer(curve.a[1:-3]) - curve.x[1:-3]).max() > WITHIN


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 125.0])
def test_the_dividers_curve_is_its_closed_form(temperature: float) -> None:
    circuit = circuit_of(temperature=temperature, activation={"diode": "HSMS-2860", "r_load": 1e4})
    curve = activation_curve.measure(circuit, SOLVER)
    at = np.linspace(-2.4, 2.4, 121)
    wanted = circuit.activation.divider_transfer(at, temperature)
    atol = WITHIN + tolerances.REAL_DIODE
    np.testing.assert_allclose(function(curve)(at), wanted, rtol=0, atol=atol)
    elsewhere = circuit.activation.divider_transfer(at, temperature + 5)
    assert np.abs(elsewhere - wanted).max() > 100 * atol


def test_without_rails_the_curve_of_ideal_parts_is_two_lines_that_go_on() -> None:
    circuit = circuit_of(opamp={"level": "ideal"}, activation={"diode": "ideal"})
    curve = activation_curve.measure(circuit, SOLVER)
    assert (curve.a[0], curve.a[-1]) == pytest.approx((-2.5, 2.5))
    at = np.linspace(-10, 10, 101)
    wanted = circuit.activation.ideal_transfer(at)
    np.testing.assert_allclose(function(curve)(at), wanted, rtol=0, atol=tolerances.IDEAL_PARTS)


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_the_flat_ends_are_where_a_neuron_stops_that_is_asked_for_more(kind: str) -> None:
    circuit = circuit_of(activation={"kind": kind})
    curve = activation_curve.measure(circuit, SOLVER)
    assert curve.x[0] == curve.x[1]
    assert curve.x[-1] == curve.x[-2]
    network, clock = Network((1, 1, 1)), Clock(1e-3, 10e-6, "op")
    engine = NgspiceEngine(network, circuit, clock, solver=SOLVER)
    inputs = np.array([[1.0], [-1.0]])
    schedule = open_schedule(network, circuit, clock, np.random.default_rng(0))

    def ask(weight: float) -> tuple[Array, Array]:
        engine.write([np.array([[weight]]), np.array([[1.0]])])
        readout = engine.run(schedule.held(inputs))
        return readout.pre[0][:, 0], readout.outputs[0][:, 0]

    # Through R− the amplifier before the rectifier is the only one that stops. Asked for 0.5 V
    # more than its end, it drives that over R− and R_f through its 125 Ω: some 0.5 mV.
    a, x = ask(-3.0)
    np.testing.assert_allclose(a, [curve.a[1], curve.a[-2]], rtol=0, atol=1e-3)
    wanted = function(curve)(np.array([-3.0, 3.0]))
    np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-3)
    # Through R+ the first amplifier stops too, the leakage of R− uncancelled: R_f/R_max of the
    # input is 10 mV at a, which the slope for a < 0 makes 1 mV.
    _, x = ask(3.0)
    np.testing.assert_allclose(x, wanted[::-1], rtol=0, atol=2e-3)
    # The headroom alone is not where amplifiers stop: the load takes more.
    assert curve.a[-2] < 2.48 - 0.01


def test_a_circuit_of_one_sign_has_no_curve() -> None:
    circuit = circuit_of(v_dd=0.5, v_ss=-2.5, opamp={"headroom": 1.0})
    with pytest.raises(UserError, match=r"from -1\.496 to -0\.4994 V leave out one sign"):
        activation_curve.measure(circuit, SOLVER)


# --- the file ----------------------------------------------------------------------------------

VOLTS = st.floats(-1e9, 1e9, allow_nan=False)


@given(
    below=st.lists(st.floats(-1e3, -1e-3), min_size=1, max_size=20, unique=True),
    above=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20, unique=True),
    data=st.data(),
)
def test_a_file_gives_every_bit_back(
    tmp_path_factory: pytest.TempPathFactory,
    below: list[float],
    above: list[float],
    data: st.DataObject,
) -> None:
    a = np.array(sorted([*below, *above]))
    x = np.array(data.draw(st.lists(VOLTS, min_size=len(a), max_size=len(a))))
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    activation_curve.write(path, ActivationCurve(a, x), ["one", "two"])
    back = activation_curve.read(path).curve
    assert back.a.tobytes() == a.tobytes()
    assert back.x.tobytes() == x.tobytes()
    assert path.read_text(encoding="utf8").startswith("# one\n# two\na_v,x_v\n")


def test_the_notes_name_circuit_temperature_and_engine(tmp_path: Path) -> None:
    circuit = circuit_of(temperature=80.0, activation={"kind": "precision", "diode": "BAT54"})
    path = tmp_path / "curve.csv"
    activation_curve.write(path, straight_curve(), activation_curve.describe(circuit))
    text = path.read_text(encoding="utf8")
    for note in (
        "# circuit: precision, diode BAT54, MCP601 op-amps (macro)\n",
        "# supplies: -2.5 and 2.5 V\n",
        "# temperature: 80 °C\n",
    ):
        assert note in text
    assert re.search(r"^# engine: ngspice \d+", text, re.MULTILINE)


def test_spaces_comments_and_other_systems_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_bytes(
        "\ufeff# bench, 2 µV\r\n\r\n A_V , X_V \r\n -1, -0.1\r\n#\r\n1 ,0.9\r\n".encode()
    )
    found = activation_curve.read(path)
    np.testing.assert_array_equal(found.curve.a, [-1, 1])
    np.testing.assert_array_equal(found.curve.x, [-0.1, 0.9])
    assert found.circuit is None


WRONG = [
    (b"", "curve.csv: wanted a header a_v,x_v, which are volts, got ''"),
    (b"# only a comment\n", "wanted a header a_v,x_v, which are volts, got ''"),
    (b"-1,-0.1\n1,1\n", "wanted a header a_v,x_v, which are volts, got '-1,-0.1'"),
    (b"a_mv,x_mv\n-1,-0.1\n1,1\n", "wanted a header a_v,x_v, which are volts, got 'a_mv,x_mv'"),
    (b"a_v,x_v,t\n-1,-0.1,2\n1,1,2\n", "wanted a header a_v,x_v, which are volts, got 'a_v,x_v,t'"),
    (b"\x89PNG\r\n\x1a\n\xff\xfe", "curve.csv: is not UTF-8 text, wanted CSV with columns a_v,x_v"),
    (b"a_v,x_v\n-1,-0.1\n\n1;0.9\n", "curve.csv: line 4: wanted two numbers, got '1;0.9'"),
    (b"a_v,x_v\n-1,-0.1,7\n1,1\n", "curve.csv: line 2: wanted two numbers, got '-1,-0.1,7'"),
    (b"a_v,x_v\n-1,low\n1,1\n", "curve.csv: line 2: wanted two numbers, got '-1,low'"),
    (b"a_v,x_v\n", "curve.csv: wanted at least 2 points, got 0"),
    (b"a_v,x_v\n-1,-0.1\n", "curve.csv: wanted at least 2 points, got 1"),
    (b"a_v,x_v\n-1,nan\n1,1\n", "curve.csv: point 1: wanted finite voltages, got -1,nan"),
    (b"a_v,x_v\n-1,-0.1\n1,1e12\n", "curve.csv: point 2: wanted finite voltages, got 1,1e+12"),
    (
        b"a_v,x_v\n-1,-0.1\n1,1\n0.5,0.4\n",
        "curve.csv: point 3: wanted a in ascending order, got 0.5 V after 1 V; sort the points",
    ),
    (b"a_v,x_v\n-1,-0.1\n-1,0\n1,1\n", "point 2: wanted a in ascending order, got -1 V after -1 V"),
    (b"a_v,x_v\n0,0\n1,1\n", "curve.csv: wanted points on both sides of a = 0 V, got 0 to 1 V"),
    # The smallest double above zero: 2 V over it is beyond the largest.
    (
        b"a_v,x_v\n-1,-0.1\n0,0\n5e-324,2\n1,3\n",
        "points 2 and 3: wanted a slope of 1e+30 V/V at most, got inf V/V from 0,0 to 4.94066e-324",
    ),
    (
        b"# danp-cosim circuit: 5 V\na_v,x_v\n-1,0\n1,1\n",
        "curve.csv: line 1: wanted a JSON object after 'danp-cosim circuit:', got '5 V'; measure",
    ),
    (b"# danp-cosim circuit: []\na_v,x_v\n-1,0\n1,1\n", "line 1: wanted a JSON object"),
    (
        b"# danp-cosim circuit: {}\n#danp-cosim circuit: {}\na_v,x_v\n-1,0\n1,1\n",
        "curve.csv: line 2: says of a second circuit; keep one 'danp-cosim circuit:' line",
    ),
    (b"a_v,x_v\n-2,0\n-1,1\n", "curve.csv: wanted points on both sides of a = 0 V, got -2 to -1 V"),
]


@pytest.mark.parametrize(("content", "expected"), WRONG, ids=[text for _, text in WRONG])
def test_a_file_that_holds_no_curve_is_refused_in_one_line(
    content: bytes, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "curve.csv"
    path.write_bytes(content)
    assert run(["--activation-curve", str(path)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint


def test_a_file_that_is_not_there_likewise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, why in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        assert run(["--activation-curve", str(path)]) == 2
        expected = f"error: {path}: cannot read the activation curve: {why}"
        assert capsys.readouterr().err.startswith(expected)
    with pytest.raises(UserError, match="cannot write"):
        activation_curve.write(tmp_path / "no" / "curve.csv", straight_curve(), [])


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="as many x as a"):
        ActivationCurve(np.array([-1.0, 1.0]), np.array([0.0]))
    with pytest.raises(ValueError, match="of one shape"):
        MeasuredActivation(np.array([-1.0, 1.0]), np.array([0.0]))
    with pytest.raises(ValueError, match="must ascend"):
        MeasuredActivation(np.array([1.0, -1.0]), np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="slopes between the points must be finite"):
        MeasuredActivation(np.array([-1.0, 0.0, 5e-324]), np.array([0.0, 0.0, 2.0]))


# --- the circuit that it says it is of ---------------------------------------------------------


def stating(circuit: CircuitParameters, folder: Path) -> CurveFile:
    """A curve that says it is of a circuit; the points are no matter."""
    path = folder / "stating.csv"
    activation_curve.write(path, straight_curve(), activation_curve.describe(circuit))
    return activation_curve.read(path)


SHAPING = [
    ({"opamp": {"v_offset": 3e-3}}, "circuit.opamp.v_offset 0.0 (here 0.003)"),
    ({"opamp": {"open_loop_gain": 60}}, "circuit.opamp.open_loop_gain 115.0 (here 60.0)"),
    ({"opamp": {"r_out": 1e3}}, "circuit.opamp.r_out 125.0 (here 1000.0)"),
    ({"opamp": {"headroom": 0.3}}, "circuit.opamp.headroom 0.02 (here 0.3)"),
    ({"activation": {"r_load": 9e3}}, "circuit.activation.r_load 20000.0 (here 9000.0)"),
    ({"activation": {"r_positive": 3e3}}, "circuit.activation.r_positive 200.0 (here 3000.0)"),
    ({"activation": {"r_negative": 9e4}}, "circuit.activation.r_negative 180000.0 (here 90000.0)"),
    ({"activation": {"diode": "BAT54"}}, "circuit.activation.diode HSMS-2850 (here BAT54)"),
    ({"synapse": {"r_feedback": 2e4}}, "circuit.synapse.r_feedback 100000.0 (here 20000.0)"),
    ({"v_dd": 2.0}, "circuit.v_dd 2.5 (here 2.0)"),
    ({"v_ss": -2.0}, "circuit.v_ss -2.5 (here -2.0)"),
    ({"temperature": 85}, "circuit.temperature 27.0 (here 85.0)"),
    (
        {"activation": {"diode": {"name": "HSMS-2850", "i_s": 1e-6}}},
        "circuit.activation.diode HSMS-2850 (here HSMS-2850 with other figures)",
    ),
]


@pytest.mark.parametrize(("settings", "expected"), SHAPING, ids=[text for _, text in SHAPING])
def test_what_shapes_the_curve_is_held_against_the_circuit(
    settings: dict[str, object], expected: str, tmp_path: Path
) -> None:
    stated = stating(CircuitParameters(), tmp_path)
    other = circuit_of(**settings)
    assert stated.differences(other) == (expected,)
    # It does shape it: some point moves by more than the curve's own error.
    ours, theirs = default_curve(), activation_curve.measure(other, SOLVER)
    at = np.unique([*ours.a, *theirs.a])
    assert np.abs(function(ours)(at) - function(theirs)(at)).max() > 2 * WITHIN


PRECISION = {"kind": "precision"}
IDEAL_PARTS = {"opamp": {"level": "ideal"}, "activation": {"diode": "ideal"}}


@pytest.mark.parametrize(
    ("measured", "simulated", "expected"),
    [
        ({}, {}, []),
        ({"opamp": {"gbw": 3e5}, "synapse": {"r_max": 1e6}, "noise": {"n_mtj": 2}}, {}, []),
        ({}, {"opamp": {"level": "ideal"}}, ["opamp.level"]),
        ({"opamp": {"level": "ideal", "r_out": 7}}, {}, ["opamp.level", "opamp.r_out"]),
        ({"temperature": 80}, {"activation": {"diode": "ideal"}}, ["activation.diode"]),
        (IDEAL_PARTS, {**IDEAL_PARTS, "temperature": 80}, []),
        ({"activation": {"r_rectifier": 9e3}}, {}, []),
        ({"activation": {"r_rectifier": 9e3} | PRECISION}, {"activation": PRECISION},
         ["activation.r_rectifier"]),
        ({"activation": {"diode": "HSMS-2850"}}, {}, []),
    ],
)  # fmt: skip
def test_what_does_not_shape_it_is_left_alone(
    measured: dict[str, object], simulated: dict[str, object], expected: list[str], tmp_path: Path
) -> None:
    found = stating(circuit_of(**measured), tmp_path).differences(circuit_of(**simulated))
    assert [text.split()[0].removeprefix("circuit.") for text in found] == expected


def test_what_a_file_leaves_out_is_named(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    notes = ['danp-cosim circuit: {"opamp.level": "ideal"}']
    activation_curve.write(path, straight_curve(), notes)
    found = activation_curve.read(path).differences(circuit_of(**IDEAL_PARTS))
    assert found[0] == "circuit.activation.diode not stated (here ideal)"
    assert not [text for text in found if "opamp.level" in text]


# --- the mathematics ---------------------------------------------------------------------------


def test_the_function_is_straight_lines_that_go_on() -> None:
    at = np.array([[-3.0, -2.0, -1.25], [0.3, 0.65, 2.0]])
    wanted = [[-0.6, -0.4, -0.25], [0.2, 0.75, 1.3 + 11 / 7]]
    np.testing.assert_allclose(CURVE(at), wanted, rtol=tolerances.ROUNDING)
    inside = np.linspace(-2, 1, 301)
    wanted = np.interp(inside, CURVE.a, CURVE.x)
    np.testing.assert_allclose(CURVE(inside), wanted, rtol=0, atol=1e-15)


@pytest.mark.parametrize("activation", [Activation(0.99, 0.1), CURVE])
def test_torch_and_numpy_compute_the_same(activation: ActivationFunction) -> None:
    a = np.concatenate([np.random.default_rng(2).uniform(-4, 4, 400), CURVE.a, [0.0]])
    a = a.reshape(-1, 5)
    tensor = torch.tensor(a).T.requires_grad_()  # neither contiguous nor sorted
    a = a.T
    got = activation.of_tensor(tensor)
    np.testing.assert_allclose(got.detach().numpy(), activation(a), rtol=0, atol=1e-15)
    (slope,) = torch.autograd.grad(got.sum(), tensor)
    # Backward differences: at a corner the slope is that of the line before it.
    step = 1e-6
    wanted = (activation(a) - activation(a - step)) / step
    np.testing.assert_allclose(slope.numpy(), wanted, rtol=0, atol=1e-8)


def test_the_gradient_of_a_network_with_a_curve_equals_finite_differences() -> None:
    rng = np.random.default_rng(1)
    start = init_model((3, 4, 3, 2), rng)
    biases = tuple(rng.normal(0, 0.3, b.shape) for b in start.biases)
    decor = tuple(d + rng.normal(0, 0.2, d.shape) for d in start.decor)
    model = Model(start.weights, biases, decor)
    inputs, target = rng.uniform(-1, 1, (6, 3)), rng.uniform(-1, 1, (6, 2))

    def loss() -> float:
        prediction = forward(model, inputs, None, CURVE).prediction
        return float(np.mean(np.sum((target - prediction) ** 2, axis=1)))

    found = loss_gradient(model, inputs, target, "squared-error", CURVE)
    other = loss_gradient(model, inputs, target, "squared-error", Activation())
    step = 1e-6
    for arrays, gradients, straight in zip(
        (model.weights, model.biases), found, other, strict=True
    ):
        for array, gradient, plain in zip(arrays, gradients, straight, strict=True):
            for index in np.ndindex(array.shape):
                kept = array[index]
                array[index] = kept + step
                high = loss()
                array[index] = kept - step
                low = loss()
                array[index] = kept
                # 1e-16/step of rounding on a loss of order 1; no corner lies within a step.
                assert gradient[index] == pytest.approx((high - low) / (2 * step), abs=1e-8)
            assert not np.allclose(gradient, plain, rtol=0.01)


# --- in the twin -------------------------------------------------------------------------------


def test_a_file_of_straight_lines_makes_the_plain_twin(tmp_path: Path) -> None:
    path = written(tmp_path / "curve.csv", straight_curve())
    models, evaluations = [], []
    for given_path in (None, path):
        setup = set_up(
            given_path, simulation__engine="ideal", task__epochs=3, task__samples=20, seed=3
        )
        training = cosim.begin(setup, cosim.make_engines(setup))
        cosim.train(training)
        learner = training.learners["ideal"]
        models.append(learner.model)
        evaluations.append(cosim.evaluate(setup, learner.engine, learner.model).loss)
    for one, other in zip(models[0].weights, models[1].weights, strict=True):
        # Slopes from points are rounded once; 60 steps divide small differences of losses.
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    assert evaluations[0] == pytest.approx(evaluations[1], rel=1e-8)


def test_the_task_is_the_same_whatever_the_twin_is(tmp_path: Path) -> None:
    path = written(tmp_path / "curve.csv", default_curve())
    plain, calibrated = (set_up(p, simulation__engine="ideal") for p in (None, path))
    np.testing.assert_array_equal(plain.task.train_targets, calibrated.task.train_targets)
    assert isinstance(plain.activation, Activation)
    assert isinstance(calibrated.activation, MeasuredActivation)
    assert (plain.twin, calibrated.twin) == ("ideal mathematics", "calibrated twin")


def test_everything_about_the_twin_goes_by_the_curve(tmp_path: Path) -> None:
    curve = default_curve()
    path = written(tmp_path / "curve.csv", curve)
    setup = set_up(path, learning__rule="bp", task__samples=15, simulation__fidelity="op")
    assert isinstance(setup.rule, Backpropagation)
    assert setup.rule.activation is setup.activation
    engines = cosim.make_engines(setup)
    found = compare(setup, engines["in_loop"], setup.start)
    noise = split_layers(found.passes.noise, setup.network.layers)
    wanted = forward(setup.start, found.passes.inputs, noise, function(curve))
    twin = engines["ideal"]
    twin.write(cosim.effective_weights(setup.start, setup))
    for readout in (found.ideal, twin.run(found.passes)):
        for got, x in zip(readout.outputs, wanted.outputs, strict=True):
            np.testing.assert_allclose(got, x, rtol=0, atol=1e-14)
    # Backpropagation's update is the gradient that alignment holds it against; acos loses half
    # of the digits.
    alignment = measure_alignment(setup, {"ideal": twin}, 15)
    assert alignment.degrees["ideal"] == pytest.approx(0.0, abs=1e-5)
    straight = replace(setup, activation=set_up(learning__rule="bp").activation)
    elsewhere = measure_alignment(straight, {"ideal": twin}, 15).degrees["ideal"]
    assert elsewhere is not None
    assert elsewhere > 0.5


# --- how close it comes ------------------------------------------------------------------------


def both(path: str, **overrides: Any) -> tuple[cosim.Setup, CircuitEngine, list[Comparison]]:
    """The straight-line and the calibrated twin against one engine, at the random start."""
    setups = [set_up(p, **overrides) for p in (None, path)]
    engine = cosim.make_engines(setups[0])["in_loop"]
    assert isinstance(engine, CircuitEngine)
    return setups[1], engine, [compare(s, engine, s.start) for s in setups]


def finite_gain(setup: cosim.Setup, engine: CircuitEngine, comparison: Comparison) -> list[Array]:
    """Outputs of each layer where the summing amplifiers have their gain of 115 dB, V.

    Either amplifier makes −R_f/R of it over 1 + (1 + R_f ΣG)/A, all that hangs on its summing node
    included; the rectifier is the curve.
    """
    circuit, r_f = setup.circuit, setup.circuit.synapse.r_feedback
    string = circuit.noise_string()
    middle = circuit.smtj.resistance_p * (1 + circuit.smtj.tmr / 2)  # beside 1 MΩ
    branch = 1 / (circuit.noise.r_inject + 1 / (1 / circuit.noise.r_series + 1 / middle))
    x, found = comparison.passes.inputs, []
    noise = split_layers(comparison.passes.noise, setup.network.layers)
    for layer, (pairs, nu) in enumerate(zip(engine.pairs, noise, strict=True), start=1):
        plus, minus = 1 / pairs.plus, 1 / pairs.minus
        loop_a = 1 + r_f * (plus.sum(axis=1) + branch + 1 / string.r_trim)
        loop_b = 1 + r_f * (minus.sum(axis=1) + 1 / r_f)
        first = (r_f * x @ plus.T + nu) / (1 + loop_a / circuit.opamp.gain)
        a = (first - r_f * x @ minus.T) / (1 + loop_b / circuit.opamp.gain)
        x = a if layer == len(engine.pairs) else setup.activation(a)
        found.append(x)
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_at_rest_only_the_finite_gain_is_left(seed: int, tmp_path: Path) -> None:
    path = written(tmp_path / "curve.csv", default_curve())
    # Small weights: clear of the rails, which the next test has.
    setup, engine, (plain, close) = both(
        path, simulation__fidelity="op", learning__init_scale=0.7, task__samples=20, seed=seed
    )
    assert close.tally.doubtful == 0
    wanted = finite_gain(setup, engine, close)
    for layer, ((straight, _), (rms, _)) in enumerate(
        zip(plain.rms_and_max(), close.rms_and_max(), strict=True), start=1
    ):
        assert rms < straight / 1000
        left = np.abs(close.circuit.outputs[layer - 1] - wanted[layer - 1]).max()
        # Half of the curve's 2 µV a rectifier, by weights of order one; Newton's method less.
        assert left < WITHIN
    # The gain, and nothing else, is most of what is left of layer 1.
    left = close.circuit.outputs[0] - wanted[0]
    assert close.rms_and_max()[0][0] > 5 * np.sqrt(np.mean(left**2))


@pytest.mark.parametrize("fidelity", ["op", "aperture"])
def test_the_calibrated_twin_is_ten_times_closer_on_the_default_circuit(
    fidelity: str, tmp_path: Path
) -> None:
    """Seed 0 starts with weights that ask layer 1 for 2.9 V: rails, and flips in the aperture."""
    path = written(tmp_path / "curve.csv", default_curve())
    setup, engine, (plain, close) = both(path, simulation__fidelity=fidelity, seed=0)
    assert setup.config.task.samples == 100
    for (straight, _), (rms, _) in zip(plain.rms_and_max(), close.rms_and_max(), strict=True):
        assert rms < straight / 10
        # Measured: 9,000 and more at rest, 120 and more in the aperture.
        assert rms < straight / (1000 if fidelity == "op" else 80)
    doubts = close.circuit.doubts
    rails, moving = doubts & Doubt.RAIL > 0, doubts & Doubt.MOVING > 0
    assert rails.sum() >= 2
    assert (moving.sum() >= 2) == (fidelity == "aperture")
    layers = range(1, len(close.ideal.outputs) + 1)
    of_pass = np.max([np.abs(close.deviation(layer)).max(axis=1) for layer in layers], axis=0)
    # Without a doubt: the finite gain, 10 µV for half a volt, through three layers.
    assert of_pass[doubts == 0].max() < tolerances.REAL_AMPLIFIERS
    # At its rail an amplifier stops a little short of or beyond the end, by how much it is
    # overdriven: 0.4 V over R_f and the next one's into 125 Ω.
    assert of_pass[rails & ~moving].max() < 0.5e-3
    # Still moving: at most the junctions' 11.4 mV at five nodes, by weights of order one.
    assert of_pass[moving].max(initial=0.0) < 30e-3
    # Lines that went on beyond the rails would miss by hundreds of millivolts.
    curve = activation_curve.read(Path(path)).curve
    endless = MeasuredActivation(curve.a[1:-1], curve.x[1:-1])
    twin = IdealEngine(setup.network, setup.circuit, endless)
    twin.write(cosim.effective_weights(setup.start, setup))
    outputs = twin.run(close.passes).outputs[0]
    assert np.abs(close.circuit.outputs[0] - outputs).max() > 0.2
    assert engine.tally.passes == 400


def test_with_a_precision_rectifier_too(tmp_path: Path) -> None:
    """Two lines are within 0.1 mV of it, up to where its own amplifier stops."""
    circuit = circuit_of(activation={"kind": "precision"})
    path = written(tmp_path / "curve.csv", activation_curve.measure(circuit, SOLVER))
    overrides = {"circuit__activation__kind": "precision", "simulation__fidelity": "op"}
    _, _, (plain, close) = both(path, task__samples=30, **overrides)
    straight, rms = plain.rms_and_max()[0][0], close.rms_and_max()[0][0]
    assert straight > 10e-3  # asked for more than 1.9 V
    assert rms < straight / 10


# --- on the command line -----------------------------------------------------------------------


def test_a_run_records_its_curve_and_says_what_its_twin_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "curve.csv", default_curve())
    out = tmp_path / "run"
    sizes = ("--epochs", "1", "--samples", "6", "--fidelity", "op")
    assert run([*sizes, "--activation-curve", path, "--out", str(out)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "ideal twin trained calibrated twin" in printed
    assert "deviation ngspice - twin" in printed
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["twin"] == {"is": "calibrated twin", "activation_curve": path}
    assert "ngspice minus calibrated twin" in summary["deviation"]["of"]
    assert all(layer["rms_v"] < 2e-3 for layer in summary["deviation"]["layers"])
    assert f'activation_curve = "{path}"' in (out / "config.toml").read_text(encoding="utf8")
    assert "; calibrated twin)" in (out / "network.cir").read_text(encoding="utf8")
    # A hand-made curve says nothing of a circuit: no warning.
    assert summary["warnings"] == []
    assert (out / "activation-curve.csv").read_bytes() == Path(path).read_bytes()
    again = tmp_path / "again"
    config = str(out / "config.toml")
    assert run(["--config", config, "--out", str(again), "--quiet"]) == 0
    assert (out / "history.csv").read_text() == (again / "history.csv").read_text()


@pytest.mark.parametrize("offset", ["0", "3m"])
def test_a_run_warns_of_another_circuits_curve(
    offset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "curve.csv"
    notes = activation_curve.describe(CircuitParameters())
    activation_curve.write(path, default_curve(), notes)
    out = tmp_path / "run"
    options = (
        f"--layers 2,2,1 --epochs 1 --samples 4 --engine ideal --activation-curve {path} "
        f"--set circuit.opamp.v_offset={offset} --out {out}"
    )
    assert run(options.split()) == 0
    printed = capsys.readouterr().out
    found = json.loads((out / "summary.json").read_text(encoding="utf8"))["warnings"]
    of_curve = [warning for warning in found if "curve was measured of another" in warning]
    if offset == "0":
        assert not of_curve
        assert "another circuit" not in printed
        return
    (warning,) = of_curve
    assert warning == (
        f"{path}: the curve was measured of another circuit, with circuit.opamp.v_offset 0.0 (here "
        "0.003): the deviation holds that difference too; measure this circuit's with python -m "
        "sim.characterize --cell activation"
    )
    assert f"warning: {warning}\n" in printed


def test_without_a_curve_a_run_says_mathematics(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sizes = ("--epochs", "1", "--samples", "4", "--engine", "ideal", "--quiet")
    assert run([*sizes, "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["twin"] == {"is": "ideal mathematics", "activation_curve": None}
    assert "activation_curve" not in (out / "config.toml").read_text(encoding="utf8")
    assert not (out / "activation-curve.csv").exists()
