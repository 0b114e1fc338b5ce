"""The paper's Fig. 5: a box plot of the loss of 2-2-2-1, 100 epochs of 100 samples.

In the paper the network is computed in Python and one junction gives the noise of all nodes,
through a sampler that keeps the latest 200 readings, waits 1 ms when it is called, in which at
least one new reading comes, and returns the 200 shuffled. Here the network is computed twice on
the same noise, by mathematics and by ngspice as a circuit, under two conditions: a junction at
every node, as the paper's circuit has it, and one junction behind that sampler. The sampler is
played as a recording: one call a pass, one new reading a call, and of the shuffled 200 the first
five go to the five nodes. Which of them the paper takes it does not say.

Rates are those of Appendix B (`--preset paper-fig5`); the teacher, the start and the order of the
samples are drawn from the seed.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from paper_rows import Row, markdown, read_rows, write_rows

from circuits import CircuitParameters
from netlists.commandline import execute
from sim import cosim
from sim.errors import UserError
from sim.figures import COLOURS, RC
from sim.noise.specimen import drawn
from sim.settings import load_config

Array = NDArray[np.float64]

NAME = "paper_fig5"
OUT = Path("runs/paper-fig5")
CONDITIONS = {
    "junctions": "a junction at every node",
    "sampler": "one junction, through the sampler of 200 readings",
}
ENGINES = {"ideal": "mathematics", "in_loop": "ngspice"}
PRESET = "paper-fig5"
READINGS, READ_EVERY = 200, 1e-3  # kept by the sampler; s
_READ_STEP = "circuit.noise.measured.sample_time"
COLUMNS = (
    "condition", "engine", "seed", "epoch", "samples", "low_whisker", "lower_quartile", "median",
    "upper_quartile", "high_whisker", "mean", "outliers", "score_before", "score_after",
    "version",
)  # fmt: skip
_STATS = dict(zip(("whislo", "q1", "med", "q3", "whishi", "mean"), COLUMNS[5:11], strict=True))
_BOXES = 20  # epochs shown, beside the first


def sampler(readings: Array, calls: int, taken: int, rng: np.random.Generator) -> Array:
    """What the sampler hands out: the first of its latest 200 readings, shuffled anew each call.

    Args:
        readings: of the junction, one a call after the 200 that fill it, V, shape (200 + calls,).
        calls: how many.
        taken: by each call.
        rng: shuffles.

    Returns:
        V, shape (calls, taken).
    """
    picked = np.argsort(rng.random((calls, READINGS)), axis=1)[:, :taken]
    return readings[1 + np.arange(calls)[:, np.newaxis] + picked]


def in_reading_order(passes: Array, neurons: Sequence[int]) -> Array:
    """Noise of pairs of passes, sample by sample, in the order in which a recording is read.

    Args:
        passes: V, shape (pairs, 2, N).
        neurons: in each layer; N together.

    Returns:
        V, shape (pairs · 2 · N,): layer by layer pass 1, then pass 2.
    """
    layers = np.split(passes, np.cumsum(neurons)[:-1], axis=2)
    return np.concatenate([layer.reshape(len(passes), -1) for layer in layers], axis=1).ravel()


def record_sampler(path: Path, neurons: Sequence[int], pairs: int, seed: int) -> None:
    """Write the sampler's noise at the nodes of a network as a recording, in V at the node."""
    paths, shuffles = np.random.default_rng(seed).spawn(2)
    circuit = CircuitParameters()
    junction = drawn(
        circuit,
        circuit.noise_string(),
        paths,
        label="junction",
        sample_time=READ_EVERY,
        count=READINGS + 2 * pairs,
    )
    noise = sampler(junction.samples, 2 * pairs, sum(neurons), shuffles)
    np.save(path, in_reading_order(noise.reshape(pairs, 2, -1), neurons))


def train(condition: str, folder: Path, settings: Mapping[str, Any]) -> cosim.Run:
    """Train the twin and the circuit side by side, or read back what did.

    Args:
        condition: a key of `CONDITIONS`.
        folder: of the run.
        settings: of the configuration, by dotted path, over the preset's.

    Raises:
        UserError: the folder holds another run, or one that was stopped.
    """
    config = load_config(None, PRESET, settings)
    if condition == "sampler":
        recording = folder.with_suffix(".npy")
        pairs = (config.task.samples or 0) * (config.task.epochs or 0)
        folder.parent.mkdir(parents=True, exist_ok=True)
        record_sampler(recording, config.network.layers[1:], pairs, config.seed)
        source = {"source": "measured", "measured.file": str(recording)}
        noise = {f"circuit.noise.{name}": value for name, value in source.items()}
        config = load_config(None, PRESET, {**settings, **noise, _READ_STEP: READ_EVERY})
    if not folder.exists():
        return cosim.run(config, out=folder)
    run = cosim.load(folder)
    if not run.finished or run.config.to_toml() != config.complete().to_toml():
        raise UserError(f"{folder}: holds another run, or one that was stopped; name another --out")
    return run


def summarise(condition: str, run: cosim.Run) -> list[dict[str, Any]]:
    """A row an engine and epoch: quartiles, whiskers and outliers as box plots have them."""
    rows: list[dict[str, Any]] = []
    losses, scores = run.history["loss"], run.scores["loss"]
    made = run.summary["versions"]
    versions = {"mathematics": f"numpy {made['numpy']}", "ngspice": f"ngspice {made['ngspice']}"}
    for learner, engine in ENGINES.items():
        before, after = (f"{float(scores.sel(score=s)):.6g}" for s in (f"start_{learner}", learner))
        for epoch, values in enumerate(losses.sel(learner=learner).values, 1):
            (found,) = boxplot_stats(values)
            stats = {name: f"{found[key]:.6g}" for key, name in _STATS.items()}
            rows.append(
                {
                    "condition": condition,
                    "engine": engine,
                    "seed": run.config.seed,
                    "epoch": epoch,
                    "samples": len(values),
                    **stats,
                    "outliers": len(found["fliers"]),
                    "score_before": before,
                    "score_after": after,
                    "version": versions[engine],
                }
            )
    return rows


def format_table(rows: Sequence[Row]) -> str:
    """Losses over the training as Markdown."""
    cells = []
    last = max(int(row["epoch"]) for row in rows)
    shown = sorted({1, (last + 1) // 2, last})
    for condition, label in CONDITIONS.items():
        for engine in ENGINES.values():
            mine = {int(r["epoch"]): r for r in rows if _of(r, condition, engine)}
            cells.append(
                (
                    label,
                    engine,
                    *(_quartiles(mine[epoch]) for epoch in shown),
                    *(f"{float(mine[last][name]):.4f}" for name in ("score_before", "score_after")),
                )
            )
    heads = (f"epoch {epoch}: median (quartiles), V²" for epoch in shown)
    scores = ("mean with the noise held off, before, V²", "after, V²")
    return markdown(("noise", "engine", *heads, *scores), cells)


def _quartiles(row: Row) -> str:
    middle, low, high = (
        float(row[f"{name}"]) for name in ("median", "lower_quartile", "upper_quartile")
    )
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


def _of(row: Row, condition: str, engine: str) -> bool:
    return row["condition"] == condition and row["engine"] == engine


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw the boxes, a panel a condition."""
    first = rows[0]
    epochs = max(int(row["epoch"]) for row in rows)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9, 7.4))
        panels: Any = figure.subplots(len(CONDITIONS), 1, sharex=True, sharey=True)
        for axes, (condition, label) in zip(panels, CONDITIONS.items(), strict=True):
            for k, engine in enumerate(ENGINES.values()):
                _boxes(axes, [r for r in rows if _of(r, condition, engine)], k)
            axes.set_ylim(0, 1.05 * max(float(row["high_whisker"]) for row in rows))
            axes.set_ylabel("squared error per sample (V²)")
            axes.set_title(label, fontsize=10, loc="left")
        panels[-1].set_xlabel("epoch")
        handles = [Patch(**_look(k), label=label) for k, label in enumerate(_labels(rows).values())]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(
            f"2-2-2-1, DANP, η = 10⁻³, ε = 10⁻⁴, {epochs} epochs of {first['samples']} samples, "
            f"seed {first['seed']}\n"
            f"both engines on the same noise: {' and '.join(_labels(rows).values())}\n"
            "box: quartiles, whiskers: extremes within 1.5 times the box, outliers left out",
            fontsize=10,
        )
        figure.savefig(path, dpi=130)


def _labels(rows: Sequence[Row]) -> dict[str, str]:
    """Engines as they are shown, with what computed them."""
    version = {row["engine"]: row["version"] for row in rows}
    return {
        engine: version[engine]
        if version[engine].startswith(engine)
        else f"{engine} ({version[engine]})"
        for engine in ENGINES.values()
    }


def _look(k: int) -> dict[str, Any]:
    return {"facecolor": COLOURS[k], "alpha": 0.5 if k else 0.8, "hatch": "///" * k}


def _boxes(axes: Axes, rows: Sequence[Row], k: int) -> None:
    step = -(-len(rows) // _BOXES)
    shown = [row for row in rows if int(row["epoch"]) == 1 or int(row["epoch"]) % step == 0]
    stats = [
        {key: float(row[name]) for key, name in _STATS.items()} | {"fliers": []} for row in shown
    ]
    axes.bxp(
        stats,
        positions=[i + (k - 0.5) * 0.42 for i in range(len(shown))],
        widths=0.36,
        showfliers=False,
        patch_artist=True,
        boxprops=_look(k),
        medianprops={"color": "black", "linewidth": 1.5},
        manage_ticks=False,
    )
    axes.set_xticks(range(len(shown)), [row["epoch"] for row in shown])


def main(out: Path = OUT, settings: Mapping[str, Any] = MappingProxyType({})) -> list[Row]:
    """Train under both conditions, print a table, write `paper_fig5.csv` and `paper_fig5.png`.

    Args:
        out: folder for these and the runs; finished runs in it are read back.
        settings: of the configuration, by dotted path, over the preset's.
    """
    found = []
    for name, label in CONDITIONS.items():
        print(f"{label}: mathematics and ngspice …", flush=True)
        found += summarise(name, train(name, out / name, settings))
    write_rows(out / f"{NAME}.csv", COLUMNS, found)
    rows = read_rows(out / f"{NAME}.csv", COLUMNS)
    print(f"\n{format_table(rows)}\n\n{out / NAME}.csv and .png")
    plot(rows, out / f"{NAME}.png")
    return rows


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=100, show_default=True)
def command(out: Path, seed: int, epochs: int) -> None:
    """The paper's Fig. 5: the loss of 2-2-2-1, by mathematics and in ngspice, two minutes."""
    main(out, {"seed": seed, "task.epochs": epochs})


if __name__ == "__main__":
    sys.exit(execute(command, None, "paper_fig5.py"))
