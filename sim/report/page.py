"""The page: one file with everything in it."""

from collections.abc import Iterator, Sequence
from typing import Any

from sim.report import assets
from sim.report.blocks import Chart, Fold, Grid, Section
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
from sim.report.waveform_view import viewer_script, viewer_style
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
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    if not runs:
        raise ValueError("wanted at least one run")
    for run in runs:
        require_whole(run)
    names = names_of(runs)
    sections = sections_of(runs)
    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["of"] = lambda block, kind: type(block).__name__ == kind
    charts = {id(chart): number for number, chart in enumerate(charts_in(sections))}
    return environment.get_template("page.html").render(
        title=f"{names[0]}: {runs[0].title}" if len(runs) == 1 else f"{len(runs)} runs",
        mark=MARK,
        runs=[
            {"name": name, "title": run.title, "path": str(run.path), "ended": ending_of(run).how}
            for name, run in zip(names, runs, strict=True)
        ],
        sections=sections,
        chart_number=lambda chart: charts[id(chart)],
        figures=assets.embedded([chart.figure for chart in charts_in(sections)]),
        embedded=assets.embedded,
        style=assets.asset("style.css") + viewer_style(),
        script=assets.asset("page.js"),
        viewer=viewer_script(),
        plotly=assets.packed_plotly(),
    )


def sections_of(runs: Sequence[Run]) -> list[Section]:
    """The sections that these runs have something for, in order."""
    found = (part.section(runs) for part in _SECTIONS)
    return [section for section in found if section is not None]


def charts_in(sections: Sequence[Section]) -> list[Chart]:
    """All charts, in the order of the page."""
    blocks = (
        block
        for section in sections
        for blocks in (section.shared, *(part.blocks for part in section.parts))
        for block in blocks
    )
    return [chart for block in blocks for chart in _charts(block)]


def _charts(block: Any) -> Iterator[Chart]:
    match block:
        case Chart():
            yield block
        case Grid(blocks) | Fold(_, blocks):
            for inner in blocks:
                yield from _charts(inner)
