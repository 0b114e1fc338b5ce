"""What a study prints at its end."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student

from circuits.quantities import format_quantity
from sim.preparation import CALIBRATED, twin_of
from sim.sweep.measures import DONE
from sim.sweep.paths import value_of
from sim.tune.plan import Plan
from sim.tune.score import MATHEMATICS, Score
from sim.tune.tuning import Tuned

_SURE = 0.95


@dataclass(frozen=True)
class Ratio:
    """How many times less a figure became: geometric mean over seeds, and its 95 % interval.

    Attributes:
        value: of the figures at the start to those of the best, 1.
        low: lower end by Student's t over the seeds' logarithms; NaN of one seed.
        high: upper end.
    """

    value: float
    low: float
    high: float


def improvement(start: tuple[float, ...], best: tuple[float, ...]) -> Ratio:
    """Compare figures seed by seed, since those of a seed go up and down together.

    Args:
        start: a positive figure for each seed.
        best: likewise, the same seeds.
    """
    logs = np.log(np.asarray(start)) - np.log(np.asarray(best))
    mean, n = float(logs.mean()), len(logs)
    if n < 2:
        return Ratio(math.exp(mean), math.nan, math.nan)
    half = float(student.ppf((1 + _SURE) / 2, n - 1) * logs.std(ddof=1) / math.sqrt(n))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def engine_of(plan: Plan, engine: str) -> str:
    """The engine in words, with which twin computes."""
    if engine != MATHEMATICS:
        return engine
    twin = CALIBRATED if plan.stage == "twin-first" else twin_of(plan.config)
    return f"mathematics ({twin})" if twin == CALIBRATED else MATHEMATICS


def shown(value: Any, unit: str) -> str:
    """A value for people."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "left open" if value is None else str(value)
    if unit == "1":
        return f"{value:.4g}"
    return format_quantity(value, unit)


def print_tuned(console: Console, tuned: Tuned) -> None:
    """Print start and best, on the seeds tuned on and on held-out ones, and the values found."""
    plan = tuned.plan
    broken = [trial for trial in tuned.trials if trial.score.state != DONE]
    title = f"{len(tuned.trials)} trials in {engine_of(plan, tuned.start.engine)}"
    if broken:
        title += f", {len(broken)} of them without a result"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("", "engine"):
        table.add_column(column)
    table.add_column(f"loss ({plan.loss_unit}, geometric mean)", justify="right")
    table.add_column("energy per pass", justify="right")
    table.add_column("seeds", justify="right")
    for label, score, seeds in _lines(tuned):
        energy = "" if not math.isfinite(score.energy) else format_quantity(score.energy, "J", 3)
        loss = f"{score.loss:.3g}" if score.state == DONE else score.state
        span = ", ".join(map(str, seeds)) if len(seeds) < 4 else f"{seeds[0]} … {seeds[-1]}"
        table.add_row(label, engine_of(plan, score.engine), loss, energy, span)
    console.print(table, soft_wrap=not console.is_terminal)
    for one in plan.over:
        before = shown(value_of(plan.config, one.path), one.unit)
        console.print(
            f"{one.path:<32} {before} -> {shown(tuned.best.values[one.path], one.unit)}",
            soft_wrap=True,
        )
    for line in verdict(tuned):
        console.print(line, soft_wrap=True)


def _lines(tuned: Tuned) -> Iterator[tuple[str, Score, tuple[int, ...]]]:
    plan, (start, best) = tuned.plan, tuned.held_out
    if tuned.finalists:
        number = tuned.best.number
        yield "start, seeds tuned on", tuned.start, plan.seeds
        yield f"trial {number}, seeds tuned on", tuned.trials[number].score, plan.seeds
    yield "start, seeds tuned on", tuned.start_judged, plan.seeds
    yield f"trial {tuned.best.number}, seeds tuned on", tuned.best.score, plan.seeds
    yield "start, held-out seeds", start, plan.held_out
    yield f"trial {tuned.best.number}, held-out seeds", best, plan.held_out


def verdict(tuned: Tuned) -> Iterator[str]:
    """What is to be thought of the best, a sentence each; by held-out seeds alone."""
    plan, (start, best) = tuned.plan, tuned.held_out
    if best.state != DONE:
        yield f"warning: on held-out seeds the best {best.state}: {best.reason}"
        return
    if start.state != DONE:
        yield f"on held-out seeds the start {start.state}, and the best does not: {start.reason}"
        return
    for what, before, after in (
        ("loss", start.losses, best.losses),
        ("energy per pass", start.energies, best.energies),
    ):
        if plan.goal in ("both", what.split()[0]):
            yield _judged(what, improvement(before, after), tuned.judge, len(before))
    if plan.goal == "both":
        yield (
            f"{len(tuned.front)} trials that no other beats in both; the one above has the least "
            "loss among those that take no more energy than the start, if there are any"
        )


def _judged(what: str, ratio: Ratio, judge: str, seeds: int) -> str:
    times = f"{ratio.value:.3g} times lower than at the start"
    if ratio.value < 1:
        times = f"{1 / ratio.value:.3g} times higher than at the start"
    said = f"{what} on {seeds} held-out seeds by {judge}: {times}"
    if math.isnan(ratio.low):
        return f"{said}; one seed says nothing of its spread"
    said += f" (95 % interval of the ratio {ratio.low:.3g} to {ratio.high:.3g})"
    if ratio.low <= 1 <= ratio.high:
        return f"{said}: that may be chance; take more seeds"
    return said
