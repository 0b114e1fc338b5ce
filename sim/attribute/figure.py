"""From the real circuit to an ideal one, mechanism by mechanism, as a waterfall."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.attribute.attribution import Attribution, Effect
from sim.attribute.units import Unit, unit_of
from sim.attribute.verdict import headline
from sim.figures import COLOURS, RC

_PANELS = 5  # at most: all nodes, and the first layers
_TAKEN, _GIVEN, _ENDS = COLOURS[0], COLOURS[1], "0.45"


def plot_waterfall(found: Attribution, title: str, path: Path) -> None:
    """A bar a mechanism, from the deviation of the circuit down to what is left.

    Args:
        found: the attribution.
        title: of the figure.
        path: PNG to write.
    """
    layers = len(found.scopes) - 1
    shown = [layers, *range(min(layers, _PANELS - 1))]
    unit = unit_of(found)
    names = [effect.mechanism.title for effect in found.effects]
    labels = ["circuit as it was", *names, "left over"]
    with mpl.rc_context(RC):
        figure = Figure(figsize=(2.9 + 2.5 * len(shown), 4.6))
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, scope in zip(panels, shown, strict=True):
            _plot_scope(axes, found, scope)
        panels[0].set_yticks(range(len(labels)), labels)
        panels[0].invert_yaxis()
        more = f"; layers 5 to {layers} not shown" if layers >= _PANELS else ""
        figure.suptitle(f"{title}{more}\n{headline(found)}", fontsize=10)
        handles = [
            Patch(color=_ENDS, label="deviation"),
            Patch(color=_TAKEN, label="share taken away with the mechanism"),
        ]
        if any(_gives(effect, scope, unit) for effect in found.effects for scope in shown):
            handles.append(Patch(facecolor=_GIVEN, hatch="//", label="share that it made up for"))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
        figure.savefig(path, dpi=130)


def _gives(effect: Effect, scope: int, unit: Unit) -> bool:
    """Whether a mechanism makes up for others, as far as the digits show."""
    return float(unit.number(effect.then[scope])) < 0


def _plot_scope(axes: Axes, found: Attribution, scope: int) -> None:
    unit, level = unit_of(found), found.total[scope]
    _bar(axes, unit, 0, (0.0, level), {"color": _ENDS})
    for row, effect in enumerate(found.effects, start=1):
        step = effect.then[scope]
        gives = _gives(effect, scope, unit)
        look = {"facecolor": _GIVEN, "hatch": "//"} if gives else {"color": _TAKEN}
        at = level / unit.volts
        axes.plot([at] * 2, [row - 0.6, row + 0.4], color="0.3", linewidth=0.7)
        if effect.missing is None:
            _bar(axes, unit, row, (level - step, level), look)
        else:
            axes.text(at, row, "  none", fontsize=8, color="0.5", va="center")
        level -= step
    last = len(found.effects) + 1
    _bar(axes, unit, last, (0.0, level), {"color": _ENDS})
    axes.set_xlim(0, 1.25 * found.total[scope] / unit.volts or 1.0)
    axes.set_xlabel(f"share of the deviation, rms ({unit.symbol})")
    axes.set_title(f"{found.scopes[scope]}: {unit.quantity(found.total[scope])}", fontsize=10)
    axes.grid(axis="y", visible=False)


def _bar(axes: Axes, unit: Unit, row: int, ends: tuple[float, float], look: dict[str, Any]) -> None:
    """From one level to the next, with the step between them."""
    left, right = sorted(end / unit.volts for end in ends)
    axes.barh(row, right - left, left=left, **look)
    axes.text(right, row, f"  {unit.number(ends[1] - ends[0])}", fontsize=8, va="center")
