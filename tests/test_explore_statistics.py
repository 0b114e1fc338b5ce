"""Yield, shares of variance, ranks and front against closed forms and data made to be known."""

import math
from pathlib import Path
from typing import Any

import made_sweeps as made
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm, spearmanr

from sim.explore.effects import effect_of, plane_of
from sim.explore.front import designs_of, on_front
from sim.explore.groups import groups_of
from sim.explore.opened import Sweep, open_sweep
from sim.explore.ranks import (
    deviates_of,
    mean_rank,
    rank_draws,
    rank_parts,
    response,
    spearman,
)
from sim.explore.shares import chance_of, eta_squared, shares_of
from sim.explore.significance import holm
from sim.explore.yields import EVERY, curve_of, share_of_points, trials_of, wilson, yield_of

CHIPS = 40


def chips(ratios: np.ndarray, state: Any = "done") -> Sweep:
    """A sweep whose losses are these multiples of the ideal's, shape (chips, seeds)."""
    count, seeds = ratios.shape
    data = made.dataset(
        {"chip": count, "seed": seeds},
        {"in_loop": 1e-3 * ratios, "ideal": 1e-3},
        {"chip": ("chip", range(count)), "seed": ("seed", range(seeds))},
        state=state,
    )
    return made.opened(data)


# --- yield -----------------------------------------------------------------------------------


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_has_its_closed_form(counted: tuple[int, int]) -> None:
    """Wilson 1927, J. Am. Stat. Assoc. 22, 209: ends where |p̂ − p| is z standard errors of p."""
    k, n = counted
    z, p = norm.ppf(0.975), k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    found = wilson(k, n)
    assert found.share == p
    assert found.low == pytest.approx(max(0, middle - half), abs=1e-12)
    assert found.high == pytest.approx(min(1, middle + half), abs=1e-12)


def test_wilson_interval_of_a_textbook() -> None:
    # Newcombe 1998, Stat. Med. 17, 857, table I: 81 of 263, method 3: 0.2553 to 0.3662.
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_a_chip_is_one_trial_that_its_median_seed_decides() -> None:
    ratios = np.full((4, 3), 1.5)
    ratios[1] = [1.0, 2.5, 1.9]  # median 1.9
    ratios[2] = [1.0, 2.5, 2.1]  # median 2.1
    ratios[3] = [2.0, 2.0, 2.0]
    sweep = chips(ratios)
    (trials,) = trials_of(sweep, "in_loop")
    np.testing.assert_allclose(trials.ratios, [1.5, 1.9, 2.1, 2.0])
    got = yield_of(trials, 2.0 + 1e-9)
    assert (got.learning, got.chips) == (3, 4)
    assert share_of_points(sweep, "in_loop", 2.0 + 1e-9) == pytest.approx(9 / 12)


def test_exactly_at_the_factor_is_within_it() -> None:
    # Powers of two, so that no quotient is rounded: ratios of 1, 2, and the next number above 2.
    losses = np.ldexp([[1.0], [2.0], [np.nextafter(2.0, 3.0)]], -10)
    data = made.dataset(
        {"chip": 3, "seed": 1},
        {"in_loop": losses, "ideal": 2.0**-10},
        {"chip": ("chip", range(3)), "seed": ("seed", range(1))},
    )
    sweep = made.opened(data)
    (trials,) = trials_of(sweep, "in_loop")
    assert trials.ratios.tolist() == [1.0, 2.0, np.nextafter(2.0, 3.0)]
    assert yield_of(trials, 2.0).learning == 2
    assert share_of_points(sweep, "in_loop", 2.0) == 2 / 3


def test_failed_and_diverged_points_do_not_learn_and_open_ones_do_not_count() -> None:
    ratios = np.ones((5, 3))
    state = np.full(ratios.shape, "done", dtype="U8")
    state[0, 0] = "failed"  # two of three seeds learn: so does the chip
    state[1, :2] = "diverged"  # one of three: it does not
    state[2] = "failed"
    state[3] = "missing"
    state[4, 1:] = "missing"
    (trials,) = trials_of(chips(ratios, state=state), "in_loop")
    np.testing.assert_array_equal(trials.ratios, [1, np.inf, np.inf, np.nan, 1])
    got = yield_of(trials, 10)
    assert (got.learning, got.chips) == (2, 4)
    assert (trials.broken, trials.points) == (6, 10)


def test_an_ideal_loss_of_zero_is_reached_by_zero_alone() -> None:
    data = made.dataset(
        {"chip": 2}, {"in_loop": [0.0, 1e-9], "ideal": 0.0}, {"chip": ("chip", range(2))}
    )
    (trials,) = trials_of(made.opened(data), "in_loop")
    np.testing.assert_array_equal(trials.ratios, [1, np.inf])


def test_at_every_setting_a_chip_is_as_good_as_at_its_worst() -> None:
    sweep = made.opened(made.rich())
    every, nominal, hot = trials_of(sweep, "in_loop")
    assert (every.label, nominal.label, hot.label) == (EVERY, "nominal", "hot")
    np.testing.assert_array_equal(every.ratios, np.maximum(nominal.ratios, hot.ratios))
    assert every.ratios[5] == np.inf  # diverged at nominal with all seeds
    assert np.isfinite(every.ratios[3])  # failed with one seed of three
    shares = [one.share for one in curve_of(every, [1.1, 2, 5, 1e9])]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(59 / 60)  # a chip that diverged learns within no factor


# --- effects -----------------------------------------------------------------------------------


def test_effects_are_quantiles_over_everything_else() -> None:
    data = made.grid()
    effect = effect_of(made.opened(data), made.opened(data).factors[0], "in_loop")
    assert effect
    values = data["in_loop"].where(data["state"] == "done").to_numpy()
    for k, level in enumerate(effect.levels):
        here = values[k][np.isfinite(values[k])]
        assert level.count == here.size == (10 if k == 0 else 15)
        wanted = np.quantile(here, (0.25, 0.5, 0.75))
        np.testing.assert_allclose([level.low, level.median, level.high], wanted)
        by_seed = np.nanmedian(values[k], axis=0)
        np.testing.assert_allclose(level.seeds, [by_seed.min(), by_seed.max()])
    assert [level.label for level in effect.levels] == ["300 kHz", "1 MHz", "2.8 MHz", "10 MHz"]


def test_a_plane_is_the_median_over_seeds() -> None:
    data = made.grid()
    gbw, tmr = made.opened(data).factors
    plane = plane_of(made.opened(data), gbw, tmr, "in_loop")
    wanted = data["in_loop"].median("seed").to_numpy().T
    wanted[2, 0] = np.nan  # all of its points failed
    np.testing.assert_allclose(plane, wanted)


def test_draws_are_put_into_ranges_of_equal_numbers() -> None:
    sweep = made.opened(made.drawn(count=43))
    effect = effect_of(sweep, sweep.factors[0], "in_loop")
    assert effect
    assert sum(level.count for level in effect.levels) == 43
    assert {level.count for level in effect.levels} == {8, 9}
    places = [level.place for level in effect.levels]
    assert places == sorted(places)


def test_parameters_side_by_side_are_one_thing() -> None:
    data = made.dataset(
        {"list": 2, "seed": 2},
        {"in_loop": [[1, 2], [3, 4]]},
        {
            "list": ("list", ["a", "b"]),
            made.ETA: ("list", [0.1, 0.05]),
            made.DECOR: ("list", [0.01, 0.02]),
            "seed": ("seed", [0, 1]),
        },
    )
    (one,) = made.opened(data).factors
    assert one.labels == ("eta 0.1, decor_rate 0.01", "eta 0.05, decor_rate 0.02")
    assert one.name == "learning.eta, learning.decor_rate"


# --- shares of variance ----------------------------------------------------------------------


def test_shares_of_an_additive_model_are_those_of_its_terms() -> None:
    """Balanced and without chance, η² of a term is its variance over the sum of all."""
    a, b, c = np.array([0, 1, 2, 3.0]), np.array([0, 0.5, 2.0]), np.array([0.0, 0.3])
    y = a[:, None, None] + b[None, :, None] + c
    data = made.dataset(
        {made.GBW: 4, made.TMR: 3, "seed": 2},
        {"in_loop": 10**y},
        {
            made.GBW: (made.GBW, a.tolist()),
            made.TMR: (made.TMR, b.tolist()),
            "seed": ("seed", [0, 1]),
        },
    )
    found = shares_of(made.opened(data), "in_loop")
    assert found
    assert found.logarithmic
    whole = a.var() + b.var() + c.var()
    wanted = {made.GBW: a.var() / whole, made.TMR: b.var() / whole, "seed": c.var() / whole}
    assert {one.name: one.eta2 for one in found.shares} == pytest.approx(wanted)
    assert found.rest == pytest.approx(0, abs=1e-12)
    assert [one.significant for one in found.shares] == [True, True, False]
    assert np.isnan(found.shares[-1].p)  # seeds are not tested


def test_a_parameter_that_does_nothing_has_no_share_where_others_fail() -> None:
    """Points fail at one value of it where the other parameter makes figures large."""
    sweep = made.opened(made.grid())
    found = shares_of(sweep, "deviation")
    assert found
    share = {one.name: one for one in found.shares}[made.TMR]
    assert share.eta2 == pytest.approx(0, abs=1e-20)
    assert not share.significant


def test_eta_squared_of_nothing() -> None:
    assert np.isnan(eta_squared(np.full((2, 3), np.nan)))
    assert eta_squared(np.full((2, 3), 0.1)) == 0


def test_shuffling_within_blocks_is_exact_where_a_parameter_does_nothing() -> None:
    """P ≤ 0.05 in at most 5 % of sweeps: of 200, at most its binomial bound at 1 in 1000."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        blocks = rng.normal(size=(6, 1)) * 5 + rng.normal(size=(6, 3))
        blocks[rng.integers(6), rng.integers(3)] = np.nan
        found += chance_of(blocks, rng) <= 0.05
    assert found <= binom.ppf(0.999, 200, 0.05)
    assert found >= binom.ppf(0.001, 200, 0.05)


# --- parts -----------------------------------------------------------------------------------


def test_holm_steps_down() -> None:
    # Holm 1979: sorted p times n, n − 1, …, never falling.
    np.testing.assert_allclose(
        holm(np.array([0.04, 0.01, np.nan, 0.03])), [0.06, 0.03, np.nan, 0.06]
    )
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


def test_where_no_part_matters_hardly_ever_one_is_found() -> None:
    """Family-wise: in 100 sweeps of nothing, at most the binomial bound at 5 %, 1 in 1000."""
    rng = np.random.default_rng(0)
    names = made.parts(4)
    wrong = sum(
        any(one.significant for one in rank_parts(names, deviates, ranks))
        for deviates, ranks in (
            (rng.normal(size=(CHIPS, len(names))), rng.normal(size=CHIPS)) for _ in range(100)
        )
    )
    assert wrong <= binom.ppf(0.999, 100, 0.05)


def test_parts_that_matter_come_first_signed_or_by_their_size() -> None:
    sweep = made.opened(made.rich(chips=100))
    names, deviates = deviates_of(sweep)
    found = rank_parts(names, deviates, response(sweep, "in_loop", "chip"))
    assert {one.name for one in found[:2]} == {"n1_1_a.v_offset", "n1_3_a.gbw"}
    by_name = {one.name: one for one in found}
    offset, gbw = by_name["n1_1_a.v_offset"], by_name["n1_3_a.gbw"]
    assert (offset.by_size, gbw.by_size) == (True, False)
    assert (offset.significant, gbw.significant) == (True, True)
    assert not any(one.significant for one in found[2:])


def test_ranks_are_those_among_points_of_one_seed() -> None:
    rng = np.random.default_rng(0)
    better = rng.normal(size=(30, 1))
    table = better + np.array([0, 100, -100])  # what seeds do is larger by far
    ranks = mean_rank(table)
    np.testing.assert_allclose(np.sort(ranks), (np.arange(30) + 0.5) / 30)
    np.testing.assert_array_equal(np.argsort(ranks), np.argsort(better[:, 0]))
    table[4] = np.nan
    assert np.isnan(mean_rank(table)[4])


def test_too_few_chips_are_not_ranked() -> None:
    names = made.parts(1)
    rng = np.random.default_rng(0)
    assert rank_parts(names, rng.normal(size=(9, len(names))), np.arange(9.0)) == []
    assert groups_of(names, rng.normal(size=(24, len(names))), np.arange(24.0)) == []


def test_kinds_of_parts_explain_what_their_parts_do() -> None:
    rng = np.random.default_rng(3)
    names = made.parts(4)
    deviates = rng.normal(size=(200, len(names)))
    y = np.abs(deviates[:, :4]).sum(axis=1)  # offsets by their size, nothing else
    ranks = (np.argsort(np.argsort(y)) + 0.5) / 200
    found = {one.kind: one.r2 for one in groups_of(names, deviates, ranks)}
    assert found["op-amp offset"] > 0.85  # ranks of a sum are nearly linear in it
    assert all(
        r2 < 0.05 for kind, r2 in found.items() if kind not in ("op-amp offset", "all parts")
    )


def test_kinds_that_explain_nothing_explain_nothing_of_other_chips() -> None:
    rng = np.random.default_rng(4)
    names = made.parts(10)
    found = groups_of(names, rng.normal(size=(60, len(names))), rng.uniform(size=60))
    assert all(one.r2 < 0.1 for one in found)  # in-sample it would be near 1: 120 columns, 60 chips


def test_drawn_parameters_are_ranked() -> None:
    first, second = rank_draws(made.opened(made.drawn()), "in_loop")
    assert first.name == made.ETA
    assert first.signed < -0.9
    assert first.significant
    assert not second.significant


# --- front -----------------------------------------------------------------------------------


def test_the_front_is_what_nothing_dominates() -> None:
    energy = np.array([1.0, 2.0, 2.0, 3.0, 1.0, np.nan, 4.0, 0.5])
    loss = np.array([5.0, 3.0, 4.0, 3.0, 5.0, 0.1, 1.0, np.inf])
    assert on_front(energy, loss).tolist() == [True, True, False, False, True, False, True, False]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_the_front_is_that_of_its_definition(points: list[tuple[int, int]]) -> None:
    wanted = [not any(a <= x and b <= y and (a, b) != (x, y) for a, b in points) for x, y in points]
    energy, loss = np.array(points, dtype=float).T
    assert on_front(energy, loss).tolist() == wanted


def test_a_setting_with_half_of_its_points_failed_is_on_no_front() -> None:
    state = np.full((2, 4), "done", dtype="U8")
    state[0, :2] = "failed"
    state[1, :1] = "failed"
    data = made.dataset(
        {made.GBW: 2, "seed": 4},
        {"in_loop": [[1e-6], [1e-3]], "energy_per_pass": 1e-6},
        {made.GBW: (made.GBW, [1e6, 2e6]), "seed": ("seed", range(4))},
        state=state,
    )
    (only,) = designs_of(made.opened(data), "energy_per_pass", "in_loop")
    assert only.label == "opamp.gbw 2 MHz"
    assert (only.points, only.broken, only.best) == (3, 1, True)


def test_reading_back_keeps_numbers_and_words(tmp_path: Path) -> None:
    sweep = open_sweep(made.write(tmp_path / "s", made.rich()))
    again = made.opened(made.rich())
    np.testing.assert_array_equal(sweep.state, again.state)
    np.testing.assert_array_equal(sweep.values("in_loop"), again.values("in_loop"))
    assert deviates_of(sweep)[0] == deviates_of(again)[0]


def test_rank_correlation_is_scipys_where_parts_are_lacking() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    x[:, 1] = np.round(x[:, 1])  # ties
    x[3:7, 2], x[:25, 3], y[9] = np.nan, np.nan, np.nan
    rho, p = spearman(x, y)
    for k in range(3):
        wanted: Any = spearmanr(x[:, k], y, nan_policy="omit")
        assert (rho[k], p[k]) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert np.isnan([rho[3], p[3]]).all()  # four rows are too few
    assert np.isnan(spearman(np.ones((30, 1)), y)[0]).all()
