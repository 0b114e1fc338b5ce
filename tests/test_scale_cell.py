"""Cells in the mathematics' place: against Kirchhoff's laws, and against ngspice node by node."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.exceptions import PartException
from circuits.noise import NoiseParameters
from learning import Model
from learning.activation import MeasuredActivation
from learning.scale.curve import MOST, WITHIN, TensorCurve
from learning.scale.hardware import CellHardware, Figures
from netlists.build import SolverSettings, control_names
from sim import activation_curve
from sim.characterize.cell_file import CellFile
from sim.characterize.corners import typical_corner
from sim.characterize.neuron_cell import measure_cell
from sim.clock import Clock
from sim.compare import Comparison
from sim.config import RunConfig
from sim.engines import IdealEngine, NgspiceEngine
from sim.errors import UserError
from sim.passes import NO_JUMPS, Passes
from sim.scale.cell import figures_of, open_cell, open_hardware
from sim.scale.cell_engine import CellEngine
from sim.scale.config import ScaleConfig
from sim.scale.settings import configure

Array = NDArray[np.float64]

ROUNDING = 1e-12
"""Of double precision after some ten operations on numbers around one."""

SINGLE = 2e-6
"""V; of float32, whose numbers around 2.5 V are 0.24 µV apart, after some operations."""

CLOSE = 5e-6
"""V; node by node against ngspice. The curve's points miss the cell's own by 2 µV, the even grid
them by 1 µV, and an operating point of relative tolerance 1e-7 the exact one by 0.25 µV; a layer
passes its deviation on to the next, whose weights sum to some two."""

AT_RAILS = 2e-3
"""V; likewise where amplifiers stop: what is asked for beyond the rail reaches the output through
R_f and r_out, 1.25 mV a volt, and the figure was taken at one overdrive."""


def described(circuit: dict[str, Any], spread: float = 0.0, steps: int | None = None) -> CellFile:
    config = RunConfig.model_validate({"circuit": circuit})
    corner = typical_corner(config)[0]
    curve = activation_curve.measure(config.circuit, corner.solver)
    return measure_cell(corner, curve, {}, spread=spread, steps=steps)


# --- the curve ----------------------------------------------------------------------------------


def bent(rng: np.random.Generator, *, flat: bool) -> MeasuredActivation:
    a = np.sort(np.concatenate([rng.uniform(-2.4, 2.4, 40), [-2.5, 0.0, 2.5]]))
    x = np.cumsum(np.diff(a, prepend=a[0]) * rng.uniform(0.0, 1.0, len(a)))
    if flat:
        a, x = np.concatenate([[-4], a, [4]]), np.concatenate([x[:1], x, x[-1:]])
    return MeasuredActivation(a, x)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_curve_on_even_grids_is_as_far_off_as_it_says(seed: int, *, flat: bool) -> None:
    rng = np.random.default_rng(seed)
    curve = bent(rng, flat=flat)
    fine = TensorCurve(curve, dtype=torch.float64)
    assert fine.error < MOST
    a = np.concatenate([rng.uniform(-6, 6, 20_000), curve.a])
    off = np.abs(fine(torch.tensor(a)).numpy() - curve(a))
    assert off.max() <= fine.error + ROUNDING
    assert off.max() > 0.9 * fine.error  # and it says no more than that
    # Zero and both ends are points of the grid.
    ends = np.array([-2.5, 0.0, 2.5, -5.0, 5.0])
    np.testing.assert_allclose(fine(torch.tensor(ends)), curve(ends), atol=ROUNDING)
    single = TensorCurve(curve)
    found = single(torch.tensor(a, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(
        found, curve(a.astype(np.float32).astype(float)), atol=fine.error + SINGLE
    )


def test_a_measured_rectifier_is_kept_within_a_microvolt() -> None:
    rectifier = described({}).rectifier.curve
    curve = MeasuredActivation(rectifier.a, rectifier.x)
    assert TensorCurve(curve).error <= WITHIN
    # Kinks away from zero, where the first amplifier stops: a quarter of 37 µV.
    sharp = described({"activation": {"kind": "precision"}}).rectifier.curve
    assert TensorCurve(MeasuredActivation(sharp.a, sharp.x)).error <= 10e-6


def test_the_slope_of_a_curve_is_that_of_its_lines() -> None:
    curve = bent(np.random.default_rng(0), flat=True)
    a = torch.linspace(-2.4, 2.4, 97, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(TensorCurve(curve, dtype=torch.float64)(a).sum(), a)
    values = a.detach().numpy()
    k = np.searchsorted(curve.a, values) - 1
    away = np.min(np.abs(values[:, None] - curve.a), axis=1) > 1e-3
    np.testing.assert_allclose(slope.numpy()[away], curve.slopes[k][away], atol=1e-9)


def test_curves_on_one_side_of_zero_or_too_steep_are_refused() -> None:
    with pytest.raises(ValueError, match="both sides of 0 V, got 1 to 2"):
        TensorCurve(MeasuredActivation(np.array([1.0, 2.0]), np.array([0.0, 1.0])))
    points = np.array([-1.0, 0.5, 0.500001, 1.0])
    with pytest.raises(ValueError, match=r"miss the curve by .* V, wanted at most 0.0001 V"):
        TensorCurve(MeasuredActivation(points, np.array([-0.1, 0.0, 1.0, 1.1])))


# --- resistors and amplifiers -------------------------------------------------------------------


def hardware(figures: Figures, layers: tuple[int, ...] = (3, 4, 2), seed: int = 0) -> CellHardware:
    return CellHardware(figures, layers, np.random.default_rng(seed), dtype=torch.float64)


def drawn(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(0, scale, shape))


@pytest.mark.parametrize("r_max", [10e6, float("inf")])
def test_weights_are_those_of_clipped_resistor_pairs(r_max: float) -> None:
    cell = described({"synapse": {"r_max": r_max, "r_min": 80e3}, "v_one": 0.5})
    opened = open_hardware(cell, (3, 4, 2), np.random.SeedSequence(0), dtype=torch.float64)
    w, b = drawn((4, 3), 0), drawn((4,), 1)
    made, made_bias = opened.hardware.made(w, b)
    synapse = cell.circuit.synapse
    np.testing.assert_allclose(made, synapse.weights(synapse.program(w.numpy())), atol=1e-9)
    bias = synapse.weights(synapse.program(b.numpy() / 0.5)) * 0.5
    np.testing.assert_allclose(made_bias, bias, atol=1e-9)
    assert (made != w).any()
    assert (made == w).any()


def test_weights_are_rounded_to_the_nearest_conductances_that_can_be_set() -> None:
    cell = described({}, steps=16)
    opened = open_hardware(cell, (3, 40, 2), np.random.SeedSequence(0), dtype=torch.float64)
    w = drawn((40, 3), 0, 4.0)
    made, _ = opened.hardware.made(w, torch.zeros(40))
    settable = 100e3 * (np.linspace(1 / 10e6, 1 / 10e3, 16) - 1 / 10e6)
    values = np.concatenate([-settable[:0:-1], settable])
    nearest = values[np.abs(w.numpy()[..., None] - values).argmin(-1)]
    np.testing.assert_allclose(made, nearest, atol=ROUNDING)
    assert len(np.unique(nearest)) > 10


def kirchhoff(x: Array, nu: Array, cell: CellHardware, figures: Figures) -> Array:
    """Pre-activations by nodal analysis of every neuron: unknown are sp, op, sn and a; (B, N)."""
    r_f, offsets = 100e3, cell.offsets[0].numpy()
    w, b = drawn((4, 3), 2).numpy(), drawn((4,), 3).numpy()
    floor = figures.floor / r_f
    sources = np.column_stack([x, np.full(len(x), figures.v_one)])
    found = np.empty((len(x), len(w)))
    for j, row in enumerate(np.column_stack([w, b / figures.v_one])):
        plus, minus = (floor + np.maximum(side * row, 0) / r_f for side in (1, -1))
        for i, u in enumerate(sources):
            matrix = np.array(
                [
                    [-plus.sum() - figures.injected / r_f - 1 / r_f, 1 / r_f, 0, 0],
                    [figures.gains[0], 1, 0, 0],
                    [0, 1 / r_f, -minus.sum() - 2 / r_f, 1 / r_f],
                    [0, 0, figures.gains[1], 1],
                ]
            )
            # The noise as a current into sp; each amplifier: out = A (V_os − inverting input).
            right = [
                -plus @ u - nu[i, j] / r_f,
                figures.gains[0] * offsets[0, j],
                -minus @ u,
                figures.gains[1] * offsets[1, j],
            ]
            found[i, j] = np.linalg.solve(matrix, right)[3]
    return found


FINITE = Figures(injected=0.3, floor=0.02, v_one=0.5, gains=(200.0, 90.0), offset=1e-3, spread=5e-3)


def summed(cell: CellHardware, x: torch.Tensor, nu: torch.Tensor) -> torch.Tensor:
    w, b = cell.programmed(1, drawn((4, 3), 2), drawn((4,), 3))
    return cell.summed(1, x @ w.T + b + nu, x)


def test_sums_are_those_of_kirchhoffs_laws_with_finite_gain_and_offsets() -> None:
    cell = hardware(FINITE)
    x, nu = drawn((5, 3), 4), drawn((5, 4), 5, 0.1)
    found = summed(cell, x, nu).numpy()
    expected = kirchhoff(x.numpy(), nu.numpy(), cell, FINITE)
    np.testing.assert_allclose(found, expected, atol=100 * ROUNDING)
    ideal = x @ drawn((4, 3), 2).T + drawn((4,), 3) + nu
    assert np.abs(found - ideal.numpy()).max() > 0.01


def test_without_imperfections_nothing_is_changed() -> None:
    cell = hardware(Figures())
    w, b = drawn((4, 3), 0), drawn((4,), 1)
    for asked, got in zip((w, b), cell.programmed(1, w, b), strict=True):
        torch.testing.assert_close(got, asked, rtol=0, atol=0)
    a = drawn((5, 4), 2, 10.0)
    torch.testing.assert_close(cell.summed(1, a), a, rtol=0, atol=0)
    torch.testing.assert_close(cell.rectified(1, a), torch.where(a > 0, a, 0.1 * a))


def test_either_amplifier_stops_at_its_rails() -> None:
    figures = Figures(first=(-1.0, 0.8), hidden=(-0.7, 0.9), output=(-2.0, 3.0))
    cell = hardware(figures, (1, 3, 1))
    w, b = torch.tensor([[2.0], [-2.0], [0.5]], dtype=torch.float64), torch.zeros(3)
    w, b = cell.programmed(1, w, b)
    x = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    nu = torch.tensor([[0.0, 1.5, 0.1]] * 2, dtype=torch.float64)
    found = cell.summed(1, x @ w.T + nu, x)
    # The first makes −(g+ x + ν) and stops at −1 and 0.8, the second minus that minus g− x.
    expected = [[0.9, -0.7, 0.6], [-0.7, 0.9, -0.4]]
    np.testing.assert_allclose(found, expected, atol=ROUNDING)
    at_first = [[1.0, 1.0 - 2.0, 0.6], [-0.8, 1.0 + 2.0, -0.4]]
    free = hardware(Figures(first=(-1.0, 0.8)), (1, 3, 1))
    free.programmed(1, w, b)
    np.testing.assert_allclose(free.summed(1, x @ w.T + nu, x), at_first, atol=ROUNDING)
    np.testing.assert_allclose(free.first(1, x @ w.T + nu, x)[0], [-2.0, -1.5, -0.6])
    # Left out, the inputs cannot be missed but by the first amplifier's rails.
    np.testing.assert_allclose(cell.summed(1, x @ w.T + nu)[0], [0.9, -0.5, 0.6], atol=ROUNDING)
    w, b = cell.programmed(2, torch.ones((1, 3), dtype=torch.float64), torch.zeros(1))
    np.testing.assert_allclose(cell.summed(2, torch.tensor([[-2.5]])), [[-2.0]])


def test_two_passes_of_the_same_inputs_share_them() -> None:
    cell = hardware(Figures(first=(-0.5, 0.5), floor=0.1, gains=(50.0, 50.0)))
    w, b = cell.programmed(1, drawn((4, 3), 2), drawn((4,), 3))
    x, nu = drawn((6, 3), 4), drawn((2, 6, 4), 5, 0.3)
    sums = (x @ w.T + b + nu).flatten(0, 1)
    both = cell.summed(1, sums, x)
    torch.testing.assert_close(both, cell.summed(1, sums, x.repeat(2, 1)))


def test_offsets_inside_the_rectifier_reach_its_output() -> None:
    figures = Figures(spread=1e-3, followed=((2.0, -1.0), (0.5, 0.25)), slopes=(1.0, 0.1))
    cell = hardware(figures)
    a = drawn((6, 4), 0)
    first, second = cell.offsets[0][2:]
    moved = torch.where(a > 0, 2 * first + 0.5 * second, -first + 0.25 * second)
    torch.testing.assert_close(cell.rectified(1, a), torch.where(a > 0, a, 0.1 * a) + moved)
    assert len(cell.offsets[1]) == 2  # an output neuron has no rectifier


def test_offsets_have_the_spread_asked_for_and_go_into_a_checkpoint() -> None:
    cell = hardware(Figures(offset=2e-3, spread=1e-3, followed=((1.0, 1.0),)), (10, 3000, 2000))
    every = torch.cat([offsets.flatten() for offsets in cell.offsets])
    assert len(every) == 3 * 3000 + 2 * 2000
    # Four standard errors of 13,000 values.
    assert float(every.mean()) == pytest.approx(2e-3, abs=4 * 1e-3 / 13_000**0.5)
    assert float(every.std()) == pytest.approx(1e-3, rel=4 / (2 * 13_000) ** 0.5)
    other = hardware(Figures(spread=1e-3, followed=((1.0, 1.0),)), (10, 3000, 2000), seed=1)
    assert not torch.equal(other.offsets[0], cell.offsets[0])
    other.restore(cell.state())
    assert all(map(torch.equal, other.offsets, cell.offsets))
    again = hardware(Figures(offset=2e-3, spread=1e-3, followed=((1.0, 1.0),)), (10, 3000, 2000))
    assert all(map(torch.equal, again.offsets, cell.offsets))


def test_gradients_pass_straight_through_the_resistors_and_stop_at_rails() -> None:
    figures = Figures(largest=0.5, step=0.25, gains=(50.0, 50.0), hidden=(-0.6, 0.6))
    cell = hardware(figures)
    w, b = drawn((4, 3), 2).requires_grad_(), drawn((4,), 3).requires_grad_()
    x = drawn((8, 3), 4)
    made, made_bias = cell.programmed(1, w, b)
    a = cell.summed(1, x @ made.T + made_bias, x)
    slope, slope_bias = torch.autograd.grad(a.sum(), (w, b))
    free = (a.detach().abs() < 0.6).double() * cell._set[1].scale
    assert 0 < int((free == 0).sum()) < free.numel()
    torch.testing.assert_close(slope, free.T @ x)
    torch.testing.assert_close(slope_bias, free.sum(0))


def test_nothing_asks_the_device_for_a_number() -> None:
    # On the meta device there are no numbers: whatever looked at one would fail.
    figures = figures_of(described({}, spread=1e-3, steps=64))
    cell = CellHardware(figures, (3, 4, 2), np.random.default_rng(0), device="meta")
    x = torch.empty((5, 3), device="meta")
    for layer, (n, fan) in enumerate(((4, 3), (2, 4)), start=1):
        w, b = torch.empty((n, fan), device="meta"), torch.empty(n, device="meta")
        w, b = cell.programmed(layer, w, b)
        a = cell.summed(layer, torch.addmm(b, x, w.T), x)
        x = cell.rectified(layer, a) if layer == 1 else a
    assert x.device.type == "meta"
    assert x.shape == (5, 2)


# --- against ngspice ----------------------------------------------------------------------------


def compare(
    circuit: dict[str, Any],
    layers: tuple[int, ...],
    scale: float,
    *,
    spread: float = 0.0,
    steps: int | None = None,
    biases: bool = True,
    lowest: float = -1.0,
) -> tuple[Comparison, Comparison]:
    """The straight-line twin and the cells' one against ngspice, at operating points."""
    cell = described(circuit, spread, steps)
    seed = np.random.SeedSequence(1)
    opened = open_hardware(cell, layers, seed, dtype=torch.float64, biases=biases)
    spiced = cell.circuit
    if spread:
        spiced = spiced.model_copy(update={"exceptions": opened.exceptions()})
    network, rng = Network(layers, biases), np.random.default_rng(0)
    shapes = [network.synapse_shape(k) for k in range(1, len(layers))]
    weights = [rng.normal(0, scale / shape[1] ** 0.5, shape) for shape in shapes]
    made = [opened.hardware.made(torch.tensor(w), torch.zeros(len(w)))[0].numpy() for w in weights]
    count = 40
    names = control_names(network, spiced.noise)
    states = rng.integers(0, 2, (count, len(names)))
    if spiced.noise.source == "string":
        controls, noise = states.astype(float), spiced.noise_string().node_levels[states]
    else:
        noise = rng.normal(0, 10e-3, (count, network.neurons))
        controls = noise * spiced.noise.r_inject / spiced.synapse.r_feedback
    inputs = rng.uniform(lowest, 1, (count, layers[0]))
    passes = Passes(inputs, controls, ((NO_JUMPS,) * len(names),) * count, noise)
    solver = SolverSettings(1e-7, 1.0)
    spice = NgspiceEngine(network, spiced, Clock(1e-3, 1e-3, "op"), solver=solver)
    spice.write(made)
    measured = spice.run(passes)
    ideal, cells = IdealEngine(network, cell.circuit), CellEngine(opened)
    ideal.write(weights)
    cells.write(weights)
    return (
        Comparison(passes, ideal.run(passes), measured),
        Comparison(passes, cells.run(passes), measured),
    )


def largest(found: Comparison) -> float:
    return max(most for _, most in found.rms_and_max())


@pytest.mark.parametrize(
    ("circuit", "how", "ideal_is_off"),
    [
        ({}, {}, 50e-3),
        ({}, {"spread": 2e-3}, 50e-3),
        ({}, {"spread": 2e-3, "steps": 16}, 0.5),
        (
            {"activation": {"kind": "precision"}, "opamp": {"v_offset": 1e-3}},
            {"spread": 2e-3},
            5e-3,
        ),
        (
            {
                "opamp": {"v_offset": 1e-3, "open_loop_gain": 60},
                "activation": {"diode": "ideal"},
                "v_one": 0.5,
                "synapse": {"r_max": 1e6},
            },
            {"spread": 2e-3, "biases": False},
            5e-3,
        ),
        (
            {
                "opamp": {"level": "single-pole", "open_loop_gain": 60},
                "activation": {"diode": "ideal"},
                "noise": {"source": "gaussian"},
            },
            {},
            5e-3,
        ),
    ],
    ids=["default", "offsets", "quantised", "precision", "low gain", "single-pole"],
)
def test_every_node_is_ngspices(
    circuit: dict[str, Any], how: dict[str, Any], ideal_is_off: float
) -> None:
    ideal, cells = compare(circuit, (2, 3, 2), 1.0, **how)
    assert largest(cells) < CLOSE
    assert largest(ideal) > ideal_is_off


def test_amplifiers_at_their_rails_are_ngspices() -> None:
    # All inputs positive: both amplifiers' sums are large while their difference need not be.
    ideal, cells = compare({}, (16, 8, 4), 4.0, lowest=0.0)
    assert largest(cells) < AT_RAILS
    assert largest(ideal) > 1.0


# --- opened for a training ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cell") / "cell.json"
    path.write_text(described({}, 1e-3, 64).to_json(), encoding="utf8")
    return path


def config(file: Path, **more: Any) -> ScaleConfig:
    return ScaleConfig.model_validate({"cell": str(file), **more})


def test_a_training_gets_the_cells_circuit_with_the_noise_it_asks_for(file: Path) -> None:
    seed = np.random.SeedSequence(0)
    plain = open_cell(config(file), (3, 4, 2), "cpu", seed)
    assert plain.circuit == CircuitParameters()
    noisy = config(file, circuit={"noise": {"source": "gaussian"}})
    opened = open_cell(noisy, (3, 4, 2), "cpu", seed)
    assert opened.circuit.noise.source == "gaussian"
    assert [tuple(o.shape) for o in opened.hardware.offsets] == [(3, 4), (2, 2)]
    assert all(o.dtype == torch.float32 for o in opened.hardware.offsets)
    assert all(map(torch.equal, opened.hardware.offsets, plain.hardware.offsets))
    other = open_cell(noisy, (3, 4, 2), "cpu", np.random.SeedSequence(1))
    other.restore(opened.state())
    assert all(map(torch.equal, opened.hardware.offsets, other.hardware.offsets))


def test_the_noise_is_the_cells_until_another_one_is_given(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    measured = {"source": "gaussian", "gaussian": {"sigma": 3e-3}, "r_inject": 2e6}
    path.write_text(described({"noise": measured}, 1e-3, 64).to_json(), encoding="utf8")

    def noise(preset: str | None = None, **given: Any) -> NoiseParameters:
        wanted = {f"circuit.noise.{name}": value for name, value in given.items()}
        return configure(preset, {"cell": str(path), **wanted}).circuit.noise

    assert noise() == NoiseParameters.model_validate(measured)
    # What is given at its default is given; another source brings nothing of the cell's along.
    assert noise(source="string") == NoiseParameters()
    assert noise(source="gaussian") == noise()
    assert noise(r_inject="1M") == noise().model_copy(update={"r_inject": 1e6})
    assert noise("fig4-mnist").source == "hmm"
    whole = configure(None, {"cell": str(path), "circuit.noise.source": "string"})
    saved = tmp_path / "config.toml"
    saved.write_text(whole.to_toml(), encoding="utf8")
    assert configure(config=saved) == whole
    with pytest.raises(
        UserError, match=r"^circuit\.noise\.n_mtj: source gaussian has no junctions"
    ):
        noise(n_mtj="4")


def test_the_leak_is_the_cells_own(file: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"cell": str(file), "data.name": "digits"}
    own = CellFile.model_validate_json(file.read_text(encoding="utf8")).rectifier.slope_negative
    config = configure(None, given)
    assert config.network.leak == own == CircuitParameters().activation.negative_slope
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf8")
    assert configure(config=path) == config
    assert configure(None, given | {"network.leak": own}) == config
    with pytest.raises(UserError, match=r"^--leak: .* of 0\.1 below zero, so 0\.3 would do"):
        configure(None, given | {"network.leak": 0.3})
    assert configure(None, {"data.name": "digits"}).network.leak == 0.01
    assert configure("fig5").network.leak == 0.1


def test_what_does_not_go_with_a_cell_gets_one_line(file: Path) -> None:
    seed = np.random.SeedSequence(0)
    with pytest.raises(UserError, match=r"circuit.v_dd: .*cell.json holds the circuit that it was"):
        open_cell(config(file, circuit={"v_dd": 3.0}), (3, 4, 2), "cpu", seed)
    with pytest.raises(UserError, match="--cell-without: wanted one or more of activation, gain"):
        open_cell(config(file, cell_without=["ofset"]), (3, 4, 2), "cpu", seed)
    with pytest.raises(UserError, match="cannot read the cell: No such file"):
        open_cell(config(file.with_name("no.json")), (3, 4, 2), "cpu", seed)


@pytest.mark.parametrize(
    ("name", "field", "left"),
    [
        ("activation", "curve", None),
        ("gain", "gains", (float("inf"), float("inf"))),
        ("offset", "spread", 0.0),
        ("rails", "first", (-float("inf"), float("inf"))),
        ("range", "largest", float("inf")),
        ("quantisation", "step", 0.0),
    ],
)
def test_an_imperfection_left_out_is_mathematics(
    file: Path, name: str, field: str, left: Any
) -> None:
    whole = open_cell(config(file), (3, 4, 2), "cpu", np.random.SeedSequence(0)).file
    part = figures_of(whole.leaving_out([name]))
    assert getattr(part, field) == left
    assert getattr(figures_of(whole), field) != left
    assert figures_of(whole.leaving_out(["range"])).step == figures_of(whole).step


def test_offsets_are_named_as_the_circuits_op_amps(file: Path) -> None:
    opened = open_cell(config(file), (3, 4, 2), "cpu", np.random.SeedSequence(0))
    exceptions = opened.exceptions()
    hidden, output = (o.numpy() for o in opened.hardware.offsets)
    assert len(exceptions) == hidden.size + output.size
    for name, volts in (
        ("n1_3_b", hidden[1, 2]),
        ("n1_4_buf", hidden[2, 3]),
        ("n2_2_a", output[0, 1]),
    ):
        assert exceptions[name] == PartException(v_offset=float(volts))
    assert CircuitParameters(exceptions=exceptions).exceptions == exceptions


def test_weights_as_built_need_no_decorrelation(file: Path) -> None:
    rng = np.random.default_rng(0)
    model = Model(
        (rng.normal(0, 1, (4, 3)), rng.normal(0, 1, (2, 4))),
        (rng.normal(0, 1, 4), rng.normal(0, 1, 2)),
        (rng.normal(0, 1, (3, 3)), rng.normal(0, 1, (4, 4))),
    )
    opened = open_cell(config(file), (3, 4, 2), "cpu", np.random.SeedSequence(0))
    built = opened.as_built(model)
    step = opened.file.resistors.step
    for made, asked in zip(built.weights, model.effective_weights(), strict=True):
        assert np.abs(made - asked).max() <= step / 2 + ROUNDING
        np.testing.assert_allclose(made / step, np.round(made / step), atol=1e-9)
    assert all(np.array_equal(d, np.eye(len(d))) for d in built.decor)
