"""The noise string: voltages against Kirchhoff's laws and ngspice, laws against their chain.

The oracles know of no equality between junctions and share no formula with `circuits.string`:
every node is an unknown of its own, and every configuration a state of a Markov chain.
"""

import math
import re
from itertools import product

import numpy as np
import pytest
import tolerances
from conftest import Bench
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import expm, null_space
from scipy.optimize import root

from circuits import CircuitParameters, NoiseParameters, NoiseString, SmtjParameters, Telegraph
from circuits.noise import Arrangement, Coupling
from circuits.smtj import AP, P
from netlists import cells
from netlists.elements import Resistor, VoltageSource

Array = NDArray[np.float64]
States = tuple[float, ...]

ARRANGEMENTS: tuple[Arrangement, ...] = ("series", "parallel")
THERMAL = 8.617333262145e-5 * 300.15  # eV, at 27 °C
CRITICAL = 400e-6  # A; the strings here carry up to 100 µA

FAMILY = 14  # statistical tests in this file: 6 of rates, 8 of correlations
THRESHOLD = tolerances.ALPHA / FAMILY

CHAIN = 1e-8
"""The singular vector of a matrix whose rates lie five decades apart, in double precision, at
voltages good to 1e-11; less for configurations that are rarer than 1e-3."""

NOT_A_SUM = 0.005
"""What `correlation` leaves out: the divider's voltage is not the sum of its junctions' shares.
With four of 5 kΩ in parallel, the worst here, it comes to 0.0034."""

NINE_DIGITS = 5e-9
"""V. Resistances of unequal junctions reach ngspice with nine digits, on levels up to 1.4 V."""


def circuit(
    n_mtj: int,
    arrangement: Arrangement = "series",
    coupling: Coupling = "open-loop",
    critical_current: float = math.inf,
) -> CircuitParameters:
    """Both states unlike in occupancy, and enough bias for the TMR to fall."""
    return CircuitParameters(
        noise=NoiseParameters(
            n_mtj=n_mtj, r_series=30e3, r_inject=300e3, arrangement=arrangement, coupling=coupling
        ),
        smtj=SmtjParameters(barrier_p=0.33, barrier_ap=0.31, critical_current=critical_current),
    )


def unequal(c: CircuitParameters) -> NoiseString:
    """Each junction differs from every other in resistance, TMR and barrier."""
    return c.noise_string(
        tuple(
            c.smtj.model_copy(
                update={
                    "resistance_area": (1 + 0.45 * k) * c.smtj.resistance_area,
                    "tmr": 1.1 - 0.05 * k,
                    "barrier_p": 0.33 - 0.011 * k,
                    "barrier_ap": 0.31 - 0.017 * k,
                }
            )
            for k in range(c.noise.n_mtj)
        )
    )


def strings(n_mtj: int, **settings: object) -> list[NoiseString]:
    """Equal and unequal ones, in series and in parallel."""
    found = []
    for arrangement in ARRANGEMENTS:
        c = circuit(n_mtj, arrangement, **settings)  # pyright: ignore[reportArgumentType]
        found += [c.noise_string(), *([unequal(c)] if n_mtj > 1 else [])]
    return found


def name(string: NoiseString) -> str:
    kind = "equal" if string.equal else "unequal"
    return f"{len(string.junctions)}-{kind}-{string.parameters.arrangement}"


def every_state(string: NoiseString) -> list[tuple[int, ...]]:
    return list(product((P, AP), repeat=len(string.junctions)))


def ohms(junction: SmtjParameters, state: float, bias: float) -> float:
    area = math.pi / 4 * junction.diameter**2
    fallen = junction.tmr / (1 + (bias / junction.v_half) ** 2)
    return junction.resistance_area / area * (1 + state * fallen)


def solve(string: NoiseString, states: States) -> tuple[float, Array]:
    """V_z in V and each junction's current in A, from the currents at every node, in µA."""
    p, n = string.parameters, len(states)
    devices = list(zip(string.junctions, states, strict=True))

    def series(nodes: Array) -> list[float]:
        drops = nodes - np.append(nodes[1:], 0.0)
        through = [v / ohms(j, s, v) for v, (j, s) in zip(drops, devices, strict=True)]
        into = [(p.v_bias - nodes[0]) / p.r_series - nodes[0] / p.r_inject, *through[:-1]]
        return [1e6 * (i - t) for i, t in zip(into, through, strict=True)]

    def parallel(unknown: Array) -> list[float]:
        v, through = unknown[0], unknown[1:]
        laws = [1e6 * v / ohms(j, s, v) - t for t, (j, s) in zip(through, devices, strict=True)]
        left = 1e6 * (p.v_bias - v) / p.r_series - 1e6 * v / p.r_inject - through.sum()
        return [left, *laws]

    if p.arrangement == "series":
        solution = root(series, np.linspace(0.3, 0.1, n), tol=1e-13)
        drop = solution.x[0] - (solution.x[1] if n > 1 else 0.0)
        currents = np.full(n, drop / ohms(string.junctions[0], states[0], drop))
    else:
        solution = root(parallel, np.append(0.2, np.full(n, 100 / n)), tol=1e-13)
        currents = 1e-6 * solution.x[1:]
    assert np.abs(solution.fun).max() < 1e-9  # µA
    return float(solution.x[0]), currents


def dwell(junction: SmtjParameters, state: int, current: float = 0.0) -> float:
    """Néel and Arrhenius with torque, at 27 °C and no field; s."""
    sign = {P: -1, AP: 1}[state]
    own = (junction.barrier_p, junction.barrier_ap)[state]
    return 1e-9 * math.exp(own * (1 + sign * current / junction.critical_current) / THERMAL)


def generator(string: NoiseString) -> Array:
    """Of the chain of all 2ⁿ states, in the order of `every_state`, two-way coupled; 1/s."""
    states = every_state(string)
    rates = np.zeros((len(states),) * 2)
    for row, before in enumerate(states):
        _, currents = solve(string, before)
        for k, (junction, current) in enumerate(zip(string.junctions, currents, strict=True)):
            after = (*before[:k], 1 - before[k], *before[k + 1 :])
            rates[row, states.index(after)] = 1 / dwell(junction, before[k], current)
    return rates - np.diag(rates.sum(axis=1))


def gathered(string: NoiseString, chances: Array) -> Array:
    """Chances of all states, as chances of the string's configurations."""
    found = np.zeros(len(string.configurations))
    index = string.configuration(np.array(every_state(string), dtype=np.uint8))
    np.add.at(found, index, chances)
    return found


STRINGS = [string for n in (1, 2, 3, 4) for string in strings(n)]


# --- voltages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("string", STRINGS, ids=name)
def test_levels_and_currents_solve_kirchhoffs_laws_in_every_state(string: NoiseString) -> None:
    for states in every_state(string):
        shaped = np.array(states, dtype=np.uint8)
        voltage, currents = solve(string, states)
        level = string.levels[string.configuration(shaped)]
        assert level == pytest.approx(voltage, abs=tolerances.STRING)
        got = string.currents(float(level), shaped)
        np.testing.assert_allclose(got, currents, rtol=tolerances.ROOT)
        between = tuple(0.2 + 0.7 * s for s in states)
        assert float(string.divider_voltage(np.array(between))) == pytest.approx(
            solve(string, between)[0], abs=tolerances.STRING
        )


@pytest.mark.parametrize("string", STRINGS, ids=name)
def test_equal_junctions_make_n_plus_one_levels_and_unequal_ones_all(string: NoiseString) -> None:
    n = len(string.junctions)
    count = n + 1 if string.equal else 2**n
    assert string.levels.shape == (count,)
    # Far apart for what a solver resolves.
    assert np.diff(np.sort(string.levels)).min() > 1e3 * tolerances.STRING
    if string.equal:
        assert (np.diff(string.levels) > 0).all()
    index = string.configuration(string.configurations)
    np.testing.assert_array_equal(index, np.arange(count))


@pytest.mark.parametrize("string", STRINGS, ids=name)
def test_mean_sigma_and_chances_are_those_of_all_states(string: NoiseString) -> None:
    p_ap = np.array([dwell(j, AP) / (dwell(j, P) + dwell(j, AP)) for j in string.junctions])
    states = np.array(every_state(string), dtype=np.uint8)
    chances = np.prod(np.where(states, p_ap, 1 - p_ap), axis=1)
    voltages = np.array([solve(string, tuple(s))[0] for s in states.tolist()])
    np.testing.assert_allclose(string.occupancies, p_ap, rtol=tolerances.ROOT)
    np.testing.assert_allclose(
        string.probabilities, gathered(string, chances), rtol=tolerances.ROOT
    )
    mean = float(chances @ voltages)
    assert string.mean_voltage == pytest.approx(mean, abs=tolerances.STRING)
    # ν = R_f (V_z/R_z − V_ref/R_o), with R_f = 100 kΩ, R_z = 300 kΩ, V_ref = 2.5 V.
    nu = (voltages - mean) / 3
    np.testing.assert_allclose(string.node_noise(states), nu, atol=tolerances.STRING)
    assert string.sigma == pytest.approx(math.sqrt(chances @ nu**2), abs=tolerances.STRING)
    assert 100e3 * 2.5 / string.r_trim == pytest.approx(mean / 3, abs=tolerances.STRING)


@pytest.mark.parametrize("string", [s for n in (1, 2, 3) for s in strings(n)], ids=name)
def test_ngspice_finds_the_same_levels_and_holds_the_noise_off(
    string: NoiseString, bench: Bench
) -> None:
    n = len(string.junctions)
    sources = [f"s{k}" for k in range(1, n + 1)]
    library = bench(
        circuit(n, string.parameters.arrangement),
        [
            VoltageSource("b", "vb", "0", "V_B"),
            cells.noise_string("string", "z", sources, string, unequal=not string.equal),
            Resistor("z", "z", "0", "R_Z"),
            *(VoltageSource(source, source, "0", 0.0) for source in sources),
        ],
    )

    def divider(states: States) -> float:
        for source, state in zip(sources, states, strict=True):
            library.command(f"alter v{source} = {state:.15g}")
        library.command("op")
        return float(library.vector("z")[0])

    within = tolerances.STRING if string.equal else NINE_DIGITS
    for states in every_state(string):
        level = string.levels[string.configuration(np.array(states, dtype=np.uint8))]
        assert divider(states) == pytest.approx(level, abs=within)
    held = divider((string.held_state,) * n)
    assert held == pytest.approx(string.mean_voltage, abs=within)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_sixty_four_equal_junctions_are_solved(arrangement: Arrangement) -> None:
    string = circuit(64, arrangement).noise_string()
    assert len(string.levels) == 65
    for count in (0, 17, 64):
        voltage, _ = solve(string, (1.0,) * count + (0.0,) * (64 - count))
        assert string.levels[count] == pytest.approx(voltage, abs=tolerances.STRING)
    p = dwell(string.junctions[0], AP) / sum(dwell(string.junctions[0], s) for s in (P, AP))
    wanted = stats.binom.pmf(np.arange(65), 64, p)
    np.testing.assert_allclose(string.probabilities, wanted, rtol=tolerances.ROOT)


def test_more_than_twelve_unequal_junctions_are_refused() -> None:
    assert len(unequal(circuit(5)).levels) == 32
    one, other = SmtjParameters(), SmtjParameters(tmr=1.1)
    assert len(circuit(12).noise_string((one,) * 11 + (other,)).levels) == 4096
    message = (
        "n_mtj: open-loop strings of unequal junctions are solved up to 12, got 13; take fewer, or "
        "no spread"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        circuit(13).noise_string((one,) * 12 + (other,))


def test_every_neuron_has_devices_of_its_own_where_they_spread() -> None:
    c = CircuitParameters.model_validate(
        {"noise": {"n_mtj": 2}, "smtj": {"spread_resistance": 0.1, "spread_barrier": 0.02}}
    )
    drawn = c.noise_strings(3, np.random.default_rng(8))
    devices = [c.smtj.draw(child) for child in np.random.default_rng(8).spawn(6)]
    assert [j for string in drawn for j in string.junctions] == devices
    assert len(set(devices)) == 6
    # Devices do not depend on how many neurons follow.
    assert c.noise_strings(2, np.random.default_rng(8)) == drawn[:2]
    same = CircuitParameters().noise_strings(3, np.random.default_rng(8))
    assert same == (CircuitParameters().noise_string(),) * 3


def test_the_default_noise_is_the_papers() -> None:
    string = CircuitParameters().noise_string()
    # Appendix A: levels 42.09 ± 5.93 mV; the junction's TMR at its bias is chosen by us.
    np.testing.assert_allclose(np.abs(string.node_levels), 5.93e-3, rtol=tolerances.PAPER_LEVELS)


# --- pace, as paths are drawn ------------------------------------------------------------------


PACED = [s for n in (1, 3) for s in strings(n)]


@pytest.mark.parametrize("string", PACED, ids=name)
def test_drawn_paths_flip_at_the_strings_rate(string: NoiseString) -> None:
    times = np.array([[dwell(j, P), dwell(j, AP)] for j in string.junctions])
    cycle = times.sum(axis=1)
    wanted = (2 / cycle).sum()
    assert string.flip_rate == pytest.approx(wanted, rel=tolerances.ROOT)
    stop = 110_000 / wanted
    count = sum(
        len(Telegraph((tau_p, tau_ap), rng).window(0.0, stop)[1])
        for (tau_p, tau_ap), rng in zip(
            string.dwell_times.tolist(), np.random.default_rng(3).spawn(len(times)), strict=True
        )
    )
    assert count > 1e5
    # Renewal theory: cycles in a time T vary by T var/mean³, flips by four times that.
    deviation = math.sqrt(4 * stop * ((times**2).sum(axis=1) / cycle**3).sum())
    assert 2 * stats.norm.sf(abs(count - wanted * stop) / deviation) > THRESHOLD


def drawn_states(string: NoiseString, instants: Array) -> NDArray[np.uint8]:
    """States at instants, from paths drawn with the string's dwell times; shape (..., n)."""
    columns = []
    flat = instants.ravel()
    rngs = np.random.default_rng(31).spawn(len(string.junctions))
    for (tau_p, tau_ap), rng in zip(string.dwell_times.tolist(), rngs, strict=True):
        path, states = Telegraph((tau_p, tau_ap), rng), []
        for piece in np.array_split(flat, 1000):
            before, flips = path.window(float(piece[0]), float(piece[-1]))
            states.append((before + np.searchsorted(flips, piece, side="right")) % 2)
        columns.append(np.concatenate(states))
    return np.stack(columns, axis=-1).reshape(*instants.shape, -1).astype(np.uint8)


CORRELATED = [*strings(1)[:1], *strings(2)[:2], unequal(circuit(3, "parallel"))]


@pytest.mark.parametrize("string", CORRELATED, ids=name)
@pytest.mark.parametrize("lag", [20e-6, 150e-6])
def test_drawn_noise_correlates_as_the_closed_form_says(string: NoiseString, lag: float) -> None:
    slowest = max(1 / (1 / dwell(j, P) + 1 / dwell(j, AP)) for j in string.junctions)
    first = np.arange(100_000, dtype=np.float64) * (lag + 10 * slowest)
    nu = string.node_noise(drawn_states(string, np.stack([first, first + lag], axis=1)))
    product_of_both = nu[:, 0] * nu[:, 1]
    wanted = string.correlation(lag) * string.sigma**2
    z = (product_of_both.mean() - wanted) / (product_of_both.std() / math.sqrt(len(nu)))
    assert 2 * stats.norm.sf(abs(z)) > THRESHOLD


@pytest.mark.parametrize("string", STRINGS, ids=name)
@pytest.mark.parametrize("lag", [0.0, 20e-6, 150e-6, 1e-3])
def test_correlation_is_close_to_that_of_the_whole_chain(string: NoiseString, lag: float) -> None:
    nu = string.node_noise(np.array(every_state(string), dtype=np.uint8))
    q = generator(string)
    chances = null_space(q.T)[:, 0]
    chances /= chances.sum()
    wanted = (chances * nu) @ expm(lag * q) @ nu / (chances @ nu**2)
    within = NOT_A_SUM if len(string.junctions) > 1 else CHAIN
    assert string.correlation(lag) == pytest.approx(wanted, abs=within)


# --- torque ------------------------------------------------------------------------------------


COUPLED = [
    s for n in (1, 2, 3, 4) for s in strings(n, coupling="two-way", critical_current=CRITICAL)
]


@pytest.mark.parametrize("string", COUPLED, ids=name)
def test_two_way_coupling_settles_in_the_null_space_of_its_chain(string: NoiseString) -> None:
    q = generator(string)
    vectors = null_space(q.T)
    assert vectors.shape[1] == 1
    chances = vectors[:, 0] / vectors[:, 0].sum()
    wanted = gathered(string, chances)
    np.testing.assert_allclose(string.probabilities, wanted, rtol=CHAIN, atol=1e-3 * CHAIN)
    share = chances @ np.array(every_state(string))
    np.testing.assert_allclose(string.occupancies, share, rtol=CHAIN)
    assert string.flip_rate == pytest.approx(-chances @ np.diag(q), rel=CHAIN)
    voltages = np.array([solve(string, states)[0] for states in every_state(string)])
    mean = float(chances @ voltages)
    assert string.mean_voltage == pytest.approx(mean, abs=tolerances.STRING)
    deviation = math.sqrt(chances @ (voltages - mean) ** 2) / 3
    assert string.sigma == pytest.approx(deviation, abs=tolerances.STRING)
    held = solve(string, (string.held_state,) * len(string.junctions))[0]
    assert held == pytest.approx(mean, abs=tolerances.STRING)
    # Torque counts, and for more than one junction so does the coupling.
    still = [dwell(j, AP, 0.0) / (dwell(j, P) + dwell(j, AP)) for j in string.junctions]
    assert np.abs(share - still).max() > 0.1
    if len(string.junctions) > 1:
        alone = string.dwell_times[:, AP] / string.dwell_times.sum(axis=1)
        assert np.abs(share - alone).max() > 1e3 * CHAIN


@pytest.mark.parametrize("coupling", ["open-loop", "two-way"])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("critical", [CRITICAL, -CRITICAL])
def test_one_junction_dwells_at_each_states_own_current(
    coupling: Coupling, arrangement: Arrangement, critical: float
) -> None:
    string = circuit(1, arrangement, coupling, critical).noise_string()
    (junction,) = string.junctions
    currents = [float(solve(string, (float(state),))[1][0]) for state in (P, AP)]
    assert currents[P] > 1.05 * currents[AP] > 0
    times = [dwell(junction, state, currents[state]) for state in (P, AP)]
    np.testing.assert_allclose(string.dwell_times, [times], rtol=tolerances.ROOT)
    wanted = np.array(times) / sum(times)
    np.testing.assert_allclose(string.probabilities, wanted, rtol=tolerances.ROOT)
    assert string.flip_rate == pytest.approx(2 / sum(times), rel=tolerances.ROOT)
    # Current runs from p to q, so that it favours AP unless mounted the other way round.
    still = circuit(1).noise_string().occupancies[0]
    assert (string.occupancies[0] > still) == (critical > 0)


@pytest.mark.parametrize("n_mtj", [1, 3])
def test_without_torque_two_way_coupling_changes_nothing(n_mtj: int) -> None:
    for two_way, open_loop in zip(strings(n_mtj, coupling="two-way"), strings(n_mtj), strict=True):
        np.testing.assert_allclose(two_way.probabilities, open_loop.probabilities, rtol=CHAIN)
        np.testing.assert_allclose(two_way.node_levels, open_loop.node_levels, atol=1e-12)
        np.testing.assert_array_equal(two_way.dwell_times, open_loop.dwell_times)
        assert two_way.flip_rate == pytest.approx(open_loop.flip_rate, rel=CHAIN)
        assert two_way.sigma == pytest.approx(open_loop.sigma, rel=CHAIN)


@pytest.mark.parametrize("string", strings(3, critical_current=CRITICAL), ids=name)
def test_open_loop_torque_is_of_the_own_state_amid_the_others_average(string: NoiseString) -> None:
    still = [dwell(j, AP, 0.0) / (dwell(j, P) + dwell(j, AP)) for j in string.junctions]
    for k, junction in enumerate(string.junctions):
        for state in (P, AP):
            around = (*still[:k], float(state), *still[k + 1 :])
            current = float(solve(string, around)[1][k])
            wanted = dwell(junction, state, current)
            assert string.dwell_times[k, state] == pytest.approx(wanted, rel=CHAIN)


@pytest.mark.parametrize("coupling", ["open-loop", "two-way"])
def test_a_string_past_its_critical_current_is_refused(coupling: Coupling) -> None:
    string = circuit(2, "series", coupling, 50e-6).noise_string()
    with pytest.raises(
        ValueError, match=r"^a current of .*A passes the junction's critical current"
    ):
        _ = string.probabilities
