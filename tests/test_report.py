"""The report: one page that needs nothing from outside, and says what its folders say."""

import json
import math
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from sim import job
from sim.attribute.command import main as attribute
from sim.cli import main as danp_cosim
from sim.errors import UserError
from sim.report.assets import embedded
from sim.report.charts.look import log_axis
from sim.report.command import main as report
from sim.report.composed import charts_in
from sim.report.model import cloud
from sim.report.model.blame import blame_of
from sim.report.model.epochs import MOST, epochs_of
from sim.report.model.nodes import Deviations, Node, deviations_of
from sim.report.model.resistors import layers_of, limits_of
from sim.report.model.scores import answer_of, scores_of
from sim.report.model.settings import differing, settings_of
from sim.report.names import names_of
from sim.report.page import render, sections_of
from sim.report.text import number, quantity
from sim.report.writing import write_report
from sim.results import Run
from sim.run import main as run

pytestmark = pytest.mark.usefixtures("undrawn")

Make = Callable[..., Path]

SMALL = ("--quiet", "--samples", "12")
ROUNDING = 1e-12
"""Relative; the same doubles summed in another order."""
FIVE_DIGITS = 5.1e-5
"""Relative; charts hold their numbers to five digits."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Short real runs of each kind."""
    root = tmp_path_factory.mktemp("runs")
    kinds = {
        "teacher": ("--epochs", "3"),
        "slow": ("--epochs", "2", "--engine", "ideal", "--set", "circuit.opamp.gbw=300k"),
        "ideal": ("--epochs", "30", "--engine", "ideal"),
        "gradient": (
            *("--epochs", "1", "--rule", "bp", "--fidelity", "op"),
            *("--opamp", "ideal", "--set", "circuit.synapse.r_max=inf"),
        ),
        "untrained": ("--epochs", "0", "--fidelity", "op"),
        "flowers": ("--task", "iris", "--epochs", "1", "--layers", "4,3"),
    }
    for name, options in kinds.items():
        assert run([*SMALL, *options, "--out", str(root / name)]) == 0, name
    return {name: root / name for name in kinds}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that Ctrl-C ended after two epochs."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    after_epoch = job.TrainingProgress.epoch

    def stop(self: Any, epoch: Any) -> None:
        after_epoch(self, epoch)
        if epoch.number == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job.TrainingProgress, "epoch", stop)
        assert run([*SMALL, "--epochs", "5", "--out", str(out)]) == 130
    return out


@pytest.fixture
def copied(folders: dict[str, Path], tmp_path: Path) -> Make:
    """A copy of a run to spoil."""

    def copy(kind: str = "teacher", name: str = "copy") -> Path:
        return shutil.copytree(folders[kind], tmp_path / name)

    return copy


class Page(HTMLParser):
    """A page's elements, its texts outside scripts, its tables and its data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.data: dict[str, str] = {}
        self.tables: list[list[list[str]]] = []
        self._silent: str | None = None
        self._cell: list[str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag in ("script", "style"):
            self._silent = found.get("id") or found.get("class") or tag
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = None
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            self.data[self._silent] = self.data.get(self._silent, "") + data
            return
        self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)

    @property
    def words(self) -> str:
        """All that is read."""
        return " ".join(" ".join(self.text).split())

    @property
    def figures(self) -> list[dict[str, Any]]:
        """All charts."""
        return json.loads(self.data["figures"])

    def table(self, *titles: str) -> list[dict[str, str]]:
        """Rows of the first table that has these columns."""
        for head, *rows in self.tables:
            if set(titles) <= set(head):
                return [dict(zip(head, row, strict=True)) for row in rows]
        raise AssertionError(titles)


def page(*folders: Path) -> Page:
    return Page(render([Run(folder) for folder in folders]))


KINDS = ("teacher", "ideal", "gradient", "untrained", "flowers")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_nothing_from_outside_and_its_charts_are_sound(
    folders: dict[str, Path], kind: str
) -> None:
    shown = page(folders[kind])
    for tag, attributes in shown.elements:
        assert "src" not in attributes, tag
        assert tag not in ("iframe", "object", "embed", "base"), tag
        for name in ("href", "action", "poster"):
            assert re.match(r"#|data:,$", attributes.get(name) or "#"), (tag, attributes)
    assert not re.search(r"@import|url\(", shown.data["style"])
    policy = next(a["content"] for _, a in shown.elements if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    for figure in shown.figures:
        go.Figure(figure)  # refuses what plotly does not know
    boxes = [a for _, a in shown.elements if a.get("class") == "chart"]
    assert len(boxes) == len(shown.figures)
    assert all(box["role"] == "img" and box["aria-label"] for box in boxes)
    identifiers = [a["id"] for _, a in shown.elements if a.get("id")]
    assert len(identifiers) == len(set(identifiers))
    links = {a["href"] for _, a in shown.elements if (a.get("href") or "").startswith("#")}
    assert links <= {f"#{one}" for one in identifiers}


def test_scores_are_those_of_the_summary(folders: dict[str, Path]) -> None:
    for kind in KINDS:
        summary = json.loads((folders[kind] / "summary.json").read_text(encoding="utf8"))
        rows = page(folders[kind]).table("network", "engine")
        names = ("initial", "initial_circuit", "ideal", "transfer", "in_loop")
        wanted = [number(summary["loss"][name]) for name in names if summary["loss"][name]]
        found = [v for row in rows for title, v in row.items() if title.startswith("loss (")]
        assert found == wanted, kind
        engines = {"transfer", "in_loop"} & {n for n in names if summary["loss"][n]}
        assert [row["engine"] for row in rows].count("ngspice") == len(engines) + (
            summary["loss"]["initial_circuit"] is not None
        )


def test_nodes_deviate_as_the_recorded_voltages_and_the_summary_say(
    folders: dict[str, Path],
) -> None:
    """Oracle: root mean squares of the folder's own voltages, and the layers' of the summary."""
    folder = folders["teacher"]
    recorded = xr.load_dataset(folder / "results.nc", engine="scipy")
    apart = (recorded["ngspice"] - recorded["mathematics"]).transpose("node", "pass").to_numpy()
    rows = page(folder).table("node", "rms (mV)", "max (mV)", "mean (mV)")
    assert [row["node"] for row in rows] == recorded["node"].to_numpy().tolist()
    assert [row["rms (mV)"] for row in rows] == [
        number(1e3 * float(np.sqrt(np.mean(d**2)))) for d in apart
    ]
    assert [row["max (mV)"] for row in rows] == [number(1e3 * float(abs(d).max())) for d in apart]
    assert [row["mean (mV)"] for row in rows] == [number(1e3 * float(d.mean())) for d in apart]
    found = deviations_of(Run(folder))
    nodes = found.nodes
    layers = json.loads((folder / "summary.json").read_text())["deviation"]["layers"]
    sizes = Run(folder).config.network.layers[1:]
    pooled = sum(n * layer["rms_v"] ** 2 for n, layer in zip(sizes, layers, strict=True))
    assert found.rms == pytest.approx(np.sqrt(pooled / sum(sizes)), rel=ROUNDING)
    for k, layer in enumerate(layers, start=1):
        last = k == len(layers)
        mine = [n for n in nodes if n.layer == k and (n.kind == "pre") == last]
        assert np.sqrt(np.mean([n.rms**2 for n in mine])) == pytest.approx(
            layer["rms_v"], rel=ROUNDING
        )
        assert max(n.largest for n in mine) == pytest.approx(layer["max_v"], rel=ROUNDING)
        assert np.sqrt(np.mean([n.rms_ok**2 for n in mine])) == pytest.approx(
            layer["rms_ok_v"], rel=ROUNDING
        )


def test_doubtful_passes_are_left_out_where_the_table_says_so(copied: Make) -> None:
    """Oracle: the same voltages, the passes flagged here left out by hand."""
    folder = copied()
    path = folder / "results.nc"
    recorded = xr.load_dataset(path, engine="scipy")
    flags = np.arange(recorded.sizes["pass"]) % 3 == 0
    recorded["doubt"] = ("pass", flags.astype(np.int8))
    recorded.to_netcdf(path, engine="scipy")
    apart = (recorded["ngspice"] - recorded["mathematics"]).transpose("node", "pass").to_numpy()
    rows = page(folder).table("node", "rms without doubtful (mV)", "max without doubtful (mV)")
    for row, volts in zip(rows, 1e3 * apart[:, ~flags], strict=True):
        rms, largest = float(np.sqrt(np.mean(volts**2))), float(abs(volts).max())
        assert row["rms without doubtful (mV)"] == number(rms)
        assert row["max without doubtful (mV)"] == number(largest)
    found = deviations_of(Run(folder))
    assert (found.passes, found.doubtful) == (len(flags), int(flags.sum()))


def test_boxes_are_the_quantiles_of_history(folders: dict[str, Path]) -> None:
    """Oracle: history.csv, which the run computes for itself."""
    folder = folders["teacher"]
    history = np.genfromtxt(folder / "history.csv", delimiter=",", names=True)
    box = page(folder).figures[0]["data"][2]
    assert box["name"].startswith("circuit in the loop")
    for ours, theirs in (("lowerfence", "q05"), ("q1", "q25"), ("median", "q50"), ("q3", "q75")):
        np.testing.assert_allclose(box[ours], history[f"in_loop_{theirs}"], rtol=FIVE_DIGITS)
    means = page(folder).figures[0]["data"][3]
    np.testing.assert_allclose(means["y"], history["in_loop_mean"], rtol=FIVE_DIGITS)


def test_many_epochs_are_shown_evenly_and_said_so(folders: dict[str, Path]) -> None:
    epochs = epochs_of(Run(folders["ideal"]))
    assert (epochs.trained, len(epochs.numbers)) == (30, MOST)
    assert (epochs.numbers[0], epochs.numbers[-1]) == (1, 30)
    assert set(np.diff(epochs.numbers)) == {1, 2}
    assert "25 of 30 epochs are shown, evenly" in page(folders["ideal"]).words


def test_weights_are_those_of_the_resistors_and_limits_are_counted(
    folders: dict[str, Path],
) -> None:
    """Oracle: w = R_f (1/R+ − 1/R−) of weights.npz; one resistor of every pair is at R_max."""
    folder = folders["flowers"]
    with np.load(folder / "weights.npz") as arrays:
        plus, minus = arrays["r_plus1"], arrays["r_minus1"]
    figures = page(folder).figures
    after = next(f for f in figures if f["layout"].get("title", {}).get("text") == "layer 1, after")
    weights = 100e3 * (1 / plus - 1 / minus)
    np.testing.assert_allclose(after["data"][0]["z"], weights, rtol=FIVE_DIGITS, atol=1e-9)
    assert after["data"][0]["x"] == ["x0_1", "x0_2", "x0_3", "x0_4", "bias"]
    assert quantity(float(plus[0, 0]), "Ω", 4) in after["data"][0]["hovertext"][0][0]
    found = Run(folder)
    limits = limits_of(found, layers_of(found))
    assert (limits.count, limits.pairs) == (2 * weights.size, weights.size)
    assert limits.at_max == int((plus == 1e7).sum() + (minus == 1e7).sum())
    assert limits.at_max >= limits.pairs
    bars = next(f for f in figures if f["layout"].get("barmode") == "overlay")["data"]
    assert [sum(trace["y"]) for trace in bars] == [limits.count, limits.count]


def test_the_answer_follows_its_criterion(copied: Make) -> None:
    folder = copied()
    path = folder / "summary.json"
    whole = json.loads(path.read_text())
    for after, grade in ((0.5, "good"), (0.51, "fair"), (0.9, "fair"), (0.91, "poor"), (2, "poor")):
        losses = whole["loss"] | {"initial_circuit": 1.0, "in_loop": float(after)}
        path.write_text(json.dumps(whole | {"loss": losses}))
        assert answer_of(Run(folder)).grade == grade, after
    path.write_text(json.dumps(whole | {"loss": whole["loss"] | {"in_loop": None}}))
    assert answer_of(Run(folder)).what.startswith("the twin")


def test_what_does_not_apply_is_left_out(folders: dict[str, Path]) -> None:
    ideal = page(folders["ideal"])
    assert "No circuit was simulated" in ideal.words
    assert not {"deviation", "waveforms", "trust"} & {a.get("id") for _, a in ideal.elements}
    gradient = page(folders["gradient"])
    assert "bp needs the mathematics" in gradient.words
    assert "are at R_max (open)" in gradient.words
    assert "not known: op-amps of level ideal have no supplies" in gradient.words
    assert "inf" not in gradient.words.split("Settings")[0]
    assert re.search(r"the same to it: \d+ updates? of the twin\.", gradient.words)
    assert set(scores_of(Run(folders["gradient"]))) == {
        *("start_ideal", "start_in_loop", "ideal", "transfer"),
    }
    untrained = page(folders["untrained"])
    assert "Nothing was trained" in untrained.words
    assert "No epoch was finished" in untrained.words
    for figure in (*ideal.figures, *gradient.figures, *untrained.figures):
        assert all(len(t.get("y", t.get("x", ()))) for t in figure["data"])


def test_a_stopped_run_has_its_history_and_says_how_to_go_on(stopped: Path) -> None:
    shown = page(stopped)
    assert "Stopped after 2 of 5 epochs" in shown.words
    assert f"danp-cosim run --resume {stopped}" in shown.words
    assert len(shown.figures[0]["data"][0]["median"]) == 2


def test_a_diverged_run_says_so_and_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "diverged"
    options = ("--engine", "ideal", "--epochs", "4", "--eta", "1e6")
    assert run([*SMALL, *options, "--out", str(folder)]) == 2
    assert (folder / "checkpoint.npz").is_file()  # of before: it would diverge again
    shown = page(folder)
    assert "Training diverged after 0 of 4 epochs, before it was scored" in shown.words
    assert "diverged in epoch 1: a weight or loss is no longer finite" in shown.words
    assert "--resume" not in shown.words
    assert answer_of(Run(folder)).mark == "diverged"


@pytest.mark.parametrize(
    ("changes", "expected", "resumes"),
    [
        ({"ended": "failed"}, "A simulation failed after 2 of 5 epochs, before it was", True),
        ({"ended": None}, "Stopped after 2 of 5 epochs, before it was scored", True),
        ({"ideal": 0.5}, "Stopped after 2 of 5 epochs, while it was scored", True),
        ({"checkpoint": None}, "Stopped after 2 of 5 epochs", False),
    ],
)
def test_a_run_that_did_not_finish_says_how_it_ended(
    stopped: Path, tmp_path: Path, changes: dict[str, Any], expected: str, resumes: bool
) -> None:
    folder = shutil.copytree(stopped, tmp_path / "run")
    path = folder / "summary.json"
    whole = json.loads(path.read_text())
    assert (whole["ended"], whole["failure"], whole["loss"]["ideal"]) == ("stopped", None, None)
    if "ideal" in changes:
        whole["loss"]["ideal"] = changes["ideal"]
    if "checkpoint" in changes:
        (folder / "checkpoint.npz").unlink()
    if "ended" in changes:
        whole |= {"ended": changes["ended"], "failure": "ngspice gave up"}
    if changes.get("ended", "stopped") is None:  # a folder of before, which has neither
        del whole["ended"], whole["failure"]
    path.write_text(json.dumps(whole))
    words = page(folder).words
    assert expected in words
    assert ("--resume" in words) == resumes
    assert ("ngspice gave up" in words) == (whole.get("ended") == "failed")


def test_enormous_weights_are_shown_without_a_complaint(copied: Make) -> None:
    """pytest makes an error of numpy's warning of an overflow."""
    folder = copied("ideal")
    with np.load(folder / "weights.npz") as arrays:
        changed = {k: v * (1e200 if "W" in k else 1) for k, v in arrays.items()}
    np.savez(folder / "weights.npz", **changed)
    assert "layer 1, after" in json.dumps(page(folder).figures)


def test_a_folder_of_before_shows_what_it_has(copied: Make) -> None:
    folder = copied()
    (folder / "results.nc").unlink()
    shown = page(folder)
    assert shown.words.count("holds no results.nc") == 3  # losses, deviation, weights
    assert shown.table("network", "engine")


def test_wide_networks_show_the_first_nodes_and_say_so() -> None:
    from sim.report.sections import deviation  # noqa: PLC0415

    nodes = tuple(Node(f"a1_{k}", 1, "pre", k * 1e-3, 1.0, 0.0, 0.0, 0.0) for k in range(1, 301))
    found = Deviations(nodes, 4, 0, "ideal mathematics")
    table = deviation._table(found)
    assert len(table.rows) == 200
    assert table.note == "The first 200 of 300 nodes are shown."
    assert found.worst.name == "a1_300"


HOSTILE = "a<b>&\"'</script><script>alert(1)</script> é中%s{{7*7}}"


def test_what_comes_from_a_folder_is_text_and_never_code(copied: Make) -> None:
    folder = copied(name=HOSTILE.replace("/", "∕"))
    path = folder / "summary.json"
    whole = json.loads(path.read_text())
    finding = {"severity": HOSTILE, "rule": HOSTILE, "node": HOSTILE, "part": HOSTILE}
    whole["erc"]["findings"] = [finding | {"message": HOSTILE, "like": []}]
    whole["warnings"] = [HOSTILE]
    whole["noise"]["source"] = HOSTILE
    path.write_text(json.dumps(whole))
    with (folder / "config.toml").open("a", encoding="utf8") as file:
        file.write(f"# {HOSTILE}\n")
    one, other = page(folder), page(folder, copied(name="plain"))
    scripts = [a for tag, a in page(copied(name="sane")).elements if tag == "script"]
    assert len([a for tag, a in one.elements if tag == "script"]) == len(scripts)
    assert one.words.count(HOSTILE) >= 7
    assert one.words.count("{{7*7}}") >= 7  # the page is made of a template: it computes nothing
    assert "%s49" not in one.words
    name = folder.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    named = [
        trace["name"] for figure in other.figures for trace in figure["data"] if "name" in trace
    ]
    assert name in named  # as plotly reads it, which knows some HTML


def test_data_inside_a_script_cannot_end_it() -> None:
    value = {HOSTILE: [HOSTILE, "\u2028", 0.5, None, True]}
    text = embedded(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded(float("nan"))


def test_several_runs_stand_side_by_side(folders: dict[str, Path]) -> None:
    those = [folders[name] for name in ("teacher", "slow", "gradient", "flowers")]
    shown = page(*those)
    rows = shown.table("run", "learned?")
    assert [row["run"] for row in rows] == ["teacher", "slow", "gradient", "flowers"]
    differ = {row["parameter"]: row for row in shown.table("parameter", "teacher", "slow")}
    assert set(differ) >= {"circuit.opamp.gbw", "task.epochs", "simulation.engine", "task.name"}
    assert (differ["circuit.opamp.gbw"]["slow"], differ["learning.rule"]["gradient"]) == (
        "300 kHz",
        "bp",
    )
    assert "seed" not in differ
    assert len({row["deviation, rms (mV)"] for row in rows}) == 4
    headings = shown.words
    assert headings.index("Side by side") < headings.index("Did it learn?")
    twelve = [Run(folders[name]) for name in (*KINDS, *KINDS, "slow", "slow")]
    assert len(charts_in(sections_of(twelve))) > 60
    for chart in charts_in(sections_of([Run(f) for f in those])):
        go.Figure(chart.figure)


def test_runs_of_one_name_are_told_apart(folders: dict[str, Path], tmp_path: Path) -> None:
    paths = [shutil.copytree(folders["ideal"], tmp_path / part / "run") for part in ("a", "b")]
    assert names_of([Run(path) for path in paths]) == ("a/run", "b/run")
    assert not differing([Run(path) for path in paths])
    assert "All parameters of these runs are the same" in page(*paths).words


def test_settings_that_are_not_the_default_come_first(folders: dict[str, Path]) -> None:
    settings = {one.path: one for one in settings_of(Run(folders["slow"]))}
    changed = {path for path, one in settings.items() if one.differs}
    assert changed == {
        *("circuit.opamp.gbw", "simulation.engine", "task.epochs", "task.samples"),
    }
    assert settings["circuit.opamp.gbw"].value == "300 kHz"
    assert settings["learning.eta"].value == "0.05"
    assert (folders["slow"] / "config.toml").read_text(encoding="utf8") in "".join(
        page(folders["slow"]).text
    )


def test_diodes_are_compared_as_they_are_simulated(copied: Make) -> None:
    """Left out, they are HSMS-2850 in the divider and 1N4148 in the precision rectifier."""
    kind = "[circuit.activation]\nkind = "
    divider, precision = copied("ideal", "divider"), copied("ideal", "precision")
    named, own = copied("ideal", "named"), copied("ideal", "own")
    for folder, text in (
        (precision, f'{kind}"precision"'),
        (named, f'{kind}"diode-divider"\ndiode = "1N4148"'),
        (own, f'{kind}"precision"\ndiode = {{name = "mine", i_s = "1u"}}'),
    ):
        config = (folder / "config.toml").read_text(encoding="utf8")
        assert config.count(f'{kind}"diode-divider"') == 1
        config = config.replace(f'{kind}"diode-divider"', text)
        (folder / "config.toml").write_text(config, encoding="utf8")

    def told(*folders: Path) -> dict[str, tuple[str, ...]]:
        return {d.path: d.values for d in differing([Run(f) for f in folders]) if not d.inside}

    diode = "circuit.activation.diode"
    kinds = ("diode-divider", "precision")
    assert told(divider, precision) == {
        "circuit.activation.kind": kinds,
        diode: ("HSMS-2850", "1N4148"),
    }
    assert told(divider, named) == {diode: ("HSMS-2850", "1N4148")}
    assert told(named, precision) == {"circuit.activation.kind": kinds}
    inside = {d.path for d in differing([Run(divider), Run(named)]) if d.inside}
    assert {f"{diode}.i_s", f"{diode}.n", f"{diode}.t_t"} <= inside
    mine = told(precision, own)
    assert mine[f"{diode}.name"] == ("1N4148", "mine")
    assert mine[f"{diode}.i_s"] == ("4.352 nA", "1 µA")

    def changed(folder: Path) -> set[str]:
        return {s.path for s in settings_of(Run(folder)) if s.differs and not s.inside}

    before = changed(divider)
    assert changed(precision) - before == {"circuit.activation.kind"}
    assert changed(named) - before == {diode}
    rows = page(divider, named).table("parameter", "divider", "named")
    assert rows[0] == {"parameter": diode, "divider": "HSMS-2850", "named": "1N4148"}


def test_runs_side_by_side_have_one_axis_of_deviation(folders: dict[str, Path]) -> None:
    both = [Run(folders[name]) for name in ("teacher", "flowers")]
    largest = 1e3 * max(float(abs(run.deviation).max()) for run in both)
    tops = [
        chart.figure["layout"]["yaxis"]["range"]
        for chart in charts_in(sections_of(both))
        if "rms, all passes" in (trace.get("name") for trace in chart.figure["data"])
    ]
    assert len(tops) == 2
    assert tops[0] == tops[1]
    assert tops[0][0] == 0
    assert 1 < tops[0][1] / largest < 1.2


def test_attribution_puts_its_waterfall_into_the_page(
    folders: dict[str, Path], copied: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied("flowers")
    assert "attribution" not in {a.get("id") for _, a in page(folders["flowers"]).elements}
    assert attribute([str(folder), "--passes", "4"]) == 0
    assert f"report: {folder / 'report.html'}" in capsys.readouterr().out.replace("\n", "")
    shown = Page((folder / "report.html").read_text(encoding="utf8"))
    found = json.loads((folder / "attribution" / "attribution.json").read_text(encoding="utf8"))
    assert found["verdict"] in shown.words
    falls = [t for f in shown.figures for t in f["data"] if t["type"] == "waterfall"]
    assert [fall["name"] for fall in falls] == ["all nodes", "layer 1"]
    steps = [-1e3 * one["then_v"]["all nodes"] for one in found["mechanisms"]]
    total = 1e3 * found["deviation_v"]["all nodes"]
    volts = np.array([total, *steps]) * (1 if total >= 0.1 else 1e3)
    np.testing.assert_allclose(falls[0]["x"][:-1], volts, rtol=FIVE_DIGITS, atol=1e-9)
    (folder / "attribution" / "attribution.json").write_text('{"deviation_v": 3}')
    assert report([str(folder)]) == 2
    assert "attribution.json: is damaged" in capsys.readouterr().err
    assert blame_of(Run(folders["flowers"])) is None


def test_a_run_leaves_its_report_and_pages_are_the_same_twice(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        left = (folder / "report.html").read_text(encoding="utf8")
        assert left == render([Run(folder)])


def test_command_writes_one_page_and_replaces_only_its_own(
    folders: dict[str, Path],
    copied: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = copied("ideal")
    (folder / "report.html").unlink()
    assert report([str(folder)]) == 0
    assert capsys.readouterr().out.replace("\n", "") == f"report: {folder / 'report.html'}"
    assert danp_cosim(["report", str(folder), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.chdir(tmp_path)
    assert report([str(folder), str(folders["ideal"])]) == 0
    assert (tmp_path / "report.html").is_file()
    mine = tmp_path / "mine.html"
    mine.write_text("precious")
    assert report([str(folder), "--out", str(mine)]) == 2
    assert "is no report of danp-cosim" in capsys.readouterr().err
    assert mine.read_text() == "precious"
    with pytest.raises(UserError, match=r"^\S+mine.html is there and is no report of danp-cosim"):
        Run(folder).report(mine)
    with pytest.raises(ValueError, match="at least one run"):
        render([])


def test_help_loads_nothing_that_a_page_or_a_figure_is_made_of() -> None:
    heavy = ("jinja2", "matplotlib", "xarray", "plotly", "sim.report.page")
    commands = ("run", "report", "attribute", "characterize", "noise")
    asked = "; ".join(f"main([{command!r}, '--help'])" for command in commands)
    code = (
        f"import sys; from sim.cli import main; {asked}; print({{*{heavy!r}}} & {{*sys.modules}})"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0.0123, "0.0123"), (-52.5, "−52.5"), (-0.0, "0"), (999.6, "1,000"), (-1234, "−1,234")),
        *((1.23e-7, "1.23·10⁻⁷"), (-1e-12, "−1·10⁻¹²"), (1.234e6, "1.23·10⁶"), (math.nan, "–")),
    ],
)
def test_numbers_read_as_in_print(value: float, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize("low", [3e-9, 0.31, 0.9, 1, 9.7, 240])
@pytest.mark.parametrize("ratio", [1.0, 1.06, 1.9, 4.9, 5.1, 60, 900, 1e7])
def test_logarithmic_axes_have_ticks_to_read_by(low: float, ratio: float) -> None:
    high = low * max(ratio, 1.05)
    ticks = np.array(log_axis("", [low, low * ratio])["tickvals"])
    inside = np.count_nonzero((ticks >= low) & (ticks <= high))
    assert inside >= 2
    assert inside <= 9
    assert (np.diff(ticks) > 0).all()


def test_of_many_passes_whole_pairs_are_shown(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = deviations_of(Run(folders["teacher"]))
    monkeypatch.setattr(cloud, "_POINTS", found.passes * len(found.shown) // 3)
    shown = cloud.cloud_of(Run(folders["teacher"]), found)
    assert shown.step == 3
    assert shown.passes.tolist()[:4] == [1, 2, 7, 8]  # 1, 2 a pair
    assert len(shown.ngspice) == len(shown.passes) < found.passes


def test_skipped_updates_are_counted_for_each_network(copied: Make) -> None:
    folder = copied()
    path = folder / "summary.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(whole | {"skipped_updates": 12, "skipped_updates_ideal": 1}))
    assert "12 updates of the circuit in the loop, and 1 update of the twin" in page(folder).words


def test_a_cell_without_a_figure_sorts_last(copied: Make) -> None:
    """The page takes what is no number behind all others."""
    folder = copied()
    path = folder / "summary.json"
    whole = json.loads(path.read_text())

    def keyless() -> int:
        return [a.get("data-key") for _, a in page(folder).elements].count("nan")

    before = keyless()
    assert whole["noise"]["nodes"][0]["occupancy"] is not None
    whole["noise"]["nodes"][0]["occupancy"] = None
    path.write_text(json.dumps(whole))
    assert keyless() == before + 1


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", "Missing argument"),
        ("nowhere", "nowhere: no such folder"),
        ("RUN/config.toml", "is a file, wanted the folder that a run wrote; did you mean"),
        (".", "holds no config.toml"),
        ("RUN RUN", "is named twice; name every run once"),
        ("RUN --out .", "is a folder; name a file in it"),
        ("RUN --out no/such/page.html", "there is no folder no/such; make it first"),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13", "at most 12 runs in a page, got 13"),
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
    assert report(typed.replace("RUN", str(folders["ideal"])).split()) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint


def _without(*path: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / "summary.json"
        whole = json.loads(file.read_text())
        inner = whole
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        file.write_text(json.dumps(whole))

    return spoil


def _dataset(change: Callable[[xr.Dataset], xr.Dataset]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        changed = change(xr.load_dataset(folder / "results.nc", engine="scipy"))
        changed.to_netcdf(folder / "results.nc", engine="scipy")

    return spoil


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_write("summary.json", b"[]"), "summary.json: is damaged"),
        (_without("noise", "nodes"), "summary.json: noise.nodes: field required"),
        (_without("guards", "all"), "summary.json: holds no guards"),
        (_without("time"), "summary.json: time: field required"),
        (_write("results.nc", b"CDF"), "results.nc: is damaged"),
        (_dataset(lambda found: found.drop_vars("doubt")), "results.nc: holds no doubt(pass)"),
        (
            _dataset(lambda found: found.assign(ngspice=found["ngspice"] * np.nan)),
            "results.nc: holds no finite voltages in ngspice",
        ),
        (_write("weights.npz", b"PK"), "weights.npz"),
        (_write("waveforms.nc", b"CDF"), "waveforms.nc: is damaged"),
        (_write("config.toml", b"seed = [\n"), "config.toml: is not TOML"),
        (
            _write("config.toml", b"[task]\nlayers = '2,3,1'\n"),
            "weights.npz: is of another network than config.toml",
        ),
        (_write("report.html", b"mine"), "report.html is there and is no report of danp-cosim"),
    ],
)
def test_damaged_folder_is_one_line(
    copied: Make, spoil: Callable[[Path], None], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied()
    spoil(folder)
    assert report([str(folder)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert expected in complaint


def test_a_page_that_cannot_be_written_leaves_the_one_before(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_report([Run(folders["ideal"])], tmp_path / "page.html")
    before = place.read_bytes()

    def full(*_: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Exception, match="No space left on device; free some space"):
        write_report([Run(folders["ideal"])], place)
    assert place.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
