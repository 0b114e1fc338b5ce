"""What a study is asked for, and that a study gone on with is asked the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import tomli_w

from learning import DEFAULTS, LOSSES, RULES, TABLE, make_rule
from sim.config import RunConfig
from sim.errors import UserError
from sim.sweep.paths import value_of
from sim.tune.ranges import Range
from sim.tune.visible import shaping, unseen

Goal = Literal["loss", "energy", "both"]
Stage = Literal["spice", "twin-first", "mathematics"]

NAME, START = "plan.toml", "start.toml"
"""Files of a study's folder: what was asked, and the configuration that it starts from."""

_UNITS = [loss.unit for loss in LOSSES.values()]


@dataclass(frozen=True)
class Plan:
    """A study, in full.

    Attributes:
        config: to start from, completed by a built-in task's defaults.
        over: what is searched, by path.
        goal: what is made small.
        stage: which engine tries: `spice`, all in ngspice; `twin-first`, the calibrated twin, and
            its best in ngspice; `mathematics`, the twin alone.
        trials: sets of values tried.
        batch: trials proposed together.
        seeds: over which a trial takes the mean.
        held_out: seeds that the best is judged on beside the start; none of `seeds`.
        finalists: trials by the twin that are run in ngspice.
        sampler_seed: of the proposals.
        title: of figures.
    """

    config: RunConfig
    over: tuple[Range, ...]
    goal: Goal = "loss"
    stage: Stage = "spice"
    trials: int = 40
    batch: int = 4
    seeds: tuple[int, ...] = (0, 1, 2)
    held_out: tuple[int, ...] = (3, 4, 5, 6, 7)
    finalists: int = 5
    sampler_seed: int = 0
    title: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Of what is searched, in full."""
        return tuple(one.path for one in self.over)

    @property
    def start(self) -> dict[str, Any] | None:
        """What is searched as the study starts from it; None where that lies outside."""
        found = {one.path: value_of(self.config, one.path) for one in self.over}
        return found if all(one.holds(found[one.path]) for one in self.over) else None

    @property
    def loss_unit(self) -> str:
        """Of the task's loss; where that follows from a user's data, either that it may be."""
        name = "" if self.config.task.name == TABLE else DEFAULTS[self.config.task.name].loss_name
        return LOSSES[name].unit if name else " or ".join(dict.fromkeys(_UNITS))

    def to_toml(self) -> str:
        """As `plan.toml` holds it, beside `start.toml`."""
        return tomli_w.dumps(
            {
                "title": self.title,
                "config": START,
                "for": self.goal,
                "stage": self.stage,
                "trials": self.trials,
                "batch": self.batch,
                "seeds": list(self.seeds),
                "held_out": list(self.held_out),
                "finalists": self.finalists,
                "sampler_seed": self.sampler_seed,
                "over": {one.path: one.to_toml() for one in self.over},
            }
        )


def make_plan(
    config: RunConfig, over: Sequence[Range], *, stage: Stage | None = None, **others: Any
) -> Plan:
    """Put a plan together, with the stage that suits where none is asked for.

    Without a wish a loss is tuned with the twin first where all that is searched makes a difference
    to mathematics, and in ngspice alone otherwise.

    Args:
        config: to start from.
        over: what is searched.
        stage: `spice`, `twin-first` or `mathematics`.
        others: the other attributes of a `Plan`; what is None takes its default.

    Raises:
        UserError: it cannot be done so.
    """
    if not over:
        raise UserError(
            "--over: nothing to tune; name a parameter and its range, as in "
            "--over learning.eta=1e-3..1:log"
        )
    paths = [one.path for one in over]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice:
        raise UserError(f"--over: {twice}: stands there twice; give it one range")
    goal = others.get("goal") or "loss"
    if stage is None:
        stage = _suiting(config, paths, goal)
    given = {name: value for name, value in others.items() if value is not None}
    seeds = given.setdefault("seeds", Plan.seeds)
    held_out = given.setdefault("held_out", 5)
    if isinstance(held_out, int):  # the next ones
        given["held_out"] = tuple(range(max(seeds) + 1, max(seeds) + 1 + held_out))
    # In an order of their own, since that in a file is not kept, and proposals depend on it.
    ranges = tuple(sorted(over, key=lambda one: one.path))
    plan = Plan(config.complete(), ranges, stage=stage, **given)
    _require_possible(plan)
    return plan


def _suiting(config: RunConfig, paths: Sequence[str], goal: Goal) -> Stage:
    simulation = config.simulation
    if simulation.engine == "ideal":
        return "mathematics"
    measurable = not config.circuit.opamp.model and not config.circuit.activation.rectifier.model
    fixed = simulation.activation_curve is not None and shaping(paths)
    if goal == "loss" and not unseen(paths) and measurable and not fixed:
        return "twin-first"
    return "spice"


def _require_possible(plan: Plan) -> None:
    both = sorted(set(plan.seeds) & set(plan.held_out))
    if both:
        raise UserError(
            f"held_out: seed {both[0]} is among those tuned on; an honest judgement takes others"
        )
    rule = plan.config.learning.rule
    if _by_gradient(rule) and plan.stage != "mathematics":
        others = ", ".join(name for name in RULES if not _by_gradient(name))
        raise UserError(
            f"learning.rule: {rule} needs the mathematics, so that no circuit learns in the loop; "
            f"take one of {others}, or --stage mathematics"
        )
    if plan.stage != "mathematics" and plan.config.simulation.engine == "ideal":
        raise UserError(
            f"--stage {plan.stage}: simulation.engine is ideal, so that nothing runs in ngspice; "
            "take --stage mathematics, or --set simulation.engine=ngspice"
        )
    if plan.goal != "loss":
        _require_energy(plan)
    if plan.stage != "spice":
        _require_seen(plan)


def _by_gradient(rule: str) -> bool:
    return make_rule(rule, sigma=1.0).needs_gradient


def _require_energy(plan: Plan) -> None:
    if plan.stage != "spice":
        raise UserError(
            f"--for {plan.goal}: energy is read from the simulated supplies, which --stage "
            f"{plan.stage} does not have while it searches; take --stage spice"
        )
    opamp = plan.config.circuit.opamp
    if not opamp.supplied:
        raise UserError(
            f"--for {plan.goal}: op-amps of level {opamp.level} draw nothing from the supplies; "
            "set circuit.opamp.level to macro"
        )


def _require_seen(plan: Plan) -> None:
    hidden = unseen(plan.paths)
    if hidden:
        raise UserError(
            f"--stage {plan.stage}: {', '.join(hidden)}: makes no difference to mathematics, so "
            "that the twin cannot choose it; take --stage spice, or leave it out of --over"
        )
    curve = plan.config.simulation.activation_curve
    fixed = shaping(plan.paths)
    if plan.stage == "twin-first" and curve is not None and fixed:
        raise UserError(
            f"--stage twin-first: {', '.join(fixed)}: shapes the rectifier's curve, and "
            f"simulation.activation_curve holds that to {curve}; leave the curve out, and every "
            "trial's own is measured"
        )
