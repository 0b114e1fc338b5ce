"""Whom to blame, as `sim.attribute` left it in a run's folder."""

from dataclasses import dataclass
from typing import Any

from sim.errors import UserError
from sim.results import ATTRIBUTION, Run


@dataclass(frozen=True)
class Share:
    """Of a mechanism; figures one a scope, V.

    Attributes:
        title: its name.
        missing: why the circuit does not have it; empty where it has.
        alone: share where it alone is made ideal.
        then: share after all before it were made ideal.
    """

    title: str
    missing: str
    alone: tuple[float, ...]
    then: tuple[float, ...]


@dataclass(frozen=True)
class Blame:
    """Where a deviation comes from; figures one a scope, V.

    Attributes:
        scopes: `all nodes` first, then `layer 1`, ….
        total: rms of the deviation.
        left: share that is left with all mechanisms ideal.
        parts: mechanisms in causal order.
        passes: replayed.
        verdict: the largest, and what would reduce it.
        notes: what the figures should be read with.
        agrees: whether the replay repeats the run's deviation; None where not compared.
        check: the same in words.
    """

    scopes: tuple[str, ...]
    total: tuple[float, ...]
    left: tuple[float, ...]
    parts: tuple[Share, ...]
    passes: int
    verdict: str
    notes: tuple[str, ...]
    agrees: bool | None
    check: str


def blame_of(run: Run) -> Blame | None:
    """Read it; None where the run was not asked.

    Raises:
        UserError: the file is damaged, or not of `sim.attribute`.
    """
    found = run.attribution
    if found is None:
        return None
    try:
        *layers, everything = found["deviation_v"]
        scopes = (str(everything), *map(str, layers))

        def of(by_scope: dict[str, Any]) -> tuple[float, ...]:
            return tuple(float(by_scope[scope]) for scope in scopes)

        parts = tuple(
            Share(
                str(one["title"]), str(one["missing"] or ""), of(one["alone_v"]), of(one["then_v"])
            )
            for one in found["mechanisms"]
        )
        return Blame(
            scopes,
            of(found["deviation_v"]),
            of(found["left_over_v"]),
            parts,
            int(found["passes"]),
            str(found["verdict"]),
            tuple(map(str, found["notes"])),
            found["replay"]["agrees"],
            str(found["replay"]["summary"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(
            f"{run.path / ATTRIBUTION}: is damaged, wanted what sim.attribute wrote; remove "
            "the folder and attribute the run again"
        ) from None
