"""Passes of a finished run simulated again, and written as files."""

import math
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from netlists.commandline import complain
from sim.clock import Clock
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError, UserError
from sim.finished import read_run
from sim.record import RunFolder
from sim.waves.files import FORMATS, SUFFIXES
from sim.waves.numbers import consecutive, passes_asked
from sim.waves.replay import hold, measured, wave_clock, waves_of
from sim.waves.simulate import duration
from sim.waves.table import print_alone, print_held, print_waves
from sim.waves.waves import Waves

_MANY = 500  # weights; from here on a whole pass takes seconds
_SLOW = "many resistors: a whole pass takes seconds to a minute; --fidelity aperture takes far less"


@dataclass(frozen=True)
class Asked:
    """What was typed.

    Attributes:
        passes: numbers as of `--pass`.
        pairs: numbers as of `--pair`.
        nodes: names or patterns; those of `simulate_waves` where there is none.
        currents: whether the supplies' are wanted.
        weights: whose; None for those that the run measured.
        fidelity: full or aperture.
        start: of the window to keep, s.
        stop: its end, s.
        formats: suffixes, parted by commas.
        quiet: whether errors alone are printed.
    """

    passes: tuple[str, ...]
    pairs: tuple[str, ...]
    nodes: tuple[str, ...]
    currents: bool
    weights: str | None
    fidelity: str
    start: float | None
    stop: float | None
    formats: str
    quiet: bool

    @property
    def window(self) -> tuple[float, float] | None:
        """Beginning and end of what is kept, s; None for all."""
        if self.start is None and self.stop is None:
            return None
        stop = math.inf if self.stop is None else self.stop
        return (0.0 if self.start is None else self.start, stop)

    @property
    def window_in_words(self) -> str:
        """As it was typed."""
        given = (("--from", self.start), ("--to", self.stop))
        return " ".join(f"{option} {value:g}" for option, value in given if value is not None)


def simulate_again(path: Path, out: Path | None, asked: Asked) -> int:
    """Simulate passes of a finished run again, print what was found, and write it.

    Args:
        path: the run's folder.
        out: folder to write; `waves` in the run's by default.
        asked: passes, nodes and files.

    Returns:
        Exit code.

    Raises:
        UserError: a wrong input; nothing was simulated where that could be told before.
        WriteError: the folder takes no files.
    """
    suffixes = _suffixes(asked.formats)
    if asked.start is not None and asked.stop is not None and not asked.start < asked.stop:
        raise UserError(f"--from {asked.start:g}: wanted a time before --to {asked.stop:g}")
    run = read_run(path, asked.weights)
    clock = wave_clock(run, asked.fidelity)
    drawn = run.passes(clock)
    stretches = consecutive(passes_asked(asked.passes, asked.pairs, len(drawn)))
    _require_window(asked, clock, stretches)
    results = measured(run, len(drawn)) if run.trained else None
    place = out or path / "waves"
    _require_folder(place, [f"{name}.{s}" for name in map(_name, stretches) for s in suffixes])
    console = open_console()
    weights_held = sum(w.size for w in run.model.weights)
    if clock.fidelity == "full" and weights_held > _MANY and not asked.quiet:
        console.print(_SLOW, soft_wrap=True)
    for first, last in stretches:
        name = _name((first, last))
        began = time.perf_counter()
        try:
            with _status(console, name, quiet=asked.quiet):
                found = waves_of(
                    run, clock, drawn, first, last, nodes=asked.nodes, currents=asked.currents
                )
        except SimulationError as error:
            complain(str(error))
            return SIMULATION
        took = time.perf_counter() - began
        kept = _within(found, asked)
        written = _write(_folder(place), name, kept, suffixes)
        if asked.quiet:
            continue
        print_waves(console, kept, took)
        if results is None:
            print_alone(console, run)
        else:
            print_held(console, run, hold(results, found))
        console.print(f"files: {', '.join(map(str, written))}", soft_wrap=True)
    return 0


def _name(stretch: tuple[int, int]) -> str:
    first, last = stretch
    return f"pass-{first}" if first == last else f"pass-{first}-{last}"


def _suffixes(text: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for one in asked:
        if one not in SUFFIXES:
            raise UserError(
                f"--format {text}: wanted one or more of {', '.join(SUFFIXES)}, got {one or text!r}"
            )
    return asked


def _require_window(asked: Asked, clock: Clock, stretches: Sequence[tuple[int, int]]) -> None:
    """Refuse, before anything is simulated, a window beyond the time of any stretch of passes."""
    if asked.window is None:
        return
    start, stop = asked.window
    for first, last in stretches:
        length = duration(clock, last - first + 1)
        if not (start < length and stop > 0.0):
            passes = f"pass {first}" if first == last else f"passes {first} to {last}"
            raise UserError(
                f"{asked.window_in_words}: wanted a window within 0 and {length:g} s, the time of "
                f"{passes}"
            )


def _require_folder(place: Path, names: Sequence[str]) -> None:
    """Refuse, before anything is simulated, a place that takes no files of these names."""
    there = next(path for path in (place, *place.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"--out: {there} is a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"--out: cannot write in {there}; name another folder")
    for name in names:
        if (place / name).is_dir():
            raise UserError(f"--out: {place / name} is a folder, wanted a file; name another --out")


def _folder(place: Path) -> RunFolder:
    """The folder to write, made if need be; others' files may be in it."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: cannot write in {place}: {error.strerror}") from None
    return RunFolder(place)


def _within(waves: Waves, asked: Asked) -> Waves:
    if asked.window is None:
        return waves
    try:
        return waves.between(*asked.window)
    except ValueError as error:
        raise UserError(f"{asked.window_in_words}: {error}") from None


def _write(folder: RunFolder, name: str, waves: Waves, suffixes: Sequence[str]) -> list[Path]:
    for suffix in suffixes:
        target = f"{name}.{suffix}"
        if suffix in FORMATS:
            folder.write_bytes(target, FORMATS[suffix](waves))
        else:
            from sim.waves.figure import plot_waveforms  # noqa: PLC0415  # matplotlib, if asked

            title = f"{waves.title}\n{waves.passes_in_words}"
            folder.write_figure(
                target, lambda path, title=title: plot_waveforms(waves, title, path)
            )
    return [folder.path / f"{name}.{suffix}" for suffix in suffixes]


def _status(console: Console, name: str, *, quiet: bool) -> AbstractContextManager[object]:
    if quiet or not console.is_terminal:
        return nullcontext()
    return console.status(f"simulating {name}, every resistor in one deck")
