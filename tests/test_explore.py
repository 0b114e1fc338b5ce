"""`danp-cosim explore`: what it writes and prints, of sweeps whose answers are known."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import made_sweeps as made
import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from sim.cli import main as danp_cosim
from sim.explore.asked import Asked
from sim.explore.command import main as command
from sim.explore.exploration import Exploration, explore
from sim.report.blocks import Fold, Prose, Table
from sim.report.composed import charts_in

KINDS: dict[str, Callable[[], xr.Dataset]] = {
    "rich": made.rich,
    "grid": made.grid,
    "drawn": made.drawn,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("sweeps")
    return {name: made.write(place / name, make()) for name, make in KINDS.items()}


@pytest.fixture(scope="module")
def explored(folders: dict[str, Path]) -> dict[str, Exploration]:
    return {name: explore(folder) for name, folder in folders.items()}


def words(found: Exploration, anchor: str) -> str:
    section = next(one for one in found.sections if one.anchor == anchor)
    return " ".join(block.text for block in section.shared if isinstance(block, Prose))


def tables(found: Exploration, anchor: str) -> list[Table]:
    section = next(one for one in found.sections if one.anchor == anchor)
    inside = [
        inner for block in section.shared if isinstance(block, Fold) for inner in block.blocks
    ]
    return [block for block in (*section.shared, *inside) if isinstance(block, Table)]


def rows(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def of(data: xr.Dataset, folder: Path, asked: Asked | None = None) -> Exploration:
    return explore(made.write(folder, data), asked)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.figures: list[dict[str, Any]] = []
        self._in_figures = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_figures = dict(attrs).get("id") == "figures"

    def handle_data(self, data: str) -> None:
        if self._in_figures:
            self.figures = json.loads(data)
            self._in_figures = False


def drawn_anything(figure: dict[str, Any]) -> bool:
    """Whether any trace has a finite number."""
    return any(
        any(v is not None for row in trace[key] for v in (row if isinstance(row, list) else [row]))
        for trace in figure["data"]
        for key in ("z", "y")
        if key in trace and not isinstance(trace[key][0], str)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_whole_and_every_chart_shows_something(
    explored: dict[str, Exploration], kind: str
) -> None:
    found = explored[kind]
    page = Page(found.page())
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert re.match(r"#|data:,$", attributes.get("href") or "#")
    boxes = [a for _, a in page.elements if a.get("class") == "chart"]
    assert len(boxes) == len(page.figures) == sum(len(plot.panels) for plot in found.plots)
    assert all(len(box["aria-label"] or "") > 20 for box in boxes)
    for figure in page.figures:
        go.Figure(figure)  # refuses what plotly does not know
        assert drawn_anything(figure)
    anchors = [a["id"] for tag, a in page.elements if tag == "section"]
    assert anchors == ["ran", "effects", "yield", "ranking", "pareto"]
    for section in found.sections:
        assert section.shared, section.anchor


@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_and_energy_says_its_engine(explored: dict[str, Exploration], kind: str) -> None:
    for anchor in ("effects", "yield", "pareto"):
        for table in tables(explored[kind], anchor):
            if table.caption != "Yield over the factor that is allowed":
                assert re.search("ngspice|mathematics", table.caption), table.caption
    for chart in charts_in(explored[kind].sections):
        title = chart.figure["layout"]["title"]["text"]
        assert re.search("ngspice|variance|chips", title.lower()), title


def test_small_multiples_share_a_legend(explored: dict[str, Exploration]) -> None:
    layouts = [chart.figure["layout"] for chart in charts_in(explored["rich"].sections)]
    places = iter(layouts)
    for plot in explored["rich"].plots:
        mine = [next(places) for _ in plot.panels]
        legends = [layout.get("showlegend", False) for layout in mine]
        assert legends == [len(mine) > 1, *[False] * (len(mine) - 1)] or len(mine) == 1, plot.name
        # Without a legend a chart is lower by its height alone, so that axes side by side agree.
        inside = {one["height"] - one["margin"]["b"] - one["margin"]["t"] for one in mine}
        assert len(inside) == 1


def test_points_are_counted_and_failures_grouped(explored: dict[str, Exploration]) -> None:
    assert "360 points: 355 done, 2 failed, 3 diverged." in words(explored["rich"], "ran")
    broken = next(t for t in tables(explored["rich"], "ran") if "not done" in t.caption)
    # Reasons that differ in numbers are one.
    found = [row[:4] for row in rows(broken)]
    assert found == [
        ["training diverged in epoch 3", "diverged", "3", "nominal, chip 5, seed 0"],
        ["pass 17: no convergence at 0.0012 s", "failed", "2", "hot, chip 3, seed 0"],
    ]


def test_points_that_are_not_computed_yet_are_said(tmp_path: Path) -> None:
    data = made.rich()
    data["state"][1, 10:] = "missing"
    found = of(data, tmp_path / "open")
    assert "150 not computed yet" in words(found, "ran")
    every = rows(tables(found, "yield")[0])[0]
    assert every[2] == "10"  # chips with all settings
    with_all = rows(tables(found, "yield")[0])[1]
    assert with_all[2] == "60"


def test_the_yield_is_spelt_with_its_interval(explored: dict[str, Exploration]) -> None:
    said = words(explored["rich"], "yield")
    assert re.search(
        r"of 60 chips trained in the loop come at every setting to within 2 times", said
    )
    assert "given the twin's weights" in said
    assert "failed (2) or diverged (3) count as not learning" in said
    tight, loose = (
        explore(explored["rich"].sweep.path, Asked(within=factor)) for factor in (1.0, 1e5)
    )
    learn = [rows(tables(one, "yield")[0])[0][3] for one in (tight, loose)]
    assert learn == ["0", "59"]  # one chip diverged at a corner with every seed


def test_what_matters_names_the_parts_that_do(explored: dict[str, Exploration]) -> None:
    said = words(explored["rich"], "ranking")
    assert re.search(r"With the loss in the loop go n1_\d_a\.\w+ \(.*n1_\d_a\.\w+ \(", said)
    assert "of its distance from nominal" in said
    assert "With the deviation goes n1_1_a.v_offset (ρ = 1.00 of its distance" in said
    assert "learning.eta (ρ = −0.9" in words(explored["drawn"], "ranking")
    assert "circuit.opamp.gbw makes 7" in words(explored["grid"], "ranking")


def test_what_is_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = made.parts(2)
    data = made.dataset(
        {made.TMR: 3, "chip": 30},
        {"in_loop": 10 ** rng.normal(size=(3, 30)), "ideal": 1.0},
        {made.TMR: (made.TMR, [0.5, 1, 1.5]), "chip": ("chip", range(30))},
        deviate=(names, rng.normal(size=(30, len(names)))),
    )
    said = words(of(data, tmp_path / "nothing"), "ranking")
    assert "No parameter's share of the variance of the logarithm of the loss in the loop" in said
    assert "No part goes with the loss in the loop more than chance would have it" in said
    assert "No ranking by deviation: no point has a figure." in said


@pytest.mark.parametrize(
    ("kind", "anchor", "expected"),
    [
        ("grid", "yield", "No chips were drawn, so there is no yield: --mc N"),
        ("grid", "ranking", "No chips were drawn, so no parts are ranked: --mc N"),
        ("rich", "ranking", "No parameter was drawn at random: [draw]"),
        ("drawn", "pareto", "No point has an energy, so there is no front"),
        ("drawn", "effects", "no point has a figure: transfer, energy_per_pass, settling"),
        ("drawn", "ranking", "No shares of variance: they need a grid, a list or corners"),
    ],
)
def test_what_is_missing_is_said_with_what_makes_it(
    explored: dict[str, Exploration], kind: str, anchor: str, expected: str
) -> None:
    assert expected in words(explored[kind], anchor)


@pytest.mark.parametrize("energy", [1e-5, np.nan])
def test_a_single_point_is_a_sweep(tmp_path: Path, energy: float) -> None:
    values = {"in_loop": 1e-3, "ideal": 1e-3, "energy_per_pass": energy}
    found = of(made.dataset({}, values, {}), tmp_path / "one")
    assert "1 point: 1 done" in words(found, "ran")
    assert "No parameter was varied" in words(found, "effects")
    wanted = "No point has an energy" if np.isnan(energy) else "One setting alone makes no front"
    assert wanted in words(found, "pareto")
    assert found.plots == ()
    assert "a single point" in found.page()


def test_runs_of_mathematics_alone_have_no_yield(tmp_path: Path) -> None:
    data = made.dataset({"chip": 3}, {"ideal": 1e-3}, {"chip": ("chip", range(3))})
    found = of(data, tmp_path / "ideal")
    assert "No point has both a loss in the circuit and the ideal" in words(found, "yield")
    assert "No ranking by deviation" in words(found, "ranking")


@pytest.mark.parametrize("metric", ["", "ideal", "deviation", "in_loop"])
def test_runs_of_mathematics_alone_show_the_twin(tmp_path: Path, metric: str) -> None:
    along = {made.TMR: (made.TMR, [0.5, 1.5]), made.ETA: (made.ETA, [0.1, 0.2])}
    losses = [[1e-3, 1e-3], [4e-3, 4e-3]]
    made.write(
        tmp_path / "ideal", made.dataset({made.TMR: 2, made.ETA: 2}, {"ideal": losses}, along)
    )
    assert command([str(tmp_path / "ideal"), *(["--metric", metric] if metric else [])]) == 0
    pictures = {path.name for path in (tmp_path / "ideal" / "explore").glob("*.png")}
    if metric in ("", "ideal"):
        found = explore(tmp_path / "ideal")
        said = words(found, "effects")
        assert f"{made.TMR} moves the loss of the ideal twin most" in said
        assert "mathematics" in tables(found, "effects")[0].caption
        assert f"effect-{made.TMR}.png" in pictures
    else:  # which no point has
        assert pictures == set()


def test_all_chips_may_fail_at_a_setting(tmp_path: Path) -> None:
    data = made.rich()
    data["state"][1] = "failed"
    found = of(data, tmp_path / "failed")
    table = rows(tables(found, "yield")[0])
    assert table[0][:4] == ["every setting", "trained in the loop", "60", "0"]
    hot = next(row for row in table if row[0] == "hot")
    assert hot[7] == "∞"
    assert found.page()


def test_words_along_a_grid_are_categories(tmp_path: Path) -> None:
    path = "circuit.write_back.device"
    data = made.dataset(
        {path: 3},
        {"in_loop": [1e-3, 2e-3, 4e-3], "ideal": 1e-3},
        {path: (path, ["ideal", "e-series", "<b>levels</b>"])},
    )
    found = of(data, tmp_path / "words")
    first = rows(tables(found, "effects")[0])
    assert [row[1] for row in first] == ["ideal", "e-series", "<b>levels</b>"]
    assert "<b>levels" not in found.page()


def test_command_prints_tables_and_leaves_page_and_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # so that no heading is folded
    folder = made.write(tmp_path / "s", made.rich(chips=30))
    assert danp_cosim(["explore", str(folder)]) == 0
    printed = capsys.readouterr().out
    for expected in ("What was run", "Monte Carlo yield", "95 % from", "n1_1_a.v_offset", "page: "):
        assert expected in printed
    pictures = sorted((folder / "explore").glob("*.png"))
    assert {path.name for path in pictures} >= {"yield.png", "ratios.png", "effect-corner.png"}
    for path in pictures:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) > 5000
    # Older pictures go, what else is there stays.
    (folder / "explore" / "mine.txt").write_text("precious")
    (folder / "explore" / "heat-a-b.png").write_bytes(b"old")
    before = (folder / "explore.html").read_bytes()
    assert command([str(folder), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert (folder / "explore.html").read_bytes() == before  # the same sweep, the same page
    assert not (folder / "explore" / "heat-a-b.png").exists()
    assert (folder / "explore" / "mine.txt").read_text() == "precious"
    assert not list((folder / "explore").glob(".part*"))


def test_command_looks_at_another_metric_elsewhere(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "elsewhere"
    asked = ["--metric", "transfer", "--energy", "training", "--out", str(out)]
    assert command([str(folders["grid"]), *asked]) == 0
    printed = capsys.readouterr().out
    assert "circuit.opamp.gbw moves the loss of the transfer most" in printed
    assert "No point has an energy" in printed  # of the training
    assert (out / "explore.html").is_file()
    assert not (folders["grid"] / "explore.html").exists()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", "Missing argument"),
        ("nowhere", "nowhere: no such folder, wanted the folder that danp-cosim sweep wrote"),
        ("FOLDER/sweep.nc", "is a file, wanted the folder that danp-cosim sweep wrote; did you"),
        (".", "holds no sweep.nc"),
        ("FOLDER FOLDER", "unexpected extra argument"),
        ("FOLDER --within 0.5", "--within: wanted a factor from 1 to 1000000, got 0.5"),
        ("FOLDER --within nan", "--within: wanted a factor from 1 to 1000000, got nan"),
        ("FOLDER --within two", "'two' is not a valid float"),
        ("FOLDER --metric los", "--metric: wanted a measure of the sweep (start_ideal, "),
        ("FOLDER --energy all", "'all' is not one of 'pass', 'training'"),
        ("FOLDER --out FOLDER/sweep.nc", "is a file; name a folder"),
    ],
)
def test_wrong_command_is_one_line(  # noqa: PLR0917  # fixtures come by name
    folders: dict[str, Path],
    typed: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(typed.replace("FOLDER", str(folders["grid"])).split()) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert expected in complaint


def _states(state: str, reason: str = "") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = made.grid()
        data["state"][:] = state
        data["reason"] = data["reason"].astype("U40")
        data["reason"][:] = reason
        made.write(folder, data)

    return spoil


def _stateless(folder: Path) -> None:
    made.write(folder, made.grid().drop_vars("state"))


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_write("sweep.nc", b"CDF"), "sweep.nc: is damaged, wanted the folder that"),
        (
            _states("failed", "no supply"),
            "no point is done: 60 failed, 0 diverged of 60; the first",
        ),
        (_states("missing"), "none of its 60 points is computed"),
        (_stateless, "sweep.nc: holds no state"),
        (_write("points.csv", b"key,seconds\na,slow\n"), "points.csv: is no table of points"),
        (_write("explore.html", b"mine"), "explore.html is there and is no report of danp-cosim"),
        (_write("explore", b"mine"), "explore: cannot write: File exists"),
    ],
)
def test_damaged_folder_is_one_line(
    tmp_path: Path,
    spoil: Callable[[Path], None],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = made.write(tmp_path / "s", made.grid())
    spoil(folder)
    assert command([str(folder)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert expected in complaint
    for path in folder.glob("explore*"):
        assert path.is_dir() or path.read_bytes() == b"mine"


def test_help_loads_nothing_that_a_page_is_made_of() -> None:
    heavy = ("jinja2", "xarray", "plotly", "matplotlib", "sklearn", "scipy", "dask")
    code = (
        "import sys; from sim.cli import main; main(['explore', '--help']); "
        f"print({{*{heavy!r}}} & {{*sys.modules}})"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "set()"


@pytest.mark.browser
def test_the_page_opens_offline_light_and_dark_on_a_phone(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    from browser import browser_or_skip, opened, settled  # noqa: PLC0415  # only with a browser

    assert command([str(folders["rich"]), "--quiet", "--out", str(tmp_path)]) == 0
    browsers = browser_or_skip()
    browser = next(browsers)
    for width, scheme in ((1200, "light"), (360, "dark")):
        with opened(
            browser, tmp_path / "explore.html", width=width, color_scheme=scheme
        ) as watched:
            page = settled(watched.page)
            page.locator("#yield .chart").last.scroll_into_view_if_needed()
            page.locator("#yield .chart .main-svg").first.wait_for()
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert (watched.complaints, watched.strangers) == ([], [])
    next(browsers, None)
