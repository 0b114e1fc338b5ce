"""A page from its sections: one file with everything in it, whatever the sections are of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.report import assets
from sim.report.blocks import Chart, Fold, Grid, Section
from sim.report.waveform_view import viewer_script, viewer_style


@dataclass(frozen=True)
class Subject:
    """What a page, or a part of its sections, is of.

    Attributes:
        name: short.
        title: in words.
        path: of its folder.
        ended: how; `finished` is not spelled out.
    """

    name: str
    title: str
    path: str
    ended: str = "finished"


def compose(title: str, mark: str, subjects: Sequence[Subject], sections: Sequence[Section]) -> str:
    """The page, as HTML.

    Args:
        title: of the window.
        mark: the page's generator, by which it is known again.
        subjects: what it is of; parts of sections name them by their place here.
        sections: in order.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["of"] = lambda block, kind: type(block).__name__ == kind
    found = charts_in(sections)
    charts = {id(chart): number for number, chart in enumerate(found)}
    return environment.get_template("page.html").render(
        title=title,
        mark=mark,
        runs=subjects,
        sections=sections,
        chart_number=lambda chart: charts[id(chart)],
        figures=assets.embedded([chart.figure for chart in found]),
        embedded=assets.embedded,
        style=assets.asset("style.css") + viewer_style(),
        script=assets.asset("page.js"),
        viewer=viewer_script(),
        plotly=assets.packed_plotly(),
    )


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
