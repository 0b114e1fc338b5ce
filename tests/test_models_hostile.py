"""No text of a configuration becomes a line of a deck or a command; no file is a pickle."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from circuits import Network
from circuits.errors import UserError
from netlists.build import build_deck
from netlists.models import with_models
from netlists.spice import format_deck
from netlists.stimulus import still
from sim.config import RunConfig
from sim.libngspice import get_library

ROOT = Path(__file__).parent.parent
NETWORK = Network((1, 1, 1))

MARK = "owned"
HOSTILE = (
    f"x\n.control\nshell {MARK}\n.endc",
    f"x\r\n*#shell {MARK}",
    f"*#shell {MARK}",
    f"x\u2028.include {MARK}",
    f"x\x0c.include {MARK}",
    f"x; shell {MARK}",
    f"x `{MARK}`",
    f"x $({MARK})",
    f'x" {MARK} "',
    f"x > {MARK}",
    f"x}} {MARK} {{",
    f"\x00{MARK}",
    f"x:{MARK}\n*#shell {MARK}",
    f"ｘ{MARK}µ",
)

SOUND_TEXT = ".subckt AMP 1 2 3 4 5\nE1 5 0 1 2 1e5\n.ends\n"
FILE_OPAMP = {"level": "file", "model": {"file": "amp.lib", "name": "AMP", "text": SOUND_TEXT}}
SOUND_DIODE = ".subckt D1 a k\nR1 a k 1\n.ends\n"
FILE_DIODE = {"name": "D1", "model": {"file": "d.lib", "name": "D1", "text": SOUND_DIODE}}


def models_in(annotation: Any) -> Iterator[Any]:
    """Records, and str where text is taken, inside of an annotation."""
    origin = get_origin(annotation)
    if origin is Mapping:
        yield from ((key, inner) for key, inner in zip("kv", get_args(annotation), strict=True))
    elif get_args(annotation) and origin is not None:
        for inner in get_args(annotation):
            yield from models_in(inner)
    elif annotation is str or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        yield annotation


def text_fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of every field that takes free text, keys of mappings included."""
    for name, field in model.model_fields.items():
        for found in models_in(field.annotation):
            if found is str:
                yield (*path, name)
            elif isinstance(found, tuple):
                yield (*path, name, "<key>")
            else:
                yield from text_fields(found, (*path, name))


FIELDS = sorted(set(text_fields(RunConfig)))


def changed(path: tuple[str, ...], text: str) -> dict[str, Any]:
    """A configuration with that text in one field, and models from files in the others."""
    tree: dict[str, Any] = {
        "circuit": {"opamp": FILE_OPAMP, "activation": {"diode": FILE_DIODE}},
    }
    place = tree
    for name in path[:-1]:
        place[name] = dict(place.get(name, {}))
        place = place[name]
    if path[-1] == "<key>":
        place[text] = {"v_offset": 1e-3}
    else:
        place[path[-1]] = text
    return tree


def deck_of(tree: dict[str, Any]) -> str:
    circuit = with_models(RunConfig.model_validate(tree).circuit)
    pairs = [circuit.synapse.program(np.zeros((1, 1)))] * 2
    stimulus = still(0.0, np.zeros(1), np.zeros(2))
    return format_deck(build_deck(NETWORK, circuit, pairs, [("p1", stimulus)]))


def test_the_walk_finds_the_fields_that_take_text() -> None:
    found = {".".join(path) for path in FIELDS}
    assert {
        "circuit.opamp.part", "circuit.opamp.pins", "circuit.opamp.model.file",
        "circuit.opamp.model.name", "circuit.opamp.model.text", "circuit.activation.diode.name",
        "circuit.activation.diode.model.text", "circuit.exceptions.<key>",
        "circuit.noise.measured.file", "simulation.activation_curve", "task.name",
    } <= found  # fmt: skip
    sound = deck_of({"circuit": {"opamp": FILE_OPAMP, "activation": {"diode": FILE_DIODE}}})
    assert ".subckt oa0_amp" in sound
    assert ".subckt di0_d1" in sound


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_hostile_text_is_refused_or_reaches_no_deck(path: tuple[str, ...]) -> None:
    for text in HOSTILE:
        try:
            deck = deck_of(changed(path, text))
        except (ValidationError, UserError):
            continue
        # What a command is must not be in the deck; a comment may hold what is left of a name.
        assert MARK not in deck.lower() or all(
            line.startswith("* ") and not set('\n\r`$;"{}\x0c\x00\u2028') & set(line)
            for line in deck.split("\n")
            if MARK in line.lower()
        ), (path, text)


@pytest.mark.parametrize(
    "command",
    ["op\nshell x", "alter v1 = 1; shell x", "echo `x`", "print $x", "print v(1) > x", "op\x00",
     'source "x"', "set a = 'µ'"],
)  # fmt: skip
def test_the_binding_takes_no_command_that_chains_others_or_writes(command: str) -> None:
    with pytest.raises(ValueError, match="has no place in one"):
        get_library().command(command)


PICKLING = frozenset(
    {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal",
     "multiprocessing", "jsonpickle"}
)  # fmt: skip
"""Modules that write or read pickles, or hand objects to other processes by them."""

EXEMPT = (
    "learning/datasets/pickled.py: pickle",  # of CIFAR, instruction by instruction
    "examples/paper_fig3.py: multiprocessing",  # hands its own settings to its own processes
    "examples/paper_fig3.py: ProcessPoolExecutor",
    "sim/sweep/running.py: multiprocessing",  # its tracker; on dask: cluster.md
    "benchmarks/sweep/ways.py: multiprocessing",  # as paper_fig3.py
    "benchmarks/sweep/ways.py: ProcessPoolExecutor",
)

PACKAGES = ("circuits", "netlists", "sim", "learning", "examples", "benchmarks", "scripts")


def pickles(tree: ast.AST) -> Iterator[str]:
    """What of a program reads or writes pickles."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (n.name for n in names if n.name.split(".")[0] in PICKLING)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in PICKLING:
                yield module
            case ast.Attribute(attr="read_pickle" | "to_pickle" | "ProcessPoolExecutor" as attr):
                yield attr
            case ast.Name(id="ProcessPoolExecutor" as name):
                yield name
            case ast.Call(ast.Attribute(ast.Name(owner), function), _, keywords):
                yield from _call(f"{owner}.{function}", keywords)


def _call(name: str, keywords: list[ast.keyword]) -> Iterator[str]:
    given = {k.arg: k.value.value for k in keywords if isinstance(k.value, ast.Constant)}
    if name in {"np.load", "numpy.load", "np.save", "np.savez", "np.savez_compressed"}:
        if given.get("allow_pickle", False) is not False:
            yield f"{name} with pickles"
        if name.endswith(".load") and "allow_pickle" not in given:
            yield f"{name} without allow_pickle=False"
    if name == "torch.load" and given.get("weights_only") is not True:
        yield "torch.load without weights_only=True"
    if name == "torch.save":
        yield name


def test_no_pickle_anywhere() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for folder in PACKAGES  # tests make pickles, to see them refused
        for path in sorted((ROOT / folder).rglob("*.py"))
        for what in pickles(ast.parse(path.read_text(encoding="utf8")))
    ]
    assert [one for one in found if one not in EXEMPT] == []
    assert set(EXEMPT) <= set(found)


@pytest.mark.parametrize(
    "program",
    ["import pickle", "from multiprocessing import Pool", "import joblib.externals",
     "np.load(path)", "np.load(path, allow_pickle=True)", "torch.load(path)", "pd.read_pickle(p)",
     "torch.save(model, path)", "np.savez(path, allow_pickle=True)",
     "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor()"],
)  # fmt: skip
def test_the_search_finds_pickles(program: str) -> None:
    assert list(pickles(ast.parse(program)))
