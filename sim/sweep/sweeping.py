"""A sweep from its plan to its dataset, begun or gone on with: the command's and Python's."""

import math
import shlex
import signal
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sim.console import waiting
from sim.durable import replace_durably
from sim.errors import UserError
from sim.interruption import StoppedAtOnceError, noted_interruptions, signal_name
from sim.sweep.dataset import NAME, TABLE, dataset_of, table_of, to_netcdf
from sim.sweep.folder import default_store, require_folder, sweep_folder
from sim.sweep.keys import key_of
from sim.sweep.labels import counted
from sim.sweep.measures import DONE, Measured
from sim.sweep.plan import Plan, Point
from sim.sweep.planning import read_plan
from sim.sweep.progress import SweepProgress
from sim.sweep.rooted import rooted
from sim.sweep.running import open_runner, require_address
from sim.sweep.store import Store

if TYPE_CHECKING:
    import xarray as xr

_SLOW = 500  # points from which on checking takes a second or more
_STOPPING = "stopping; points under way are given up, those that are done are kept"


@dataclass(frozen=True)
class Swept:
    """What became of a sweep.

    Attributes:
        plan: of it.
        points: all of the plan's.
        keys: of the points.
        found: what became of them, by key.
        known: different points that were known before.
        left: different points that were not reached, those among them that were to be computed
            again.
        stopped: number of the signal that ended it, if any.
        dataset: as `sweep.nc` holds it.
    """

    plan: Plan
    points: Sequence[Point]
    keys: Sequence[str]
    found: Mapping[str, Measured]
    known: int
    left: int
    stopped: int | None
    dataset: "xr.Dataset"


class StoppedSweepError(KeyboardInterrupt):
    """A signal stopped the sweep; says how to go on."""


def sweep(
    plan: Plan | Path | str,
    out: Path | str,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    store: Path | str | None = None,
    again: Collection[str] = (),
    quiet: bool = True,
) -> "xr.Dataset":
    """Compute all points of a plan that are not known yet; what `python -m sim.sweep` does.

    Worker processes import the program anew: a script that calls this from its top level needs
    `if __name__ == "__main__":` around it.

    Args:
        plan: made by hand, or the TOML file of one.
        out: folder of the sweep; the same one again goes on where it was.
        jobs: worker processes on this machine.
        scheduler: address of a dask scheduler, whose workers are taken in their place.
        store: folder of points; `points` beside `out` by default.
        again: states (`failed`, `diverged`) whose points are computed again though known.
        quiet: print nothing.

    Returns:
        The dataset, as `sweep.nc` holds it.

    Raises:
        UserError: the plan, the folder or a worker will not do.
        KeyboardInterrupt: stopped by a signal; its text says how to go on.
    """
    if jobs < 1:
        raise UserError(f"jobs: wanted a whole number of at least 1, got {jobs!r}")
    wanted = rooted(plan) if isinstance(plan, Plan) else read_plan(Path(plan))
    place = None if store is None else Path(store)
    swept = run_sweep(
        wanted,
        Path(out),
        Console(),
        jobs=jobs,
        scheduler=scheduler,
        store=place,
        again=again,
        quiet=quiet,
    )
    if swept.stopped:
        raise StoppedSweepError(stopped_line(swept, Path(out)))
    return swept.dataset


def run_sweep(
    plan: Plan,
    out: Path,
    console: Console,
    *,
    jobs: int,
    scheduler: str | None,
    store: Path | None,
    again: Collection[str],
    quiet: bool,
) -> Swept:
    """Compute what is not known, and write the sweep's folder; arguments as of `sweep`.

    Raises:
        UserError: the plan, the folder or a worker will not do; what was done is kept.
        StoppedSweepError: a second signal came; what was done is kept.
    """
    folder = store or default_store(out, plan)
    require_folder(folder, "--store" if store or not plan.store else "store")
    if scheduler is not None:
        require_address(scheduler)
    place = Store(folder)
    if not quiet:
        for note in plan.notes:
            console.print(note, soft_wrap=True)
        if plan.count >= _SLOW:
            console.print(f"checking {plan.count:,} points")
    try:
        with noted_interruptions("" if quiet else _STOPPING) as interrupted:
            points, keys = _checked(plan, place, console, interrupted, quiet=quiet)
            with sweep_folder(out, plan, console, quiet=quiet):
                return _Sweep(plan, points, keys, out, place).run(
                    console, interrupted, again, jobs, scheduler, quiet=quiet
                )
    except StoppedAtOnceError as error:
        said = f"stopped at once by {signal_name(error.number)}; points that are done are kept"
        raise StoppedSweepError(f"{said}; {_going_on(out)}") from None


def stopped_line(swept: Swept, out: Path) -> str:
    """The line on a sweep that was stopped by a signal."""
    name = signal_name(swept.stopped or signal.SIGINT)
    return f"stopped by {name}, {counted(swept.left, 'point')} left; {_going_on(out)}"


def _going_on(out: Path) -> str:
    return f"go on with: danp-cosim sweep {shlex.quote(str(out))}"


def _checked(
    plan: Plan, store: Store, console: Console, interrupted: Sequence[int], *, quiet: bool
) -> tuple[Sequence[Point], Sequence[str]]:
    """All points and their keys.

    Before the first one runs every configuration is good, every file that it names is there, and
    the dataset takes all that is along its dimensions.
    """
    points: list[Point] = []
    keys: list[str] = []
    with waiting(console, f"checking {plan.count:,} points", quiet=quiet):
        for point in plan.points():
            if interrupted:
                said = signal_name(interrupted[0])
                raise StoppedSweepError(
                    f"stopped by {said} before the first point; nothing is written yet, the same "
                    "command starts again"
                )
            points.append(point)
            keys.append(key_of(point.config))
        to_netcdf(dataset_of(plan, points, keys, {}, store))
    return points, keys


@dataclass(frozen=True)
class _Sweep:
    """A sweep in its folder."""

    plan: Plan
    points: Sequence[Point]
    keys: Sequence[str]
    out: Path
    store: Store

    def run(
        self,
        console: Console,
        interrupted: Sequence[int],
        again: Collection[str],
        jobs: int,
        scheduler: str | None,
        *,
        quiet: bool,
    ) -> Swept:
        keyed = {key: point.config for key, point in zip(self.keys, self.points, strict=True)}
        found: dict[str, Measured] = {}
        for key in keyed:
            known = self.store.read(key)
            if known is not None and known.state not in again:
                found[key] = known
        count, left = len(found), len(keyed) - len(found)
        if not quiet:
            self._announce(console, len(keyed), count)
        self._write_table(self._with_known(keyed, found))
        if left and not interrupted:
            with ExitStack() as stack:
                with waiting(console, "starting workers", quiet=quiet):
                    runner = stack.enter_context(open_runner(min(jobs, left), scheduler))
                progress = SweepProgress(console, left, count, jobs, quiet=quiet)
                stack.enter_context(progress)
                found = runner.run_keyed(
                    keyed,
                    self.store,
                    progress.after,
                    again=again,
                    stop=lambda: bool(interrupted),
                )
        left = len(keyed) - len(found)
        ended = interrupted[0] if interrupted and left else None
        found = self._with_known(keyed, found)
        self._write_table(found)
        dataset = dataset_of(self.plan, self.points, self.keys, found, self.store)
        replace_durably(self.out / NAME, to_netcdf(dataset))
        return Swept(self.plan, self.points, self.keys, found, count, left, ended, dataset)

    def _with_known(
        self, keyed: Collection[str], found: Mapping[str, Measured]
    ) -> dict[str, Measured]:
        """What became of points, and of those to be computed again what is known by now."""
        known = {key: self.store.read(key) for key in keyed if key not in found}
        return {**found, **{key: one for key, one in known.items() if one is not None}}

    def _announce(self, console: Console, different: int, known: int) -> None:
        sizes = " × ".join(
            counted(len(dimension.labels), dimension.name) for dimension in self.plan.dimensions
        )
        same = len(self.keys) - different
        parts = [counted(len(self.keys), "point") + (f" ({sizes})" if sizes else "")]
        if same:
            parts.append(f"{same:,} of them the same as others")
        parts.append(f"{known:,} known, {different - known:,} to compute")
        console.print(": ".join([parts[0], ", ".join(parts[1:])]), soft_wrap=True)

    def _write_table(self, found: Mapping[str, Measured]) -> None:
        text = table_of(self.plan, self.points, self.keys, found)
        replace_durably(self.out / TABLE, text.encode())


def best_of(swept: Swept) -> tuple[Point, str, float] | None:
    """The point of the least loss: in the loop, where a circuit was simulated.

    Returns:
        The point, the name of its figure in `MEASURES`, and the loss; None where there is none.
    """
    for name in ("in_loop", "ideal"):
        losses = [
            (one.values.get(name, math.nan), k)
            for k, key in enumerate(swept.keys)
            if (one := swept.found.get(key)) and one.state == DONE
        ]
        finite = [pair for pair in losses if math.isfinite(pair[0])]
        if finite:
            loss, k = min(finite)
            return swept.points[k], name, loss
    return None
