"""The tree is the data flow: circuits ← netlists ← sim, and learning stands alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "circuits": set[str](),
    "netlists": {"circuits"},
    "learning": set[str](),
    "sim": {"circuits", "netlists", "learning"},
}
# What runs passes knows of no learning; what names tasks and rules, or drives both, may.
ENGINE_LAYER = (
    "libngspice", "schedule", "passes", "engine", "engines/__init__", "engines/ideal",
    "engines/circuit", "engines/neospice", "neospice", "evidence", "bare",
    "conformance/cases", "conformance/cells", "conformance/decks", "conformance/networks",
    "engines/ngspice", "settling", "lumping", "errors", "presets", "waves/files",
    "waves/nodes", "waves/numbers", "waves/simulate", "waves/waves",
    "archive", "durable", "lock", "npz", "scoring", "interruption",
    "clock", "coupling", "state_file", "activation_curve", "curve_circuit", "rules",
    "sources/opening", "sources/source", "sources/string", "sources/voltage",
    "characterize/analysis", "characterize/bench", "characterize/loops", "characterize/sheet",
    "characterize/step", "characterize/summing", "engines/description",
    "workers/__init__", "workers/batch", "workers/content", "workers/engine", "workers/failed",
    "workers/pool", "workers/replay", "workers/supervisor", "workers/wire", "workers/worker",
)  # fmt: skip
PYSPICE = {"netlists/pyspice.py", "sim/libngspice.py"}
# The one module of a package that imports what stands above it: the doorway that `python -m
# learning.train` enters by. It holds no learning, and nothing of `learning` imports it.
DOORWAYS = {"learning/train.py": {"netlists", "sim"}}


def modules(package: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py"))


def imported(module: str) -> set[str]:
    """Top-level names of all absolute imports, those inside of functions too."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


ALL = [module for package in MAY_IMPORT for module in modules(package)]


@pytest.mark.parametrize("module", ALL)
def test_imports_point_one_way(module: str) -> None:
    own = Path(module).parts[0]
    allowed = MAY_IMPORT[own] | {own} | DOORWAYS.get(module, set())
    assert imported(module) & MAY_IMPORT.keys() <= allowed


def test_nothing_enters_by_a_doorway() -> None:
    doors = {door.removesuffix(".py").replace("/", ".") for door in DOORWAYS}
    for module in ALL:
        tree = ast.parse((ROOT / module).read_text(encoding="utf8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names = {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
                assert not names & doors, module
            elif isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & doors, module


@pytest.mark.parametrize("name", ENGINE_LAYER)
def test_the_engine_layer_knows_nothing_of_learning(name: str) -> None:
    assert "learning" not in imported(f"sim/{name}.py")


@pytest.mark.parametrize("module", ALL)
def test_the_export_and_the_binding_alone_touch_pyspice(module: str) -> None:
    assert ("PySpice" in imported(module)) == (module in PYSPICE)


def test_the_walk_finds_the_packages() -> None:
    assert {"circuits/smtj.py", "netlists/spice.py", "sim/loop.py", "learning/danp.py"} < set(ALL)
