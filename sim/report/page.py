"""The page: one file with everything in it."""

from collections.abc import Sequence

from sim.report.blocks import Section
from sim.report.composed import Subject, compose
from sim.report.model.ending import ending_of
from sim.report.model.whole import require_whole
from sim.report.names import names_of
from sim.report.sections import (
    blame,
    compared,
    cost,
    deviation,
    learned,
    losses,
    noise,
    reproduce,
    settings,
    trust,
    waveforms,
    weights,
)
from sim.results import Run

MARK = "danp-cosim report"
"""The page's generator, by which it is known again."""

_SECTIONS = (
    compared,
    learned,
    losses,
    deviation,
    blame,
    waveforms,
    weights,
    noise,
    trust,
    cost,
    settings,
    reproduce,
)


def render(runs: Sequence[Run]) -> str:
    """The page of one run, or of several side by side, as HTML.

    Args:
        runs: at least one, finished or stopped.

    Raises:
        UserError: a file of a run is missing or damaged.
    """
    if not runs:
        raise ValueError("wanted at least one run")
    for run in runs:
        require_whole(run)
    names = names_of(runs)
    title = f"{names[0]}: {runs[0].title}" if len(runs) == 1 else f"{len(runs)} runs"
    subjects = [
        Subject(name, run.title, str(run.path), ending_of(run).how)
        for name, run in zip(names, runs, strict=True)
    ]
    return compose(title, MARK, subjects, sections_of(runs))


def sections_of(runs: Sequence[Run]) -> list[Section]:
    """The sections that these runs have something for, in order."""
    found = (part.section(runs) for part in _SECTIONS)
    return [section for section in found if section is not None]
