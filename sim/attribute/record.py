"""The attribution for machines: JSON with everything, CSV with shares that sum up."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from sim.attribute.attribution import Attribution
from sim.attribute.verdict import largest, notes, verdict
from sim.guards import Tally

_COLUMNS = (
    "scope", "order", "mechanism", "title", "missing", "alone_v", "moves_v", "then_v",
    "alone_left_v",
)  # fmt: skip


def describe(found: Attribution) -> dict[str, Any]:
    """Contents of `attribution.json`, V; by scope where there is one figure a scope."""
    most = largest(found)

    def scoped(values: Sequence[float]) -> Mapping[str, float]:
        return dict(zip(found.scopes, values, strict=False))

    return {
        "of": "layer outputs, rms; shares <c, d>/|d| of ngspice minus mathematics",
        "engine": "ngspice",
        "passes": found.passes,
        "guards": Tally.of(found.real.circuit.doubts).record(),
        "deviation_v": scoped(found.total),
        "mechanisms": [
            {
                "mechanism": effect.mechanism.key,
                "title": effect.mechanism.title,
                "missing": effect.missing,
                "alone_v": scoped(effect.alone),
                "moves_v": scoped(effect.moves),
                "then_v": scoped(effect.then),
                "alone_left_v": scoped(effect.mended),
                "nodes": dict(zip(found.scopes, effect.nodes, strict=False)),
            }
            for effect in found.effects
        ],
        "interaction_v": scoped(found.interaction),
        "left_over_v": scoped(found.left),
        "left_over_rms_v": scoped(found.left_rms),
        "made_in_the_layer_v": scoped(found.made_here),
        "noise_moved_v": found.noise_moved,
        "largest": most.mechanism.key if most else None,
        "verdict": verdict(found),
        "notes": list(notes(found)),
    }


def table_text(found: Attribution) -> str:
    """Contents of `attribution.csv`.

    Per scope a row a mechanism, then what is left over, the interaction and the deviation: all rows
    but the last sum to it, in the columns `alone_v` and `then_v`.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for k, scope in enumerate(found.scopes):
        for order, effect in enumerate(found.effects, start=1):
            figures = (effect.alone[k], effect.moves[k], effect.then[k], effect.mended[k])
            names = (order, effect.mechanism.key, effect.mechanism.title, effect.missing or "")
            writer.writerow([scope, *names, *(f"{value:.9g}" for value in figures)])
        left, apart, total = found.left[k], found.interaction[k], found.total[k]
        for key, title, alone, then in (
            ("left_over", "left over", left, left),
            ("interaction", "interaction", apart, 0.0),
            ("deviation", "deviation, rms", total, total),
        ):
            writer.writerow([scope, "", key, title, "", f"{alone:.9g}", "", f"{then:.9g}", ""])
    return text.getvalue()
