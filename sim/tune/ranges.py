"""What is searched: a parameter, and where its values may lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.errors import UserError
from sim.sweep.paths import ParameterField, field_of, full_path

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_SCALES = ("linear", "log")
_KEYS = ("from", "to", "scale")
_NOT_TUNED = {
    "seed": "a study takes the mean over seeds; say how many with --seeds",
    "task.name": "the losses of two tasks do not compare",
    "simulation.engine": "which engine tries what is for --stage to say",
    "simulation.activation_curve": "--stage twin-first measures the curve of every trial's circuit",
    "simulation.checkpoint_every": "no figure depends on it",
    "simulation.deadline": "no figure depends on it",
    "simulation.attempts": "no figure depends on it",
    "simulation.record_noise": "no figure depends on it",
    "circuit.mismatch.chip": "a chip is drawn, not chosen; sweep it with --mc",
}


@dataclass(frozen=True)
class Range:
    """A parameter and the values that it may take, ends included.

    Attributes:
        path: of the parameter, in full.
        unit: of its values; empty for words.
        low: least value; None for choices.
        high: largest value; None for choices.
        log: whether equal ratios are as likely as each other, rather than equal differences.
        whole: whether values are whole numbers.
        choices: all values, without an order; empty for a range.
    """

    path: str
    unit: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether a value lies within."""
        if self.low is None or self.high is None:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    def distribution(self) -> "BaseDistribution":
        """As optuna has it."""
        from optuna.distributions import (  # noqa: PLC0415  # a third of a second
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.low is None or self.high is None:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def to_toml(self) -> Any:
        """As a plan holds it."""
        if self.low is None:
            return list(self.choices)
        ends = (int, int) if self.whole else (float, float)
        low, high = (kind(end or 0) for kind, end in zip(ends, (self.low, self.high), strict=True))
        return {"from": low, "to": high, "scale": _SCALES[self.log]}


def parse_over(text: str) -> Range:
    """Read `PATH=low..high`, `PATH=low..high:log` or `PATH=a,b,c`, as of `--over`.

    Raises:
        UserError: it is none, the parameter is none, or the range is empty.
    """
    name, equals, said = text.partition("=")
    if not equals or not name or not said:
        raise UserError(
            f"--over: wanted PATH=LOW..HIGH, PATH=LOW..HIGH:log or PATH=A,B,C, got {text!r}"
        )
    low, dots, rest = said.partition("..")
    if not dots:
        mark = ";" if ";" in said else ","  # as between lists of layers
        return make_range(name, [part.strip() for part in said.split(mark)], "--over")
    high, colon, scale = rest.partition(":")
    if colon and scale not in ("lin", *_SCALES):
        raise UserError(f"--over: {name}: wanted log or linear behind the colon, got {scale!r}")
    scale = "linear" if scale in ("", "lin") else scale
    return make_range(name, {"from": low, "to": high, "scale": scale}, "--over")


def make_range(name: str, said: Any, where: str) -> Range:
    """Make a range of what a plan says of a parameter.

    Args:
        name: path of the parameter, or a unique ending of it.
        said: a list of values, or a table of `from`, `to` and `scale`.
        where: what it was given by, for messages.

    Raises:
        UserError: it is none, the parameter is none, or the range is empty.
    """
    path = full_path(name)
    if path in _NOT_TUNED:
        raise UserError(f"{where}: {path}: is not tuned: {_NOT_TUNED[path]}")
    field = field_of(path)
    if isinstance(said, list | tuple):
        return _choices(field, said, where)
    if not isinstance(said, Mapping) or not {"from", "to"} <= set(said) <= set(_KEYS):
        raise UserError(
            f"{where}: {path}: wanted a list of values or {{ from = …, to = …, "
            f'scale = "log" }}, got {said!r}'
        )
    if field.type not in (int, float):
        words = f", as in {','.join(field.choices[:3])}" if field.choices else ""
        raise UserError(f"{where}: {path}: is no number; wanted values to choose from{words}")
    return _numbers(field, said, where)


def _choices(field: ParameterField, said: Sequence[Any], where: str) -> Range:
    values = tuple(field.read(value, where) for value in said)
    shown = ", ".join(map(str, values)) or "none"
    if len(values) < 2:
        raise UserError(f"{where}: {field.path}: wanted two values or more, got {shown}")
    if any(value in values[:k] for k, value in enumerate(values)):
        raise UserError(f"{where}: {field.path}: a value stands there twice: {shown}")
    if not all(isinstance(value, str | int | float) for value in values):
        raise UserError(f"{where}: {field.path}: wanted numbers or words, got {shown}")
    return Range(field.path, field.unit, choices=values)


def _numbers(field: ParameterField, said: Mapping[str, Any], where: str) -> Range:
    place, scale = f"{where}: {field.path}", said.get("scale", "linear")
    low, high = (field.read(said[end], where) for end in ("from", "to"))
    if scale not in _SCALES:
        raise UserError(f"{place}: scale: wanted linear or log, got {scale!r}")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError(f"{place}: wanted finite ends, got {low:g} to {high:g}")
    if not low < high:
        raise UserError(
            f"{place}: the range from {low:g} to {high:g} is empty; wanted the lower end first"
        )
    if scale == "log" and low <= 0:
        raise UserError(
            f"{place}: a logarithmic range starts above 0, got {low:g}; give a small value, or "
            "scale linear"
        )
    return Range(field.path, field.unit, low, high, scale == "log", field.type is int)
