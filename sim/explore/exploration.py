"""All that is said of a sweep, and its files: the page, and a picture for each plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.durable import cannot_write, replace_durably, settle_durably
from sim.explore.asked import Asked, settled
from sim.explore.opened import Sweep, open_sweep, require_done
from sim.explore.pictures import draw
from sim.explore.plot import Plot
from sim.explore.sections import effects, pareto, ran, ranking, yields
from sim.report.blocks import Section
from sim.report.composed import Subject, compose

MARK = "danp-cosim explore"
"""The page's generator, by which it is known again."""

PAGE, PICTURES = "explore.html", "explore"
"""The page, and the folder of pictures beside it."""

_STEMS = ("effect-*", "heat-*", "shares-*", "ranking-*", "groups-*", "yield*", "ratios", "pareto")


@dataclass(frozen=True)
class Exploration:
    """What a sweep says.

    Attributes:
        sweep: its points.
        sections: of the page, in order.
        plots: of the pictures, in the order of the page.
    """

    sweep: Sweep
    sections: tuple[Section, ...]
    plots: tuple[Plot, ...]

    def page(self) -> str:
        """The page, as HTML."""
        subject = Subject(self.sweep.name, self.sweep.title, str(self.sweep.path))
        return compose(f"{self.sweep.name}: {self.sweep.title}", MARK, (subject,), self.sections)


def explore(path: Path, asked: Asked | None = None) -> Exploration:
    """Look at a sweep.

    Args:
        path: the sweep's folder.
        asked: what is looked at; the defaults where None.

    Raises:
        UserError: it is no sweep's folder, is damaged, has no point done, or lacks what is asked.
    """
    sweep = open_sweep(path)
    require_done(sweep)
    asked = settled(sweep, asked or Asked())
    told = (
        ran.section(sweep),
        effects.section(sweep, asked),
        yields.section(sweep, asked),
        ranking.section(sweep, asked),
        pareto.section(sweep, asked),
    )
    plots = tuple(plot for one in told for plot in one.plots)
    return Exploration(sweep, tuple(one.section for one in told), plots)


def write_exploration(found: Exploration, out: Path) -> tuple[Path, list[Path]]:
    """Write the page and the pictures; those of an older exploration go.

    Args:
        found: what is said.
        out: folder that takes them.

    Returns:
        The page, and the pictures.

    Raises:
        UserError: the folder takes no more, or what has the page's name is no page of ours.
    """
    from sim.report.writing import require_ours  # noqa: PLC0415  # with all sections of a run

    page, folder = out / PAGE, out / PICTURES
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    require_ours(page, mark=MARK)
    pictures = [_write_picture(plot, folder) for plot in found.plots]
    _remove_older(folder, pictures)
    replace_durably(page, found.page().encode("utf8"))
    return page, pictures


def _write_picture(plot: Plot, folder: Path) -> Path:
    """Write a picture whole or not at all."""
    target = folder / f"{plot.name}.png"
    draft = target.with_name(f".part-{target.name}")
    try:
        draw(plot, draft)
        settle_durably(draft, target)
    except OSError as error:
        raise cannot_write(target, error) from None
    return target


def _remove_older(folder: Path, written: Sequence[Path]) -> None:
    """Remove pictures of ours that this exploration does not have."""
    for stem in _STEMS:
        for path in folder.glob(f"{stem}.png"):
            if path not in written:
                path.unlink()
