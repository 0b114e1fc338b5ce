"""Schematics are read back from the picture and held against the text that ngspice reads."""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from circuits import CircuitParameters, Network
from circuits.errors import UserError
from circuits.quantities import parse_quantity
from netlists.deck import Deck
from netlists.elements import Capacitor
from netlists.export import main as build
from netlists.export import random_deck
from netlists.models import with_models
from netlists.schematic import paint
from netlists.schematic.cell import cells_of, draw_cell
from netlists.schematic.check import faults, read_back
from netlists.schematic.circuit import Circuit
from netlists.schematic.layer import draw_layer
from netlists.schematic.network import draw_network
from netlists.schematic.neuron import draw_neuron
from netlists.schematic.sheet import Drawing, Wire
from netlists.spice import format_deck
from sim.cli import main as danp
from sim.schematic.command import main as schematic

VENDOR = """* an op-amp and a diode
.subckt AMP inp inn vdd vss out
E1 out 0 inp inn 1e5
.ends
.subckt RECT a c
D1 a c DM
.model DM D(IS=1e-8)
.ends
"""
FILE = "FILE"  # stands for the path of that
CASES: Mapping[str, tuple[tuple[int, ...], bool, dict[str, Any], tuple[int, int]]] = {
    "hidden": ((2, 2, 2, 1), False, {}, (1, 2)),
    "deeper": ((2, 2, 2, 1), False, {}, (2, 1)),
    "output": ((2, 2, 2, 1), False, {}, (3, 1)),
    "one input": ((1, 1), False, {}, (1, 1)),
    "biases": ((2, 2, 1), True, {}, (1, 2)),
    "precision": ((2, 2, 1), False, {"activation": {"kind": "precision"}}, (1, 1)),
    "ideal diodes": ((2, 2, 1), False, {"activation": {"diode": "ideal"}}, (1, 1)),
    "two junctions": ((2, 2, 1), False, {"noise": {"n_mtj": 2}}, (1, 1)),
    "five junctions": ((2, 2, 1), False, {"noise": {"n_mtj": 5}}, (2, 1)),
    "parallel": ((2, 2, 1), False, {"noise": {"n_mtj": 3, "arrangement": "parallel"}}, (1, 1)),
    "unequal": (
        (2, 2, 1),
        False,
        {"noise": {"n_mtj": 2}, "smtj": {"spread_resistance": 0.1}},
        (1, 1),
    ),
    "64 junctions": ((2, 2, 1), False, {"noise": {"n_mtj": 64}}, (1, 1)),
    "many in parallel": (
        (2, 2, 1),
        False,
        {"noise": {"n_mtj": 16, "arrangement": "parallel"}},
        (1, 1),
    ),
    "gaussian": ((2, 2, 1), False, {"noise": {"source": "gaussian"}}, (1, 2)),
    "hmm, output": ((2, 2, 1), False, {"noise": {"source": "hmm"}}, (2, 1)),
    "ideal op-amps": ((2, 2, 1), False, {"opamp": {"level": "ideal"}}, (1, 1)),
    "single pole": ((2, 2, 1), False, {"opamp": {"level": "single-pole"}}, (1, 1)),
    "from a file": (
        (2, 2, 1),
        False,
        {"opamp": {"level": f"{FILE}:AMP", "pins": "inp inn vdd vss out"}},
        (1, 1),
    ),
    "exception": ((2, 2, 1), False, {"exceptions": {"n1_2_b": {"v_offset": 1e-3}}}, (1, 2)),
    "exception in the rectifier": (
        (2, 2, 1),
        False,
        {"exceptions": {"n1_2_buf": {"gbw": 1e6}}},
        (1, 2),
    ),
    "wide": ((20, 12, 1), True, {}, (1, 12)),
}


def deck_of(case: str, folder: Path) -> Deck:
    layers, biases, settings, _ = CASES[case]
    path = folder / "vendor.lib"
    path.write_text(VENDOR, encoding="ascii")
    opamp = settings.get("opamp", {})
    level = {k: v.replace(FILE, str(path)) for k, v in opamp.items()}
    circuit = CircuitParameters.model_validate({**settings, "opamp": level})
    return random_deck(Network(layers, biases), with_models(circuit), 10e-6, 0)


class Text:
    """A deck as ngspice reads it: its cells' lines, and what is where once it is put in place."""

    def __init__(self, deck: Deck) -> None:
        text = re.sub(r" ;.*", "", format_deck(deck)).replace("\n+", "")
        text, _, _ = text.partition("\n.control")
        self.cells: dict[str, tuple[list[str], list[list[str]]]] = {}
        self.top: list[list[str]] = []
        self.values: dict[str, str] = {}
        into = self.top
        for line in text.splitlines():
            words = line.split()
            if line.startswith(".param"):
                name, _, value = words[1].partition("=")
                self.values[name] = value
            elif line.startswith(".subckt"):
                ports = [word for word in words[2:] if "=" not in word]
                into = []
                self.cells[words[1]] = (ports, into)
            elif line.startswith(".ends"):
                into = self.top
            elif words and words[0][0] in "RCVIBDXEGA":
                into.append(words)

    def placed(
        self, lines: list[list[str]], path: str, ports: Mapping[str, str]
    ) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
        """Name, nets and words of each part, op-amps and junctions as they are."""

        def net(node: str) -> str:
            return "0" if node == "0" else ports.get(node, f"{path}.{node}" if path else node)

        for words in lines:
            name = words[0].lower()
            full = f"{path}.{name}" if path else name
            if name[0] != "x":
                ends = tuple(net(node) for node in words[1:3])
                yield (f"{name[0]}.{full}" if path else full), ends, words
                continue
            nodes = [word for word in words[1:] if "=" not in word]
            *inner, cell = nodes
            nets = tuple(net(node) for node in inner)
            if cell not in self.cells or cell.startswith(("opamp", "smtj")):
                yield full, nets, words
            else:
                own, body = self.cells[cell]
                yield from self.placed(body, full, dict(zip(own, nets, strict=True)))

    def neuron(self, layer: int, number: int) -> dict[str, tuple[str, ...]]:
        """Nets of all that belongs to a neuron, by ngspice's name."""
        here = f"xlayer{layer}"
        everything = list(self.placed(self.top, "", {}))
        inside = (f"{here}.xn{number}.", f"{here}.xz{number}.")
        found = {
            name: nets
            for name, nets, words in everything
            if name[name.find("x") :].startswith(inside)
            or re.fullmatch(rf"r\.{here}\.r[pn]{number}_(\d+|b)", name)
        }
        nets = {net for ends in found.values() for net in ends} - {"0"}
        return found | {
            name: ends for name, ends, _ in everything if "." not in name and set(ends) & nets
        }


@pytest.mark.parametrize("case", CASES)
def test_neuron_is_the_decks_both_ways(case: str, tmp_path: Path) -> None:
    deck = deck_of(case, tmp_path)
    layer, number = CASES[case][3]
    drawing = draw_neuron(Circuit(deck), layer, number)
    expected = Text(deck).neuron(layer, number)

    names = [symbol.item.name for symbol in drawing.symbols]
    assert len(names) == len(set(names))
    assert not set(names) & set(drawing.left_out)
    assert {*names, *drawing.left_out} == set(expected)
    assert bool(drawing.left_out) == (case in {"64 junctions", "many in parallel", "wide"})

    # Each group of terminals that the picture joins is one net of the text, and all of it.
    seen: dict[str, set[str]] = {}
    for group in read_back(drawing):
        nets = set()
        for name, pin, _ in group:
            symbol = next(s for s in drawing.symbols if s.item.name == name)
            place = [p for p, _ in symbol.item.pins].index(pin)
            nets.add(expected[name][place])
            seen.setdefault(name, set()).add(pin)
        assert len(nets) <= 1
    for symbol in drawing.symbols:
        assert seen[symbol.item.name] == {pin for pin, _ in symbol.terminals}
        assert symbol.item.nets == expected[symbol.item.name][: len(symbol.item.pins)]
    assert list(faults(drawing)) == []


@pytest.mark.parametrize("case", ["hidden", "precision", "unequal"])
def test_values_are_those_of_the_text(case: str, tmp_path: Path) -> None:
    deck = deck_of(case, tmp_path)
    layer, number = CASES[case][3]
    text = Text(deck)
    words = {name: words for name, _, words in text.placed(text.top, "", {})}
    checked = 0
    for symbol in draw_neuron(Circuit(deck), layer, number).symbols:
        if symbol.item.symbol != "resistor":
            continue
        value = words[symbol.item.name][3].strip("{}")
        for name, number_ in text.values.items():
            value = re.sub(rf"\b{name}\b", number_.strip("{}"), value)
        if value == "RO":
            given = next(w for w in text.cells[f"layer{layer}"][1] if w[0].lower() == f"xn{number}")
            value = given[-1].removeprefix("RO=")
        top, _, bottom = value.partition("/")
        drawn = re.search(r"[\d.]+ [kMG]?Ω$", symbol.item.value[-1])
        assert drawn
        wanted = float(top) / float(bottom or 1)
        assert parse_quantity(drawn[0], "Ω") == pytest.approx(wanted, rel=5e-4)  # four digits
        checked += 1
    assert checked >= 9


@pytest.mark.parametrize(
    "case", ["hidden", "biases", "gaussian", "five junctions", "wide", "one input"]
)
def test_layers_and_network_are_the_decks(case: str, tmp_path: Path) -> None:
    deck = deck_of(case, tmp_path)
    circuit, text = Circuit(deck), Text(deck)
    for layer in range(1, circuit.layers + 1):
        drawing = draw_layer(circuit, layer)
        names = [s.item.name for s in drawing.symbols] + list(drawing.left_out)
        lines = text.cells[f"layer{layer}"][1]
        prefix = f"xlayer{layer}"
        assert sorted(names) == sorted(
            f"{prefix}.{w[0].lower()}" if w[0][0] == "X" else f"r.{prefix}.{w[0].lower()}"
            for w in lines
        )
    drawing = draw_network(circuit)
    names = [s.item.name for s in drawing.symbols] + list(drawing.left_out)
    assert sorted(names) == sorted(w[0].lower() for w in text.top if w[0] != "Vstrobe")


@pytest.mark.parametrize(
    "case", ["hidden", "ideal op-amps", "single pole", "from a file", "exception", "unequal"]
)
def test_cells_are_the_decks(case: str, tmp_path: Path) -> None:
    deck = deck_of(case, tmp_path)
    text = Text(deck)
    for cell in cells_of(Circuit(deck)):
        drawing = draw_cell(deck, cell)
        lines = {words[0]: words for words in text.cells[cell.name][1]}
        assert sorted(s.item.label for s in drawing.symbols) == sorted(lines)
        for symbol in drawing.symbols:
            nets = symbol.item.nets
            assert nets == tuple(lines[symbol.item.label][1 : 1 + len(nets)])


def drawing_of(case: str, folder: Path) -> Drawing:
    return draw_neuron(Circuit(deck_of(case, folder)), *CASES[case][3])


def test_a_wire_less_or_more_is_noticed(tmp_path: Path) -> None:
    drawing = drawing_of("hidden", tmp_path)
    for k in range(len(drawing.wires)):
        fewer = drawing.wires[:k] + drawing.wires[k + 1 :]
        assert list(faults(replace(drawing, wires=fewer))), drawing.wires[k]
    points = {s.item.name: s.points for s in drawing.symbols}
    bridge = Wire((points["r.xlayer1.xn2.rf1"]["a"], points["r.xlayer1.xn2.rf1"]["b"]))
    wrong = list(faults(replace(drawing, wires=(*drawing.wires, bridge))))
    assert any(
        "xlayer1.sp2 and xlayer1.xn2.op are drawn as one" in fault for fault in wrong
    ) or any("xlayer1.sp2" in fault and "xlayer1.xn2.op" in fault for fault in wrong)


def test_wires_that_cross_are_not_connected(tmp_path: Path) -> None:
    layer = draw_layer(Circuit(deck_of("hidden", tmp_path)), 1)
    crossings = sum(
        1
        for one, two in combinations(layer.wires, 2)
        for (a, b) in one.segments
        for (c, d) in two.segments
        if a[1] == b[1]
        and c[0] == d[0]
        and a[0] < c[0] < b[0]
        and min(c[1], d[1]) < a[1] < max(c[1], d[1])
    )
    assert crossings > 0
    assert list(faults(layer)) == []


@pytest.mark.parametrize(
    ("where", "element"),
    [
        ("hidden_perceptron", Capacitor("x", "op", "0", 1e-12)),
        ("layer1", Capacitor("x", "sp2", "0", 1e-12)),
        ("activation", Capacitor("x", "y", "0", 1e-12)),
        ("", Capacitor("x", "a1_2", "0", 1e-12)),
    ],
)
def test_a_part_without_a_place_is_an_error(where: str, element: Capacitor, tmp_path: Path) -> None:
    deck = deck_of("hidden", tmp_path)
    cells = tuple(
        replace(cell, elements=(*cell.elements, element)) if cell.name == where else cell
        for cell in deck.subcircuits
    )
    more = deck.elements if where else (*deck.elements, element)
    with pytest.raises(UserError, match=r"cx: the neuron 2 of layer 1.* has no place for it"):
        draw_neuron(Circuit(replace(deck, subcircuits=cells, elements=more)), 1, 2)


def test_parts_between_other_nets_are_an_error(tmp_path: Path) -> None:
    deck = deck_of("hidden", tmp_path)
    cells = tuple(
        replace(
            cell,
            elements=tuple(
                replace(e, b="op") if getattr(e, "name", "") == "f3" else e for e in cell.elements
            ),
        )
        for cell in deck.subcircuits
    )
    with pytest.raises(UserError, match="not drawn rather than drawn wrongly"):
        draw_neuron(Circuit(replace(deck, subcircuits=cells)), 1, 2)


@pytest.fixture(scope="module")
def sound() -> list[Drawing]:
    """Drawings in which nothing was found before; circuits share layers and cells."""
    return []


def unseen(drawings: list[Drawing], sound: list[Drawing]) -> Iterator[Drawing]:
    for drawing in drawings:
        if drawing not in sound:
            yield drawing
            sound.append(drawing)  # reached where the test goes on to the next


def pictures(case: str, folder: Path) -> list[Drawing]:
    deck = deck_of(case, folder)
    circuit = Circuit(deck)
    return [
        draw_neuron(circuit, *CASES[case][3]),
        draw_layer(circuit, 1),
        draw_network(circuit),
        *(draw_cell(deck, cell) for cell in cells_of(circuit)),
    ]


@pytest.mark.parametrize(
    "case",
    [
        "hidden",
        "output",
        "precision",
        "five junctions",
        "64 junctions",
        "many in parallel",
        "gaussian",
        "wide",
        "from a file",
        "exception",
        "exception in the rectifier",
    ],
)
def test_no_text_is_on_another_or_on_a_wire(
    case: str, tmp_path: Path, sound: list[Drawing]
) -> None:
    for drawing in unseen(pictures(case, tmp_path), sound):
        figure = paint.paint(drawing)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        axes = figure.axes[0]
        page = figure.bbox
        boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in axes.texts]
        for words, box in boxes:
            assert page.x0 <= min(box.x0, page.x1 - box.x1), (drawing.name, words)
            assert page.y0 <= min(box.y0, page.y1 - box.y1), (drawing.name, words)
        for (one, a), (two, b) in combinations(boxes, 2):
            assert not a.padded(-1).overlaps(b.padded(-1)), (drawing.name, one, two)
        for wire in drawing.wires:
            for start, end in wire.segments:
                (x0, y0), (x1, y1) = axes.transData.transform([start, end])
                for words, box in boxes:
                    inner = box.padded(-1)
                    apart = (
                        max(x0, x1) < inner.x0
                        or min(x0, x1) > inner.x1
                        or max(y0, y1) < inner.y0
                        or min(y0, y1) > inner.y1
                    )
                    assert apart, (drawing.name, words, start, end)
        for symbol in drawing.symbols:
            if symbol.item.symbol in {"opamp", "block", "box"}:
                continue
            left, low, right, high = symbol.body
            (x0, y0), (x1, y1) = axes.transData.transform([(left, low), (right, high)])
            for words, box in boxes:
                apart = box.x1 <= x0 or box.x0 >= x1 or box.y1 <= y0 or box.y0 >= y1
                assert apart, (drawing.name, words, symbol.item.name)


def test_opamps_pins_are_where_schemdraw_draws_them(tmp_path: Path) -> None:
    import schemdraw.elements as elm  # noqa: PLC0415  # slow to import

    symbol = next(s for s in drawing_of("hidden", tmp_path).symbols if s.item.symbol == "opamp")
    x, y = symbol.points["inn"]
    anchors = elm.Opamp().anchors
    names = {"inp": "in2", "inn": "in1", "out": "out", "vdd": "vd", "vss": "vs"}
    dx, dy = x - anchors["in1"][0], y - anchors["in1"][1]
    for pin, anchor in names.items():
        wanted = (anchors[anchor][0] + dx, anchors[anchor][1] + dy)
        assert symbol.points[pin] == pytest.approx(wanted, abs=0.01)  # units; a wire is 0.03 wide


def test_svg_is_searchable_and_the_same_again(tmp_path: Path) -> None:
    drawing = drawing_of("hidden", tmp_path)
    svg = paint.to_svg(drawing).decode()
    for words in ("Rp2_1", "216.1 kΩ", "sp2", "z2", "a1_2", "xlayer1.xn2.op", "R_F 100 kΩ"):
        assert f">{words}</text>" in svg
    assert paint.to_svg(drawing).decode() == svg


def test_command_draws_what_build_writes(tmp_path: Path) -> None:
    deck, out = tmp_path / "net.cir", tmp_path / "out"
    assert build(["--layers", "2,3,1", "--seed", "5", "-o", str(deck)]) == 0
    arguments = ["--layers", "2,3,1", "--seed", "5", "--neuron", "1_3", "--format", "svg"]
    assert schematic([*arguments, "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["neuron_1_3.svg"]
    svg = (out / "neuron_1_3.svg").read_text(encoding="utf8")
    found = re.findall(r"^R[pn]3_\d \S+ \S+ (\S+)", deck.read_text(encoding="ascii"), re.MULTILINE)
    assert len(found) == 4
    drawn = [parse_quantity(v, "Ω") for v in re.findall(r">([\d.]+ [kM]Ω)</text>", svg)]
    for ohms in map(float, found):
        assert any(value == pytest.approx(ohms, rel=5e-4) for value in drawn)


def test_command_draws_all_by_default(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert danp(["schematic", "--layers", "1,1", "--out", str(out), "--quiet"]) == 0
    stems = ("cell_opamp", "cell_smtj", "layer1", "network", "neuron_1_1")
    assert sorted(p.name for p in out.iterdir()) == sorted(
        f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--neuron", "9_1"], "--neuron: no layer 9 in 9_1; there are 1 to 3"),
        (["--neuron", "1_9"], "--neuron: no neuron 9 in layer 1; there are 1_1 to 1_2"),
        (["--neuron", "sp2"], "--neuron: wanted LAYER_NEURON, both from 1, as in 1_2, got 'sp2'"),
        (["--layer", "4"], "--layer: no layer 4; there are 1 to 3"),
        (["--layer", "٣"], "--layer: wanted a layer's number from 1, as in 2, got '٣'"),
        (["--neuron", "1_1٣"], "--neuron: wanted LAYER_NEURON, both from 1, as in 1_2, got '1_1٣'"),
        (["--layer", "0"], "--layer: wanted a layer's number from 1, as in 2, got '0'"),
        (["--what", "net"], "wanted some of network, layer, neuron, cell, got 'net'"),
        (["--format", "pdf"], "wanted some of svg, png, got 'pdf'"),
        (["--layers", "2"], "--layers: wanted inputs and at least one layer"),
        (["--run", "gone"], "gone: no such folder"),
        (["--run", "x", "--seed", "1"], "--run: its own settings are drawn; leave out --seed"),
        (["--set", "circuit.exceptions.n9_1_a.v_offset=1m"], "no part n9_1_a in 2,2,2,1"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert schematic(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").touch()
    assert schematic(["--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_run_is_drawn_as_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "run", tmp_path / "out"
    small = ["--layers", "2,1", "--epochs", "1", "--set", "task.samples=2", "--fidelity", "op"]
    small += ["--out", str(folder), "--quiet"]
    assert danp(["run", *small]) == 0
    assert schematic(["--run", str(folder), "--neuron", "1_1", "--out", str(out)]) == 0
    assert "trained in the loop" in capsys.readouterr().out
    text = (folder / "network.cir").read_text(encoding="ascii")
    found = re.findall(r"^R[pn]1_\d \S+ \S+ (\S+)", text, re.MULTILINE)
    svg = (out / "neuron_1_1.svg").read_text(encoding="utf8")
    drawn = [parse_quantity(v, "Ω") for v in re.findall(r">([\d.]+ [kM]Ω)</text>", svg)]
    assert len(found) == 4
    for ohms in map(float, found):
        assert any(value == pytest.approx(ohms, rel=5e-4) for value in drawn)


def test_example_makes_the_pictures_of_the_documentation(tmp_path: Path) -> None:
    path = Path(__file__).parents[1] / "examples" / "schematics.py"
    spec = importlib.util.spec_from_file_location("example_schematics", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawings = module.main(tmp_path)
    assert len(drawings["schematic_neuron"].symbols) == 26
    for name in drawings:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (tmp_path / f"{name}.svg").read_bytes()
