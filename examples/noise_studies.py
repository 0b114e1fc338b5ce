"""What the noise does to learning: junctions in a string, pace, occupancy, a shared recording.

Four studies of the teacher 2-2-2-1 with its default η, in the ideal twin (eight seeds) and in the
circuit in the loop (ngspice, operating points, two of the seeds). All four take some ten minutes
on a core of their own (835 s were counted on a shared one); `--study pace` makes one of them,
`--spice 0` leaves ngspice out, `--fidelity aperture` looks at flips under way too.

What theory expects. Let ν be independent from node to node, with one law and a sign that is as
often plus as minus in the difference δν of two passes; let it be small, and the network one layer.
With u = N δL δν/‖δν‖², δL = g·δν, and k the share of pairs with δν = 0, which are skipped::

    E[u] = (1 − k) g        E‖u‖² = (1 − k) N ‖g‖²        ⟨δν²⟩ = 2σ²(1 − ρ)

Neither holds σ, the levels, the pace or the occupancy: the norm takes them away. They count
through k alone, so that E epochs with skipped pairs do what (1 − k)E do without. That is the line
"theory": the twin's loss after (1 − k)E epochs under Gaussian noise drawn afresh. With
ρ = exp(−t_pass(1/τ_P + 1/τ_AP)) the chance that a node of one junction stays the same is
p² + q² + 2pqρ, with n junctions and ρ = 0 it is Σ_j p_j² (at p = ½ C(2n, n)/4ⁿ), and k is this to
the N-th power. Theory leaves out that σ bends the loss, that later layers pass noise on, and that
pairs which follow closely start from the noise that the last one ended with.

What is held equal. Task, start, η, epochs, and the mean dwell (τ_P + τ_AP)/2 of 309 µs. σ is not:
it rises with n to 8.3 mV at 4 and falls past it, the string then at a third of R_s, and it
falls as occupancy leaves ½. It is the circuit's own, so the studies leave it
("as built"); a second run of the twin changes the injection resistor R_z until σ is that of one
junction at ½ ("equal σ"). In the study of sharing updates are the sum over a batch, so that an
epoch at one η is as long a way for a batch of 10 as for single samples.

Sharing compares strings, a hidden Markov chain a node, and one recording of such a chain that all
nodes read in the paper's order, the worst case for DANP. A recording makes nodes and passes depend
on one another: u then follows M g in place of g, with M = N⟨δν δνᵀ/‖δν‖²⟩, whose eigenvalues say
how much of each direction gets through. Independent noise has 1 − k in all of them.

What was found. ρ, ⟨δν²⟩ and k are as their closed forms say. Loss ratios follow theory within the
scatter of the seeds, which is wide (a factor of 1.5 in the mean of eight); with 32 seeds passes of
0.1 and 0.3 dwells end 1.6 to 2 times above it, not quite two standard errors. Losses themselves are
about half of theory's, whose one Gaussian run a seed all settings share. σ does not matter. A
recording does no harm at batch 1, though its passes are correlated by 0.7; at batch 10 they are
not, but neighbouring nodes and samples move together, and the loss ends four to five times higher.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import noise_study as one
import numpy as np
from noise_study import Effort, Setting, Study, geometric, quartiles
from noise_study_figures import ENGINES, plot
from scipy.optimize import brentq

from circuits import CircuitParameters, NoiseParameters
from circuits.sampled import HiddenMarkovChain, HmmParameters

PICTURES = Path(__file__).parents[1] / "docs" / "images"

AXES = {
    "levels": "junctions in every string",
    "pace": "length of a pass, in mean dwells of 309 µs",
    "occupancy": "occupancy of AP",
    "sharing": "source and samples an update",
}
_REFERENCES = {"levels": 0, "pace": 3, "occupancy": 0, "sharing": 0}
_RECORDED = 200_000  # samples


def levels() -> list[Setting]:
    """Strings of 1 to 8 junctions."""
    built = [Setting(n, f"n = {n}", {"circuit.noise.n_mtj": n}) for n in (1, 2, 4, 8)]
    return [*built, *(_equal_sigma(setting) for setting in built[1:])]


def pace() -> list[Setting]:
    """Passes from a tenth of a mean dwell to ten."""
    circuit = CircuitParameters()
    dwell = float(np.mean(circuit.smtj.dwell_times(circuit.temperature)))
    return [
        Setting(x, f"{x:g} τ", {"simulation.t_pass": x * dwell}) for x in (0.1, 0.3, 1.0, 3.0, 10.0)
    ]


def occupancy() -> list[Setting]:
    """Junctions that a field tilts, at the same mean dwell."""
    circuit = CircuitParameters()
    dwell = float(np.mean(circuit.smtj.dwell_times(circuit.temperature)))
    built = []
    for p in (0.5, 0.7, 0.8, 0.9, 0.95):
        tuned = circuit.smtj.tuned_by_field(dwell, p, circuit.temperature)
        names = ("barrier_p", "barrier_ap", "field")
        fields = {f"circuit.smtj.{name}": getattr(tuned, name) for name in names}
        built.append(Setting(p, f"{p:g}", fields))
    return [*built, *(_equal_sigma(setting) for setting in built[1:])]


def sharing(recording: Path) -> list[Setting]:
    """Strings, a chain a node, or one recording for all; single samples and batches of 10."""
    settings = []
    for batch in (1, 10):
        common = {"task.batch": batch, "learning.reduction": "sum"}
        for source, name in (("string", "string"), ("hmm", "HMM"), ("measured", "recording")):
            overrides = {**common, "circuit.noise.source": source}
            if source == "measured":
                overrides["circuit.noise.measured.file"] = str(recording)
                overrides["circuit.noise.measured.sample_time"] = HmmParameters().sample_time
            settings.append(Setting(len(settings), f"{name}\n{batch} a batch", overrides))
    return settings


def write_recording(path: Path) -> None:
    """A recording of the paper's hidden Markov chain, V, as `.npy`."""
    parameters = HmmParameters()
    chain = HiddenMarkovChain(parameters, np.random.default_rng(0))
    np.save(path, chain.values(0, _RECORDED) + parameters.mean_voltage)


def _equal_sigma(setting: Setting) -> Setting:
    """The same with R_z at which σ is that of one default junction."""
    base = CircuitParameters()
    n = setting.overrides.get("circuit.noise.n_mtj", 1)
    smtj = {
        key.removeprefix("circuit.smtj."): value
        for key, value in setting.overrides.items()
        if key.startswith("circuit.smtj.")
    }

    def excess(r_inject: float) -> float:
        noise = NoiseParameters(n_mtj=n, r_inject=r_inject)
        changes = {"noise": noise, "smtj": base.smtj.model_copy(update=smtj)}
        return base.model_copy(update=changes).noise_string().sigma - wanted

    wanted = base.noise_string().sigma
    overrides = {**setting.overrides, "circuit.noise.r_inject": brentq(excess, 1e5, 1e7)}
    return Setting(setting.x, setting.label, overrides, "equal σ")


def run(name: str, effort: Effort) -> Study:
    """Train all settings of a study."""
    with tempfile.TemporaryDirectory() as scratch:
        references: dict[int, dict[int, Any]] = {}
        results = []
        for setting in _settings(name, Path(scratch)):
            batch = setting.overrides.get("task.batch", 1)
            if batch not in references:
                kept = ("task.batch", "learning.reduction")
                common = {k: v for k, v in setting.overrides.items() if k in kept}
                references[batch] = {
                    seed: one.reference_curve(common, effort, seed) for seed in range(effort.seeds)
                }
            as_built = setting.series == "as built"
            sized = effort if as_built else replace(effort, spice_seeds=0)
            results.append(one.run_setting(setting, sized, references[batch]))
    return Study(name, AXES[name], effort, results, _REFERENCES[name])


def _settings(name: str, scratch: Path) -> list[Setting]:
    if name == "sharing":
        write_recording(scratch / "hmm.npy")
        return sharing(scratch / "hmm.npy")
    return {"levels": levels, "pace": pace, "occupancy": occupancy}[name]()


def format_table(study: Study) -> str:
    """One study as Markdown: noise, share skipped, angle and loss, a row an engine."""
    heads = (
        "setting",
        "engine",
        "σ (mV)",
        "rms δν (mV), closed form",
        "ρ, closed form",
        "skipped (%), closed form",
        "angle (°)",
        "loss (10⁻³ V²): median (middle half)",
        "ratio: geometric mean (± standard error), theory",
    )
    rows = [heads, ("---",) * len(heads)]
    for result in study.results:
        label = result.setting.label.replace("\n", ", ")
        if result.setting.series != "as built":
            label += f", {result.setting.series}"
        closed = np.mean([node.correlation for node in result.nodes])
        theory = f", {geometric(study.expected_ratio(result))[1]:.2f}"
        for engine, trained in result.trained.items():
            low, middle, high = quartiles(1e3 * trained.loss)
            below, ratio, above = geometric(study.ratio(result, engine))
            cells = (
                label,
                ENGINES[engine],
                f"{1e3 * np.mean([node.sigma for node in result.nodes]):.2f}",
                f"{1e3 * result.difference:.2f}, {1e3 * result.expected_difference:.2f}",
                f"{np.mean(result.correlation):.3f}, {closed:.3f}",
                f"{100 * np.mean(trained.skipped):.2f}, {100 * result.same:.2f}",
                f"{np.median(trained.angle):.0f}",
                f"{middle:.2f} ({low:.2f} to {high:.2f})",
                f"{ratio:.2f} ({below:.2f} to {above:.2f}){theory if engine == 'ideal' else ''}",
            )
            rows.append(cells)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{study.name}: {study.axis}; {study.describe()}\n\n{table}\n"


def main(
    out: Path = PICTURES,
    study: str | None = None,
    seeds: int = 8,
    epochs: int = 30,
    *,
    samples: int = 100,
    spice: int = 2,
    fidelity: str = "op",
) -> dict[str, Study]:
    """Run one study, or all, print a table each, and save `study_….png` in `out`.

    Args:
        out: folder of the pictures.
        study: all where left out.
        seeds: of the ideal twin.
        epochs: times through the samples.
        samples: in the task.
        spice: how many of the seeds train the circuit in ngspice too; 0 for none.
        fidelity: of the ngspice engine, `op` or `aperture`.
    """
    effort = Effort(seeds, spice, epochs, samples, fidelity)
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Study] = {}
    for name in AXES if study is None else [study]:
        found[name] = run(name, effort)
        print(format_table(found[name]), flush=True)
        plot(found[name], out / f"study_{name}.png")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the noise does to learning.")
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--study", choices=list(AXES))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--spice", type=int, default=2, help="seeds in ngspice; 0 for none")
    parser.add_argument("--fidelity", choices=("op", "aperture"), default="op")
    main(**vars(parser.parse_args()))
