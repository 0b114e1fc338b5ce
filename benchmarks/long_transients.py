"""Long transients: junction states as piecewise linear sources against states from a file.

One neuron whose junction flips 100 to 30,000 times in a run is solved with either kind of source.
Its op-amps are ideal, so that time points are those of flips, some 18 each, and the cost of a
point is that of sources and solver alone. `python benchmarks/long_transients.py` prints the table
and draws `docs/images/long_transients.png`; half a minute on one core.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, Telegraph
from netlists.build import build_deck
from netlists.spice import format_for_library
from netlists.stimulus import Steps, Stimulus, state_table
from sim.figures import COLOURS, MARKERS
from sim.libngspice import get_library

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"
FLIPS = (100, 300, 1_000, 3_000, 10_000, 30_000)
LONGEST_WAVE = 10_000  # flips; three times these take ten times as long
REPEATS = 5  # of runs below a second; the fastest counts
NETWORK = Network((1, 1))
NODES = ("a1_1", "xlayer1.z1")
HOW = (
    "one neuron with ideal op-amps and one junction of 20 µs dwells, all flips in one transient; "
    "CPU seconds in ngspice's tran, loading apart, fastest of {repeats} where below one; ngspice "
    "{version}, one thread; difference: largest of pre-activation and divider voltage, at every "
    "time point at which the junction is in P or AP"
)


@dataclass(frozen=True)
class Run:
    """One transient.

    Attributes:
        seconds: of CPU in ngspice, which others on the machine hardly change.
        time: s, shape (T,).
        state: of the junction, shape (T,).
        voltages: of `NODES`, V, shape (2, T).
    """

    seconds: float
    time: Array
    state: Array
    voltages: Array


@dataclass(frozen=True)
class Row:
    """One length of run; piecewise linear sources left out (None) where they take too long.

    Attributes:
        flips: of the junction.
        points: time points that ngspice took with the file.
        pwl_seconds: s.
        file_seconds: s.
        pwl_us_per_point: µs.
        file_us_per_point: µs.
        difference: largest of node voltages, V.
    """

    flips: int
    points: int
    pwl_seconds: float | None
    file_seconds: float
    pwl_us_per_point: float | None
    file_us_per_point: float
    difference: float | None


def circuit() -> CircuitParameters:
    """Junctions of 20 µs dwells between parts without memory."""
    return CircuitParameters.model_validate(
        {
            "smtj": {"barrier_p": 0.256, "barrier_ap": 0.256},
            "opamp": {"level": "ideal"},
            "activation": {"diode": "ideal"},
        }
    )


def flipping(c: CircuitParameters, count: int) -> Stimulus:
    """A stretch that holds a number of flips, always the same ones."""
    dwell = c.smtj.dwell_times(c.temperature)
    path = Telegraph(dwell, np.random.default_rng(count))
    state, flips = path.window(0.0, 1.2 * count * sum(dwell) / 2 + 1e-3)
    flips = flips[:count]
    steps = Steps(flips, np.asarray((state + 1.0 + np.arange(count)) % 2, dtype=np.float64))
    return Stimulus(float(flips[-1]) + 1e-6, np.array([0.3]), np.array([float(state)]), (steps,))


def solve(c: CircuitParameters, stimulus: Stimulus, state_file: str | None) -> Run:
    """Run one deck's transient."""
    library = get_library()
    pairs = [c.synapse.program(np.array([[0.5]]))]
    deck = build_deck(
        NETWORK,
        c,
        pairs,
        [("p1", stimulus)],
        state_file=state_file,
        traces=("s1_1", NODES[1]),
    )
    library.load(format_for_library(deck))
    step = f"{stimulus.duration / 50:.9g}"
    started = time.process_time()
    library.command(f"tran {step} {stimulus.duration:.15g} 0 {step}")
    seconds = time.process_time() - started
    state, *voltages = (library.vector(name) for name in ("s1_1", *NODES))
    run = Run(seconds, library.vector("time"), state, np.array(voltages))
    library.command("destroy all")
    return run


def fastest(c: CircuitParameters, stimulus: Stimulus, state_file: str | None) -> Run:
    """The fastest of some runs, unless one takes long enough to be trusted."""
    runs = [solve(c, stimulus, state_file)]
    while len(runs) < REPEATS and runs[0].seconds < 1:
        runs.append(solve(c, stimulus, state_file))
    return min(runs, key=lambda run: run.seconds)


def largest_difference(plain: Run, from_file: Run) -> float:
    """Of node voltages, V, wherever the junction rests."""
    rests = np.minimum(plain.state, 1 - plain.state) < 1e-4
    found = [np.interp(plain.time, from_file.time, wave) for wave in from_file.voltages]
    return float(np.abs(np.array(found) - plain.voltages)[:, rests].max())


@contextmanager
def states_in_a_file() -> Iterator[Path]:
    """A file that ngspice finds by its bare name."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NGSPICE_INPUT_DIR"] = folder
        yield Path(folder) / "states.txt"
        del os.environ["NGSPICE_INPUT_DIR"]


def measure(count: int, longest_wave: int) -> Row:
    """Solve a run of so many flips both ways."""
    c = circuit()
    stimulus = flipping(c, count)
    with states_in_a_file() as file:
        file.write_text(state_table([stimulus]), encoding="ascii")
        from_file = fastest(c, stimulus, file.name)
    points = len(from_file.time)
    cost = 1e6 * from_file.seconds / points
    if count > longest_wave:
        return Row(count, points, None, from_file.seconds, None, cost, None)
    plain = fastest(c, stimulus, None)
    return Row(
        count,
        points,
        plain.seconds,
        from_file.seconds,
        1e6 * plain.seconds / len(plain.time),
        cost,
        largest_difference(plain, from_file),
    )


def format_row(row: Row) -> str:
    """One line of the table."""
    ratio = None if row.pwl_seconds is None else row.pwl_seconds / row.file_seconds
    microvolts = None if row.difference is None else 1e6 * row.difference
    cells = (
        f"{row.flips:,}",
        f"{row.points:,}",
        _digits(row.pwl_us_per_point, ".1f"),
        _digits(row.file_us_per_point, ".1f"),
        _digits(row.pwl_seconds, ".2f"),
        _digits(row.file_seconds, ".2f"),
        _digits(ratio, ".1f"),
        _digits(microvolts, ".1g"),
    )
    return f"| {' | '.join(cells)} |"


def _digits(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Cost of a time point and of the whole run over flips."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    for k, (name, label) in enumerate(
        (("pwl", "piecewise linear source"), ("file", "file: d_source, dac_bridge"))
    ):
        look = {"color": COLOURS[1 - k], "marker": MARKERS[k], "label": label}
        values = [asdict(row) for row in rows if asdict(row)[f"{name}_seconds"] is not None]
        flips = [row["flips"] for row in values]
        left.plot(flips, [row[f"{name}_us_per_point"] for row in values], **look)
        right.plot(flips, [row[f"{name}_seconds"] for row in values], **look)
    for axes, label in (
        (left, "CPU time in ngspice per time point (µs)"),
        (right, "whole run (CPU s)"),
    ):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("flips in one transient")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    left.set_ylim(bottom=1)
    left.legend(fontsize=9)
    figure.suptitle("One neuron in ngspice, its junction's states from two kinds of source")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        description="Time junction states from piecewise linear sources against a file."
    )
    parser.add_argument("--flips", type=int, nargs="+", default=FLIPS, help="lengths of runs")
    parser.add_argument(
        "--longest-wave",
        type=int,
        default=LONGEST_WAVE,
        help="flips up to which piecewise linear sources are run (default %(default)s)",
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--figure", type=Path, default=PICTURES / "long_transients.png", help="PNG to write"
    )
    options = parser.parse_args(arguments)
    how = HOW.format(repeats=REPEATS, version=get_library().version)
    print(how, end="\n\n")
    print(
        "| flips | time points | PWL, µs a point | file, µs a point | PWL, s | file, s "
        "| PWL / file | difference, µV |"
    )
    print("| --- " * 8 + "|")
    rows = []
    for count in options.flips:
        rows.append(measure(count, options.longest_wave))
        print(format_row(rows[-1]), flush=True)
    if options.out:
        record = {"how": how, "rows": [asdict(row) for row in rows]}
        text = json.dumps(record, indent=2, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf8")
    plot(rows, options.figure)
    return rows


if __name__ == "__main__":
    main()
