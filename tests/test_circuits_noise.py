"""The noise string against Kirchhoff's laws solved a second way, and against ngspice."""

from itertools import product

import numpy as np
import pytest
import tolerances
from conftest import Bench
from scipy.optimize import root

from circuits import CircuitParameters, NoiseParameters, NoiseString, SmtjParameters
from netlists.elements import Instance, Resistor, VoltageSource


def circuit(n_mtj: int) -> CircuitParameters:
    """Both states unlike in occupancy, and enough bias for the TMR to fall."""
    return CircuitParameters(
        noise=NoiseParameters(n_mtj=n_mtj, r_series=30e3, r_inject=300e3),
        smtj=SmtjParameters(barrier_p=0.33, barrier_ap=0.31),
    )


def solve_nodes(string: NoiseString, states: tuple[int, ...]) -> float:
    """V_m from the currents at every node between the junctions, which know of no equality."""
    p, junction = string.parameters, string.junction

    def surplus(nodes: np.ndarray) -> list[float]:
        drops = nodes - np.append(nodes[1:], 0.0)
        through = [v / junction.resistance(s, v) for v, s in zip(drops, states, strict=True)]
        into = [(p.v_bias - nodes[0]) / p.r_series - nodes[0] / p.r_inject, *through[:-1]]
        return [1e6 * (i - t) for i, t in zip(into, through, strict=True)]

    guess = np.linspace(0.3, 0.1, len(states))
    solution = root(surplus, guess, tol=1e-13)
    assert np.abs(solution.fun).max() < 1e-9  # µA
    return float(solution.x[0])


@pytest.mark.parametrize("n_mtj", [1, 2, 3, 5])
def test_levels_solve_kirchhoffs_laws_in_any_order_of_states(n_mtj: int) -> None:
    string = circuit(n_mtj).noise_string()
    for states in product((0, 1), repeat=n_mtj):
        assert string.levels[sum(states)] == pytest.approx(
            solve_nodes(string, states), abs=tolerances.STRING
        )
    assert (np.diff(string.levels) > 0).all()


@pytest.mark.parametrize("n_mtj", [1, 2, 3, 5])
def test_noise_has_zero_mean_and_the_sigma_of_all_its_states(n_mtj: int) -> None:
    c = circuit(n_mtj)
    string = c.noise_string()
    p = c.smtj.occupancy(c.temperature)
    states = np.array(list(product((0, 1), repeat=n_mtj)), dtype=np.uint8)
    chance = np.prod(np.where(states, p, 1 - p), axis=1)
    nu = string.node_noise(states)
    assert chance @ nu == pytest.approx(0.0, abs=tolerances.ROUNDING)
    assert string.sigma == pytest.approx(np.sqrt(chance @ nu**2), rel=tolerances.ROOT)
    levels = string.levels[states.sum(axis=1)]
    trim = 100e3 * c.noise.v_trim / string.r_trim
    np.testing.assert_allclose(nu, 100e3 * levels / 300e3 - trim, atol=tolerances.ROUNDING)


@pytest.mark.parametrize("n_mtj", [1, 2, 3])
def test_ngspice_finds_the_same_levels_and_holds_the_noise_off(n_mtj: int, bench: Bench) -> None:
    c = circuit(n_mtj)
    string = c.noise_string()
    sources = [f"s{k}" for k in range(1, n_mtj + 1)]
    library = bench(
        c,
        [
            VoltageSource("b", "vb", "0", "V_B"),
            Resistor("s", "vb", "m", "R_S"),
            Instance("string", ("m", *sources), "mtj_string"),
            Resistor("z", "m", "0", "R_Z"),
            *(VoltageSource(name, name, "0", 0.0) for name in sources),
        ],
    )

    def divider(states: tuple[float, ...]) -> float:
        for name, state in zip(sources, states, strict=True):
            library.command(f"alter v{name} = {state:.15g}")
        library.command("op")
        return float(library.vector("m")[0])

    for states in product((0, 1), repeat=n_mtj):
        assert divider(states) == pytest.approx(string.levels[sum(states)], abs=tolerances.STRING)
    held = divider((string.held_state,) * n_mtj)
    assert held == pytest.approx(string.mean_voltage, abs=tolerances.STRING)


def test_the_default_noise_is_the_papers() -> None:
    string = CircuitParameters().noise_string()
    # Appendix A: levels 42.09 ± 5.93 mV; the junction's TMR at its bias is chosen by us.
    np.testing.assert_allclose(np.abs(string.node_levels), 5.93e-3, rtol=tolerances.PAPER_LEVELS)
