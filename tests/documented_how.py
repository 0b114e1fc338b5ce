"""How documented commands are executed: with which options that make them small, or by what else.

The lists are closed: a command that is on none of them fails the tests.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from documented import ROOT, Command

Smaller = Callable[[Command], list[str]]
HELD_OUT = ("iris", "digits", "mnist", "table")  # tasks that are scored on other samples
NARROWER = {  # wide networks; the electrical rules look at each of their resistors
    "digits": ("--layers", "64,4,10"),
    "mnist": ("--layers", "784,2,10", "--no-erc"),
}


def as_it_stands(_: Command) -> list[str]:
    return []


def smaller_run(command: Command) -> list[str]:
    if command.after("--resume"):  # takes nothing else
        return []
    task = command.after("--task")
    # What is recorded has to be long enough to be looked at.
    epochs = "6" if "--record-noise" in command.words else "1"
    sizes = ["--epochs", epochs, "--samples", "4" if task == "xor" else "10"]
    held_out = ["--test-samples", "10"] if task in HELD_OUT else []
    return [*sizes, *held_out, *NARROWER.get(task or "", ())]


def smaller_training(command: Command) -> list[str]:
    if command.after("--resume"):
        return []
    if command.after("--preset") == "fig5" or command.after("--data") == "teacher":
        return ["--epochs", "1"]
    sizes = ["--epochs", "1", "--train-samples", "20", "--test-samples", "10"]
    return [*sizes, *([] if command.after("--layers") else ["--hidden", "4"])]


def smaller_noise(command: Command) -> list[str]:
    return ["--samples", "100" if "--in-circuit" in command.words else "2000"]


def smaller_sheet(command: Command) -> list[str]:
    chosen = [] if command.after("--cell") else ["--cell", "summing-amp"]
    if "--typical" in command.words:
        return chosen
    return [*chosen, *(["--supply", "1"] if "--temperature" in command.words else ["--typical"])]


def smaller_attribution(_: Command) -> list[str]:
    return ["--passes", "4"]


def smaller_conformance(command: Command) -> list[str]:
    return [] if command.arguments else ["my.cir"]  # the suite takes five minutes


def smaller_sweep(command: Command) -> list[str]:
    file = any(word.endswith(".toml") for word in command.words)
    if not file and "=" not in command.line:
        return []  # a folder takes no options
    chips = ["--mc", "2"] if "--mc" in command.words else []
    seeds = ["--seeds", "1"] if "--seeds" in command.words else []
    engine = ["--set", "engine=ideal"] if file else []
    return ["--set", "epochs=1", "--set", "samples=4", *chips, *seeds, *engine]


def smaller_study(_: Command) -> list[str]:
    counts = ["--trials", "2", "--seeds", "1", "--held-out", "1", "--finalists", "1"]
    return [*counts, "--set", "task.epochs=1", "--set", "task.samples=4"]


# By the name that `danp-cosim` knows a command under.
SMALLER: dict[str, Smaller] = {
    "run": smaller_run,
    "train": smaller_training,
    "noise": smaller_noise,
    "characterize": smaller_sheet,
    "attribute": smaller_attribution,
    "conformance": smaller_conformance,
    "sweep": smaller_sweep,
    "explore": as_it_stands,
    "tune": smaller_study,
    "build": as_it_stands,
    "doctor": as_it_stands,
    "waves": as_it_stands,
    "report": as_it_stands,
    "schematic": as_it_stands,
}
MODULES = {
    "python -m netlists.build": "build",
    "python -m learning.train": "train",
    **{f"python -m sim.{name}": name for name in SMALLER if name not in ("build", "train")},
}


@dataclass(frozen=True)
class Elsewhere:
    """What is not executed here.

    Attributes:
        executed_by: what executes it, and why not this test.
        holds: whether that is so.
    """

    executed_by: str
    holds: Callable[[Command], bool]


# What the recipes of the targets that pages name hold.
RECIPES = {
    "benchmark": "-m benchmarks.cosim",
    "browser": "setup.sh browser",
    "check": ".ci/run",
    "docs": "mkdocs build --strict",
    "doctor": "-m sim.doctor",
    "format": "ruff format",
    "fuzz": "tests/test_fuzz.py",
    "golden": "tests/make_golden.py",
    "lint": "ruff check",
    "run": "-m sim.run",
    "test": "-m pytest",
    "types": "pyright",
}


def is_a_target(command: Command) -> bool:
    """What `make` would do is what the target is for."""
    call = ["make", "--dry-run", *command.words[1:]]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    targets = [word for word in command.words[1:] if "=" not in word]
    recipes = [RECIPES[target] for target in targets]
    return done.returncode == 0 and all(recipe in done.stdout for recipe in recipes)


def is_set_up(command: Command) -> bool:
    """The packages are those that scripts/setup.sh installs."""
    setup = (ROOT / "scripts" / "setup.sh").read_text()
    return command.words[1] == "install" and all(word in setup for word in command.words[2:])


def is_this_package(command: Command) -> bool:
    """The checkout, with one of its extras or without: no index has this package."""
    named = re.fullmatch(r"\.(?:\[([\w-]+)\])?", command.words[-1])
    project = (ROOT / "pyproject.toml").read_text()
    editable = command.words[1:-1] == ("install", "-e")
    return bool(
        editable
        and named
        and (named[1] is None or re.search(rf"^{named[1]} = \[", project, re.MULTILINE))
    )


def is_tested(command: Command) -> bool:
    """An example that another test calls."""
    name = Path(command.words[1]).stem
    files = ("test_examples.py", "test_sweep_examples.py")
    tests = "".join((ROOT / "tests" / file).read_text(encoding="utf8") for file in files)
    return (ROOT / command.words[1]).is_file() and f'"{name}"' in tests


def is_benchmarked(command: Command) -> bool:
    files = (ROOT / "tests").glob("test_benchmark*.py")
    tests = "".join(path.read_text(encoding="utf8") for path in files)
    return f"from {command.words[2]}.__main__ import main" in tests


ELSEWHERE: dict[str, Elsewhere] = {
    "make ": Elsewhere("CI, or what `make --dry-run` shows that the target calls", is_a_target),
    "apt ": Elsewhere("scripts/setup.sh, on the machines that CI runs on", is_set_up),
    "pip ": Elsewhere("scripts/setup.sh, into the environment of these tests", is_this_package),
    "python examples/": Elsewhere("tests/test_examples.py, with less effort", is_tested),
    "python -m benchmarks.": Elsewhere("tests/test_benchmark*.py, in small", is_benchmarked),
}


def name_of(command: Command) -> str | None:
    """The name of a command of this package, as `danp-cosim` knows it."""
    if command.words[0] == "danp-cosim":
        return command.words[1] if command.words[1:2] != ("--help",) else None
    return MODULES.get(command.program)


def small(command: Command) -> tuple[str, ...]:
    """A command with the options that make it small."""
    smaller = SMALLER.get(name_of(command) or "", as_it_stands)
    return (*command.words, *([] if "--help" in command.words else smaller(command)))


def elsewhere(command: Command) -> Elsewhere | None:
    found = (how for start, how in ELSEWHERE.items() if command.line.startswith(start))
    return next(found, None)


def is_known(command: Command) -> bool:
    """Whether it is said how this is executed."""
    return (
        elsewhere(command) is not None
        or name_of(command) in SMALLER
        or command.words[:2] == ("danp-cosim", "--help")
        or command.words[0] == "ngspice"
        or (command.words[0] == "python" and command.words[1].endswith(".py"))
    )


CALLED = {"make run": "python -m sim.run"}
"""What a target calls, where a page shows what that prints; `is_a_target` holds that it does."""

NOT_PRINTED_HERE = {
    # a machine whose shared library is missing
    "docs/quickstart.md": "WRONG mend unset NGSPICE_LIBRARY_PATH there file the system has skipped "
    "does not load",
    # doubtful passes: there are none among a few; time left: there is none in the last epoch
    "README.md": "still moving the sampling instant amplifier its rail without epochs left",
    "docs/first-ten-minutes.md": "without",
    # nor is the replay of a few held against the run's deviation
    "docs/attribution.md": "doubtful still moving the sampling instant amplifier its rail replay "
    "within",
    # more than one corner, more than one epoch
    "docs/characterize.md": "min max the models and resistors not depend temperature those diodes "
    "junctions dwell",
    "docs/howto/own-data.md": "epochs",
    # nor more than one seed
    "docs/sweep.md": "seeds",
    # nor more than one thread
    "docs/train.md": "epochs threads",
}
"""Words that pages show and commands do not print once they are made small."""
