"""Device mismatch: the law of what is drawn, and what single parts do, in ngspice."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from scipy import stats

from circuits import CircuitParameters, Network
from circuits.errors import UserError
from circuits.exceptions import named_parts
from circuits.mismatch import TYPICAL, Chip, ChipRow, chip_generator, draw_chip, typical_of
from netlists.build import SolverSettings, build_deck
from netlists.export import random_deck
from netlists.rules import check
from netlists.rules.limits import Limits
from netlists.spice import format_deck, format_for_library
from netlists.stimulus import still
from sim.attribute.variant import Variant
from sim.chip_file import HEADER, format_chip
from sim.clock import Clock
from sim.engine import Readout
from sim.engines import NgspiceEngine
from sim.engines.reduced import ReducedEngine
from sim.libngspice import get_library
from sim.passes import NO_JUMPS, Passes
from sim.preparation import set_up
from sim.run import main as run
from sim.settings import load_config
from sim.sources import open_source

Array = NDArray[np.float64]
Settings = Mapping[str, object]

R_F, R_Z, R_MAX = 100e3, 1e6, 10e6
SPREADS = {
    "resistor_tolerance": 0.02, "resistor_tracking": 0.01, "v_offset": 1e-3, "gbw": 0.1,
    "diode_is": 0.2,
}  # fmt: skip
JUNCTIONS = {"spread_resistance": 0.05, "spread_tmr": 0.05, "spread_barrier": 0.02}
NETWORK = Network((2, 2, 2, 1), biases=True)
AT_REST = Clock(100e-6, 50e-6, "aperture")
TIGHT = SolverSettings(reltol=1e-7)

LIKELY = 1e-3
"""p-value below which a law is taken for another; seeds are fixed, so a pass stays one."""

FINITE_GAIN = 1e-4
"""Of a shift: a loop of about 10 over a gain of 5.6e5 takes 2e-5."""

FINE = 1e-6
"""V; a solution of ngspice at these tolerances, the difference of two at half a volt."""


def circuit(chip: int | None = 0, **mismatch: object) -> CircuitParameters:
    return CircuitParameters.model_validate({"mismatch": {"chip": chip, **mismatch}})


def drawn(c: CircuitParameters, network: Network = NETWORK, seed: int = 0) -> Chip:
    return draw_chip(c, network, chip_generator(c, np.random.SeedSequence(seed)))


def deviates(chip: Chip) -> dict[tuple[str, str], float]:
    return {(row.part, row.quantity): row.deviate for row in chip.rows}


# --- what is drawn ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chips() -> list[Chip]:
    return [drawn(circuit(k, **SPREADS), Network((2, 2, 1))) for k in range(200)]


def test_deviates_are_standard_normal_and_independent(chips: list[Chip]) -> None:
    table = np.array([list(deviates(chip).values()) for chip in chips])
    assert stats.kstest(table.ravel(), "norm").pvalue > LIKELY
    count, figures = table.shape
    # Of independent columns √(count − 3)·atanh(r) is nearly standard normal (R. A. Fisher).
    r = np.corrcoef(table.T)[np.triu_indices(figures, 1)]
    scaled = np.sqrt(count - 3) * np.arctanh(r)
    assert stats.kstest(scaled, "norm").pvalue > LIKELY
    # A chip and the next one have nothing in common either.
    r = np.array([np.corrcoef(a, b)[0, 1] for a, b in pairwise(table)])
    assert stats.kstest(np.sqrt(figures - 3) * np.arctanh(r), "norm").pvalue > LIKELY


def test_every_value_is_its_own_deviate_by_the_law_of_its_figure() -> None:
    """Those of docs/mismatch.md: `exp(w z − w²/2)` with `w² = ln(1 + s²)`, of IS `exp(s z)`."""
    spreads = {"spread_resistance": 0.07, "spread_tmr": 0.11, "spread_barrier": 0.03}
    c = CircuitParameters.model_validate(
        {
            "opamp": {"v_offset": 2e-3, "gbw": 3e6},
            "smtj": {"tmr": 1.3, **spreads},
            "noise": {"n_mtj": 2},
            "mismatch": {"chip": 6, **SPREADS},
        }
    )
    chip = drawn(c)

    def mean_one(spread: float, z: float) -> float:
        variance = math.log(1 + spread**2)
        return math.exp(math.sqrt(variance) * z - variance / 2)

    shared = mean_one(0.02, deviates(chip)["chip", "resistors"])
    laws: Mapping[str, tuple[float, Callable[[float], float]]] = {
        "resistors": (1.0, lambda z: mean_one(0.02, z)),
        "ratio": (1.0, lambda z: shared * mean_one(0.01, z)),
        "v_offset": (2e-3, lambda z: 2e-3 + 1e-3 * z),
        "gbw": (3e6, lambda z: 3e6 * mean_one(0.1, z)),
        "diode": (1.0, lambda z: math.exp(0.2 * z)),
        "r_p": (c.smtj.resistance_p, lambda z: c.smtj.resistance_p * mean_one(0.07, z)),
        "tmr": (1.3, lambda z: 1.3 * mean_one(0.11, z)),
        "barrier": (c.smtj.barrier_p, lambda z: c.smtj.barrier_p * mean_one(0.03, z)),
    }
    kinds = ["diode" if "_d" in row.part else row.quantity for row in chip.rows]
    for row, kind in zip(chip.rows, kinds, strict=True):
        nominal, law = laws[kind]
        assert row.nominal == nominal, row
        assert row.value == pytest.approx(law(row.deviate), rel=1e-12), row
    # Five neurons, four of them hidden: amplifiers a, b and buf; six resistors and the divider's
    # three; two diodes; two junctions in every string. Two resistors for each of 15 weights.
    amplifiers, resistors, junctions = 5 * 2 + 4, 5 * 6 + 4 * 3 + 2 * 15, 5 * 2
    assert Counter(kinds) == {
        "resistors": 1, "ratio": resistors, "v_offset": amplifiers, "gbw": amplifiers,
        "diode": 4 * 2, "r_p": junctions, "tmr": junctions, "barrier": junctions,
    }  # fmt: skip


def test_values_follow_their_laws_at_the_spreads_asked_for(chips: list[Chip]) -> None:
    """Each by Kolmogorov's test against the law that docs/mismatch.md prints."""
    rows = [row for chip in chips for row in chip.rows]

    def values(quantity: str, part: str = "") -> Array:
        return np.array([r.value for r in rows if r.quantity == quantity and part in r.part])

    def log_normal(std: float) -> tuple[str, tuple[float, float, float]]:
        width = np.sqrt(np.log1p(std**2))
        return "lognorm", (width, 0.0, np.exp(-(width**2) / 2))

    offsets = values("v_offset")
    assert stats.kstest(offsets, "norm", (0.0, 1e-3)).pvalue > LIKELY
    assert stats.kstest(values("gbw") / 2.8e6, *log_normal(0.1)).pvalue > LIKELY
    assert stats.kstest(values("resistors"), *log_normal(0.02)).pvalue > LIKELY
    diodes = np.log(values("ratio", "_dpos"))
    assert stats.kstest(diodes, "norm", (0.0, 0.2)).pvalue > LIKELY


def test_resistors_share_their_tolerance_and_track_apart_from_it(chips: list[Chip]) -> None:
    """Of two resistors of a chip the ratio spreads by √2 times the tracking, whatever is shared."""
    pairs = np.array(
        [
            [np.log(chip.exceptions[f"n1_{j}_rf{k}"].ratio or 1.0) for k in (1, 2)]
            for chip in chips
            for j in (1, 2)
        ]
    )
    apart = pairs[:, 0] - pairs[:, 1]
    assert stats.kstest(apart, "norm", (0.0, np.sqrt(2) * 0.01)).pvalue > LIKELY
    weights = np.log([np.concatenate([p.ravel() for p in chip.plus]) for chip in chips])
    shared = np.log([chip.rows[0].value for chip in chips])
    assert chips[0].rows[0].part == "chip"
    tracked = (weights - shared[:, np.newaxis]).ravel()
    width = np.sqrt(np.log1p(0.01**2))
    assert stats.kstest(tracked, "norm", (-(width**2) / 2, width)).pvalue > LIKELY
    # A chip's own mean is what it shares: six R+ leave 1/√6 of the tracking in it.
    assert np.corrcoef(weights.mean(axis=1), shared)[0, 1] > 0.95


def test_no_part_is_negative_at_the_largest_spreads() -> None:
    wide = circuit(3, resistor_tolerance=0.5, resistor_tracking=0.5, gbw=0.5, diode_is=2)
    chip = drawn(wide, Network((20, 20, 5)))
    figures = [v for e in chip.exceptions.values() for v in e.figures.values()]
    assert min(figures) > 0
    assert min(p.min() for p in (*chip.plus, *chip.minus)) > 0


def test_a_chip_is_its_number_whatever_its_spreads_and_the_seed() -> None:
    one = deviates(drawn(circuit(7, **SPREADS)))
    halved = {name: value / 2 for name, value in SPREADS.items()}
    assert deviates(drawn(circuit(7, **halved), seed=5)) == one
    assert deviates(drawn(circuit(8, **SPREADS))) != one
    for name, value in SPREADS.items():
        if name == "resistor_tolerance":  # moves the resistors that tracking draws
            continue
        alone = drawn(circuit(7, **{name: value}))
        assert deviates(alone).items() <= one.items()
    # Junctions neither disturb it nor are disturbed.
    both = circuit(7, **SPREADS).model_copy(
        update={"smtj": CircuitParameters.model_validate({"smtj": JUNCTIONS}).smtj}
    )
    assert one.items() <= deviates(drawn(both)).items()
    junctions = drawn(both.model_copy(update={"mismatch": circuit(7).mismatch}))
    assert junctions.strings == drawn(both).strings


def test_a_part_of_a_chip_is_the_same_in_another_network() -> None:
    small = deviates(drawn(circuit(7, **SPREADS), Network((2, 2, 1))))
    large = deviates(drawn(circuit(7, **SPREADS), Network((2, 5, 3, 1))))
    assert small["n1_2_b", "v_offset"] == large["n1_2_b", "v_offset"]
    assert small["w1_2_2_n", "ratio"] == large["w1_2_2_n", "ratio"]


def test_without_a_number_the_seed_draws_the_chip() -> None:
    assert deviates(drawn(circuit(None, **SPREADS))) == deviates(drawn(circuit(None, **SPREADS)))
    other = deviates(drawn(circuit(None, **SPREADS), seed=1))
    assert deviates(drawn(circuit(None, **SPREADS))) != other


def test_junctions_of_a_seed_are_those_that_circuits_drew_before() -> None:
    """`CircuitParameters.noise_strings` with the seed's generator, other parts drawn or not."""
    c = CircuitParameters.model_validate(
        {"smtj": JUNCTIONS, "mismatch": SPREADS, "noise": {"n_mtj": 2}}
    )
    seed, same = (np.random.SeedSequence(4).spawn(6)[5] for _ in range(2))
    chip = draw_chip(c, NETWORK, chip_generator(c, seed))
    assert chip.strings == c.noise_strings(NETWORK.neurons, np.random.default_rng(same))
    row = next(row for row in chip.rows if (row.part, row.quantity) == ("n1_1_j2", "tmr"))
    assert row.value == chip.strings[0].junctions[1].tmr
    width = np.sqrt(np.log1p(0.05**2))
    assert row.value == pytest.approx(np.exp(width * row.deviate - width**2 / 2), rel=1e-12)


def test_without_spreads_nothing_is_drawn() -> None:
    chip = drawn(circuit(3))
    assert (chip.rows, chip.exceptions) == ((), {})
    assert all((p == 1).all() for p in (*chip.plus, *chip.minus))
    assert chip.applied(circuit(3)) == circuit(3)


def test_every_part_is_drawn_and_recorded_with_its_value() -> None:
    c = circuit(1, **SPREADS)
    chip = drawn(c)
    parts = [name for name, _ in named_parts(NETWORK, c.activation, c.noise)]
    assert list(chip.exceptions) == parts
    rows = {(row.part, row.quantity): row for row in chip.rows}
    assert len(rows) == len(chip.rows)
    for name, exception in chip.exceptions.items():
        for quantity, value in exception.figures.items():
            assert rows.pop((name, quantity)).value == value
    assert rows.pop(("chip", "resistors")).value == pytest.approx(1, abs=0.1)
    weights = [chip.plus[0][1, 2], chip.minus[2][0, 1]]
    assert [rows["w1_2_b_p", "ratio"].value, rows["w3_1_2_n", "ratio"].value] == weights
    assert len(rows) == 2 * (6 + 6 + 3)


def test_what_a_user_wrote_wins_and_is_not_drawn() -> None:
    exceptions = {"n1_1_a": {"v_offset": 5e-3}, "n2_1_rf3": {"ratio": 1.1}}
    c = circuit(1, **SPREADS)
    mine = CircuitParameters.model_validate({**c.model_dump(), "exceptions": exceptions})
    chip = drawn(mine)
    merged = chip.applied(mine).exceptions
    assert merged["n1_1_a"].v_offset == 5e-3
    assert merged["n2_1_rf3"].figures == {"ratio": 1.1}
    assert merged["n1_1_a"].gbw == drawn(c).exceptions["n1_1_a"].gbw
    assert deviates(drawn(c)).keys() - deviates(chip).keys() == {
        ("n1_1_a", "v_offset"), ("n2_1_rf3", "ratio"),
    }  # fmt: skip


def test_typical_parts_are_what_a_circuit_can_have() -> None:
    assert typical_of(CircuitParameters()) == dict(TYPICAL)
    c = CircuitParameters.model_validate(
        {
            "opamp": {"level": "single-pole"},
            "activation": {"diode": "ideal"},
            "noise": {"source": "gaussian"},
            "mismatch": {"resistor_tracking": 0.3},
        }
    )
    assert typical_of(c).keys() == {
        "circuit.mismatch.resistor_tolerance", "circuit.mismatch.gbw",
    }  # fmt: skip
    config = load_config(None, None, {}, assignments=[f"{p}={v}" for p, v in TYPICAL.items()])
    assert config.circuit.mismatch.spread
    assert config.circuit.smtj.spread


# --- single parts in ngspice, against closed forms -------------------------------------------


def with_parts(exceptions: Settings, **more: object) -> CircuitParameters:
    """A source that is a voltage, so that R_z alone joins the weights at the summing node."""
    parts = {"noise": {"source": "gaussian"}, **more}
    return CircuitParameters.model_validate({"exceptions": exceptions, **parts})


def weights(network: Network) -> list[Array]:
    rng = np.random.default_rng(5)
    shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
    return [rng.uniform(-0.9, 0.9, shape) for shape in shapes]


def run_once(c: CircuitParameters, network: Network, noise: float = 0.0) -> Readout:
    """One pass at rest at fixed inputs, every noise source at `noise` V."""
    controls = np.full((1, network.neurons), noise)
    inputs = np.linspace(-0.3, 0.5, network.layers[0])[np.newaxis]
    passes = Passes(inputs, controls, ((NO_JUMPS,) * network.neurons,), 0.1 * controls)
    engine = NgspiceEngine(network, c, AT_REST, solver=TIGHT)
    engine.write(weights(network))
    return engine.run(passes)


def sums(network: Network) -> tuple[Array, Array]:
    """Σ G± x of each neuron of layer 1, A: `G± = 1/R_max + max(±w, 0)/R_f`."""
    w, x = weights(network)[0], np.linspace(-0.3, 0.5, network.layers[0])
    plus, minus = (1 / R_MAX + np.maximum(sign * w, 0) / R_F for sign in (1, -1))
    return plus @ x, minus @ x


@pytest.mark.parametrize("ratio", [1.1, 0.9])
@pytest.mark.parametrize("part", ["rf1", "rf2", "rf3"])
def test_a_feedback_resistor_sets_the_gain_of_its_stage(part: str, ratio: float) -> None:
    """`a = (R_f1 R_f3/R_f2) Σ G+ x − R_f3 Σ G− x`, by Kirchhoff with two virtual grounds."""
    network = Network((3, 2))
    r = {"rf1": R_F, "rf2": R_F, "rf3": R_F}
    r[part] *= ratio
    plus, minus = sums(network)
    wanted = r["rf1"] * r["rf3"] / r["rf2"] * plus - r["rf3"] * minus
    found = run_once(with_parts({f"n1_2_{part}": {"ratio": ratio}}), network).pre[0][0]
    plain = run_once(with_parts({}), network).pre[0][0]
    assert found[1] == pytest.approx(wanted[1], rel=FINITE_GAIN)
    assert abs(found[1] - plain[1]) > 2e-4
    assert abs(found[0] - plain[0]) < tolerances.SAME_DECK


def test_an_injection_resistor_scales_the_noises_swing() -> None:
    """`ν = V_z R_f/R_z`, of its own neuron alone."""
    network = Network((3, 2))
    c = with_parts({"n1_1_rz": {"ratio": 1.25}})
    swing = run_once(c, network, 0.5).pre[0][0] - run_once(c, network, -0.5).pre[0][0]
    np.testing.assert_allclose(swing, [R_F / R_Z / 1.25, R_F / R_Z], rtol=FINITE_GAIN)


def test_a_trim_off_its_value_leaves_an_offset() -> None:
    """`V_ref R_f (1/R_o − 1/(r R_o))`: what it takes away less."""
    network = Network((3, 2))
    r_trim = CircuitParameters().noise_string().r_trim
    plain, off = (
        run_once(CircuitParameters.model_validate({"exceptions": e}), network).pre[0][0]
        for e in ({}, {"n1_2_ro": {"ratio": 1.02}})
    )
    moved = 2.5 * R_F / r_trim * (1 - 1 / 1.02)
    assert moved > 4e-4
    assert off[1] - plain[1] == pytest.approx(moved, rel=FINITE_GAIN)
    assert abs(off[0] - plain[0]) < tolerances.SAME_DECK


def test_a_divider_off_its_value_makes_other_levels() -> None:
    """The string's closed form at that R_s; the trim is as before."""
    network = Network((3, 2))
    exceptions = {"n1_2_rs": {"ratio": 1.1}}
    plain, off = (
        run_once(CircuitParameters.model_validate({"exceptions": e}), network).pre[0][0]
        for e in ({}, exceptions)
    )
    levels = []
    for r_series in (100e3, 110e3):
        c = CircuitParameters.model_validate({"noise": {"r_series": r_series}})
        levels.append(float(c.noise_string().levels[0]))
    wanted = (levels[1] - levels[0]) * R_F / R_Z
    assert off[1] - plain[1] == pytest.approx(wanted, rel=1e-3)  # microvolts across the junction
    assert abs(off[0] - plain[0]) < tolerances.SAME_DECK


def test_a_diodes_saturation_current_scales_its_current() -> None:
    """Reverse-biased by volts a diode takes −IS: through R_load alone where the other one blocks.

    At a < 0 the divider's Dneg conducts; its drop moves by −N V_T ln(ratio) at a fixed current. A
    large R_load keeps that current small against the slope, so that the output moves by the drop.
    """
    rest = {"kind": "diode-divider", "diode": "1N4148", "r_load": 1e7, "r_negative": 200}
    network = Network((2, 2, 1))
    ratio = 1.5

    def diode_drop(part: str | None) -> tuple[float, float]:
        exceptions = {f"n1_1_{part}": {"ratio": ratio}} if part else {}
        found = run_once(with_parts(exceptions, activation=rest), network)
        return float(found.pre[0][0, 0]), float(found.outputs[0][0, 0])

    a, before = diode_drop(None)
    conducts, blocks = ("dpos", "dneg") if a > 0 else ("dneg", "dpos")
    c = with_parts({}, activation=rest)
    n_v_t = c.activation.rectifier.thermal_voltage(c.temperature)
    i_s = c.activation.rectifier.i_s

    def closed_form(scaled: float) -> float:
        """The output with IS of the conducting diode scaled; Kirchhoff at the load."""
        from scipy.optimize import brentq  # noqa: PLC0415 - here alone

        def surplus(y: float) -> float:
            drop = abs(a) - y
            return scaled * i_s * np.expm1(drop / n_v_t) + i_s * -np.expm1(-drop / n_v_t) - y / 1e7

        return np.sign(a) * brentq(surplus, 0.0, abs(a), xtol=1e-15)

    moved = diode_drop(conducts)[1] - before
    assert moved == pytest.approx(closed_form(ratio) - closed_form(1.0), rel=2e-3)
    assert abs(moved) > 1e-3
    assert abs(diode_drop(blocks)[1] - before) > FINE  # its leak is scaled, too


def test_a_resistor_of_the_precision_rectifier_has_its_own_name() -> None:
    """`x = −R_rfx (vp/R_sp + vn/R_sn)`: `rfx` scales the output, `rf2` the pre-activation."""
    rest = {"kind": "precision", "diode": "ideal"}
    network = Network((2, 2, 1))
    plain = run_once(with_parts({}, activation=rest), network)
    output = run_once(with_parts({"n1_2_rfx": {"ratio": 1.03}}, activation=rest), network)
    sum_ = run_once(with_parts({"n1_2_rf2": {"ratio": 1.03}}, activation=rest), network)
    ratio = output.outputs[0][0] / plain.outputs[0][0]
    np.testing.assert_allclose(ratio, [1.0, 1.03], rtol=1e-3)
    assert abs(output.pre[0][0, 1] - plain.pre[0][0, 1]) < FINE
    assert abs(sum_.pre[0][0, 1] - plain.pre[0][0, 1]) > 1e-4


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_every_parts_ratio_is_in_the_deck_and_alike_for_all_is_another_value(kind: str) -> None:
    """All resistors 10 % high but the weights' is a circuit of those resistors; so with IS."""
    network = Network((2, 2, 1))
    rest = {"kind": kind, "diode": "1N4148"}
    plain = with_parts({}, activation=rest)
    names = dict(named_parts(network, plain.activation, plain.noise))
    ratios = {name: {"ratio": 1.1} for name, of in names.items() if of != "op-amp"}
    single = with_parts(ratios, activation=rest)
    diode = plain.activation.rectifier.model_copy(update={"i_s": 1.1 * 4.352e-9})
    bare = plain.activation
    values = ("r_load", "r_positive", "r_negative", "r_rectifier")
    common = plain.model_copy(
        update={
            "synapse": plain.synapse.model_copy(update={"r_feedback": 1.1 * R_F}),
            "noise": plain.noise.model_copy(update={"r_inject": 1.1 * R_Z}),
            "activation": bare.model_copy(
                update={"diode": diode, **{name: 1.1 * getattr(bare, name) for name in values}}
            ),
        }
    )
    pairs = [plain.synapse.program(w) for w in weights(network)]

    def at_rest(c: CircuitParameters) -> list[float]:
        stimulus = still(0.0, np.array([0.4, -0.2]), np.full(3, 0.3))
        library = get_library()
        deck = build_deck(network, c, pairs, [("p1", stimulus)], solver=TIGHT)
        library.load(format_for_library(deck))
        library.command("op")
        found = [float(library.vector(node)[0]) for node in deck.probes]
        library.command("destroy all")
        return found

    np.testing.assert_allclose(at_rest(single), at_rest(common), rtol=0, atol=FINE)
    assert np.abs(np.subtract(at_rest(single), at_rest(plain))).max() > 1e-3


# --- a chip of which every part differs ------------------------------------------------------


def whole_chip(coupling: str = "open-loop", kind: str = "diode-divider") -> CircuitParameters:
    sections = {
        "noise": {"coupling": coupling},
        "activation": {"kind": kind},
        "smtj": JUNCTIONS | ({"critical_current": "200u"} if coupling == "two-way" else {}),
    }
    return CircuitParameters.model_validate({**sections, "mismatch": {"chip": 5, **SPREADS}})


@pytest.mark.parametrize(
    ("coupling", "kind"), [("open-loop", "precision"), ("two-way", "diode-divider")]
)
def test_a_whole_chip_is_the_same_in_both_reductions(coupling: str, kind: str) -> None:
    network = Network((2, 2, 2, 1))
    asked = whole_chip(coupling, kind)
    chip = drawn(asked, network)
    c = chip.applied(asked)
    clock = Clock(1e-3, 40e-6, "aperture")
    rng = np.random.default_rng(2)
    source = open_source(network, c, clock, rng, strings=chip.strings)
    drawn_noise = source.draw(2)
    inputs = np.tile([[0.3, -0.4]], (4, 1))
    passes = Passes(inputs, drawn_noise.controls, drawn_noise.jumps, drawn_noise.noise)
    found = []
    for engine in (NgspiceEngine, ReducedEngine):
        one = engine(network, c, clock, strings=chip.strings)
        one.write([0.5 * w for w in weights(network)])
        found.append(one.run(passes))
    for a, b in zip(
        (*found[0].pre, *found[0].outputs), (*found[1].pre, *found[1].outputs), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerances.SAME_SAMPLE)
    plain = ReducedEngine(network, asked, clock, strings=chip.strings)
    plain.write([0.5 * w for w in weights(network)])
    assert np.abs(plain.run(passes).pre[0] - found[1].pre[0]).max() > 1e-4


def test_a_whole_chip_passes_the_rules_and_its_weights_may_leave_their_range() -> None:
    asked = whole_chip()
    chip = drawn(asked)
    c = chip.applied(asked)
    deck = random_deck(NETWORK, c, 10e-6, 3)
    assert not check(deck, Limits.of(c))
    for name, exception in chip.exceptions.items():
        if name.endswith(("_dpos", "_dneg")):
            assert f".model D_HSMS_2850_{name} D(IS={3e-6 * (exception.ratio or 1):.9g} " in (
                format_deck(deck)
            )
    # The largest weight resistor is R_max, times what a part of 2 % may be off by.
    assert Limits.of(c).r_max == pytest.approx(R_MAX * np.exp(6 * np.hypot(0.02, 0.01)))
    assert Limits.of(CircuitParameters()).r_max == R_MAX


def test_flips_of_two_way_coupling_come_from_the_chips_own_divider() -> None:
    """R_s ten times as large takes the torque away: dwells grow to those without current."""
    sections = {
        "noise": {"coupling": "two-way"},
        "smtj": {"critical_current": "40u", "barrier_p": 0.2, "barrier_ap": 0.2},
    }
    network = Network((1, 1))
    clock = Clock(20e-6, 20e-6, "full")
    shares = []
    for exceptions in ({}, {"n1_1_rs": {"ratio": 10.0}}):
        c = CircuitParameters.model_validate({**sections, "exceptions": exceptions})
        string = c.noise_string()
        wide = c.model_copy(update={"noise": c.noise.model_copy(update={"r_series": 1e6})})
        law = wide.noise_string() if exceptions else string
        source = open_source(
            network, c, clock, np.random.default_rng(0), strings=(string,), solver=SolverSettings()
        )
        controls = source.draw(100).controls[:, 0]
        share = float(law.occupancies[0])
        shares.append(share)
        assert stats.binomtest(int(controls.sum()), len(controls), share).pvalue > LIKELY
    assert abs(shares[1] - shares[0]) > 0.1


def test_resistors_off_nominal_are_a_mechanism_of_their_own() -> None:
    settings = {
        "task.layers": "2,1,1", "circuit.exceptions.n1_1_rf3.ratio": 1.05,
        "circuit.exceptions.n1_1_dneg.ratio": 1.1, "circuit.exceptions.n1_1_a.v_offset": 1e-3,
    }  # fmt: skip
    c = load_config(None, None, settings).circuit
    variant = Variant(
        c, (), Passes(np.zeros((1, 2)), np.zeros((1, 2)), (), np.zeros((1, 2))), TIGHT
    )
    nominal = variant.with_nominal_parts().circuit.exceptions
    assert {name: e.figures for name, e in nominal.items()} == {"n1_1_a": {"v_offset": 1e-3}}
    assert variant.with_opamps(v_offset=0.0).circuit.exceptions.keys() == {
        "n1_1_rf3", "n1_1_dneg",
    }  # fmt: skip


# --- runs ------------------------------------------------------------------------------------


def test_a_setups_circuit_has_the_chip_and_its_configuration_what_was_asked() -> None:
    settings = {"circuit.mismatch.v_offset": 1e-3, "circuit.mismatch.chip": 4}
    setup = set_up(load_config(None, None, {**settings, "simulation.t_aperture": "20u"}))
    assert setup.config.circuit.exceptions == {}
    assert setup.circuit.exceptions == setup.chip.exceptions
    assert len(setup.chip.exceptions) == 4 * 3 + 2
    assert setup.strings == setup.chip.strings
    other = set_up(load_config(None, None, {**settings, "simulation.t_aperture": "20u", "seed": 9}))
    assert other.chip.rows == setup.chip.rows


@pytest.mark.usefixtures("undrawn")
def test_a_run_leaves_its_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.job.write_page", lambda *_: None)  # which takes the most of its time
    out = tmp_path / "run"
    few = ["--epochs", "1", "--samples", "2", "--engine", "ideal", "--quiet", "--layers", "2,1,1"]
    spreads = ["--set", "circuit.mismatch.v_offset=1m", "--set", "circuit.smtj.spread_tmr=0.05"]
    assert run([*few, *spreads, "--chip", "3", "--out", str(out)]) == 0
    with (out / "chip.csv").open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HEADER == ("part", "quantity", "unit", "nominal", "value", "deviate")
    assert [row["part"] for row in rows] == [
        "n1_1_a", "n1_1_b", "n1_1_buf", "n2_1_a", "n2_1_b", "n1_1_j1", "n2_1_j1",
    ]  # fmt: skip
    first = rows[0]
    assert float(first["value"]) == 1e-3 * float(first["deviate"])
    assert "chip = 3" in (out / "config.toml").read_text(encoding="utf8")


def test_numbers_of_a_chip_file_are_exact() -> None:
    rows = [ChipRow("n1_1_rf1", "ratio", "1", 1.0, 1 / 3, -0.1)]
    assert format_chip(rows).splitlines()[1] == "n1_1_rf1,ratio,1,1.0,0.3333333333333333,-0.1"


def test_a_chip_without_spreads_is_warned_of() -> None:
    asked = {"circuit.mismatch.chip": 3, "task.layers": "2,1", "simulation.t_aperture": "20u"}
    (finding,) = set_up(load_config(None, None, asked)).findings
    assert str(finding).startswith(
        "parameter without effect: circuit.mismatch.chip: no part has a spread, so chip 3 is "
    )
    spread = asked | {"circuit.smtj.spread_tmr": 0.05}
    assert not set_up(load_config(None, None, spread)).findings


REFUSED = [
    ("--chip -1", "--chip: input should be greater than or equal to 0, got '-1'"),
    ("--chip 1.5", "--chip: wanted a whole number, got '1.5'"),
    ("--chip all", "--chip: wanted a whole number, got 'all'"),
    ("--set circuit.mismatch.v_offset=1", "less than or equal to 0.01"),
    ("--set circuit.mismatch.v_offset=-1m", "greater than or equal to 0"),
    (
        "--set circuit.mismatch.gbw=10%",
        "wanted a plain number, got one in %: '10%'",
    ),
    ("--set circuit.mismatch.offset=1m", "no such parameter; there are chip, resistor_tolerance"),
    (
        "--opamp ideal --set circuit.mismatch.gbw=0.1",
        "circuit.mismatch.gbw: op-amps of level ideal have none that could differ",
    ),
    (
        "--opamp single-pole --set circuit.mismatch.v_offset=1m",
        "op-amps of level single-pole have none that could differ; set circuit.opamp.level to",
    ),
    (
        "--diode ideal --set circuit.mismatch.diode_is=0.1",
        "circuit.mismatch.diode_is: diode ideal is ideal and has no IS",
    ),
    (
        "--set circuit.opamp.gbw=1e12 --set circuit.mismatch.gbw=0.5",
        "was drawn with gbw 1.",
    ),
    ("--set circuit.exceptions.n1_1_rf1.gbw=1M", "n1_1_rf1: gbw is not of resistors; wanted ratio"),
    ("--set circuit.exceptions.n1_1_a.ratio=1.1", "ratio is not of op-amps; wanted v_offset, gbw"),
    ("--set circuit.exceptions.n1_1_dpos.v_offset=1m", "v_offset is not of diodes; wanted ratio"),
    ("--set circuit.exceptions.n1_1_rf1.ratio=0", "greater than or equal to 0.000001"),
    ("--set circuit.exceptions.n1_1_rf4.ratio=1.1", "with a part of a, b, buf, rz, rs, ro, rf1"),
    ("--set circuit.exceptions.n1_1_rfx.ratio=1.1", "with a part of a, b, buf, rz, rs, ro, rf1"),
    ("--set circuit.exceptions.w1_1_1_p.ratio=1.1", "wanted n<layer>_<neuron>_<part>, as in"),
    (
        "--source gaussian --set circuit.exceptions.n1_1_rs.ratio=1.1",
        "with a part of a, b, buf, rz, rf1",
    ),
    (
        "--diode ideal --set circuit.exceptions.n1_1_dpos.ratio=1.1",
        "n1_1_dpos: diode ideal is ideal and has no IS; set circuit.activation.diode",
    ),
    (
        "--set circuit.exceptions.n3_1_rload.ratio=1.1",
        "n3_1 is an output neuron and has a, b, rz, rs, ro, rf1, rf2, rf3",
    ),
]


@pytest.mark.parametrize(("typed", "expected"), REFUSED, ids=[typed for typed, _ in REFUSED])
def test_what_no_chip_can_be_is_refused_in_one_line(
    typed: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(typed.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert expected in said


def test_a_diode_from_a_file_keeps_its_saturation_current() -> None:
    foreign = {"name": "D1", "model": "diodes.lib:D1"}
    with pytest.raises(ValueError, match="diode D1 is a model from a file, which keeps its IS"):
        CircuitParameters.model_validate(
            {"activation": {"diode": foreign}, "mismatch": {"diode_is": 0.1}}
        )


def test_a_figure_beyond_what_is_simulated_is_refused() -> None:
    c = CircuitParameters.model_validate(
        {"opamp": {"gbw": 1e12}, "mismatch": {"chip": 0, "gbw": 0.5}}
    )
    with pytest.raises(UserError, match=r"circuit\.mismatch: n1_\d_[ab].* take a smaller spread"):
        drawn(c)
