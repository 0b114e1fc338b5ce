"""What a run recorded, sample by sample and pass by pass, as one dataset with names and units."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from circuits import Network
from netlists.build import input_names, probe_names
from sim.compare import Comparison
from sim.engine import Readout
from sim.outcome import Outcome
from sim.passes import noise_names
from sim.preparation import Setup
from sim.title import run_title
from sim.training import Epoch

if TYPE_CHECKING:
    import xarray as xr

NAME = "results.nc"

Array = NDArray[np.float64]
Variables = dict[str, tuple[Any, ...]]


def record(outcome: Outcome) -> "xr.Dataset":
    """The dataset of a run.

    Returns:
        Over learners, epochs and training samples `loss`, `skipped`, `doubtful` and
        `training_deviation`; where a circuit was compared with the mathematics, over evaluation
        passes and nodes `mathematics` and `ngspice`, V, with `doubt`, `energy`, J, and what was
        presented: `input` and `noise`, V. Every variable carries `units` and `long_name`.
    """
    import xarray as xr  # noqa: PLC0415  # a second, at the end of a run

    setup, training = outcome.setup, outcome.training
    learners = list(training.learners)
    variables, coordinates = _history(training.epochs, learners, setup)
    if outcome.comparison:
        compared, places = _comparison(outcome.comparison, setup.network)
        variables |= compared
        coordinates |= places
    return xr.Dataset(
        variables,
        coordinates,
        {"title": run_title(setup.config), "twin": setup.twin, "Conventions": "CF-1.11"},
    )


def to_netcdf(dataset: "xr.Dataset") -> bytes:
    """The dataset as the bytes of a netCDF file, of the format that every reader knows (3).

    There the epochs, of which there may be none, are the records, and records come first.
    """
    recorded = dataset.transpose("epoch", ...)
    return bytes(recorded.to_netcdf(None, engine="scipy", unlimited_dims=["epoch"]))


def _history(
    epochs: Sequence[Epoch], learners: list[str], setup: Setup
) -> tuple[Variables, Variables]:
    def of_all(kind: str, dtype: type) -> NDArray[Any]:
        return np.array(
            [[getattr(epoch, kind)[name] for epoch in epochs] for name in learners], dtype
        )

    samples = len(setup.task.train_inputs)
    losses = of_all("losses", float).reshape(len(learners), len(epochs), samples)
    counted = ("learner", "epoch")
    variables: Variables = {
        "loss": (
            (*counted, "sample"),
            losses,
            _described(setup.loss.unit, f"{setup.task.loss_name} in pass 1, sample by sample"),
        ),
        "skipped": (
            counted,
            of_all("skipped", int),
            _described("1", "updates skipped, as both passes were the same"),
        ),
        "doubtful": (counted, of_all("doubtful", int), _described("1", "doubtful passes")),
        "training_deviation": (
            ("epoch",),
            np.array([epoch.deviation for epoch in epochs], float),
            _described("V", "ngspice - mathematics at the weights in the loop, rms over outputs"),
        ),
    }
    coordinates: Variables = {
        "learner": (("learner",), learners, {"long_name": "network that learns"}),
        "epoch": (("epoch",), np.arange(1, len(epochs) + 1), {"long_name": "epoch"}),
        "sample": (("sample",), np.arange(1, samples + 1), {"long_name": "training sample"}),
    }
    return variables, coordinates


def _comparison(compared: Comparison, network: Network) -> tuple[Variables, Variables]:
    nodes = probe_names(network)
    count = len(compared.passes)
    circuit, passes = compared.circuit, compared.passes
    over = ("pass", "node")
    variables: Variables = {
        "mathematics": (over, _by_node(compared.ideal), _described("V", f"by {compared.twin}")),
        "ngspice": (over, _by_node(circuit), _described("V", "by ngspice")),
        "doubt": (
            ("pass",),
            circuit.doubts,
            _described("1", "why a pass is doubtful: 1 moving, 2 at a rail, 4 convergence aids"),
        ),
        "energy": (("pass",), circuit.energy, _described("J", "drawn from all supplies")),
        "input": (("pass", "source"), passes.inputs, _described("V", "input voltage")),
        "noise": (
            ("pass", "neuron"),
            passes.noise,
            _described("V", "noise at the pre-activation, as it was drawn"),
        ),
    }
    coordinates: Variables = {
        "pass": (("pass",), np.arange(1, count + 1), {"long_name": "evaluation pass; 1, 2 a pair"}),
        "node": (("node",), list(nodes), {"long_name": "name in the deck"}),
        "layer": (("node",), [int(name[1:].split("_")[0]) for name in nodes], {}),
        "kind": (("node",), ["pre" if name[0] == "a" else "output" for name in nodes], {}),
        "source": (("source",), list(input_names(network))[: network.layers[0]], {}),
        "neuron": (("neuron",), list(noise_names(network.layers)), {}),
    }
    return variables, coordinates


def _by_node(readout: Readout) -> Array:
    """Voltages in the order of `probe_names`, V, shape (P, nodes)."""
    *hidden, last = zip(readout.pre, readout.outputs, strict=True)
    return np.concatenate([one for pair in hidden for one in pair] + [last[0]], axis=1)


def _described(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
