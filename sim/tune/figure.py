"""A study in one picture: its course, what mattered, and where the good values lie."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from sim.figures import COLOURS, RC
from sim.sweep.measures import DONE
from sim.title import run_title
from sim.tune.plan import Plan
from sim.tune.ranges import Range
from sim.tune.study import Trial
from sim.tune.table import engine_of, shown
from sim.tune.trying import judging, searching
from sim.tune.tuning import Tuned

_SLICES = 3  # parameters shown against the goal, at most; those that matter most
_ENOUGH = 4  # finished trials, for importances
_TRIED, _BEST, _START, _JUDGED = COLOURS[0], COLOURS[1], COLOURS[6], COLOURS[2]


def importances(tuned: Tuned) -> dict[str, float]:
    """Share of the goal's variance over the ranges that each parameter explains, 1.

    By functional analysis of variance over a random forest (Hutter, Hoos and Leyton-Brown, ICML
    2014), as optuna has it. Of both goals the loss. Empty where too few trials are finished, or all
    are alike.
    """
    import optuna  # noqa: PLC0415  # a third of a second

    finished = [trial for trial in tuned.trials if trial.score.state == DONE]
    if len(finished) < _ENOUGH or len({t.score.values(tuned.plan.goal)[0] for t in finished}) < 2:
        return {}
    # Its own account of a logarithmic range is even in the values, and sees the last decade alone.
    flat = optuna.create_study(direction="minimize")
    space = {one.path: _even(one) for one in tuned.plan.over}
    for trial in finished:
        values = {
            one.path: math.log10(trial.values[one.path]) if one.log else trial.values[one.path]
            for one in tuned.plan.over
        }
        goal = trial.score.values(tuned.plan.goal)[0]
        flat.add_trial(optuna.trial.create_trial(value=goal, params=values, distributions=space))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(flat, evaluator=evaluator)


def _even(one: Range) -> Any:
    """A range in which what is searched evenly lies evenly."""
    from optuna.distributions import FloatDistribution  # noqa: PLC0415  # as above

    if not one.log:
        return one.distribution()
    # A little wider, as the ends' logarithms are rounded.
    low, high = math.log10(one.low or 1), math.log10(one.high or 1)
    return FloatDistribution(low - 1e-9, high + 1e-9)


def plot_tuned(tuned: Tuned, path: Path) -> None:
    """Draw a study.

    Args:
        tuned: what it found.
        path: PNG to write.
    """
    plan = tuned.plan
    weights = importances(tuned)
    ranked = sorted(plan.over, key=lambda one: -weights.get(one.path, 0.0))[:_SLICES]
    with mpl.rc_context(RC):
        figure = Figure(figsize=(4.0 * max(2, len(ranked)), 7.4))
        halves: Any = figure.subfigures(2, 1, height_ratios=(1.05, 1))
        above, below = halves
        left, right = above.subplots(1, 2, width_ratios=(1.5, 1))
        if plan.goal == "both":
            _front(tuned, left)
        else:
            _course(tuned, left)
        _bars(plan.over, weights, right)
        slices = below.subplots(1, len(ranked), squeeze=False, sharey=True)[0]
        for axes, one in zip(slices, ranked, strict=True):
            _slice(tuned, one, axes)
        slices[0].set_ylabel(_label(tuned, searching(plan)))
        what = run_title(plan.config).replace(f"seed {plan.config.seed} ", f"{_seeds(plan)} ")
        title = f"{plan.title or 'tuned'} for {_GOALS[plan.goal]}: {what}"
        figure.suptitle(title, fontsize=10)
        figure.savefig(path, dpi=130, format="png")


_GOALS = {"loss": "loss", "energy": "energy per pass", "both": "loss and energy per pass"}


def _seeds(plan: Plan) -> str:
    return f"seeds {', '.join(map(str, plan.seeds))}" if len(plan.seeds) > 1 else "one seed"


def _goal(trial: Trial, goal: str) -> float:
    return trial.score.energy if goal == "energy" else trial.score.loss


def _label(tuned: Tuned, engine: str) -> str:
    what = "energy per pass (J)"
    if tuned.plan.goal != "energy":
        what = f"loss ({tuned.plan.loss_unit}), geometric mean"
    return f"{what}\n{engine_of(tuned.plan, engine)}"


def _done(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.score.state == DONE]


def _course(tuned: Tuned, axes: Any) -> None:
    """The goal of every trial in order, and the least so far."""
    goal, done = tuned.plan.goal, _done(tuned.trials)
    numbers = [trial.number for trial in done]
    values = [_goal(trial, goal) for trial in done]
    axes.plot(numbers, values, "o", color=_TRIED, markersize=4, alpha=0.8, label="trial")
    least = [min(values[: k + 1]) for k in range(len(values))]
    axes.step(numbers, least, where="post", color=_TRIED, linewidth=1.2, label="least so far")
    broken = [trial.number for trial in tuned.trials if trial.score.state != DONE]
    if broken:
        top = max(values)
        axes.plot(broken, [top] * len(broken), "x", color="grey", label="no result")
    if tuned.start.state == DONE:
        start = tuned.start.energy if goal == "energy" else tuned.start.loss
        axes.axhline(start, color=_START, linestyle=":", linewidth=1.2, label="start")
    judged = _done(tuned.finalists[1:])
    if judged:
        at = [trial.number for trial in judged]
        axes.plot(
            at,
            [_goal(trial, goal) for trial in judged],
            "D",
            color=_JUDGED,
            markerfacecolor="none",
            label="finalist (ngspice)",
        )
    value = _goal(tuned.best, goal)
    engine = judging(tuned.plan)
    axes.plot(
        [tuned.best.number], [value], "*", color=_BEST, markersize=14, label=f"best ({engine})"
    )
    axes.set_yscale("log")
    axes.set_xlabel("trial")
    axes.set_ylabel(_label(tuned, searching(tuned.plan)))
    axes.legend(fontsize=8)


def _front(tuned: Tuned, axes: Any) -> None:
    """Loss against energy, and the trials that no other beats in both."""
    done = _done(tuned.trials)
    axes.plot(
        [trial.score.energy for trial in done],
        [trial.score.loss for trial in done],
        "o",
        color=_TRIED,
        markersize=4,
        alpha=0.8,
        label="trial",
    )
    axes.step(
        [trial.score.energy for trial in tuned.front],
        [trial.score.loss for trial in tuned.front],
        "s-",
        where="post",
        color=_JUDGED,
        markerfacecolor="none",
        linewidth=1.2,
        label="Pareto front",
    )
    if tuned.start.state == DONE:
        axes.plot(
            [tuned.start.energy], [tuned.start.loss], "P", color=_START, markersize=9, label="start"
        )
    best = tuned.best.score
    axes.plot([best.energy], [best.loss], "*", color=_BEST, markersize=14, label="best.toml")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(EngFormatter("J"))
    axes.set_xlabel("energy per pass, ngspice")
    axes.set_ylabel(_label(tuned, searching(tuned.plan)))
    axes.legend(fontsize=8)


def _bars(over: Sequence[Range], weights: dict[str, float], axes: Any) -> None:
    """Importances of the parameters."""
    axes.set_title("importance: share of variance (fANOVA)", fontsize=9)
    if not weights:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "too few trials finished", ha="center", transform=axes.transAxes)
        return
    ranked = sorted(over, key=lambda one: weights.get(one.path, 0.0))
    values = [weights.get(one.path, 0.0) for one in ranked]
    bars = axes.barh([_short(one) for one in ranked], values, 0.5, color=_TRIED, alpha=0.8)
    axes.set_ylim(-0.8, len(ranked) - 0.2)
    axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=9)
    axes.set_xlim(0, 1.15)


def _slice(tuned: Tuned, one: Range, axes: Any) -> None:
    """The goal over one parameter."""
    goal, done = tuned.plan.goal, _done(tuned.trials)
    number = one.low is not None
    place = [trial.values[one.path] if number else str(trial.values[one.path]) for trial in done]
    axes.scatter(
        place, [_goal(t, goal) for t in done], s=18, color=_TRIED, alpha=0.7, label="trial"
    )
    best = next(trial for trial in tuned.trials if trial.number == tuned.best.number)
    at = best.values[one.path]
    axes.plot([at if number else str(at)], [_goal(best, goal)], "*", color=_BEST, markersize=14)
    if one.log:
        axes.set_xscale("log")
    axes.set_yscale("log")
    if one.unit not in ("", "1"):
        axes.xaxis.set_major_formatter(EngFormatter(one.unit))
    axes.set_xlabel(_short(one))
    if number:
        axes.set_xlim(_widened(one))
    axes.set_title(f"best: {shown(tuned.best.values[one.path], one.unit)}", fontsize=9)


def _widened(one: Range) -> tuple[float, float]:
    """The whole range, and a little of a margin."""
    low, high = float(one.low or 0), float(one.high or 0)
    if one.log:
        margin = (high / low) ** 0.04
        return low / margin, high * margin
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _short(one: Range) -> str:
    """The last two parts of a path."""
    return ".".join(one.path.split(".")[-2:])
