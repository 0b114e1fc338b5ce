"""A run's folder, read back: what it found, as arrays with names and units."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learning import LOSSES
from netlists.build import input_names
from sim import recorded
from sim.config import RunConfig
from sim.errors import UserError
from sim.npz import read_npz
from sim.record import CONFIG, REPORT, require_run
from sim.settings import load_config
from sim.title import run_title

if TYPE_CHECKING:
    import xarray as xr

SCORES = ("start_ideal", "start_in_loop", "ideal", "transfer", "in_loop")
"""Scored before training by mathematics and in ngspice; then the twin trained, its weights in the
circuit, and the circuit trained in the loop."""

WAVEFORMS, ATTRIBUTION = "waveforms.nc", "attribution/attribution.json"

_AGAIN = "is damaged, wanted what a run wrote; run it again"


class Run:
    """What a run left in its folder. Files are read when they are asked for.

    Args:
        path: the folder, of a run that came to its end or was stopped.

    Raises:
        UserError: it is no run's folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        ended = "came to its end or was stopped by a signal"
        require_run(self.path, (CONFIG, "summary.json"), ended)

    def __repr__(self) -> str:
        state = "" if self.finished else ", stopped before its end"
        return f"<Run {self.path}: {self.title}{state}>"

    @cached_property
    def config(self) -> RunConfig:
        """Every parameter."""
        return load_config(self.path / CONFIG, None, {})

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The contents of `summary.json`; volts, joules and seconds."""
        path = self.path / "summary.json"
        summary = _read_json(path)
        sound = isinstance(summary.get("finished"), bool) and summary.get("loss_name") in [*LOSSES]
        if not sound or not isinstance(summary.get("loss"), dict):
            raise UserError(f"{path}: {_AGAIN}")
        return summary

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.summary["finished"]

    @property
    def title(self) -> str:
        """Task, network, rule, seed and engine."""
        return run_title(self.config)

    @property
    def has_circuit(self) -> bool:
        """Whether a circuit was simulated beside the mathematics."""
        return self.config.simulation.engine == "ngspice"

    @cached_property
    def results(self) -> "xr.Dataset":
        """All of `results.nc`, in V, J and units of the loss.

        Its variables are listed under "results.nc" in the reference of commands and configuration.

        Raises:
            UserError: the folder holds none, or a damaged one.
        """
        found = self._dataset(recorded.NAME)
        if found is None:
            raise UserError(f"{self.path}: holds no {recorded.NAME}; run it again")
        return found.transpose("learner", ...)

    @cached_property
    def scores(self) -> "xr.Dataset":
        """Scores on the test samples; NaN where a network was not scored.

        `loss` (V² or nat), `accuracy` (0 to 1), `passes` and how many of them were `doubtful`, by
        `score`: `start_ideal` and `start_in_loop` before training, `ideal`, the twin trained,
        `transfer`, its weights in the circuit, and `in_loop`, the circuit trained. The coordinate
        `engine` says who computed each, mathematics or ngspice.
        """
        import xarray as xr  # noqa: PLC0415  # takes a second to import

        summary = self.summary
        guards = summary.get("guards") or {}
        names = {"start_ideal": "initial", "start_in_loop": "initial_circuit"}
        judged = {"start_in_loop": "initial", "transfer": "transfer", "in_loop": "in_loop"}

        def of(kind: str) -> list[float]:
            return [_number(summary[kind].get(names.get(one, one))) for one in SCORES]

        def count(kind: str) -> list[float]:
            return [_number(guards.get(judged.get(one, ""), {}).get(kind)) for one in SCORES]

        engines = ["mathematics", "ngspice", "mathematics", "ngspice", "ngspice"]
        loss_name = summary["loss_name"]
        described = {"units": LOSSES[loss_name].unit, "long_name": loss_name}
        try:
            variables = {
                "loss": ("score", of("loss"), described),
                "accuracy": ("score", of("accuracy"), {"units": "1"}),
                "passes": ("score", count("passes"), {"units": "1"}),
                "doubtful": ("score", count("doubtful"), {"units": "1"}),
            }
        except (LookupError, AttributeError, TypeError, ValueError):
            raise UserError(f"{self.path / 'summary.json'}: {_AGAIN}") from None
        places = {"score": list(SCORES), "engine": ("score", engines)}
        return xr.Dataset(variables, places, {"title": self.title})

    @property
    def history(self) -> "xr.Dataset":
        """Training, epoch by epoch.

        `loss` (learner, epoch, sample) in V² or nat, `skipped` and `doubtful` (learner, epoch),
        counts, and `training_deviation` (epoch) in V.

        Raises:
            UserError: the folder holds no `results.nc`, or a damaged one.
        """
        return self.results[["loss", "skipped", "doubtful", "training_deviation"]]

    @cached_property
    def deviation(self) -> "xr.DataArray":
        """Ngspice − mathematics at the same weights and noise, V, by `pass` and `node`.

        Raises:
            UserError: the run has none: it has no circuit, or was stopped before it was measured.
        """
        if "ngspice" not in self.results:
            why = "was stopped before it" if self.has_circuit else "has no circuit in ngspice that"
            raise UserError(f"{self.path}: the run {why} was compared with the mathematics")
        found = self.results["ngspice"] - self.results["mathematics"]
        found.attrs = {"units": "V", "long_name": f"ngspice - {self.results.attrs['twin']}"}
        return found.rename("deviation")

    @cached_property
    def weights(self) -> "dict[str, xr.Dataset]":
        """By learner, and "start": `W1` (neuron1, input1), `b1`, `decor1` (input1, unit1), ….

        Weights and decorrelation in V/V, biases in V.

        Raises:
            UserError: the folder holds no `weights.npz`, a damaged one, or one that lacks an array.
        """
        kinds = {"W": "weights, V/V", "b": "biases, V", "decor": "decorrelation, V/V"}
        learners = dict.fromkeys(n.partition("_W")[0] for n in self._arrays if "_W" in n)
        found: dict[str, xr.Dataset] = {}
        for learner in learners:
            variables: dict[str, Any] = {}
            for layer in self._layers:
                neurons, inputs = f"neuron{layer}", f"input{layer}"
                over = {"W": (neurons, inputs), "b": (neurons,), "decor": (inputs, f"unit{layer}")}
                for kind, dims in over.items():
                    array = self._array(f"{learner}_{kind}{layer}")
                    variables[f"{kind}{layer}"] = (dims, array, {"long_name": kinds[kind]})
            found[learner] = self._of_layers(variables, bias=False)
        return found

    @cached_property
    def resistors(self) -> "dict[str, xr.Dataset]":
        """R+ and R− "before" and "after" training, Ω: `R_plus1` (neuron1, input1), ….

        Biases are the last column, `bias`. Nothing without a circuit.

        Raises:
            UserError: as of `weights`.
        """
        found: dict[str, xr.Dataset] = {}
        for when, mark in (("before", "start_"), ("after", "")):
            variables: dict[str, Any] = {}
            for layer in self._layers if self.has_circuit else ():
                over = (f"neuron{layer}", f"input{layer}")
                for sign in ("plus", "minus"):
                    array = self._array(f"{mark}r_{sign}{layer}")
                    variables[f"R_{sign}{layer}"] = (over, array, {"units": "Ω"})
            if variables:
                found[when] = self._of_layers(variables, bias=self.config.network.biases)
        return found

    @cached_property
    def waveforms(self) -> "xr.Dataset | None":
        """Node voltages over a pair of passes, V over s; None where none were simulated.

        Raises:
            UserError: the file is damaged.
        """
        return self._dataset(WAVEFORMS)

    @property
    def attribution(self) -> Mapping[str, Any] | None:
        """What `sim.attribute` found in the run; None where it was not asked."""
        path = self.path / ATTRIBUTION
        return _read_json(path) if path.is_file() else None

    def waves(self, number: int, nodes: str | Sequence[str] = ()) -> "xr.Dataset":
        """Simulate an evaluation pass again, whole, every resistor in place.

        Args:
            number: of the pass, from 1, as in `results`.
            nodes: names in the deck; inputs, noise and every measured node by default.

        Returns:
            Voltages over `time`, V over s.

        Raises:
            UserError: no such pass or node, or a run that did not finish or has no circuit.
            SimulationError: ngspice failed.
        """
        from sim.waves.replay import waves_of_run  # noqa: PLC0415  # with the simulator

        chosen = (nodes,) if isinstance(nodes, str) else nodes
        return waves_of_run(self.path, number, chosen).to_dataset()

    def report(self, out: Path | str | None = None) -> Path:
        """Write the report, a page for a browser.

        Args:
            out: file; `report.html` in the run's folder by default.
        """
        from sim.report.writing import write_report  # noqa: PLC0415  # templates, and half a second

        return write_report([self], self.path / REPORT if out is None else Path(out))

    @property
    def _layers(self) -> range:
        return range(1, len(self.config.network.layers))

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        path = self.path / "weights.npz"
        return read_npz(path, str(path), "wanted what a run wrote; run it again")

    def _array(self, name: str) -> Any:
        if name not in self._arrays:
            raise UserError(f"{self.path / 'weights.npz'}: holds no {name}; run it again")
        return self._arrays[name]

    def _of_layers(self, variables: dict[str, Any], *, bias: bool) -> "xr.Dataset":
        """Arrays over neurons and inputs, with the names of these."""
        import xarray as xr  # noqa: PLC0415

        try:
            return xr.Dataset(variables, self._names(bias=bias))
        except ValueError:  # sizes
            path = self.path / "weights.npz"
            raise UserError(f"{path}: is of another network than {CONFIG}; run it again") from None

    def _names(self, *, bias: bool) -> dict[str, list[str]]:
        """Coordinates: neurons by their pre-activations, inputs by the nodes before them."""
        layers = self.config.network.layers
        named = {}
        for layer in self._layers:
            before = (
                list(input_names(self.config.network))
                if layer == 1
                else [f"x{layer - 1}_{i}" for i in range(1, layers[layer - 1] + 1)]
            )
            named[f"neuron{layer}"] = [f"a{layer}_{j}" for j in range(1, layers[layer] + 1)]
            named[f"input{layer}"] = before + ["bias"] * bias
        return named

    def _dataset(self, name: str) -> "xr.Dataset | None":
        import xarray as xr  # noqa: PLC0415

        path = self.path / name
        if not path.is_file():
            return None
        try:
            return xr.load_dataset(path, engine="scipy")
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            raise UserError(f"{path}: {_AGAIN}") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{path}: {_AGAIN}")
    return content


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
